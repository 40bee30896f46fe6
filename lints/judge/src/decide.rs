//! From a site to its verdict: which placeholder carries the tenant is decided by where the bound values come from.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::Dialect;
use tenantry_prover::catalog::QualifiedName;
use tenantry_prover::tenancy::{DomainId, Tenancy};
use tenantry_prover::verdict::{
    Basis, KnownValue, Leak, LeakKind, Nullability, Obstacle, ObstacleKind, Proof, TenantSource, TenantValue,
    Verdict,
};
use tenantry_source::{BUILT, Bind, HoleKind, NEW, Piece, ProvenanceKind, QuerySite, Said, SqlText};
use tenantry_span::{Span, TextRange};

use crate::guarded::{Guarded, by_checks};
use crate::rows::Known;
use crate::statement::{BoundStatement, Schema};

/// How the assumption that callers pass their own tenant begins.
pub const CALLERS: &str = "callers pass their own tenant";

/// How the assumption ends on which a proof rests that takes an id made here for the tenant.
pub const FRESH: &str = "is made here and names no tenant yet";

/// The way of a value, from where it enters down to the statement: places, with a word at each.
pub type Way = Vec<(Span, String)>;

/// What is said of one statement of one text.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The text, as an index into the site's.
    pub text: usize,
    /// The verdict.
    pub verdict: Verdict,
    /// The tables that it touches and that belong to tenants, as far as the text is known.
    pub tables: BTreeSet<QualifiedName>,
    /// What is wrong besides what the verdict says.
    pub cause: Cause,
}

/// A value that is written into a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub place: Span,
    /// The expression, as it is written.
    pub expression: String,
    /// The way it came, last step first.
    pub way: Way,
}

/// Why a statement is not scoped, where the verdict alone does not say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The verdict says all.
    Verdict,
    /// The tenant is whatever the request says: the bind's index.
    UntrustedBind(usize),
    /// A value is written into the text.
    RawValue(Written),
    /// What a request says is written into the text.
    RequestText(Written),
    /// A part of the text is not known: the hole's place.
    UnknownPart(Span),
    /// The tenant is whatever a request says that reaches the function: the ways it comes.
    UntrustedCallers(Vec<Way>),
    /// The filter that ties it to the tenant is added only under a condition: an index into the site's.
    FailOpen(usize),
    /// The row is compared with the tenant, but used where it was not: an index into the site's checks.
    Unchecked(usize),
    /// It sets the tenant for the whole session of its connection.
    SessionWide,
}

/// The most values that are tried for the tenant one at a time.
const MAX_LONE: usize = 12;

/// Decides all texts of a site.
pub fn decide(schema: Schema<'_>, site: &QuerySite) -> Vec<Decision> {
    decide_knowing(schema, site, &Known::default())
}

/// The same on a database whose rows all belong to one tenant: a statement that was understood reaches no other tenant's
/// row there. One that was not understood stays undecided: it may do anything, elsewhere too.
pub fn of_one_tenant(decisions: &mut [Decision], database: &str, why: &str) {
    for decision in decisions.iter_mut().filter(|decision| is_understood(decision)) {
        decision.verdict = Verdict::Scoped(Proof {
            basis: Basis::NoTenantData,
            assumptions: vec![format!("every row of the database `{database}` belongs to one tenant: {why}")],
            steps: Vec::new(),
            pins: BTreeSet::new(),
            kinds: BTreeSet::new(),
            tables: BTreeSet::new(),
            returns: Vec::new(),
            given: Vec::new(),
        });
        decision.tables.clear();
        decision.cause = Cause::Verdict;
    }
}

/// The kind of tenant keys that a value is called as, if it is called as one: `app_id` is no `org_id`, whoever has both.
pub fn kind_of(tenancy: &Tenancy, bind: &Bind) -> Option<DomainId> {
    kind_called(tenancy, &bind.key, bind.provenance.checked_as.as_deref())
}

/// The same, of the key of an expression, and of the name under which a guard has checked it.
pub fn kind_called(tenancy: &Tenancy, key: &str, checked_as: Option<&str>) -> Option<DomainId> {
    let last = key.rsplit('.').next().map(|name| name.trim_end_matches("()"));
    tenancy.domain_called(checked_as.or(last)?)
}

/// The proof may rest on the setting of the session, by what the statement compares itself.
pub fn reads_setting(schema: Schema<'_>, site: &QuerySite, decision: &Decision) -> bool {
    let is_setting = |source: &TenantSource| matches!(source, TenantSource::Setting(_));
    let may_rest = match &decision.verdict {
        Verdict::Scoped(proof) => proof.basis != Basis::RowSecurity && proof.pins.iter().any(is_setting),
        Verdict::Leaks(_) | Verdict::Undecided(_) => false,
    };
    let reads = |sql: String| schema.bind(&sql).iter().any(BoundStatement::reads_settings);
    let text = || site.texts.get(decision.text)?.known_in(schema.dialect, &[]);
    may_rest && text().is_none_or(reads)
}

/// True if the text is known and was read, and all that is missing is whose the rows are.
fn is_understood(decision: &Decision) -> bool {
    if matches!(decision.cause, Cause::RawValue(_) | Cause::RequestText(_) | Cause::UnknownPart(_)) {
        return false;
    }
    let of_ownership = |kind: ObstacleKind| match kind {
        ObstacleKind::NotProved | ObstacleKind::UndeclaredOwner | ObstacleKind::UntracedBind => true,
        ObstacleKind::Syntax
        | ObstacleKind::Unmodelled
        | ObstacleKind::UnknownTable
        | ObstacleKind::UnknownColumn
        | ObstacleKind::UnknownFunction
        | ObstacleKind::Limit
        | ObstacleKind::DynamicText => false,
    };
    match &decision.verdict {
        Verdict::Scoped(_) | Verdict::Leaks(_) => true,
        Verdict::Undecided(obstacles) => obstacles.iter().all(|obstacle| of_ownership(obstacle.kind)),
    }
}

/// The same, with what is known of values that earlier statements returned.
pub fn decide_knowing(schema: Schema<'_>, site: &QuerySite, known: &Known) -> Vec<Decision> {
    let is_run = |text: &SqlText| !is_refused(schema.dialect, text);
    let all_refused = !site.texts.iter().any(is_run);
    let texts = site.texts.iter().enumerate().filter(|(_, text)| all_refused || is_run(text));
    texts.flat_map(|(at, text)| decide_text(schema, site, known, at, text)).collect()
}

/// True for a text with an empty list, `IN ()`, which PostgreSQL and MySQL refuse: it is what is left of a list that is made
/// of no item.
fn is_refused(dialect: Dialect, text: &SqlText) -> bool {
    if !matches!(dialect, Dialect::Postgres | Dialect::Mysql) {
        return false;
    }
    let Some(sql) = text.known_in(dialect, &[]) else { return false };
    let is_odd = |mark: &str| sql.contains(mark);
    if ["\"", "`", "\\", "--", "/*", "#", "$$", ";"].into_iter().any(is_odd) {
        return false;
    }
    sql.match_indices('(').any(|(at, _)| {
        let (before, after) = (sql.get(..at).unwrap_or_default(), sql.get(at + 1..).unwrap_or_default());
        let word = before.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
        after.trim_start().starts_with(')')
            && word.is_some_and(|word| word.eq_ignore_ascii_case("in"))
            && before.matches('\'').count() % 2 == 0
    })
}

fn decide_text(
    schema: Schema<'_>,
    site: &QuerySite,
    known: &Known,
    at: usize,
    text: &SqlText,
) -> Vec<Decision> {
    let Some(sql) = text.known_in(schema.dialect, &[]) else {
        return vec![dynamic(at, text)];
    };
    let statements = schema.bind(&sql);
    if statements.is_empty() {
        let whole = TextRange::from_usize(0, sql.len());
        let verdict = undecided(ObstacleKind::Unmodelled, whole, "the text holds no statement".to_owned());
        return vec![Decision { text: at, verdict, tables: BTreeSet::new(), cause: Cause::Verdict }];
    }
    let decide = |(number, statement): (usize, &BoundStatement)| {
        let (mut verdict, mut cause) = Phases { schema, site, statement, known }.decide();
        let is_open = !matches!(verdict, Verdict::Scoped(_)) && statements.len() == 1;
        let checked = if is_open { by_checks(schema, site, known, &sql, statement) } else { None };
        match checked {
            Some(Guarded::Scoped(proof)) => (verdict, cause) = (Verdict::Scoped(proof), Cause::Verdict),
            Some(Guarded::Late(check)) => cause = Cause::Unchecked(check),
            None => {}
        }
        if !matches!(verdict, Verdict::Scoped(_))
            && cause == Cause::Verdict
            && let Some(condition) = fails_open(schema, site, known, text, number)
        {
            cause = Cause::FailOpen(condition);
        }
        if statement.outlives_transaction() {
            cause = Cause::SessionWide;
        }
        Decision { text: at, verdict, tables: statement.tables.clone(), cause }
    };
    statements.iter().enumerate().map(decide).collect()
}

/// The verdict on a statement by the binds of a site.
pub fn prove_with(
    schema: Schema<'_>,
    site: &QuerySite,
    statement: &BoundStatement,
    known: &Known,
) -> (Verdict, Cause) {
    Phases { schema, site, statement, known }.decide()
}

/// The condition without which the statement would be scoped: its filter would always be there.
fn fails_open(
    schema: Schema<'_>,
    site: &QuerySite,
    known: &Known,
    text: &SqlText,
    number: usize,
) -> Option<usize> {
    let here = |number: u32| {
        text.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Placeholder { number: known, .. } if *known == number))
    };
    let conditions = site.conditions.iter().enumerate().filter(|(_, condition)| here(condition.number));
    let conditions: Vec<(usize, u32)> =
        conditions.map(|(at, condition)| (at, condition.number)).take(MAX_CONDITIONS).collect();
    let scoped = |off: &[u32]| {
        let statements = text.known_in(schema.dialect, off).map(|sql| schema.bind(&sql));
        statements
            .and_then(|mut statements| (number < statements.len()).then(|| statements.remove(number)))
            .is_some_and(|statement| {
                let (verdict, _) = Phases { schema, site, statement: &statement, known }.decide();
                matches!(verdict, Verdict::Scoped(_))
            })
    };
    let (first, rest) = conditions.split_first()?;
    let all: Vec<u32> = conditions.iter().map(|(_, number)| *number).collect();
    // What all of them leave unscoped one of them does not scope.
    if !scoped(&all) {
        return None;
    }
    let alone = conditions.iter().find(|(_, number)| !rest.is_empty() && scoped(&[*number]));
    Some(alone.unwrap_or(first).0)
}

/// The most conditions of a statement that are tried one at a time.
const MAX_CONDITIONS: usize = 12;

fn undecided(kind: ObstacleKind, range: TextRange, message: String) -> Verdict {
    Verdict::Undecided(vec![Obstacle { kind, range, message, help: None }])
}

/// A text that is not known as a whole.
fn dynamic(at: usize, text: &SqlText) -> Decision {
    let mut before = String::new();
    let mut unknown = None;
    let mut number = None;
    let mut said = None;
    let mut way = Vec::new();
    for piece in &text.pieces {
        match piece {
            Piece::Literal { value, .. } | Piece::Built { text: value, .. } => before.push_str(value),
            // What ends in neither of them stands for no value of the text.
            Piece::Name { .. } | Piece::Placeholder { .. } => before.push('x'),
            Piece::Hole { span, text, kind: HoleKind::Integer } => {
                before.push('0');
                number.get_or_insert((*span, text.clone()));
            }
            Piece::Hole { span, text, kind: HoleKind::Unread(why) } => {
                unknown.get_or_insert((*span, text.clone(), why.clone(), false));
                before.clear();
            }
            Piece::Hole { span, text, kind: HoleKind::Handed(_) } => {
                let why = format!("whoever calls the function says what `{text}` is");
                unknown.get_or_insert((*span, text.clone(), why, false));
                before.clear();
            }
            Piece::Hole { span, text, kind: HoleKind::Parameter(_) } if !stands_for_a_value(&before) => {
                let why = format!("the parameter `{text}`");
                unknown.get_or_insert((*span, text.clone(), why, false));
                before.clear();
            }
            Piece::Hole { span, text, kind: HoleKind::Parameter(_) } => {
                unknown = Some((*span, text.clone(), String::new(), true));
                break;
            }
            Piece::Hole { span, text, kind: HoleKind::Unknown(of) } => {
                let raw = of.why != BUILT && stands_for_a_value(&before);
                if of.said == Some(Said::Text) || raw && of.said.is_some() {
                    said.get_or_insert((*span, text, &of.way));
                }
                if raw {
                    way.clone_from(&of.way);
                    unknown = Some((*span, text.clone(), of.why.clone(), raw));
                    break;
                }
                unknown.get_or_insert((*span, text.clone(), of.why.clone(), raw));
                // An unknown part ends what is known of the syntax, so quotes are counted anew.
                before.clear();
            }
        }
    }
    let written = |text: &str| format!("`{text}` is written into the SQL text");
    let (message, cause) = match (said, unknown, number) {
        (Some((place, expression, way)), _, _) => {
            let (expression, way) = (expression.clone(), way.clone());
            (written(&expression), Cause::RequestText(Written { place, expression, way }))
        }
        (None, Some((place, expression, _, true)), _) => {
            (written(&expression), Cause::RawValue(Written { place, expression, way }))
        }
        (None, Some((span, text, why, false)), _) => {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            (format!("what `{text}` adds to the SQL text is not known{why}"), Cause::UnknownPart(span))
        }
        (None, None, Some((span, text))) => {
            let message = format!(
                "`{text}` is no number of its own in the SQL text, but part of a name, a placeholder or a comment"
            );
            (message, Cause::UnknownPart(span))
        }
        (None, None, None) => ("the SQL text is not known as a whole".to_owned(), Cause::Verdict),
    };
    let is_chain =
        |piece: &Piece| matches!(piece, Piece::Hole { kind: HoleKind::Unread(_) | HoleKind::Handed(_), .. });
    let help = match text.pieces.iter().any(is_chain) {
        true => "write the query out in the function that runs it, with the library's own methods",
        false => "write the text as a literal or constant, with a placeholder for every value",
    };
    let verdict = Verdict::Undecided(vec![Obstacle {
        kind: ObstacleKind::DynamicText,
        range: TextRange::default(),
        message,
        help: Some(help.to_owned()),
    }]);
    Decision { text: at, verdict, tables: BTreeSet::new(), cause }
}

/// What is written into the texts of a site as a value: that needs no schema.
pub(crate) fn written_values(site: &QuerySite) -> Vec<Decision> {
    let texts = site.texts.iter().enumerate().filter(|(_, text)| text.known().is_none());
    let is_value = |decision: &Decision| matches!(decision.cause, Cause::RawValue(_) | Cause::RequestText(_));
    texts.map(|(at, text)| dynamic(at, text)).filter(is_value).collect()
}

/// True if a value stands after `before`: within a string, after an operator, or after words that a value follows.
fn stands_for_a_value(before: &str) -> bool {
    if ends_in_a_string(before) {
        return true;
    }
    let before = before.trim_end();
    let mut words = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (word, before_it) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let is_any = |known: &[&str], word: &str| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    before.ends_with(['=', '<', '>', '~', '+'])
        || before.ends_with("||")
        || is_any(&["like", "ilike", "limit", "offset", "between", "interval"], word)
        || is_any(&["from"], word) && is_any(&["distinct"], before_it)
}

/// True if what follows `text` stands in a string: one in quotes, or between dollars. Apostrophes in comments and in quoted
/// names open none.
fn ends_in_a_string(text: &str) -> bool {
    let mut rest = text;
    loop {
        let Some(at) = rest.find(['\'', '"', '-', '/', '$']) else { return false };
        let (before, here) = rest.split_at(at);
        let (open, close, is_string) = if here.starts_with("--") {
            ("--", "\n", false)
        } else if here.starts_with("/*") {
            ("/*", "*/", false)
        } else if here.starts_with('\'') {
            ("'", "'", true)
        } else if here.starts_with('"') {
            ("\"", "\"", false)
        } else if let Some(tag) = dollar_quote(before, here) {
            (tag, tag, true)
        } else {
            rest = here.get(1..).unwrap_or_default();
            continue;
        };
        let inside = here.get(open.len()..).unwrap_or_default();
        let Some(end) = inside.find(close) else { return is_string };
        rest = inside.get(end + close.len()..).unwrap_or_default();
    }
}

/// `$$` or `$tag$` at the beginning of `here`, which no name stands right before.
fn dollar_quote<'t>(before: &str, here: &'t str) -> Option<&'t str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let tag = here.get(1..)?.split_once('$')?.0;
    let is_tag = tag.chars().all(is_name) && !tag.starts_with(|c: char| c.is_ascii_digit());
    (is_tag && !before.ends_with(is_name)).then(|| here.get(..tag.len() + 2)).flatten()
}

/// The proof of one statement under ever more values taken for the tenant.
struct Phases<'a> {
    schema: Schema<'a>,
    site: &'a QuerySite,
    statement: &'a BoundStatement,
    known: &'a Known,
}

impl Phases<'_> {
    fn decide(&self) -> (Verdict, Cause) {
        use ProvenanceKind::{Fresh, Guarded, Literal, Parameter, Request, Row, Trusted, Unknown};
        let Some(binds) = &self.site.binds else {
            return (self.without_binds(), Cause::Verdict);
        };
        let sure = [Trusted, Guarded];
        let trusted = self.prove(binds, &sure);
        if let Some(proof) = self.scoped(&trusted, binds, &sure, Guarded) {
            return (Verdict::Scoped(proof), Cause::Verdict);
        }
        if let Some(proof) = self.by_rows(binds) {
            return (Verdict::Scoped(proof), Cause::Verdict);
        }
        if binds.iter().any(|bind| bind.provenance.kind == Fresh) {
            let kinds = [Trusted, Guarded, Fresh];
            let made = self.prove(binds, &kinds);
            if let Some(proof) = self.scoped(&made, binds, &kinds, Fresh) {
                return (Verdict::Scoped(assume_fresh(proof, binds)), Cause::Verdict);
            }
        }
        let mut kinds = vec![Trusted, Guarded, Parameter];
        let mut callers = self.prove(binds, &kinds);
        let has_trusted = binds.iter().any(|bind| [Trusted, Guarded].contains(&bind.provenance.kind));
        if let Some(proof) = self.scoped(&callers, binds, &kinds, Parameter) {
            // With the tenant at hand, another value in its place may be one that was bound out of order.
            let out_of_order = has_trusted && pinning(&proof, binds, &[Trusted, Guarded]).is_none();
            return match pinning(&proof, binds, &[Parameter]).filter(|_| out_of_order) {
                Some(at) => (self.another(binds, at), Cause::Verdict),
                None => (Verdict::Scoped(assume_callers(proof, binds)), Cause::Verdict),
            };
        }
        if has_trusted {
            // Who holds the authenticated tenant does not take another one from a parameter.
            kinds = vec![Trusted, Guarded];
            callers = trusted;
        }
        kinds.push(Request);
        let asked = self.prove(binds, &kinds);
        if let Some(proof) = self.scoped(&asked, binds, &kinds, Request)
            && let Some(at) = pinning(&proof, binds, &[Request])
        {
            return (self.untrusted(&proof), Cause::UntrustedBind(at));
        }
        kinds.extend([Fresh, Row, Unknown]);
        match self.prove_padded(binds, &kinds) {
            Verdict::Scoped(proof) => {
                (self.untraced(&proof, binds, &[Row, Unknown, Request]), Cause::Verdict)
            }
            Verdict::Undecided(obstacles) => match callers {
                // A value whose origin is not known may be the tenant: what leaks without it may be tied by it.
                Verdict::Leaks(_) => (Verdict::Undecided(obstacles), Cause::Verdict),
                other => (other, Cause::Verdict),
            },
            Verdict::Leaks(leaks) => {
                kinds.push(Literal);
                if let Verdict::Scoped(proof) = self.prove_padded(binds, &kinds) {
                    return (self.fixed(&proof), Cause::Verdict);
                }
                match callers {
                    Verdict::Undecided(obstacles) => (Verdict::Undecided(obstacles), Cause::Verdict),
                    _ => (Verdict::Leaks(leaks), Cause::Verdict),
                }
            }
        }
    }

    /// The proof under all values of `kinds`, or, where these are too many for one tenant, under those of one `kind`
    /// at a time: the others are then arbitrary, which weakens nothing.
    fn scoped(
        &self,
        all: &Verdict,
        binds: &[Bind],
        kinds: &[ProvenanceKind],
        kind: ProvenanceKind,
    ) -> Option<Proof> {
        if let Verdict::Scoped(proof) = all {
            return Some(proof.clone());
        }
        let surer: Vec<ProvenanceKind> = kinds.iter().copied().filter(|known| *known != kind).collect();
        let base = self.tenants(binds, &surer);
        let lone = self.tenants(binds, &[kind]).into_iter().filter(|value| {
            // The settings stand in `base` already.
            value.sources.iter().any(|source| matches!(source, TenantSource::Param(_)))
        });
        lone.take(MAX_LONE).find_map(|value| {
            let tenants: Vec<TenantValue> = base.iter().cloned().chain([value]).collect();
            match self.prove_of(binds, &tenants) {
                Verdict::Scoped(proof) => Some(proof),
                Verdict::Leaks(_) | Verdict::Undecided(_) => None,
            }
        })
    }

    /// The proof that rests on rows which earlier statements returned, and on what these took for the tenant.
    fn by_rows(&self, binds: &[Bind]) -> Option<Proof> {
        let known = self.known;
        if known.values.is_empty() {
            return None;
        }
        let mut tenants: BTreeMap<&str, TenantValue> = BTreeMap::new();
        for (number, bind) in (1..).zip(binds).filter(|(_, bind)| known.keys.contains(&bind.key)) {
            let value = tenants.entry(&bind.key).or_default();
            insert(value, number, bind);
            value.domain = kind_of(self.schema.tenancy, bind);
        }
        let mut tenants: Vec<TenantValue> = tenants.into_values().collect();
        let settings = known.settings.iter().cloned().map(TenantSource::Setting);
        tenants.extend(settings.map(|setting| TenantValue {
            sources: BTreeSet::from([setting]),
            nullable: Nullability::Never,
            ..TenantValue::default()
        }));
        let values: Vec<KnownValue> = known.values.iter().cloned().chain(self.of_binds(binds)).collect();
        match self.schema.prove_knowing(self.statement, &tenants, &values) {
            Verdict::Scoped(mut proof) => {
                proof.assumptions.extend(known.assumptions.iter().cloned());
                Some(proof)
            }
            Verdict::Leaks(_) | Verdict::Undecided(_) => None,
        }
    }

    /// The values of these kinds: those that are known to be the tenant as one, the others by what they are. What guards
    /// have checked is the actor's, but two such values need not be one tenant.
    fn tenants(&self, binds: &[Bind], kinds: &[ProvenanceKind]) -> Vec<TenantValue> {
        let settings = self.schema.tenancy.settings.iter().cloned().map(TenantSource::Setting);
        // By the domain that their names tell.
        let mut own: BTreeMap<Option<DomainId>, TenantValue> = BTreeMap::new();
        own.insert(None, TenantValue { sources: settings.collect(), is_own: true, ..TenantValue::default() });
        let mut alike: BTreeMap<(Option<DomainId>, &str), BTreeSet<TenantSource>> = BTreeMap::new();
        let mut groups: BTreeMap<&str, TenantValue> = BTreeMap::new();
        for (number, bind) in (1..).zip(binds) {
            if !kinds.contains(&bind.provenance.kind) {
                continue;
            }
            let is_own = bind.provenance.kind == ProvenanceKind::Trusted;
            let domain = kind_of(self.schema.tenancy, bind);
            let value =
                if is_own { own.entry(domain).or_default() } else { groups.entry(&bind.key).or_default() };
            insert(value, number, bind);
            (value.domain, value.is_own) = (domain, is_own);
            if is_own {
                alike.entry((domain, &bind.key)).or_default().insert(TenantSource::Param(number));
            }
        }
        for ((domain, _), group) in alike.into_iter().filter(|(_, group)| group.len() > 1) {
            if let Some(value) = own.get_mut(&domain) {
                value.alike.push(group);
            }
        }
        for value in groups.values_mut().filter(|value| value.sources.len() > 1) {
            value.alike = vec![value.sources.clone()];
        }
        let own = own.into_values().filter(|value| !value.sources.is_empty());
        own.chain(groups.into_values()).collect()
    }

    fn prove(&self, binds: &[Bind], kinds: &[ProvenanceKind]) -> Verdict {
        self.prove_of(binds, &self.tenants(binds, kinds))
    }

    /// The proof where these are the tenant, and what was made at random for this statement is in no row yet.
    fn prove_of(&self, binds: &[Bind], tenants: &[TenantValue]) -> Verdict {
        self.schema.prove_knowing(self.statement, tenants, &self.of_binds(binds))
    }

    /// Ids that were made for this statement, and what others choose. What a function was handed may have been bound by it before.
    fn of_binds(&self, binds: &[Bind]) -> Vec<KnownValue> {
        let is_new = |bind: &Bind| {
            let steps = &bind.provenance.steps;
            self.site.runs_at.is_none() && !bind.each && steps.iter().any(|(_, word)| word == NEW)
        };
        let is_chosen = |bind: &Bind| {
            let kind = bind.provenance.kind;
            !bind.each && matches!(kind, ProvenanceKind::Parameter | ProvenanceKind::Request)
        };
        let values = (1..).zip(binds).map(|(param, bind)| KnownValue {
            param,
            names: Vec::new(),
            is_new: is_new(bind),
            chosen: is_chosen(bind),
        });
        values.filter(|value| value.is_new || value.chosen).collect()
    }

    /// The same, with placeholders that no bind was matched with as values of their own.
    fn prove_padded(&self, binds: &[Bind], kinds: &[ProvenanceKind]) -> Verdict {
        let mut tenants = self.tenants(binds, kinds);
        let bound = u32::try_from(binds.len()).unwrap_or(u32::MAX);
        tenants.extend((bound.saturating_add(1)..=self.statement.params).map(lone));
        self.prove_of(binds, &tenants)
    }

    /// Nothing is known of what is bound.
    fn without_binds(&self) -> Verdict {
        let settled = self.prove(&[], &[]);
        if matches!(settled, Verdict::Scoped(_)) {
            return settled;
        }
        match self.prove_padded(&[], &[]) {
            Verdict::Scoped(proof) => self.untraced(&proof, &[], &[]),
            other => other,
        }
    }

    /// The tenant is at hand, and the rows are those of another value.
    fn another(&self, binds: &[Bind], at: usize) -> Verdict {
        let text = |at: Option<usize>| at.and_then(|at| binds.get(at)).map_or("", |bind| bind.text.as_str());
        let own = binds.iter().position(|bind| {
            [ProvenanceKind::Trusted, ProvenanceKind::Guarded].contains(&bind.provenance.kind)
        });
        Verdict::Undecided(vec![Obstacle {
            kind: ObstacleKind::UntracedBind,
            range: self.statement.range,
            message: format!(
                "the rows are tied to `{}`, a parameter, and not to `{}`, which is the tenant's",
                text(Some(at)),
                text(own)
            ),
            help: Some(
                "compare the tenant key with the tenant; are the values bound in this order?".to_owned(),
            ),
        }])
    }

    fn untrusted(&self, proof: &Proof) -> Verdict {
        Verdict::Leaks(vec![self.leak(proof, LeakKind::Unscoped, "the tenant is whatever the request says")])
    }

    fn fixed(&self, proof: &Proof) -> Verdict {
        Verdict::Leaks(vec![self.leak(proof, LeakKind::FixedTenant, "the tenant is a fixed value")])
    }

    fn leak(&self, proof: &Proof, kind: LeakKind, message: &str) -> Leak {
        let table = proof.tables.first().cloned();
        let nowhere =
            || tenantry_prover::catalog::QualifiedName { schema: String::new(), name: String::new() };
        Leak {
            kind,
            table: table.unwrap_or_else(nowhere),
            alias: None,
            range: self.statement.range,
            message: message.to_owned(),
            help: None,
            related: Vec::new(),
            reasons: Vec::new(),
        }
    }

    fn untraced(&self, proof: &Proof, binds: &[Bind], kinds: &[ProvenanceKind]) -> Verdict {
        let bind = pinning(proof, binds, kinds).and_then(|at| binds.get(at));
        let message = match bind {
            Some(bind) => match bind.provenance.kind {
                ProvenanceKind::Row => format!(
                    "`{}` was read from the database earlier, by a statement that is not shown to return the tenant's rows",
                    bind.text
                ),
                _ => format!("where `{}` comes from is not known", bind.text),
            },
            None => "the value that would be the tenant could not be matched with an expression".to_owned(),
        };
        Verdict::Undecided(vec![Obstacle {
            kind: ObstacleKind::UntracedBind,
            range: self.statement.range,
            message,
            help: Some(
                "pass the tenant as a value of a trusted type, or name the expression under [trust]"
                    .to_owned(),
            ),
        }])
    }
}

/// Adds a placeholder to a value that may be the tenant.
fn insert(value: &mut TenantValue, number: u32, bind: &Bind) {
    value.sources.insert(TenantSource::Param(number));
    value.nullable = value.nullable.max(bind.nullable);
    if bind.each {
        value.lists.insert(number);
    }
}

fn lone(number: u32) -> TenantValue {
    // Nothing is known of it, so it may be NULL too.
    let sources = BTreeSet::from([TenantSource::Param(number)]);
    TenantValue { sources, nullable: Nullability::Maybe, ..TenantValue::default() }
}

/// The first bind of one of these kinds that the proof rests on.
fn pinning(proof: &Proof, binds: &[Bind], kinds: &[ProvenanceKind]) -> Option<usize> {
    let pins = |(number, bind): (u32, &Bind)| {
        kinds.contains(&bind.provenance.kind) && proof.pins.contains(&TenantSource::Param(number))
    };
    (1..).zip(binds).position(pins)
}

/// An id that was made here is no other tenant's: what is restricted to it concerns a tenant that is only being made.
fn assume_fresh(mut proof: Proof, binds: &[Bind]) -> Proof {
    if let Some(bind) = pinning(&proof, binds, &[ProvenanceKind::Fresh]).and_then(|at| binds.get(at)) {
        proof.assumptions.push(format!("`{}` {FRESH}", bind.text));
    }
    proof
}

fn assume_callers(mut proof: Proof, binds: &[Bind]) -> Proof {
    let pinned = (1..).zip(binds).filter(|(number, bind)| {
        bind.provenance.kind == ProvenanceKind::Parameter
            && proof.pins.contains(&TenantSource::Param(*number))
    });
    let mut names: Vec<&str> = pinned.map(|(_, bind)| bind.text.as_str()).collect();
    if names.is_empty() {
        names = binds
            .iter()
            .filter(|bind| bind.provenance.kind == ProvenanceKind::Parameter)
            .map(|bind| bind.text.as_str())
            .collect();
    }
    proof.assumptions.push(callers_pass(names));
    proof
}

/// What is taken for granted of callers where these expressions are the tenant.
pub fn callers_pass(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    format!("{CALLERS} as `{}`", names.join("`, `"))
}
