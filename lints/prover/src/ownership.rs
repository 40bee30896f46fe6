//! Who owns the rows of each table: the policy, written or inferred, applied to the catalog.
//!
//! **Invariant:** a table of which nothing is known, or of which two things could be meant, is `Undeclared`; no table is
//! `Shared` unless the policy says so or a migration tool keeps its books in it.
//! **Invariant:** two key columns are in one domain only if foreign keys lead both to the same column, or if they have the
//! same meaning by name and the same type.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::{Policy, Spanned, TableRule};
use tenantry_span::{Diagnostic, Span, TextRange};

use crate::catalog::{Catalog, ForeignKey, KeyKind, QualifiedName, ReferentialAction, Table};
use crate::tenancy::{Domain, DomainId, TableOwner, TableTenancy, Tenancy};
use crate::types::SqlType;

mod infer;

pub use infer::{Inference, infer, to_toml};

/// Tables in which migration tools and extensions keep their books.
const BOOKKEEPING: &[&str] = &[
    "_sqlx_migrations",
    "refinery_schema_history",
    "__diesel_schema_migrations",
    "seaql_migrations",
    "spatial_ref_sys",
];

/// How many foreign keys are followed from a key column; longer chains are not believed.
const MAX_CHAIN: usize = 32;

/// Applies `policy` to `catalog`. The diagnostics point into the policy file and tell what it names that the schema lacks;
/// a policy without a file gets none.
pub fn resolve(policy: &Policy, catalog: &Catalog) -> (Tenancy, Vec<Diagnostic>) {
    let mut resolver = Resolver::new(policy, catalog);
    resolver.check_names();
    resolver.own_by_policy();
    resolver.own_roots();
    resolver.own_keyed();
    resolver.own_parts();
    resolver.own_bookkeeping();
    resolver.own_children();
    resolver.own_parts();
    resolver.refuse_mixed_parts();
    resolver.undeclare_rest();
    resolver.finish()
}

/// What ties the rows of a table also ties those of a part with this owner.
fn covers(table: &TableOwner, part: &TableOwner) -> bool {
    match (table, part) {
        (_, TableOwner::Shared) => true,
        (
            TableOwner::Keyed { keys, null_is_shared },
            TableOwner::Keyed { keys: theirs, null_is_shared: also },
        ) => keys.iter().all(|key| theirs.contains(key)) && (*also || !null_is_shared),
        _ => table == part,
    }
}

/// A column of a table, as the end of a chain of foreign keys.
type ColumnRef = (QualifiedName, String);

/// A kind of tenant: a key's name and the table of those tenants.
struct Level {
    key: String,
    root: Option<ColumnRef>,
    domain: DomainId,
}

struct Resolver<'a> {
    policy: &'a Policy,
    catalog: &'a Catalog,
    levels: Vec<Level>,
    /// The root's id.
    main: Option<ColumnRef>,
    domains: Vec<Domain>,
    /// Columns that name a tenant, with their domain: root ids, slugs, and whatever keys reference.
    named: BTreeMap<ColumnRef, DomainId>,
    tables: BTreeMap<QualifiedName, TableTenancy>,
    /// Tables of which the policy says something that cannot be applied: they stay undeclared.
    refused: BTreeMap<QualifiedName, String>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    fn new(policy: &'a Policy, catalog: &'a Catalog) -> Resolver<'a> {
        let mut resolver = Resolver {
            policy,
            catalog,
            levels: Vec::new(),
            main: None,
            domains: Vec::new(),
            named: BTreeMap::new(),
            tables: BTreeMap::new(),
            refused: BTreeMap::new(),
            diagnostics: Vec::new(),
        };
        resolver.make_levels();
        resolver
    }

    /// Levels in order: the hierarchy's, outer to inner, then the other keys.
    fn make_levels(&mut self) {
        let main = self.policy.tenancy.root.as_ref().and_then(|root| find_column(self.catalog, &root.value));
        let keys = key_names(self.policy);
        let mut guesses: Vec<Option<RootGuess>> =
            keys.iter().map(|key| root_of_key(self.catalog, key)).collect();
        // The declared root belongs to the key that leads there, or to one of which nothing but the name is known.
        if let Some(main) = &main {
            let exact = |guess: &Option<RootGuess>| guess.as_ref().is_some_and(|guess| guess.column == *main);
            let by_name = |guess: &Option<RootGuess>| {
                guess.as_ref().is_some_and(|guess| guess.foreign_keys == 0 && guess.column.0 == main.0)
            };
            let at = guesses.iter().position(exact).or_else(|| guesses.iter().position(by_name));
            let at = at.or_else(|| guesses.iter().position(Option::is_none));
            if let Some(guess) = at.and_then(|at| guesses.get_mut(at)) {
                *guess = Some(RootGuess { column: main.clone(), foreign_keys: 0 });
            }
        }
        let roots: Vec<Option<ColumnRef>> =
            guesses.into_iter().map(|guess| guess.map(|guess| guess.column)).collect();
        let main = main.or_else(|| roots.iter().flatten().next().cloned());
        let hierarchical = !self.policy.tenancy.hierarchy.is_empty();
        if let Some(main) = &main {
            self.name_column(main.clone());
            self.main = Some(main.clone());
        }
        for (key, root) in keys.into_iter().zip(roots) {
            let domain = match (&root, &main) {
                (Some(root), _) => self.name_column(root.clone()),
                (None, Some(main)) if !hierarchical => self.name_column(main.clone()),
                (None, _) => self.domain(&key),
            };
            self.levels.push(Level { key, root, domain });
        }
        for written in &self.policy.tenancy.root_keys {
            if let Some(column) = find_column(self.catalog, &written.value) {
                self.name_column(column);
            }
        }
        self.name_referenced_root_columns();
    }

    /// Unique columns of a root table that key columns reference are further names of the tenant.
    fn name_referenced_root_columns(&mut self) {
        for table in self.catalog.tables.values() {
            for column in &table.columns {
                if !self.is_key_name(&column.name) {
                    continue;
                }
                for (target, _) in references(table, &column.name) {
                    let is_root = self.is_root(&target.0);
                    let unique =
                        self.catalog.tables.get(&target.0).is_some_and(|table| is_unique(table, &target.1));
                    if is_root && unique && !self.is_key_of_other_level(&target) {
                        self.name_column(target);
                    }
                }
            }
        }
    }

    /// A key column of a root that belongs to another level: `applications.organization_id`.
    fn is_key_of_other_level(&self, column: &ColumnRef) -> bool {
        self.is_key_name(&column.1) && !self.named.contains_key(column)
    }

    fn is_root(&self, table: &QualifiedName) -> bool {
        self.levels.iter().any(|level| level.root.as_ref().is_some_and(|root| root.0 == *table))
            || self.named.keys().any(|(named, _)| named == table)
    }

    fn domain(&mut self, name: &str) -> DomainId {
        let at = self.domains.iter().position(|domain| domain.name == name).unwrap_or_else(|| {
            self.domains.push(Domain { name: name.to_owned() });
            self.domains.len() - 1
        });
        DomainId(u16::try_from(at).unwrap_or(u16::MAX))
    }

    fn name_column(&mut self, column: ColumnRef) -> DomainId {
        let name = format!("{}.{}", display(self.catalog, &column.0), column.1);
        let domain = self.domain(&name);
        self.named.insert(column, domain);
        domain
    }

    fn is_key_name(&self, column: &str) -> bool {
        self.levels.iter().any(|level| level.key.eq_ignore_ascii_case(column))
    }

    fn own_by_policy(&mut self) {
        for (written, rule) in &self.policy.tables {
            let Some(table) = find_table(self.catalog, written) else { continue };
            match &rule.value {
                TableRule::Shared(reason) => {
                    self.own(table, TableOwner::Shared, format!("declared shared: {reason}"));
                }
                TableRule::Key(column) => self.own_by_declared_key(table, column, rule.range),
                TableRule::Child { parent, by } => self.own_by_declared_parent(table, parent, by, rule.range),
            }
        }
    }

    fn own_by_declared_key(&mut self, table: &'a Table, column: &str, range: TextRange) {
        let Some(column) = column_named(table, column) else {
            let near = nearest(column, table.columns.iter().map(|column| column.name.clone()));
            if !table.complete || near.is_some() {
                self.refuse_column(table, column, range);
                return;
            }
            // The policy wants the rows to be tenants', and nothing of them says whose: no query can keep to one.
            let shown = display(self.catalog, &table.name);
            let message =
                format!("table `{shown}` has no column `{column}`, so that no query of it keeps to a tenant");
            self.diagnostics
                .extend(self.policy.file.map(|file| Diagnostic::warning(Span::new(file, range), message)));
            let keys = vec![(column.to_owned(), self.domain(column))];
            let why = format!("declared: key column `{column}`, which the table does not have");
            self.own(table, TableOwner::Keyed { keys, null_is_shared: false }, why);
            return;
        };
        let (domain, why) = self.domain_of(table, &column);
        let null_is_shared = self.null_is_shared(table);
        let owner = TableOwner::Keyed { keys: vec![(column.clone(), domain)], null_is_shared };
        self.own(table, owner, format!("declared: key column `{column}`{why}"));
    }

    fn own_by_declared_parent(&mut self, table: &'a Table, parent: &str, by: &str, range: TextRange) {
        let Some(by) = column_named(table, by) else {
            self.refuse_column(table, by, range);
            return;
        };
        let Some(parent_table) = find_table(self.catalog, parent) else {
            let near = nearest(parent, self.catalog.tables.keys().map(|name| display(self.catalog, name)));
            self.tell(range, format!("the schema has no table `{parent}`"), near);
            self.refused.insert(table.name.clone(), format!("its declared parent `{parent}` does not exist"));
            return;
        };
        let Some(parent_column) = parent_column(table, &by, parent_table) else {
            let help = "Name a parent with a unique column, or give the table a key column.".to_owned();
            let message = format!("nothing says which unique column of `{parent}` `{by}` refers to");
            self.tell(range, message, Some(help));
            self.refused
                .insert(table.name.clone(), format!("`{by}` refers to no unique column of `{parent}`"));
            return;
        };
        let why = format!("declared: belongs to `{parent}` by `{by}`");
        let parent = parent_table.name.clone();
        // What names a tenant there does so here.
        let is_alike = same_kind(
            &column_type(self.catalog, table, &by),
            &column_type(self.catalog, parent_table, &parent_column),
        );
        let named = self.named.get(&(parent.clone(), parent_column.clone())).copied();
        if let Some(domain) = named.filter(|_| is_alike) {
            let null_is_shared = self.null_is_shared(table);
            self.own(table, TableOwner::Keyed { keys: vec![(by, domain)], null_is_shared }, why);
            return;
        }
        self.own(table, TableOwner::Child { parent, by, parent_column }, why);
    }

    fn refuse_column(&mut self, table: &Table, column: &str, range: TextRange) {
        let shown = display(self.catalog, &table.name);
        let near = nearest(column, table.columns.iter().map(|column| column.name.clone()));
        self.tell(range, format!("table `{shown}` has no column `{column}`"), near);
        self.refused.insert(table.name.clone(), format!("its declared column `{column}` does not exist"));
    }

    fn own_roots(&mut self) {
        let mut roots: BTreeMap<QualifiedName, Vec<String>> = BTreeMap::new();
        // The id comes first, whatever the order of names.
        let ids = self.levels.iter().filter_map(|level| level.root.clone());
        for (table, column) in self.main.iter().cloned().chain(ids).chain(self.named.keys().cloned()) {
            let columns = roots.entry(table).or_default();
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        for (name, columns) in roots {
            let Some(table) = self.catalog.tables.get(&name) else { continue };
            if self.tables.contains_key(&name) || self.refused.contains_key(&name) {
                continue;
            }
            let mut keys: Vec<(String, DomainId)> = columns
                .into_iter()
                .filter_map(|column| Some((column.clone(), *self.named.get(&(name.clone(), column))?)))
                .collect();
            let outer = self.outer_keys(table, &keys);
            let of = outer.iter().map(|(column, _)| format!("`{column}`")).collect::<Vec<_>>().join(", ");
            let suffix = if of.is_empty() { String::new() } else { format!("; also keyed by {of}") };
            keys.extend(outer);
            let id = keys.first().map_or("", |(column, _)| column.as_str()).to_owned();
            self.own(
                table,
                TableOwner::Root { keys },
                format!("each row is a tenant, named by `{id}`{suffix}"),
            );
        }
    }

    /// Key columns of levels outside the one whose root `table` is.
    fn outer_keys(&mut self, table: &'a Table, own: &[(String, DomainId)]) -> Vec<(String, DomainId)> {
        let of_table = |level: &Level| level.root.as_ref().is_some_and(|root| root.0 == table.name);
        let hierarchy = self.policy.tenancy.hierarchy.len();
        let limit = match self.levels.iter().position(of_table) {
            Some(at) if at < hierarchy => at,
            _ => self.levels.len(),
        };
        let outer: Vec<String> = self
            .levels
            .iter()
            .take(limit)
            .filter(|level| !of_table(level))
            .filter_map(|level| column_named(table, &level.key))
            .filter(|column| own.iter().all(|(known, _)| known != column))
            .collect();
        let keys = outer.into_iter().map(|column| {
            let (domain, _) = self.domain_of(table, &column);
            (column, domain)
        });
        keys.collect::<Vec<_>>()
            .into_iter()
            .filter(|(_, domain)| own.iter().all(|key| key.1 != *domain))
            .collect()
    }

    fn own_keyed(&mut self) {
        for table in self.catalog.tables.values() {
            if self.tables.contains_key(&table.name) || self.refused.contains_key(&table.name) {
                continue;
            }
            // Inner levels first: the nearest owner is what a person looks for.
            let names: Vec<String> =
                self.levels.iter().rev().filter_map(|level| column_named(table, &level.key)).collect();
            let mut keys: Vec<(String, DomainId)> = Vec::new();
            let mut why = Vec::new();
            for column in names {
                if keys.iter().any(|(known, _)| *known == column) {
                    continue;
                }
                let (domain, reason) = self.domain_of(table, &column);
                why.push(format!("`{column}`{reason}"));
                keys.push((column, domain));
            }
            if keys.is_empty() {
                continue;
            }
            let null_is_shared = self.null_is_shared(table);
            let shared = if null_is_shared { "; rows without one are shared" } else { "" };
            let why = format!("key column {}{shared}", why.join(" and "));
            self.own(table, TableOwner::Keyed { keys, null_is_shared }, why);
        }
    }

    /// The domain of a key column, and a reason to append to a sentence.
    fn domain_of(&mut self, table: &'a Table, column: &str) -> (DomainId, String) {
        if let Some(end) = self.chain_end(table, column) {
            let name = format!("{}.{}", display(self.catalog, &end.0), end.1);
            let domain = match self.named.get(&end) {
                Some(domain) => *domain,
                None => self.domain(&name),
            };
            return (domain, format!(", which references {name}"));
        }
        let level = self.levels.iter().find(|level| level.key.eq_ignore_ascii_case(column));
        let main = self.policy.tenancy.hierarchy.is_empty();
        let level = level.or_else(|| self.levels.first().filter(|_| main));
        let ty = column_type(self.catalog, table, column);
        let Some(level) = level else { return (self.domain(column), String::new()) };
        let (key, domain) = (level.key.clone(), level.domain);
        let named = self.named.iter().find(|(_, known)| **known == domain).map(|(column, _)| column.clone());
        let expected = match &named {
            Some((root, id)) => {
                let root = self.catalog.tables.get(root);
                root.map_or(SqlType::Unknown, |root| column_type(self.catalog, root, id))
            }
            None => first_type(self.catalog, &key),
        };
        if same_kind(&ty, &expected) {
            return (domain, String::new());
        }
        (
            self.domain(&format!("{column} as {}", kind(&ty))),
            ", of another type than the root's id".to_owned(),
        )
    }

    /// Where the foreign keys of a column lead: to a column that names a tenant, or to the first that is no key.
    fn chain_end(&self, table: &'a Table, column: &str) -> Option<ColumnRef> {
        let mut at: ColumnRef = (table.name.clone(), column.to_owned());
        let mut seen = BTreeSet::new();
        let mut end = None;
        for _ in 0..MAX_CHAIN {
            if !seen.insert(at.clone()) {
                break;
            }
            let Some(table) = self.catalog.tables.get(&at.0) else { break };
            let targets = references(table, &at.1);
            let named = targets.iter().find(|(target, _)| self.named.contains_key(target));
            if let Some((target, _)) = named {
                return Some(target.clone());
            }
            // The narrowest foreign key says most of what the column means.
            let Some((target, _)) = targets.into_iter().find(|(target, _)| target.0 != at.0) else { break };
            if !self.is_key_name(&target.1) {
                end = Some(target.clone());
            }
            at = target;
        }
        end
    }

    /// Declared of the table, or of one whose rows its rows are too.
    fn null_is_shared(&self, table: &Table) -> bool {
        let declared = self.policy.tenancy.null_is_shared.iter();
        let mut named = declared.filter_map(|name| find_table(self.catalog, &name.value));
        named.any(|named| {
            named.name == table.name
                || self.catalog.descendants(&named.name).iter().any(|part| part.name == table.name)
        })
    }

    /// Partitions and inheritance children hold rows of their parent.
    fn own_parts(&mut self) {
        for table in self.catalog.tables.values() {
            if self.tables.contains_key(&table.name) || self.refused.contains_key(&table.name) {
                continue;
            }
            let Some((parent, owner)) = self.owned_ancestor(table) else { continue };
            let why = format!("part of `{}`", display(self.catalog, &parent));
            self.own(table, owner, why);
        }
    }

    fn owned_ancestor(&self, table: &Table) -> Option<(QualifiedName, TableOwner)> {
        let mut queue: Vec<&QualifiedName> = table.partition_of.iter().chain(&table.inherits).collect();
        let mut seen = BTreeSet::new();
        while let Some(parent) = queue.pop() {
            if !seen.insert(parent) {
                continue;
            }
            match self.tables.get(parent).map(|known| &known.owner) {
                None | Some(TableOwner::Undeclared) => {}
                // A tenant is one row; its parts are tenants as well.
                Some(owner) => return Some((parent.clone(), owner.clone())),
            }
            if let Some(above) = self.catalog.tables.get(parent) {
                queue.extend(above.partition_of.iter().chain(&above.inherits));
            }
        }
        None
    }

    fn own_bookkeeping(&mut self) {
        for table in self.catalog.tables.values() {
            let known = self.tables.contains_key(&table.name) || self.refused.contains_key(&table.name);
            if !known && BOOKKEEPING.contains(&table.name.name.as_str()) {
                self.own(
                    table,
                    TableOwner::Shared,
                    "bookkeeping of a migration tool or an extension".to_owned(),
                );
            }
        }
    }

    /// Tables that belong to an owned table by a foreign key.
    fn own_children(&mut self) {
        self.drop_unfounded_children();
        let reaching = self.reaching_owned();
        let mut chosen: BTreeMap<QualifiedName, &ForeignKey> = BTreeMap::new();
        for name in &reaching {
            let Some(table) = self.catalog.tables.get(name) else { continue };
            match choose(table, self.parents(table, &reaching)) {
                Choice::One(key) => {
                    chosen.insert(name.clone(), key);
                }
                Choice::Several(keys) => {
                    let list: Vec<String> = keys.iter().map(|key| self.show_reference(key)).collect();
                    let why = format!("belongs to one of several owners: {}", list.join(", "));
                    self.refused.insert(name.clone(), why);
                }
            }
        }
        for (name, key) in &chosen {
            let Some(table) = self.catalog.tables.get(name) else { continue };
            if !self.leads_to_owner(name, &chosen) {
                let why =
                    format!("references `{}`, whose owner is not known", display(self.catalog, &key.target));
                self.refused.insert(name.clone(), why);
                continue;
            }
            self.own_child(table, key);
        }
    }

    fn own_child(&mut self, table: &'a Table, key: &ForeignKey) {
        let (Some(by), Some(parent_column)) = (key.columns.first(), key.target_columns.first()) else {
            return;
        };
        let how = match (is_not_null(table, by), &key.on_delete) {
            (true, ReferentialAction::Cascade) => " (NOT NULL, ON DELETE CASCADE)",
            (true, _) => " (NOT NULL)",
            (false, _) => " (nullable)",
        };
        let shown = self.show_reference(key);
        // A reference to a column that names a tenant is a tenant key under another name.
        let target = (key.target.clone(), parent_column.clone());
        if let Some(domain) = self.named.get(&target).copied() {
            let null_is_shared = self.null_is_shared(table);
            let owner = TableOwner::Keyed { keys: vec![(by.clone(), domain)], null_is_shared };
            self.own(table, owner, format!("references a tenant: {shown}{how}"));
            return;
        }
        let (parent, by, parent_column) = (key.target.clone(), by.clone(), parent_column.clone());
        self.own(
            table,
            TableOwner::Child { parent, by, parent_column },
            format!("belongs to its parent: {shown}{how}"),
        );
    }

    /// Declared children whose chain of parents ends nowhere.
    fn drop_unfounded_children(&mut self) {
        let none = BTreeMap::new();
        let mut unfounded = Vec::new();
        for (name, tenancy) in &self.tables {
            let TableOwner::Child { parent, .. } = &tenancy.owner else { continue };
            let parent_is_free = !self.tables.contains_key(parent) && !self.refused.contains_key(parent);
            // An undeclared parent may yet become a child of an owned table; it is looked at again at the end.
            if !parent_is_free && !self.leads_to_owner(name, &none) && !self.leads_to_free(name) {
                unfounded.push(name.clone());
            }
        }
        for name in unfounded {
            self.tables.remove(&name);
            self.refused.insert(name, "its declared parents lead to no owned table".to_owned());
        }
    }

    fn leads_to_free(&self, name: &QualifiedName) -> bool {
        let mut at = name.clone();
        for _ in 0..=self.catalog.tables.len() {
            match self.tables.get(&at).map(|tenancy| &tenancy.owner) {
                Some(TableOwner::Child { parent, .. }) => at = parent.clone(),
                Some(_) => return false,
                None => return !self.refused.contains_key(&at),
            }
        }
        false
    }

    /// Follows parents, known and `chosen`, to a table with a key. Circles end in false.
    fn leads_to_owner(&self, name: &QualifiedName, chosen: &BTreeMap<QualifiedName, &ForeignKey>) -> bool {
        let mut at = name.clone();
        for _ in 0..=self.catalog.tables.len() {
            at = match self.tables.get(&at).map(|tenancy| &tenancy.owner) {
                Some(TableOwner::Keyed { .. } | TableOwner::Root { .. }) => return true,
                Some(TableOwner::Child { parent, .. }) => parent.clone(),
                Some(TableOwner::Shared | TableOwner::Undeclared) => return false,
                None => match chosen.get(&at) {
                    Some(key) => key.target.clone(),
                    None => return false,
                },
            };
        }
        false
    }

    /// Tables without an owner that reach an owned one by foreign keys.
    fn reaching_owned(&self) -> BTreeSet<QualifiedName> {
        let mut reaching = BTreeSet::new();
        loop {
            let before = reaching.len();
            for table in self.catalog.tables.values() {
                let free = !self.tables.contains_key(&table.name) && !self.refused.contains_key(&table.name);
                if free && !self.parents(table, &reaching).is_empty() {
                    reaching.insert(table.name.clone());
                }
            }
            if reaching.len() == before {
                return reaching;
            }
        }
    }

    fn parents(&self, table: &'a Table, reaching: &BTreeSet<QualifiedName>) -> Vec<&'a ForeignKey> {
        let owned = |key: &ForeignKey| {
            let known = self.tables.get(&key.target).map(|tenancy| &tenancy.owner);
            let owned = matches!(
                known,
                Some(TableOwner::Keyed { .. } | TableOwner::Root { .. } | TableOwner::Child { .. })
            );
            owned || reaching.contains(&key.target)
        };
        table.foreign_keys.iter().filter(|key| self.is_owning(table, key) && owned(key)).collect()
    }

    /// A foreign key that can say whose the row is: one column, to a unique column of another table.
    fn is_owning(&self, table: &Table, key: &ForeignKey) -> bool {
        let ([_], [target]) = (key.columns.as_slice(), key.target_columns.as_slice()) else { return false };
        let unique = self.catalog.tables.get(&key.target).is_some_and(|table| is_unique(table, target));
        unique && key.target != table.name
    }

    fn show_reference(&self, key: &ForeignKey) -> String {
        let target = display(self.catalog, &key.target);
        format!("`{}` references {target}.{}", key.columns.join(", "), key.target_columns.join(", "))
    }

    /// A table's rows are also those of its parts, whose owner must be told by the same columns.
    fn refuse_mixed_parts(&mut self) {
        let owner = |name: &QualifiedName| self.tables.get(name).map(|known| &known.owner);
        let mut mixed: Vec<(QualifiedName, String)> = Vec::new();
        for table in self.catalog.tables.values() {
            let Some(own) = owner(&table.name) else { continue };
            let parts = self.catalog.descendants(&table.name);
            let other = parts.iter().find(|part| owner(&part.name).is_none_or(|theirs| !covers(own, theirs)));
            if let Some(part) = other {
                let part = display(self.catalog, &part.name);
                mixed.push((table.name.clone(), format!("its part `{part}` has another owner")));
            }
        }
        for (name, why) in mixed {
            self.tables.remove(&name);
            self.refused.insert(name, why);
        }
    }

    fn undeclare_rest(&mut self) {
        let unfounded: Vec<QualifiedName> = self
            .tables
            .iter()
            .filter(|(_, tenancy)| matches!(tenancy.owner, TableOwner::Child { .. }))
            .map(|(name, _)| name.clone())
            .filter(|name| !self.leads_to_owner(name, &BTreeMap::new()))
            .collect();
        for name in unfounded {
            self.tables.remove(&name);
            self.refused.insert(name, "its parents lead to no owned table".to_owned());
        }
        for table in self.catalog.tables.values() {
            if self.tables.contains_key(&table.name) {
                continue;
            }
            let reason = match self.refused.get(&table.name) {
                Some(reason) => reason.clone(),
                None => "no key column, and no foreign key to a table that has one".to_owned(),
            };
            let shown = display(self.catalog, &table.name);
            let why = format!(
                "{reason}; say in [tables]: \"{shown}\" = {{ key = \"…\" }}, {{ parent = \"…\", by = \"…\" }} or {{ shared = \"why\" }}"
            );
            self.own(table, TableOwner::Undeclared, why);
        }
    }

    fn own(&mut self, table: &Table, owner: TableOwner, why: String) {
        self.tables.insert(table.name.clone(), TableTenancy { owner, why });
    }

    /// Tells what the policy names and the schema lacks. An empty schema is told elsewhere.
    fn check_names(&mut self) {
        if self.catalog.tables.is_empty() {
            return;
        }
        let tenancy = &self.policy.tenancy;
        for key in tenancy.keys.iter().chain(&tenancy.hierarchy) {
            self.check_key(key);
        }
        for written in tenancy.root.iter().chain(&tenancy.root_keys) {
            self.check_column(written);
        }
        for written in &tenancy.null_is_shared {
            self.check_table(&written.value, written.range);
        }
        for (written, rule) in &self.policy.tables {
            self.check_table(written, rule.range);
        }
    }

    fn check_key(&mut self, key: &Spanned<String>) {
        let mut columns = self.catalog.tables.values().flat_map(|table| &table.columns);
        if columns.any(|column| column.name.eq_ignore_ascii_case(&key.value)) {
            return;
        }
        let columns = self.catalog.tables.values().flat_map(|table| &table.columns);
        let near = nearest(&key.value, columns.map(|column| column.name.clone()));
        self.tell(key.range, format!("no table has a column `{}`", key.value), near);
    }

    fn check_column(&mut self, written: &Spanned<String>) {
        if find_column(self.catalog, &written.value).is_some() {
            return;
        }
        let Some((table, column)) = written.value.rsplit_once('.') else {
            let message = format!("`{}` names no column", written.value);
            self.tell(written.range, message, Some("Write it as `table.column`.".to_owned()));
            return;
        };
        match find_table(self.catalog, table) {
            None => self.check_table(table, written.range),
            Some(found) => {
                let near = nearest(column, found.columns.iter().map(|column| column.name.clone()));
                self.tell(written.range, format!("table `{table}` has no column `{column}`"), near);
            }
        }
    }

    fn check_table(&mut self, written: &str, range: TextRange) {
        if find_table(self.catalog, written).is_some() {
            return;
        }
        let near = nearest(written, self.catalog.tables.keys().map(|name| display(self.catalog, name)));
        self.tell(range, format!("the schema has no table `{written}`"), near);
    }

    fn tell(&mut self, range: TextRange, message: String, help: Option<String>) {
        let Some(file) = self.policy.file else { return };
        let mut diagnostic = Diagnostic::error(Span::new(file, range), message);
        diagnostic.help.extend(help);
        self.diagnostics.push(diagnostic);
    }

    fn finish(self) -> (Tenancy, Vec<Diagnostic>) {
        let trust = &self.policy.trust;
        let functions = trust.functions.iter();
        // Which of several databases it is, is for the caller to say.
        let database = match self.policy.databases.as_slice() {
            [database] => Some(database),
            _ => None,
        };
        let role = |name: &Option<Spanned<String>>| name.as_ref().map(|name| name.value.clone());
        let tenancy = Tenancy {
            domains: self.domains,
            tables: self.tables,
            trust_foreign_keys: self.policy.tenancy.trust_foreign_keys,
            strict_errors: self.policy.tenancy.strict_errors,
            settings: trust.setting.iter().map(|setting| setting.value.to_lowercase()).collect(),
            app_role: database.and_then(|database| role(&database.app_role)),
            owner_role: database.and_then(|database| role(&database.owner_role)),
            trusted_functions: functions
                .map(|(name, why)| (name.to_lowercase(), why.value.clone()))
                .collect(),
        };
        (tenancy, self.diagnostics)
    }
}

enum Choice<'a> {
    One(&'a ForeignKey),
    Several(Vec<&'a ForeignKey>),
}

/// Which of several foreign keys says whose the row is: the only one; else the only one that cannot be NULL and takes the
/// row with it when the parent goes; else the only one of these, or of those that cannot be NULL, in the primary key.
fn choose<'a>(table: &Table, keys: Vec<&'a ForeignKey>) -> Choice<'a> {
    if let [only] = keys.as_slice() {
        return Choice::One(only);
    }
    let by = |key: &ForeignKey| key.columns.first().cloned().unwrap_or_default();
    let not_null: Vec<&ForeignKey> =
        keys.iter().copied().filter(|key| is_not_null(table, &by(key))).collect();
    let cascading: Vec<&ForeignKey> =
        not_null.iter().copied().filter(|key| key.on_delete == ReferentialAction::Cascade).collect();
    if let [only] = cascading.as_slice() {
        return Choice::One(only);
    }
    let identifying =
        |key: &&ForeignKey| table.primary_key().is_some_and(|primary| primary.columns.contains(&by(key)));
    let among = if cascading.is_empty() { not_null } else { cascading };
    let identifying: Vec<&ForeignKey> = among.into_iter().filter(identifying).collect();
    match identifying.as_slice() {
        [only] => Choice::One(only),
        _ => Choice::Several(keys),
    }
}

/// The column of `parent` that `by` refers to: what a foreign key says, else a single-column primary key, else the unique
/// column of the same name.
fn parent_column(table: &Table, by: &str, parent: &Table) -> Option<String> {
    let referenced = references(table, by).into_iter().find(|(target, _)| target.0 == parent.name);
    if let Some((target, true)) = referenced {
        return is_unique(parent, &target.1).then_some(target.1);
    }
    if let Some([only]) = parent.primary_key().map(|key| key.columns.as_slice()) {
        return Some(only.clone());
    }
    column_named(parent, by).filter(|column| is_unique(parent, column))
}

/// The columns that foreign keys of `column` reference, narrowest foreign key first, with whether it stands alone in it.
fn references(table: &Table, column: &str) -> Vec<(ColumnRef, bool)> {
    let mut keys: Vec<&ForeignKey> =
        table.foreign_keys.iter().filter(|key| key.columns.iter().any(|name| name == column)).collect();
    keys.sort_by_key(|key| key.columns.len());
    let target = |key: &&ForeignKey| {
        let at = key.columns.iter().position(|name| name == column)?;
        let column = key.target_columns.get(at)?.clone();
        Some(((key.target.clone(), column), key.columns.len() == 1))
    };
    keys.iter().filter_map(target).collect()
}

/// True if no two rows have the same value in `column`.
fn is_unique(table: &Table, column: &str) -> bool {
    table.keys.iter().any(|key| {
        matches!(key.kind, KeyKind::Primary | KeyKind::Unique)
            && matches!(key.columns.as_slice(), [only] if only == column)
            && !key.has_expressions
            && key.predicate.is_none()
    })
}

fn is_not_null(table: &Table, column: &str) -> bool {
    table.columns.iter().any(|known| known.name == column && known.not_null)
}

fn column_named(table: &Table, name: &str) -> Option<String> {
    let exact = table.columns.iter().find(|column| column.name == name);
    let found = exact.or_else(|| table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)));
    found.map(|column| column.name.clone())
}

/// The names of all keys: the hierarchy's first, outer to inner.
fn key_names(policy: &Policy) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for key in policy.tenancy.hierarchy.iter().chain(&policy.tenancy.keys) {
        if !names.contains(&key.value) {
            names.push(key.value.clone());
        }
    }
    names
}

/// The table of tenants that a key stands for, and how that is known.
struct RootGuess {
    column: ColumnRef,
    /// How many foreign keys say so; 0 where only the name does.
    foreign_keys: usize,
}

/// What a key column's foreign keys agree on, else a table named after the key.
fn root_of_key(catalog: &Catalog, key: &str) -> Option<RootGuess> {
    let mut votes: BTreeMap<ColumnRef, usize> = BTreeMap::new();
    for table in catalog.tables.values() {
        let Some(column) = column_named(table, key) else { continue };
        for (target, alone) in references(table, &column) {
            let root = catalog.tables.get(&target.0);
            if alone && target.0 != table.name && root.is_some_and(|root| is_unique(root, &target.1)) {
                *votes.entry(target).or_default() += 1;
            }
        }
    }
    // The most votes; of equals the one named after the key, then the first by name.
    let best = votes.iter().max_by_key(|(column, votes)| {
        (**votes, is_named_after(&column.0.name, key), std::cmp::Reverse(*column))
    });
    if let Some((column, votes)) = best {
        return Some(RootGuess { column: column.clone(), foreign_keys: *votes });
    }
    let named = catalog.tables.values().filter(|table| is_named_after(&table.name.name, key));
    let mut ids = named.filter_map(|table| Some((table.name.clone(), own_id(table, key)?)));
    let first = ids.next()?;
    // Two tables of that name in two schemas: neither is believed.
    if ids.next().is_some() {
        return None;
    }
    Some(RootGuess { column: first, foreign_keys: 0 })
}

/// The unique column by which others would mean a row of a root: the key's own name, `id`, `uuid`, or the primary key.
fn own_id(table: &Table, key: &str) -> Option<String> {
    let (_, suffix) = split_key(key);
    let names = [key, suffix.trim_start_matches('_'), "id"];
    let named = names.iter().filter(|name| !name.is_empty()).filter_map(|name| column_named(table, name));
    let mut unique = named.filter(|column| is_unique(table, column));
    unique.next()
}

/// A key's name as its stem and the rest: `organization__id` is `organization` and `__id`.
fn split_key(key: &str) -> (&str, &str) {
    const SUFFIXES: &[&str] = &["__id", "_id", "__uuid", "_uuid", "uuid", "id"];
    let lower = key.to_ascii_lowercase();
    let suffix = SUFFIXES.iter().find(|suffix| lower.ends_with(**suffix) && lower.len() > suffix.len());
    let at = suffix.map_or(key.len(), |suffix| key.len() - suffix.len());
    key.split_at_checked(at).unwrap_or((key, ""))
}

/// True if a table is called by the stem of a key, in the singular or the plural.
fn is_named_after(table: &str, key: &str) -> bool {
    let (stem, _) = split_key(key);
    let (table, stem) = (table.to_ascii_lowercase(), stem.to_ascii_lowercase());
    if stem.is_empty() {
        return false;
    }
    let plural = match stem.strip_suffix('y') {
        Some(head) => format!("{head}ies"),
        None => format!("{stem}s"),
    };
    table == stem || table == plural || table == format!("{stem}es") || format!("{table}s") == stem
}

/// The type of a column, domains looked through.
fn column_type(catalog: &Catalog, table: &Table, column: &str) -> SqlType {
    let found = table.columns.iter().find(|known| known.name == column);
    found.map_or(SqlType::Unknown, |column| catalog.resolve_type(&column.ty))
}

fn first_type(catalog: &Catalog, key: &str) -> SqlType {
    let typed = catalog.tables.values().filter_map(|table| {
        let column = column_named(table, key)?;
        Some(column_type(catalog, table, &column))
    });
    typed.filter(|ty| *ty != SqlType::Unknown).min_by_key(kind).unwrap_or(SqlType::Unknown)
}

/// Types whose values can stand for each other in a key; lengths do not matter.
fn kind(ty: &SqlType) -> String {
    match ty {
        SqlType::Text | SqlType::VarcharN(_) | SqlType::Char | SqlType::Name => "text".to_owned(),
        SqlType::Named(name) => name.clone(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// A type that was not read contradicts nothing.
fn same_kind(left: &SqlType, right: &SqlType) -> bool {
    *left == SqlType::Unknown || *right == SqlType::Unknown || kind(left) == kind(right)
}

/// A table by its name as a person writes it: qualified, or found by the search path, or the only one of that name.
pub(crate) fn find_table<'a>(catalog: &'a Catalog, written: &str) -> Option<&'a Table> {
    let lower = written.to_lowercase();
    [written, lower.as_str()].into_iter().find_map(|written| {
        if let Some((schema, name)) = written.split_once('.') {
            return catalog.tables.get(&QualifiedName { schema: schema.to_owned(), name: name.to_owned() });
        }
        let by_path = catalog.search_path.iter().find_map(|schema| {
            catalog.tables.get(&QualifiedName { schema: schema.clone(), name: written.to_owned() })
        });
        by_path.or_else(|| {
            let mut named = catalog.tables.values().filter(|table| table.name.name == written);
            let first = named.next()?;
            named.next().is_none().then_some(first)
        })
    })
}

/// A column by `table.column` or `schema.table.column`.
fn find_column(catalog: &Catalog, written: &str) -> Option<ColumnRef> {
    let (table, column) = written.rsplit_once('.')?;
    let table = find_table(catalog, table)?;
    Some((table.name.clone(), column_named(table, column)?))
}

/// A table's name as a person would write it.
pub(crate) fn display(catalog: &Catalog, name: &QualifiedName) -> String {
    if name.schema == catalog.default_schema || name.schema.is_empty() {
        return name.name.clone();
    }
    format!("{}.{}", name.schema, name.name)
}

/// The nearest of some names, as a help sentence, if it is near enough to be a slip.
fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let limit = (wanted.chars().count() / 3).max(1);
    let scored = names.map(|name| (distance(&wanted.to_lowercase(), &name.to_lowercase()), name));
    let (_, name) = scored.filter(|(score, _)| *score <= limit).min()?;
    Some(format!("Did you mean `{name}`?"))
}

/// The number of characters to insert, delete or replace.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut last = i + 1;
        let mut next = vec![last];
        for (above, r) in row.iter().skip(1).zip(&right) {
            last = (diagonal + usize::from(l != *r)).min(above + 1).min(last + 1);
            diagonal = *above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
