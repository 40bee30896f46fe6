//! One text against one database: read, bound and proved.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_prover::ast::ParsedStatement;
use tenantry_prover::bind::bind;
use tenantry_prover::catalog::{Catalog, QualifiedName};
use tenantry_prover::lower::statements;
use tenantry_prover::plan::{Action, ColId, Expr, ExprKind, Grouping, Plan, Rel, RelKind, SubqueryUsage};
use tenantry_prover::prove::{Policies, has_policies, prove_by};
use tenantry_prover::tenancy::{TableOwner, Tenancy};
use tenantry_prover::verdict::{KnownValue, Obstacle, ObstacleKind, TenantValue, Verdict};
use tenantry_span::TextRange;

/// A database as the proof needs it.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    /// The dialect of its statements.
    pub dialect: Dialect,
    /// Its tables.
    pub catalog: &'a Catalog,
    /// Who owns them.
    pub tenancy: &'a Tenancy,
    /// Whether row level security counts: what it rests on, the caller answers for.
    pub policies: Policies,
}

/// A statement of a text, read and bound, ready to be proved under several assumptions about its placeholders.
#[derive(Debug)]
pub struct BoundStatement {
    /// Its range in the text.
    pub range: TextRange,
    /// How many placeholders it has.
    pub params: u32,
    /// The tables that it touches and that belong to tenants, or of which nobody said to whom they belong.
    pub tables: BTreeSet<QualifiedName>,
    unread: Vec<Obstacle>,
    plan: Plan,
}

impl BoundStatement {
    /// True if it gives rows and changes nothing.
    pub fn is_read(&self) -> bool {
        self.plan.modifying.is_empty() && matches!(self.plan.main, Action::Query(_))
    }

    /// True if all of it was read, and nothing in it may do what is not seen.
    pub fn is_understood(&self) -> bool {
        let hides = |kind: ObstacleKind| match kind {
            ObstacleKind::Syntax
            | ObstacleKind::Unmodelled
            | ObstacleKind::UnknownFunction
            | ObstacleKind::Limit
            | ObstacleKind::DynamicText => true,
            ObstacleKind::UnknownTable
            | ObstacleKind::UndeclaredOwner
            | ObstacleKind::UnknownColumn
            | ObstacleKind::NotProved
            | ObstacleKind::UntracedBind => false,
        };
        let mut obstacles = self.plan.obstacles.iter().map(|obstacle| obstacle.kind);
        self.unread.is_empty() && !obstacles.any(hides)
    }

    /// True if it touches tables that are restricted by policies.
    pub fn is_secured(&self) -> bool {
        has_policies(&self.plan)
    }

    /// If it is a statement that sets the tenant for a connection, whether for the transaction only.
    pub fn sets_tenant(&self) -> Option<bool> {
        match self.plan.main {
            Action::SetTenant { local, .. } => Some(local),
            _ => None,
        }
    }

    /// True if it reads a setting of the session itself, whatever policies read.
    pub fn reads_settings(&self) -> bool {
        !self.plan.settings.is_empty()
    }

    /// True if it sets the tenant to nothing.
    pub fn clears_tenant(&self) -> bool {
        matches!(self.plan.main, Action::SetTenant { clears: true, .. })
    }

    /// True if it leaves a tenant set for whoever has the connection next.
    pub fn outlives_transaction(&self) -> bool {
        matches!(self.plan.main, Action::SetTenant { local: false, clears: false })
    }

    /// True if what the transaction had set may be gone after it.
    pub fn may_end_settings(&self) -> bool {
        self.plan.may_end_settings
    }

    /// The statement whose rows this one asks whether there are any, where that is all that it does: what is in its
    /// `EXISTS`, or what its `count(*)` counts.
    pub fn asked_for(&self) -> Option<BoundStatement> {
        let (Action::Query(rel), [(_, answer)], []) =
            (&self.plan.main, self.plan.output.as_slice(), self.plan.modifying.as_slice())
        else {
            return None;
        };
        let asked = asked_by(rel, *answer)?.clone();
        let plan = Plan { main: Action::Query(asked), output: Vec::new(), ..self.plan.clone() };
        let (tables, unread) = (self.tables.clone(), self.unread.clone());
        Some(BoundStatement { range: self.range, params: self.params, tables, unread, plan })
    }

    /// The names of the columns that come back; none where not all of them are known.
    pub fn returned(&self) -> Vec<&str> {
        self.plan.output.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Schema<'_> {
    /// Reads and binds all statements of `text`. The caller runs this on a deep stack.
    ///
    /// What follows a syntax error without a semicolon is its consequence: it belongs to the statement with the error.
    pub fn bind(&self, text: &str) -> Vec<BoundStatement> {
        let mut parsed = statements(self.dialect, text);
        parsed.dedup_by(|next, before| {
            let between = TextRange { start: before.range.end, end: next.range.start };
            let goes_on = is_broken(before) && is_broken(next) && !between.slice(text).contains(';');
            if goes_on {
                before.range.end = next.range.end;
                before.params = before.params.max(next.params);
            }
            goes_on
        });
        let bound = parsed.iter().map(|statement| {
            let unread = statement.unread.iter().map(|unread| {
                let kind = if unread.syntax_error { ObstacleKind::Syntax } else { ObstacleKind::Unmodelled };
                Obstacle { kind, range: unread.range, message: unread.what.clone(), help: None }
            });
            let plan = bind(self.dialect, self.catalog, self.tenancy, statement);
            let tables = plan.scans.iter().map(|scan| &scan.table);
            let owned = tables.filter(|table| !matches!(self.tenancy.owner(table), TableOwner::Shared));
            BoundStatement {
                range: statement.range,
                params: statement.params,
                tables: owned.cloned().collect(),
                unread: unread.collect(),
                plan,
            }
        });
        bound.collect()
    }

    /// Proves a bound statement, taking `tenants` for the values that carry a tenant.
    ///
    /// **Invariant:** what was not read, and what the binder could not express, never ends as `Scoped` here, whatever
    /// the proof says.
    pub fn prove(&self, statement: &BoundStatement, tenants: &[TenantValue]) -> Verdict {
        self.prove_knowing(statement, tenants, &[])
    }

    /// The same, where placeholders carry what earlier statements returned.
    pub fn prove_knowing(
        &self,
        statement: &BoundStatement,
        tenants: &[TenantValue],
        known: &[KnownValue],
    ) -> Verdict {
        if !statement.unread.is_empty() {
            return Verdict::Undecided(statement.unread.clone());
        }
        match prove_by(self.catalog, self.tenancy, &statement.plan, tenants, known, self.policies) {
            Verdict::Scoped(proof) if statement.plan.obstacles.is_empty() => Verdict::Scoped(proof),
            Verdict::Scoped(_) => Verdict::Undecided(statement.plan.obstacles.clone()),
            Verdict::Leaks(leaks) if !leaks.is_empty() => Verdict::Leaks(leaks),
            Verdict::Undecided(obstacles) if !obstacles.is_empty() => Verdict::Undecided(obstacles),
            Verdict::Leaks(_) | Verdict::Undecided(_) => Verdict::Undecided(vec![unexplained(statement)]),
        }
    }
}

/// The rows of which a column of a relation of one row says whether there are any.
fn asked_by(rel: &Rel, answer: ColId) -> Option<&Rel> {
    match &rel.kind {
        RelKind::Project { input, computed } => {
            let value = computed.iter().find(|(col, _)| *col == answer).map(|(_, expr)| &expr.kind);
            match value {
                Some(ExprKind::Column(inner)) => asked_by(input, *inner),
                Some(ExprKind::Subquery(subquery)) if matches!(input.kind, RelKind::Unit) => {
                    matches!(subquery.usage, SubqueryUsage::Exists).then_some(&subquery.rel)
                }
                Some(_) => None,
                None => asked_by(input, answer),
            }
        }
        RelKind::Aggregate { input, grouping: Grouping::Whole, aggregates } => match aggregates.as_slice() {
            [(col, call)] if *col == answer => {
                let is_there = |arg: &Expr| matches!(arg.kind, ExprKind::Number(_));
                let counts_all =
                    call.name == "count" && call.filter.is_none() && call.args.iter().all(is_there);
                counts_all.then_some(&**input)
            }
            _ => None,
        },
        _ => None,
    }
}

/// True for a statement that the text shows to be none: never proved, whatever stands beside it.
fn is_broken(statement: &ParsedStatement) -> bool {
    statement.unread.iter().any(|unread| unread.syntax_error)
}

fn unexplained(statement: &BoundStatement) -> Obstacle {
    Obstacle {
        kind: ObstacleKind::Unmodelled,
        range: statement.range,
        message: "this kind of statement is not modelled".to_owned(),
        help: None,
    }
}

/// A statement to be proved on its own, with what is known of its placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementCase {
    /// What the caller calls it.
    pub id: String,
    /// The text; it may hold several statements.
    pub sql: String,
    /// The value that carries the tenant; with no source in it, nothing does.
    pub tenant: TenantValue,
}

/// What is said of a [`StatementCase`]: one verdict for each of its statements.
#[derive(Clone, Debug)]
pub struct CaseVerdict {
    /// The case's id.
    pub id: String,
    /// The statements in order, by range in the text.
    pub statements: Vec<(TextRange, Verdict)>,
}

/// How good a verdict is; the worst of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// [`Verdict::Scoped`].
    Scoped,
    /// [`Verdict::Undecided`].
    Undecided,
    /// [`Verdict::Leaks`].
    Leaks,
}

impl Outcome {
    /// The outcome of a verdict.
    pub fn of(verdict: &Verdict) -> Outcome {
        match verdict {
            Verdict::Scoped(_) => Outcome::Scoped,
            Verdict::Undecided(_) => Outcome::Undecided,
            Verdict::Leaks(_) => Outcome::Leaks,
        }
    }

    /// The word used in every output: `scoped`, `undecided` or `leaks`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Scoped => "scoped",
            Outcome::Undecided => "undecided",
            Outcome::Leaks => "leaks",
        }
    }
}

impl CaseVerdict {
    /// The worst of the statements; a text without a statement is undecided.
    pub fn outcome(&self) -> Outcome {
        let worst = self.statements.iter().map(|(_, verdict)| Outcome::of(verdict)).max();
        worst.unwrap_or(Outcome::Undecided)
    }

    /// Why, a sentence each: what leaks, what stood in the way, or what the proof takes for granted.
    pub fn reasons(&self) -> Vec<String> {
        if self.statements.is_empty() {
            return vec!["the text holds no statement".to_owned()];
        }
        let outcome = self.outcome();
        let worst = self.statements.iter().filter(|(_, verdict)| Outcome::of(verdict) == outcome);
        worst.flat_map(|(_, verdict)| reasons(verdict)).collect()
    }
}

fn reasons(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Scoped(proof) => proof.assumptions.clone(),
        Verdict::Leaks(leaks) => {
            leaks.iter().map(|leak| format!("{}: {}", leak.table.name, leak.message)).collect()
        }
        Verdict::Undecided(obstacles) => obstacles.iter().map(|obstacle| obstacle.message.clone()).collect(),
    }
}

/// Proves statements on their own, in order. The caller runs this on a deep stack.
pub fn prove_statements(schema: Schema<'_>, cases: &[StatementCase]) -> Vec<CaseVerdict> {
    let prove = |case: &StatementCase| {
        let tenants: &[TenantValue] =
            if case.tenant.sources.is_empty() { &[] } else { std::slice::from_ref(&case.tenant) };
        let statements = schema.bind(&case.sql);
        let verdicts = statements.iter().map(|statement| (statement.range, schema.prove(statement, tenants)));
        CaseVerdict { id: case.id.clone(), statements: verdicts.collect() }
    };
    cases.iter().map(prove).collect()
}
