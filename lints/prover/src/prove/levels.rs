//! What a proof takes for granted of rows that name their tenant by several keys.
//!
//! A row of an organization's workspace has the keys of both. A statement that is tied by one of them leaves the other to
//! the schema: where no foreign key holds both, rows of one organization may name another one's workspace.

use std::collections::BTreeSet;

use crate::catalog::{ForeignKey, QualifiedName, Table};
use crate::plan::{Scan, ScanId};
use crate::prove::context::{Class, Names, Prover};
use crate::prove::facts::{Base, Closure};

use crate::tenancy::TableOwner;

impl Prover<'_> {
    /// Notes the keys of scans that are compared with the tenant themselves.
    pub(super) fn note_tied_keys(&mut self, class: &Class, closure: &Closure) {
        for rep in class.reps.iter().filter(|rep| matches!(rep.names, Names::Tenant(_)) && rep.via.is_empty())
        {
            for term in closure.equals_of(&rep.term()) {
                if let (Base::Tenant(tenant), true) = (&term.base, term.via.is_empty()) {
                    self.tied_keys.insert((rep.col, self.whose(*tenant)));
                }
            }
        }
    }

    /// What is taken for granted of the rows that the statement finds: that their keys belong together.
    pub(super) fn keys_belong_together(&self) -> BTreeSet<String> {
        let scans = (0..).map(ScanId).zip(&self.plan.scans);
        let found = scans.filter(|(id, _)| !self.inserted.contains(id)).filter_map(|(_, scan)| {
            let TableOwner::Keyed { keys, .. } = self.tenancy.owner(&scan.table) else { return None };
            let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
            let is_sure = names.len() < 2 || self.all_are_tied(scan, &names) || self.are_held(scan, &names);
            (!is_sure).then(|| {
                let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                format!(
                    "{} of each row of `{}` belong together, though no foreign key holds them",
                    shown.join(" and "),
                    scan.table.name
                )
            })
        });
        found.collect()
    }

    fn all_are_tied(&self, scan: &Scan, keys: &[&str]) -> bool {
        let Some(table) = self.catalog.tables.get(&scan.table) else { return false };
        let col = |name: &str| table.column(name).and_then(|at| scan.cols.get(at)).copied();
        let mut values = self.tied_keys.iter().map(|(_, whose)| *whose);
        values.any(|whose| {
            keys.iter().all(|key| col(key).is_some_and(|col| self.tied_keys.contains(&(col, whose))))
        })
    }

    fn are_held(&self, scan: &Scan, keys: &[&str]) -> bool {
        let table = self.catalog.tables.get(&scan.table);
        let held =
            |table: &Table| self.has_all_rows(scan, table) && self.holds(table, keys, &mut BTreeSet::new());
        table.is_some_and(held)
    }

    /// Whether a foreign key of a table holds these keys together: it has all of them, and leads to a tenant that has them
    /// as its own, or to a table where they are held.
    fn holds(&self, table: &Table, keys: &[&str], seen: &mut BTreeSet<QualifiedName>) -> bool {
        seen.insert(table.name.clone())
            && table.foreign_keys.iter().any(|key| {
                let Some(to) = self.same_keys(table, key, keys) else { return false };
                match (self.tenancy.owner(&key.target), self.catalog.tables.get(&key.target)) {
                    (TableOwner::Root { .. }, _) => true,
                    (TableOwner::Keyed { .. }, Some(target)) => self.holds(target, &to, seen),
                    _ => false,
                }
            })
    }

    /// The columns that a foreign key makes these keys equal to, if it does so for every row and each is such a key too.
    fn same_keys<'k>(&self, table: &Table, key: &'k ForeignKey, keys: &[&str]) -> Option<Vec<&'k str>> {
        if !key.validated || key.deferrable || !table.complete {
            return None;
        }
        let to = keys.iter().map(|name| {
            let at = key.columns.iter().position(|column| column == name)?;
            let to = key.target_columns.get(at)?;
            let column = table.columns.get(table.column(name)?)?;
            let domain = self.exact_domain(&table.name, name)?;
            let is_same = self.exact_domain(&key.target, to) == Some(domain);
            ((column.not_null || key.match_full) && is_same).then_some(to.as_str())
        });
        to.collect()
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use tenantry_policy::Dialect;
    use tenantry_span::FileId;

    use crate::bind::bind;
    use crate::catalog::{Catalog, QualifiedName};
    use crate::lower::{apply, on_deep_stack, statements};
    use crate::prove::prove;
    use crate::tenancy::{Domain, DomainId, TableOwner, TableTenancy, Tenancy};
    use crate::verdict::{Nullability, TenantSource, TenantValue, Verdict};

    const SCHEMA: &str = "
        CREATE TABLE orgs (id bigint PRIMARY KEY);
        CREATE TABLE apps (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs, UNIQUE (org_id, id));
        CREATE TABLE loose (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs, app_id bigint NOT NULL REFERENCES apps);
        CREATE TABLE held (id bigint PRIMARY KEY, org_id bigint NOT NULL, app_id bigint NOT NULL,
            FOREIGN KEY (org_id, app_id) REFERENCES apps (org_id, id), UNIQUE (org_id, app_id, id));
        CREATE TABLE below (held_id bigint, org_id bigint NOT NULL, app_id bigint NOT NULL,
            FOREIGN KEY (app_id, org_id, held_id) REFERENCES held (app_id, org_id, id));
        CREATE TABLE nullable (org_id bigint NOT NULL, app_id bigint, FOREIGN KEY (org_id, app_id) REFERENCES apps (org_id, id));
        CREATE TABLE later (org_id bigint NOT NULL, app_id bigint NOT NULL,
            FOREIGN KEY (org_id, app_id) REFERENCES apps (org_id, id) DEFERRABLE);
        CREATE TABLE parent (org_id bigint NOT NULL, app_id bigint NOT NULL, FOREIGN KEY (org_id, app_id) REFERENCES apps (org_id, id));
        CREATE TABLE child () INHERITS (parent);
        CREATE TABLE unsure (org_id bigint NOT NULL, app_id bigint NOT NULL);
        ALTER TABLE unsure ADD FOREIGN KEY (org_id, app_id) REFERENCES apps (org_id, id) NOT VALID;
        CREATE TABLE below_loose (loose_id bigint NOT NULL REFERENCES loose, org_id bigint NOT NULL, app_id bigint NOT NULL);
    ";

    /// What is taken for granted of the statement, with `$1` for the organization and `$2` for the application.
    fn granted(sql: &str) -> Vec<String> {
        granted_with(sql, false)
    }

    fn granted_with(sql: &str, trust_foreign_keys: bool) -> Vec<String> {
        let name = |name: &str| QualifiedName { schema: "public".to_owned(), name: name.to_owned() };
        let (org, app) = (DomainId(0), DomainId(1));
        let owned = |owner| TableTenancy { owner, why: String::new() };
        let root = |keys: &[(&str, DomainId)]| {
            owned(TableOwner::Root {
                keys: keys.iter().map(|(key, domain)| ((*key).to_owned(), *domain)).collect(),
            })
        };
        let both = || {
            let keys = vec![("org_id".to_owned(), org), ("app_id".to_owned(), app)];
            owned(TableOwner::Keyed { keys, null_is_shared: false })
        };
        let keyed =
            ["loose", "held", "below", "nullable", "later", "parent", "child", "unsure", "below_loose"];
        let mut tenancy = Tenancy {
            domains: vec![Domain { name: "orgs.id".to_owned() }, Domain { name: "apps.id".to_owned() }],
            tables: keyed.iter().map(|table| (name(table), both())).collect(),
            trust_foreign_keys,
            ..Tenancy::default()
        };
        tenancy.tables.insert(name("orgs"), root(&[("id", org)]));
        tenancy.tables.insert(name("apps"), root(&[("id", app), ("org_id", org)]));
        let verdict = on_deep_stack(|| {
            let mut catalog = Catalog::empty(Dialect::Postgres);
            apply(Dialect::Postgres, &mut catalog, FileId(0), SCHEMA);
            assert!(catalog.skipped.is_empty(), "{:?}", catalog.skipped);
            let parsed = statements(Dialect::Postgres, sql);
            let plan = bind(Dialect::Postgres, &catalog, &tenancy, &parsed[0]);
            let tenant = |param, domain| TenantValue {
                sources: [TenantSource::Param(param)].into(),
                nullable: Nullability::Never,
                domain: Some(domain),
                is_own: true,
                ..TenantValue::default()
            };
            prove(&catalog, &tenancy, &plan, &[tenant(1, org), tenant(2, app)])
        });
        match verdict.expect("a deep stack") {
            Verdict::Scoped(proof) => proof.assumptions,
            verdict => panic!("{sql}: {verdict:#?}"),
        }
    }

    #[test]
    fn keys_that_no_foreign_key_holds_together_are_an_assumption() {
        for (table, filter) in [
            ("loose", "org_id = $1"),
            ("loose", "app_id = $2"),
            ("loose", "app_id = $2 AND org_id = $3"),
            ("loose", "app_id = $2 OR app_id = $2 AND org_id = $1"),
            ("nullable", "org_id = $1"),
            ("later", "org_id = $1"),
            ("parent", "org_id = $1"),
            ("unsure", "org_id = $1"),
        ] {
            let text = format!(
                "`org_id` and `app_id` of each row of `{table}` belong together, though no foreign key holds them"
            );
            assert_eq!(granted(&format!("SELECT * FROM {table} WHERE {filter}")), [text], "{table} {filter}");
        }
        let joined = granted("SELECT * FROM apps a JOIN loose l ON l.app_id = a.id WHERE a.org_id = $1");
        assert_eq!(joined.len(), 1, "{joined:?}");
        let deleted = granted("DELETE FROM loose WHERE org_id = $1");
        assert_eq!(deleted.len(), 1, "{deleted:?}");
    }

    #[test]
    fn keys_that_the_schema_or_the_statement_holds_together_are_none() {
        for sql in [
            "SELECT * FROM loose WHERE org_id = $1 AND app_id = $2",
            "SELECT * FROM held WHERE org_id = $1",
            "SELECT * FROM held WHERE app_id = $2",
            "SELECT * FROM below WHERE org_id = $1",
            "SELECT * FROM ONLY parent WHERE org_id = $1",
            "SELECT * FROM apps WHERE org_id = $1",
            "INSERT INTO loose (id, org_id, app_id) VALUES (1, $1, $2)",
        ] {
            assert_eq!(granted(sql), Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn a_trusted_foreign_key_is_an_assumption_where_the_proof_needs_it() {
        let both = "WHERE b.org_id = $1 AND b.app_id = $2";
        let joined = format!("SELECT l.id FROM below_loose b JOIN loose l ON l.id = b.loose_id {both}");
        let told = granted_with(&joined, true);
        assert!(told.iter().any(|text| text.contains("`trust-foreign-keys`")), "{told:?}");
        for sql in [
            format!("SELECT b.loose_id FROM below_loose b {both}"),
            format!("{joined} AND l.org_id = $1 AND l.app_id = $2"),
        ] {
            assert_eq!(granted_with(&sql, true), Vec::<String>::new(), "{sql}");
        }
    }
}
