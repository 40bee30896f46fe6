//! The tenants that there may be: the one under test, and the others of each level.

use crate::shape::{ColumnShape, OwnerShape, Shape};
use crate::values::{Kind, quoted};
use tenantry_prover::tenancy::DomainId;

/// How many tenants each level has at most.
const TENANTS: usize = 8;
/// The tenant that is there in every world besides the one under test, so that rows of the latter may refer to it.
pub const ANCHOR: usize = 1;

/// The tenants of each level.
pub struct Universe {
    /// The levels of which the tenant under test is; of two that nest, the outer one alone.
    tested: Vec<usize>,
    levels: Vec<Vec<Tenant>>,
    /// Tenants that are numbers are small ones.
    pub small: bool,
    /// Names of the first tenants that are texts.
    pub words: Vec<String>,
    /// The kind of tenant that the session's setting names.
    pub setting: DomainId,
}

/// A tenant: an index among those of its level.
#[derive(Clone, Copy, Debug)]
pub struct Tenant {
    /// Its place in the level around it.
    pub outer: Option<usize>,
    /// Its rows are those of the tenant under test.
    pub own: bool,
}

impl Universe {
    /// The universe in which the tenant under test is of these levels; of two that nest, the outer one counts.
    pub fn new(shape: &Shape, tested: &[usize], small: bool) -> Universe {
        let tenants = |level: usize| {
            let outer = shape.levels.get(level).and_then(|level| level.outer);
            let inside = tested.iter().any(|tested| shape.is_outer(*tested, level));
            let around = tested.iter().any(|tested| shape.is_outer(level, *tested));
            let itself = tested.contains(&level);
            let tenant = |at: usize| {
                let own = match at {
                    0 => itself || inside || around,
                    2 => inside,
                    _ => false,
                };
                let outer = outer.map(|_| match (own, at % 2) {
                    (true, _) => 0,
                    // A neighbour in the same house, unless the house is what is tested.
                    (false, 1) if itself && !inside => 0,
                    (false, 1) => ANCHOR,
                    (false, _) => 1 + at % (TENANTS - 1),
                });
                Tenant { outer, own }
            };
            (0..TENANTS).map(tenant).collect()
        };
        let outermost = |level: &&usize| !tested.iter().any(|other| shape.is_outer(*other, **level));
        Universe {
            small,
            words: Vec::new(),
            setting: DomainId(0),
            tested: tested.iter().filter(outermost).copied().collect(),
            levels: (0..shape.levels.len()).map(tenants).collect(),
        }
    }

    /// The name of a tenant by its index, as a value of a kind.
    pub fn called(&self, kind: &Kind, index: usize) -> Option<String> {
        let word = self.words.get(index).filter(|_| *kind == Kind::Text).cloned();
        word.or_else(|| kind.tenant(index, self.small))
    }

    /// The tenants of a level.
    pub fn tenants(&self, level: usize) -> &[Tenant] {
        self.levels.get(level).map_or(&[], Vec::as_slice)
    }

    /// The name of a tenant in a domain of its own level or of one around it.
    pub fn name(&self, shape: &Shape, level: usize, tenant: usize, domain: DomainId) -> Option<String> {
        let (wanted, kind) = shape.domains.get(domain.0 as usize)?;
        let (mut level, mut tenant) = (level, tenant);
        while level != *wanted {
            tenant = self.tenants(level).get(tenant)?.outer?;
            level = shape.levels.get(level)?.outer?;
        }
        // The names of two levels overlap without being the same; those next to each other stay so. Where a parameter is said
        // as several, nothing tells the prover that they are one value: there no name is of two levels.
        let index = if shape.pads { (tenant + level) % 8 } else { tenant ^ (level % 8) };
        let name = self.called(kind, index)?;
        // Where texts are padded to compare them, a blank at the end is what two names may differ by.
        Some(if shape.pads && name == "1st" { "a_me ".to_owned() } else { name })
    }

    /// The name of the tenant under test.
    pub fn own_name(&self, shape: &Shape, domain: DomainId) -> Option<String> {
        let (level, _) = shape.domains.get(domain.0 as usize)?;
        self.name(shape, *level, 0, domain)
    }

    /// The columns of a table that say by a name whose a row is, by position, with the names of the tenant under test.
    pub fn names(&self, shape: &Shape, table: usize) -> Vec<(usize, Vec<String>)> {
        let columns = shape.tables.get(table).map_or(&[] as &[_], |table| table.columns.as_slice());
        let level_of = |column: &ColumnShape| Some(shape.domains.get(column.key?.0 as usize)?.0);
        let decides =
            |column: &ColumnShape| level_of(column).is_some_and(|level| self.tested.contains(&level));
        // A key of the tested level says it all: also of an inner tenant that is new.
        let told = columns.iter().any(decides);
        let keys = columns.iter().enumerate().filter_map(|(at, column)| {
            let domain = column.key.filter(|_| !told || decides(column))?;
            let (level, _) = shape.domains.get(domain.0 as usize)?;
            let own = self.tenants(*level).iter().enumerate().filter(|(_, tenant)| tenant.own);
            Some((at, own.filter_map(|(tenant, _)| self.name(shape, *level, tenant, domain)).collect()))
        });
        keys.collect()
    }

    /// The condition that a row of a table belongs to the tenant under test.
    pub fn owned(&self, shape: &Shape, table: usize, alias: &str) -> String {
        let Some(shown) = shape.tables.get(table) else { return "false".to_owned() };
        match shown.owner {
            OwnerShape::Shared => "false".to_owned(),
            OwnerShape::Child(key) => {
                let Some(key) = shown.foreign_keys.get(key) else { return "false".to_owned() };
                let parent = shape.tables.get(key.target);
                let column = key.target_columns.first().and_then(|at| parent?.columns.get(*at));
                let by = key.columns.first().and_then(|at| shown.columns.get(*at));
                let (Some(parent), Some(column), Some(by)) = (parent, column, by) else {
                    return "false".to_owned();
                };
                let inner = format!("{alias}p");
                // A reference is to rows of the table itself, and not of those that inherit from it.
                let only = if parent.partitioned { "" } else { "ONLY " };
                format!(
                    "EXISTS (SELECT 1 FROM {only}{} {inner} WHERE {inner}.{} = {alias}.{} AND {})",
                    crate::shape::full(&parent.name),
                    crate::shape::quote(&column.name),
                    crate::shape::quote(&by.name),
                    self.owned(shape, key.target, &inner)
                )
            }
            OwnerShape::Keyed(_) | OwnerShape::Root(_) => {
                let tests = self.names(shape, table).into_iter().filter_map(|(at, names)| {
                    let column = shown.columns.get(at)?;
                    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                    // Names are the same letter by letter, whatever the column's collation takes for equal.
                    let exact = if column.kind == Kind::Text { "::text COLLATE \"C\"" } else { "" };
                    let column = crate::shape::quote(&column.name);
                    Some(match names.is_empty() {
                        true => "false".to_owned(),
                        false => {
                            format!("coalesce({alias}.{column}{exact} IN ({}), false)", names.join(", "))
                        }
                    })
                });
                tests.collect::<Vec<_>>().join(" AND ")
            }
        }
    }
}
