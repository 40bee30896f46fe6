//! What holds on every row of a relation: equalities between terms, and columns that are not NULL.
//!
//! A fact may be guarded: it holds on rows on which the nullable side of an outer join is present. A guard is released
//! when one of that side's columns is known not to be NULL. So "equal" and "equal when not NULL" never mix (the lesson
//! of the outer joins: an equality is not transitive through a column that may be NULL).

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::ColId;

/// What a term is made from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// A column.
    Column(ColId),
    /// A tenant value, by its position in the caller's list.
    Tenant(usize),
    /// A placeholder that is no tenant value.
    Param(u32),
    /// A session setting that is no tenant value.
    Setting(String),
    /// A constant, as written.
    Constant(String),
}

/// An injective function of one argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Injection {
    /// Unary minus.
    Negate,
    /// Adding a constant.
    Add(String),
    /// Text appended.
    Append(String),
    /// Text prepended.
    Prepend(String),
    /// A JSON value of this shape around it.
    Within(String),
}

/// A value: a base under injective functions, innermost first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) base: Base,
    pub(super) via: Vec<Injection>,
}

impl Term {
    pub(super) fn of(base: Base) -> Term {
        Term { base, via: Vec::new() }
    }

    pub(super) fn column(col: ColId) -> Term {
        Term::of(Base::Column(col))
    }

    pub(super) fn through(mut self, step: Injection) -> Term {
        self.via.push(step);
        self
    }

    pub(super) fn col(&self) -> Option<ColId> {
        match self.base {
            Base::Column(col) => Some(col),
            Base::Tenant(_) | Base::Param(_) | Base::Setting(_) | Base::Constant(_) => None,
        }
    }
}

/// An outer join's nullable side, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Guard(pub(super) usize);

/// An order of values, in which only equal ones are alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// That of the type.
    Type,
    /// That of values from outside, whichever type they have.
    Outside,
    /// That of texts by a collation, the database's where none is named.
    Collation(Option<String>),
}

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// Both sides are equal and not NULL.
    Equal(Term, Term),
    /// Both sides are the same value, NULL included.
    Same(Term, Term),
    /// Neither side is NULL, and the first is at most the second in an order that belongs to the type's equality.
    AtMost(Term, Term, Order),
    /// The column is not NULL.
    NotNull(ColId),
}

impl Claim {
    fn columns(&self) -> Vec<ColId> {
        match self {
            Claim::Equal(a, b) | Claim::Same(a, b) | Claim::AtMost(a, b, _) => {
                a.col().into_iter().chain(b.col()).collect()
            }
            Claim::NotNull(col) => vec![*col],
        }
    }
}

/// A claim with the guards under which it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact {
    pub(super) guards: Vec<Guard>,
    pub(super) claim: Claim,
}

impl Fact {
    pub(super) fn plain(claim: Claim) -> Fact {
        Fact { guards: Vec::new(), claim }
    }
}

/// A foreign key that carries the tenant key along: where all `pairs` are equal, `implies` is.
#[derive(Clone, Debug)]
pub(super) struct Chase {
    /// Referencing and referenced columns other than the implied pair.
    pub(super) pairs: Vec<(ColId, ColId)>,
    /// The tenant key on both sides.
    pub(super) implies: (ColId, ColId),
    /// Only where this column is not NULL.
    pub(super) filled: Option<ColId>,
}

/// The consequences of a set of facts: which terms are equal, which columns are not NULL.
pub(super) struct Closure {
    ids: BTreeMap<Term, usize>,
    terms: Vec<Term>,
    parent: Vec<usize>,
    not_null: BTreeSet<ColId>,
    at_most: BTreeSet<(Term, Term, Order)>,
    active: BTreeSet<Guard>,
    tenants_not_null: Vec<bool>,
    /// Pairs that a foreign key made equal.
    chased: BTreeSet<(ColId, ColId)>,
}

impl Closure {
    /// Closes `facts` under the laws. `active` are guards that hold whatever the facts say; `guards` lists the columns of
    /// each guard; `tenants_not_null` says which tenant values cannot be NULL.
    pub(super) fn new<'a>(
        facts: impl Iterator<Item = &'a Fact> + Clone,
        guards: &[BTreeSet<ColId>],
        active: &BTreeSet<Guard>,
        chases: &[Chase],
        tenants_not_null: &[bool],
    ) -> Closure {
        let mut closure = Closure {
            ids: BTreeMap::new(),
            terms: Vec::new(),
            parent: Vec::new(),
            not_null: BTreeSet::new(),
            at_most: BTreeSet::new(),
            active: active.clone(),
            tenants_not_null: tenants_not_null.to_vec(),
            chased: BTreeSet::new(),
        };
        loop {
            closure.absorb(facts.clone());
            closure.congruence();
            closure.spread_not_null();
            let mut changed = closure.release(guards);
            changed |= closure.squeeze();
            changed |= closure.chase(chases);
            if !changed {
                return closure;
            }
        }
    }

    fn absorb<'a>(&mut self, facts: impl Iterator<Item = &'a Fact>) {
        for fact in facts {
            if !fact.guards.iter().all(|guard| self.active.contains(guard)) {
                continue;
            }
            match &fact.claim {
                Claim::Equal(a, b) => {
                    self.union(a, b);
                    self.not_null.extend(a.col());
                    self.not_null.extend(b.col());
                }
                Claim::Same(a, b) => self.union(a, b),
                Claim::AtMost(a, b, order) => {
                    self.not_null.extend(a.col());
                    self.not_null.extend(b.col());
                    self.at_most.insert((a.clone(), b.clone(), order.clone()));
                }
                Claim::NotNull(col) => {
                    self.not_null.insert(*col);
                }
            }
        }
    }

    /// What is at most and at least the same, in one order, is equal to it: the order is total, and equality is its own.
    fn squeeze(&mut self) -> bool {
        let pairs: Vec<(Term, Term, Order)> = self.at_most.iter().cloned().collect();
        let mut changed = false;
        for (low, high, order) in &pairs {
            let back = pairs
                .iter()
                .any(|(from, to, by)| by == order && self.equal(high, from) && self.equal(to, low));
            if back && !self.equal(low, high) {
                self.union(low, high);
                changed = true;
            }
        }
        changed
    }

    /// `f(x) = f(y)` gives `x = y`, and `x = y` gives `f(x) = f(y)` for terms that occur.
    fn congruence(&mut self) {
        loop {
            let mut unions = Vec::new();
            for a in 0..self.terms.len() {
                for b in 0..a {
                    let (Some(ta), Some(tb)) = (self.terms.get(a), self.terms.get(b)) else { continue };
                    let (Some((fa, ia)), Some((fb, ib))) = (peel(ta), peel(tb)) else { continue };
                    if fa != fb {
                        continue;
                    }
                    let outer = self.root(a) == self.root(b);
                    let inner = self.equal(&ia, &ib);
                    if outer && !inner {
                        unions.push((ia, ib));
                    } else if inner && !outer {
                        unions.push((ta.clone(), tb.clone()));
                    }
                }
            }
            if unions.is_empty() {
                return;
            }
            for (a, b) in unions {
                self.union(&a, &b);
            }
        }
    }

    fn spread_not_null(&mut self) {
        let mut known: BTreeSet<usize> = BTreeSet::new();
        for (at, term) in self.terms.iter().enumerate() {
            if self.term_is_not_null(term) {
                known.insert(self.root(at));
            }
        }
        let spread: Vec<ColId> = self
            .terms
            .iter()
            .enumerate()
            .filter(|(at, _)| known.contains(&self.root(*at)))
            .filter_map(|(_, term)| term.col())
            .collect();
        self.not_null.extend(spread);
    }

    fn term_is_not_null(&self, term: &Term) -> bool {
        match &term.base {
            Base::Column(col) => self.not_null.contains(col),
            Base::Tenant(at) => self.tenants_not_null.get(*at).copied().unwrap_or(false),
            Base::Constant(_) => true,
            Base::Param(_) | Base::Setting(_) => false,
        }
    }

    fn release(&mut self, guards: &[BTreeSet<ColId>]) -> bool {
        let before = self.active.len();
        for (at, cols) in guards.iter().enumerate() {
            let guard = Guard(at);
            if !self.active.contains(&guard) && cols.iter().any(|col| self.not_null.contains(col)) {
                self.active.insert(guard);
            }
        }
        self.active.len() != before
    }

    fn chase(&mut self, chases: &[Chase]) -> bool {
        let mut changed = false;
        for chase in chases {
            let (a, b) = (Term::column(chase.implies.0), Term::column(chase.implies.1));
            let holds = chase.pairs.iter().all(|(x, y)| {
                self.not_null.contains(x)
                    && self.not_null.contains(y)
                    && self.equal(&Term::column(*x), &Term::column(*y))
            });
            let is_filled = chase.filled.is_none_or(|col| self.not_null.contains(&col));
            if holds && is_filled && !self.equal(&a, &b) {
                self.union(&a, &b);
                self.chased.insert(chase.implies);
                changed = true;
            }
        }
        changed
    }

    /// True if a foreign key made these two columns equal.
    pub(super) fn is_chased(&self, a: ColId, b: ColId) -> bool {
        self.chased.contains(&(a, b)) || self.chased.contains(&(b, a))
    }

    fn id(&mut self, term: &Term) -> usize {
        if let Some(id) = self.ids.get(term) {
            return *id;
        }
        let id = self.terms.len();
        self.ids.insert(term.clone(), id);
        self.terms.push(term.clone());
        self.parent.push(id);
        // A term under a function brings its argument along, so that congruence can see it.
        if let Some((_, inner)) = peel(term) {
            self.id(&inner);
        }
        id
    }

    fn root(&self, mut at: usize) -> usize {
        while let Some(next) = self.parent.get(at).copied() {
            if next == at {
                break;
            }
            at = next;
        }
        at
    }

    fn union(&mut self, a: &Term, b: &Term) {
        let (a, b) = (self.id(a), self.id(b));
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.parent.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }

    /// True if both terms are the same value (both may be NULL unless one is known not to be).
    pub(super) fn equal(&self, a: &Term, b: &Term) -> bool {
        if a == b {
            return true;
        }
        match (self.ids.get(a), self.ids.get(b)) {
            (Some(a), Some(b)) => self.root(*a) == self.root(*b),
            _ => false,
        }
    }

    /// All terms equal to `term`, itself included.
    pub(super) fn equals_of(&self, term: &Term) -> Vec<Term> {
        let Some(id) = self.ids.get(term) else { return vec![term.clone()] };
        let root = self.root(*id);
        let same = self.terms.iter().enumerate().filter(|(at, _)| self.root(*at) == root);
        same.map(|(_, term)| term.clone()).collect()
    }

    /// True if the column is known not to be NULL.
    pub(super) fn is_not_null(&self, col: ColId) -> bool {
        self.not_null.contains(&col)
    }

    /// True if the term is known not to be NULL.
    pub(super) fn not_null(&self, term: &Term) -> bool {
        self.equals_of(term).iter().any(|term| self.term_is_not_null(term))
    }

    /// What remains of the facts when only columns for which `keep` holds go on, as facts without guards.
    pub(super) fn restricted(&self, keep: &dyn Fn(ColId) -> bool) -> Vec<Fact> {
        let kept = |term: &Term| term.col().is_none_or(keep);
        let mut first: BTreeMap<usize, &Term> = BTreeMap::new();
        let mut facts = Vec::new();
        for (at, term) in self.terms.iter().enumerate() {
            if !kept(term) {
                continue;
            }
            match first.get(&self.root(at)) {
                Some(leader) => facts.push(Fact::plain(Claim::Same((*leader).clone(), term.clone()))),
                None => {
                    first.insert(self.root(at), term);
                }
            }
        }
        let known = self.not_null.iter().filter(|col| keep(**col));
        facts.extend(known.map(|col| Fact::plain(Claim::NotNull(*col))));
        facts
    }

    /// All equalities and non-NULL columns as claims, for intersecting arms of a disjunction.
    pub(super) fn claims(&self) -> Vec<Claim> {
        let mut sets: BTreeMap<usize, Vec<&Term>> = BTreeMap::new();
        for (at, term) in self.terms.iter().enumerate() {
            sets.entry(self.root(at)).or_default().push(term);
        }
        let mut claims = Vec::new();
        for set in sets.values() {
            for (at, a) in set.iter().enumerate() {
                for b in set.iter().skip(at + 1) {
                    claims.push(Claim::Same((*a).clone(), (*b).clone()));
                }
            }
        }
        let at_most = self.at_most.iter().cloned();
        claims.extend(at_most.map(|(low, high, order)| Claim::AtMost(low, high, order)));
        claims.extend(self.not_null.iter().map(|col| Claim::NotNull(*col)));
        claims
    }

    /// True if the claim follows.
    pub(super) fn holds(&self, claim: &Claim) -> bool {
        match claim {
            Claim::Equal(a, b) => self.equal(a, b) && (self.not_null(a) || self.not_null(b)),
            Claim::Same(a, b) => self.equal(a, b),
            Claim::AtMost(a, b, order) => {
                let known = self
                    .at_most
                    .iter()
                    .any(|(low, high, by)| by == order && self.equal(a, low) && self.equal(high, b));
                known || (self.equal(a, b) && self.not_null(a))
            }
            Claim::NotNull(col) => self.is_not_null(*col) || self.not_null(&Term::column(*col)),
        }
    }

    /// True if two different constants were found equal, or a value both equal to and different from itself: no row.
    pub(super) fn contradicts(&self) -> bool {
        let mut seen: BTreeMap<usize, &str> = BTreeMap::new();
        for (at, term) in self.terms.iter().enumerate() {
            let Base::Constant(text) = &term.base else { continue };
            if !term.via.is_empty() {
                continue;
            }
            let root = self.root(at);
            if seen.get(&root).is_some_and(|known| *known != text && is_comparable(known, text)) {
                return true;
            }
            seen.insert(root, text);
        }
        false
    }
}

/// Constants that are certainly different values when they are written differently: booleans and plain integers.
fn is_comparable(a: &str, b: &str) -> bool {
    let is_word = |text: &str| matches!(text, "true" | "false");
    let is_integer = |text: &str| {
        text == "0"
            || (!text.is_empty()
                && !text.starts_with('0')
                && text.len() < 18
                && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    // `true` and `'1'` are one boolean.
    (is_word(a) && is_word(b)) || (is_integer(a) && is_integer(b))
}

/// The outermost function of a term, and what is under it.
fn peel(term: &Term) -> Option<(Injection, Term)> {
    let (last, rest) = term.via.split_last()?;
    Some((last.clone(), Term { base: term.base.clone(), via: rest.to_vec() }))
}

/// The facts whose columns all satisfy `keep`, guards and all.
pub(super) fn surviving<'a>(
    facts: &'a [Fact],
    keep: &'a dyn Fn(ColId) -> bool,
) -> impl Iterator<Item = Fact> + 'a {
    facts.iter().filter(move |fact| fact.claim.columns().into_iter().all(keep)).cloned()
}
