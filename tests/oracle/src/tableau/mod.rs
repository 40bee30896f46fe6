//! Rows that satisfy a statement as a whole: one for each of its relations, with values that its conditions ask for
//! together.
//!
//! What rows at random seldom do, as several columns of several tables that have to fit, these do; whose each is that nothing
//! ties to the tenant is drawn.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use tenantry_prover::catalog::{Catalog, QualifiedName};
use tenantry_prover::plan::{Action, ColId, CompareOp, Plan, ScanId};
use tenantry_prover::verdict::TenantSource;

use crate::rng::Rng;
use crate::shape::{OwnerShape, Shape};
use crate::subject::Statement;
use crate::tableau::read::{Asked, Node, read};
use crate::universe::Universe;
use crate::values::Kind;
use crate::world::{ANCHOR_ID, FOREIGN_ID, own_id};

/// Ids of these rows are from here on.
const FIRST_ID: usize = 61;
/// So many ids of each statement.
const IDS_EACH: usize = 6;
/// How many of a hundred rows that nothing ties are another tenant's.
const OTHERS: usize = 70;
/// Of a statement with more relations no rows are made.
const MAX_SCANS: usize = 16;

/// Rows that satisfy one statement, and the parameters that go with them.
#[derive(Clone, Debug, Default)]
pub struct Tableau {
    /// The rows.
    pub rows: Vec<Wanted>,
    /// Values of untrusted parameters, by number.
    pub params: BTreeMap<usize, Option<String>>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of which table.
    pub table: usize,
    /// Whose it is.
    pub whose: Whose,
    /// The values that it must have, by column; `None` where all the same.
    pub cells: Vec<Option<Option<String>>>,
}

/// Whose a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A tenant's, of the table's finest level.
    Tenant(usize),
    /// A part of a row of the tenant under test.
    Own,
    /// A part of another's row.
    Another,
    /// Everybody's.
    Shared,
}

/// What a statement is made rows for.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The schema, as the prover reads it.
    pub catalog: &'a Catalog,
    /// As rows are made for it.
    pub shape: &'a Shape,
    /// The tenants.
    pub universe: &'a Universe,
}

impl Ground<'_> {
    /// The table that rows of this one go to: of a part, the whole.
    fn table(&self, name: &QualifiedName) -> Option<usize> {
        let whole = || self.catalog.tables.get(name)?.partition_of.as_ref();
        self.shape.table(name).or_else(|| self.shape.table(whole()?))
    }
}

/// The rows for a statement; `number` tells them from those of others.
pub fn tableau(
    ground: Ground<'_>,
    statement: &Statement,
    plan: &Plan,
    number: usize,
    rng: &mut Rng,
) -> Tableau {
    if plan.scans.len() > MAX_SCANS {
        return Tableau::default();
    }
    let asked = read(plan, rng);
    let mut solver = Solver::new(ground, statement, plan, asked, rng);
    solver.next_id = FIRST_ID + number * IDS_EACH;
    solver.owners();
    solver.parts();
    solver.written();
    solver.values();
    solver.finish()
}

struct Solver<'a, 'r> {
    ground: Ground<'a>,
    plan: &'a Plan,
    rng: &'r mut Rng,
    asked: Asked,
    /// The class of each node.
    classes: Vec<(Node, usize)>,
    /// The values of classes.
    values: BTreeMap<usize, Option<String>>,
    /// The same, of columns alone.
    class_of: BTreeMap<ColId, usize>,
    /// The scan, the table and the place of each stored column.
    places: BTreeMap<ColId, (ScanId, usize, usize)>,
    cols: BTreeMap<(ScanId, usize), ColId>,
    /// The table of each scan that has rows, and whose its row is.
    scans: BTreeMap<ScanId, (usize, Option<Whose>)>,
    tied: BTreeSet<u32>,
    next_id: usize,
}

impl<'a, 'r> Solver<'a, 'r> {
    fn new(
        ground: Ground<'a>,
        statement: &Statement,
        plan: &'a Plan,
        asked: Asked,
        rng: &'r mut Rng,
    ) -> Solver<'a, 'r> {
        let there = (0..).map(ScanId).zip(&plan.scans).filter(|(id, _)| !asked.not_there.contains(id));
        let scans = there.filter_map(|(id, scan)| Some((id, (ground.table(&scan.table)?, None))));
        let scans: BTreeMap<ScanId, (usize, Option<Whose>)> = scans.collect();
        let mut places = BTreeMap::new();
        for (scan, (table, _)) in &scans {
            let Some(read) = plan.scans.get(scan.0 as usize) else { continue };
            let (stored, shown) = (ground.catalog.tables.get(&read.table), ground.shape.tables.get(*table));
            let Some((stored, shown)) = stored.zip(shown) else { continue };
            for (col, column) in read.cols.iter().zip(&stored.columns) {
                if let Some(at) = shown.columns.iter().position(|known| known.name == column.name) {
                    places.insert(*col, (*scan, *table, at));
                }
            }
        }
        let cols = places.iter().map(|(col, (scan, _, at))| ((*scan, *at), *col)).collect();
        let classes = asked.classes();
        let class_of = classes.iter().filter_map(|(node, class)| match node {
            Node::Column(col) => Some((*col, *class)),
            Node::Constant(_) | Node::Param(_) | Node::Setting => None,
        });
        let class_of = class_of.collect();
        let mut values = BTreeMap::new();
        let mut tied = BTreeSet::new();
        for tenant in &statement.tenants {
            if let TenantSource::Param(number) = tenant.source {
                tied.insert(number);
            }
        }
        for (node, class) in &classes {
            let name = match node {
                Node::Param(number) => statement
                    .tenants
                    .iter()
                    .find(|tenant| tenant.source == TenantSource::Param(*number))
                    .and_then(|tenant| ground.universe.own_name(ground.shape, tenant.domain)),
                Node::Setting => ground.universe.own_name(ground.shape, ground.universe.setting),
                Node::Column(_) | Node::Constant(_) => None,
            };
            if let Some(name) = name {
                values.insert(*class, Some(name));
            }
        }
        for (node, class) in &classes {
            if let Node::Constant(text) = node {
                values.entry(*class).or_insert_with(|| Some(text.clone()));
            }
        }
        for at in asked.empty.iter().map(|at| asked.root(*at)) {
            values.entry(at).or_insert(None);
        }
        Solver {
            ground,
            plan,
            rng,
            asked,
            classes,
            class_of,
            places,
            cols,
            values,
            scans,
            tied,
            next_id: FIRST_ID,
        }
    }

    fn class(&self, col: ColId) -> Option<usize> {
        self.class_of.get(&col).copied()
    }

    /// A stored column: its scan, the table, and its place in the shape.
    fn place(&self, col: ColId) -> Option<(ScanId, usize, usize)> {
        self.places.get(&col).copied()
    }

    /// The column of a scan at a place of the shape.
    fn col(&self, scan: ScanId, column: usize) -> Option<ColId> {
        self.cols.get(&(scan, column)).copied()
    }

    fn value(&self, scan: ScanId, column: usize) -> Option<Option<String>> {
        self.values.get(&self.class(self.col(scan, column)?)?).cloned()
    }

    fn set(&mut self, scan: ScanId, column: usize, value: Option<String>) {
        if let Some(class) = self.col(scan, column).and_then(|col| self.class(col)) {
            self.values.entry(class).or_insert(value);
        }
    }

    /// Tenants for the rows that keys tell the tenants of: who fits, others rather than the one under test.
    fn owners(&mut self) {
        let mut scans: Vec<ScanId> = self.scans.keys().copied().collect();
        self.rng.shuffle(&mut scans);
        for scan in scans {
            let Some((table, _)) = self.scans.get(&scan).copied() else { continue };
            let Ground { shape, universe, .. } = self.ground;
            let Some(shown) = shape.tables.get(table) else { continue };
            let level = match shown.owner {
                OwnerShape::Keyed(level) | OwnerShape::Root(level) => level,
                OwnerShape::Shared => {
                    self.scans.insert(scan, (table, Some(Whose::Shared)));
                    continue;
                }
                OwnerShape::Child(_) => continue,
            };
            let keys: Vec<_> =
                shown.columns.iter().enumerate().filter_map(|(at, one)| Some((at, one.key?))).collect();
            let fits = |tenant: &usize| {
                keys.iter().all(|(at, domain)| {
                    let asked = self.value(scan, *at);
                    asked.is_none_or(|asked| asked == universe.name(shape, level, *tenant, *domain))
                })
            };
            let all: Vec<usize> = (0..universe.tenants(level).len()).filter(fits).collect();
            let own = |at: &usize| universe.tenants(level).get(*at).is_some_and(|tenant| tenant.own);
            let (own, others): (Vec<usize>, Vec<usize>) = all.into_iter().partition(own);
            let from =
                if own.is_empty() || !others.is_empty() && self.rng.chance(OTHERS) { others } else { own };
            let Some(tenant) = self.rng.pick(&from).copied() else { continue };
            self.scans.insert(scan, (table, Some(Whose::Tenant(tenant))));
            for (at, domain) in keys {
                self.set(scan, at, universe.name(shape, level, tenant, domain));
            }
        }
    }

    /// Whose the rows are that are parts of others: those of a parent that stands beside them, where one does.
    fn parts(&mut self) {
        for _ in 0..3 {
            let open: Vec<ScanId> =
                self.scans.iter().filter(|(_, (_, whose))| whose.is_none()).map(|(scan, _)| *scan).collect();
            for scan in open {
                if let Some(whose) = self.of_parent(scan)
                    && let Some(entry) = self.scans.get_mut(&scan)
                {
                    entry.1 = Some(whose);
                }
            }
        }
        let open: Vec<ScanId> =
            self.scans.iter().filter(|(_, (_, whose))| whose.is_none()).map(|(scan, _)| *scan).collect();
        for scan in open {
            let is_child = self.reference(scan).is_some();
            let whose = if self.rng.chance(OTHERS) { Whose::Another } else { Whose::Own };
            if let Some(entry) = self.scans.get_mut(&scan).filter(|_| is_child) {
                entry.1 = Some(whose);
            }
        }
    }

    /// Of a scan of a child, the table and column of its parent, and its own column.
    fn reference(&self, scan: ScanId) -> Option<(usize, usize, usize)> {
        let (table, _) = self.scans.get(&scan)?;
        let shown = self.ground.shape.tables.get(*table)?;
        let OwnerShape::Child(key) = shown.owner else { return None };
        let key = shown.foreign_keys.get(key)?;
        Some((key.target, *key.target_columns.first()?, *key.columns.first()?))
    }

    fn of_parent(&self, scan: ScanId) -> Option<Whose> {
        let (target, to, by) = self.reference(scan)?;
        let class = self.class(self.col(scan, by)?)?;
        let is_parent = |(node, known): &&(Node, usize)| match node {
            Node::Column(col) if *known == class => {
                self.place(*col).is_some_and(|(_, table, column)| table == target && column == to)
            }
            _ => false,
        };
        let (Node::Column(col), _) = self.classes.iter().find(is_parent)? else { return None };
        let (parent, table, _) = self.place(*col)?;
        match self.scans.get(&parent)?.1? {
            Whose::Tenant(tenant) => {
                let level = match self.ground.shape.tables.get(table)?.owner {
                    OwnerShape::Keyed(level) | OwnerShape::Root(level) => level,
                    OwnerShape::Child(_) | OwnerShape::Shared => return None,
                };
                let own = self.ground.universe.tenants(level).get(tenant)?.own;
                Some(if own { Whose::Own } else { Whose::Another })
            }
            whose => Some(whose),
        }
    }

    /// What is written to references leads to rows that are there, most often to another's.
    fn written(&mut self) {
        let shape = self.ground.shape;
        for (scan, at, node) in self.asked.written.clone() {
            let class = self.asked.root(node);
            let name = self.plan.scans.get(scan.0 as usize).map(|scan| &scan.table);
            let found = name.and_then(|name| {
                let column = &self.ground.catalog.tables.get(name)?.columns.get(at)?.name;
                let shown = shape.tables.get(shape.table(name)?)?;
                let column = shown.columns.iter().position(|known| known.name == *column)?;
                let key = shown.foreign_keys.iter().find(|key| key.columns.last() == Some(&column))?;
                Some((&shown.columns.get(column)?.kind, key.target))
            });
            let Some((kind, target)) = found.filter(|_| !self.values.contains_key(&class)) else { continue };
            let id = match self.rng.below(10) {
                0..5 => ANCHOR_ID,
                5..7 => FOREIGN_ID,
                _ => own_id(target) + self.rng.below(2),
            };
            if let Some(value) = kind.numbered(id) {
                self.values.insert(class, Some(value));
            }
        }
    }

    /// Values for what is left: such as the columns take, and within the bounds.
    fn values(&mut self) {
        let mut open: Vec<usize> = self.classes.iter().map(|(_, class)| *class).collect();
        open.sort_unstable();
        open.dedup();
        for class in open {
            if self.values.contains_key(&class) {
                continue;
            }
            let columns: Vec<(ScanId, usize, usize)> = self
                .classes
                .iter()
                .filter(|(_, known)| *known == class)
                .filter_map(|(node, _)| match node {
                    Node::Column(col) => self.place(*col),
                    _ => None,
                })
                .collect();
            if let Some(value) = self.value_for(class, &columns) {
                self.values.insert(class, value);
            }
        }
    }

    fn value_for(&mut self, class: usize, columns: &[(ScanId, usize, usize)]) -> Option<Option<String>> {
        let (scan, table, column) = *columns.first()?;
        let tables = &self.ground.shape.tables;
        let kind = &tables.get(table)?.columns.get(column)?.kind;
        let is_id = |(_, table, column): &&(ScanId, usize, usize)| {
            tables.get(*table).is_some_and(|shown| shown.id == Some(*column))
        };
        let bounds: Vec<(CompareOp, &String)> = self
            .asked
            .bounds
            .iter()
            .filter(|(at, ..)| self.asked.root(*at) == class)
            .map(|(_, op, value)| (*op, value))
            .collect();
        let within = |value: &String| bounds.iter().all(|(op, bound)| is_within(value, *op, bound));
        if columns.iter().any(|one| is_id(&one)) && bounds.iter().all(|(op, _)| *op == CompareOp::NotEq) {
            self.next_id += 1;
            return Some(kind.numbered(self.next_id));
        }
        let key = tables.get(table)?.foreign_keys.iter().find(|key| key.columns.last() == Some(&column));
        if let Some(key) = key {
            let own = match self.scans.get(&scan).and_then(|(_, whose)| *whose) {
                Some(Whose::Own) => true,
                Some(Whose::Tenant(tenant)) => tenant == 0,
                _ => false,
            };
            let id = if own { own_id(key.target) + self.rng.below(2) } else { ANCHOR_ID };
            return Some(kind.numbered(id));
        }
        let mut pool = kind.pool(&[]);
        for (_, bound) in &bounds {
            if let Ok(number) = bound.parse::<i64>() {
                pool.extend([number.saturating_sub(1).to_string(), number.saturating_add(1).to_string()]);
            }
            pool.push((*bound).clone());
        }
        pool.retain(|value| within(value) && fits(kind, value));
        self.rng.pick(&pool).map(|value| Some(value.clone()))
    }

    fn finish(mut self) -> Tableau {
        let mut made = Tableau::default();
        for (node, class) in &self.classes {
            if let (Node::Param(number), Some(value)) = (node, self.values.get(class))
                && !self.tied.contains(number)
            {
                made.params.insert(*number as usize, value.clone());
            }
        }
        let scans: Vec<(ScanId, usize, Option<Whose>)> =
            self.scans.iter().map(|(scan, (table, whose))| (*scan, *table, *whose)).collect();
        for (scan, table, whose) in scans {
            let (Some(whose), Some(shown)) = (whose, self.ground.shape.tables.get(table)) else { continue };
            let cell = |at: usize| {
                let kind = shown.columns.get(at).map(|column| &column.kind)?;
                self.value(scan, at).filter(|value| value.as_ref().is_none_or(|value| fits(kind, value)))
            };
            let cells = (0..shown.columns.len()).map(cell).collect();
            made.rows.push(Wanted { table, whose, cells });
        }
        made.rows.dedup();
        if let Some(extra) = self.referring(&made) {
            made.rows.push(extra);
        }
        made
    }

    /// Another's row that refers to one which the statement writes.
    fn referring(&mut self, made: &Tableau) -> Option<Wanted> {
        let target = match &self.plan.main {
            Action::Update(update) => update.target,
            Action::Delete(delete) => delete.target,
            _ => return None,
        };
        let (table, _) = *self.scans.get(&target)?;
        let to = made.rows.iter().find(|row| row.table == table)?;
        let tables = self.ground.shape.tables.iter().enumerate();
        let keys = tables.flat_map(|(at, shown)| shown.foreign_keys.iter().map(move |key| (at, shown, key)));
        let keys: Vec<_> = keys.filter(|(_, _, key)| key.target == table).collect();
        let (at, shown, key) = *self.rng.pick(&keys)?;
        let mut cells = vec![None; shown.columns.len()];
        for (from, to_column) in key.columns.iter().zip(&key.target_columns) {
            let value = to.cells.get(*to_column)?.clone()?;
            *cells.get_mut(*from)? = Some(value);
        }
        let whose = match shown.owner {
            OwnerShape::Keyed(level) | OwnerShape::Root(level) => {
                Whose::Tenant(self.rng.below(self.ground.universe.tenants(level).len()))
            }
            OwnerShape::Child(_) => Whose::Another,
            OwnerShape::Shared => Whose::Shared,
        };
        Some(Wanted { table: at, whose, cells })
    }
}

/// Whether a column of this kind takes a value.
fn fits(kind: &Kind, value: &str) -> bool {
    match kind {
        Kind::Int => value.parse::<i32>().is_ok(),
        Kind::Bigint => value.parse::<i64>().is_ok(),
        Kind::Number => value.parse::<f64>().is_ok(),
        Kind::Text => true,
        Kind::Uuid => value.len() == 36 && value.split('-').count() == 5,
        Kind::Bool => ["true", "false"].contains(&value),
        Kind::Enum(labels) => labels.iter().any(|label| label == value),
        Kind::Date | Kind::Timestamp => value.len() > 7 && value.starts_with(|c: char| c.is_ascii_digit()),
        Kind::Json | Kind::Array(_) => value.starts_with(['{', '[']),
        Kind::Bytes => value.starts_with("\\x"),
        Kind::Other => false,
    }
}

fn is_within(value: &str, op: CompareOp, bound: &str) -> bool {
    let order = match (value.parse::<f64>(), bound.parse::<f64>()) {
        (Ok(value), Ok(bound)) => value.partial_cmp(&bound),
        _ => Some(value.cmp(bound)),
    };
    order.is_some_and(|order| match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::LtEq => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::GtEq => order.is_ge(),
    })
}
