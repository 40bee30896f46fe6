//! A statement under construction, and the text that it becomes.

use tenantry_span::Span;

use super::fragment::Fragment;

/// What kind of statement it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Select,
    Insert,
    Update,
    Delete,
}

/// DISTINCT of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Distinct {
    #[default]
    No,
    All,
    /// `DISTINCT ON (…)`.
    On(Fragment),
}

/// A statement under construction. Every clause is what stands after its keyword; an empty one is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) kind: Kind,
    /// What an INSERT begins with.
    pub(crate) verb: &'static str,
    /// The expression that began it.
    pub(crate) span: Span,
    /// What stands before the statement: WITH.
    pub(crate) with: Fragment,
    pub(crate) distinct: Distinct,
    /// The select list.
    pub(crate) select: Fragment,
    /// FROM of a query, with its joins; the target of a write.
    pub(crate) from: Fragment,
    /// FROM of an UPDATE, USING of a DELETE.
    pub(crate) using: Fragment,
    /// What stands after SET, or after the target of an INSERT: columns and VALUES, or a query.
    pub(crate) set: Fragment,
    /// ON CONFLICT and all that belongs to it.
    pub(crate) conflict: Fragment,
    /// WHERE: all of these.
    pub(crate) filter: Vec<Fragment>,
    pub(crate) group: Vec<Fragment>,
    /// HAVING: all of these.
    pub(crate) having: Vec<Fragment>,
    /// Set operations: `UNION` and the like, and the query that follows it, which is put in parentheses.
    pub(crate) arms: Vec<(Fragment, Fragment)>,
    pub(crate) order: Vec<Fragment>,
    pub(crate) limit: Option<Fragment>,
    pub(crate) offset: Option<Fragment>,
    /// `FOR UPDATE` and the like.
    pub(crate) lock: Fragment,
    pub(crate) returning: Fragment,
}

impl Statement {
    /// An empty statement that `span` begins.
    pub(crate) fn new(kind: Kind, span: Span) -> Statement {
        Statement {
            kind,
            verb: "INSERT INTO ",
            span,
            with: Fragment::default(),
            distinct: Distinct::No,
            select: Fragment::default(),
            from: Fragment::default(),
            using: Fragment::default(),
            set: Fragment::default(),
            conflict: Fragment::default(),
            filter: Vec::new(),
            group: Vec::new(),
            having: Vec::new(),
            arms: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
            lock: Fragment::default(),
            returning: Fragment::default(),
        }
    }

    /// The statement's text.
    pub(crate) fn render(&self) -> Fragment {
        let span = self.span;
        let mut out = self.with.clone();
        match self.kind {
            Kind::Select => {
                let core = self.select_core();
                out = match self.arms.is_empty() {
                    true => out.then(core),
                    false => self.arms.iter().fold(out.then(core.nested(span)), |all, (word, query)| {
                        all.write(" ", span)
                            .then(word.clone())
                            .write(" ", span)
                            .then(query.clone().nested(span))
                    }),
                };
                out = clause(out, " ORDER BY ", list(&self.order, span), span);
                out = clause(out, " LIMIT ", self.limit.clone().unwrap_or_default(), span);
                out = clause(out, " OFFSET ", self.offset.clone().unwrap_or_default(), span);
                clause(out, " ", self.lock.clone(), span)
            }
            Kind::Insert => {
                out = clause(out, self.verb, self.from.clone(), span);
                out = clause(out, " ", self.set.clone(), span);
                out = clause(out, " ON CONFLICT ", self.conflict.clone(), span);
                clause(out, " RETURNING ", self.returning.clone(), span)
            }
            Kind::Update => {
                out = clause(out, "UPDATE ", self.from.clone(), span);
                out = clause(out, " SET ", self.set.clone(), span);
                out = clause(out, " FROM ", self.using.clone(), span);
                out = clause(out, " WHERE ", all(&self.filter, span), span);
                clause(out, " RETURNING ", self.returning.clone(), span)
            }
            Kind::Delete => {
                out = clause(out, "DELETE FROM ", self.from.clone(), span);
                out = clause(out, " USING ", self.using.clone(), span);
                out = clause(out, " WHERE ", all(&self.filter, span), span);
                clause(out, " RETURNING ", self.returning.clone(), span)
            }
        }
    }

    fn select_core(&self) -> Fragment {
        let span = self.span;
        let out = Fragment::text("SELECT ", span);
        let out = match &self.distinct {
            Distinct::No => out,
            Distinct::All => out.write("DISTINCT ", span),
            Distinct::On(list) => out.write("DISTINCT ON (", span).then(list.clone()).write(") ", span),
        };
        let out = out.then(self.select.clone());
        let out = clause(out, " FROM ", self.from.clone(), span);
        let out = clause(out, " WHERE ", all(&self.filter, span), span);
        let out = clause(out, " GROUP BY ", list(&self.group, span), span);
        clause(out, " HAVING ", all(&self.having, span), span)
    }

    /// The statement where `condition` held and was this one on that way, and `other` where it did not; `None` where the
    /// two are no one statement.
    pub(crate) fn join(&self, other: &Statement, condition: Span) -> Option<Statement> {
        if self == other {
            return Some(self.clone());
        }
        let filters = [&self.filter, &other.filter, &self.having, &other.having];
        if filters.into_iter().flatten().any(Fragment::is_loose) {
            return None;
        }
        let order = match (&self.distinct, self.order == other.order) {
            (_, true) => self.order.clone(),
            // What rows are, their order does not say; what it names is read on either way.
            (Distinct::No, false) => {
                let more = other.order.iter().filter(|one| !self.order.contains(one));
                self.order.iter().chain(more).cloned().collect()
            }
            (Distinct::All | Distinct::On(_), false) => return None,
        };
        let joined = Statement {
            filter: join_filters(&self.filter, &other.filter, condition),
            having: join_filters(&self.having, &other.having, condition),
            order,
            limit: join_number(self.limit.as_ref(), other.limit.as_ref())?,
            offset: join_number(self.offset.as_ref(), other.offset.as_ref())?,
            ..self.clone()
        };
        let rest = |statement: &Statement| Statement {
            filter: Vec::new(),
            having: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
            ..statement.clone()
        };
        (rest(self) == rest(other)).then_some(joined)
    }
}

fn clause(out: Fragment, word: &str, inner: Fragment, span: Span) -> Fragment {
    if inner.is_empty() { out } else { out.write(word, span).then(inner) }
}

fn list(all: &[Fragment], span: Span) -> Fragment {
    Fragment::joined(all.iter().cloned(), ", ", span)
}

fn all(all: &[Fragment], span: Span) -> Fragment {
    Fragment::joined(all.iter().cloned(), " AND ", span)
}

/// What both begin with counts always; the rest where its side was taken.
pub(crate) fn join_filters(holds: &[Fragment], otherwise: &[Fragment], condition: Span) -> Vec<Fragment> {
    let same = holds.iter().zip(otherwise).take_while(|(a, b)| a == b).count();
    if let Some(joined) = join_added(holds, otherwise, condition, true)
        .or_else(|| join_added(otherwise, holds, condition, false))
    {
        return joined;
    }
    let rest = |filters: &[Fragment]| {
        let more = filters.get(same..).unwrap_or_default();
        (!more.is_empty()).then(|| all(more, condition))
    };
    let mut joined: Vec<Fragment> = holds.get(..same).unwrap_or_default().to_vec();
    joined.extend(match (rest(holds), rest(otherwise)) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.if_holds(condition)),
        (Some(holds), Some(otherwise)) => Some(Fragment::either(holds, otherwise, condition)),
    });
    joined
}

/// What begins with all that was there before, and something besides: `(a AND b) OR c`.
fn join_added(
    longer: &[Fragment],
    before: &[Fragment],
    condition: Span,
    holds: bool,
) -> Option<Vec<Fragment>> {
    let (first, more) = longer.split_first()?;
    let first = Fragment::added(first, before, condition, holds)?;
    let more = (!more.is_empty()).then(|| all(more, condition).if_holds(condition));
    Some(std::iter::once(first).chain(more).collect())
}

/// A limit that is there on one way only is one of no number on the other: SQL takes a missing number for none.
fn join_number(one: Option<&Fragment>, other: Option<&Fragment>) -> Option<Option<Fragment>> {
    match (one, other) {
        (None, None) => Some(None),
        (Some(one), None) | (None, Some(one)) => one.is_bind().then(|| Some(one.clone())),
        (Some(one), Some(other)) => {
            (one == other || one.is_bind() && other.is_bind()).then(|| Some(one.clone()))
        }
    }
}
