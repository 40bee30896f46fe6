//! A schema as the grammar of statements sees it: relations with their columns, keys and ties.

use tenantry_policy::Dialect;
use tenantry_prover::catalog::{ColumnDefault, Table, UserType};
use tenantry_prover::tenancy::{DomainId, TableOwner};
use tenantry_prover::types::SqlType;

use crate::subject::Subject;

/// A schema.
pub struct Model {
    /// The dialect.
    pub dialect: Dialect,
    /// Tables and views.
    pub relations: Vec<Relation>,
    /// The kinds of tenants that a parameter may carry.
    pub tenants: Vec<DomainId>,
    /// The setting that carries the tenant, where there is one.
    pub setting: Option<String>,
    /// The schema has the functions that statements call.
    pub functions: bool,
}

/// A table or a view.
pub struct Relation {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// How its rows are tied to a tenant.
    pub tie: Tie,
    /// Foreign keys: columns, the target's position, its columns.
    pub references: Vec<(Vec<String>, String, Vec<String>)>,
    /// Unique sets of columns with the predicate of a partial index.
    pub uniques: Vec<(Vec<String>, Option<String>)>,
    /// It can be written.
    pub table: bool,
    /// Each row is a tenant.
    pub root: bool,
    /// Rows without an owner belong to everybody.
    pub null_is_shared: bool,
    /// Its partitions, by name.
    pub partitions: Vec<String>,
    /// Tables that inherit from it.
    pub heirs: Vec<String>,
}

/// A column.
#[derive(Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// It takes NULL.
    pub nullable: bool,
    /// It has a default or is generated.
    pub defaulted: bool,
}

/// Types as far as the grammar tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Whole numbers.
    Int,
    /// Text.
    Text,
    /// UUIDs.
    Uuid,
    /// Anything else, which is only selected.
    Other,
}

/// How rows are tied to a tenant.
pub enum Tie {
    /// By key columns, each of a kind of tenant.
    Keys(Vec<(String, DomainId)>),
    /// By their parent: the column, the parent, its column.
    Parent(String, String, String),
    /// They are everybody's.
    None,
}

impl Model {
    /// The model of a schema; views of which columns are not known are left out.
    pub fn of(subject: &Subject) -> Model {
        let mut relations: Vec<Relation> = Vec::new();
        let names = |keep: &dyn Fn(&Table) -> bool| -> Vec<String> {
            let tables = subject.catalog.tables.values().filter(|table| keep(table));
            tables.map(|table| table.name.name.clone()).collect()
        };
        for table in subject.catalog.tables.values().filter(|table| table.partition_of.is_none()) {
            let owner = subject.tenancy.owner(&table.name);
            let tie = match owner {
                TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => Tie::Keys(keys.clone()),
                TableOwner::Child { parent, by, parent_column } => {
                    Tie::Parent(by.clone(), parent.name.clone(), parent_column.clone())
                }
                TableOwner::Shared | TableOwner::Undeclared => Tie::None,
            };
            let columns = table.columns.iter().map(|column| Column {
                name: column.name.clone(),
                // What is computed is neither given nor assigned.
                ty: match column.default {
                    ColumnDefault::Computed(_) => Ty::Other,
                    _ => ty(subject, &column.ty),
                },
                nullable: !column.not_null,
                defaulted: column.default != ColumnDefault::None,
            });
            let keys = table.keys.iter().filter(|key| !key.has_expressions);
            relations.push(Relation {
                name: table.name.name.clone(),
                columns: columns.collect(),
                tie,
                references: table
                    .foreign_keys
                    .iter()
                    .map(|key| (key.columns.clone(), key.target.name.clone(), key.target_columns.clone()))
                    .collect(),
                uniques: keys.map(|key| (key.columns.clone(), key.predicate.clone())).collect(),
                table: true,
                root: matches!(owner, TableOwner::Root { .. }),
                null_is_shared: matches!(owner, TableOwner::Keyed { null_is_shared: true, .. }),
                partitions: names(&|other| other.partition_of.as_ref() == Some(&table.name)),
                heirs: names(&|other| other.inherits.contains(&table.name)),
            });
        }
        for view in subject.catalog.views.values() {
            relations.extend(view_relation(&relations, &view.name.name, &view.query));
        }
        let tenants = relations.iter().filter_map(|relation| match &relation.tie {
            Tie::Keys(keys) => Some(keys.iter().map(|(_, domain)| *domain)),
            _ => None,
        });
        let mut tenants: Vec<DomainId> = tenants.flatten().collect();
        tenants.sort_unstable();
        tenants.dedup();
        let functions = subject.catalog.functions.keys().any(|name| name.name == "f_of_tenant");
        Model { dialect: subject.dialect, relations, tenants, setting: subject.setting.clone(), functions }
    }

    /// A relation by its name.
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == name)
    }
}

/// A view that selects plain columns of one table, or counts them by its key.
fn view_relation(tables: &[Relation], name: &str, query: &str) -> Option<Relation> {
    let mut words = query.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.find(|word| word.eq_ignore_ascii_case("from"))?;
    let table = words.find_map(|word| tables.iter().find(|table| table.name == word))?;
    let (list, _) = query.get(7..)?.rsplit_once(" FROM ")?;
    let named = |name: &str| table.columns.iter().find(|column| column.name == name).cloned();
    let columns: Vec<Column> = if list.contains("count(") {
        let first = list.split(',').next()?.trim();
        vec![named(first)?, named("n")?]
    } else {
        let mut columns: Vec<Column> =
            list.split(',').filter_map(|item| named(item.trim().rsplit(' ').next()?)).collect();
        // A comma inside a window's order cuts its item in two.
        columns.dedup_by(|a, b| a.name == b.name);
        columns
    };
    let tie = match &table.tie {
        Tie::Keys(keys) => {
            let kept = keys.iter().filter(|(key, _)| columns.iter().any(|column| column.name == *key));
            Tie::Keys(kept.cloned().collect())
        }
        Tie::Parent(..) | Tie::None => return None,
    };
    Some(Relation {
        name: name.to_owned(),
        columns,
        tie,
        references: Vec::new(),
        uniques: Vec::new(),
        table: false,
        root: false,
        null_is_shared: table.null_is_shared,
        partitions: Vec::new(),
        heirs: Vec::new(),
    })
}

fn ty(subject: &Subject, of: &SqlType) -> Ty {
    match of {
        SqlType::Int | SqlType::Numeric => Ty::Int,
        SqlType::Text | SqlType::VarcharN(_) | SqlType::Char => Ty::Text,
        SqlType::Uuid => Ty::Uuid,
        SqlType::Named(name) if name == "citext" => Ty::Text,
        SqlType::Named(name) => {
            let found = subject.catalog.types.iter().find(|(known, _)| known.name == *name);
            match found.map(|(_, kind)| kind) {
                Some(UserType::Domain(base, _)) => ty(subject, base),
                _ => Ty::Other,
            }
        }
        _ => Ty::Other,
    }
}
