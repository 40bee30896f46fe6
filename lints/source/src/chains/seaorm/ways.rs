//! The ways through a function: choices, loops, and what may run or not. What variables hold after them is joined.

use syn::Pat;
use syn::spanned::Spanned;
use tenantry_span::Span;

use super::eval::{Eval, Scopes};
use super::value::Val;
use crate::read::diverges;

/// One way of a choice.
type Way<'w, 'e, 't> = Box<dyn FnOnce(&mut Eval<'e, 't>) -> Val + 'w>;

impl<'e, 't> Eval<'e, 't> {
    /// Runs what may happen once or never: what variables hold after it is one or the other.
    pub(super) fn perhaps<R>(&mut self, at: &impl Spanned, inside: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.scopes.clone();
        let result = inside(self);
        self.scopes.truncate(before.len());
        self.join_scopes(before, self.span(at));
        result
    }

    /// Runs what leaves, for the statements in it and what it returns.
    pub(super) fn aside(&mut self, inside: impl FnOnce(&mut Self)) {
        let before = self.scopes.clone();
        inside(self);
        self.scopes = before;
    }

    /// Joins what variables hold after two ways: `other` where the condition did not hold.
    fn join_scopes(&mut self, other: Scopes, condition: Span) {
        for (scope, others) in self.scopes.iter_mut().zip(other) {
            for ((_, value), (_, other)) in scope.iter_mut().zip(others) {
                if *value != other {
                    let holds = std::mem::replace(value, Val::Never);
                    *value = holds.join(other, condition);
                }
            }
        }
    }

    /// The ways of a choice: each is run from here, with the value that it yields. What they come to is joined, the first
    /// where its condition holds.
    fn ways(&mut self, ways: Vec<(Span, Way<'_, 'e, 't>)>) -> Val {
        let before = self.scopes.clone();
        let mut all: Vec<(Scopes, Val, Span)> = Vec::new();
        for (condition, way) in ways {
            self.scopes = before.clone();
            let value = way(self);
            self.scopes.truncate(before.len());
            if value != Val::Never {
                all.push((std::mem::take(&mut self.scopes), value, condition));
            }
        }
        let Some((scopes, mut value, _)) = all.pop() else {
            self.scopes = before;
            return Val::Never;
        };
        self.scopes = scopes;
        while let Some((scopes, earlier, condition)) = all.pop() {
            let later = std::mem::replace(&mut self.scopes, scopes);
            self.join_scopes(later, condition);
            value = earlier.join(value, condition);
        }
        value
    }

    pub(super) fn if_expr(&mut self, choice: &'t syn::ExprIf) -> Val {
        let condition = self.span(&choice.cond);
        self.scopes.push(Vec::new());
        self.expr(&choice.cond);
        let then: Way<'_, 'e, 't> = Box::new(|eval| eval.block(&choice.then_branch));
        let otherwise: Way<'_, 'e, 't> = Box::new(|eval| match &choice.else_branch {
            Some((_, otherwise)) => eval.expr(otherwise),
            None => Val::UNKNOWN,
        });
        let value = self.ways(vec![(condition, then), (condition, otherwise)]);
        self.scopes.pop();
        value
    }

    pub(super) fn match_expr(&mut self, choice: &'t syn::ExprMatch) -> Val {
        let value = self.expr(&choice.expr);
        for arm in &choice.arms {
            self.lends(&arm.pat, &choice.expr);
            // The guards before an arm may have run on the way to it.
            if let Pat::Guard(guarded) = &arm.pat {
                let value = value.clone();
                self.perhaps(&*guarded.guard, |eval| {
                    eval.scoped(|eval| {
                        eval.pattern(&guarded.pat, value);
                        eval.expr(&guarded.guard);
                    });
                });
            }
        }
        let mut ways: Vec<(Span, Way<'_, 'e, 't>)> = Vec::new();
        for arm in &choice.arms {
            let condition = self.span(&arm.pat);
            let value = match &value {
                Val::Maybe(inner, _) => (**inner).clone(),
                value => value.clone(),
            };
            ways.push((
                condition,
                Box::new(move |eval: &mut Self| {
                    eval.scoped(|eval| {
                        eval.pattern(&arm.pat, value);
                        let value = eval.expr(&arm.body);
                        if diverges(&arm.body) { Val::Never } else { value }
                    })
                }),
            ));
        }
        self.ways(ways)
    }

    /// Runs code that may run any number of times. It is looked at twice for what variables come to hold: what has not
    /// settled by then is not known. Then its statements are noted, with all that may be held where it begins.
    pub(super) fn repeat(&mut self, condition: Span, mut inside: impl FnMut(&mut Self)) {
        if self.glancing {
            return self.once_more(condition, &mut inside);
        }
        let (looking, returns) = (self.looking, self.returns.len());
        (self.glancing, self.looking) = (true, true);
        self.once_more(condition, &mut inside);
        let settling = self.scopes.clone();
        self.once_more(condition, &mut inside);
        (self.glancing, self.looking) = (false, looking);
        self.returns.truncate(returns);
        for (scope, before) in self.scopes.iter_mut().zip(settling) {
            for ((_, value), (_, before)) in scope.iter_mut().zip(before) {
                if !before.has_settled(value) {
                    *value = std::mem::replace(value, Val::Never).unsettled(condition);
                }
            }
        }
        self.once_more(condition, &mut inside);
    }

    /// Runs what may run once or never.
    fn once_more(&mut self, condition: Span, inside: &mut impl FnMut(&mut Self)) {
        let before = self.scopes.clone();
        self.with_exits(condition, inside);
        self.join_scopes(before, condition);
    }

    /// Runs what may be left from within, wherever that is.
    pub(super) fn with_exits(&mut self, condition: Span, inside: impl FnOnce(&mut Self)) {
        let depth = self.scopes.len();
        let outer = std::mem::take(&mut self.exits);
        inside(self);
        self.scopes.truncate(depth);
        for exit in std::mem::replace(&mut self.exits, outer) {
            self.join_scopes(exit.clone(), condition);
            // It may have been one further out that was left.
            self.exits.push(exit);
        }
    }
}
