//! What of the schema made a leak: the key or foreign key with the tenant in which the statement would have kept to it.

use crate::bind::walk::{children, rel_exprs};
use crate::catalog::{ForeignKey, Key, Table};
use crate::plan::{Action, ColId, CompareOp, Expr, ExprKind, Rel, Scan, ScanId};
use crate::prove::context::Prover;
use crate::verdict::{SchemaFault, SchemaReason};

/// A unique key that spans tenants.
pub(super) fn of_key(table: &Table, key: &Key) -> SchemaReason {
    let text =
        format!("the unique key ({}) of `{}` does not contain the tenant key", key.spoken(), table.name.name);
    SchemaReason { kind: SchemaFault::UniqueKey, span: key.span, text }
}

/// A foreign key that acts on rows of whoever references.
pub(super) fn of_action(child: &Table, key: &ForeignKey) -> SchemaReason {
    let text = format!(
        "the foreign key ({}) of `{}` acts without the tenant key",
        key.columns.join(", "),
        child.name.name
    );
    SchemaReason { kind: SchemaFault::Cascade, span: key.span, text }
}

impl Prover<'_> {
    /// Foreign keys along which the statement joins a scan to another, and which would have carried the tenant along.
    pub(super) fn reasons_of_join(&self, scan: ScanId) -> Vec<SchemaReason> {
        let equated = self.equated();
        let count = u32::try_from(self.plan.scans.len()).unwrap_or(u32::MAX);
        let others = (0..count).map(ScanId).filter(|other| *other != scan);
        let mut found: Vec<SchemaReason> = Vec::new();
        for (from, to) in others.flat_map(|other| [(scan, other), (other, scan)]) {
            for reason in self.reasons_between(from, to, &equated) {
                if !found.contains(&reason) {
                    found.push(reason);
                }
            }
        }
        found
    }

    fn reasons_between(&self, from: ScanId, to: ScanId, equated: &[(ColId, ColId)]) -> Vec<SchemaReason> {
        let (Some(a), Some(b), Some(child), Some(target)) =
            (self.scan(from), self.scan(to), self.table(from), self.table(to))
        else {
            return Vec::new();
        };
        let col = |table: &Table, scan: &Scan, name: &str| {
            table.column(name).and_then(|at| scan.cols.get(at)).copied()
        };
        let joined = |(from, to): (&String, &String)| {
            let pair = col(child, a, from).zip(col(target, b, to));
            pair.is_some_and(|(x, y)| equated.contains(&(x, y)) || equated.contains(&(y, x)))
        };
        let keys =
            child.foreign_keys.iter().filter(|key| key.target == target.name && !key.columns.is_empty());
        let told = keys.filter_map(|key| {
            let carried = |from: &str, to: &str| {
                let domain = self.exact_domain(&child.name, from)?;
                (self.exact_domain(&target.name, to) == Some(domain)).then_some(())
            };
            let pairs = || key.columns.iter().zip(&key.target_columns);
            let (tenant, others): (Vec<_>, Vec<_>) = pairs().partition(|(from, to)| carried(from, to).is_some());
            if self.is_owning(child, key) || !others.iter().all(|(from, to)| joined((from, to))) || others.is_empty() {
                return None;
            }
            let column = |name: &str| child.column(name).and_then(|at| child.columns.get(at));
            match tenant.iter().filter_map(|(from, _)| column(from)).find(|column| !column.not_null) {
                Some(column) => Some(SchemaReason {
                    kind: SchemaFault::NullableKey,
                    span: column.span,
                    text: format!(
                        "`{}` may be NULL, and the foreign key ({}) holds for no such row",
                        column.name,
                        key.columns.join(", ")
                    ),
                }),
                None if tenant.is_empty() => Some(SchemaReason {
                    kind: SchemaFault::ForeignKey,
                    span: key.span,
                    text: format!(
                        "the foreign key ({}) of `{}` does not contain the tenant key, so that the two may be of two tenants",
                        key.columns.join(", "),
                        child.name.name
                    ),
                }),
                None => None,
            }
        });
        told.collect()
    }

    /// The pairs of columns that the statement compares for equality, wherever.
    fn equated(&self) -> Vec<(ColId, ColId)> {
        let mut found = Vec::new();
        let rels = self.plan.modifying.iter().chain([&self.plan.main]).filter_map(read_by);
        for rel in rels {
            rel_exprs(rel, &mut |expr| pairs_in(expr, &mut found));
        }
        found
    }
}

/// What an action reads.
fn read_by(action: &Action) -> Option<&Rel> {
    match action {
        Action::Query(rel) => Some(rel),
        Action::Insert(plan) => Some(&plan.source),
        Action::Update(plan) => Some(&plan.input),
        Action::Delete(plan) => Some(&plan.input),
        Action::Merge(plan) => Some(&plan.source),
        Action::WholeTables { .. } | Action::Nothing | Action::SetTenant { .. } | Action::Unmodelled => None,
    }
}

fn pairs_in(expr: &Expr, found: &mut Vec<(ColId, ColId)>) {
    if let ExprKind::Compare { op: CompareOp::Eq, left, right } = &expr.kind
        && let (ExprKind::Column(a), ExprKind::Column(b)) = (&left.kind, &right.kind)
    {
        found.push((*a, *b));
    }
    children(expr, &mut |part| pairs_in(part, found));
}
