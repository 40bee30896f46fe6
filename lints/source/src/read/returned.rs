//! Functions whose value is the row of a query, so that whoever calls them may check it.
//!
//! **Invariant:** a row is returned only if nothing mentions it between the query and the end of the function, and what it
//! goes through can make no other row of it: wrappers that are known, and methods that the caller has to know of.

use syn::{Block, Expr, Pat, ReturnType, Signature, Stmt};
use tenantry_span::Span;

use super::Reader;
use super::evaluate::strip;
use super::handed::names_of;
use crate::chains::Fields;

impl<'a> Reader<'a> {
    /// Notes the query whose row is the value of the function's block. Its sites are those from `first` on.
    pub(super) fn note_returned(&mut self, sig: &'a Signature, block: &'a Block, first: usize) {
        if self.marks_only {
            return;
        }
        let Some((Stmt::Expr(tail, None), before)) = block.stmts.split_last() else { return };
        let value = given(tail);
        let output = match &sig.output {
            ReturnType::Type(_, ty) => Some(&**ty),
            ReturnType::Default => None,
        };
        let mut found = None;
        for (at, site) in self.sites.iter().enumerate().skip(first) {
            let mut through = Vec::new();
            if let Some(fields) = self.returned(value, before, output, site.span, &mut through) {
                found = Some((at, fields, through));
            }
        }
        if let Some((at, fields, through)) = found
            && let Some(site) = self.sites.get_mut(at)
        {
            site.returned = Some(through);
            if let Fields::InOrder(fields) = fields {
                site.fields = Some(fields);
            }
        }
    }

    /// What the fields of the row are, if it is returned and they are known.
    fn returned(
        &self,
        value: &Expr,
        before: &'a [Stmt],
        output: Option<&syn::Type>,
        site: Span,
        through: &mut Vec<String>,
    ) -> Option<Fields> {
        let is_known = |fields: &Fields| *fields != Fields::Unseen;
        if self.range(value).range.contains_range(site.range) {
            let fields = Some(self.fields_fetched(value, output)).filter(is_known);
            return fields.filter(|_| self.is_row_through(value, site, &[], through));
        }
        let mut known = None;
        let mut names: Vec<String> = Vec::new();
        for statement in before {
            let is_fetched = self.range(statement).range.contains_range(site.range);
            if !is_fetched
                && (names.is_empty() || self.mention(self.range(statement), &names, |_| false).is_none())
            {
                continue;
            }
            let Stmt::Local(local) = statement else { return None };
            let init = local.init.as_ref().filter(|init| init.diverge.is_none())?;
            let taken = names_of(&local.pat).filter(|names| names.len() == 1 && local.attrs.is_empty())?;
            let ty = match &local.pat {
                Pat::Type(typed) => Some(&*typed.ty),
                _ => output,
            };
            if is_fetched {
                known = Some(self.fields_fetched(&init.expr, ty)).filter(is_known);
            }
            if known.is_none() || !self.is_row_through(&init.expr, site, &names, through) {
                return None;
            }
            names.extend(taken);
        }
        known.filter(|_| !names.is_empty() && self.is_row_through(value, site, &names, through))
    }

    /// The row, through methods of which the caller has to know what they do.
    fn is_row_through(&self, expr: &Expr, site: Span, names: &[String], through: &mut Vec<String>) -> bool {
        match strip(expr) {
            Expr::Try(inner) => self.is_row_through(&inner.expr, site, names, through),
            Expr::Await(inner) => self.is_row_through(&inner.base, site, names, through),
            Expr::MethodCall(call) if self.fetches(call, site) => true,
            Expr::MethodCall(call) if call.method != "filter" && call.method != "find" => {
                if !Self::unwraps(call) {
                    through.push(call.method.to_string());
                }
                call.args.iter().all(|argument| !self.names(argument, names))
                    && self.is_row_through(&call.receiver, site, names, through)
            }
            other => self.is_row(other, site, names),
        }
    }

    /// True for a method of any `Result` or `Option` that gives back what was in it.
    pub(super) fn keeps(&self, sig: &Signature) -> bool {
        let Some(Some(inner)) = self.wrapped.last() else { return false };
        let by_value = sig.receiver().is_some_and(|receiver| {
            matches!(receiver.kind, syn::ReceiverKind::Value) && receiver.mutability.is_none()
        });
        let ReturnType::Type(_, ty) = &sig.output else { return false };
        let words = super::provenance::identifiers(self.written(self.range(&**ty)));
        by_value && sig.generics.params.is_empty() && words.contains(inner.as_str())
    }
}

/// What a function's value is, without the `Ok` or `Some` around it.
fn given(tail: &Expr) -> &Expr {
    match strip(tail) {
        Expr::Call(call) if call.args.len() == 1 => {
            let wraps = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok") || path.path.is_ident("Some"));
            call.args.first().filter(|_| wraps).map_or(tail, given)
        }
        _ => tail,
    }
}
