//! Values that are put together of others: arrays, JSON. Where the wholes are equal, so are the parts.
//!
//! **Invariant:** a part is compared as the whole compares it, by its type's own equality; NULLs in the whole are alike.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;

use crate::plan::{ColId, CompareOp, Expr, ExprKind, Rel, RelKind, SubqueryUsage};
use crate::prove::context::Prover;
use crate::prove::facts::{Base, Claim, Injection, Term};
use crate::prove::predicate::{Implied, Known};
use crate::prove::subquery::has_a_row;
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
        let is_exact = |(left, right): (&'a Expr, &'a Expr)| {
            self.rows_alike(left, right).is_some() || self.comparison_is_exact(left, right)
        };
        if !is_known || !pairs.clone().all(is_exact) {
            return Some(claims);
        }
        for (left, right) in pairs {
            if let Some((lefts, rights)) = self.rows_alike(left, right) {
                claims.extend(self.fields_alike(lefts, rights, cx)?);
            } else if self.is_never_null(left, cx) || self.is_never_null(right, cx) {
                claims.extend(self.compare(CompareOp::Eq, left, right, cx)?);
            }
        }
        Some(claims)
    }

    /// The fields of a row that is a value of its own: written out, computed below, or in a subquery that has it whatever the
    /// tables hold. Where that is not NULL these are its fields, whatever they are. Rows whose types differ are an error once
    /// there is one to compare, so that they say nothing where errors count.
    pub(super) fn fields(&self, expr: &'a Expr) -> Option<&'a [Expr]> {
        if self.tenancy.strict_errors {
            return None;
        }
        match &expr.kind {
            ExprKind::Row(items) => Some(items),
            ExprKind::Coalesce(parts) => {
                let first = parts.first()?;
                is_there(first).then(|| self.fields(first))?
            }
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) && has_a_row(&sub.rel) => {
                self.fields_of(*sub.rel.cols.first()?)
            }
            ExprKind::Column(col) => self.fields_of(*col),
            _ => None,
        }
    }

    /// The fields of two rows of which one at least is not NULL: if they are alike, neither is.
    pub(super) fn rows_alike(&self, left: &'a Expr, right: &'a Expr) -> Option<(&'a [Expr], &'a [Expr])> {
        let fields = || self.fields(left).zip(self.fields(right));
        (is_there(left) || is_there(right)).then(fields)?
    }

    /// The fields of a row that a column carries.
    pub(super) fn fields_of(&self, col: ColId) -> Option<&'a [Expr]> {
        match &self.defs.get(&col)?.kind {
            ExprKind::Row(items) => Some(items),
            _ => None,
        }
    }

    /// What follows where two rows are the same value: field by field they are equal, or both NULL.
    pub(super) fn fields_alike(&self, lefts: &'a [Expr], rights: &'a [Expr], cx: &Known<'_>) -> Implied {
        let mut claims = Vec::new();
        if lefts.len() != rights.len() {
            return Some(claims);
        }
        for (left, right) in lefts.iter().zip(rights) {
            if let Some((lefts, rights)) = self.rows_alike(left, right) {
                claims.extend(self.fields_alike(lefts, rights, cx)?);
            } else if self.comparison_is_exact(left, right)
                && (self.is_never_null(left, cx) || self.is_never_null(right, cx))
            {
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

    /// `object ->> 'key'` of an object that is written out, or of a row: the part under that key, of which it is the text.
    pub(super) fn member(&self, name: &str, args: &'a [Expr]) -> Option<Part<'a>> {
        let [object, key] = args else { return None };
        let ExprKind::String(key) = &key.kind else { return None };
        let object = self.written_out(object);
        if name != "->>" {
            return None;
        }
        if let Some(members) = self.members(object) {
            let found = members.into_iter().find(|(known, _)| *known == key);
            return found.map(|(_, value)| Part::Value(value));
        }
        let ExprKind::Pure { name, args } = &object.kind else { return None };
        let [Expr { kind: ExprKind::WholeRow(fields), .. }] = args.as_slice() else { return None };
        let built_in = match name.as_str() {
            "to_jsonb" => object.ty == SqlType::Jsonb,
            "to_json" | "row_to_json" => object.ty == SqlType::Json,
            _ => false,
        };
        let mut named = fields.iter().filter(|(name, _)| built_in && name == key);
        let (_, col) = named.next()?;
        named.next().is_none().then_some(Part::Column(*col))
    }

    /// A field of a row that is written out.
    pub(super) fn field(&self, row: &'a Expr, at: usize) -> Option<Part<'a>> {
        match &self.written_out(row).kind {
            ExprKind::WholeRow(fields) => fields.get(at).map(|(_, col)| Part::Column(*col)),
            ExprKind::Row(items) => items.get(at).map(Part::Value),
            _ => None,
        }
    }

    /// How a computed column was computed: on every row that carries its value, the columns that it was computed of have the
    /// values of which it was.
    fn written_out(&self, expr: &'a Expr) -> &'a Expr {
        match expr.kind {
            ExprKind::Column(col) => self.defs.get(&col).copied().unwrap_or(expr),
            _ => expr,
        }
    }

    /// A part's value as a term.
    pub(super) fn part_term(&self, part: &Part<'a>, cx: &Known<'_>) -> Option<Term> {
        match part {
            Part::Column(col) => Some(Term::column(*col)),
            Part::Value(value) => self.term(value, cx),
        }
    }

    /// A part's value as text, as a term: where different values have different texts.
    pub(super) fn part_as_text(&self, part: &Part<'a>, cx: &Known<'_>) -> Option<Term> {
        let exact = match part {
            Part::Column(col) => {
                let ty = self.plan.columns.get(col.0 as usize).map(|info| &info.ty);
                ty.is_some_and(|ty| {
                    matches!(ty, SqlType::Int | SqlType::Uuid | SqlType::Text | SqlType::VarcharN(_))
                }) && self.column_keeps_texts_apart(*col)
            }
            Part::Value(value) => self.cast_keeps_apart(value, &SqlType::Text),
        };
        exact.then(|| self.part_term(part, cx))?
    }

    /// Columns that are not NULL where a part is not.
    pub(super) fn strict_part(&self, part: Option<Part<'a>>) -> Vec<Claim> {
        match part {
            Some(Part::Column(col)) => vec![Claim::NotNull(col)],
            Some(Part::Value(value)) => self.strict(value),
            None => Vec::new(),
        }
    }

    /// The shape of a JSON value that is written out around one part, all else in it being constants, and that part: it is an
    /// injective function of the part.
    pub(super) fn wrapped(&self, whole: &'a Expr) -> Option<(Injection, &'a Expr)> {
        let ExprKind::Pure { name, args } = &whole.kind else { return None };
        let known = match name.as_str() {
            "to_jsonb" | "jsonb_build_array" => true,
            "jsonb_build_object" => self.members(whole).is_some(),
            _ => false,
        };
        if !known || whole.ty != SqlType::Jsonb {
            return None;
        }
        let mut shape = name.clone();
        let mut inner = None;
        for arg in args {
            match &arg.kind {
                ExprKind::String(text) => shape.push_str(&format!(",'{text}'")),
                ExprKind::Number(text) => shape.push_str(&format!(",{text}")),
                ExprKind::Bool(value) => shape.push_str(&format!(",{value}")),
                _ if inner.is_none() => {
                    shape.push_str(",_");
                    inner = Some(arg);
                }
                _ => return None,
            }
        }
        let inner = inner.filter(|inner| {
            let plain = matches!(
                inner.ty,
                SqlType::Int | SqlType::Numeric | SqlType::Uuid | SqlType::Text | SqlType::VarcharN(_)
            );
            plain && self.keeps_texts_apart(inner)
        })?;
        Some((Injection::Within(shape), inner))
    }

    /// `column ->> 'key' = value`, where the column is a JSON value around that one member: the column is that around the
    /// value. So a row that carries the column, and no more the member, is tied by it.
    pub(super) fn wrapped_equal(&self, side: &'a Expr, other: &Term) -> Option<Claim> {
        let ExprKind::Pure { name, args } = &side.kind else { return None };
        let [Expr { kind: ExprKind::Column(col), .. }, _] = args.as_slice() else { return None };
        let Part::Value(member) = self.member(name, args)? else { return None };
        let (shape, inner) = self.wrapped(self.defs.get(col)?)?;
        std::ptr::eq(inner, member).then(|| Claim::Equal(Term::column(*col), other.clone().through(shape)))
    }

    /// The members of a JSON object that is written out, by constant keys of which none is there twice.
    pub(super) fn members<'e>(&self, object: &'e Expr) -> Option<Vec<(&'e str, &'e Expr)>> {
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

    /// The value under a cast to text that writes each value in one way of its own, of digits and letters without case: no
    /// wildcard is in it, and no comma, and case is nothing to it.
    pub(super) fn in_plain_letters<'e>(&self, expr: &'e Expr) -> Option<&'e Expr> {
        if self.catalog.dialect != Dialect::Postgres {
            return None;
        }
        match &expr.kind {
            ExprKind::Cast(inner) if matches!(expr.ty, SqlType::Text | SqlType::Name) => match inner.ty {
                SqlType::Int | SqlType::Uuid => Some(inner),
                _ => self.in_plain_letters(inner),
            },
            ExprKind::Pure { name, args } if name == "lower" && expr.ty == SqlType::Text => {
                match args.as_slice() {
                    [inner] => self.in_plain_letters(inner),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The value of a text that is compared with one in plain letters: that one's inside, or a value from outside, which is
    /// the tenant in whatever notation.
    fn spelled(&self, expr: &'a Expr, cx: &Known<'_>) -> Option<Term> {
        if let Some(inner) = self.in_plain_letters(expr) {
            return self.term(inner, cx);
        }
        match &expr.kind {
            ExprKind::Pure { name, args } if name == "lower" && expr.ty == SqlType::Text => {
                match args.as_slice() {
                    [inner] => self.spelled(inner, cx),
                    _ => None,
                }
            }
            _ => {
                self.term(expr, cx).filter(|term| matches!(term.base, Base::Tenant(_)) && term.via.is_empty())
            }
        }
    }

    /// What follows where `left LIKE right` is true, ILIKE and SIMILAR TO alike: a pattern in plain letters matches itself.
    pub(super) fn matched(&self, op: &str, operands: &'a [Expr], cx: &Known<'_>) -> Option<Claim> {
        let ([left, pattern], "" | "~~" | "~~*") = (operands, op) else { return None };
        let text = self.in_plain_letters(left);
        let a = match text {
            Some(inner) => self.term(inner, cx)?,
            None => self.term(left, cx)?,
        };
        let has_no_case = self.in_plain_letters(pattern).is_some_and(|inner| inner.ty == SqlType::Int);
        let b = self.spelled(pattern, cx).filter(|_| text.is_some() || has_no_case)?;
        (text.is_some() || self.keeps_texts_apart(left)).then_some(Claim::Equal(a, b))
    }

    /// The one element of `string_to_array(text, ',')`, where no comma can be in the text: what is written there.
    pub(super) fn only_element(&self, array: &'a Expr) -> Option<&'a Expr> {
        let ExprKind::Pure { name, args } = &array.kind else { return None };
        let [text, Expr { kind: ExprKind::String(comma), .. }] = args.as_slice() else { return None };
        let built_in = name == "string_to_array" && matches!(array.ty, SqlType::Array(_));
        self.in_plain_letters(text).filter(|_| built_in && comma == ",")
    }

    /// `k::text LIKE t::text` and `lower(k::text) = lower(t::text)` are `k = t`, where `k` is a number or a UUID.
    pub(super) fn spelled_equal(&self, left: &'a Expr, right: &'a Expr, cx: &Known<'_>) -> Option<Claim> {
        if self.in_plain_letters(left).is_none() && self.in_plain_letters(right).is_none() {
            return None;
        }
        let (a, b) = (self.spelled(left, cx)?, self.spelled(right, cx)?);
        Some(Claim::Equal(a, b))
    }
}

/// A row that is a value and not NULL: a column of one may be, beside nothing in an outer join.
fn is_there(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Row(_) => true,
        ExprKind::Coalesce(parts) => parts.first().is_some_and(is_there),
        ExprKind::Subquery(sub) => matches!(sub.usage, SubqueryUsage::Scalar) && makes_row(&sub.rel),
        _ => false,
    }
}

/// The relation is one row that is put together in it.
fn makes_row(rel: &Rel) -> bool {
    let RelKind::Project { input, computed } = &rel.kind else { return false };
    let is_made =
        |col: &ColId| computed.iter().any(|(own, expr)| own == col && matches!(expr.kind, ExprKind::Row(_)));
    has_a_row(input) && rel.cols.first().is_some_and(is_made)
}

/// A part of a value that is put together.
pub(super) enum Part<'a> {
    /// A column.
    Column(ColId),
    /// An expression.
    Value(&'a Expr),
}
