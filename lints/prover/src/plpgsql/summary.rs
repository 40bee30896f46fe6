//! What follows of a body as a whole.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::{Body, Meaning, Part, VariableKind, Variables, What, read, read_sql};
use crate::ast::{self, ParsedStatement, Statement};
use crate::bind::bind_part;
use crate::catalog::{Catalog, Function, KeyKind, QualifiedName, Table, UNREAD_BODY, Volatility};
use crate::lower::statements;
use crate::plan::{Action, Plan};
use crate::prove::{Policies, prove_with_domains};
use crate::tenancy::{DomainId, TableOwner, Tenancy};
use crate::verdict::{KnownValue, Named, Nullability, TenantSource, TenantValue, Verdict};

/// A function each of whose statements stays inside the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The parameter that carries the tenant, from 1; `None` where none has to.
    pub(crate) tenant: Option<u32>,
    /// Settings that carry it.
    pub(crate) settings: BTreeSet<String>,
    /// What holds only where the tenant is not NULL.
    pub(crate) needs_value: bool,
    /// The kind of tenant that it is, if any owned table is touched.
    pub(crate) domains: BTreeSet<DomainId>,
    /// The owned tables that are touched.
    pub(crate) tables: BTreeSet<QualifiedName>,
    /// What is taken for granted.
    pub(crate) assumptions: BTreeSet<String>,
    /// How often it runs is seen, or when: it writes, or may.
    pub(crate) acts: bool,
    /// It reads settings.
    pub(crate) asks_settings: bool,
}

/// For what a trigger runs.
pub(crate) struct Fired<'a> {
    /// The table.
    pub(crate) table: &'a Table,
    /// For each row, once it is written.
    pub(crate) after_row: bool,
    /// Whether a column of the new row may be another value.
    pub(crate) may_assign: &'a dyn Fn(&str) -> bool,
}

/// What is being judged, outermost first, and what was found of others: each body is judged once for a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    functions: Vec<QualifiedName>,
    found: Rc<RefCell<Found>>,
}

#[derive(Debug, Default)]
struct Found {
    /// By function, and whether errors are seen.
    summaries: BTreeMap<(QualifiedName, bool), Result<Summary, String>>,
    /// By function and table, and whether errors are seen.
    triggers: BTreeMap<(QualifiedName, QualifiedName, bool), Result<(), String>>,
}

impl Around {
    /// Whether a function is being judged.
    pub(crate) fn contains(&self, function: &QualifiedName) -> bool {
        self.functions.contains(function)
    }

    /// The same within one more.
    pub(crate) fn within(&self, function: &QualifiedName) -> Around {
        let mut inner = self.clone();
        inner.functions.push(function.clone());
        inner
    }
}

/// How deep calls among such functions are followed.
const CALLS: usize = 6;

/// Judges a function by its body: with one of its parameters for the tenant, a setting, or none. Says why if it cannot be
/// done.
pub(crate) fn summary(
    catalog: &Catalog,
    tenancy: &Tenancy,
    function: &Function,
    around: &Around,
) -> Result<Summary, String> {
    let key = (function.name.clone(), tenancy.strict_errors);
    if let Some(known) = around.found.borrow().summaries.get(&key) {
        return known.clone();
    }
    let found = summarized(catalog, tenancy, function, around);
    around.found.borrow_mut().summaries.insert(key, found.clone());
    found
}

fn summarized(
    catalog: &Catalog,
    tenancy: &Tenancy,
    function: &Function,
    around: &Around,
) -> Result<Summary, String> {
    let bound = Bound::of(catalog, tenancy, function, None, around)?;
    let mut tenants = vec![(None, false)];
    let candidates = bound.candidates(function);
    tenants.extend(candidates.iter().map(|param| (Some(*param), false)));
    if !tenancy.settings.is_empty() {
        tenants.push((None, true));
        tenants.extend(candidates.iter().map(|param| (Some(*param), true)));
    }
    let mut first = None;
    for (tenant, by_settings) in tenants {
        let own: BTreeSet<u32> = tenant.into_iter().collect();
        let copies = bound.copies(&own);
        let params = own.union(&copies).copied().map(TenantSource::Param);
        let settings: BTreeSet<String> = tenancy.settings.iter().filter(|_| by_settings).cloned().collect();
        let sources: BTreeSet<TenantSource> =
            params.chain(settings.iter().cloned().map(TenantSource::Setting)).collect();
        for nullable in [Nullability::Maybe, Nullability::Never] {
            let value = TenantValue { sources: sources.clone(), nullable, ..TenantValue::default() };
            match bound.prove(&[value], &[]) {
                Ok(proof) => {
                    let acts = bound.acts || function.volatility == Volatility::Volatile;
                    let Together { domains, tables, assumptions } = proof;
                    let needs_value = nullable == Nullability::Never;
                    return Ok(Summary {
                        tenant,
                        settings,
                        needs_value,
                        domains,
                        tables,
                        assumptions,
                        acts,
                        asks_settings: bound.asks_settings,
                    });
                }
                Err(why) => drop(first.get_or_insert(why)),
            }
        }
    }
    Err(first.unwrap_or_default())
}

/// Whether what a trigger's function does for a row of a tenant stays inside that tenant, whatever it is told. Says why not.
pub(crate) fn trigger_keeps_inside(
    catalog: &Catalog,
    tenancy: &Tenancy,
    function: &Function,
    fired: &Fired<'_>,
    around: &Around,
) -> Result<(), String> {
    let key = (function.name.clone(), fired.table.name.clone(), tenancy.strict_errors);
    // The same function may run at two times.
    let once =
        fired.table.triggers.iter().filter(|it| it.function.as_ref() == Some(&function.name)).count() == 1;
    if let Some(known) = around.found.borrow().triggers.get(&key).filter(|_| once) {
        return known.clone();
    }
    let found = trigger_judged(catalog, tenancy, function, fired, around);
    around.found.borrow_mut().triggers.insert(key, found.clone());
    found
}

fn trigger_judged(
    catalog: &Catalog,
    tenancy: &Tenancy,
    function: &Function,
    fired: &Fired<'_>,
    around: &Around,
) -> Result<(), String> {
    let at = AtTable::of(catalog, tenancy, function, fired, around)?;
    at.bound.prove(&at.tenants, &at.known).map(drop)
}

/// What is said of each statement of a trigger's function that touches rows, at a table: the place of each in the body,
/// and its verdict, whatever the others are. Says why it is not judged.
pub(crate) fn trigger_statements(
    catalog: &Catalog,
    tenancy: &Tenancy,
    function: &Function,
    fired: &Fired<'_>,
    around: &Around,
) -> Result<Vec<(TextRange, Verdict)>, String> {
    let at = AtTable::of(catalog, tenancy, function, fired, around)?;
    let parts = at.bound.body.parts.iter().map(|part| part.range).zip(&at.bound.plans);
    let parts = parts.filter(|(_, (plan, _))| touches(plan));
    Ok(parts.map(|(range, part)| (range, at.bound.proved(part, &at.tenants, &at.known).0)).collect())
}

/// Whether a statement reads or writes rows, or calls what does.
pub(super) fn touches(plan: &Plan) -> bool {
    !plan.scans.is_empty() || !plan.calls.is_empty() || !matches!(plan.main, Action::Query(_))
}

/// The body of a trigger's function, with what its variables carry at a table.
struct AtTable<'a> {
    bound: Bound<'a>,
    tenants: Vec<TenantValue>,
    known: Vec<KnownValue>,
}

impl<'a> AtTable<'a> {
    fn of(
        catalog: &'a Catalog,
        tenancy: &'a Tenancy,
        function: &Function,
        fired: &Fired<'_>,
        around: &Around,
    ) -> Result<AtTable<'a>, String> {
        if domains(tenancy).len() > 1 {
            // Which level the statement was tied at that wrote the row is not known.
            return Err("there are several kinds of tenants".to_owned());
        }
        let table = fired.table;
        let bound = Bound::of(catalog, tenancy, function, Some(table), around)?;
        bound.body.returns_own_row(&function.body)?;
        // A row under another name may be assigned by it.
        if bound.body.variables.iter().any(|variable| matches!(variable.kind, VariableKind::Alias(_))) {
            return Err("it has other names for its variables".to_owned());
        }
        for path in &bound.body.assigned {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["new", column] if (fired.may_assign)(column) => {}
                ["new" | "old", ..] => return Err(format!("it assigns `{}`", path.join("."))),
                _ => {}
            }
        }
        let param =
            |row: &str, column: &str| bound.variables.meaning(&[row, column]).map(|meaning| meaning.param);
        let rows = ["new", "old"];
        let (mut tenants, mut known) = (Vec::new(), Vec::new());
        match tenancy.owner(&table.name) {
            TableOwner::Keyed { keys, null_is_shared: false } => {
                let [(key, _)] = keys.as_slice() else {
                    return Err("its table has several keys of the tenant".to_owned());
                };
                let of_rows: BTreeSet<u32> = rows.iter().filter_map(|row| param(row, key)).collect();
                let copies = bound.copies(&of_rows);
                let sources = of_rows.union(&copies).copied().map(TenantSource::Param).collect();
                // A row that is not there, as OLD of an insert, has NULL.
                tenants.push(TenantValue { sources, nullable: Nullability::Maybe, ..TenantValue::default() });
            }
            TableOwner::Child { parent, by, parent_column } => {
                for param in rows.iter().filter_map(|row| param(row, by)) {
                    let names = vec![Named::Row(parent.clone(), parent_column.clone())];
                    known.push(KnownValue { param, names, is_new: false, chosen: false });
                }
            }
            // A new row of the root is another tenant, and whose the others are is not known.
            TableOwner::Keyed { .. }
            | TableOwner::Root { .. }
            | TableOwner::Shared
            | TableOwner::Undeclared => {}
        }
        if !(tenants.is_empty() && known.is_empty()) {
            known.extend(own_names(table, fired.after_row).into_iter().filter_map(|(row, column)| {
                let names = vec![Named::Row(table.name.clone(), column.to_owned())];
                let param = param(row, column).filter(|param| !bound.is_assigned(*param))?;
                Some(KnownValue { param, names, is_new: false, chosen: false })
            }));
        }
        Ok(AtTable { bound, tenants, known })
    }
}

/// The columns that name the row itself: of the old row, and of the new one once it is there.
fn own_names(table: &Table, after_row: bool) -> Vec<(&'static str, &str)> {
    let mut names = Vec::new();
    for key in &table.keys {
        let is_plain = key.kind != KeyKind::Exclusion && key.predicate.is_none() && !key.deferrable;
        let ([column], true) = (key.columns.as_slice(), is_plain && !key.has_expressions) else { continue };
        names.push(("old", column.as_str()));
        if after_row {
            names.push(("new", column.as_str()));
        }
    }
    names
}

fn domains(tenancy: &Tenancy) -> BTreeSet<DomainId> {
    let owners = tenancy.tables.values().map(|table| &table.owner);
    let keys = owners.flat_map(|owner| match owner {
        TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => keys.as_slice(),
        TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => &[],
    });
    keys.map(|(_, domain)| *domain).collect()
}

/// The statement that selects what a function returns, where it does nothing else.
pub(crate) fn only_returned(function: &Function) -> Option<Vec<ParsedStatement>> {
    let body = read(&function.body);
    let plain = body.unread.is_empty()
        && body.variables.is_empty()
        && body.assigned.is_empty()
        && !function.has_own_settings
        && function.columns.is_empty();
    // A query in it would see what the statement around has changed so far.
    let lower = function.body.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let plain = plain && !words.any(|word| matches!(word, "select" | "from" | "table" | "with" | "values"));
    match (body.parts.as_slice(), body.returned.as_slice()) {
        ([part], [0]) if plain && !part.handled => Some(statements(Dialect::Postgres, &part.text)),
        _ => None,
    }
}

/// A body whose parts are bound.
pub(super) struct Bound<'a> {
    catalog: &'a Catalog,
    tenancy: &'a Tenancy,
    pub(super) body: Body,
    variables: Variables,
    pub(super) plans: Vec<(Plan, bool)>,
    acts: bool,
    asks_settings: bool,
    /// As the policy has it, but that errors are seen.
    strict: Tenancy,
}

/// What the proofs of all parts say together.
#[derive(Default)]
struct Together {
    domains: BTreeSet<DomainId>,
    tables: BTreeSet<QualifiedName>,
    assumptions: BTreeSet<String>,
}

impl<'a> Bound<'a> {
    pub(super) fn of(
        catalog: &'a Catalog,
        tenancy: &'a Tenancy,
        function: &Function,
        row: Option<&Table>,
        around: &Around,
    ) -> Result<Bound<'a>, String> {
        let read = match function.language.as_str() {
            "plpgsql" => read,
            "sql" => read_sql,
            language => return Err(not_read(language)),
        };
        if catalog.dialect != Dialect::Postgres {
            return Err("what its body is now is not known".to_owned());
        }
        if around.functions.len() >= CALLS || around.contains(&function.name) {
            return Err("it calls itself, or too many others".to_owned());
        }
        if function.has_own_settings {
            return Err("it has settings of its own, or a list of arguments".to_owned());
        }
        let body = read(&function.body);
        if let Some(unread) = body.unread.first() {
            return Err(format!("{} is not read", unread.what));
        }
        // Casts and operators of the schema's own run where values are assigned and compared.
        if catalog.operators.iter().any(|own| !own.what.starts_with("aggregate")) {
            return Err("the schema has operators or casts of its own".to_owned());
        }
        let variables = Variables::of(catalog, function, &body, row)?;
        let lower = function.body.to_ascii_lowercase();
        let asks_settings =
            ["current_setting", "_user", "current_role"].iter().any(|word| lower.contains(word));
        let strict = Tenancy { strict_errors: true, ..tenancy.clone() };
        let mut bound = Bound {
            catalog,
            tenancy,
            body,
            variables,
            plans: Vec::new(),
            acts: false,
            asks_settings,
            strict,
        };
        let inner = around.within(&function.name);
        for at in 0..bound.body.parts.len() {
            bound.bind(at, &inner)?;
        }
        Ok(bound)
    }

    fn bind(&mut self, at: usize, around: &Around) -> Result<(), String> {
        let Some(part) = self.body.parts.get(at) else { return Ok(()) };
        let (text, variables) = match &part.what {
            What::Statement | What::Value => (part.text.clone(), self.variables.clone()),
            What::Dynamic { using } => {
                let text = constant(&part.text)
                    .ok_or_else(|| "a statement is put together when it is run".to_owned())?;
                (text, self.numbered(using))
            }
        };
        let parsed = statements(Dialect::Postgres, &text);
        let [parsed] = parsed.as_slice() else {
            return Err("a part of it is not one statement".to_owned());
        };
        let tenancy = if part.handled { &self.strict } else { self.tenancy };
        let mut plan = bind_part(self.catalog, tenancy, parsed, &variables, around);
        if let Some(obstacle) = plan.obstacles.first() {
            return Err(obstacle.message.clone());
        }
        may_run(parsed, &plan)?;
        if !plan.modifying.is_empty() || !matches!(plan.main, Action::Query(_)) {
            self.acts = true;
        }
        self.acts |= plan.calls.iter().any(|call| call.acts);
        plan.param_types.resize((self.variables.count() as usize).max(plan.param_types.len()), Vec::new());
        let handled = part.handled;
        self.plans.push((plan, handled));
        Ok(())
    }

    /// The values of the placeholders of a text that is executed: a variable, or any value.
    fn numbered(&self, using: &[usize]) -> Variables {
        let mut count = self.variables.count();
        let values = using.iter().map(|part| {
            let named = self.body.parts.get(*part).and_then(|part| self.named_by(part));
            named.unwrap_or_else(|| {
                count += 1;
                Meaning { param: count, ty: None }
            })
        });
        let values = values.collect();
        Variables::numbered(count, values)
    }

    /// The parameters that may carry the tenant: those that are not assigned.
    pub(super) fn candidates(&self, function: &Function) -> Vec<u32> {
        let count = u32::try_from(function.params.len()).unwrap_or(0);
        (1..=count).filter(|param| !self.is_assigned(*param)).collect()
    }

    fn is_assigned(&self, param: u32) -> bool {
        let is_it =
            |path: &[&str]| self.variables.meaning(path).is_some_and(|meaning| meaning.param == param);
        self.body.assigned.iter().any(|path| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            (1..=path.len()).any(|length| path.get(..length).is_some_and(is_it))
        })
    }

    /// The variables that begin as what one of these values is, and stay it.
    pub(super) fn copies(&self, of: &BTreeSet<u32>) -> BTreeSet<u32> {
        let declared = self.body.variables.iter().filter_map(|variable| {
            let meaning = self.variables.meaning(&[&variable.name])?;
            let part = self.body.parts.get(variable.initial?)?;
            let first = self.named_by(part)?;
            let is_copy = of.contains(&first.param) && first.ty.is_some() && first.ty == meaning.ty;
            (is_copy && !self.is_assigned(meaning.param)).then_some(meaning.param)
        });
        declared.collect()
    }

    /// The variable that an expression is, if it is nothing else.
    fn named_by(&self, part: &Part) -> Option<Meaning> {
        let text = part.text.get(part.lead as usize..)?.trim().to_ascii_lowercase();
        match text.strip_prefix('$').and_then(|number| number.parse().ok()) {
            Some(number) => self.variables.number(number),
            None => self.variables.meaning(&text.split('.').collect::<Vec<_>>()),
        }
    }

    /// What is said of one part, and the kinds of tenants that it is tied to.
    fn proved(
        &self,
        (plan, handled): &(Plan, bool),
        tenants: &[TenantValue],
        known: &[KnownValue],
    ) -> (Verdict, BTreeSet<DomainId>) {
        let tenancy = if *handled { &self.strict } else { self.tenancy };
        prove_with_domains(self.catalog, tenancy, plan, tenants, known, Policies::Ignored)
    }

    fn prove(&self, tenants: &[TenantValue], known: &[KnownValue]) -> Result<Together, String> {
        let mut together = Together::default();
        for part in &self.plans {
            let (verdict, domains) = self.proved(part, tenants, known);
            match verdict {
                Verdict::Scoped(proof) => {
                    together.tables.extend(proof.tables);
                    together.assumptions.extend(proof.assumptions);
                    together.domains.extend(domains);
                }
                Verdict::Leaks(leaks) => {
                    let leak = leaks.first();
                    let why = leak.map(|leak| format!("`{}`: {}", leak.table.name, leak.message));
                    return Err(why.unwrap_or_default());
                }
                Verdict::Undecided(obstacles) => {
                    return Err(obstacles.first().map(|it| it.message.clone()).unwrap_or_default());
                }
            }
        }
        // One value of two kinds of tenants is two tenants.
        match together.domains.len() {
            0 | 1 => Ok(together),
            _ => Err("it ties more than one kind of tenant".to_owned()),
        }
    }
}

/// Why nothing is said of bodies in a language.
pub(crate) fn not_read(language: &str) -> String {
    match language {
        UNREAD_BODY => "what its body is now is not known".to_owned(),
        _ => format!("bodies in `{language}` are not read"),
    }
}

/// Statements that change nothing but rows: settings, roles, transactions and the schema stay as they are.
fn may_run(parsed: &ParsedStatement, plan: &Plan) -> Result<(), String> {
    let refused = match &parsed.statement {
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Lock(_) => None,
        Statement::Truncate(_) => Some("`TRUNCATE`"),
        Statement::CopyTable { .. } | Statement::CopyQuery(_) => Some("`COPY`"),
        Statement::Set { .. } => Some("`SET`"),
        Statement::Show(_) => Some("`SHOW`"),
        Statement::Transaction => Some("the end of a transaction"),
        Statement::Rowless => Some("a statement about upkeep, messages or transactions"),
        Statement::Call(_) => Some("`CALL`"),
        Statement::Explain(_) => Some("`EXPLAIN`"),
        Statement::Do { .. } => Some("`DO`"),
        Statement::Unsupported(_) => Some("a statement that is not modelled"),
    };
    match refused {
        Some(what) => Err(format!("{what} in it is not modelled")),
        None if matches!(plan.main, Action::SetTenant { .. } | Action::Unmodelled) => {
            Err("it sets what carries the tenant".to_owned())
        }
        None => Ok(()),
    }
}

/// The string that an expression is, if it is nothing else.
fn constant(text: &str) -> Option<String> {
    match &ast::only_item(&statements(Dialect::Postgres, text))?.kind {
        ast::ExprKind::String(text) => Some(text.clone()),
        _ => None,
    }
}

impl Body {
    /// What a trigger's function returns is the row that it was called for, or none.
    fn returns_own_row(&self, text: &str) -> Result<(), String> {
        let is_row = |part: &Part| {
            let returned = part.range.slice(text).trim().to_ascii_lowercase();
            ["new", "old", "null"].contains(&returned.as_str())
        };
        let mut returned = self.returned.iter().filter_map(|at| self.parts.get(*at));
        match returned.all(is_row) {
            true => Ok(()),
            false => Err("it returns another row than the one that it was called for".to_owned()),
        }
    }
}
