//! Values that are put together of others: arrays, JSON. Where the wholes are equal, so are the parts.
//!
//! **Invariant:** a part is compared as the whole compares it, by its type's own equality; NULLs in the whole are alike.

use std::collections::BTreeSet;

use crate::plan::{CompareOp, Expr, ExprKind};
use crate::prove::context::Prover;
use crate::prove::facts::Claim;
use crate::prove::predicate::{Implied, Known};
use crate::types::SqlType;

impl<'a> Prover<'a> {
    /// What follows of the parts where two wholes are equal.
    pub(super) fn parts_equal(&self, left: &'a Expr, right: &'a Expr, cx: &Known<'_>) -> Implied {
        if let Some((lefts, rights)) = self.plain_elements(left).zip(self.plain_elements(right)) {
            return self.all_alike(lefts.iter().zip(rights), lefts.len() == rights.len(), cx);
        }
        let (ExprKind::Pure { name, args: lefts }, ExprKind::Pure { name: other, args: rights }) =
            (&left.kind, &right.kind)
        else {
            return Some(Vec::new());
        };
        let built_in = left.ty == SqlType::Jsonb && right.ty == SqlType::Jsonb;
        if name != other || !built_in || lefts.len() != rights.len() {
            return Some(Vec::new());
        }
        match name.as_str() {
            "to_jsonb" | "jsonb_build_array" => self.all_alike(lefts.iter().zip(rights), true, cx),
            "jsonb_build_object" => match (self.members(left), self.members(right)) {
                (Some(ours), Some(theirs)) => {
                    let same_keys = ours.iter().zip(&theirs).all(|((a, _), (b, _))| a == b);
                    let pairs = ours.iter().zip(&theirs).map(|((_, a), (_, b))| (*a, *b));
                    self.all_alike(pairs, same_keys, cx)
                }
                _ => Some(Vec::new()),
            },
            _ => Some(Vec::new()),
        }
    }

    /// The pairs are equal or both NULL. One pair that compares inexactly may change the type of all.
    fn all_alike(
        &self,
        pairs: impl Iterator<Item = (&'a Expr, &'a Expr)> + Clone,
        is_known: bool,
        cx: &Known<'_>,
    ) -> Implied {
        let mut claims = Vec::new();
        if !is_known || !pairs.clone().all(|(left, right)| self.comparison_is_exact(left, right)) {
            return Some(claims);
        }
        for (left, right) in pairs {
            if self.is_never_null(left, cx) || self.is_never_null(right, cx) {
                claims.extend(self.compare(CompareOp::Eq, left, right, cx)?);
            }
        }
        Some(claims)
    }

    /// What follows where `left op right` is true: `<@`, `@>` or `&&` of arrays that are written out.
    pub(super) fn contained(&self, op: &str, operands: &'a [Expr], cx: &Known<'_>) -> Implied {
        let [left, right] = operands else { return Some(Vec::new()) };
        let Some((lefts, rights)) = self.plain_elements(left).zip(self.plain_elements(right)) else {
            return Some(Vec::new());
        };
        let exact = lefts.iter().all(|a| rights.iter().all(|b| self.comparison_is_exact(a, b)));
        if !exact {
            return Some(Vec::new());
        }
        // An element that is NULL is contained in nothing.
        let among = |one: &'a Expr, list: &'a [Expr]| {
            self.any(list.iter().map(|other| self.compare(CompareOp::Eq, one, other, cx)), cx)
        };
        match op {
            "<@" => self.all(lefts.iter().map(|one| among(one, rights))),
            "@>" => self.all(rights.iter().map(|one| among(one, lefts))),
            "&&" => self.any(lefts.iter().map(|one| among(one, rights)), cx),
            _ => Some(Vec::new()),
        }
    }

    /// `object ->> 'key'` of an object that is written out: the value under that key, of which it is the text.
    pub(super) fn member(&self, name: &str, args: &'a [Expr]) -> Option<&'a Expr> {
        let [object, key] = args else { return None };
        let ExprKind::String(key) = &key.kind else { return None };
        let object = match object.kind {
            ExprKind::Column(col) => self.defs.get(&col).copied()?,
            _ => object,
        };
        let found = self.members(object).filter(|_| name == "->>")?;
        found.into_iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The members of a JSON object that is written out, by constant keys of which none is there twice.
    fn members(&self, object: &'a Expr) -> Option<Vec<(&'a str, &'a Expr)>> {
        let ExprKind::Pure { name, args } = &object.kind else { return None };
        let built_in = match name.as_str() {
            "jsonb_build_object" => object.ty == SqlType::Jsonb,
            "json_build_object" => object.ty == SqlType::Json,
            _ => false,
        };
        if !built_in || args.len() % 2 != 0 {
            return None;
        }
        let pairs = args.chunks_exact(2).map(|pair| match pair {
            [Expr { kind: ExprKind::String(key), .. }, value] => Some((key.as_str(), value)),
            _ => None,
        });
        let pairs: Vec<(&str, &Expr)> = pairs.collect::<Option<_>>()?;
        let keys: BTreeSet<&str> = pairs.iter().map(|(key, _)| *key).collect();
        (keys.len() == pairs.len()).then_some(pairs)
    }

    /// Columns that are not NULL where a member is not.
    pub(super) fn strict_member(&self, name: &str, args: &'a [Expr]) -> Vec<Claim> {
        self.member(name, args).map(|value| self.strict(value)).unwrap_or_default()
    }
}
