//! A project's own query fragments around a query, as of pages: a struct with the query in a field, whose `walk_ast` writes
//! text before and after it; the methods that put a query into one, and those that run it.
//!
//! What such a method does with the query itself needs no look where it is generic: of a query of any type nothing else can
//! be made.

use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, FnArg, ImplItemFn, ItemImpl, Lit, Pat, ReceiverKind, ReturnType, Stmt};
use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use super::evaluate::hole;
use super::query::{RUNS, as_query};
use super::{Value, Wrapped};
use crate::chains::declared::{
    Declaration, Declared, MethodDeclaration, WrapperDeclaration, WrapperPart, WrapperWord,
};
use crate::chains::fragment::Fragment;
use crate::read::{Reader, strip};
use crate::{Bind, Provenance, ProvenanceKind, limits, types};

/// How often one method is followed to another.
const MAX_CALLS: usize = 4;

/// What a file declares of wrappers.
pub(super) fn declarations(text: &str, all: &mut Vec<Declared>) {
    let mentions = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if !mentions("walk_ast") || !mentions("QueryFragment") || limits::check(text).is_err() {
        return;
    }
    let Ok(file) = syn::parse_str::<syn::File>(text) else { return };
    let mut found = Wrappers { text, all: Vec::new(), methods: Vec::new() };
    found.visit_file(&file);
    let (wrappers, mut methods) = (found.all, found.methods);
    methods.retain(|(_, method)| wrappers.iter().any(|(wrapper, _)| *wrapper == method.of));
    let declared =
        |name, what| Declared { name, module: Vec::new(), krate: String::new(), cfgs: Vec::new(), what };
    all.extend(wrappers.into_iter().map(|(name, wrapper)| declared(name, Declaration::Wrapper(wrapper))));
    all.extend(methods.into_iter().map(|(name, method)| declared(name, Declaration::Method(method))));
}

struct Wrappers<'t> {
    text: &'t str,
    all: Vec<(String, WrapperDeclaration)>,
    methods: Vec<(String, MethodDeclaration)>,
}

impl<'ast> Visit<'ast> for Wrappers<'_> {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let own = types::last_segment(&item.self_ty).unwrap_or_default();
        let of = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        let is_fragment = of.is_some_and(|of| of.ident == "QueryFragment");
        let generic: Vec<String> = item.generics.type_params().map(|of| of.ident.to_string()).collect();
        for function in &item.items {
            let syn::ImplItem::Fn(function) = function else { continue };
            if is_fragment && function.sig.ident == "walk_ast" {
                self.all.push((own.clone(), parts(function, self.text)));
                continue;
            }
            if !has_bounds(item)
                && let Some(method) = method(function, &own, &generic)
            {
                self.methods.push((function.sig.ident.to_string(), method));
            }
        }
    }
}

/// True where something is asked of the types that the whole `impl` is for.
fn has_bounds(item: &ItemImpl) -> bool {
    item.generics.where_clause.is_some()
        || item.generics.type_params().any(|of| !of.bounds.is_empty())
        || item.generics.type_params().next().is_none()
}

/// What a method by value does: it puts the query that it is called on into a wrapper, or changes numbers of one, or runs it.
fn method(function: &ImplItemFn, own: &str, generic: &[String]) -> Option<MethodDeclaration> {
    let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() else { return None };
    if !matches!(receiver.kind, ReceiverKind::Value) {
        return None;
    }
    let mut uses = Uses::default();
    uses.visit_block(&function.block);
    let returned = match &function.sig.output {
        ReturnType::Type(_, ty) => types::last_segment(ty).unwrap_or_default(),
        ReturnType::Default => String::new(),
    };
    let is_query = generic.iter().any(|name| name == own);
    match (uses.calls.as_slice(), uses.structs.as_slice()) {
        // `Paginated { query: self, … }` of a query of any type.
        ([], [(name, fields, false)]) if is_query && *name == returned => {
            let [field] = fields.as_slice() else { return None };
            (uses.selves == 1).then(|| MethodDeclaration {
                of: returned,
                wraps: Some(field.clone()),
                ..MethodDeclaration::default()
            })
        }
        // `Paginated { per_page, ..self }`.
        ([], [(name, _, true)])
            if (name == own || name == "Self") && (returned == own || returned == "Self") =>
        {
            Some(MethodDeclaration { of: own.to_owned(), ..MethodDeclaration::default() })
        }
        // `self.get_results(conn)`; `self.paginate(…)`, which another method of the same trait is.
        ([call], []) if uses.selves == 0 => {
            let of = if is_query { returned } else { own.to_owned() };
            let calls = Some(call.clone());
            Some(MethodDeclaration { of, calls, reads: uses.fields, ..MethodDeclaration::default() })
        }
        _ => None,
    }
}

/// What a body does with `self`.
#[derive(Default)]
struct Uses {
    /// Methods that are called on it.
    calls: Vec<String>,
    /// Fields of it that are read.
    fields: Vec<String>,
    /// Structs that are written out of it: the fields that are set to it, and whether it gives the rest.
    structs: Vec<(String, Vec<String>, bool)>,
    /// How often it is named otherwise.
    selves: usize,
}

fn is_self(expr: &Expr) -> bool {
    matches!(strip(expr), Expr::Path(path) if path.path.is_ident("self"))
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if is_self(&call.receiver) {
            self.calls.push(call.method.to_string());
            call.args.iter().for_each(|argument| self.visit_expr(argument));
            return;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        match (&field.member, is_self(&field.base)) {
            (syn::Member::Named(name), true) => self.fields.push(name.to_string()),
            _ => visit::visit_expr_field(self, field),
        }
    }

    fn visit_expr_struct(&mut self, of: &'ast syn::ExprStruct) {
        let name = of.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let mut set = Vec::new();
        for field in &of.fields {
            match &field.member {
                syn::Member::Named(name) if is_self(&field.expr) => set.push(name.to_string()),
                _ => {}
            }
        }
        let rest = of.rest.as_deref().is_some_and(is_self);
        if rest || !set.is_empty() {
            self.structs.push((name, set, rest));
        }
        visit::visit_expr_struct(self, of);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if path.path.is_ident("self") {
            self.selves += 1;
        }
    }
}

/// What `walk_ast` writes.
fn parts(function: &ImplItemFn, text: &str) -> WrapperDeclaration {
    let out = function.sig.inputs.iter().nth(1).and_then(|argument| match argument {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) => Some(name.ident.to_string()),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    let out = out.unwrap_or_default();
    let unknown = |at: proc_macro2::Span| {
        let written = text.get(at.byte_range()).unwrap_or_default();
        WrapperPart { word: WrapperWord::Unknown, text: crate::read::shorten(written) }
    };
    let mut parts = Vec::new();
    for statement in &function.block.stmts {
        match statement {
            Stmt::Expr(expr, _) => {
                parts.extend(
                    part(expr, &out).unwrap_or_else(|| Some(unknown(syn::spanned::Spanned::span(expr)))),
                );
            }
            Stmt::Item(syn::Item::Use(_)) => {}
            other => parts.push(unknown(syn::spanned::Spanned::span(other))),
        }
    }
    WrapperDeclaration { parts }
}

/// What a statement of `walk_ast` writes, if anything; `None` where that is not known.
fn part(expr: &Expr, out: &str) -> Option<Option<WrapperPart>> {
    let expr = match strip(expr) {
        Expr::Try(inner) => strip(&inner.expr),
        other => other,
    };
    if let Expr::Call(call) = expr {
        let is_ok = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok"));
        return (is_ok && matches!(call.args.first(), Some(Expr::Tuple(of)) if of.elems.is_empty()))
            .then_some(None);
    }
    let Expr::MethodCall(call) = expr else { return None };
    let on_out = matches!(strip(&call.receiver), Expr::Path(path) if path.path.is_ident(out));
    let field = |expr: &Expr| match crate::read::walk::strip_all(expr) {
        Expr::Field(of) if is_self(&of.base) => match &of.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        _ => None,
    };
    let text = |expr: &Expr| match strip(expr) {
        Expr::Lit(of) => match &of.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let (word, text) = match (on_out, call.method.to_string().as_str(), call.args.first()) {
        (true, "push_sql", Some(written)) => (WrapperWord::Text, text(written)?),
        (true, "push_identifier", Some(name)) => (WrapperWord::Name, text(name)?),
        (true, "push_bind_param", Some(bound)) => (WrapperWord::Bind, field(bound)?),
        (true, "unsafe_to_cache_prepared", None) => return Some(None),
        (false, "walk_ast", Some(_)) => (WrapperWord::Field, field(&call.receiver)?),
        _ => return None,
    };
    Some(Some(WrapperPart { word, text }))
}

/// The project's own method of a name, of a struct if one is given, where there is one alone.
fn declared(reader: &Reader<'_>, name: &str, of: Option<&Wrapped>) -> Option<MethodDeclaration> {
    let all = reader.surroundings.declarations(name);
    let mut methods = all.into_iter().filter_map(|declared| match declared.what {
        Declaration::Method(method) if of.is_none_or(|wrapped| wrapped.of == method.of) => Some(method),
        _ => None,
    });
    let first = methods.next()?;
    methods.all(|other| other == first).then_some(first)
}

/// What a project's own method makes of a query: one in a wrapper.
pub(super) fn wrap(reader: &Reader<'_>, on: &Value, name: &str, span: Span) -> Option<Value> {
    let mut method = declared(reader, name, None)?;
    for _ in 0..MAX_CALLS {
        match &method.calls {
            Some(next) if !RUNS.contains(&next.as_str()) => method = declared(reader, next, None)?,
            _ => break,
        }
    }
    let field = method.wraps?;
    let query = as_query(on.clone())?;
    let all = reader.surroundings.declarations(&method.of);
    let mut wrappers = all.into_iter().filter_map(|declared| match declared.what {
        Declaration::Wrapper(wrapper) => Some(wrapper),
        _ => None,
    });
    let wrapper = wrappers.next()?;
    if wrappers.any(|other| other != wrapper) {
        return None;
    }
    let mut text = Fragment::default();
    for part in &wrapper.parts {
        text = match part.word {
            WrapperWord::Text => text.write(part.text.as_str(), span),
            WrapperWord::Name => text.then(Fragment::name(part.text.as_str(), span)),
            WrapperWord::Field if part.text == field => text.then(query.statement.render()),
            WrapperWord::Bind => text.then(bound(&part.text, span)),
            WrapperWord::Field | WrapperWord::Unknown => {
                let why = format!("`{}` writes `{}`", method.of, part.text);
                text.then(hole(reader, span, why))
            }
        };
    }
    Some(Value::Wrapped(Wrapped { of: method.of, field, text }))
}

/// What a method makes of a wrapped query: the same, with other numbers.
pub(super) fn step(reader: &Reader<'_>, on: &Wrapped, name: &str) -> Option<Value> {
    let method = declared(reader, name, Some(on))?;
    (method.wraps.is_none() && method.calls.is_none()).then(|| Value::Wrapped(on.clone()))
}

/// True for a name that is a method of some wrapper's.
pub(super) fn may_run(reader: &Reader<'_>, name: &str) -> bool {
    let declared = reader.surroundings.declarations(name);
    declared.iter().any(|declared| matches!(declared.what, Declaration::Method(_)))
}

/// True for a method of a wrapper that runs it as it is.
pub(super) fn runs(reader: &Reader<'_>, on: &Wrapped, name: &str) -> bool {
    let method = declared(reader, name, Some(on)).filter(|method| !method.reads.contains(&on.field));
    method.and_then(|method| method.calls).is_some_and(|calls| RUNS.contains(&calls.as_str()))
}

/// A value that the wrapper holds.
fn bound(field: &str, span: Span) -> Fragment {
    Fragment::bind(Bind {
        span,
        text: field.to_owned(),
        key: format!("{field}#{}", span.range.start),
        nullable: Nullability::Maybe,
        provenance: Provenance {
            kind: ProvenanceKind::Unknown,
            steps: Vec::new(),
            row: None,
            extracted: None,
            checked_as: None,
            made_by: None,
        },
        each: false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Declaration, declarations};

    const PAGES: &str = "
        pub trait Paginate: Sized { fn paginate(self, page: i64) -> Paginated<Self>; }
        impl<T> Paginate for T {
            fn paginate(self, page: i64) -> Paginated<Self> {
                Paginated { query: self, page, per_page: 25 }
            }
        }
        pub struct Paginated<T> { query: T, page: i64, per_page: i64 }
        impl<T> Paginated<T> {
            pub fn per_page(self, per_page: i64) -> Self { Paginated { per_page, ..self } }
            pub fn load_and_count<'a, U>(self, conn: &mut PgConnection) -> QueryResult<Page<U>>
            where Self: LoadQuery<'a, PgConnection, (U, i64)> {
                let per_page = self.per_page;
                let results = self.load::<(U, i64)>(conn)?;
                Ok(Page { items: results, per_page })
            }
        }
        impl<T> QueryFragment<Pg> for Paginated<T> where T: QueryFragment<Pg> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql(\"SELECT *, COUNT(*) OVER () FROM (\");
                self.query.walk_ast(out.reborrow())?;
                out.push_sql(\") t LIMIT \");
                out.push_bind_param::<BigInt, _>(&self.per_page)?;
                if self.page > 0 { out.push_sql(\" OFFSET 1\"); }
                Ok(())
            }
        }";

    #[test]
    fn what_a_wrapper_writes_and_what_makes_and_runs_one_is_declared() {
        let mut all = Vec::new();
        declarations(PAGES, &mut all);
        let told: Vec<String> = all
            .iter()
            .map(|one| match &one.what {
                Declaration::Wrapper(wrapper) => {
                    let parts = wrapper.parts.iter().map(|part| format!("{:?} {}", part.word, part.text));
                    format!("{}: {}", one.name, parts.collect::<Vec<_>>().join(", "))
                }
                Declaration::Method(method) => {
                    format!("{}: {:?} {:?} {:?}", one.name, method.wraps, method.calls, method.reads)
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "Paginated: Text SELECT *, COUNT(*) OVER () FROM (, Field query, Text ) t LIMIT , Bind per_page, \
                 Unknown if self.page > 0 { out.push_sql(\" OFFSET 1\"); }",
                "paginate: Some(\"query\") None []",
                "per_page: None None []",
                "load_and_count: None Some(\"load\") [\"per_page\"]",
            ]
        );
    }
}
