//! What tables hold, for databases whose tables are read as they are: whose each row is, and what stands for all of them.

use std::collections::BTreeMap;

use tenantry_prover::catalog::{Catalog, ColumnDefault};
use tenantry_prover::types::SqlType;

use crate::database::{Scene, State, hash};
use crate::shape::{FIRST_NUMBER, OwnerShape, TableShape, Types};
use crate::values::Kind;

/// The rows of a table: the values of its shape's columns.
pub type Rows = Vec<Vec<Option<String>>>;

/// What stands for the contents, table by table as the shape has them. It does not depend on the order of rows.
pub fn state(scene: Scene<'_>, tables: &[Rows]) -> State {
    let mut state = State::default();
    let own = owned(scene, tables);
    for (at, ((table, rows), own)) in scene.shape.tables.iter().zip(tables).zip(own).enumerate() {
        for (row, owner) in rows.iter().zip(own) {
            let Some(own) = owner else { continue };
            let sum = hash(&(at, telling(table, row)));
            let sums = if own { &mut state.own } else { &mut state.others };
            *sums = sums.wrapping_add(sum);
        }
    }
    state
}

/// What is another value each time tells nothing, nor does which row got which new number.
fn telling<'r>(table: &TableShape, row: &'r [Option<String>]) -> Vec<Option<&'r str>> {
    let new = |text: &String| text.parse::<usize>().is_ok_and(|number| number > FIRST_NUMBER);
    let cells = table.columns.iter().zip(row);
    cells
        .filter(|(column, cell)| !(column.fleeting || column.numbered && cell.as_ref().is_some_and(new)))
        .map(|(_, cell)| cell.as_deref())
        .collect()
}

/// Which rows are the tenant's; `None` of those whose parent is gone, which no world has at first. Parents stand before
/// their children.
fn owned(scene: Scene<'_>, tables: &[Rows]) -> Vec<Vec<Option<bool>>> {
    let mut found: Vec<Vec<Option<bool>>> = Vec::new();
    for (at, (table, rows)) in scene.shape.tables.iter().zip(tables).enumerate() {
        let own = match table.owner {
            OwnerShape::Shared => vec![Some(false); rows.len()],
            OwnerShape::Keyed(_) | OwnerShape::Root(_) => {
                let names = scene.universe.names(scene.shape, at);
                let is_own = |row: &Vec<Option<String>>| {
                    !names.is_empty()
                        && names.iter().all(|(column, names)| {
                            row.get(*column).and_then(Option::as_ref).is_some_and(|cell| names.contains(cell))
                        })
                };
                rows.iter().map(|row| Some(is_own(row))).collect()
            }
            OwnerShape::Child(key) => children(table, key, rows, tables, &found),
        };
        found.push(own);
    }
    found
}

fn children(
    table: &TableShape,
    key: usize,
    rows: &Rows,
    tables: &[Rows],
    found: &[Vec<Option<bool>>],
) -> Vec<Option<bool>> {
    let none = || vec![Some(false); rows.len()];
    let Some(key) = table.foreign_keys.get(key) else { return none() };
    let (Some(by), Some(to)) = (key.columns.first(), key.target_columns.first()) else { return none() };
    let (Some(parents), Some(own)) = (tables.get(key.target), found.get(key.target)) else { return none() };
    let ids = parents.iter().map(|row| row.get(*to).and_then(Option::as_ref)).zip(own);
    let owners: BTreeMap<&String, Option<bool>> = ids.filter_map(|(id, own)| Some((id?, *own))).collect();
    let owner = |row: &Vec<Option<String>>| match row.get(*by).and_then(Option::as_ref) {
        Some(id) => owners.get(id).copied().flatten(),
        None => Some(false),
    };
    rows.iter().map(owner).collect()
}

/// The types of columns that take values, as the catalog has them: a database that says less of types than PostgreSQL.
pub fn types(catalog: &Catalog) -> Types {
    let mut types = Types::new();
    for table in catalog.tables.values() {
        let given = |default: &ColumnDefault| !matches!(default, ColumnDefault::Computed(_));
        for column in table.columns.iter().filter(|column| given(&column.default)) {
            let entry = (kind(&column.ty), column.not_null);
            types.insert((table.name.clone(), column.name.clone()), entry);
        }
    }
    types
}

fn kind(ty: &SqlType) -> Kind {
    match ty {
        SqlType::Int => Kind::Bigint,
        SqlType::Numeric | SqlType::Float => Kind::Number,
        SqlType::Uuid => Kind::Uuid,
        SqlType::Temporal => Kind::Timestamp,
        _ => Kind::Text,
    }
}
