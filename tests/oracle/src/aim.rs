//! Values of untrusted parameters: what they are compared with, or which column they fill, says which values tell most.

use crate::rng::Rng;
use crate::shape::{OwnerShape, Shape, TableShape};
use crate::universe::Universe;
use crate::values::{Kind, constants};
use crate::world::{ANCHOR_ID, FOREIGN_ID, IDS, own_id};

/// A number that no row has.
const FRESH: usize = 7_000;

/// A statement whose parameters get values.
pub struct Aim<'a> {
    shape: &'a Shape,
    sql: &'a str,
    universe: &'a Universe,
    /// The names of key columns.
    keys: Vec<&'a str>,
    /// The table that an `INSERT` fills, and for each place of its first row the column.
    filled: Option<(&'a TableShape, Vec<(String, &'a str)>)>,
    /// The statement says what happens where what must be new is not.
    meets_taken: bool,
}

/// What a parameter meets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meets {
    Id,
    TenantKey,
    /// It fills an id, which must be new.
    New,
    /// It fills another column that must be.
    Unique,
    /// It fills a reference to the table of this number.
    Reference(usize),
    /// It fills another column.
    Filled,
    Other,
}

/// Words that stand between a column and the parameter it is compared with.
const BETWEEN: [&str; 16] = [
    "in", "any", "all", "array", "coalesce", "nullif", "row", "values", "bigint", "int", "uuid", "text",
    "select", "union", "unnest", "distinct",
];

/// Functions of the schemas whose argument is compared with a tenant key.
const TAKE_TENANTS: [&str; 2] = ["f_of_tenant", "f_rows"];

impl<'a> Aim<'a> {
    /// Reads what parameters meet from the text.
    pub fn new(shape: &'a Shape, sql: &'a str, universe: &'a Universe) -> Aim<'a> {
        let keys = shape.tables.iter().flat_map(|table| {
            // The id of a table of tenants has the name of every other table's.
            let keys = table.columns.iter().enumerate().filter(|(at, column)| {
                column.key.is_some() && !(matches!(table.owner, OwnerShape::Root(_)) && table.id == Some(*at))
            });
            keys.map(|(_, column)| column.name.as_str())
        });
        let keys = keys.collect();
        let meets_taken =
            ["ON CONFLICT", "ON DUPLICATE", "REPLACE", "IGNORE"].iter().any(|word| sql.contains(word));
        Aim { shape, sql, universe, keys, filled: filled(shape, sql), meets_taken }
    }

    /// The value of `$number`: of a parameter that is compared with an id, ids; of others, ordinary values, and now and
    /// then an id, the name of a tenant, or nothing. The first choice is the one that most likely comes through.
    pub fn value(&self, kind: &Kind, number: usize, choice: usize, rng: &mut Rng) -> Option<String> {
        if let Kind::Array(of) = kind {
            let list: Vec<String> = match rng.below(3) {
                0 => {
                    let ids = IDS.step_by(3).chain([FOREIGN_ID, ANCHOR_ID]);
                    ids.filter_map(|id| of.numbered(id)).collect()
                }
                1 => (0..3).filter_map(|index| self.universe.called(of, index)).collect(),
                _ => of.pool(&[]).into_iter().take(choice).collect(),
            };
            return Some(format!("{{{}}}", list.join(",")));
        }
        let ids = |kind: &Kind| IDS.filter_map(|id| kind.numbered(id)).collect::<Vec<_>>();
        let tenants = |kind: &Kind| (1..5).flat_map(|index| self.called(kind, index)).collect::<Vec<_>>();
        // The tenant's own name, as a value like any other.
        let own = |kind: &Kind| self.called(kind, 0);
        let values = match (rng.below(12), self.meets(number)) {
            (10, Meets::Other | Meets::Filled | Meets::TenantKey) if choice > 0 => own(kind),
            (11, Meets::Other) if choice > 0 => tenants(kind),
            (0..6, Meets::New) if self.meets_taken => {
                [FOREIGN_ID, ANCHOR_ID].iter().filter_map(|id| kind.numbered(*id)).collect()
            }
            (0..8, Meets::Unique) if self.meets_taken => kind.pool(&constants(self.sql)),
            (_, Meets::New | Meets::Unique) if choice == 0 => return kind.numbered(FRESH + number),
            (_, Meets::Reference(target)) if choice == 0 => return kind.numbered(own_id(target) + 1),
            (_, Meets::Id) if choice == 0 => ids(kind),
            (0, Meets::Id | Meets::TenantKey | Meets::Other) if choice > 0 => return None,
            (1, _) | (0..=7, Meets::TenantKey) => tenants(kind),
            (2..=3, Meets::Id | Meets::Reference(_)) => {
                [FOREIGN_ID, ANCHOR_ID].iter().filter_map(|id| kind.numbered(*id)).collect()
            }
            (_, Meets::Id | Meets::Reference(_)) | (2, _) => ids(kind),
            (3..=5, Meets::New | Meets::Unique) => return kind.numbered(FRESH + number),
            (6..=8, Meets::New | Meets::Unique) => {
                let taken = IDS.chain([FOREIGN_ID, ANCHOR_ID]).filter_map(|id| kind.numbered(id));
                taken.collect()
            }
            _ => kind.pool(&constants(self.sql)),
        };
        rng.pick(&values).cloned().or_else(|| kind.numbered(*IDS.start()))
    }

    /// The names of a tenant as values of a kind: also those that it has in columns of another kind of number.
    fn called(&self, kind: &Kind, index: usize) -> Vec<String> {
        let numbers = [Kind::Int, Kind::Bigint, Kind::Number];
        let is_number = numbers.contains(kind);
        let domains = self.shape.domains.iter().map(|(_, kind)| kind);
        let alike = domains.filter(|other| is_number && *kind != Kind::Int && numbers.contains(other));
        let mut names: Vec<String> =
            alike.chain([kind]).filter_map(|kind| self.universe.called(kind, index)).collect();
        names.dedup();
        names
    }

    /// The kinds of the first `count` parameters, by the columns that they meet: for databases that do not say.
    pub fn kinds(&self, count: usize) -> Vec<Kind> {
        (1..=count).map(|number| self.kind(number).unwrap_or(Kind::Bigint)).collect()
    }

    fn kind(&self, number: usize) -> Option<Kind> {
        let mark = format!("${number}");
        let filled = self.filled.as_ref().and_then(|(table, columns)| {
            let (_, column) = columns.iter().find(|(value, _)| *value == mark)?;
            table.columns.iter().find(|known| known.name == *column)
        });
        if let Some(column) = filled {
            return Some(column.kind.clone());
        }
        let (before, _) = self.sql.split_once(&mark)?;
        // The table of an alias is not looked for: columns of one name most often have one type.
        let mut words = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let columns = || self.shape.tables.iter().flat_map(|table| &table.columns);
        words.find_map(|word| columns().find(|column| column.name == word)).map(|column| column.kind.clone())
    }

    /// The alias in front of the last name of `before` is that of a table of tenants, and the name that of its id: there the id
    /// names a tenant.
    fn names_tenant(&self, before: &str, name: &str) -> bool {
        let Some((_, alias)) = before.rsplit_once(&format!(".{name}")).map(|(front, _)| {
            front.rsplit_once(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(("", front))
        }) else {
            return false;
        };
        let roots = self.shape.tables.iter().filter(|table| matches!(table.owner, OwnerShape::Root(_)));
        let mut roots = roots.filter(|table| {
            table.id.and_then(|id| table.columns.get(id)).is_some_and(|column| column.name == name)
        });
        roots.any(|table| self.sql.contains(&format!("{} {alias} ", table.name.name)))
    }

    /// What `$number` meets: the column that it fills, or the last name before it.
    fn meets(&self, number: usize) -> Meets {
        let mark = format!("${number}");
        if let Some((table, columns)) = &self.filled
            && let Some((_, column)) = columns.iter().find(|(value, _)| *value == mark)
        {
            return self.fills(table, column);
        }
        let Some((before, _)) = self.sql.split_once(&mark) else { return Meets::Other };
        let lower = before.to_ascii_lowercase();
        let mut words = lower.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let name =
            words.find(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()) && !BETWEEN.contains(word));
        match name {
            Some(name) if self.keys.contains(&name) || TAKE_TENANTS.contains(&name) => Meets::TenantKey,
            Some(name) if self.names_tenant(&lower, name) => Meets::TenantKey,
            Some(name) if name.ends_with("id") => Meets::Id,
            _ => Meets::Other,
        }
    }

    fn fills(&self, table: &TableShape, column: &str) -> Meets {
        let Some(at) = table.columns.iter().position(|known| known.name == column) else {
            return Meets::Other;
        };
        if self.keys.contains(&column) {
            return Meets::TenantKey;
        }
        let reference = table.foreign_keys.iter().find(|key| key.columns.last() == Some(&at));
        match reference {
            Some(key) if key.target < self.shape.tables.len() => Meets::Reference(key.target),
            _ if table.id == Some(at) => Meets::New,
            _ if table.uniques.iter().any(|unique| unique.columns.last() == Some(&at)) => Meets::Unique,
            _ => Meets::Filled,
        }
    }
}

/// The table that an `INSERT … VALUES` or `REPLACE … VALUES` fills, and which column each value of its first row goes to.
fn filled<'a>(shape: &'a Shape, sql: &'a str) -> Option<(&'a TableShape, Vec<(String, &'a str)>)> {
    let (_, rest) = sql.split_once("INTO ")?;
    let (name, rest) = rest.split_once(" (")?;
    let table = shape.tables.iter().find(|table| table.name.name == name.trim())?;
    let (columns, rest) = rest.split_once(')')?;
    let (_, values) = rest.split_once("VALUES (")?;
    let columns = columns.split(',').map(str::trim);
    Some((table, top(values).into_iter().zip(columns).collect()))
}

/// The parts of a list up to its end, cut at commas outside of parentheses.
fn top(list: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for letter in list.chars() {
        match letter {
            ')' if depth == 0 => break,
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}
