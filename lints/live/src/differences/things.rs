//! Views, functions, types and roles.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_prover::bind::bind;
use tenantry_prover::catalog::{Catalog, Doubt, Function, Membership, UserType, View};
use tenantry_prover::lower::statements;
use tenantry_prover::tenancy::Tenancy;

use super::canonical::words;
use super::table::ty;
use super::{Told, list};

impl Told<'_> {
    pub(super) fn views(&mut self) {
        let (migrations, database) = (self.migrations, self.database);
        for name in migrations.views.keys().chain(database.views.keys()).collect::<BTreeSet<_>>() {
            self.about("view", name);
            match (migrations.views.get(name), database.views.get(name)) {
                (Some(ours), Some(theirs)) => self.view(ours, theirs),
                (Some(ours), None) => self.tell(Some(ours.span), "the database has no such view".to_owned()),
                (None, Some(_)) => {
                    self.tell(
                        None,
                        "the database has this view, which the migrations do not make".to_owned(),
                    );
                }
                (None, None) => {}
            }
        }
    }

    fn view(&mut self, ours: &View, theirs: &View) {
        let kind = |view: &View| match (view.materialized, view.security_invoker) {
            (true, _) => "materialized",
            (false, true) => "with security_invoker",
            (false, false) => "without security_invoker",
        };
        self.compare(ours.span, "the view is", kind(ours), kind(theirs));
        let (mine, other) = (Read::of(self.migrations, ours), Read::of(self.database, theirs));
        if let (Some(mine), Some(other)) = (mine, other) {
            self.compare(ours.span, "the view has the columns", &list(&mine.columns), &list(&other.columns));
            self.compare(ours.span, "the view reads the tables", &list(&mine.tables), &list(&other.tables));
            self.compare(
                ours.span,
                "the view holds the strings",
                &list(&mine.strings),
                &list(&other.strings),
            );
        }
        self.triggers(&ours.triggers, &theirs.triggers);
    }

    pub(super) fn functions(&mut self) {
        let (migrations, database) = (self.migrations, self.database);
        for name in migrations.functions.keys().chain(database.functions.keys()).collect::<BTreeSet<_>>() {
            self.about("function", name);
            let none = Vec::new();
            let ours = migrations.functions.get(name).unwrap_or(&none);
            let theirs = database.functions.get(name).unwrap_or(&none);
            for one in ours {
                let same = |other: &&Function| arguments(migrations, one) == arguments(database, other);
                match theirs.iter().find(same) {
                    Some(other) => self.function(one, other),
                    None => {
                        let message =
                            format!("the database has no such function of ({})", arguments(migrations, one));
                        self.tell(Some(one.span), message);
                    }
                }
            }
            for other in theirs {
                let known = ours.iter().any(|one| arguments(migrations, one) == arguments(database, other));
                if !known {
                    let of = arguments(database, other);
                    self.tell(
                        None,
                        format!("the database has this function of ({of}), which the migrations do not make"),
                    );
                }
            }
        }
    }

    fn function(&mut self, ours: &Function, theirs: &Function) {
        let span = ours.span;
        let rights = |function: &Function| if function.security_definer { "its owner" } else { "the caller" };
        self.compare(span, "the function runs with the rights of", rights(ours), rights(theirs));
        self.compare(span, "the function is in", &ours.language, &theirs.language);
        let volatility = |function: &Function| format!("{:?}", function.volatility).to_uppercase();
        self.compare(span, "the function is", &volatility(ours), &volatility(theirs));
        let path =
            |function: &Function| function.search_path.as_deref().map_or("the caller's".to_owned(), list);
        self.compare(span, "the function has for its search path", &path(ours), &path(theirs));
        if let (Some(mine), Some(other)) = (written(ours), written(theirs))
            && mine != other
        {
            self.tell(
                Some(span),
                "the function has another body in the database than in the migrations".to_owned(),
            );
        }
    }

    pub(super) fn types(&mut self) {
        let (migrations, database) = (self.migrations, self.database);
        for name in migrations.types.keys().chain(database.types.keys()).collect::<BTreeSet<_>>() {
            self.about("type", name);
            let said = |catalog: &Catalog, of: Option<&UserType>| match of {
                Some(UserType::Enum) => "an enum".to_owned(),
                Some(UserType::Domain(base, _)) => format!("a domain over {}", ty(catalog, base)),
                Some(UserType::Other) => "a type".to_owned(),
                None => "nothing".to_owned(),
            };
            let ours = said(migrations, migrations.types.get(name));
            let theirs = said(database, database.types.get(name));
            if ours != theirs {
                self.tell(None, format!("it is {ours} in the migrations, and {theirs} in the database"));
            }
        }
    }

    /// Roles are the server's, not the database's: told of are those that the migrations speak of.
    pub(super) fn roles(&mut self) {
        self.kind = "role";
        let (migrations, database) = (self.migrations, self.database);
        for (name, ours) in &migrations.roles {
            self.name.clone_from(name);
            let Some(theirs) = database.roles.get(name) else {
                if ours.created {
                    self.tell(Some(ours.span), "the database's server has no such role".to_owned());
                }
                continue;
            };
            let sees_all = |bypasses: bool| if bypasses { "BYPASSRLS" } else { "NOBYPASSRLS" };
            self.compare(ours.span, "the role has", sees_all(ours.bypasses), sees_all(theirs.bypasses));
            let is_superuser = |superuser: bool| if superuser { "SUPERUSER" } else { "NOSUPERUSER" };
            self.compare(
                ours.span,
                "the role has",
                is_superuser(ours.superuser),
                is_superuser(theirs.superuser),
            );
            let inherits = |inherits: bool| if inherits { "INHERIT" } else { "NOINHERIT" };
            self.compare(ours.span, "the role has", inherits(ours.inherits), inherits(theirs.inherits));
            // Of a membership that the migrations take away it is not known whether others gave it too.
            let open: Vec<&str> = ours
                .member_of
                .iter()
                .filter(|of| of.doubt == Some(Doubt::Gone))
                .map(|of| of.of.as_str())
                .collect();
            let groups = |of: &[Membership]| {
                let known = of.iter().filter(|of| !open.contains(&of.of.as_str()));
                let mut groups: Vec<String> = known
                    .map(|of| match of.doubt {
                        Some(Doubt::NotInherited) => format!("{} (not inherited)", of.of),
                        Some(Doubt::Gone) | None => of.of.clone(),
                    })
                    .collect();
                groups.sort();
                list(&groups)
            };
            self.compare(
                ours.span,
                "the role is a member of",
                &groups(&ours.member_of),
                &groups(&theirs.member_of),
            );
        }
    }
}

/// What a view's query says that a server does not write otherwise.
struct Read {
    columns: Vec<String>,
    tables: Vec<String>,
    strings: Vec<String>,
}

impl Read {
    fn of(catalog: &Catalog, view: &View) -> Option<Read> {
        if view.stale.is_some() {
            return None;
        }
        let read = statements(Dialect::Postgres, &view.query);
        let [statement] = read.as_slice() else { return None };
        let plan = bind(Dialect::Postgres, catalog, &Tenancy::default(), statement);
        if !statement.unread.is_empty() || !plan.obstacles.is_empty() || plan.output.is_empty() {
            return None;
        }
        let columns = match view.columns.is_empty() {
            true => plan.output.iter().map(|(name, _)| name.clone()).collect(),
            false => view.columns.clone(),
        };
        let tables: BTreeSet<String> =
            plan.scans.iter().map(|scan| format!("{}.{}", scan.table.schema, scan.table.name)).collect();
        let strings: BTreeSet<String> = super::canonical::strings(&view.query).into_iter().collect();
        Some(Read { columns, tables: tables.into_iter().collect(), strings: strings.into_iter().collect() })
    }
}

/// The types of the parameters, which tell overloads apart.
fn arguments(catalog: &Catalog, function: &Function) -> String {
    let public = format!("{}.", catalog.default_schema);
    let types = function.signature.iter().map(|name| name.strip_prefix(&public).unwrap_or(name).to_owned());
    types.collect::<Vec<_>>().join(", ")
}

/// A body that the server keeps as it was written, without what sets its words apart; of another it keeps the meaning.
fn written(function: &Function) -> Option<String> {
    let body = words(&function.body);
    let start: String = body.chars().take(12).collect::<String>().to_ascii_lowercase();
    let is_kept =
        function.language != "sql" || !(start.starts_with("begin atomic") || start.starts_with("return "));
    is_kept.then_some(body)
}
