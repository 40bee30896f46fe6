//! Collations: which texts a comparison takes for equal, and in which order it puts them.
//!
//! A comparison has the collation of its operands, whichever of them brings it along: not that of the tenant key alone.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;

use crate::catalog::{Catalog, Column};
use crate::plan::{ColId, Expr, ExprKind, Plan, SubqueryUsage};
use crate::prove::context::Prover;
use crate::prove::facts::Order;
use crate::prove::predicate::children;
use crate::types::SqlType;

/// True if a collation is in sight under which different texts are equal: where there is none, no comparison can have it.
pub(super) fn is_any_loose(catalog: &Catalog, plan: &Plan) -> bool {
    let tables = plan.scans.iter().filter_map(|scan| catalog.tables.get(&scan.table));
    plan.loose_collation || tables.flat_map(|table| &table.columns).any(|column| is_loose(catalog, column))
}

/// The column's collation takes different texts for equal.
pub(super) fn is_loose(catalog: &Catalog, column: &Column) -> bool {
    column.collation.as_deref().is_some_and(|name| match catalog.dialect {
        Dialect::Postgres => catalog.nondeterministic_collations.iter().any(|known| known == name),
        Dialect::Sqlite => !name.eq_ignore_ascii_case("binary"),
        // No text of MySQL's is compared exactly, whatever its collation.
        Dialect::Mysql => false,
    })
}

impl<'a> Prover<'a> {
    /// A comparison with the value has no collation, by it, that takes different texts for equal.
    pub(super) fn keeps_texts_apart(&self, expr: &Expr) -> bool {
        if !self.loose_texts {
            return true;
        }
        match &expr.kind {
            ExprKind::Collate(_, exact) => *exact,
            ExprKind::Column(col) => self.column_keeps_texts_apart(*col),
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) => {
                sub.rel.cols.iter().all(|col| self.column_keeps_texts_apart(*col))
            }
            _ => children(expr).into_iter().all(|part| self.keeps_texts_apart(part)),
        }
    }

    /// The same of a column.
    pub(super) fn column_keeps_texts_apart(&self, col: ColId) -> bool {
        if !self.loose_texts {
            return true;
        }
        if let Some(column) = self.stored(col) {
            return !is_loose(self.catalog, column);
        }
        if let Some(def) = self.defs.get(&col) {
            return self.keeps_texts_apart(def);
        }
        // What several arms or rows make has the collation of any of them.
        let ty = self.plan.columns.get(col.0 as usize).map_or(&SqlType::Unknown, |info| &info.ty);
        matches!(
            ty,
            SqlType::Int
                | SqlType::Numeric
                | SqlType::Uuid
                | SqlType::Bytes
                | SqlType::Bool
                | SqlType::Temporal
        )
    }

    /// The order by which a comparison compares, if it is certain. Texts have as many as there are collations; of two that
    /// columns bring along one that is not the default's is chosen, and of two such none.
    pub(super) fn order_of(&self, left: &Expr, right: &Expr) -> Option<Order> {
        let is_text = |expr: &Expr| matches!(expr.ty, SqlType::Text | SqlType::VarcharN(_));
        if !is_text(left) && !is_text(right) {
            let untyped = left.ty == SqlType::Unknown && right.ty == SqlType::Unknown;
            return Some(if untyped { Order::Outside } else { Order::Type });
        }
        let mut names = BTreeSet::new();
        let known = self.collations_in(left, &mut names) && self.collations_in(right, &mut names);
        let name = names.pop_first();
        (known && names.is_empty()).then_some(Order::Collation(name))
    }

    /// Collects the collations that columns bring along; false where they cannot be told.
    fn collations_in(&self, expr: &Expr, names: &mut BTreeSet<String>) -> bool {
        match &expr.kind {
            ExprKind::Collate(..) => false,
            ExprKind::Column(col) => match (self.stored(*col), self.defs.get(col)) {
                (Some(column), _) => {
                    names.extend(column.collation.clone());
                    true
                }
                (None, Some(def)) => self.collations_in(def, names),
                (None, None) => false,
            },
            ExprKind::Subquery(_) => false,
            _ => children(expr).into_iter().all(|part| self.collations_in(part, names)),
        }
    }

    /// The stored column that a column is.
    fn stored(&self, col: ColId) -> Option<&'a Column> {
        let (scan, at) = self.plan.columns.get(col.0 as usize)?.origin?;
        self.table(scan)?.columns.get(at)
    }
}
