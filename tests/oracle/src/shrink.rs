//! From a statement that is wrongly scoped to a small one, on a small schema.

use tenantry_prover::ast::{
    BinaryOp, Expr, ExprKind, JoinConstraint, Query, Select, SelectItem, SetExpr, Statement as Ast, TableExpr,
};
use tenantry_prover::verdict::Verdict;
use tenantry_span::TextRange;

use crate::database::Database;
use crate::experiment::{Effort, Finding, Lab};
use crate::mutate::{is_condition, range_of};
use crate::schemas::SchemaText;
use crate::subject::{Statement, Subject, parse};
use crate::syntax::{Node, nodes, replace, slice};
use crate::wire::WireError;

/// How many rounds a shrinking has at most.
const ROUNDS: usize = 40;

/// A smaller statement and schema that the prover still calls scoped and that still leaks.
pub fn shrink(
    database: &mut dyn Database,
    schema: &SchemaText,
    statement: &Statement,
    effort: Effort,
    seed: u64,
) -> Result<(SchemaText, Statement), WireError> {
    let (mut schema, mut statement) = (schema.clone(), statement.clone());
    statement = shrink_statement(database, &schema, statement, effort, seed)?;
    schema = shrink_schema(database, schema, &statement, effort, seed)?;
    statement = shrink_statement(database, &schema, statement, effort, seed)?;
    Ok((schema, statement))
}

fn shrink_statement(
    database: &mut dyn Database,
    schema: &SchemaText,
    mut statement: Statement,
    effort: Effort,
    seed: u64,
) -> Result<Statement, WireError> {
    let Ok(subject) = Subject::read(&schema.sql(), &schema.policy) else { return Ok(statement) };
    let mut lab = Lab::set_up(database, &subject)?;
    for _ in 0..ROUNDS {
        let mut smaller: Vec<Statement> = smaller(&statement.sql)
            .into_iter()
            .map(|sql| Statement { sql, tenants: statement.tenants.clone() })
            .filter(|candidate| matches!(subject.prove(candidate), Verdict::Scoped(_)))
            .collect();
        smaller.sort_by_key(|candidate| candidate.sql.len());
        let findings = lab.decide(&smaller, effort, seed)?;
        let leaking =
            smaller.iter().zip(&findings).filter(|(_, finding)| matches!(finding, Finding::Leaks(_)));
        let mut found = None;
        for (candidate, _) in leaking {
            if found.is_none() && lab.convicts(candidate, effort, seed)? {
                found = Some(candidate.clone());
            }
        }
        match found {
            Some(candidate) => statement = candidate,
            None => break,
        }
    }
    Ok(statement)
}

fn shrink_schema(
    database: &mut dyn Database,
    mut schema: SchemaText,
    statement: &Statement,
    effort: Effort,
    seed: u64,
) -> Result<SchemaText, WireError> {
    // Later statements first: they lean on earlier ones.
    for at in (0..schema.ddl.len()).rev() {
        let mut candidate = schema.clone();
        let gone = candidate.ddl.remove(at);
        let name = gone.split(' ').nth(2).unwrap_or_default();
        let kept = candidate.policy.lines().filter(|line| !line.starts_with(&format!("{name} = {{")));
        candidate.policy = kept.map(|line| format!("{line}\n")).collect();
        if fails(database, &candidate, statement, effort, seed)? {
            schema = candidate;
        }
    }
    for at in 0..schema.ddl.len() {
        let mut part = 1;
        while let Some(shorter) = schema.ddl.get(at).and_then(|ddl| without_part(ddl, part)) {
            let mut candidate = schema.clone();
            if let Some(ddl) = candidate.ddl.get_mut(at) {
                *ddl = shorter;
            }
            match fails(database, &candidate, statement, effort, seed)? {
                true => schema = candidate,
                false => part += 1,
            }
        }
    }
    Ok(schema)
}

/// Whether the prover says scoped and the oracle finds a leak.
fn fails(
    database: &mut dyn Database,
    schema: &SchemaText,
    statement: &Statement,
    effort: Effort,
    seed: u64,
) -> Result<bool, WireError> {
    let Ok(subject) = Subject::read(&schema.sql(), &schema.policy) else { return Ok(false) };
    if !matches!(subject.prove(statement), Verdict::Scoped(_)) {
        return Ok(false);
    }
    let mut lab = match Lab::set_up(database, &subject) {
        Ok(lab) => lab,
        Err(WireError::Server(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    match lab.decide(std::slice::from_ref(statement), effort, seed) {
        Ok(findings) if matches!(findings.first(), Some(Finding::Leaks(_))) => {
            lab.convicts(statement, effort, seed)
        }
        Ok(_) | Err(WireError::Server(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A `CREATE TABLE` without the element at a position; `None` past the last.
fn without_part(ddl: &str, at: usize) -> Option<String> {
    let (open, close) = (ddl.find('(')?, ddl.rfind(')')?);
    if !ddl.starts_with("CREATE TABLE") || ddl.contains("PARTITION") {
        return None;
    }
    let mut depth = 0_usize;
    let mut parts: Vec<String> = vec![String::new()];
    for letter in ddl.get(open + 1..close)?.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    if at >= parts.len() {
        return None;
    }
    parts.remove(at);
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
    Some(format!("{}({}{}", ddl.get(..open)?, parts.join(", "), ddl.get(close..)?))
}

/// Shorter texts, each by one cut.
fn smaller(sql: &str) -> Vec<String> {
    let parsed = parse(sql);
    let mut maker = Maker { sql, found: Vec::new() };
    for statement in &parsed {
        for node in nodes(&statement.statement) {
            maker.node(&node);
        }
    }
    let mut found = maker.found;
    found.retain(|text| text.len() < sql.len());
    found.sort();
    found.dedup();
    found
}

struct Maker<'a> {
    sql: &'a str,
    found: Vec<String>,
}

impl<'a> Maker<'a> {
    fn text(&self, range: TextRange) -> &'a str {
        slice(self.sql, range).unwrap_or_default()
    }

    fn put(&mut self, range: TextRange, by: &str) {
        self.found.extend(replace(self.sql, range, by));
    }

    fn node(&mut self, node: &Node<'_>) {
        match node {
            Node::Expr(expr) => self.expr(expr),
            Node::Table(TableExpr::Join { left, right, range, constraint, .. }) => {
                for side in [left, right] {
                    if let Some(side) = range_of(side) {
                        self.put(*range, self.text(side));
                    }
                }
                if let (JoinConstraint::On(on), Some(_)) = (constraint, range_of(right)) {
                    self.put(on.range, "true");
                }
            }
            Node::Table(TableExpr::Derived { query, alias: Some(alias), range, .. }) => {
                if let SetExpr::Select(select) = &query.body
                    && let [TableExpr::Table { name, .. }] = select.from.as_slice()
                {
                    let by = format!("{} {}", self.text(name.range), alias.name.text);
                    self.put(*range, &by);
                }
            }
            Node::Table(_) | Node::SetOp(..) => {}
            Node::Select(select) => self.select(select),
            Node::Query(query) => self.query(query),
            Node::Statement(statement) => self.statement(statement),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if is_condition(expr) {
            self.put(expr.range, "true");
        }
        match &expr.kind {
            ExprKind::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
                self.put(expr.range, self.text(left.range));
                self.put(expr.range, self.text(right.range));
            }
            ExprKind::Call(call) => {
                for argument in &call.args {
                    self.put(expr.range, self.text(argument.range));
                }
            }
            ExprKind::Cast { expr: inner, .. }
            | ExprKind::Unary { expr: inner, .. }
            | ExprKind::IsBool { expr: inner, .. } => self.put(expr.range, self.text(inner.range)),
            ExprKind::Subquery(_) => self.put(expr.range, "NULL"),
            _ => {}
        }
        if expr.range.len() > 8 && !is_condition(expr) {
            self.put(expr.range, "1");
        }
    }

    fn select(&mut self, select: &Select) {
        let ranges: Vec<TextRange> = select.items.iter().filter_map(item_range).collect();
        for pair in ranges.windows(2) {
            let [first, second] = pair else { continue };
            self.put(TextRange::new(first.start, second.start), "");
            self.put(TextRange::new(first.end, second.end), "");
        }
        if let (Some(filter), Some(last)) = (&select.filter, select.from.last().and_then(range_of))
            && matches!(filter.kind, ExprKind::Bool(true))
        {
            self.put(TextRange::new(last.end, filter.range.end), "");
        }
        let tables: Vec<TextRange> = select.from.iter().filter_map(range_of).collect();
        for pair in tables.windows(2) {
            let [first, second] = pair else { continue };
            self.put(TextRange::new(first.start, second.start), "");
            self.put(TextRange::new(first.end, second.end), "");
        }
        let start = ranges.first().map_or(0, |range| range.start);
        if select.distinct.is_some() && select.range.start < start {
            self.put(TextRange::new(select.range.start, start), "SELECT ");
        }
    }

    fn query(&mut self, query: &Query) {
        if let SetExpr::SetOp { left, right, .. } = &query.body {
            for arm in [left, right] {
                if let SetExpr::Select(select) = &**arm {
                    self.put(query.range, self.text(select.range));
                }
            }
        }
        let body = match &query.body {
            SetExpr::Select(select) => Some(select.range),
            _ => None,
        };
        if let Some(body) = body
            && body.end < query.range.end
        {
            self.put(TextRange::new(body.end, query.range.end), "");
            if let Some(limit) = &query.limit {
                self.put(TextRange::new(limit.range.end, query.range.end), "");
            }
        }
        let ctes = query.with.as_ref().map_or(&[] as &[_], |with| with.ctes.as_slice());
        for pair in ctes.windows(2) {
            let [first, second] = pair else { continue };
            self.put(TextRange::new(first.range.start, second.range.start), "");
            self.put(TextRange::new(first.range.end, second.range.end), "");
        }
        if let (Some(body), false) = (body, ctes.is_empty()) {
            self.put(TextRange::new(query.range.start, body.start), "");
        }
    }

    fn statement(&mut self, statement: &Ast) {
        let (returning, end) = match statement {
            Ast::Insert(insert) => (&insert.returning, insert.range.end),
            Ast::Update(update) => (&update.returning, update.range.end),
            Ast::Delete(delete) => (&delete.returning, delete.range.end),
            Ast::Merge(merge) => {
                for clause in &merge.clauses {
                    self.put(clause.range, "");
                }
                return;
            }
            _ => return,
        };
        if let Some(first) = returning.first().and_then(item_range) {
            let before = self.sql.get(..first.start as usize).unwrap_or_default();
            if let Some(at) = before.to_ascii_uppercase().rfind("RETURNING") {
                self.put(TextRange::from_usize(at, end as usize), "");
            }
        }
        if let Ast::Insert(insert) = statement
            && let Some(conflict) = &insert.on_conflict
        {
            self.put(conflict.range, "");
        }
    }
}

fn item_range(item: &SelectItem) -> Option<TextRange> {
    match item {
        SelectItem::Expr { expr, alias } => {
            let end = alias.as_ref().map_or(expr.range.end, |alias| alias.range.end);
            Some(TextRange::new(expr.range.start, end))
        }
        SelectItem::Star(range) => Some(*range),
        SelectItem::QualifiedStar(name) => Some(name.range),
        SelectItem::ExprStar(_) => None,
    }
}
