//! The schema as rows are made for it: what the server says of types, what the catalog says of keys, and who owns what.

use std::collections::BTreeMap;

use tenantry_policy::Dialect;
use tenantry_prover::catalog::{ColumnDefault, QualifiedName, ReferentialAction, Table};
use tenantry_prover::tenancy::{DomainId, TableOwner};

use crate::subject::Subject;
use crate::values::Kind;

/// A schema to fill.
pub struct Shape {
    /// The tables, each after those that it references.
    pub tables: Vec<TableShape>,
    /// The kinds of tenants.
    pub levels: Vec<Level>,
    /// The level of each domain, by its index, and the kind of its values.
    pub domains: Vec<(usize, Kind)>,
    /// What must be run after the tables are filled.
    pub refresh: Vec<String>,
    /// Texts may be the same but for blanks at their end.
    pub pads: bool,
    /// New numbers follow the largest that is there, and no sequence of their own.
    pub follows: bool,
    /// `setval` of every sequence, as one query; empty where there is none.
    pub sequences: String,
}

/// A kind of tenant: workspaces, organizations.
pub struct Level {
    /// The table of those tenants, or the key's name where there is none.
    pub name: String,
    /// The level around it.
    pub outer: Option<usize>,
}

/// A table.
pub struct TableShape {
    /// Its name.
    pub name: QualifiedName,
    /// Its columns that take values.
    pub columns: Vec<ColumnShape>,
    /// What is unique.
    pub uniques: Vec<UniqueShape>,
    /// The primary key's only column.
    pub id: Option<usize>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKeyShape>,
    /// Who owns its rows.
    pub owner: OwnerShape,
    /// Rows without an owner belong to everybody.
    pub null_is_shared: bool,
    /// Its rows lie in partitions.
    pub partitioned: bool,
}

/// A column.
pub struct ColumnShape {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// It takes NULL.
    pub nullable: bool,
    /// The kind of tenant that it names.
    pub key: Option<DomainId>,
    /// Its default is another value each time.
    pub fleeting: bool,
    /// Its default is the next number of a sequence.
    pub numbered: bool,
}

/// Columns that are unique together.
pub struct UniqueShape {
    /// Their positions.
    pub columns: Vec<usize>,
    /// Among the rows only that have this value in this column.
    pub only: Option<(usize, String)>,
}

/// A foreign key.
pub struct ForeignKeyShape {
    /// The referencing columns.
    pub columns: Vec<usize>,
    /// The referenced table.
    pub target: usize,
    /// The referenced columns.
    pub target_columns: Vec<usize>,
    /// It hinders that the referenced row is deleted.
    pub refuses: bool,
}

/// Who owns the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerShape {
    /// The tenant that key columns name; the finest level among them.
    Keyed(usize),
    /// Each row is a tenant of this level.
    Root(usize),
    /// The owner of the parent row: the foreign key's position.
    Child(usize),
    /// Everybody.
    Shared,
}

impl Shape {
    /// A table and those of which its rows are parts, and whose owners theirs are.
    pub fn above(&self, table: usize) -> Vec<usize> {
        let mut chain = vec![table];
        while let Some(shown) = chain.last().and_then(|at| self.tables.get(*at))
            && let OwnerShape::Child(key) = shown.owner
            && let Some(key) = shown.foreign_keys.get(key)
            && !chain.contains(&key.target)
        {
            chain.push(key.target);
        }
        chain
    }

    /// The shape of a schema of which the database says the types.
    pub fn of(subject: &Subject, types: &Types, refresh: Vec<String>, sequences: String) -> Shape {
        let tables = in_order(subject, types);
        let (pads, follows) = (subject.dialect != Dialect::Postgres, subject.dialect != Dialect::Postgres);
        let mut shape =
            Shape { levels: Vec::new(), domains: Vec::new(), refresh, pads, follows, sequences, tables };
        shape.find_levels(subject);
        for at in 0..shape.tables.len() {
            shape.own(subject, at);
        }
        shape
    }

    /// The position of a table.
    pub fn table(&self, name: &QualifiedName) -> Option<usize> {
        self.tables.iter().position(|table| table.name == *name)
    }

    /// The level around a level, and so on.
    pub fn is_outer(&self, outer: usize, inner: usize) -> bool {
        let mut at = self.levels.get(inner).and_then(|level| level.outer);
        for _ in 0..self.levels.len() {
            match at {
                Some(level) if level == outer => return true,
                Some(level) => at = self.levels.get(level).and_then(|level| level.outer),
                None => return false,
            }
        }
        false
    }

    /// Domains of one root table are one level.
    fn find_levels(&mut self, subject: &Subject) {
        for domain in &subject.tenancy.domains {
            let name = domain.name.rsplit_once('.').map_or(domain.name.as_str(), |(table, _)| table);
            let known = self.levels.iter().position(|level| level.name == name);
            let level = known.unwrap_or_else(|| {
                self.levels.push(Level { name: name.to_owned(), outer: None });
                self.levels.len() - 1
            });
            self.domains.push((level, Kind::Bigint));
        }
        let level_of: Vec<usize> = self.domains.iter().map(|(level, _)| *level).collect();
        // The table of the tenants comes last, since it says of which type their names are.
        let mut tables: Vec<_> = subject.tenancy.tables.iter().collect();
        tables.sort_by_key(|(_, table)| matches!(table.owner, TableOwner::Root { .. }));
        for (name, table) in tables {
            let (TableOwner::Keyed { keys, .. } | TableOwner::Root { keys }) = &table.owner else { continue };
            let Some(at) = self.table(name) else { continue };
            let mut inner: Option<usize> = None;
            for (column, domain) in keys {
                let Some(level) = level_of.get(domain.0 as usize).copied() else { continue };
                let shape = self
                    .tables
                    .get_mut(at)
                    .and_then(|table| table.columns.iter_mut().find(|known| known.name == *column));
                if let Some(shape) = shape {
                    shape.key = Some(*domain);
                    if let Some(entry) = self.domains.get_mut(domain.0 as usize) {
                        entry.1 = shape.kind.clone();
                    }
                }
                // Keys stand inner to outer.
                match inner {
                    Some(inner) if inner != level => {
                        if let Some(known) = self.levels.get_mut(inner) {
                            known.outer.get_or_insert(level);
                        }
                    }
                    _ => {}
                }
                inner = Some(level);
            }
        }
    }

    fn own(&mut self, subject: &Subject, at: usize) {
        let Some(table) = self.tables.get(at) else { return };
        let mut null_is_shared = false;
        let owner = match subject.tenancy.owner(&table.name) {
            TableOwner::Keyed { keys, null_is_shared: shared } => {
                null_is_shared = *shared;
                let levels =
                    keys.iter().filter_map(|(_, domain)| Some(self.domains.get(domain.0 as usize)?.0));
                let finest = levels.reduce(|a, b| if self.is_outer(a, b) { b } else { a });
                finest.map_or(OwnerShape::Shared, OwnerShape::Keyed)
            }
            TableOwner::Root { keys } => {
                let domain = keys.first().and_then(|(_, domain)| self.domains.get(domain.0 as usize));
                domain.map_or(OwnerShape::Shared, |(level, _)| OwnerShape::Root(*level))
            }
            TableOwner::Child { parent, by, parent_column } => {
                let parent = self.table(parent);
                let by = table.columns.iter().position(|column| column.name == *by);
                let found = table.foreign_keys.iter().position(|key| {
                    Some(key.target) == parent
                        && key.columns.len() == 1
                        && key.columns.first().copied() == by
                        && self.column_name(key.target, key.target_columns.first()) == Some(parent_column)
                });
                found.map_or(OwnerShape::Shared, OwnerShape::Child)
            }
            TableOwner::Shared | TableOwner::Undeclared => OwnerShape::Shared,
        };
        if let Some(table) = self.tables.get_mut(at) {
            (table.owner, table.null_is_shared) = (owner, null_is_shared);
        }
    }

    fn column_name(&self, table: usize, column: Option<&usize>) -> Option<&str> {
        Some(self.tables.get(table)?.columns.get(*column?)?.name.as_str())
    }
}

/// A name with its schema, quoted.
pub fn full(name: &QualifiedName) -> String {
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// A quoted identifier.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The kind of each column that takes values, and whether it refuses NULL.
pub type Types = BTreeMap<(QualifiedName, String), (Kind, bool)>;

/// Where the numbers of sequences start here.
pub const FIRST_NUMBER: usize = 1_000_000;

/// The tables, referenced ones first.
fn in_order(subject: &Subject, types: &Types) -> Vec<TableShape> {
    let mut waiting: Vec<&Table> =
        subject.catalog.tables.values().filter(|table| table.partition_of.is_none()).collect();
    let mut done: Vec<&Table> = Vec::new();
    while !waiting.is_empty() {
        let ready = |table: &&Table| {
            let mut targets = table.foreign_keys.iter().map(|key| &key.target);
            targets.all(|name| *name == table.name || waiting.iter().all(|other| other.name != *name))
        };
        // A circle of references is cut somewhere.
        let at = waiting.iter().position(ready).unwrap_or(0);
        done.push(waiting.remove(at));
    }
    let position = |name: &QualifiedName| done.iter().position(|table| table.name == *name);
    done.iter().enumerate().map(|(at, table)| shape_of(table, at, types, &done, position)).collect()
}

/// The two sides of `column = 'value'`.
fn equality(predicate: &str) -> Option<(String, String)> {
    let plain = predicate.trim().trim_start_matches('(').trim_end_matches(')');
    let (column, value) = plain.split_once('=')?;
    let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    Some((column.trim().to_owned(), value.to_owned()))
}

fn shape_of(
    table: &Table,
    at: usize,
    types: &Types,
    all: &[&Table],
    position: impl Fn(&QualifiedName) -> Option<usize>,
) -> TableShape {
    let takes = |table: &Table, name: &str| types.get(&(table.name.clone(), name.to_owned())).cloned();
    let columns: Vec<ColumnShape> = table
        .columns
        .iter()
        .filter_map(|column| {
            let (kind, not_null) = takes(table, &column.name)?;
            let fleeting = matches!(&column.default, ColumnDefault::Expr(text)
                if ["now", "current_", "clock", "random", "localtime", "uuidv"].iter().any(|word| text.to_lowercase().contains(word)))
                || (column.default == ColumnDefault::Generated && kind == Kind::Uuid);
            let numbered = column.default == ColumnDefault::Generated && kind != Kind::Uuid;
            Some(ColumnShape { name: column.name.clone(), kind, nullable: !not_null, key: None, fleeting, numbered })
        })
        .collect();
    let find = |name: &String| columns.iter().position(|column| column.name == *name);
    let positions = |names: &[String]| names.iter().map(find).collect::<Option<Vec<usize>>>();
    let uniques = table.keys.iter().filter_map(|key| {
        // Columns that differ let what is made of them differ too: words are all written small.
        let names = if key.has_expressions { &key.mentions } else { &key.columns };
        let only = key.predicate.as_deref().and_then(equality);
        let only = only.and_then(|(name, value)| Some((find(&name)?, value)));
        let columns = positions(names).filter(|columns| !columns.is_empty())?;
        Some(UniqueShape { columns, only })
    });
    let uniques = uniques.collect();
    let id =
        table.primary_key().filter(|key| key.columns.len() == 1).and_then(|key| find(key.columns.first()?));
    let foreign_keys = table.foreign_keys.iter().filter_map(|key| {
        let target = position(&key.target).filter(|target| *target <= at)?;
        let other = all.get(target)?;
        let names: Vec<&String> = other
            .columns
            .iter()
            .filter(|column| takes(other, &column.name).is_some())
            .map(|column| &column.name)
            .collect();
        // What was not validated holds of the reference's own column alone, if at all.
        let skipped = if key.validated { 0 } else { key.columns.len().saturating_sub(1) };
        let there =
            key.target_columns.iter().skip(skipped).map(|name| names.iter().position(|known| *known == name));
        Some(ForeignKeyShape {
            columns: positions(key.columns.get(skipped..)?)?,
            target,
            target_columns: there.collect::<Option<_>>()?,
            refuses: key.on_delete == ReferentialAction::Refuse,
        })
    });
    let foreign_keys = foreign_keys.collect();
    let (owner, partitioned) = (OwnerShape::Shared, table.partitioned);
    TableShape {
        name: table.name.clone(),
        columns,
        uniques,
        id,
        foreign_keys,
        owner,
        null_is_shared: false,
        partitioned,
    }
}
