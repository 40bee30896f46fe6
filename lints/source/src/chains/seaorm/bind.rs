//! What statements bind: which expressions of the function that is walked, and values of rows.

use syn::Expr;
use syn::spanned::Spanned;
use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use super::eval::{Eval, LEAF, Leaf, unconverted};
use super::value::{Model, Origin, Rest, Val};
use crate::chains::fragment::Fragment;
use crate::{Bind, Provenance, ProvenanceKind, RowValue};

impl<'t> Eval<'_, 't> {
    /// A value that is bound, of an expression of the function that is walked.
    pub(super) fn leaf(&mut self, expr: &Expr, row: Option<RowValue>) -> usize {
        self.leaf_at(std::ptr::from_ref(expr) as usize, None, row)
    }

    fn leaf_at(&mut self, at: usize, field: Option<String>, row: Option<RowValue>) -> usize {
        if let Some(known) = self.found.known.get(&(at, field.clone())) {
            return *known;
        }
        self.found.leaves.push(Leaf { at, row, field: field.clone() });
        self.found.known.insert((at, field), self.found.leaves.len() - 1);
        self.found.leaves.len() - 1
    }

    /// A field of a value of the function that is walked, which is written nowhere.
    pub(super) fn part_bind(
        &mut self,
        expr: usize,
        written: &str,
        field: &str,
        at: &impl Spanned,
    ) -> Fragment {
        let leaf = self.leaf_at(expr, Some(field.to_owned()), None);
        let provenance = Provenance {
            kind: ProvenanceKind::Unknown,
            steps: Vec::new(),
            row: None,
            extracted: None,
            checked_as: None,
            made_by: None,
        };
        let (span, text) = (self.span(at), format!("{written}.{field}"));
        let key = format!("{LEAF}{leaf}");
        Fragment::bind(Bind { span, text, key, nullable: Nullability::Unseen, provenance, each: false })
    }

    /// The active model that is made of a value of Rust's.
    pub(super) fn model_of_value(&self, entity: usize, expr: &'t Expr) -> Val {
        let place = std::ptr::from_ref(expr) as usize;
        let rest = Rest::Value(place, self.written(unconverted(expr)));
        let fields = std::collections::BTreeMap::new();
        Val::Model(Box::new(Model { entity, fields, rest }))
    }

    /// What an argument hands over to a function that is followed.
    pub(super) fn handed(&mut self, expr: &'t Expr, value: Val) -> Val {
        match value {
            Val::Plain(Origin::Here) if self.is_walked() => Val::Plain(Origin::Leaf(self.leaf(expr, None))),
            Val::Plain(Origin::Cell(row)) if self.is_walked() => {
                Val::Plain(Origin::Leaf(self.leaf(expr, Some(row))))
            }
            Val::Model(model) => Val::Model(Box::new(self.written_by(*model, expr))),
            value => value,
        }
    }

    /// The model as it is written by an expression: where it comes from elsewhere, the walk says from where.
    pub(super) fn written_by(&self, model: Model, expr: &Expr) -> Model {
        match (&model.rest, self.is_walked(), crate::read::strip(expr)) {
            (Rest::Given(None), true, named @ Expr::Path(_)) => {
                let place = (std::ptr::from_ref(named) as usize, self.written(named));
                Model { rest: Rest::Given(Some(place)), ..model }
            }
            _ => model,
        }
    }

    /// A plain value as a statement binds it.
    pub(super) fn bound(&mut self, expr: &'t Expr, origin: Origin) -> Fragment {
        let walked = self.is_walked();
        let leaf = match origin {
            Origin::Here if walked => self.leaf(expr, None),
            Origin::Cell(row) if walked => self.leaf(expr, Some(row)),
            Origin::Leaf(leaf) => leaf,
            Origin::Literal => {
                let step = (self.span(expr), "a literal".to_owned());
                return self.made(expr, ProvenanceKind::Literal, Nullability::Never, vec![step]);
            }
            Origin::Cell(row) => return self.cell_bind(expr, row),
            Origin::Here | Origin::Unknown | Origin::Opaque => return self.made_bind(expr),
        };
        let (span, text) = (self.span(expr), self.written(expr));
        let provenance = Provenance {
            kind: ProvenanceKind::Unknown,
            steps: Vec::new(),
            row: None,
            extracted: None,
            checked_as: None,
            made_by: None,
        };
        let key = format!("{LEAF}{leaf}");
        Fragment::bind(Bind { span, text, key, nullable: Nullability::Unseen, provenance, each: false })
    }

    /// The value of a row's column that is written nowhere.
    pub(super) fn cell_bind(&self, at: &impl Spanned, row: RowValue) -> Fragment {
        let span = self.span(at);
        let column = match &row.column {
            crate::RowColumn::Name(name) | crate::RowColumn::Field(name) => name.clone(),
            crate::RowColumn::Only => String::new(),
        };
        let key = format!("row {}.{column}", row.within.range.start);
        let steps = vec![(row.within, "read here".to_owned())];
        let provenance = Provenance {
            kind: ProvenanceKind::Row,
            steps,
            row: Some(row),
            extracted: None,
            checked_as: None,
            made_by: None,
        };
        Fragment::bind(Bind {
            span,
            text: column,
            key,
            nullable: Nullability::Unseen,
            provenance,
            each: false,
        })
    }

    /// A value of which nothing is known.
    pub(super) fn made_bind(&self, at: &impl Spanned) -> Fragment {
        self.made(at, ProvenanceKind::Unknown, Nullability::Unseen, Vec::new())
    }

    fn made(
        &self,
        at: &impl Spanned,
        kind: ProvenanceKind,
        nullable: Nullability,
        steps: Vec<(Span, String)>,
    ) -> Fragment {
        let (span, text) = (self.span(at), self.written(at));
        let inner = at.span().byte_range().start;
        let key = format!("{text}#{}.{inner}", span.range.start);
        Fragment::bind(Bind {
            span,
            text,
            key,
            nullable,
            provenance: Provenance {
                kind,
                steps,
                row: None,
                extracted: None,
                checked_as: None,
                made_by: None,
            },
            each: false,
        })
    }
}
