//! Rows of others that say what the tenant's own rows say, and refer to what those refer to, or to others' likes of it:
//! a statement that forgets whose one of its rows is takes them for the tenant's.

use crate::rng::Rng;
use crate::shape::{ForeignKeyShape, OwnerShape, TableShape};
use crate::world::{Draft, Mark, Row, World};

/// In how many of a hundred cases a value is another one after all, so that what is ordered, grouped or told apart
/// changes too.
const STRAYING: usize = 15;

impl World<'_> {
    /// Adds a row that is like an own row of the same table, but for whose it is.
    pub(super) fn make_like(
        &mut self,
        (at, own): (usize, usize),
        mark: Mark,
        tenant: Option<usize>,
        rng: &mut Rng,
    ) -> bool {
        let Some(table) = self.maker.shape.tables.get(at) else { return false };
        let source = self.rows.get(at).and_then(|rows| rows.get(own)).map(|row| row.cells.clone());
        let Some(source) = source else { return false };
        let mut draft = Draft::new(table.columns.len());
        let Some(tenant) = self.set_owner_like(table, &source, (mark, tenant), &mut draft, rng) else {
            return false;
        };
        if !self.set_keys(table, mark, tenant, &mut draft) {
            return false;
        }
        let mut keys: Vec<&ForeignKeyShape> = table.foreign_keys.iter().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.columns.len()));
        for key in keys {
            let done = self.set_reference_like(at, key, &source, tenant, &mut draft, rng);
            if !done && !self.set_reference(at, table, key, mark, tenant, &mut draft, rng) {
                return false;
            }
        }
        self.set_rest_like(table, &source, &mut draft, rng);
        self.place(at, draft, mark, tenant, Some(own), rng)
    }

    /// Of a child, a parent that is another's, best the like of the own row's parent.
    fn set_owner_like(
        &self,
        table: &TableShape,
        source: &[Option<String>],
        (mark, tenant): (Mark, Option<usize>),
        draft: &mut Draft,
        rng: &mut Rng,
    ) -> Option<Option<usize>> {
        let OwnerShape::Child(key) = table.owner else { return Some(tenant) };
        let key = table.foreign_keys.get(key)?;
        let (by, to) = (key.columns.first()?, key.target_columns.first()?);
        if mark == Mark::Nobody {
            return self.set_owner(table, mark, tenant, draft, rng);
        }
        let rows = self.rows.get(key.target)?;
        let named = source.get(*by)?;
        let original = rows.iter().position(|row| row.cells.get(*to) == Some(named));
        let others = |row: &&Row| matches!(row.mark, Mark::Foreign | Mark::Anchor);
        let mut parents: Vec<&Row> =
            rows.iter().filter(others).filter(|row| row.like.is_some() && row.like == original).collect();
        if parents.is_empty() {
            parents = rows.iter().filter(others).collect();
        }
        let parent = rng.pick(&parents)?;
        draft.set(*by, Some(parent.cells.get(*to).cloned().flatten()?));
        Some(parent.tenant)
    }

    /// The row that the own row refers to, or one that is like it; false where neither may be referred to.
    fn set_reference_like(
        &self,
        at: usize,
        key: &ForeignKeyShape,
        source: &[Option<String>],
        tenant: Option<usize>,
        draft: &mut Draft,
        rng: &mut Rng,
    ) -> bool {
        let unset: Vec<(usize, usize)> = key
            .columns
            .iter()
            .copied()
            .zip(key.target_columns.iter().copied())
            .filter(|(column, _)| !draft.is_set(*column))
            .collect();
        let given = |column: usize| source.get(column).cloned().flatten();
        if unset.iter().any(|(column, _)| given(*column).is_none()) {
            return unset.is_empty();
        }
        let free = key.columns.iter().any(|column| draft.is_set(*column) && draft.value(*column).is_none());
        if free {
            // What is NULL in part refers to nothing, whatever its other columns say.
            for (column, _) in unset {
                draft.set(column, given(column));
            }
            return !self.maker.inside;
        }
        let rows = self.rows.get(key.target).map_or(&[] as &[Row], Vec::as_slice);
        let is_original =
            |row: &Row| unset.iter().all(|(column, to)| row.cells.get(*to) == source.get(*column));
        let original = rows.iter().position(is_original);
        let fits = |row: &&Row| {
            let agrees = key.columns.iter().zip(&key.target_columns).all(|(column, to)| {
                !draft.is_set(*column) || draft.value(*column) == row.cells.get(*to).and_then(Option::as_ref)
            });
            let inside = !self.maker.inside
                || row.mark == Mark::Shared
                || self.together((at, tenant), (key.target, row.tenant));
            agrees && inside
        };
        let likes: Vec<&Row> =
            rows.iter().filter(|row| row.like.is_some() && row.like == original).filter(fits).collect();
        let itself = original.and_then(|at| rows.get(at)).filter(fits);
        let chosen = match itself {
            Some(row) if likes.is_empty() || rng.chance(50) => Some(row),
            _ => rng.pick(&likes).copied(),
        };
        let Some(row) = chosen else { return false };
        for (column, to) in unset {
            draft.set(column, row.cells.get(to).cloned().flatten());
        }
        true
    }

    fn set_rest_like(
        &mut self,
        table: &TableShape,
        source: &[Option<String>],
        draft: &mut Draft,
        rng: &mut Rng,
    ) {
        for (column, shape) in table.columns.iter().enumerate() {
            if draft.is_set(column) {
                continue;
            }
            if table.id == Some(column) {
                let id = self.new_id();
                draft.change(column, shape.kind.numbered(id));
                continue;
            }
            let pool = shape.kind.pool(&[]);
            let other = rng.chance(STRAYING).then(|| rng.pick(&pool).cloned()).flatten();
            draft.change(column, other.or_else(|| source.get(column).cloned().flatten()));
        }
    }
}
