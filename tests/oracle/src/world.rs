//! Worlds: contents of a database that agree on the rows of the tenant under test and on shared rows, and differ in
//! everybody else's.
//!
//! Rows of the tenant may refer, where the schema lets them, to rows of others: to *anchors*, whose id is the same in every
//! world and whose contents are not.

use std::collections::BTreeSet;

use tenantry_prover::catalog::QualifiedName;

use crate::hints::Hints;
use crate::rng::Rng;
use crate::shape::{FIRST_NUMBER, ForeignKeyShape, OwnerShape, Shape, TableShape, UniqueShape};
use crate::tableau::{Tableau, Wanted, Whose};
use crate::universe::{ANCHOR, Universe};
use crate::values::{Kind, quoted};

mod shadow;

/// Ids at which parameters aim. Which of them are the tenant's own differs from table to table, so that what joins on
/// the ids of two tables crosses over.
pub const IDS: std::ops::RangeInclusive<usize> = 11..=18;
/// The id of anchors.
pub const ANCHOR_ID: usize = 21;
/// An id that other tenants' rows often have, and own ones never.
pub const FOREIGN_ID: usize = 31;

/// Where ids begin that nothing aims at.
const FRESH: usize = 400;
/// In how many of a hundred worlds with others the rows of others are there that a statement asks for.
const SHOWN: usize = 75;

/// The first id of the tenant's own rows in a table.
pub fn own_id(table: usize) -> usize {
    IDS.start() + table % 3 * 2
}

/// What the others are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldKind {
    /// Some of them, with rows at random.
    Random,
    /// None but the anchors.
    Empty,
    /// All of them, with what the tenant's own rows say.
    Copy,
    /// All of them, with many rows.
    Crowd,
    /// All of them, with rows that refer to as few others as can be, so that nothing hinders what befalls them.
    Loose,
    /// Some of them, with rows that are like the tenant's own, references included.
    Shadow,
}

/// The kinds of the worlds in the order in which they are tried: what tells most comes first.
pub fn kinds(count: usize) -> Vec<WorldKind> {
    use WorldKind::{Copy, Crowd, Empty, Loose, Random, Shadow};
    let first = [Random, Empty, Shadow, Loose, Crowd, Copy];
    let rest = [Shadow, Random, Loose, Shadow, Copy].into_iter().cycle();
    first.into_iter().chain(rest).take(count).collect()
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// The table.
    pub table: QualifiedName,
    /// The columns that the rows give.
    pub columns: Vec<String>,
    /// Their values.
    pub cells: Vec<Vec<Option<String>>>,
}

impl Filling {
    /// The rows as `(…)` each.
    pub fn rows(&self) -> Vec<String> {
        self.cells.iter().map(|row| literal_row(row)).collect()
    }
}

/// Whose a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Own,
    Anchor,
    Foreign,
    Nobody,
    Shared,
}

struct Row {
    cells: Vec<Option<String>>,
    mark: Mark,
    /// The tenant, of the table's finest level.
    tenant: Option<usize>,
    /// The place of the own row that it is like.
    like: Option<usize>,
}

/// Makes worlds for one schema.
pub struct Maker<'a> {
    /// The schema.
    pub shape: &'a Shape,
    /// The tenants.
    pub universe: &'a Universe,
    /// Constants of the statements that will run.
    pub constants: &'a [String],
    /// What those statements compare columns with.
    pub hints: &'a Hints,
    /// What the tenant's own rows are made from.
    pub seed: u64,
    /// The same rows in another order.
    pub backwards: bool,
    /// Foreign keys stay inside a tenant.
    pub inside: bool,
    /// The tenant has few rows, none in many tables, and there are no anchors: tables may be empty.
    pub sparse: bool,
    /// Of some columns the tenant's rows all have one value.
    pub narrow: bool,
    /// Of one table the tenant has no rows, and there is no anchor in it.
    pub lacking: bool,
    /// The tables that the statements name.
    pub named: &'a BTreeSet<usize>,
    /// Rows that satisfy statements as a whole.
    pub tableaux: &'a [Tableau],
}

impl Maker<'_> {
    /// The rows of the tables, which are empty before.
    pub fn fill(&self, kind: WorldKind, number: u64) -> Vec<Filling> {
        let mut world = World {
            maker: self,
            rows: self.shape.tables.iter().map(|_| Vec::new()).collect(),
            taken: self.shape.tables.iter().map(|table| vec![BTreeSet::new(); table.uniques.len()]).collect(),
            ids: Vec::new(),
            loose: kind == WorldKind::Loose,
            own_count: 0,
            fresh: FRESH,
            shown: Vec::new(),
        };
        let mut rng = Rng::new(self.seed.wrapping_add((number + 1).wrapping_mul(0x51_7C_C1_B7_27_22_0A_95)));
        let present = self.present(kind, &mut rng);
        let share = if kind == WorldKind::Empty { 0 } else { SHOWN };
        world.shown = self.tableaux.iter().map(|_| rng.chance(share)).collect();
        for table in 0..self.shape.tables.len() {
            world.fill_table(table, kind, &present, &mut rng);
        }
        world.statements(&mut rng)
    }

    /// The tenant has no rows in this table: the one of which it has none, or what would hinder that rows of the one are deleted.
    fn lacks(&self, at: usize) -> bool {
        let tables = self.shape.tables.iter().enumerate();
        let may = |owner: &OwnerShape| matches!(owner, OwnerShape::Keyed(_) | OwnerShape::Child(_));
        let may_lack: Vec<usize> = tables.filter(|(_, table)| may(&table.owner)).map(|(at, _)| at).collect();
        let named: Vec<usize> = may_lack.iter().copied().filter(|at| self.named.contains(at)).collect();
        let may_lack = if named.is_empty() { may_lack } else { named };
        let chosen = Rng::new(self.seed.rotate_left(11)).pick(&may_lack).copied();
        match chosen.filter(|_| self.lacking) {
            Some(one) if self.seed.is_multiple_of(2) => one == at,
            Some(one) => self.hinders(at, one),
            None => false,
        }
    }

    /// A row of the table refuses that what it refers to is deleted with a row of another.
    fn hinders(&self, at: usize, deleted: usize) -> bool {
        let refers = |table: usize, gone: &BTreeSet<usize>, refuses: bool| {
            let keys =
                self.shape.tables.get(table).map_or(&[] as &[_], |table| table.foreign_keys.as_slice());
            keys.iter().any(|key| key.refuses == refuses && gone.contains(&key.target))
        };
        let mut gone = BTreeSet::from([deleted]);
        // Tables stand behind those that they reference.
        for table in 0..self.shape.tables.len() {
            if refers(table, &gone, false) {
                gone.insert(table);
            }
        }
        !gone.contains(&at) && refers(at, &gone, true)
    }

    /// The number that names the tenant under test, which an id may happen to be as well.
    fn tenant_number(&self) -> Option<usize> {
        let domains = self.shape.domains.iter().enumerate();
        let mut names = domains.filter_map(|(at, _)| {
            let domain = tenantry_prover::tenancy::DomainId(u16::try_from(at).ok()?);
            self.universe.own_name(self.shape, domain)?.parse().ok()
        });
        names.next()
    }

    /// Values of a column that is no key, and yet the same as a name of the tenant under test.
    fn namesakes(&self, kind: &Kind) -> Vec<String> {
        let domains = (0..self.shape.domains.len()).filter_map(|at| u16::try_from(at).ok());
        let names = domains
            .filter_map(|at| self.universe.own_name(self.shape, tenantry_prover::tenancy::DomainId(at)));
        let mut names: Vec<String> = names
            .filter(|name| match kind {
                Kind::Int => name.parse::<i32>().is_ok(),
                Kind::Bigint => name.parse::<i64>().is_ok(),
                Kind::Uuid => name.len() == 36 && name.split('-').count() == 5,
                Kind::Text => true,
                _ => false,
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The one value that a column of all of the tenant's rows has, where it has but one. Of some seeds it is the same for
    /// columns of one name, in whatever tables.
    fn only_value(&self, at: usize, column: &str, from: &[String], nullable: bool) -> Option<Option<String>> {
        if !self.narrow {
            return None;
        }
        let (table, share) = if self.is_alike() { (0, 80) } else { (at as u64, 35) };
        let place =
            column.bytes().fold(table, |place, byte| place.wrapping_mul(257).wrapping_add(byte.into()));
        let mut chance = Rng::new(self.seed.rotate_left(29) ^ place.wrapping_mul(0x9FB2_1C65_1E98_DF25));
        if !chance.chance(share) {
            return None;
        }
        let empty = nullable && chance.chance(20);
        Some(chance.pick(from).cloned().filter(|_| !empty))
    }

    /// Columns of one name are alike, so that tables meet by several of them.
    fn is_alike(&self) -> bool {
        self.narrow && self.seed.is_multiple_of(2)
    }

    /// Which tenants of each level are there.
    fn present(&self, kind: WorldKind, rng: &mut Rng) -> Vec<Vec<usize>> {
        let mut present: Vec<Vec<usize>> = vec![Vec::new(); self.shape.levels.len()];
        // Outer levels first; no chain is longer than there are levels.
        for _ in 0..self.shape.levels.len() {
            for level in 0..self.shape.levels.len() {
                if present.get(level).is_some_and(|known| !known.is_empty()) {
                    continue;
                }
                let outer = self.shape.levels.get(level).and_then(|level| level.outer);
                let housed = |tenant: usize| match (outer, self.universe.tenants(level).get(tenant)) {
                    (Some(outer), Some(tenant)) => tenant
                        .outer
                        .is_some_and(|house| present.get(outer).is_some_and(|known| known.contains(&house))),
                    _ => true,
                };
                let all = self.universe.tenants(level).iter().enumerate();
                let chosen: Vec<usize> = all
                    .filter(|(at, tenant)| {
                        let wanted = match kind {
                            WorldKind::Empty => false,
                            WorldKind::Random => rng.chance(55),
                            WorldKind::Copy | WorldKind::Crowd | WorldKind::Loose | WorldKind::Shadow => true,
                        };
                        (tenant.own || *at == ANCHOR && !self.sparse || wanted) && housed(*at)
                    })
                    .map(|(at, _)| at)
                    .collect();
                if let Some(entry) = present.get_mut(level) {
                    *entry = chosen;
                }
            }
        }
        present
    }
}

struct World<'a> {
    maker: &'a Maker<'a>,
    rows: Vec<Vec<Row>>,
    taken: Vec<Vec<BTreeSet<Vec<String>>>>,
    /// Ids that others' rows of the table at hand may have.
    ids: Vec<usize>,
    /// Rows of others refer to as few as can be.
    loose: bool,
    /// How many own rows the table at hand gets.
    own_count: usize,
    fresh: usize,
    /// Of which tableaux the rows of others are there.
    shown: Vec<bool>,
}

impl World<'_> {
    fn fill_table(&mut self, at: usize, kind: WorldKind, present: &[Vec<usize>], rng: &mut Rng) {
        let Some(table) = self.maker.shape.tables.get(at) else { return };
        let mut fixed = Rng::new(self.maker.seed ^ (at as u64).wrapping_mul(0xA076_1D64_78BD_642F));
        self.own_count = fixed.range(3, 5);
        if self.maker.sparse {
            // By numbers of its own, so that the rows that are there are those of a tenant with many.
            let mut chance = Rng::new(self.maker.seed.rotate_left(17) ^ at as u64);
            self.own_count = if chance.chance(40) { 0 } else { chance.range(1, 3) };
        }
        if self.maker.lacks(at) {
            self.own_count = 0;
        }
        let own = own_id(at)..own_id(at) + self.own_count;
        self.ids = (1..60).filter(|id| !own.contains(id) && *id != ANCHOR_ID).collect();
        rng.shuffle(&mut self.ids);
        // Ids that statements name, the tenant's own name, and those that parameters have.
        let named = self.maker.constants.iter().filter_map(|constant| constant.parse().ok());
        let mut hot: Vec<usize> = named.filter(|id| !own.contains(id) && *id != ANCHOR_ID).collect();
        hot.extend(self.maker.tenant_number());
        if self.maker.shape.follows {
            // A large one would say what the next new one is.
            hot.retain(|id| *id < FIRST_NUMBER);
        }
        rng.shuffle(&mut hot);
        hot.truncate(4);
        let mut aimed: Vec<usize> = IDS.filter(|id| !own.contains(id)).collect();
        rng.shuffle(&mut aimed);
        aimed.truncate(3);
        hot.extend(aimed);
        hot.push(FOREIGN_ID);
        rng.shuffle(&mut hot);
        if rng.chance(80) {
            self.ids.retain(|id| !hot.contains(id));
            self.ids.extend(hot);
        }
        self.fresh = FRESH;
        match table.owner {
            OwnerShape::Shared => {
                for id in 1..=4 {
                    self.make(at, Mark::Shared, None, Some(id), &mut fixed);
                }
                self.fill_wanted(at, Mark::Shared, &mut fixed, |whose| {
                    (whose == Whose::Shared).then_some(None)
                });
            }
            OwnerShape::Root(level) | OwnerShape::Keyed(level) => {
                self.fill_owned(at, level, kind, present, &mut fixed, rng);
            }
            OwnerShape::Child(_) => self.fill_child(at, kind, &mut fixed, rng),
        }
    }

    fn fill_owned(
        &mut self,
        at: usize,
        level: usize,
        kind: WorldKind,
        present: &[Vec<usize>],
        fixed: &mut Rng,
        rng: &mut Rng,
    ) {
        let Some(table) = self.maker.shape.tables.get(at) else { return };
        let root = matches!(table.owner, OwnerShape::Root(_));
        let tenants = self.maker.universe.tenants(level);
        let here = present.get(level).map_or(&[] as &[usize], Vec::as_slice);
        let own: Vec<usize> =
            here.iter().copied().filter(|at| tenants.get(*at).is_some_and(|tenant| tenant.own)).collect();
        let mut id = own_id(at);
        for tenant in &own {
            let count = if root { 1 } else { self.own_count.div_ceil(own.len()) };
            for _ in 0..count {
                if !root || !self.make_root(at, Mark::Own, *tenant, fixed) {
                    self.make(at, Mark::Own, Some(*tenant), Some(id), fixed);
                }
                id += 1;
            }
        }
        let of = |whose: Whose, own_ones: bool| match whose {
            Whose::Tenant(tenant) if own.contains(&tenant) == own_ones && here.contains(&tenant) => {
                Some(Some(tenant))
            }
            _ => None,
        };
        if !root && !self.maker.lacks(at) {
            self.fill_wanted(at, Mark::Own, fixed, |whose| of(whose, true));
        }
        let shared = !root && table.null_is_shared;
        for id in [1, 2] {
            if shared {
                self.make(at, Mark::Shared, None, Some(id), fixed);
            }
        }
        // What is made from `fixed` must not depend on others: all of it is made by now.
        let anchored = !self.maker.sparse && !self.maker.lacks(at);
        if anchored {
            self.make(at, Mark::Anchor, Some(ANCHOR), Some(ANCHOR_ID), rng);
        }
        if !root {
            self.fill_wanted(at, Mark::Foreign, rng, |whose| of(whose, false));
        }
        for tenant in here.iter().filter(|at| !own.contains(at)) {
            let there = root && anchored && *tenant == ANCHOR;
            if root && !there && self.make_root(at, Mark::Foreign, *tenant, rng) {
                continue;
            }
            if kind == WorldKind::Shadow && !there {
                self.fill_likes(at, Some(*tenant), root, rng);
                continue;
            }
            if there || kind == WorldKind::Empty {
                if root && !there {
                    self.make(at, Mark::Foreign, Some(*tenant), None, rng);
                }
                continue;
            }
            let mut own_words = Rng::new(self.maker.seed ^ (at as u64).wrapping_mul(0xA076_1D64_78BD_642F));
            let source = if kind == WorldKind::Copy { &mut own_words } else { &mut *rng };
            let count = match kind {
                _ if root => 1,
                WorldKind::Copy => self.own_count,
                WorldKind::Crowd => 4,
                WorldKind::Random | WorldKind::Empty | WorldKind::Shadow => source.range(0, 4),
                WorldKind::Loose => source.range(1, 3),
            };
            for _ in 0..count {
                self.make(at, Mark::Foreign, Some(*tenant), None, source);
            }
        }
        if !root && !shared && kind != WorldKind::Empty {
            if kind == WorldKind::Shadow {
                for own in self.own_rows(at) {
                    if rng.chance(40) {
                        self.make_like((at, own), Mark::Nobody, None, rng);
                    }
                }
            }
            for _ in 0..rng.range(0, 3) {
                self.make(at, Mark::Nobody, None, None, rng);
            }
        }
    }

    /// The places of the tenant's own rows of a table.
    fn own_rows(&self, at: usize) -> Vec<usize> {
        let rows = self.rows.get(at).into_iter().flatten().enumerate();
        rows.filter(|(_, row)| row.mark == Mark::Own).map(|(place, _)| place).collect()
    }

    /// Another tenant's likes of some of the own rows; of a table of tenants, that tenant.
    fn fill_likes(&mut self, at: usize, tenant: Option<usize>, root: bool, rng: &mut Rng) {
        let own = self.own_rows(at);
        if root {
            let like =
                own.first().is_some_and(|first| self.make_like((at, *first), Mark::Foreign, tenant, rng));
            if !like {
                self.make(at, Mark::Foreign, tenant, None, rng);
            }
            return;
        }
        let share = rng.range(0, 3) * 33;
        for place in own {
            if rng.chance(share) {
                self.make_like((at, place), Mark::Foreign, tenant, rng);
            }
        }
    }

    fn fill_child(&mut self, at: usize, kind: WorldKind, fixed: &mut Rng, rng: &mut Rng) {
        for id in 0..self.own_count {
            self.make(at, Mark::Own, None, Some(own_id(at) + id), fixed);
        }
        if !self.maker.lacks(at) {
            self.fill_wanted(at, Mark::Own, fixed, |whose| (whose == Whose::Own).then_some(None));
        }
        if !self.maker.sparse && !self.maker.lacks(at) {
            self.make(at, Mark::Anchor, None, Some(ANCHOR_ID), rng);
        }
        self.fill_wanted(at, Mark::Foreign, rng, |whose| (whose == Whose::Another).then_some(None));
        if matches!(kind, WorldKind::Empty | WorldKind::Loose) {
            return;
        }
        if kind == WorldKind::Shadow {
            for place in self.own_rows(at) {
                for _ in 0..rng.range(0, 2) {
                    self.make_like((at, place), Mark::Foreign, None, rng);
                }
            }
            return;
        }
        let count = if kind == WorldKind::Crowd { 20 } else { rng.range(1, 12) };
        for _ in 0..count {
            self.make(at, Mark::Foreign, None, None, rng);
        }
        for _ in 0..rng.range(0, 2) {
            self.make(at, Mark::Nobody, None, None, rng);
        }
    }

    /// Adds a row if one can be made that keeps the constraints.
    fn make(
        &mut self,
        at: usize,
        mark: Mark,
        tenant: Option<usize>,
        id: Option<usize>,
        rng: &mut Rng,
    ) -> bool {
        let Some(table) = self.maker.shape.tables.get(at) else { return false };
        let mut draft = Draft::new(table.columns.len());
        let Some(tenant) = self.set_owner(table, mark, tenant, &mut draft, rng) else { return false };
        if !self.set_keys(table, mark, tenant, &mut draft) {
            return false;
        }
        let mut keys: Vec<&ForeignKeyShape> = table.foreign_keys.iter().collect();
        // Those with more columns leave less choice.
        keys.sort_by_key(|key| std::cmp::Reverse(key.columns.len()));
        for key in keys {
            if !self.set_reference(at, table, key, mark, tenant, &mut draft, rng) {
                return false;
            }
        }
        let id = id.unwrap_or_else(|| self.new_id());
        self.set_rest((at, table), mark, id, &mut draft, rng);
        self.place(at, draft, mark, tenant, None, rng)
    }

    /// The rows of a table that statements ask for as a whole, of those whom `of` takes, with the tenant whose each is.
    fn fill_wanted(
        &mut self,
        at: usize,
        mark: Mark,
        rng: &mut Rng,
        of: impl Fn(Whose) -> Option<Option<usize>>,
    ) {
        let maker = self.maker;
        for (number, tableau) in maker.tableaux.iter().enumerate() {
            let is_shown = self.shown.get(number).copied().unwrap_or(false);
            if mark == Mark::Foreign && !is_shown {
                continue;
            }
            for wanted in tableau.rows.iter().filter(|row| row.table == at) {
                if let Some(tenant) = of(wanted.whose) {
                    self.make_wanted(wanted, mark, tenant, rng);
                }
            }
        }
    }

    /// The row of a tenant that a statement asks for, in the table of the tenants.
    fn make_root(&mut self, at: usize, mark: Mark, tenant: usize, rng: &mut Rng) -> bool {
        let maker = self.maker;
        let shown = maker.tableaux.iter().zip(self.shown.clone());
        let shown = shown.filter(|(_, shown)| mark == Mark::Own || *shown);
        let mut rows = shown.flat_map(|(tableau, _)| &tableau.rows);
        rows.find(|row| row.table == at && row.whose == Whose::Tenant(tenant))
            .is_some_and(|wanted| self.make_wanted(wanted, mark, Some(tenant), rng))
    }

    fn make_wanted(&mut self, wanted: &Wanted, mark: Mark, tenant: Option<usize>, rng: &mut Rng) -> bool {
        let at = wanted.table;
        let Some(table) = self.maker.shape.tables.get(at) else { return false };
        let mut draft = Draft::new(table.columns.len());
        let Some(tenant) = self.set_owner_wanted(table, wanted, (mark, tenant), &mut draft, rng) else {
            return false;
        };
        if !self.set_keys(table, mark, tenant, &mut draft) {
            return false;
        }
        for (column, shape) in table.columns.iter().enumerate() {
            if let Some(Some(value)) = wanted.cells.get(column)
                && !draft.is_set(column)
                && (value.is_some() || shape.nullable)
            {
                draft.set(column, value.clone());
            }
        }
        let mut keys: Vec<&ForeignKeyShape> = table.foreign_keys.iter().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.columns.len()));
        for key in keys {
            let given = key.columns.iter().all(|column| draft.is_set(*column));
            let holds = match given {
                true => self.refers(at, key, (mark, tenant), &draft),
                false => self.set_reference(at, table, key, mark, tenant, &mut draft, rng),
            };
            if !holds {
                return false;
            }
        }
        let id = match mark {
            Mark::Own | Mark::Shared => {
                self.fresh += 1;
                self.fresh
            }
            Mark::Anchor | Mark::Foreign | Mark::Nobody => self.new_id(),
        };
        self.set_rest((at, table), mark, id, &mut draft, rng);
        self.place(at, draft, mark, tenant, None, rng)
    }

    /// Of a child, the parent that is asked for, and whose that is.
    fn set_owner_wanted(
        &self,
        table: &TableShape,
        wanted: &Wanted,
        (mark, tenant): (Mark, Option<usize>),
        draft: &mut Draft,
        rng: &mut Rng,
    ) -> Option<Option<usize>> {
        let OwnerShape::Child(key) = table.owner else { return Some(tenant) };
        let key = table.foreign_keys.get(key)?;
        let (by, to) = (key.columns.first()?, key.target_columns.first()?);
        let Some(Some(named)) = wanted.cells.get(*by) else {
            return self.set_owner(table, mark, tenant, draft, rng);
        };
        let fits = |row: &&Row| match mark {
            Mark::Own => row.mark == Mark::Own,
            _ => matches!(row.mark, Mark::Foreign | Mark::Anchor),
        };
        let mut rows = self.rows.get(key.target)?.iter().filter(fits);
        let parent = rows.find(|row| row.cells.get(*to) == Some(named))?;
        draft.set(*by, named.clone());
        Some(parent.tenant)
    }

    /// A reference that is given leads to a row to which one of this mark may refer, or to none.
    fn refers(
        &self,
        at: usize,
        key: &ForeignKeyShape,
        (mark, tenant): (Mark, Option<usize>),
        draft: &Draft,
    ) -> bool {
        if key.columns.iter().any(|column| draft.value(*column).is_none()) {
            return true;
        }
        let rows = self.rows.get(key.target).map_or(&[] as &[Row], Vec::as_slice);
        let is_named = |row: &&Row| {
            key.columns
                .iter()
                .zip(&key.target_columns)
                .all(|(column, to)| draft.value(*column) == row.cells.get(*to).and_then(Option::as_ref))
        };
        let may = |row: &&Row| {
            let inside = !self.maker.inside
                || row.mark == Mark::Shared
                || self.together((at, tenant), (key.target, row.tenant));
            inside
                && match (mark, row.mark) {
                    (_, Mark::Shared) => true,
                    (Mark::Own, Mark::Own) => true,
                    // What the tenant's rows refer to must be there in every world.
                    (Mark::Own, Mark::Anchor) => key.columns.len() == 1 && key.target != at,
                    (Mark::Own | Mark::Shared, _) => false,
                    (_, _) => true,
                }
        };
        rows.iter().filter(is_named).any(|row| may(&row))
    }

    /// An id that no row of the table at hand has.
    fn new_id(&mut self) -> usize {
        self.ids.pop().unwrap_or_else(|| {
            self.fresh += 1;
            self.fresh
        })
    }

    /// Adds a row, changed where it must differ from those that are there.
    fn place(
        &mut self,
        at: usize,
        mut draft: Draft,
        mark: Mark,
        tenant: Option<usize>,
        like: Option<usize>,
        rng: &mut Rng,
    ) -> bool {
        let Some(table) = self.maker.shape.tables.get(at) else { return false };
        for _ in 0..4 {
            match self.clash(at, table, &draft) {
                None => {
                    self.add(at, table, Row { cells: draft.cells, mark, tenant, like });
                    return true;
                }
                Some(unique) => {
                    let free: Vec<usize> =
                        unique.iter().copied().filter(|column| draft.is_free(*column)).collect();
                    let Some(column) = rng.pick(&free).copied() else { return false };
                    self.fresh += 1;
                    let value = table.columns.get(column).and_then(|shape| shape.kind.numbered(self.fresh));
                    draft.change(column, value);
                }
            }
        }
        false
    }

    fn set_keys(&self, table: &TableShape, mark: Mark, tenant: Option<usize>, draft: &mut Draft) -> bool {
        let level = match table.owner {
            OwnerShape::Keyed(level) | OwnerShape::Root(level) => level,
            OwnerShape::Child(_) | OwnerShape::Shared => return true,
        };
        for (column, shape) in table.columns.iter().enumerate() {
            let Some(domain) = shape.key else { continue };
            let value = match tenant {
                Some(tenant) => self.maker.universe.name(self.maker.shape, level, tenant, domain),
                None if shape.nullable && matches!(mark, Mark::Nobody | Mark::Shared) => None,
                None => return false,
            };
            draft.set(column, value);
        }
        true
    }

    /// The reference by which a child has its owner; the tenant that owns the row, where one does.
    fn set_owner(
        &self,
        table: &TableShape,
        mark: Mark,
        tenant: Option<usize>,
        draft: &mut Draft,
        rng: &mut Rng,
    ) -> Option<Option<usize>> {
        let OwnerShape::Child(key) = table.owner else { return Some(tenant) };
        let key = table.foreign_keys.get(key)?;
        let (by, to) = (key.columns.first()?, key.target_columns.first()?);
        if mark == Mark::Nobody {
            draft.set(*by, None);
            return table.columns.get(*by).is_some_and(|column| column.nullable).then_some(None);
        }
        let parents = self.rows.get(key.target).map_or(&[] as &[Row], Vec::as_slice);
        let fits = |row: &&Row| match mark {
            Mark::Own => row.mark == Mark::Own,
            Mark::Anchor => row.mark == Mark::Anchor,
            _ => matches!(row.mark, Mark::Foreign | Mark::Anchor),
        };
        let parents: Vec<&Row> = parents.iter().filter(fits).collect();
        let parent = rng.pick(&parents)?;
        draft.set(*by, Some(parent.cells.get(*to).cloned().flatten()?));
        Some(parent.tenant)
    }

    /// The level of the tenants that own a table's rows.
    fn level(&self, mut table: usize) -> Option<usize> {
        for _ in 0..self.maker.shape.tables.len() {
            let shape = self.maker.shape.tables.get(table)?;
            match shape.owner {
                OwnerShape::Keyed(level) | OwnerShape::Root(level) => return Some(level),
                OwnerShape::Child(key) => table = shape.foreign_keys.get(key)?.target,
                OwnerShape::Shared => return None,
            }
        }
        None
    }

    /// Whether a row of one table's tenant and one of another's are in the same house, as far as both levels say.
    fn together(&self, one: (usize, Option<usize>), other: (usize, Option<usize>)) -> bool {
        let chain = |(table, tenant): (usize, Option<usize>)| {
            let (mut level, mut tenant) = (self.level(table)?, tenant?);
            let mut chain = vec![(level, tenant)];
            while let Some(outer) = self.maker.shape.levels.get(level)?.outer {
                tenant = self.maker.universe.tenants(level).get(tenant)?.outer?;
                level = outer;
                chain.push((level, tenant));
            }
            Some(chain)
        };
        let (Some(one), Some(other)) = (chain(one), chain(other)) else { return false };
        one.iter().all(|(level, tenant)| other.iter().all(|(known, there)| level != known || tenant == there))
    }

    #[allow(clippy::too_many_arguments, reason = "a row in the making and where it stands")]
    fn set_reference(
        &self,
        at: usize,
        table: &TableShape,
        key: &ForeignKeyShape,
        mark: Mark,
        tenant: Option<usize>,
        draft: &mut Draft,
        rng: &mut Rng,
    ) -> bool {
        if key.columns.iter().all(|column| draft.is_set(*column)) {
            return true;
        }
        let nullable = key
            .columns
            .iter()
            .any(|column| !draft.is_set(*column) && table.columns.get(*column).is_some_and(|c| c.nullable));
        let target = self.maker.shape.tables.get(key.target);
        // Only an anchor's id is the same everywhere.
        let by_id = target
            .is_some_and(|target| target.id.is_some() && target.id == key.target_columns.first().copied())
            && key.columns.len() == 1;
        let crossing = rng.chance(40) && !self.maker.inside;
        let fits = |row: &&Row| {
            let agrees = key.columns.iter().zip(&key.target_columns).all(|(column, to)| {
                !draft.is_set(*column) || draft.value(*column) == row.cells.get(*to).and_then(Option::as_ref)
            });
            let inside = !self.maker.inside
                || row.mark == Mark::Shared
                || self.together((at, tenant), (key.target, row.tenant));
            agrees
                && inside
                && match (mark, row.mark) {
                    (_, Mark::Shared) => true,
                    (Mark::Own | Mark::Shared, Mark::Own) => mark == Mark::Own && !crossing,
                    (Mark::Own, Mark::Anchor) => by_id && crossing && key.target != at,
                    (Mark::Own | Mark::Shared, _) => false,
                    // Others' rows of the same table may not be there yet; own ones are.
                    (_, Mark::Own) => by_id && crossing,
                    (Mark::Anchor, Mark::Anchor) => true,
                    (_, _) => crossing || row.tenant == tenant || tenant.is_none(),
                }
        };
        let rows = self.rows.get(key.target).map_or(&[] as &[Row], Vec::as_slice);
        let candidates: Vec<&Row> = rows.iter().filter(fits).collect();
        let chosen = rng.pick(&candidates).copied();
        let loose = self.loose && mark == Mark::Foreign;
        let skipped = (rng.chance(15) || loose) && nullable;
        let Some(row) = chosen.filter(|_| !skipped) else {
            if nullable {
                for column in &key.columns {
                    if !draft.is_set(*column) && table.columns.get(*column).is_some_and(|c| c.nullable) {
                        draft.set(*column, None);
                    }
                }
                return true;
            }
            // Own rows must not fail for want of luck.
            let own = rows.iter().find(|row| {
                row.mark == mark
                    && (!self.maker.inside || self.together((at, tenant), (key.target, row.tenant)))
                    && key.columns.iter().zip(&key.target_columns).all(|(column, to)| {
                        !draft.is_set(*column)
                            || draft.value(*column) == row.cells.get(*to).and_then(Option::as_ref)
                    })
            });
            let Some(own) = own else { return false };
            for (column, to) in key.columns.iter().zip(&key.target_columns) {
                draft.set(*column, own.cells.get(*to).cloned().flatten());
            }
            return true;
        };
        for (column, to) in key.columns.iter().zip(&key.target_columns) {
            draft.set(*column, row.cells.get(*to).cloned().flatten());
        }
        true
    }

    fn set_rest(
        &self,
        (at, table): (usize, &TableShape),
        mark: Mark,
        id: usize,
        draft: &mut Draft,
        rng: &mut Rng,
    ) {
        for (column, shape) in table.columns.iter().enumerate() {
            if draft.is_set(column) {
                continue;
            }
            let mut hinted = self.maker.hints.values(&shape.name, &shape.kind);
            hinted.retain(|value| mark != Mark::Own || !Kind::is_zero(value));
            if table.id == Some(column) {
                let word = (mark == Mark::Shared && shape.kind == Kind::Text)
                    .then(|| rng.pick(&shape.kind.pool(self.maker.constants)).cloned())
                    .flatten();
                let named = match mark {
                    Mark::Foreign if shape.kind == Kind::Text && rng.chance(20) => {
                        let mut words = self.maker.namesakes(&shape.kind);
                        words.extend(self.maker.constants.iter().cloned());
                        rng.pick(&words).cloned()
                    }
                    Mark::Own if self.maker.narrow => self.own_id_of(&hinted, rng),
                    _ => None,
                };
                draft.change(column, word.or(named).or_else(|| shape.kind.numbered(id)));
                continue;
            }
            // What all statements of a batch mention must not crowd out what each of them does.
            let constants = if rng.chance(30) { self.maker.constants } else { &[] };
            let mut pool = shape.kind.pool(constants);
            let is_alone = |unique: &UniqueShape| unique.only.is_none() && unique.columns == [column];
            let alone = table.uniques.iter().any(is_alone);
            match mark {
                // What is unique over all tenants must leave something for the others; which is whose changes with the seed.
                Mark::Own | Mark::Anchor | Mark::Foreign if alone => {
                    let first = (mark == Mark::Own) != self.maker.seed.is_multiple_of(2);
                    let cut = 3.min(pool.len().saturating_sub(1));
                    if first {
                        pool.truncate(cut.max(1))
                    } else {
                        drop(pool.drain(..cut))
                    }
                    if mark != Mark::Own {
                        pool.extend(self.maker.namesakes(&shape.kind));
                    }
                }
                Mark::Own => {
                    pool.retain(|value| !Kind::is_zero(value));
                    pool.extend(self.maker.namesakes(&shape.kind));
                }
                Mark::Anchor | Mark::Foreign => {
                    pool.extend(shape.kind.extremes());
                    pool.extend(self.maker.namesakes(&shape.kind));
                }
                Mark::Nobody | Mark::Shared => {}
            }
            let is_other = mark == Mark::Foreign && self.maker.is_alike() && rng.chance(70);
            if !alone && (mark == Mark::Own || is_other) {
                let asked: Vec<String> = hinted.iter().map(|value| (*value).clone()).collect();
                let mut from = if asked.is_empty() { shape.kind.pool(&[]) } else { asked };
                from.retain(|value| !Kind::is_zero(value));
                if let Some(value) = self.maker.only_value(at, &shape.name, &from, shape.nullable) {
                    draft.change(column, value);
                    continue;
                }
            }
            let asked =
                (!alone && rng.chance(35)).then(|| rng.pick(&hinted).map(|value| (*value).clone())).flatten();
            let value = asked.or_else(|| rng.pick(&pool).cloned());
            let empty = shape.nullable && rng.chance(15);
            draft.change(column, value.filter(|_| !empty));
        }
    }

    /// An id that statements name, for an own row; not one that others' rows have in every world.
    fn own_id_of(&self, hinted: &[&String], rng: &mut Rng) -> Option<String> {
        let id = rng.chance(30).then(|| rng.pick(hinted).map(|id| (*id).clone())).flatten()?;
        let is_kept = |id: usize| id == ANCHOR_ID || id == FOREIGN_ID || IDS.contains(&id);
        Some(id).filter(|id| !id.parse().is_ok_and(is_kept))
    }

    fn clash<'t>(&self, at: usize, table: &'t TableShape, draft: &Draft) -> Option<&'t [usize]> {
        let taken = self.taken.get(at)?;
        let clashes =
            table.uniques.iter().zip(taken).find(|(unique, taken)| {
                told(&draft.cells, unique).is_some_and(|values| taken.contains(&values))
            });
        clashes.map(|(unique, _)| unique.columns.as_slice())
    }

    fn add(&mut self, at: usize, table: &TableShape, row: Row) {
        if let Some(taken) = self.taken.get_mut(at) {
            for (unique, taken) in table.uniques.iter().zip(taken) {
                taken.extend(told(&row.cells, unique));
            }
        }
        if let Some(rows) = self.rows.get_mut(at) {
            rows.push(row);
        }
    }

    fn statements(&self, rng: &mut Rng) -> Vec<Filling> {
        let others_first = rng.chance(50);
        let mut statements = Vec::new();
        for (table, rows) in self.maker.shape.tables.iter().zip(&self.rows) {
            if rows.is_empty() {
                continue;
            }
            let mut rows: Vec<&Row> = rows.iter().collect();
            if self.maker.backwards {
                rows.reverse();
            } else if others_first {
                // A stable sort keeps the order of the tenant's own rows, in which they are found without ORDER BY.
                rows.sort_by_key(|row| matches!(row.mark, Mark::Own | Mark::Shared));
            }
            statements.push(Filling {
                table: table.name.clone(),
                columns: table.columns.iter().map(|column| column.name.clone()).collect(),
                cells: rows.iter().map(|row| row.cells.clone()).collect(),
            });
        }
        statements
    }
}

fn literal_row(row: &[Option<String>]) -> String {
    let cells: Vec<String> =
        row.iter().map(|cell| cell.as_ref().map_or("NULL".to_owned(), |text| quoted(text))).collect();
    format!("({})", cells.join(", "))
}

/// A row in the making.
struct Draft {
    cells: Vec<Option<String>>,
    set: Vec<bool>,
    /// Not given by a key or a reference, so that it may be changed to be unique.
    free: Vec<bool>,
}

impl Draft {
    fn new(columns: usize) -> Draft {
        Draft { cells: vec![None; columns], set: vec![false; columns], free: vec![false; columns] }
    }

    fn set(&mut self, column: usize, value: Option<String>) {
        if let (Some(cell), Some(set)) = (self.cells.get_mut(column), self.set.get_mut(column)) {
            (*cell, *set) = (value, true);
        }
    }

    fn change(&mut self, column: usize, value: Option<String>) {
        self.set(column, value);
        if let Some(free) = self.free.get_mut(column) {
            *free = true;
        }
    }

    fn is_set(&self, column: usize) -> bool {
        self.set.get(column).copied().unwrap_or(false)
    }

    fn is_free(&self, column: usize) -> bool {
        self.free.get(column).copied().unwrap_or(false)
    }

    fn value(&self, column: usize) -> Option<&String> {
        self.cells.get(column).and_then(Option::as_ref)
    }
}

/// The values of columns that are unique; `None` where one is NULL, which is not, and on rows that need not be. What differs by case or by blanks at the end
/// alone counts as the same, as an index of `lower(…)` or a collation may have it.
fn told(cells: &[Option<String>], unique: &UniqueShape) -> Option<Vec<String>> {
    let value = |column: &usize| cells.get(*column).and_then(Option::as_ref);
    if unique.only.as_ref().is_some_and(|(column, asked)| value(column) != Some(asked)) {
        return None;
    }
    unique.columns.iter().map(|column| Some(value(column)?.trim_end().to_lowercase())).collect()
}
