//! Macro calls: what they run, and what they may do to the variables that they are handed.

use std::rc::Rc;

use syn::visit::Visit;
use syn::{Expr, Macro};

use super::Reader;
use super::changes::Changes;
use super::scope::LocalId;
use super::texts;
use super::walk::Value;

impl<'a> Reader<'a> {
    pub(super) fn macro_call(&mut self, mac: &'a Macro) -> Value {
        let expansions = self.expansions;
        let Some(body) = expansions.body(mac) else { return Value::default() };
        let is_named = |names: &[&str]| {
            mac.path.segments.last().is_some_and(|last| names.iter().any(|name| last.ident == name))
        };
        let writes = !body.own && is_named(&["write", "writeln"]);
        let written = if writes { self.write_macro(mac, body) } else { None };
        let sink = body.sink.is_some();
        let changes = Changes::of(|visitor| visitor.visit_macro(mac));
        let range = self.between(mac.delimiter.span().open(), mac.delimiter.span().close()).range;
        if !writes && !sink {
            self.forget(&changes, range, "a macro");
        }
        // Whether and when a macro runs what it is given is its own affair.
        self.repeatedly(range, |reader| {
            for argument in body.arguments.iter().flatten() {
                match argument {
                    Expr::Assign(named) if !sink => reader.visit_expr(&named.right),
                    other => reader.visit_expr(other),
                }
            }
        });
        // These leave where their first argument does not hold; `debug_assert!` may not be there.
        let holds = !body.own && is_named(&["assert", "ensure"]);
        let asserts = holds && self.leaves_unless(mac) && !body.partly;
        if let Some(Some(condition)) = body.arguments.first().filter(|_| asserts) {
            self.guards_of_holding(condition, LocalId::MAX);
        }
        // `write!(&mut sql, …)` lends the variable, which the walk of its arguments took for a change unseen.
        if let Some((id, text)) = written {
            self.state.texts.insert(id, text);
        }
        self.repeatedly(range, |reader| reader.statements(&body.statements));
        if !writes && !sink {
            self.forget(&changes, range, "a macro");
        }
        let site = self.macro_sink(mac, body);
        if body.partly && body.sink.is_none() {
            self.partly_read(mac);
        }
        Value { site, ..Value::default() }
    }

    fn partly_read(&mut self, mac: &Macro) {
        let span = self.between(mac.delimiter.span().open(), mac.delimiter.span().close());
        let text = self.written(span);
        let names = self.sinks.iter().flat_map(|library| library.macros.iter().chain(&library.functions));
        let mentions = names.flat_map(|sink| &sink.names).any(|name| {
            text.contains(&format!("{name}!("))
                || text.contains(&format!("{name}("))
                || text.contains(&format!("{name}::<"))
        });
        if mentions && crate::prefilter::mentions_sql(text) {
            self.skipped.push((
                span.range,
                "tokens of this macro do not parse; queries in it may be missed".to_owned(),
            ));
        }
    }

    /// A macro among the statements may declare the names that it is handed anew.
    pub(super) fn rebound(&mut self, mac: &Macro) {
        let changes = Changes::of(|visitor| visitor.statement_macro(mac));
        let range = self.between(mac.delimiter.span().open(), mac.delimiter.span().close()).range;
        self.forget(&changes, range, "a macro");
    }

    fn write_macro(
        &mut self,
        mac: &'a Macro,
        body: &'a crate::expansions::Body,
    ) -> Option<(LocalId, texts::Texts)> {
        let mut arguments = body.arguments.iter().flatten();
        let id = self.variable(arguments.next()?).filter(|id| self.state.texts.contains_key(id))?;
        let rest: Vec<&Expr> = arguments.collect();
        let span = self.between(mac.delimiter.span().open(), mac.delimiter.span().close());
        let template = rest.first()?;
        let mut text = self.format(&rest, template, LocalId::MAX, 0);
        if mac.path.segments.last().is_some_and(|last| last.ident == "writeln") {
            let piece = crate::Piece::Literal { value: "\n".into(), span, map: vec![(0, span.range.start)] };
            text = texts::concat(&text, &texts::of_piece(piece), span);
        }
        let known = self.state.texts.get(&id).map(Rc::clone).unwrap_or_else(texts::empty);
        Some((id, texts::concat(&known, &text, span)))
    }
}
