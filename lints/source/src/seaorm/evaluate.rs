//! What migrations do: their `up` functions, followed call by call.

use std::collections::BTreeMap;
use std::rc::Rc;

use syn::spanned::Spanned;
use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span};

use super::text::SchemaText;
use super::{Function, Home, Include, SchemaStep, SeaOrm, table};
use crate::literal::decode;

/// How deep calls and expressions are followed.
const MAX_DEPTH: usize = 200;
/// How deep calls of functions are followed.
const MAX_CALLS: usize = 12;
/// How many expressions are looked at in all.
const MAX_EXPRESSIONS: usize = 400_000;
/// How often the body of a loop is followed.
const MAX_ROUNDS: usize = 500;

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// The `SchemaManager`.
    Manager,
    /// A connection or transaction.
    Connection,
    /// The database's dialect.
    Dialect(Option<Dialect>),
    /// A text.
    Text(SchemaText),
    /// The text of a file.
    File(FileId, String),
    /// An identifier.
    Iden(String, Span),
    /// A tuple, an array or a vector.
    List(Vec<Value>),
    /// A statement, or a part of one, as the calls that made it.
    Chain(Rc<Chain>),
    /// A path that stands for nothing that is known.
    Path(Vec<String>),
    /// A truth value.
    Bool(bool),
    /// The answer to whether something is there already.
    Probe,
    /// A number as written.
    Number(String),
    /// Anything else.
    Unknown,
}

/// A builder: the function that made it, and the methods called on it since.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) root: Vec<String>,
    pub(super) args: Vec<Value>,
    pub(super) calls: Vec<Call>,
    pub(super) span: Span,
}

/// A method call of a chain.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) args: Vec<Value>,
    pub(super) span: Span,
}

/// Types whose functions begin a statement or a part of one.
const BUILDERS: &[&str] = &[
    "Table",
    "TableCreateStatement",
    "TableAlterStatement",
    "TableDropStatement",
    "TableRenameStatement",
    "ColumnDef",
    "Index",
    "IndexCreateStatement",
    "ForeignKey",
    "ForeignKeyCreateStatement",
    "TableForeignKey",
    "Type",
    "Expr",
    "SimpleExpr",
    "Func",
    "PgFunc",
    "Statement",
    "Query",
    "Schema",
    "ColumnType",
    "Extension",
    "Keyword",
    "Value",
    "InsertStatement",
    "UpdateStatement",
    "DeleteStatement",
];

/// Methods that hand their receiver on.
const SAME: &[&str] = &[
    "to_owned",
    "clone",
    "take",
    "into",
    "to_string",
    "as_str",
    "into_iden",
    "into_table_ref",
    "as_ref",
    "as_mut",
    "borrow",
    "unwrap",
    "expect",
    "map",
    "map_err",
    "ok",
    "and_then",
    "unwrap_or_default",
    "into_iter",
    "iter",
    "to_vec",
    "trim",
    "into_column_def",
    "iter_mut",
    "as_deref",
];

/// Methods that take a connection and read or write rows, never the schema.
const ROWS: &[&str] = &[
    "exec",
    "exec_with_returning",
    "exec_without_returning",
    "exec_with_returning_many",
    "exec_with_returning_keys",
    "all",
    "one",
    "stream",
    "paginate",
    "count",
    "insert",
    "insert_many",
    "update",
    "update_many",
    "save",
    "delete",
    "delete_by_id",
    "delete_many",
    "num_items",
    "cursor_by",
    "find_related",
    "fetch_all",
    "fetch_one",
    "fetch_optional",
];

/// Functions of `sea_orm_migration::schema`.
fn is_helper(name: &str) -> bool {
    let base = name.strip_suffix("_null").or(name.strip_suffix("_uniq")).unwrap_or(name);
    super::types::is_type(base)
        || matches!(
            base,
            "pk_auto" | "big_pk_auto" | "pk_uuid" | "pk_auto_uuid" | "table_auto" | "timestamps"
        )
        || matches!(
            base,
            "create_table_from_entity" | "create_enum_from_entity" | "create_enum_from_active_enum"
        )
}

/// Follows all migrations of all migrators.
pub(super) fn migrations(orm: &SeaOrm, dialect: Dialect, include: Include<'_>) -> Vec<SchemaStep> {
    let mut evaluator = Evaluator {
        orm,
        dialect,
        include,
        steps: Vec::new(),
        uncertain: 0,
        probed: 0,
        depth: 0,
        calls: 0,
        seen: 0,
        told: false,
    };
    for migrator in &orm.migrators {
        evaluator.migrator(migrator);
    }
    evaluator.steps
}

struct Evaluator<'a> {
    orm: &'a SeaOrm,
    dialect: Dialect,
    include: Include<'a>,
    steps: Vec<SchemaStep>,
    /// Conditions around that are not known.
    uncertain: usize,
    /// Conditions around that ask whether something is there already.
    probed: usize,
    depth: usize,
    calls: usize,
    seen: usize,
    /// A limit was told of.
    told: bool,
}

struct Frame {
    home: Home,
    of: Option<String>,
    names: BTreeMap<String, Value>,
    returned: bool,
}

impl Evaluator<'_> {
    /// `vec![Box::new(a::Migration), …]`, and `push`es, in the order of the text.
    fn migrator(&mut self, function: &Function) {
        let mut finder = Paths { found: Vec::new() };
        syn::visit::Visit::visit_block(&mut finder, &function.block);
        for (path, span) in finder.found {
            let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
            let Some(last) = names.last() else { continue };
            let same: Vec<&super::Up> = self.orm.ups.iter().filter(|up| up.of == *last).collect();
            let up = self.orm.nearest(&same, |up| &up.function.home, &function.home, &names);
            match up {
                Some(up) => {
                    let function = up.function.clone();
                    self.run(&function, vec![Value::Unknown, Value::Manager]);
                }
                None => {
                    let span = self.orm.span(&function.home, span);
                    let why = format!("the migration {} was not found", names.join("::"));
                    self.steps.push(SchemaStep::Unread { span, why, table: None });
                }
            }
        }
    }

    /// Runs a function; its value is what it ends with.
    fn run(&mut self, function: &Function, args: Vec<Value>) -> Value {
        if self.calls >= MAX_CALLS {
            self.limit(&function.home, function.signature.span());
            return Value::Unknown;
        }
        let mut frame = Frame {
            home: function.home.clone(),
            of: function.of.clone(),
            names: BTreeMap::new(),
            returned: false,
        };
        for (input, value) in function.signature.inputs.iter().zip(args) {
            if let syn::FnArg::Typed(typed) = input {
                bind(&mut frame, &typed.pat, value);
            }
        }
        self.calls += 1;
        let around = self.uncertain;
        let value = self.block(&mut frame, &function.block);
        self.uncertain = around;
        self.calls -= 1;
        value
    }

    fn block(&mut self, frame: &mut Frame, block: &syn::Block) -> Value {
        let mut value = Value::Unknown;
        for statement in &block.stmts {
            if frame.returned {
                break;
            }
            value = match statement {
                syn::Stmt::Local(local) => {
                    let value = local.init.as_ref().map(|init| {
                        if let Some((_, diverge)) = &init.diverge {
                            self.uncertainly(frame, |this, frame| this.expr(frame, diverge));
                        }
                        self.expr(frame, &init.expr)
                    });
                    bind(frame, &local.pat, value.unwrap_or(Value::Unknown));
                    Value::Unknown
                }
                syn::Stmt::Expr(expr, _) => self.expr(frame, expr),
                syn::Stmt::Macro(mac) => self.macro_call(frame, &mac.mac),
                syn::Stmt::Item(_) => Value::Unknown,
            };
        }
        value
    }

    /// Something that may or may not run.
    fn uncertainly(&mut self, frame: &mut Frame, run: impl FnOnce(&mut Self, &mut Frame) -> Value) -> Value {
        let before = frame.names.clone();
        self.uncertain += 1;
        let value = run(self, frame);
        self.uncertain -= 1;
        if std::mem::take(&mut frame.returned) {
            // What follows may not run; the function that this is in ends it.
            self.uncertain += 1;
        }
        let after = std::mem::replace(&mut frame.names, before);
        for (name, now) in &mut frame.names {
            match (&*now, after.get(name)) {
                (Value::Chain(old), Some(Value::Chain(new))) if !Rc::ptr_eq(old, new) => {
                    let mut longer = (**old).clone();
                    let span = longer.span;
                    // No builder has a method of that name, so that what it adds is told.
                    longer.calls.push(Call { name: "if …".to_owned(), args: Vec::new(), span });
                    *now = Value::Chain(Rc::new(longer));
                }
                (_, Some(Value::Unknown)) => *now = Value::Unknown,
                _ => {}
            }
        }
        value
    }

    fn expr(&mut self, frame: &mut Frame, expr: &syn::Expr) -> Value {
        self.seen += 1;
        if self.depth >= MAX_DEPTH || self.seen > MAX_EXPRESSIONS {
            self.limit(&frame.home, expr.span());
            return Value::Unknown;
        }
        self.depth += 1;
        let value = self.evaluate(frame, expr);
        self.depth -= 1;
        value
    }

    fn evaluate(&mut self, frame: &mut Frame, expr: &syn::Expr) -> Value {
        match expr {
            syn::Expr::Await(inner) => self.expr(frame, &inner.base),
            syn::Expr::Try(inner) => self.expr(frame, &inner.expr),
            syn::Expr::Paren(inner) => self.expr(frame, &inner.expr),
            syn::Expr::Group(inner) => self.expr(frame, &inner.expr),
            syn::Expr::Reference(inner) => self.expr(frame, &inner.expr),
            syn::Expr::Cast(inner) => self.expr(frame, &inner.expr),
            syn::Expr::Return(inner) => {
                let value = inner.expr.as_ref().map(|value| self.expr(frame, value));
                frame.returned = true;
                value.unwrap_or(Value::Unknown)
            }
            syn::Expr::Block(inner) => self.block(frame, &inner.block),
            syn::Expr::Async(inner) => self.block(frame, &inner.block),
            syn::Expr::Unsafe(inner) => self.block(frame, &inner.block),
            syn::Expr::Lit(literal) => self.literal(&frame.home, &literal.lit),
            syn::Expr::Array(array) => {
                Value::List(array.elems.iter().map(|part| self.expr(frame, part)).collect())
            }
            syn::Expr::Tuple(tuple) => {
                Value::List(tuple.elems.iter().map(|part| self.expr(frame, part)).collect())
            }
            syn::Expr::Path(path) => self.path(frame, &path.path),
            syn::Expr::Macro(mac) => self.macro_call(frame, &mac.mac),
            syn::Expr::MethodCall(call) => self.method(frame, call),
            syn::Expr::Call(call) => self.call(frame, call),
            syn::Expr::If(branch) => self.branch(frame, branch),
            syn::Expr::Match(choice) => self.choice(frame, choice),
            syn::Expr::ForLoop(looped) => self.for_loop(frame, looped),
            syn::Expr::While(looped) => {
                self.uncertainly(frame, |this, frame| {
                    this.expr(frame, &looped.cond);
                    this.block(frame, &looped.body)
                });
                Value::Unknown
            }
            syn::Expr::Loop(looped) => {
                self.uncertainly(frame, |this, frame| this.block(frame, &looped.body));
                Value::Unknown
            }
            syn::Expr::Closure(closure) => {
                self.uncertainly(frame, |this, frame| this.expr(frame, &closure.body));
                Value::Unknown
            }
            syn::Expr::Unary(unary) => match (&unary.op, self.expr(frame, &unary.expr)) {
                (syn::UnOp::Not(_), Value::Bool(value)) => Value::Bool(!value),
                (syn::UnOp::Neg(_), Value::Number(number)) => Value::Number(format!("-{number}")),
                (_, value) => value,
            },
            syn::Expr::Binary(binary) => {
                let (left, right) = (self.expr(frame, &binary.left), self.expr(frame, &binary.right));
                compare(&binary.op, left, right)
            }
            syn::Expr::Assign(assign) => {
                let value = self.expr(frame, &assign.right);
                if let syn::Expr::Path(path) = &*assign.left
                    && let Some(name) = path.path.get_ident()
                {
                    let value = if self.uncertain > 0 { Value::Unknown } else { value };
                    frame.names.insert(name.to_string(), value);
                }
                Value::Unknown
            }
            syn::Expr::Let(condition) => {
                self.expr(frame, &condition.expr);
                Value::Unknown
            }
            syn::Expr::Field(field) => {
                self.expr(frame, &field.base);
                Value::Unknown
            }
            syn::Expr::Index(index) => {
                self.expr(frame, &index.expr);
                self.expr(frame, &index.index);
                Value::Unknown
            }
            syn::Expr::Struct(made) => {
                for field in &made.fields {
                    self.expr(frame, &field.expr);
                }
                Value::Unknown
            }
            syn::Expr::Repeat(repeat) => self.expr(frame, &repeat.expr),
            other => {
                self.lookout(frame, other);
                Value::Unknown
            }
        }
    }

    /// Tells of an expression of an unknown kind if it touches the manager or a connection.
    fn lookout(&mut self, frame: &Frame, expr: &syn::Expr) {
        let mut names = Names { found: Vec::new() };
        syn::visit::Visit::visit_expr(&mut names, expr);
        self.touched(frame, &names.found, expr.span());
    }

    fn touched(&mut self, frame: &Frame, names: &[String], span: proc_macro2::Span) {
        let handles =
            |name: &String| matches!(frame.names.get(name), Some(Value::Manager | Value::Connection));
        if names.iter().any(handles) {
            let span = self.orm.span(&frame.home, span);
            let why = "what is done with the connection here is not understood".to_owned();
            self.steps.push(SchemaStep::Unread { span, why, table: None });
        }
    }

    fn literal(&mut self, home: &Home, literal: &syn::Lit) -> Value {
        match literal {
            syn::Lit::Str(text) => {
                let whole = self.orm.span(home, text.span());
                let token = text.token().to_string();
                let mapped = decode(&token, whole.range.start);
                let exact = mapped.as_ref().filter(|mapped| mapped.map.len() == 1);
                let sql = text.value();
                match exact.and_then(|mapped| mapped.map.first()) {
                    Some((0, at)) => {
                        let end = at.saturating_add(u32::try_from(sql.len()).unwrap_or(u32::MAX));
                        let content = Span::new(whole.file, tenantry_span::TextRange::new(*at, end));
                        Value::Text(SchemaText::exact(sql, whole, content))
                    }
                    _ => {
                        let mut made = SchemaText::new(whole);
                        made.push_from(&sql, whole);
                        Value::Text(made)
                    }
                }
            }
            syn::Lit::Bool(value) => Value::Bool(value.value),
            syn::Lit::Int(number) => Value::Number(number.base10_digits().to_owned()),
            syn::Lit::Float(number) => Value::Number(number.base10_digits().to_owned()),
            _ => Value::Unknown,
        }
    }

    fn path(&mut self, frame: &mut Frame, path: &syn::Path) -> Value {
        let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        let span = self.orm.span(&frame.home, path.span());
        let Some((last, prefix)) = names.split_last() else { return Value::Unknown };
        if prefix.is_empty()
            && let Some(value) = frame.names.get(last)
        {
            return value.clone();
        }
        if let Some(name) = self.iden(&frame.home, &names) {
            return Value::Iden(name, span);
        }
        if let Some(kind) = prefix.last()
            && matches!(kind.as_str(), "DbBackend" | "DatabaseBackend")
        {
            return Value::Dialect(dialect_named(last));
        }
        let constants = self.orm.constants.get(last).map(Vec::as_slice).unwrap_or_default();
        if let Some(constant) = self.orm.nearest(constants, |constant| &constant.home, &frame.home, &names) {
            let mut inner = Frame {
                home: constant.home.clone(),
                of: frame.of.clone(),
                names: BTreeMap::new(),
                returned: false,
            };
            return self.expr(&mut inner, &constant.value);
        }
        Value::Path(names)
    }

    /// The identifier that a path stands for.
    fn iden(&self, home: &Home, names: &[String]) -> Option<String> {
        let (last, prefix) = names.split_last()?;
        if let Some(kind) = prefix.last() {
            let same = self.orm.enumerations.get(kind).map(Vec::as_slice).unwrap_or_default();
            // An enumeration may be spread over an `enum` and an `impl`.
            let with: Vec<&super::Enumeration> =
                same.iter().filter(|known| known.iden(Some(last)).is_some()).collect();
            if let Some(known) = self.orm.nearest(&with, |known| &known.home, home, prefix) {
                return known.iden(Some(last)).map(str::to_owned);
            }
            let agreed: std::collections::BTreeSet<&str> =
                with.iter().filter_map(|known| known.iden(Some(last))).collect();
            if let (1, Some(only)) = (agreed.len(), agreed.first()) {
                return Some((*only).to_owned());
            }
        }
        let units = self.orm.enumerations.get(last).map(Vec::as_slice).unwrap_or_default();
        let units: Vec<&super::Enumeration> =
            units.iter().filter(|known| known.iden(None).is_some()).collect();
        if let Some(known) = self.orm.nearest(&units, |known| &known.home, home, names) {
            return known.iden(None).map(str::to_owned);
        }
        super::entity::iden(self.orm, home, names)
    }

    fn macro_call(&mut self, frame: &mut Frame, mac: &syn::Macro) -> Value {
        let name = mac.path.segments.last().map(|part| part.ident.to_string()).unwrap_or_default();
        let parse = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if matches!(name.as_str(), "matches" | "assert_matches") {
            return self.matches(frame, mac);
        }
        let Ok(parts) = mac.parse_body_with(parse) else {
            let names: Vec<String> = identifiers(mac.tokens.clone());
            self.touched(frame, &names, mac.span());
            return Value::Unknown;
        };
        match name.as_str() {
            "include_str" => {
                let from = self.orm.files.get(frame.home.file).map(|file| file.file);
                let path = parts.first().map(|part| self.expr(frame, part));
                match (from, path) {
                    (Some(from), Some(Value::Text(path))) => match (self.include)(from, &path.sql) {
                        Some((file, text)) => Value::File(file, text),
                        None => Value::Unknown,
                    },
                    _ => Value::Unknown,
                }
            }
            "format" | "concat" => {
                let values: Vec<Value> = parts.iter().map(|part| self.expr(frame, part)).collect();
                let span = self.orm.span(&frame.home, mac.span());
                let made = match name.as_str() {
                    "concat" => concatenated(&values, span),
                    _ => formatted(&values, &parts, frame, span),
                };
                made.map_or(Value::Unknown, Value::Text)
            }
            "vec" => Value::List(parts.iter().map(|part| self.expr(frame, part)).collect()),
            _ => {
                for part in &parts {
                    self.expr(frame, part);
                }
                Value::Unknown
            }
        }
    }

    fn matches(&mut self, frame: &mut Frame, mac: &syn::Macro) -> Value {
        let parse = |input: syn::parse::ParseStream<'_>| {
            let value: syn::Expr = input.parse()?;
            input.parse::<syn::Token![,]>()?;
            let pattern = syn::Pat::parse_multi_with_leading_vert(input)?;
            input.parse::<proc_macro2::TokenStream>()?;
            Ok((value, pattern))
        };
        let Ok((value, pattern)) = mac.parse_body_with(parse) else { return Value::Unknown };
        match self.expr(frame, &value) {
            Value::Dialect(Some(dialect)) => fits(&pattern, dialect).map_or(Value::Unknown, Value::Bool),
            _ => Value::Unknown,
        }
    }

    fn branch(&mut self, frame: &mut Frame, branch: &syn::ExprIf) -> Value {
        let otherwise = branch.else_branch.as_ref().map(|(_, block)| &**block);
        match self.expr(frame, &branch.cond) {
            Value::Bool(true) => self.block(frame, &branch.then_branch),
            Value::Bool(false) => otherwise.map_or(Value::Unknown, |block| self.expr(frame, block)),
            Value::Probe => {
                // What is asked for before it is made or dropped changes nothing where it was done before.
                self.probed += 1;
                self.block(frame, &branch.then_branch);
                frame.returned = false;
                if let Some(block) = otherwise {
                    self.expr(frame, block);
                    frame.returned = false;
                }
                self.probed -= 1;
                Value::Unknown
            }
            _ => {
                self.uncertainly(frame, |this, frame| this.block(frame, &branch.then_branch));
                if let Some(block) = otherwise {
                    self.uncertainly(frame, |this, frame| this.expr(frame, block));
                }
                Value::Unknown
            }
        }
    }

    fn choice(&mut self, frame: &mut Frame, choice: &syn::ExprMatch) -> Value {
        if let Value::Dialect(Some(dialect)) = self.expr(frame, &choice.expr) {
            for arm in &choice.arms {
                match fits(&arm.pat, dialect) {
                    Some(true) => return self.expr(frame, &arm.body),
                    Some(false) => {}
                    None => break,
                }
            }
        }
        let before = frame.names.clone();
        let mut values = Vec::new();
        for arm in &choice.arms {
            let after = std::mem::replace(&mut frame.names, before.clone());
            values.push(self.uncertainly(frame, |this, frame| this.expr(frame, &arm.body)));
            // What an earlier arm made uncertain stays so.
            for (name, value) in &mut frame.names {
                if let (Some(Value::Unknown), false) = (after.get(name), matches!(value, Value::Unknown)) {
                    *value = Value::Unknown;
                }
            }
        }
        in_common(&values)
    }

    fn for_loop(&mut self, frame: &mut Frame, looped: &syn::ExprForLoop) -> Value {
        match self.expr(frame, &looped.expr) {
            Value::List(items) if items.len() <= MAX_ROUNDS => {
                for item in items {
                    bind(frame, &looped.pat, item);
                    self.block(frame, &looped.body);
                }
            }
            _ => {
                bind(frame, &looped.pat, Value::Unknown);
                self.uncertainly(frame, |this, frame| this.block(frame, &looped.body));
            }
        }
        Value::Unknown
    }

    fn call(&mut self, frame: &mut Frame, call: &syn::ExprCall) -> Value {
        let syn::Expr::Path(function) = &*call.func else {
            self.expr(frame, &call.func);
            for argument in &call.args {
                self.expr(frame, argument);
            }
            return Value::Unknown;
        };
        let names: Vec<String> = function.path.segments.iter().map(|part| part.ident.to_string()).collect();
        let args: Vec<Value> = call.args.iter().map(|argument| self.expr(frame, argument)).collect();
        let span = self.orm.span(&frame.home, call.span());
        let Some((last, prefix)) = names.split_last() else { return Value::Unknown };
        match (prefix.last().map(String::as_str), last.as_str()) {
            (None, "Ok" | "Some" | "Box")
            | (Some("Box" | "Rc" | "Arc" | "String"), "new" | "pin" | "from") => {
                return args.into_iter().next().unwrap_or(Value::Unknown);
            }
            (Some("Alias"), "new") => {
                return match args.first() {
                    Some(Value::Text(text)) => Value::Iden(text.sql.clone(), text.place(whole(text))),
                    Some(Value::Iden(name, span)) => Value::Iden(name.clone(), *span),
                    _ => Value::Unknown,
                };
            }
            (Some("SchemaManager"), "new") => return Value::Manager,
            _ => {}
        }
        if prefix.last().is_some_and(|of| BUILDERS.contains(&of.as_str())) {
            return Value::Chain(Rc::new(Chain { root: names, args, calls: Vec::new(), span }));
        }
        let known = self.orm.functions.get(last).map(Vec::as_slice).unwrap_or_default();
        let of = match prefix.last().map(String::as_str) {
            Some("Self") => frame.of.clone(),
            Some(of) if of.starts_with(char::is_uppercase) => Some(of.to_owned()),
            _ => None,
        };
        let fitting: Vec<&Function> = known.iter().filter(|function| function.of == of).collect();
        let path: Vec<String> = if of.is_some() { vec![last.clone()] } else { names.clone() };
        if let Some(function) = self.orm.nearest(&fitting, |function| &function.home, &frame.home, &path) {
            let function = (*function).clone();
            return self.run(&function, args);
        }
        if is_helper(last) {
            return Value::Chain(Rc::new(Chain { root: names, args, calls: Vec::new(), span }));
        }
        self.handed_on(&args, last, span);
        Value::Unknown
    }

    fn handed_on(&mut self, args: &[Value], name: &str, span: Span) {
        if args.iter().any(|value| matches!(value, Value::Manager | Value::Connection)) {
            let why = format!("`{name}`, which is handed the connection, is not in sight");
            self.steps.push(SchemaStep::Unread { span, why, table: None });
        }
    }

    fn method(&mut self, frame: &mut Frame, call: &syn::ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let receiver = self.expr(frame, &call.receiver);
        let span = self.orm.span(&frame.home, call.span());
        if matches!(receiver, Value::Connection) && name.starts_with("transaction") {
            return self.transaction(frame, call);
        }
        let args: Vec<Value> = call.args.iter().map(|argument| self.expr(frame, argument)).collect();
        match receiver {
            Value::Manager => self.of_manager(&name, &args, span),
            Value::Connection => self.of_connection(&name, &args, span),
            Value::Dialect(_) if name == "build" => args.into_iter().next().unwrap_or(Value::Unknown),
            same if SAME.contains(&name.as_str()) => same,
            Value::Chain(chain) => {
                let mut longer = (*chain).clone();
                let name_span = self.orm.span(&frame.home, call.method.span());
                longer.calls.push(Call { name, args, span: name_span });
                let longer = Value::Chain(Rc::new(longer));
                // Builders change in place: a variable is what was called on it.
                if let Some(variable) = variable(&call.receiver)
                    && frame.names.contains_key(&variable)
                {
                    frame.names.insert(variable, longer.clone());
                }
                longer
            }
            _ if matches!(&*call.receiver, syn::Expr::Path(path) if path.path.is_ident("self")) => {
                let known = self.orm.functions.get(&name).map(Vec::as_slice).unwrap_or_default();
                let own: Vec<&Function> = known.iter().filter(|function| function.of == frame.of).collect();
                let found = self.orm.nearest(
                    &own,
                    |function| &function.home,
                    &frame.home,
                    std::slice::from_ref(&name),
                );
                match found {
                    Some(function) => {
                        let function = (*function).clone();
                        self.run(&function, [Value::Unknown].into_iter().chain(args).collect())
                    }
                    None => {
                        self.handed_on(&args, &name, span);
                        Value::Unknown
                    }
                }
            }
            _ => {
                if !ROWS.contains(&name.as_str()) {
                    self.handed_on(&args, &name, span);
                }
                Value::Unknown
            }
        }
    }

    fn transaction(&mut self, frame: &mut Frame, call: &syn::ExprMethodCall) -> Value {
        for argument in &call.args {
            match argument {
                syn::Expr::Closure(closure) => {
                    for input in &closure.inputs {
                        bind(frame, input, Value::Connection);
                    }
                    self.expr(frame, &closure.body);
                }
                other => {
                    self.expr(frame, other);
                }
            }
        }
        Value::Unknown
    }

    fn of_connection(&mut self, name: &str, args: &[Value], span: Span) -> Value {
        match name {
            "execute_unprepared" | "execute" | "execute_raw" => {
                self.execute(args.first().unwrap_or(&Value::Unknown), span);
                Value::Unknown
            }
            "get_database_backend" => Value::Dialect(Some(self.dialect)),
            "begin" | "get_connection" | "into_schema_manager_connection" => Value::Connection,
            "clone" | "to_owned" | "as_ref" => Value::Connection,
            // Reading, and ending a transaction, change nothing of the schema.
            _ => Value::Unknown,
        }
    }

    fn execute(&mut self, what: &Value, span: Span) {
        match what {
            Value::Text(text) => self.emit(vec![SchemaStep::Sql(text.clone())], span, None),
            Value::File(file, text) => self.emit(vec![SchemaStep::File(*file, text.clone())], span, None),
            Value::Chain(chain) => match table::raw(chain) {
                Some(text) => self.execute(&text, span),
                None if table::is_rows(chain) => {}
                None => self.statement(chain, span),
            },
            _ => {
                let why = "the text that is run is not known".to_owned();
                self.steps.push(SchemaStep::Unread { span, why, table: None });
            }
        }
    }

    fn of_manager(&mut self, name: &str, args: &[Value], span: Span) -> Value {
        match name {
            "get_connection" => Value::Connection,
            "get_database_backend" => Value::Dialect(Some(self.dialect)),
            "has_table" | "has_column" | "has_index" => Value::Probe,
            _ => {
                match args.first() {
                    Some(Value::Chain(chain)) if table::is_rows(chain) => {}
                    Some(Value::Chain(chain)) => {
                        let chain = Rc::clone(chain);
                        self.statement(&chain, span);
                    }
                    _ => {
                        let why = format!("what `{name}` is handed is not known");
                        self.steps.push(SchemaStep::Unread { span, why, table: None });
                    }
                }
                Value::Unknown
            }
        }
    }

    fn statement(&mut self, chain: &Chain, span: Span) {
        let steps = table::statement(self.orm, self.dialect, chain, self.probed > 0);
        self.emit(steps, span, table::table(chain));
    }

    /// Adds steps; under a condition that is not known they are only told, and their table is not certain any more.
    fn emit(&mut self, steps: Vec<SchemaStep>, span: Span, table: Option<table::Named>) {
        if self.uncertain == 0 {
            self.steps.extend(steps);
            return;
        }
        let why = "it runs only under a condition that is not known".to_owned();
        self.steps.push(SchemaStep::Unread { span, why, table });
    }

    fn limit(&mut self, home: &Home, span: proc_macro2::Span) {
        if !std::mem::replace(&mut self.told, true) {
            let why = "the migrations are too long or too deep to be followed".to_owned();
            self.steps.push(SchemaStep::Unread { span: self.orm.span(home, span), why, table: None });
        }
    }
}

/// What all values have in common: of builders that begin alike, the beginning.
fn in_common(values: &[Value]) -> Value {
    let chains: Vec<&Rc<Chain>> = values
        .iter()
        .filter_map(|value| match value {
            Value::Chain(chain) => Some(chain),
            _ => None,
        })
        .collect();
    let Some((first, others)) = chains.split_first().filter(|_| chains.len() == values.len()) else {
        return Value::Unknown;
    };
    // Made at the same place: the same call, before the choice.
    if others.iter().any(|other| other.root != first.root || other.span != first.span) {
        return Value::Unknown;
    }
    let is_shared = |at: usize, call: &Call| {
        others.iter().all(|other| other.calls.get(at).is_some_and(|known| known.span == call.span))
    };
    let calls = first.calls.iter().enumerate().take_while(|(at, call)| is_shared(*at, call));
    let calls = calls.map(|(_, call)| call.clone()).collect();
    Value::Chain(Rc::new(Chain { calls, ..(***first).clone() }))
}

fn whole(text: &SchemaText) -> tenantry_span::TextRange {
    tenantry_span::TextRange::from_usize(0, text.sql.len())
}

/// The variable that a chain of calls changes, if none of them makes a copy.
fn variable(receiver: &syn::Expr) -> Option<String> {
    match receiver {
        syn::Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        syn::Expr::MethodCall(call) if !SAME.contains(&call.method.to_string().as_str()) => {
            variable(&call.receiver)
        }
        syn::Expr::Paren(inner) => variable(&inner.expr),
        syn::Expr::Reference(inner) => variable(&inner.expr),
        _ => None,
    }
}

fn bind(frame: &mut Frame, pattern: &syn::Pat, value: Value) {
    match pattern {
        syn::Pat::Ident(name) => {
            frame.names.insert(name.ident.to_string(), value);
        }
        syn::Pat::Type(typed) => bind(frame, &typed.pat, value),
        syn::Pat::Reference(inner) => bind(frame, &inner.pat, value),
        syn::Pat::Tuple(tuple) => {
            let values = match value {
                Value::List(values) if values.len() == tuple.elems.len() => values,
                _ => vec![Value::Unknown; tuple.elems.len()],
            };
            tuple.elems.iter().zip(values).for_each(|(part, value)| bind(frame, part, value));
        }
        _ => {}
    }
}

fn compare(op: &syn::BinOp, left: Value, right: Value) -> Value {
    match (op, left, right) {
        (syn::BinOp::Eq(_), Value::Dialect(Some(a)), Value::Dialect(Some(b))) => Value::Bool(a == b),
        (syn::BinOp::Ne(_), Value::Dialect(Some(a)), Value::Dialect(Some(b))) => Value::Bool(a != b),
        (syn::BinOp::And(_), Value::Bool(false), _) | (syn::BinOp::And(_), _, Value::Bool(false)) => {
            Value::Bool(false)
        }
        (syn::BinOp::And(_), Value::Bool(true), other) | (syn::BinOp::And(_), other, Value::Bool(true)) => {
            other
        }
        (syn::BinOp::Or(_), Value::Bool(true), _) | (syn::BinOp::Or(_), _, Value::Bool(true)) => {
            Value::Bool(true)
        }
        (syn::BinOp::Or(_), Value::Bool(false), other) | (syn::BinOp::Or(_), other, Value::Bool(false)) => {
            other
        }
        (syn::BinOp::And(_) | syn::BinOp::Or(_), Value::Probe, Value::Probe) => Value::Probe,
        _ => Value::Unknown,
    }
}

fn dialect_named(name: &str) -> Option<Dialect> {
    match name {
        "Postgres" => Some(Dialect::Postgres),
        "MySql" => Some(Dialect::Mysql),
        "Sqlite" => Some(Dialect::Sqlite),
        _ => None,
    }
}

/// Whether a pattern fits a dialect; `None` where that is not known.
fn fits(pattern: &syn::Pat, dialect: Dialect) -> Option<bool> {
    match pattern {
        syn::Pat::Path(path) => {
            let last = path.path.segments.last()?.ident.to_string();
            dialect_named(&last).map(|named| named == dialect)
        }
        syn::Pat::Or(cases) => {
            let fitting: Option<Vec<bool>> = cases.cases.iter().map(|case| fits(case, dialect)).collect();
            fitting.map(|fitting| fitting.contains(&true))
        }
        syn::Pat::Wild(_) => Some(true),
        syn::Pat::Ident(name) => match dialect_named(&name.ident.to_string()) {
            Some(named) => Some(named == dialect),
            None => Some(true),
        },
        _ => None,
    }
}

fn concatenated(values: &[Value], span: Span) -> Option<SchemaText> {
    let mut made = SchemaText::new(span);
    for value in values {
        push(&mut made, value)?;
    }
    Some(made)
}

fn push(made: &mut SchemaText, value: &Value) -> Option<()> {
    match value {
        Value::Text(text) => made.push_text(text),
        Value::File(_, text) => made.push(text),
        Value::Iden(name, span) => made.push_from(name, *span),
        Value::Number(number) => made.push(number),
        Value::Bool(value) => made.push(if *value { "true" } else { "false" }),
        _ => return None,
    }
    Some(())
}

/// `format!("… {} … {name} …", …)`, where every hole is known.
fn formatted(
    values: &[Value],
    parts: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
    frame: &Frame,
    span: Span,
) -> Option<SchemaText> {
    let Some(Value::Text(form)) = values.first() else { return None };
    let mut named: BTreeMap<String, &Value> = BTreeMap::new();
    let mut unnamed: Vec<&Value> = Vec::new();
    for (part, value) in parts.iter().zip(values).skip(1) {
        match part {
            // `name = value`: the value is the expression's right side, which was bound when it was read.
            syn::Expr::Assign(assign) => {
                if let syn::Expr::Path(path) = &*assign.left
                    && let Some(name) = path.path.get_ident()
                {
                    named.insert(name.to_string(), frame.names.get(&name.to_string())?);
                }
            }
            _ => unnamed.push(value),
        }
    }
    let mut made = SchemaText::new(span);
    let mut rest = form.sql.as_str();
    let mut next = unnamed.into_iter();
    while let Some(at) = rest.find(['{', '}']) {
        let (before, hole) = rest.split_at(at);
        made.push(before);
        if let Some(after) = hole.strip_prefix("{{").or(hole.strip_prefix("}}")) {
            made.push(hole.get(..1)?);
            rest = after;
            continue;
        }
        let (name, after) = hole.strip_prefix('{')?.split_once('}')?;
        let value = match name.trim() {
            "" => next.next()?,
            name => named.get(name).copied().or_else(|| frame.names.get(name))?,
        };
        push(&mut made, value)?;
        rest = after;
    }
    made.push(rest);
    Some(made)
}

/// The paths handed to `Box::new`.
struct Paths {
    found: Vec<(syn::Path, proc_macro2::Span)>,
}

impl<'ast> syn::visit::Visit<'ast> for Paths {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let of_box = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.iter().any(|part| part.ident == "Box"),
            _ => false,
        };
        match call.args.first() {
            Some(syn::Expr::Path(made)) if of_box => self.found.push((made.path.clone(), made.span())),
            Some(syn::Expr::Struct(made)) if of_box => self.found.push((made.path.clone(), made.span())),
            Some(syn::Expr::Call(made)) if of_box => {
                // `Box::new(a::Migration::default())`, `Box::new(a::Migration(…))`.
                if let syn::Expr::Path(path) = &*made.func {
                    let mut path = path.path.clone();
                    let is_function = path
                        .segments
                        .last()
                        .is_some_and(|part| !part.ident.to_string().starts_with(char::is_uppercase));
                    if is_function {
                        path.segments.pop();
                        path.segments.pop_punct();
                    }
                    self.found.push((path, made.span()));
                }
            }
            _ => syn::visit::visit_expr_call(self, call),
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let parse = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(parts) = mac.parse_body_with(parse) {
            parts.iter().for_each(|part| self.visit_expr(part));
        }
    }
}

struct Names {
    found: Vec<String>,
}

impl<'ast> syn::visit::Visit<'ast> for Names {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.found.push(ident.to_string());
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.found.extend(identifiers(mac.tokens.clone()));
    }
}

fn identifiers(tokens: proc_macro2::TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Ident(name) => found.push(name.to_string()),
            proc_macro2::TokenTree::Group(group) => found.extend(identifiers(group.stream())),
            proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => {}
        }
    }
    found
}
