//! Whether the connection of a site had the tenant's setting set, where row level security rests on it.
//!
//! **Invariant:** a proof by row level security counts only where the setting was set for the transaction, on every way to
//! the site, to a value that is the tenant's; where that cannot be followed the statement is undecided, and says why.

use std::collections::{BTreeMap, BTreeSet};
use tenantry_prover::tenancy::DomainId;
use tenantry_prover::verdict::{Basis, Obstacle, ObstacleKind, Proof, TenantSource, Verdict};

use tenantry_source::{
    Bind, CalledWrapper, FileSites, Piece, ProvenanceKind, QuerySite, Session, SessionStep, SettingCall,
    SqlText, Wrapper, WrapperParam,
};
use tenantry_span::{FileId, TextRange};

use crate::decide::{Decision, callers_pass, kind_called, kind_of, reads_setting};
use crate::statement::{BoundStatement, Schema};

/// A file's sites and what is known of its connections.
pub(crate) struct Near<'a> {
    /// All sites of the file.
    pub(crate) sites: Vec<&'a QuerySite>,
    /// Its connections.
    pub(crate) sessions: &'a [Session],
    /// The functions of the workspace that hand a connection to a closure.
    pub(crate) wrappers: &'a Wrappers,
}

/// The functions that are handed a closure, by their names.
#[derive(Default)]
pub(crate) struct Wrappers {
    all: BTreeMap<String, Vec<Defined>>,
    /// The crates of the workspace, as paths name them.
    crates: BTreeSet<String>,
    /// Some statement of the workspace changes the role of its connection, or where names are looked up.
    change_ground: bool,
}

struct Defined {
    wrapper: Wrapper,
    /// What runs in it.
    sites: Vec<QuerySite>,
}

impl Wrappers {
    pub(crate) fn of<'f>(
        files: impl Iterator<Item = (FileId, &'f FileSites)>,
        crates: impl Iterator<Item = &'f str>,
    ) -> Wrappers {
        let crates = crates.map(|name| name.replace('-', "_")).collect();
        let mut found = Wrappers { crates, ..Wrappers::default() };
        for (file, read) in files {
            let mut texts = read.sites.iter().flat_map(|site| &site.texts).filter_map(SqlText::known);
            found.change_ground = found.change_ground || texts.any(|sql| changes_ground(&sql));
            for wrapper in &read.wrappers {
                let inside = |site: &&QuerySite| {
                    site.span.file == file && wrapper.within.contains_range(site.span.range)
                };
                let sites = read.sites.iter().filter(inside).cloned().collect();
                let defined = Defined { wrapper: wrapper.clone(), sites };
                found.all.entry(wrapper.name.clone()).or_default().push(defined);
            }
        }
        found
    }

    /// A call means a method of a library's connection, which begins a transaction: no method of the workspace is called so.
    fn only_begins(&self, called: &CalledWrapper) -> bool {
        let named = called.path.last().and_then(|name| self.all.get(name));
        called.begins && !named.is_some_and(|all| all.iter().any(|one| one.wrapper.is_method))
    }

    /// The functions that a call may mean; all of them are to be such.
    fn called(&self, called: &CalledWrapper) -> &[Defined] {
        let Some((name, before)) = called.path.split_last() else { return &[] };
        let roots = ["crate", "self", "super", "Self"];
        let is_own = |root: &String| roots.contains(&root.as_str()) || self.crates.contains(root);
        let is_ours = before.first().is_none_or(is_own);
        match self.all.get(name).filter(|_| is_ours) {
            Some(all) if all.iter().all(|one| one.wrapper.is_method == called.is_method) => all,
            _ => &[],
        }
    }
}

/// What is known of a connection.
type Settled = Result<Set, String>;

/// A setting that is set to the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Set {
    /// What is taken for granted, each a sentence.
    assumptions: Vec<String>,
    /// What it may be set to, by the keys of those expressions.
    keys: BTreeSet<String>,
    /// The kinds of tenants whose keys these are called as.
    kinds: BTreeSet<DomainId>,
}

impl Set {
    /// To an expression.
    fn to(schema: Schema<'_>, key: &str, checked_as: Option<&str>, assumption: Option<String>) -> Set {
        Set {
            assumptions: assumption.into_iter().collect(),
            keys: BTreeSet::from([key.to_owned()]),
            kinds: kind_called(schema.tenancy, key, checked_as).into_iter().collect(),
        }
    }

    fn add(&mut self, other: Set) {
        self.assumptions.extend(other.assumptions);
        self.keys.extend(other.keys);
        self.kinds.extend(other.kinds);
    }

    /// Why it is not what a proof takes it for.
    fn contradicts(&self, site: &QuerySite, proof: &Proof) -> Option<String> {
        let setting = |source: &TenantSource| matches!(source, TenantSource::Setting(_));
        let read: BTreeSet<DomainId> =
            proof.kinds.iter().filter(|(source, _)| setting(source)).map(|(_, kind)| *kind).collect();
        if read.iter().any(|read| self.kinds.iter().any(|kind| kind != read)) {
            return Some(
                "it is set to the key of another kind of tenants than it is compared with".to_owned(),
            );
        }
        let binds = site.binds.as_deref().unwrap_or_default();
        let is_torn =
            (1..).zip(binds).filter(|(_, bind)| self.keys.contains(&bind.key)).any(|(number, _)| {
                let mut kinds =
                    proof.kinds.iter().filter(|(source, _)| *source == TenantSource::Param(number));
                kinds.any(|(_, kind)| read.iter().any(|read| read != kind))
            });
        is_torn
            .then(|| "the value that it is set to is bound as the key of another kind of tenants".to_owned())
    }
}

/// Turns proofs by row level security into obstacles where the setting is not known to be set.
pub(crate) fn settle(schema: Schema<'_>, site: &QuerySite, near: &Near<'_>, decisions: &mut [Decision]) {
    let rests = |decision: &&mut Decision| matches!(&decision.verdict, Verdict::Scoped(proof) if proof.basis == Basis::RowSecurity);
    let mut settled = None;
    for decision in decisions.iter_mut().filter(rests) {
        let known = settled.get_or_insert_with(|| settled_for(schema, site, near));
        let Verdict::Scoped(proof) = &mut decision.verdict else { continue };
        match known.as_ref().map(|set| (set, set.contradicts(site, proof))) {
            Ok((set, None)) => proof.assumptions.extend(set.assumptions.iter().cloned()),
            Ok((_, Some(why))) => decision.verdict = unset(schema, proof, &why),
            Err(why) => decision.verdict = unset(schema, proof, why),
        }
    }
}

fn unset(schema: Schema<'_>, proof: &Proof, why: &str) -> Verdict {
    let setting = schema.tenancy.settings.first().map_or("the setting", String::as_str);
    let tables: Vec<String> = proof.tables.iter().map(|table| format!("`{}`", table.name)).collect();
    let message = format!(
        "row level security restricts {} to the tenant that `{setting}` names, and it is not known to be set here: {why}",
        tables.join(", ")
    );
    let help = format!(
        "set it in the same transaction: `SELECT set_config('{setting}', $1, true)`, or name the function that does: \
         `[trust] with-setting = [\"…\"]`"
    );
    let range = TextRange::default();
    Verdict::Undecided(vec![Obstacle { kind: ObstacleKind::UntracedBind, range, message, help: Some(help) }])
}

fn settled_for(schema: Schema<'_>, site: &QuerySite, near: &Near<'_>) -> Settled {
    if site.runs_at.is_some() {
        return Err("the function that is handed its text may run it on another connection".to_owned());
    }
    if changes_own_ground(schema, site) {
        return Err("a statement of the same text may change it, or the role".to_owned());
    }
    if change_ground(schema, around(site, near)) {
        return Err("its function changes the role of a session, or where names are looked up".to_owned());
    }
    let sessions = near.sessions.iter().filter(|session| session.runs(site.span.range));
    let Some(session) = sessions.min_by_key(|session| (session.within.len(), session.broken.is_none()))
    else {
        return Err("it runs on no transaction that this function begins".to_owned());
    };
    if let Some(why) = &session.broken {
        return Err(format!("what runs on its connection could not be followed: {why}"));
    }
    if session.handed_in && near.wrappers.change_ground {
        return Err("its connection is handed in by callers, who may have changed its role".to_owned());
    }
    for step in &session.perhaps {
        match step_of(schema, site, near, step)? {
            Step::Other => {}
            Step::Sets(_) => return Err("the setting is set on some ways here, and not on others".to_owned()),
        }
    }
    let mut known = match &session.wrapper {
        Some(SettingCall { by_body: Some(called), arguments, name }) => {
            by_body(schema, site, near, (name, called, arguments))?
        }
        Some(wrapper) => Some(by_call(schema, site, wrapper)?),
        None => None,
    };
    for step in &session.before {
        if let Step::Sets(set) = step_of(schema, site, near, step)? {
            known = Some(set);
        }
    }
    known.ok_or_else(|| "nothing sets it in this transaction before".to_owned())
}

/// What a function does to the setting before it runs the closure that it is handed, as its body says: `None` if it leaves
/// it alone. That it is unknown is said of the call.
fn by_body(
    schema: Schema<'_>,
    site: &QuerySite,
    near: &Near<'_>,
    (name, called, arguments): (&str, &CalledWrapper, &[String]),
) -> Result<Option<Set>, String> {
    let all = near.wrappers.called(called);
    if near.wrappers.only_begins(called) {
        return Ok(None);
    }
    if all.is_empty() {
        return Err(format!("it runs in a closure that is handed to `{name}`, whose body is not seen"));
    }
    let mut settled: Option<Option<Set>> = None;
    for defined in all {
        let tenant = set_by(schema, near, defined).map_err(|why| format!("in `{name}` {why}"))?;
        let known = match tenant {
            Some((at, kind)) => {
                let missing = || format!("what `{name}` is handed does not fit its parameters");
                let fits = arguments.len() == defined.wrapper.params.len();
                let argument = arguments.get(at).filter(|_| fits).ok_or_else(missing)?;
                let mut set = handed(schema, site, name, argument)?;
                set.kinds.extend(kind);
                Some(set)
            }
            None => None,
        };
        if settled.as_ref().is_some_and(|settled| *settled != known) {
            return Err(format!("several functions are called `{name}`"));
        }
        settled = Some(known);
    }
    Ok(settled.flatten())
}

/// The parameter of a function to whose value it has set the setting when it runs its closure, and the kind of tenants that
/// this is called as there; `None` if it has not set it.
fn set_by(
    schema: Schema<'_>,
    near: &Near<'_>,
    defined: &Defined,
) -> Result<Option<(usize, Option<DomainId>)>, String> {
    if change_ground(schema, defined.sites.iter()) {
        return Err("the role of a session is changed, or where names are looked up".to_owned());
    }
    let Some(session) = &defined.wrapper.runs else {
        return Err("it cannot be followed on which connection the closure runs".to_owned());
    };
    if let Some(why) = &session.broken {
        return Err(format!("what runs on its connection could not be followed: {why}"));
    }
    if session.handed_in && near.wrappers.change_ground {
        return Err("the connection is handed in by callers, who may have changed its role".to_owned());
    }
    let called = session.wrapper.as_ref().map(|call| call.by_body.as_ref());
    if called.is_some_and(|called| !called.is_some_and(|called| near.wrappers.only_begins(called))) {
        return Err("the connection is that of another closure".to_owned());
    }
    let own = Near { sites: defined.sites.iter().collect(), sessions: &[], wrappers: near.wrappers };
    for step in &session.perhaps {
        match sets(schema, &own, step)? {
            None => {}
            Some(_) => return Err("the setting is set on some ways, and not on others".to_owned()),
        }
    }
    let mut tenant = None;
    for step in &session.before {
        let Some(bind) = sets(schema, &own, step)? else { continue };
        let named = |param: &WrapperParam| match bind.provenance.kind {
            ProvenanceKind::Parameter => param.stable && is_as_text(&bind.text, &param.name),
            // Every field of a trusted value is the tenant's, and so is the value at the call.
            ProvenanceKind::Trusted => param.stable && base(&bind.text) == param.name,
            _ => false,
        };
        match defined.wrapper.params.iter().position(named) {
            Some(at) => tenant = Some((at, kind_of(schema.tenancy, bind))),
            None => {
                return Err(format!("the setting is set to `{}`, which is no parameter as it is", bind.text));
            }
        }
    }
    Ok(tenant)
}

/// `name`, or the same as another type that says it: `name.to_string()`.
fn is_as_text(written: &str, name: &str) -> bool {
    let Some(mut rest) = written.trim_start_matches(['&', '*']).trim().strip_prefix(name) else {
        return false;
    };
    let methods = [".to_string()", ".to_owned()", ".clone()", ".as_str()", ".as_ref()"];
    while let Some(shorter) = methods.iter().find_map(|method| rest.strip_prefix(method)) {
        rest = shorter;
    }
    rest.is_empty()
}

/// What a step does to the setting.
enum Step {
    /// Nothing.
    Other,
    /// Sets it to the tenant.
    Sets(Set),
}

fn step_of(
    schema: Schema<'_>,
    site: &QuerySite,
    near: &Near<'_>,
    step: &SessionStep,
) -> Result<Step, String> {
    if let Some(call) = &step.setter {
        return Ok(Step::Sets(by_call(schema, site, call)?));
    }
    match sets(schema, near, step)? {
        Some(bind) => Ok(Step::Sets(by_bind(schema, bind)?)),
        None => Ok(Step::Other),
    }
}

/// What a step binds where it sets the setting.
fn sets<'n>(schema: Schema<'_>, near: &'n Near<'_>, step: &SessionStep) -> Result<Option<&'n Bind>, String> {
    if step.setter.is_some() {
        return Err("the setting is set by a function that the policy names".to_owned());
    }
    let inside: Vec<&'n QuerySite> =
        near.sites.iter().copied().filter(|other| step.runs(other.span.range)).collect();
    if inside.is_empty() {
        return Err("something runs on its connection before whose statements are not seen".to_owned());
    }
    let mut sets = None;
    for other in inside {
        if other.runs_at.is_some() {
            return Err("a statement before it runs in another function, on whatever connection".to_owned());
        }
        for text in &other.texts {
            let Some(sql) = text.known_in(schema.dialect, &[]) else {
                return Err("a statement before it on its connection is not known".to_owned());
            };
            if changes_ground(&sql) {
                let why = "a statement before it changes the role that the session has, or where names are looked up";
                return Err(why.to_owned());
            }
            let statements = schema.bind(&sql);
            if statements.iter().any(|one| !one.is_understood()) {
                return Err("a statement before it is not understood, and may set it too".to_owned());
            }
            if statements.iter().any(BoundStatement::may_end_settings) {
                return Err(
                    "a statement before it begins or ends a transaction, or resets settings".to_owned()
                );
            }
            let setting: Vec<bool> = statements.iter().filter_map(|one| one.sets_tenant()).collect();
            match (setting.as_slice(), statements.as_slice()) {
                ([], _) => {}
                ([true], [_]) if other.texts.len() == 1 => {
                    sets = Some(by_site(other, text.pieces.as_slice())?);
                }
                ([false], [_]) => {
                    return Err("it is set for the whole session, which outlives the transaction".to_owned());
                }
                _ => return Err("it is set among several statements at once".to_owned()),
            }
        }
    }
    Ok(sets)
}

/// `SET ROLE`, `SET search_path` and their kin: then statements run as somebody else than the application, or the names in
/// them mean other tables.
fn changes_ground(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty() && !["local", "session"].contains(word))
        .collect();
    let about = ["role", "authorization", "row_security", "session_authorization", "search_path"];
    let sets = words.iter().any(|word| ["set", "reset", "set_config"].contains(word));
    let is_schema =
        |pair: &[&str]| pair == ["set", "schema"] || pair == ["reset", "all"] || pair == ["discard", "all"];
    sets && words.iter().any(|word| about.contains(word)) || words.windows(2).any(is_schema)
}

/// What a site runs may change the setting, the role or what names mean, for what it runs behind that.
fn changes_own_ground(schema: Schema<'_>, site: &QuerySite) -> bool {
    site.texts.iter().filter_map(|text| text.known_in(schema.dialect, &[])).any(|sql| {
        let statements = schema.bind(&sql);
        let changes = |one: &BoundStatement| {
            !one.is_understood() || one.may_end_settings() || one.sets_tenant().is_some()
        };
        statements.len() > 1 && (changes_ground(&sql) || statements.iter().any(changes))
    })
}

/// The sites of a site's function.
fn around<'n>(site: &QuerySite, near: &'n Near<'_>) -> impl Iterator<Item = &'n QuerySite> {
    let (function, file) = (site.item_span, site.span.file);
    near.sites.iter().copied().filter(move |other| other.item_span == function && other.span.file == file)
}

/// One of these sites changes the role of its connection, or what names mean on it, or may do so, since its text is not
/// known. That may be the connection of another, before a transaction is begun on it.
fn change_ground<'s>(schema: Schema<'_>, mut sites: impl Iterator<Item = &'s QuerySite>) -> bool {
    sites.any(|site| {
        let changes =
            |text: &SqlText| text.known_in(schema.dialect, &[]).is_none_or(|sql| changes_ground(&sql));
        site.texts.is_empty() || site.texts.iter().any(changes)
    })
}

/// Takes back proofs of statements that compare with the setting themselves, where what is in sight sets it to a value that
/// is not the tenant's.
pub(crate) fn doubt(schema: Schema<'_>, site: &QuerySite, near: &Near<'_>, decisions: &mut [Decision]) {
    let mut found = None;
    for decision in decisions.iter_mut().filter(|one| reads_setting(schema, site, one)) {
        let known = found.get_or_insert_with(|| contradicted(schema, site, near));
        let Verdict::Scoped(proof) = &mut decision.verdict else { continue };
        let known = known.as_ref().map_err(String::as_str);
        match known.map(|set| (set, set.contradicts(site, proof))) {
            Ok((set, None)) => proof.assumptions.extend(set.assumptions.iter().cloned()),
            Ok((_, Some(why))) => decision.verdict = doubted(schema, &why),
            Err(why) => decision.verdict = doubted(schema, why),
        }
    }
}

fn doubted(schema: Schema<'_>, why: &str) -> Verdict {
    let setting = schema.tenancy.settings.first().map_or("the setting", String::as_str);
    let message = format!("the rows are those of the tenant that `{setting}` names, and {why}");
    let help = format!("set it to the tenant: `SELECT set_config('{setting}', $1, true)`");
    let (range, kind) = (TextRange::default(), ObstacleKind::UntracedBind);
    Verdict::Undecided(vec![Obstacle { kind, range, message, help: Some(help) }])
}

/// What the function around a site says against the setting's being the tenant's.
fn contradicted(schema: Schema<'_>, site: &QuerySite, near: &Near<'_>) -> Settled {
    if changes_own_ground(schema, site) {
        return Err("a statement of the same text may set it to another".to_owned());
    }
    let mut known = Set::default();
    for other in around(site, near) {
        for text in &other.texts {
            let statements = text.known_in(schema.dialect, &[]).map(|sql| schema.bind(&sql));
            let Some(statements) = statements.filter(|all| all.iter().all(BoundStatement::is_understood))
            else {
                return Err(
                    "a statement of its function is not understood, and may set it to another".to_owned()
                );
            };
            if statements.iter().any(|one| one.sets_tenant().is_some() && !one.clears_tenant()) {
                let bind = by_site(other, text.pieces.as_slice())?;
                known.add(by_bind(schema, bind)?);
            }
        }
    }
    let sessions = near.sessions.iter().filter(|session| session.within.contains_range(site.span.range));
    for session in sessions {
        for call in session.before.iter().chain(&session.perhaps).filter_map(|step| step.setter.as_ref()) {
            known.add(by_call(schema, site, call)?);
        }
        match &session.wrapper {
            Some(SettingCall { by_body: Some(called), arguments, name }) => {
                for defined in near.wrappers.called(called) {
                    // Of a body that cannot be followed nothing is in sight.
                    let Ok(Some((at, kind))) = set_by(schema, near, defined) else { continue };
                    let Some(argument) = arguments.get(at) else { continue };
                    known.add(handed(schema, site, name, argument)?);
                    known.kinds.extend(kind);
                }
            }
            Some(call) => known.add(by_call(schema, site, call)?),
            None => {}
        }
    }
    known.assumptions.sort();
    known.assumptions.dedup();
    Ok(known)
}

/// A statement that sets it: what is bound has to be the tenant's.
fn by_site<'s>(site: &'s QuerySite, pieces: &[Piece]) -> Result<&'s Bind, String> {
    let holes = pieces.iter().any(|piece| matches!(piece, Piece::Hole { .. }));
    let Some([bind]) = site.binds.as_deref().filter(|_| !holes) else {
        return Err("the value that it is set to is not one that is bound".to_owned());
    };
    Ok(bind)
}

fn by_bind(schema: Schema<'_>, bind: &Bind) -> Settled {
    let set = |assumption| Ok(Set::to(schema, &bind.key, bind.provenance.checked_as.as_deref(), assumption));
    match bind.provenance.kind {
        ProvenanceKind::Trusted | ProvenanceKind::Guarded => set(None),
        ProvenanceKind::Parameter => set(Some(callers_pass(vec![bind.text.as_str()]))),
        ProvenanceKind::Request => {
            Err(format!("it is set to `{}`, which the request says unchecked", bind.text))
        }
        ProvenanceKind::Fresh | ProvenanceKind::Row | ProvenanceKind::Literal | ProvenanceKind::Unknown => {
            Err(format!("it is set to `{}`, of which nothing says that it is the tenant's", bind.text))
        }
    }
}

/// A function of the policy that sets it: what it is handed besides a connection has to be the tenant's.
fn by_call(schema: Schema<'_>, site: &QuerySite, call: &SettingCall) -> Settled {
    let mut known = Set::default();
    let mut tenants = 0;
    for argument in &call.arguments {
        let bare = bare(argument);
        let named = |name: &str| site.at_hand.iter().find(|known| known.bind.text == name);
        if is_connection(bare, named(bare).map_or("", |known| &known.ty)) {
            continue;
        }
        tenants += 1;
        known.add(handed(schema, site, &call.name, argument)?);
    }
    if tenants == 0 {
        return Err(format!("of what `{}` is handed nothing is the tenant's", call.name));
    }
    Ok(known)
}

/// An argument that has to be the tenant's.
fn handed(schema: Schema<'_>, site: &QuerySite, function: &str, argument: &str) -> Settled {
    let bare = bare(argument);
    let base = base(bare);
    let named = |name: &str| site.at_hand.iter().find(|known| known.bind.text == name);
    let kind = |name: &str| named(name).map(|known| known.bind.provenance.kind);
    let whole = named(bare).map(|known| &known.bind);
    let key = whole.map_or(bare, |bind| bind.key.as_str());
    let checked_as = whole.and_then(|bind| bind.provenance.checked_as.as_deref());
    let set = |assumption| Ok(Set::to(schema, key, checked_as, assumption));
    match (kind(base).filter(|_| is_path(bare)), kind(bare)) {
        // Every field of a trusted value is the tenant's.
        (Some(ProvenanceKind::Trusted | ProvenanceKind::Guarded), _)
        | (_, Some(ProvenanceKind::Trusted | ProvenanceKind::Guarded)) => set(None),
        (_, Some(ProvenanceKind::Parameter)) => set(Some(callers_pass(vec![bare]))),
        _ => Err(format!("`{function}` is handed `{bare}`, of which nothing says that it is the tenant's")),
    }
}

/// True for fields and methods of a variable that are handed nothing: `tenant.id.to_string()`.
fn is_path(written: &str) -> bool {
    let plain = written.replace("()", "");
    plain.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.' || c.is_whitespace())
}

/// The variable that an expression begins with.
fn base(written: &str) -> &str {
    let written = bare(written);
    written.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// An argument without what lends it.
fn bare(argument: &str) -> &str {
    let bare = argument.trim_start_matches(['&', '*']).trim();
    bare.strip_prefix("mut ").unwrap_or(bare).trim_start_matches(['&', '*'])
}

/// By its type, or by its name where that is not in sight.
fn is_connection(written: &str, ty: &str) -> bool {
    let types = ["Pool", "Connection", "Transaction", "Client", "Executor"];
    let names = ["pool", "db", "conn", "connection", "client", "tx"];
    let last = written.trim_end_matches("()").rsplit('.').next().unwrap_or(written);
    types.iter().any(|part| ty.contains(part)) || ty.is_empty() && names.contains(&last)
}
