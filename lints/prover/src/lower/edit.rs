//! Changes of a catalog as a database makes them, whoever asks for them: what is dropped or renamed with what.
//!
//! A database knows what a view or a constraint means; the catalog has its text. So a change that the text of a
//! constraint can follow is made in the text, and a view that it cannot follow becomes stale.

use tenantry_policy::Dialect;
use tenantry_span::Span;

use super::scan::{Token, TokenKind, tokens};
use crate::catalog::{
    Catalog, ColumnDefault, Key, QualifiedName, SkippedStatement, Table, UNREAD_BODY, View,
};
use crate::types::SqlType;

/// The longest name that PostgreSQL keeps, in bytes.
const MAX_NAME: usize = 63;

/// What happens to that which depends on what is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behavior {
    /// The database refuses if there is any; what is found nevertheless is no longer understood.
    Restrict,
    /// It is dropped too.
    Cascade,
}

/// Why a statement of a schema, or a part of it, had no effect.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: String,
    /// The table that it would have changed, where that is known.
    pub(super) table: Option<QualifiedName>,
}

impl Refusal {
    pub(super) fn new(why: impl Into<String>) -> Refusal {
        Refusal { why: why.into(), table: None }
    }

    pub(super) fn of(table: &QualifiedName, why: impl Into<String>) -> Refusal {
        Refusal { why: why.into(), table: Some(table.clone()) }
    }
}

/// The result of reading a part of a schema.
pub(super) type Read<T = ()> = Result<T, Refusal>;

/// A catalog being changed.
pub(super) struct Editor<'a> {
    /// The catalog.
    pub(super) catalog: &'a mut Catalog,
}

impl Editor<'_> {
    /// Notes what had no effect; its table or view is then uncertain.
    pub(super) fn skip(&mut self, span: Span, refusal: Refusal) {
        if let Some(table) = refusal.table.as_ref().and_then(|name| self.catalog.tables.get_mut(name)) {
            table.complete = false;
        }
        if let Some(view) = refusal.table.as_ref().and_then(|name| self.catalog.views.get_mut(name)) {
            view.stale.get_or_insert_with(|| "a statement that may change it could not be read".to_owned());
        }
        self.catalog.skipped.push(SkippedStatement { span, why: refusal.why, table: refusal.table });
    }

    /// A name as the database keeps it: cut to its length on PostgreSQL.
    pub(super) fn keep(&self, name: &str) -> String {
        match self.catalog.dialect {
            Dialect::Postgres => clip(name, MAX_NAME).to_owned(),
            Dialect::Mysql | Dialect::Sqlite => name.to_owned(),
        }
    }

    /// The schema in which an unqualified name is created.
    pub(super) fn creation_schema(&self) -> String {
        self.catalog.search_path.first().unwrap_or(&self.catalog.default_schema).clone()
    }

    /// A table or view by the name that a statement gives it; where there is none, the name that it would be created with.
    pub(super) fn resolve(&self, schema: Option<&str>, name: &str) -> QualifiedName {
        let in_schema = |schema: &str| QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
        let known = |found: &QualifiedName| {
            self.catalog.tables.contains_key(found) || self.catalog.views.contains_key(found)
        };
        match schema {
            Some(schema) => in_schema(schema),
            None => {
                let temporary = std::iter::once(TEMPORARY).map(in_schema);
                let on_path = self.catalog.search_path.iter().map(|schema| in_schema(schema));
                let found = temporary.chain(on_path).find(known);
                found.unwrap_or_else(|| in_schema(&self.creation_schema()))
            }
        }
    }

    /// A name for an index or constraint as PostgreSQL makes it: `name1_name2_label`, shortened, with a number where it
    /// is taken. `name2` may be empty.
    pub(super) fn choose_name(&self, schema: &str, name1: &str, name2: &str, label: &str) -> String {
        let mut pass = 0_u32;
        loop {
            let numbered = if pass == 0 { label.to_owned() } else { format!("{label}{pass}") };
            let name = self.object_name(name1, name2, &numbered);
            if !self.is_taken(schema, &name) {
                return name;
            }
            pass += 1;
        }
    }

    fn object_name(&self, name1: &str, name2: &str, label: &str) -> String {
        let separators = if name2.is_empty() { 1 } else { 2 };
        let room = MAX_NAME.saturating_sub(label.len() + separators);
        let (mut first, mut second) = (name1.len(), name2.len());
        while self.catalog.dialect == Dialect::Postgres && first + second > room {
            if first > second {
                first -= 1;
            } else {
                second = second.saturating_sub(1);
            }
        }
        let (name1, name2) = (clip(name1, first), clip(name2, second));
        if name2.is_empty() { format!("{name1}_{label}") } else { format!("{name1}_{name2}_{label}") }
    }

    fn is_taken(&self, schema: &str, name: &str) -> bool {
        let qualified = QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
        let catalog = &*self.catalog;
        let taken_in = |table: &Table| {
            table.keys.iter().any(|key| key.name == name)
                || table.indexes.iter().any(|index| index.name == name)
                || table.foreign_keys.iter().any(|key| key.name == name)
                || table.checks.iter().any(|check| check.name == name)
        };
        let indexed = |view: &View| view.indexes.iter().any(|index| index.name == name);
        catalog.tables.contains_key(&qualified)
            || catalog.views.contains_key(&qualified)
            || catalog.sequences.contains_key(&qualified)
            || catalog.tables.values().filter(|table| table.name.schema == schema).any(taken_in)
            || catalog.views.values().filter(|view| view.name.schema == schema).any(indexed)
    }

    /// Something was dropped with all that depends on it, and what that was is not known: of what may have depended nothing is
    /// sure.
    pub(super) fn dropped_unseen(&mut self, why: &str) {
        let catalog = &mut *self.catalog;
        let own = |ty: &SqlType| {
            let mut ty = ty;
            while let SqlType::Array(of) = ty {
                ty = of;
            }
            matches!(ty, SqlType::Named(_) | SqlType::Unknown)
        };
        for table in catalog.tables.values_mut() {
            if table.columns.iter().any(|column| own(&column.ty)) {
                table.complete = false;
            }
            table.checks.iter_mut().for_each(|check| check.validated = false);
            table.keys.retain(|key| !key.has_expressions && key.predicate.is_none());
            if !table.row_security.policies.is_empty() {
                table.row_security.unsure.get_or_insert_with(|| why.to_owned());
            }
        }
        for function in catalog.functions.values_mut().flatten() {
            UNREAD_BODY.clone_into(&mut function.language);
        }
        for view in catalog.views.values_mut() {
            view.stale.get_or_insert_with(|| why.to_owned());
        }
    }

    /// Drops a table with its partitions, and what depends on them. Says whether it was there.
    pub(super) fn drop_table(&mut self, name: &QualifiedName, behavior: Behavior) -> bool {
        let Some(table) = self.catalog.tables.remove(name) else {
            return false;
        };
        for column in table.columns.iter().filter(|column| column.default == ColumnDefault::Generated) {
            self.catalog.sequences.remove(&owned_sequence(name, &column.name));
        }
        let depends = |table: &&Table| match behavior {
            Behavior::Cascade => table.partition_of.as_ref() == Some(name) || table.inherits.contains(name),
            Behavior::Restrict => table.partition_of.as_ref() == Some(name),
        };
        let children: Vec<_> =
            self.catalog.tables.values().filter(depends).map(|it| it.name.clone()).collect();
        for child in children {
            self.drop_table(&child, behavior);
        }
        // Elsewhere a foreign key may speak of a table that is not there, and means the next one of that name.
        let forgets = self.catalog.dialect == Dialect::Postgres;
        for other in self.catalog.tables.values_mut() {
            other.foreign_keys.retain(|key| key.target != *name || !forgets);
            other.inherits.retain(|parent| parent != name);
        }
        self.relation_lost(name, behavior);
        true
    }

    /// Drops a view and what depends on it. Says whether it was there.
    pub(super) fn drop_view(&mut self, name: &QualifiedName, behavior: Behavior) -> bool {
        let found = self.catalog.views.remove(name).is_some();
        if found {
            self.relation_lost(name, behavior);
        }
        found
    }

    fn relation_lost(&mut self, name: &QualifiedName, behavior: Behavior) {
        // MySQL and SQLite keep the text of a view and look its names up when it is used.
        if self.catalog.dialect != Dialect::Postgres {
            return;
        }
        let views = self.views_over(name);
        match behavior {
            Behavior::Cascade => {
                for view in views {
                    self.drop_view(&view, behavior);
                }
            }
            Behavior::Restrict => {
                self.make_stale(&views, &format!("it names {}, which was dropped", name.name))
            }
        }
    }

    /// The views whose text names a relation. Too many rather than too few.
    fn views_over(&self, name: &QualifiedName) -> Vec<QualifiedName> {
        let over = |view: &&View| names_relation(self.catalog.dialect, &view.query, name);
        self.catalog.views.values().filter(over).map(|view| view.name.clone()).collect()
    }

    fn make_stale(&mut self, views: &[QualifiedName], why: &str) {
        for view in views {
            if let Some(view) = self.catalog.views.get_mut(view) {
                view.stale.get_or_insert_with(|| why.to_owned());
            }
        }
    }

    /// Gives a table or view another name or schema.
    pub(super) fn rename_relation(&mut self, from: &QualifiedName, to: &QualifiedName) {
        // A view of MySQL goes on to name what is no longer there, and its text says so.
        let over = match self.catalog.dialect {
            Dialect::Mysql => Vec::new(),
            Dialect::Postgres | Dialect::Sqlite => self.views_over(from),
        };
        self.make_stale(&over, &format!("it names {}, which was renamed to {}", from.name, to.name));
        if let Some(mut view) = self.catalog.views.remove(from) {
            view.name = to.clone();
            self.catalog.views.insert(to.clone(), view);
        }
        let Some(mut table) = self.catalog.tables.remove(from) else {
            return;
        };
        table.name = to.clone();
        each_expression(&mut table, |text| {
            rename_qualifier(self.catalog.dialect, text, &from.name, &to.name)
        });
        self.catalog.tables.insert(to.clone(), table);
        for other in self.catalog.tables.values_mut() {
            let targets = other.foreign_keys.iter_mut().map(|key| &mut key.target);
            let parents = other.inherits.iter_mut().chain(&mut other.partition_of);
            for name in targets.chain(parents).filter(|name| *name == from) {
                *name = to.clone();
            }
        }
        for function in self.catalog.functions.values_mut().flatten() {
            if function.returns == from.name {
                function.returns = to.name.clone();
            }
        }
    }

    /// Drops a column of one table, and what speaks of it. Says whether it was there.
    pub(super) fn drop_column(&mut self, name: &QualifiedName, column: &str, behavior: Behavior) -> bool {
        let dialect = self.catalog.dialect;
        let Some(table) = self.catalog.tables.get_mut(name) else {
            return false;
        };
        let Some(at) = table.column(column) else {
            return false;
        };
        let removed = table.columns.remove(at);
        table.keys.retain(|key| !key.mentions.iter().any(|it| it == column));
        table.indexes.retain(|index| !index.mentions.iter().any(|it| it == column));
        table.foreign_keys.retain(|key| !key.columns.iter().any(|it| it == column));
        table.checks.retain(|check| !mentions(dialect, &check.expr, column));
        if behavior == Behavior::Cascade {
            table.row_security.policies.retain(|policy| {
                let texts = [&policy.using, &policy.check];
                !texts.into_iter().flatten().any(|text| mentions(dialect, text, column))
            });
        }
        let computed: Vec<_> =
            table.columns.iter().filter(|it| is_computed_from(dialect, it, column)).collect();
        let computed: Vec<_> = computed.into_iter().map(|it| it.name.clone()).collect();
        if removed.default == ColumnDefault::Generated {
            self.catalog.sequences.remove(&owned_sequence(name, column));
        }
        for other in self.catalog.tables.values_mut() {
            let on_column = |target: &[String]| target.iter().any(|it| it == column);
            other.foreign_keys.retain(|key| key.target != *name || !on_column(&key.target_columns));
        }
        if behavior == Behavior::Cascade {
            for column in computed {
                self.drop_column(name, &column, behavior);
            }
        }
        self.column_lost(name, column, behavior);
        true
    }

    fn column_lost(&mut self, table: &QualifiedName, column: &str, behavior: Behavior) {
        let views = self.views_with_column(table, column);
        match behavior {
            Behavior::Cascade => {
                for view in views {
                    self.drop_view(&view, behavior);
                }
            }
            Behavior::Restrict => {
                self.make_stale(&views, &format!("it names {}.{column}, which was dropped", table.name));
            }
        }
    }

    fn views_with_column(&self, table: &QualifiedName, column: &str) -> Vec<QualifiedName> {
        let mut views = self.views_over(table);
        views.retain(|view| {
            let query = self.catalog.views.get(view).map_or("", |view| view.query.as_str());
            mentions(self.catalog.dialect, query, column) || selects_all(self.catalog.dialect, query)
        });
        views
    }

    /// To be called when a table got a column: the columns of a view over it are those of the time it was created.
    pub(super) fn column_added(&mut self, table: &QualifiedName) {
        let mut views = match self.catalog.dialect {
            // SQLite reads a view's text anew for each connection.
            Dialect::Sqlite => return,
            Dialect::Postgres | Dialect::Mysql => self.views_over(table),
        };
        views.retain(|view| {
            let query = self.catalog.views.get(view).map_or("", |view| view.query.as_str());
            selects_all(self.catalog.dialect, query)
        });
        self.make_stale(&views, &format!("it selects all columns of {}, which got another one", table.name));
    }

    /// Renames a column of one table. Says whether it was there.
    pub(super) fn rename_column(&mut self, name: &QualifiedName, from: &str, to: &str) -> bool {
        let dialect = self.catalog.dialect;
        let Some(table) = self.catalog.tables.get_mut(name) else {
            return false;
        };
        let Some(at) = table.column(from) else {
            return false;
        };
        if let Some(column) = table.columns.get_mut(at) {
            column.name = to.to_owned();
        }
        let own = table.keys.iter_mut().flat_map(|key| key.columns.iter_mut().chain(&mut key.mentions));
        replace(own, from, to);
        let own =
            table.indexes.iter_mut().flat_map(|index| index.columns.iter_mut().chain(&mut index.mentions));
        replace(own, from, to);
        replace(table.foreign_keys.iter_mut().flat_map(|key| key.columns.iter_mut()), from, to);
        // A subquery may have columns of that name of its own.
        let policies = table.row_security.policies.iter();
        let mut texts = policies.flat_map(|policy| policy.using.iter().chain(&policy.check));
        if texts.any(|text| mentions(dialect, text, from) && mentions(dialect, text, "select")) {
            table.complete = false;
        }
        each_expression(table, |text| rename_word(dialect, text, from, to));
        for other in self.catalog.tables.values_mut() {
            let keys = other.foreign_keys.iter_mut().filter(|key| key.target == *name);
            replace(keys.flat_map(|key| key.target_columns.iter_mut()), from, to);
        }
        let views = self.views_with_column(name, from);
        self.make_stale(&views, &format!("it names {}.{from}, which was renamed to {to}", name.name));
        true
    }

    /// Drops a constraint by name. Says whether it was there.
    pub(super) fn drop_constraint(
        &mut self,
        name: &QualifiedName,
        constraint: &str,
        behavior: Behavior,
    ) -> bool {
        let Some(table) = self.catalog.tables.get_mut(name) else {
            return false;
        };
        let key = table.keys.iter().position(|key| key.name == constraint).map(|at| table.keys.remove(at));
        let before = (table.foreign_keys.len(), table.checks.len());
        table.foreign_keys.retain(|key| key.name != constraint);
        table.checks.retain(|check| check.name != constraint);
        let found = key.is_some() || before != (table.foreign_keys.len(), table.checks.len());
        if let (Some(key), Behavior::Cascade) = (key, behavior) {
            self.key_lost(name, &key);
        }
        found
    }

    /// Drops the foreign keys that refer to a table by a key.
    fn key_lost(&mut self, name: &QualifiedName, lost: &Key) {
        let same = |columns: &[String]| {
            columns.len() == lost.columns.len() && columns.iter().all(|column| lost.columns.contains(column))
        };
        for other in self.catalog.tables.values_mut() {
            other.foreign_keys.retain(|key| key.target != *name || !same(&key.target_columns));
        }
    }

    /// Drops an index by name. Says whether it was there.
    pub(super) fn drop_index(&mut self, schema: Option<&str>, index: &str, behavior: Behavior) -> bool {
        let Some(owner) = self.index_owner(schema, index) else {
            return false;
        };
        if let Some(view) = self.catalog.views.get_mut(&owner) {
            view.indexes.retain(|it| it.name != index);
        }
        let Some(table) = self.catalog.tables.get_mut(&owner) else {
            return true;
        };
        table.indexes.retain(|it| it.name != index);
        let key = table.keys.iter().position(|key| key.name == index).map(|at| table.keys.remove(at));
        if let (Some(key), Behavior::Cascade) = (key, behavior) {
            self.key_lost(&owner, &key);
        }
        true
    }

    /// Renames an index. Says whether it was there.
    pub(super) fn rename_index(&mut self, schema: Option<&str>, from: &str, to: &str) -> bool {
        let Some(owner) = self.index_owner(schema, from) else {
            return false;
        };
        if let Some(view) = self.catalog.views.get_mut(&owner) {
            replace(view.indexes.iter_mut().map(|index| &mut index.name), from, to);
        }
        if let Some(table) = self.catalog.tables.get_mut(&owner) {
            replace(table.indexes.iter_mut().map(|index| &mut index.name), from, to);
            replace(table.keys.iter_mut().map(|key| &mut key.name), from, to);
        }
        true
    }

    /// The table or view to which an index belongs; it is in the same schema.
    pub(super) fn index_owner(&self, schema: Option<&str>, index: &str) -> Option<QualifiedName> {
        let in_schema = |schema: &str| {
            let mut tables = self.catalog.tables.values().filter(|table| table.name.schema == schema);
            let table = tables.find(|table| {
                table.indexes.iter().any(|it| it.name == index)
                    || table.keys.iter().any(|it| it.name == index)
            });
            let mut views = self.catalog.views.values().filter(|view| view.name.schema == schema);
            let view = views.find(|view| view.indexes.iter().any(|it| it.name == index));
            table.map(|table| table.name.clone()).or_else(|| view.map(|view| view.name.clone()))
        };
        match schema {
            Some(schema) => in_schema(schema),
            None => self.catalog.search_path.iter().find_map(|schema| in_schema(schema)),
        }
    }

    /// Renames a constraint. Says whether it was there.
    pub(super) fn rename_constraint(&mut self, name: &QualifiedName, from: &str, to: &str) -> bool {
        let Some(table) = self.catalog.tables.get_mut(name) else {
            return false;
        };
        let keys = table.keys.iter_mut().map(|key| &mut key.name);
        let foreign = table.foreign_keys.iter_mut().map(|key| &mut key.name);
        let checks = table.checks.iter_mut().map(|check| &mut check.name);
        replace(keys.chain(foreign).chain(checks), from, to)
    }

    /// Drops everything in a schema.
    pub(super) fn drop_schema(&mut self, schema: &str) {
        let tables: Vec<_> =
            self.catalog.tables.keys().filter(|name| name.schema == schema).cloned().collect();
        for name in tables {
            self.drop_table(&name, Behavior::Cascade);
        }
        let views: Vec<_> = self.catalog.views.keys().filter(|name| name.schema == schema).cloned().collect();
        for name in views {
            self.drop_view(&name, Behavior::Cascade);
        }
        let functions: Vec<_> =
            self.catalog.functions.keys().filter(|name| name.schema == schema).cloned().collect();
        for name in functions {
            self.drop_functions(&name, |_| false, Behavior::Cascade);
        }
        self.catalog.sequences.retain(|name, _| name.schema != schema);
        self.catalog.types.retain(|name, _| name.schema != schema);
    }

    /// Renames a schema and everything in it.
    pub(super) fn rename_schema(&mut self, from: &str, to: &str) {
        let moved = |name: &QualifiedName| QualifiedName { schema: to.to_owned(), name: name.name.clone() };
        let relations = self.catalog.tables.keys().chain(self.catalog.views.keys());
        let relations: Vec<_> = relations.filter(|name| name.schema == from).cloned().collect();
        for name in relations {
            self.rename_relation(&name, &moved(&name));
        }
        let functions: Vec<_> =
            self.catalog.functions.keys().filter(|name| name.schema == from).cloned().collect();
        for name in functions {
            self.rename_functions(&name, &moved(&name), |_| true);
        }
        if let Some(grants) = self.catalog.schema_grants.remove(from) {
            self.catalog.schema_grants.insert(to.to_owned(), grants);
        }
        let of_schemas = self.catalog.default_grants.iter_mut().filter_map(|known| known.schema.as_mut());
        of_schemas.filter(|schema| *schema == from).for_each(|schema| to.clone_into(schema));
        let sequences = std::mem::take(&mut self.catalog.sequences);
        self.catalog.sequences = sequences
            .into_iter()
            .map(|(name, span)| if name.schema == from { (moved(&name), span) } else { (name, span) })
            .collect();
        let types: Vec<_> = self.catalog.types.keys().filter(|name| name.schema == from).cloned().collect();
        for name in types {
            self.rename_type(&name, &moved(&name));
        }
    }

    /// Drops the overloads of a function that `keep` does not keep, and with `Cascade` the triggers that call it. Says
    /// whether there was one.
    pub(super) fn drop_functions(
        &mut self,
        name: &QualifiedName,
        keep: impl Fn(&[String]) -> bool,
        behavior: Behavior,
    ) -> bool {
        let Some(overloads) = self.catalog.functions.get_mut(name) else {
            return false;
        };
        let before = overloads.len();
        overloads.retain(|function| keep(&function.signature));
        let dropped = before != overloads.len();
        if overloads.is_empty() {
            self.catalog.functions.remove(name);
            if behavior == Behavior::Cascade {
                let tables = self.catalog.tables.values_mut().map(|table| &mut table.triggers);
                let views = self.catalog.views.values_mut().map(|view| &mut view.triggers);
                for triggers in tables.chain(views) {
                    triggers.retain(|trigger| trigger.function.as_ref() != Some(name));
                }
            }
        }
        dropped
    }

    /// Renames the overloads of a function that `which` names. Says whether there was one.
    pub(super) fn rename_functions(
        &mut self,
        from: &QualifiedName,
        to: &QualifiedName,
        which: impl Fn(&[String]) -> bool,
    ) -> bool {
        let Some(overloads) = self.catalog.functions.remove(from) else {
            return false;
        };
        let (mut renamed, kept): (Vec<_>, Vec<_>) =
            overloads.into_iter().partition(|function| which(&function.signature));
        let found = !renamed.is_empty();
        for function in &mut renamed {
            function.name = to.clone();
        }
        if !kept.is_empty() {
            self.catalog.functions.insert(from.clone(), kept);
        }
        self.catalog.functions.entry(to.clone()).or_default().extend(renamed);
        let tables = self.catalog.tables.values_mut().map(|table| &mut table.triggers);
        let views = self.catalog.views.values_mut().map(|view| &mut view.triggers);
        for trigger in tables.chain(views).flatten() {
            if trigger.function.as_ref() == Some(from) {
                trigger.function = Some(to.clone());
            }
        }
        found
    }

    /// Drops a type or domain, with `Cascade` also the columns of it. Says whether it was there.
    pub(super) fn drop_type(&mut self, name: &QualifiedName, behavior: Behavior) -> bool {
        let found = self.catalog.types.remove(name).is_some();
        if behavior == Behavior::Cascade {
            let of_type = |ty: &SqlType| is_type(ty, name);
            let columns = self.catalog.tables.values().flat_map(|table| {
                let columns = table.columns.iter().filter(|column| of_type(&column.ty));
                columns.map(|column| (table.name.clone(), column.name.clone()))
            });
            let columns: Vec<_> = columns.collect();
            for (table, column) in columns {
                self.drop_column(&table, &column, behavior);
            }
        }
        found
    }

    /// Renames a type or domain. Says whether it was there.
    pub(super) fn rename_type(&mut self, from: &QualifiedName, to: &QualifiedName) -> bool {
        let Some(user_type) = self.catalog.types.remove(from) else {
            return false;
        };
        self.catalog.types.insert(to.clone(), user_type);
        for column in self.catalog.tables.values_mut().flat_map(|table| &mut table.columns) {
            rename_in_type(&mut column.ty, from, to);
        }
        true
    }
}

/// The schema of temporary tables, which are gone when the session ends.
pub(super) const TEMPORARY: &str = "pg_temp";

/// The sequence of a serial or identity column, by the name that it is given at first.
pub(super) fn owned_sequence(table: &QualifiedName, column: &str) -> QualifiedName {
    QualifiedName { schema: table.schema.clone(), name: format!("{}_{column}_seq", table.name) }
}

fn clip(name: &str, bytes: usize) -> &str {
    let mut end = bytes.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or(name)
}

fn replace<'a>(names: impl Iterator<Item = &'a mut String>, from: &str, to: &str) -> bool {
    let mut found = false;
    for name in names.filter(|name| *name == from) {
        *name = to.to_owned();
        found = true;
    }
    found
}

fn is_type(ty: &SqlType, name: &QualifiedName) -> bool {
    match ty {
        SqlType::Named(written) => {
            *written == name.name || *written == format!("{}.{}", name.schema, name.name)
        }
        SqlType::Array(of) => is_type(of, name),
        _ => false,
    }
}

fn rename_in_type(ty: &mut SqlType, from: &QualifiedName, to: &QualifiedName) {
    match ty {
        SqlType::Named(written) if *written == from.name => to.name.clone_into(written),
        SqlType::Named(written) if *written == format!("{}.{}", from.schema, from.name) => {
            *written = format!("{}.{}", to.schema, to.name);
        }
        SqlType::Array(of) => rename_in_type(of, from, to),
        _ => {}
    }
}

fn is_computed_from(dialect: Dialect, column: &crate::catalog::Column, from: &str) -> bool {
    matches!(&column.default, ColumnDefault::Computed(text) if mentions(dialect, text, from))
}

/// The columns of a table that a text speaks of.
pub(super) fn columns_in(dialect: Dialect, text: &str, table: &Table) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in tokens(dialect, text).filter_map(|token| token.name(text)) {
        if table.column(&name).is_some() && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// True if a text has this name in it.
pub(super) fn mentions(dialect: Dialect, text: &str, name: &str) -> bool {
    tokens(dialect, text).any(|token| token.name(text).as_deref() == Some(name))
}

/// True if a query names a relation where a relation can stand.
fn names_relation(dialect: Dialect, query: &str, relation: &QualifiedName) -> bool {
    // Most views name most tables not at all, and a look at the bytes is cheaper than one at the words.
    let quotes = ['"', '`', ']'];
    if !relation.name.contains(quotes) && !query.to_lowercase().contains(&relation.name.to_lowercase()) {
        return false;
    }
    let tokens: Vec<Token> = tokens(dialect, query).collect();
    let before = |at: usize, back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
    let introduces = |token: Option<&Token>| {
        token.is_none_or(|token| {
            let words = ["from", "join", "only", "into", "update", "table", "using", "lateral"];
            token.is_punct(b',') || token.is_punct(b'(') || words.iter().any(|word| token.is(query, word))
        })
    };
    tokens.iter().enumerate().any(|(at, token)| {
        if token.name(query).as_deref() != Some(relation.name.as_str()) {
            return false;
        }
        if !before(at, 1).is_some_and(|dot| dot.is_punct(b'.')) {
            return introduces(before(at, 1));
        }
        let schema = before(at, 2).and_then(|schema| schema.name(query));
        schema.as_deref() == Some(relation.schema.as_str())
    })
}

/// True if a query selects all columns of something.
fn selects_all(dialect: Dialect, query: &str) -> bool {
    let mut last: Option<Token> = None;
    for token in tokens(dialect, query) {
        let after = last.is_some_and(|last| {
            let words = ["select", "all", "distinct", "returning"];
            last.is_punct(b',') || last.is_punct(b'.') || words.iter().any(|word| last.is(query, word))
        });
        if token.is_punct(b'*') && after {
            return true;
        }
        last = Some(token);
    }
    false
}

/// Hands every text that speaks of the table's columns to `change`.
fn each_expression(table: &mut Table, change: impl Fn(&mut String)) {
    for column in &mut table.columns {
        match &mut column.default {
            ColumnDefault::Computed(text) | ColumnDefault::Expr(text) => change(text),
            ColumnDefault::None | ColumnDefault::Generated => {}
        }
    }
    table.checks.iter_mut().for_each(|check| change(&mut check.expr));
    for key in &mut table.keys {
        key.predicate.iter_mut().chain(&mut key.expressions).for_each(&change);
    }
    for index in &mut table.indexes {
        index.predicate.iter_mut().chain(&mut index.expressions).for_each(&change);
    }
    for policy in &mut table.row_security.policies {
        policy.using.iter_mut().chain(&mut policy.check).for_each(&change);
    }
}

/// Renames a column in an expression over its table.
fn rename_word(dialect: Dialect, text: &mut String, from: &str, to: &str) {
    rewrite(dialect, text, |token, next, text| {
        let called = next.is_some_and(|next| next.is_punct(b'('));
        (!called && token.name(text).as_deref() == Some(from)).then(|| spell(to))
    });
}

/// Renames a table where it qualifies a column.
fn rename_qualifier(dialect: Dialect, text: &mut String, from: &str, to: &str) {
    rewrite(dialect, text, |token, next, text| {
        let qualifies = next.is_some_and(|next| next.is_punct(b'.'));
        (qualifies && token.name(text).as_deref() == Some(from)).then(|| spell(to))
    });
}

fn rewrite(dialect: Dialect, text: &mut String, with: impl Fn(Token, Option<Token>, &str) -> Option<String>) {
    let found: Vec<Token> = tokens(dialect, text).collect();
    let mut rewritten = String::with_capacity(text.len());
    let mut at = 0;
    for (position, token) in found.iter().enumerate() {
        if let Some(new) = with(*token, found.get(position + 1).copied(), text) {
            rewritten.push_str(text.get(at..token.range.start as usize).unwrap_or(""));
            rewritten.push_str(&new);
            at = token.range.end as usize;
        }
    }
    rewritten.push_str(text.get(at..).unwrap_or(""));
    *text = rewritten;
}

/// A name as it must be written.
fn spell(name: &str) -> String {
    let plain = tokens(Dialect::Postgres, name).next().is_some_and(|token| {
        token.kind == TokenKind::Word
            && token.range.slice(name) == name
            && token.name(name).as_deref() == Some(name)
    });
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
