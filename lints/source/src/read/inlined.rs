//! Functions of the file whose value is a `format!` of what they are handed: `by_name(name)` is that text with the
//! argument in the parameter's place.
//!
//! **Invariant:** the template's values are the parameters themselves, each as it was handed over, and names that mean the
//! same where the function is called.

use syn::punctuated::Punctuated;
use syn::{Expr, ExprCall, FnArg, Pat, ReturnType, Stmt, Token};

use super::Reader;
use super::evaluate::strip;
use super::scope::LocalId;
use super::texts::Texts;
use crate::types;

impl Reader<'_> {
    /// The text of a call of such a function.
    pub(super) fn inlined(
        &self,
        call: &ExprCall,
        whole: &Expr,
        limit: LocalId,
        steps: usize,
    ) -> Option<Texts> {
        let function =
            self.declared_once(call, LocalId::MAX).filter(|function| function.sig.asyncness.is_none())?;
        let [Stmt::Macro(tail)] = function.block.stmts.as_slice() else {
            let [Stmt::Expr(Expr::Macro(tail), None)] = function.block.stmts.as_slice() else { return None };
            return self.inlined_format(&tail.mac, function.sig, call, whole, limit, steps);
        };
        let is_value = tail.semi_token.is_none() && tail.attrs.is_empty();
        is_value.then(|| self.inlined_format(&tail.mac, function.sig, call, whole, limit, steps))?
    }

    fn inlined_format(
        &self,
        mac: &syn::Macro,
        sig: &syn::Signature,
        call: &ExprCall,
        whole: &Expr,
        limit: LocalId,
        steps: usize,
    ) -> Option<Texts> {
        let body = self.expansions.body(mac).filter(|body| !body.own)?;
        if !mac.path.is_ident("format") || body.arguments.is_empty() {
            return None;
        }
        let written = mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated).ok()?;
        let handed: Vec<(String, &Expr)> = sig.inputs.iter().zip(&call.args).filter_map(named).collect();
        // What is dereferenced to a text need not be printed as that.
        if handed.iter().any(|(_, argument)| self.shown(argument, limit).is_some()) {
            return None;
        }
        let handed_as = |name: &str| {
            handed.iter().find(|(known, _)| known == name).map(|(_, argument)| (*argument).clone())
        };
        let of = |value: &Expr| match strip(value) {
            Expr::Path(path) => handed_as(&path.path.get_ident()?.to_string()),
            Expr::Lit(_) => Some(value.clone()),
            _ => None,
        };
        let mut values = written.into_iter();
        let template = values.next()?;
        let mut arguments = vec![template];
        for value in values {
            let Expr::Assign(named) = &value else {
                arguments.push(of(&value)?);
                continue;
            };
            let right = Box::new(of(&named.right)?);
            arguments.push(Expr::Assign(syn::ExprAssign { right, ..named.clone() }));
        }
        for name in self.captured(arguments.first()?)? {
            let is_named = arguments.iter().any(|argument| {
                matches!(argument, Expr::Assign(named) if matches!(&*named.left, Expr::Path(path) if path.path.is_ident(&name)))
            });
            match handed_as(&name) {
                _ if is_named => {}
                Some(value) => arguments.push(named_value(&name, value)?),
                // A constant of the file, if nothing else goes by its name here.
                None if self.lookup(&name, limit).is_some() || self.is_named_within(&name) => return None,
                None => {}
            }
        }
        let arguments: Vec<&Expr> = arguments.iter().collect();
        Some(self.format(&arguments, whole, limit, steps + 1))
    }

    /// It may be the call of such a function, whose text is noted where it is called.
    pub(super) fn may_be_inlined(&self, call: &ExprCall) -> bool {
        let Expr::Path(path) = strip(&call.func) else { return false };
        let of_name = path.path.get_ident().and_then(|name| self.lendable.get(&name.to_string()));
        of_name.is_some_and(|all| {
            all.iter().any(|one| matches!(&one.sig.output, ReturnType::Type(_, ty) if types::is_text(ty)))
        })
    }

    /// The names that stand in a template.
    fn captured(&self, template: &Expr) -> Option<Vec<String>> {
        let Expr::Lit(lit) = template else { return None };
        let syn::Lit::Str(text) = &lit.lit else { return None };
        let text = text.value().replace("{{", "").replace("}}", "");
        let parts = text.split('{').skip(1).filter_map(|part| part.split(['}', ':']).next());
        let is_name = |part: &&str| part.starts_with(|c: char| c.is_alphabetic() || c == '_');
        Some(parts.map(str::trim).filter(is_name).map(str::to_owned).collect())
    }
}

fn named<'e>((input, argument): (&FnArg, &'e Expr)) -> Option<(String, &'e Expr)> {
    let FnArg::Typed(typed) = input else { return None };
    let Pat::Ident(name) = &*typed.pat else { return None };
    // What is made into another type may be printed as something else.
    let is_plain = types::is_text(&typed.ty) || types::is_integer(&typed.ty);
    is_plain.then(|| (name.ident.to_string(), argument))
}

fn named_value(name: &str, value: Expr) -> Option<Expr> {
    let left = Box::new(syn::parse_str::<Expr>(name).ok()?);
    let eq_token = Token![=](proc_macro2::Span::call_site());
    Some(Expr::Assign(syn::ExprAssign { attrs: Vec::new(), left, eq_token, right: Box::new(value) }))
}
