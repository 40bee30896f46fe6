//! Calls that run SQL, by the sink tables.

use std::rc::Rc;

use syn::{Expr, ExprCall, ExprMethodCall, ExprStruct, Macro, Member};
use tenantry_rules::{Binds, Sink, SqlSource};
use tenantry_span::Span;

use super::Reader;
use super::builder::Grown;
use super::evaluate::{TextKind, strip};
use super::scope::{LocalId, Source};
use super::texts::{self, Texts};
use super::walk::Value;
use crate::expansions::Body;
use crate::imports;
use crate::literal;
use crate::prefilter::looks_like_sql;
use crate::types;
use crate::{Bind, NEW, Param, QuerySite};

/// How methods of a query begin that bind nothing.
const PLAIN_STEPS: &[&str] =
    &["persistent", "fetch", "execute", "load", "get_result", "build", "push", "sql", "map", "try_map"];

/// What the walk keeps of a site until the file ends.
pub(super) struct Meta {
    /// How values are chained to it.
    binds: Binds,
    appends: Vec<String>,
    /// The branch in which it was made; what another branch binds may not have been bound.
    branch: u32,
    /// No more binds are taken: what follows is not known to be in order.
    frozen: bool,
    /// A text that can be added to, and was not seen to be finished.
    pub(super) open: bool,
    /// What a builder puts between what is pushed to `separated`.
    pub(super) separator: Vec<crate::Piece>,
    /// The texts that a builder held where it was built.
    pub(super) built: Option<Vec<crate::SqlText>>,
}

impl Meta {
    /// True for a builder, to which text is pushed until its query is built.
    pub(super) fn builds(&self) -> bool {
        self.appends.iter().any(|name| name == "push")
    }
}

/// A statement that was prepared.
pub(super) struct Prepared {
    library: usize,
    texts: Texts,
    /// The site that it is if nobody is seen to run it.
    site: QuerySite,
    used: bool,
}

/// How sure it is that a method is the library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Receiver {
    Foreign,
    Unknown,
    Confirmed,
}

impl<'a> Reader<'a> {
    pub(super) fn function_sink(&mut self, call: &'a ExprCall) -> Option<usize> {
        let Expr::Path(path) = &*call.func else { return None };
        let sinks = self.sinks;
        let found = imports::find(sinks, self.imports, &path.path, |library| &library.functions);
        let found = found.or_else(|| self.unexplained_function(call, path));
        let Some((library, sink)) = found else { return self.method_by_path(call, path) };
        let arguments: Vec<&'a Expr> = call.args.iter().collect();
        let texts = self.sql_of(sink, &arguments)?;
        let binds = self.binds_of(sink, &arguments);
        let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let name = if sink.names.iter().any(|known| known.contains("::")) {
            imports_name(sink, &self.imports.resolve(&path.path))
        } else {
            name
        };
        let span = self.range(call);
        Some(self.emit(library, sink, name, span, texts, binds))
    }

    /// A query that is written as a struct: `Statement { sql, values, .. }`.
    pub(super) fn struct_sink(&mut self, of: &'a ExprStruct) -> Option<usize> {
        let sinks = self.sinks;
        let found = imports::find(sinks, self.imports, &of.path, |library| &library.structs);
        let (library, sink) = found.or_else(|| self.unexplained_struct(of))?;
        let span = self.range(of);
        let arguments: Option<Vec<&'a Expr>> =
            sink.fields.iter().map(|name| Some(held(field(of, name)?))).collect();
        let arguments = arguments.filter(|_| !of.fields.iter().any(|field| !field.attrs.is_empty()));
        let (texts, binds) = match arguments {
            Some(arguments) => (self.sql_of(sink, &arguments)?, self.binds_of_struct(sink, &arguments)),
            None => (texts::unknown(span, self.written(span), "a part of it comes from elsewhere"), None),
        };
        let name = of.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        Some(self.emit(library, sink, name, span, texts, binds))
    }

    /// A struct of the name and with the fields of a query's, through a re-export that is not seen, whose text evidently
    /// is SQL.
    fn unexplained_struct(&self, of: &ExprStruct) -> Option<(usize, &'a Sink)> {
        let name = of.path.segments.last()?.ident.to_string();
        if self.declared.types.contains_key(&name) {
            return None;
        }
        let structs = |(index, library): (usize, &'a tenantry_rules::SinkLibrary)| {
            library.structs.iter().find(|sink| sink.names.contains(&name)).map(|sink| (index, sink))
        };
        let (library, sink) = self.sinks.iter().enumerate().find_map(structs)?;
        let SqlSource::Argument(at) = sink.sql else { return None };
        let fields: Option<Vec<&Expr>> = sink.fields.iter().map(|name| field(of, name)).collect();
        let text = fields?.into_iter().nth(at)?;
        (self.text_kind(text) == TextKind::Text && self.texts(text).iter().all(|text| begins_as_sql(text)))
            .then_some((library, sink))
    }

    fn binds_of_struct(&mut self, sink: &Sink, fields: &[&'a Expr]) -> Option<Vec<Bind>> {
        let Binds::Argument(at) = sink.binds else { return self.binds_of(sink, fields) };
        match fields.get(at)? {
            Expr::Path(path) if path.path.is_ident("None") => Some(Vec::new()),
            values => self.elements(values, false, LocalId::MAX),
        }
    }

    /// A function that has the name of one that runs SQL, through a re-export that is not seen, and is called with text
    /// that evidently is SQL.
    fn unexplained_function(&self, call: &ExprCall, path: &syn::ExprPath) -> Option<(usize, &'a Sink)> {
        let full = self.imports.resolve(&path.path);
        let name = path.path.segments.last()?.ident.to_string();
        let own = path.path.segments.len() == 1
            && (self.declared.functions.contains(&name) || self.lookup(&name, LocalId::MAX).is_some());
        if own {
            return None;
        }
        let of_library = |(index, library): (usize, &'a tenantry_rules::SinkLibrary)| {
            let named = |sink: &&Sink| sink.names.iter().any(|name| imports::ends_with(&full, name));
            library.functions.iter().find(named).map(|sink| (index, sink))
        };
        let (library, sink) = self.sinks.iter().enumerate().find_map(of_library)?;
        let SqlSource::Argument(at) = sink.sql else { return None };
        let argument = call.args.iter().nth(at)?;
        let shows = self.text_kind(argument) == TextKind::Text
            && self.texts(argument).iter().all(|text| begins_as_sql(text));
        shows.then_some((library, sink))
    }

    /// A function that runs SQL, handed on as a value: `texts.map(sqlx::query)`.
    pub(super) fn sink_as_value(&mut self, path: &syn::ExprPath) {
        let sinks = self.sinks;
        let found = imports::find(sinks, self.imports, &path.path, |library| &library.functions);
        let Some((library, sink)) = found else { return };
        let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let span = self.range(path);
        let texts = texts::unknown(span, self.written(span), "what it is called with is not seen");
        self.emit(library, sink, name, span, texts, None);
    }

    /// A library's method called by its path: `Executor::execute(&pool, "…")`.
    fn method_by_path(&mut self, call: &'a ExprCall, path: &syn::ExprPath) -> Option<usize> {
        let sinks = self.sinks;
        let all = self.imports.resolve_all(&path.path);
        let found = |of_crate: bool| {
            all.iter().find_map(|full| {
                let (name, owner) = full.split_last()?;
                let owner = owner.last()?;
                sinks.iter().enumerate().find_map(|(library, of)| {
                    let belongs = full.first().is_some_and(|root| of.crates.contains(root));
                    let named = |sink: &&Sink| sink.names.contains(name);
                    let fits = |sink: &&Sink| belongs || !of_crate && sink.receivers.contains(owner);
                    let sink = of.methods.iter().filter(named).find(fits)?;
                    match sink.sql {
                        SqlSource::Argument(index) | SqlSource::File(index) => Some((library, sink, index)),
                        SqlSource::Receiver => None,
                    }
                })
            })
        };
        // Several libraries have a `Client`: the one that the path names comes first.
        let (library, sink, index) = found(true).or_else(|| found(false))?;
        let argument = call.args.iter().nth(index + 1)?;
        if !matches!(self.text_kind(argument), TextKind::Text | TextKind::Unknown) {
            return None;
        }
        let texts = self.sql_text(sink, argument);
        let arguments: Vec<&'a Expr> = call.args.iter().skip(1).collect();
        let binds = self.binds_of(sink, &arguments);
        let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let span = self.range(call);
        Some(self.emit(library, sink, name, span, texts, binds))
    }

    pub(super) fn macro_sink(&mut self, mac: &'a Macro, body: &'a Body) -> Option<usize> {
        let (library, sink) = body.sink.as_ref()?;
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let end = mac.delimiter.span().close();
        let first = mac.path.segments.first().map_or(mac.bang_token.span, |first| first.ident.span());
        let span = self.between(first, end);
        let index = match sink.sql {
            SqlSource::Argument(index) | SqlSource::File(index) => index,
            SqlSource::Receiver => return None,
        };
        let texts = match body.arguments.get(index).and_then(Option::as_ref) {
            _ if body.own => {
                let why = format!("`{name}!` is a macro of this crate, and what it runs is its own affair");
                texts::unknown(span, self.written(span), why)
            }
            Some(argument) => {
                if body.unexplained && self.text_kind(argument) != TextKind::Text {
                    return None;
                }
                self.sql_text(sink, argument)
            }
            None if body.unexplained => return None,
            None => texts::unknown(span, self.written(span), "the arguments of the macro do not parse"),
        };
        let binds = match sink.binds {
            _ if body.own => None,
            Binds::Rest => self.rest_binds(body.arguments.get(index + 1..).unwrap_or(&[])),
            Binds::None => Some(Vec::new()),
            _ => None,
        };
        Some(self.emit(*library, sink, format!("{name}!"), span, texts, binds))
    }

    fn rest_binds(&mut self, arguments: &'a [Option<Expr>]) -> Option<Vec<Bind>> {
        let known: Option<Vec<&'a Expr>> = arguments.iter().map(Option::as_ref).collect();
        Some(known?.into_iter().map(|argument| self.bind(argument, LocalId::MAX)).collect())
    }

    /// The texts of a call's SQL argument.
    fn sql_of(&mut self, sink: &Sink, arguments: &[&'a Expr]) -> Option<Texts> {
        let (SqlSource::Argument(index) | SqlSource::File(index)) = sink.sql else { return None };
        let argument = arguments.get(index)?;
        if arguments.iter().any(|argument| is_gated(argument)) {
            let span = self.range(*argument);
            return Some(texts::unknown(span, self.written(span), "a `cfg` may take an argument away"));
        }
        Some(self.sql_text(sink, argument))
    }

    fn sql_text(&mut self, sink: &Sink, argument: &'a Expr) -> Texts {
        if let TextKind::Prepared(prepared) = self.text_kind(argument)
            && let Some(statement) = self.prepared.get_mut(prepared)
        {
            statement.used = true;
            return Rc::clone(&statement.texts);
        }
        let written = self.texts(argument);
        let SqlSource::File(_) = sink.sql else { return written };
        let path = written.first().and_then(|text| text.known());
        let found = path.and_then(|path| self.surroundings.manifest_file(self.source.file, &path));
        match found {
            Some((file, text)) => texts::of_piece(literal::file_piece(file, text)),
            None => {
                let span = self.range(argument);
                texts::unknown(span, self.written(span), "the file with the query was not found")
            }
        }
    }

    fn binds_of(&mut self, sink: &Sink, arguments: &[&'a Expr]) -> Option<Vec<Bind>> {
        self.listed = None;
        if arguments.iter().any(|argument| is_gated(argument)) {
            return None;
        }
        match sink.binds {
            Binds::None | Binds::Chained(_) | Binds::ChainedTyped(_) => Some(Vec::new()),
            Binds::Rest => {
                let SqlSource::Argument(index) = sink.sql else { return None };
                Some(
                    arguments
                        .iter()
                        .skip(index + 1)
                        .map(|argument| self.bind(argument, LocalId::MAX))
                        .collect(),
                )
            }
            Binds::Argument(index) => self.elements(arguments.get(index)?, false, LocalId::MAX),
            Binds::ArgumentPairs(index) => self.elements(arguments.get(index)?, true, LocalId::MAX),
            Binds::Unseen => None,
        }
    }

    /// The values of a slice, array, tuple, `vec!` or `params!`, whose names mean what was declared before `limit`.
    pub(super) fn elements(&mut self, list: &'a Expr, pairs: bool, limit: LocalId) -> Option<Vec<Bind>> {
        let values: Vec<&'a Expr> = match strip(list) {
            Expr::Array(array) => array.elems.iter().collect(),
            Expr::Tuple(tuple) => tuple.elems.iter().collect(),
            Expr::Macro(mac) => {
                let name = mac.mac.path.segments.last()?.ident.to_string();
                let body = self.expansions.body(&mac.mac)?;
                if !matches!(name.as_str(), "vec" | "params") || body.partly || !body.statements.is_empty() {
                    return None;
                }
                body.arguments.iter().flatten().collect()
            }
            Expr::MethodCall(call) if call.args.is_empty() && is_list_method(&call.method.to_string()) => {
                return self.elements(&call.receiver, pairs, limit);
            }
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                if let Some(place) = self.whole_parameter(id).filter(|_| !pairs) {
                    self.listed = Some(place);
                    return None;
                }
                let local = self.locals.get(id)?;
                let Source::Let(value) = local.source else { return None };
                // A list that can change is not the one it began as, but for what is added to its end.
                let is_added_to = self.functions.last().is_some_and(|function| {
                    let changes = &function.changes;
                    let all = [&changes.stirred, &changes.whole, &changes.within, &changes.rebound];
                    !all.iter().any(|names| names.contains(&local.name))
                });
                if (local.assigned || local.mutable || local.unsteady) && !is_added_to {
                    return None;
                }
                return self.elements(value, pairs, id);
            }
            _ => return None,
        };
        // What a `cfg` may take away moves the others.
        if values.iter().any(|value| is_gated(value)) {
            return None;
        }
        if !pairs {
            return Some(values.into_iter().map(|value| self.bind(value, limit)).collect());
        }
        let firsts: Option<Vec<&'a Expr>> = values
            .into_iter()
            .map(|value| match strip(value) {
                Expr::Tuple(tuple) => tuple.elems.first(),
                _ => None,
            })
            .collect();
        Some(firsts?.into_iter().map(|value| self.bind(value, limit)).collect())
    }

    /// A method called on a query that was made here.
    pub(super) fn chained(&mut self, site: usize, call: &'a ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let here = self.current_branch();
        let Some(meta) = self.metas.get_mut(site) else { return Value::default() };
        let binds =
            matches!(&meta.binds, Binds::Chained(method) | Binds::ChainedTyped(method) if *method == name);
        let appends = meta.appends.contains(&name);
        let sure = meta.branch == here && !meta.frozen;
        if binds && call.args.len() == 1 {
            meta.frozen |= !sure;
            let same = Value { site: Some(site), ..Value::default() };
            let Some(argument) = call.args.first().filter(|_| sure) else { return same };
            let bind = self.bind(argument, LocalId::MAX);
            self.mark_bound(site, argument);
            if let Some(binds) = self.sites.get_mut(site).and_then(|site| site.binds.as_mut()) {
                binds.push(bind);
            }
            return same;
        }
        if binds || name == "clone" || name == "try_bind" {
            meta.frozen = true;
        }
        if appends {
            // What ran before had another text.
            let literal = name == "sql" && sure;
            self.append_to_site(site, call.args.first().filter(|_| literal), call);
            return Value { site: Some(site), ..Value::default() };
        }
        let runs =
            ["fetch", "execute", "load", "get_result", "first"].iter().any(|run| name.starts_with(run));
        meta.open &= !runs;
        let plain = PLAIN_STEPS.iter().any(|known| name.starts_with(known));
        if !plain {
            // It may bind values, whatever it is.
            meta.frozen = true;
        }
        Value { site: (!runs).then_some(site), ..Value::default() }
    }

    fn append_to_site(&mut self, site: usize, text: Option<&'a Expr>, call: &'a ExprMethodCall) {
        let span = self.between(call.method.span(), call.paren_token.span.close());
        let more = match text {
            Some(text) => self.texts(text),
            None => texts::unknown(span, self.written(span), crate::site::BUILT),
        };
        self.extend_site(site, &more, span);
    }

    /// True if the site is a builder's.
    pub(super) fn builds(&self, site: usize) -> bool {
        self.metas.get(site).is_some_and(Meta::builds)
    }

    pub(super) fn extend_site(&mut self, site: usize, more: &Texts, span: Span) {
        if self.builds(site) && self.state.builders.contains_key(&site) {
            return self.push_texts(site, false, more, span);
        }
        if let Some(site) = self.sites.get_mut(site) {
            let known = texts::of_all(std::mem::take(&mut site.texts));
            site.texts = texts::plain(&texts::concat(&known, more, span));
        }
    }

    /// A query that is used in another way than by its methods: whoever has it may add to its text.
    pub(super) fn handed_on(&mut self, value: Value, span: Span) {
        if let Some(site) = value.site {
            self.added_to(site, span, "a place that it is handed to");
        }
    }

    /// The text of a site that can be added to is not known as a whole.
    pub(super) fn added_to(&mut self, site: usize, span: Span, why: &str) {
        if self.metas.get(site).is_some_and(|meta| !meta.appends.is_empty()) {
            let more = texts::unread(span, self.written(span), format!("the query is added to in {why}"));
            self.extend_site(site, &more, span);
        }
    }

    /// A method called on a prepared statement.
    pub(super) fn on_statement(&mut self, prepared: usize, call: &'a ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let sinks = self.sinks;
        let Some(statement) = self.prepared.get(prepared) else { return Value::default() };
        let library = statement.library;
        let methods = sinks.get(library).map_or(&[][..], |library| &library.methods);
        let sink = methods.iter().find(|sink| sink.sql == SqlSource::Receiver && sink.names.contains(&name));
        let Some(sink) = sink else { return Value { prepared: Some(prepared), ..Value::default() } };
        let texts = Rc::clone(&statement.texts);
        if let Some(statement) = self.prepared.get_mut(prepared) {
            statement.used = true;
        }
        let arguments: Vec<&'a Expr> = call.args.iter().collect();
        let binds = self.binds_of(sink, &arguments);
        let span = self.between(call.method.span(), call.paren_token.span.close());
        Value { site: Some(self.emit(library, sink, name, span, texts, binds)), ..Value::default() }
    }

    pub(super) fn method_sink(&mut self, call: &'a ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let sinks = self.sinks;
        let mut best: Option<((Receiver, bool, bool), usize, &'a Sink)> = None;
        for (index, library) in sinks.iter().enumerate() {
            for sink in library.methods.iter().filter(|sink| sink.names.contains(&name)) {
                let Some((receiver, shows)) = self.rank(index, sink, call) else { continue };
                let rank = (receiver, shows, takes(sink, call.args.len()));
                if best.is_none_or(|(known, _, _)| known < rank) {
                    best = Some((rank, index, sink));
                }
            }
        }
        let Some((_, library, sink)) = best else { return Value::default() };
        let arguments: Vec<&'a Expr> = call.args.iter().collect();
        let span = self.between(call.method.span(), call.paren_token.span.close());
        let texts = match sink.sql {
            SqlSource::Receiver => {
                let receiver = self.range(&call.receiver);
                texts::unknown(receiver, self.written(receiver), "a statement that was prepared elsewhere")
            }
            _ => match self.sql_of(sink, &arguments) {
                Some(texts) => texts,
                None => return Value::default(),
            },
        };
        let binds = self.binds_of(sink, &arguments);
        if sink.prepares {
            let site = self.site(library, name, span, texts::plain(&texts), None);
            self.prepared.push(Prepared { library, texts, site, used: false });
            return Value { prepared: Some(self.prepared.len() - 1), ..Value::default() };
        }
        Value { site: Some(self.emit(library, sink, name, span, texts, binds)), ..Value::default() }
    }

    /// How well the call fits the sink; `None` where it does not.
    fn rank(&self, library: usize, sink: &Sink, call: &ExprMethodCall) -> Option<(Receiver, bool)> {
        let receiver = self.receiver(library, sink, &call.receiver);
        let mentioned = self.mentioned.get(library).copied().unwrap_or(false);
        // A file that names no query library may still hold a client, through a re-export or a wrapper: text that
        // evidently is SQL makes the call a site there as well.
        let must_show = receiver == Receiver::Foreign || (receiver == Receiver::Unknown && !mentioned);
        let confirmed = receiver == Receiver::Confirmed;
        let index = match sink.sql {
            SqlSource::Argument(index) | SqlSource::File(index) => index,
            SqlSource::Receiver => return confirmed.then_some((receiver, false)),
        };
        let argument = call.args.iter().nth(index)?;
        let list = match sink.binds {
            Binds::Argument(at) | Binds::ArgumentPairs(at) => Some(call.args.iter().nth(at)?),
            _ => None,
        };
        if must_show {
            let shows = self.text_kind(argument) == TextKind::Text
                && self.texts(argument).iter().all(|text| begins_as_sql(text));
            return shows.then_some((Receiver::Foreign, true));
        }
        match self.text_kind(argument) {
            TextKind::Text => {
                let known = self
                    .texts(argument)
                    .iter()
                    .all(|text| text.known().is_some_and(|text| !looks_like_sql(&text)));
                (confirmed || !known).then_some((receiver, true))
            }
            TextKind::Prepared(_) => sink.statement.then_some((receiver, true)),
            TextKind::Other => None,
            // Many things are prepared. A type of the project's own that is named as a client is only sure to prepare
            // SQL in a file that names the library; elsewhere the call that runs the statement is the site.
            TextKind::Unknown if confirmed && sink.prepares && !mentioned => None,
            TextKind::Unknown if confirmed => Some((receiver, false)),
            TextKind::Unknown if sink.text_only || sink.prepares => None,
            TextKind::Unknown => {
                let own = matches!(strip(&call.receiver), Expr::Path(path) if path.path.is_ident("self"))
                    && self.declared.functions.contains(&call.method.to_string());
                let query = call.method.to_string().starts_with("query");
                // Only SQL clients have methods such as `batch_execute` and `simple_query`.
                let telling = sink.binds == Binds::None && call.method.to_string().contains('_');
                let listed = list.is_some_and(|list| query || is_list(list));
                ((listed || telling) && !own).then_some((receiver, false))
            }
        }
    }

    fn receiver(&self, library: usize, sink: &Sink, receiver: &Expr) -> Receiver {
        let Some(ty) = self.declared_type(receiver) else { return Receiver::Unknown };
        let Some(library) = self.sinks.get(library) else { return Receiver::Unknown };
        let Some((written, segment)) = types::head(ty) else { return Receiver::Unknown };
        let name = segment.ident.to_string();
        let written: Vec<String> = written.split("::").map(str::to_owned).collect();
        let mut full = self.imports.resolve_name(written.first().map_or("", String::as_str));
        full.extend(written.into_iter().skip(1));
        let root = full.first().cloned().unwrap_or_default();
        let own = full.len() == 1 || matches!(root.as_str(), "crate" | "self" | "super");
        let of_library = full.len() > 1 && library.crates.contains(&root);
        let listed =
            full.last().is_some_and(|last| sink.receivers.contains(last)) || sink.receivers.contains(&name);
        if listed && (own || of_library) {
            return Receiver::Confirmed;
        }
        let known_crate = self.sinks.iter().any(|library| library.crates.contains(&root));
        let of_other = !own && !of_library && !listed && (known_crate || root != "std");
        let wraps = types::generic_types(segment)
            .iter()
            .any(|inner| types::last_segment(inner).is_some_and(|inner| sink.receivers.contains(&inner)));
        match (wraps, of_other) {
            (true, _) => Receiver::Confirmed,
            // The standard library's containers may hold a client; another crate's type is another crate's.
            (false, true) => Receiver::Foreign,
            (false, false) => Receiver::Unknown,
        }
    }

    /// The declared type of a variable or field, or of what a constructor makes.
    pub(crate) fn declared_type(&self, expr: &Expr) -> Option<&'a syn::Type> {
        match super::walk::strip_all(expr) {
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), LocalId::MAX)?;
                self.locals.get(id)?.ty
            }
            Expr::Field(field) => self.field_type(field, LocalId::MAX),
            _ => None,
        }
    }

    fn emit(
        &mut self,
        library: usize,
        sink: &Sink,
        call: String,
        span: Span,
        texts: Texts,
        binds: Option<Vec<Bind>>,
    ) -> usize {
        let site = self.site(library, call, span, texts::plain(&texts), binds);
        self.sites.push(site);
        let mut meta = Meta {
            binds: sink.binds.clone(),
            appends: sink.appends.clone(),
            branch: self.current_branch(),
            frozen: false,
            open: false,
            separator: Vec::new(),
            built: None,
        };
        meta.open = !meta.appends.is_empty();
        let at = self.sites.len() - 1;
        if meta.builds() {
            self.state.builders.insert(at, Grown::of(&texts));
        }
        self.metas.push(meta);
        at
    }

    /// Adds a site that nothing is chained to any more.
    pub(crate) fn push_site(&mut self, mut site: QuerySite) {
        // What was put together before the code here runs again is the same each time.
        if let Some(round) = self.round {
            let file = self.source.file;
            let is_of_round = |bind: &Bind| bind.span.file == file && round.contains_range(bind.span.range);
            for bind in site.binds.iter_mut().flatten().filter(|bind| !is_of_round(bind)) {
                bind.provenance.steps.retain(|(_, word)| word != NEW);
                bind.provenance.made_by = None;
            }
        }
        self.sites.push(site);
        let branch = self.current_branch();
        self.metas.push(Meta {
            binds: Binds::None,
            appends: Vec::new(),
            branch,
            frozen: true,
            open: false,
            separator: Vec::new(),
            built: None,
        });
    }

    pub(crate) fn site(
        &mut self,
        library: usize,
        call: String,
        span: Span,
        texts: Vec<crate::SqlText>,
        binds: Option<Vec<Bind>>,
    ) -> QuerySite {
        let params = self.params();
        let bound = std::mem::take(&mut self.touched);
        let at_hand = self.at_hand(&params);
        let params = params
            .into_iter()
            .map(|(locals, param)| Param { bound_here: locals.iter().any(|id| bound.contains(id)), ..param })
            .collect();
        QuerySite {
            library: self.sinks.get(library).map_or_else(String::new, |library| library.library.clone()),
            call,
            span,
            item: self.modules.join("::"),
            item_span: self.functions.last().map(|function| function.name_span),
            texts,
            runs_at: None,
            bind_list: self.listed.take().filter(|_| binds.is_none()),
            binds,
            params,
            cfgs: self.cfgs.clone(),
            is_test: self.tests > 0,
            conditions: Vec::new(),
            checks: Vec::new(),
            check_calls: Vec::new(),
            fields: None,
            returned: None,
            gives: None,
            found: self.in_scope(|scope| &scope.found),
            checked: self.in_scope(|scope| &scope.checked),
            checked_if_any: self.in_scope(|scope| &scope.checked_if_any),
            answered: self.in_scope(|scope| &scope.answered),
            at_hand,
        }
    }

    /// Statements that nobody is seen to run may be run anywhere: they are sites themselves.
    pub(super) fn emit_unused_statements(&mut self) {
        let unused = std::mem::take(&mut self.prepared).into_iter().filter(|statement| !statement.used);
        self.sites.extend(unused.map(|statement| statement.site));
    }
}

fn field<'e>(of: &'e ExprStruct, name: &str) -> Option<&'e Expr> {
    let named = |field: &&syn::FieldValue| matches!(&field.member, Member::Named(known) if known == name);
    of.fields.iter().find(named).map(|field| &field.expr)
}

/// What a field holds, without the `Some` and the newtype around a list: `Some(Values(vec![…]))`.
fn held(expr: &Expr) -> &Expr {
    match expr {
        Expr::Call(call) if call.args.len() == 1 => {
            let wraps = matches!(&*call.func, Expr::Path(path) if path.path.segments.last()
                .is_some_and(|last| last.ident == "Some" || last.ident == "Values"));
            call.args.first().filter(|_| wraps).map_or(expr, held)
        }
        _ => expr,
    }
}

fn imports_name(sink: &Sink, full: &[String]) -> String {
    let found = sink.names.iter().find(|name| imports::ends_with(full, name));
    found.cloned().unwrap_or_else(|| full.last().cloned().unwrap_or_default())
}

/// True if the sink takes as many arguments as the call has.
fn takes(sink: &Sink, arguments: usize) -> bool {
    let text = match sink.sql {
        SqlSource::Argument(index) | SqlSource::File(index) => index + 1,
        SqlSource::Receiver => 0,
    };
    match sink.binds {
        Binds::Argument(at) | Binds::ArgumentPairs(at) => arguments == text.max(at + 1),
        Binds::Rest | Binds::Unseen => arguments >= text,
        Binds::None | Binds::Chained(_) | Binds::ChainedTyped(_) => arguments == text,
    }
}

fn begins_as_sql(text: &crate::SqlText) -> bool {
    matches!(text.pieces.first(), Some(crate::Piece::Literal { value, .. }) if looks_like_sql(value))
}

/// True for an argument or element with an attribute, which may be a `cfg`.
pub(super) fn is_gated(expr: &Expr) -> bool {
    !super::walk::expression_attributes(expr).is_empty()
}

fn is_list_method(name: &str) -> bool {
    matches!(name, "as_slice" | "as_ref" | "to_vec" | "into_iter" | "iter" | "into")
}

fn is_list(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::Array(_) | Expr::Tuple(_) => true,
        Expr::Macro(mac) => {
            mac.mac.path.segments.last().is_some_and(|last| last.ident == "params" || last.ident == "vec")
        }
        _ => false,
    }
}
