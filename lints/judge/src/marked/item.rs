//! A marked item, judged by what its file shows.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tenantry_policy::{Date, Spanned, Trust};
use tenantry_project::Unread;
use tenantry_prover::catalog::QualifiedName;
use tenantry_prover::lower::on_deep_stack;
use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{Leak, ObstacleKind, Verdict};
use tenantry_source::{Bind, Mark, MarkKind, ProvenanceKind, QuerySite, SqlText, mark_at};
use tenantry_span::{FileId, LineCol, Span, TextRange};

use super::known::{Known, known};
use super::place::Place;
use super::shown::message;
use super::{Told, Workspace};
use super::{ahead, kept};
use crate::databases::{schema, worst};
use crate::decide::{CALLERS, Cause, Decision};
use crate::statement::{BoundStatement, Outcome};
use crate::wording;

/// Where the attribute stands that asks.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    /// The source file.
    pub path: &'a Path,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1, in characters.
    pub column: u32,
    /// The day on which exceptions are judged.
    pub today: Date,
    /// It stands in an example of a comment that documents something.
    pub in_example: bool,
}

/// What the compiler is to say of a marked item.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// What keeps it from compiling.
    pub errors: Vec<Told>,
    /// What is told besides.
    pub warnings: Vec<Told>,
    /// The item is a function of an `impl` or a trait.
    pub is_method: bool,
    /// The text that places point into.
    pub source: Arc<str>,
}

/// Judges the item that the attribute stands on.
pub fn judge(workspace: &Workspace, at: Attribute<'_>) -> Judged {
    let judged = on_deep_stack(|| match known(workspace, at) {
        Ok(known) => Item::judge(workspace, at, known),
        Err(why) => unread(workspace, at.path, &why),
    });
    judged.unwrap_or_else(|| unseen("an internal error ended the work on this item"))
}

/// The same, and keeps what is proved of the other marks of its file for later runs as well.
pub fn judge_and_keep(workspace: &Arc<Workspace>, place: &Place, at: Attribute<'_>) -> Judged {
    if !at.in_example {
        ahead::begin(workspace, place, at);
    }
    let judged = on_deep_stack(|| {
        ahead::help(workspace, place, at);
        match keep(workspace, place, at) {
            Ok(known) => Item::judge(workspace, at, known),
            Err(why) => unread(workspace, at.path, &why),
        }
    });
    judged.unwrap_or_else(|| unseen("an internal error ended the work on this item"))
}

/// Reads and judges the file of an attribute, and keeps what is proved of its marks.
pub(super) fn keep(workspace: &Workspace, place: &Place, at: Attribute<'_>) -> Result<Arc<Known>, Unread> {
    let known = known(workspace, at)?;
    if !at.in_example && known.is_to_be_kept() {
        let silent = |mark: &Mark| {
            let start = known.lines.line_col(&known.text, mark.span.range.start);
            let at = Attribute { line: start.line, column: start.column, ..at };
            Item::judge(workspace, at, Arc::clone(&known)).is_silent()
        };
        kept::keep_file(place, workspace, at.path, &known, silent);
    }
    Ok(known)
}

impl Judged {
    fn is_silent(&self) -> bool {
        self.errors.is_empty() && self.warnings.is_empty()
    }
}

fn unseen(why: &str) -> Judged {
    let message = format!("tenantry: {why}, so that nothing is known of the queries in this item");
    Judged { errors: vec![Told { place: TextRange::default(), message }], ..Judged::default() }
}

fn unread(workspace: &Workspace, path: &Path, why: &Unread) -> Judged {
    let mut judged = unseen(&format!("{} {why}", workspace.shown(path)));
    if matches!(why, Unread::TooLarge(_)) {
        for told in &mut judged.errors {
            told.message.push_str("\n  = help: move the item into a smaller file");
        }
    }
    judged
}

struct Item<'w> {
    workspace: &'w Workspace,
    at: Attribute<'w>,
    known: Arc<Known>,
    mark: Mark,
}

impl Item<'_> {
    fn judge(workspace: &Workspace, at: Attribute<'_>, known: Arc<Known>) -> Judged {
        let text = Arc::clone(&known.text);
        let offset = known.lines.offset(&text, LineCol { line: at.line, column: at.column });
        let Some(mark) = offset.and_then(|at| known.mark_with(at)).cloned() else {
            let is_here = |(range, _): &&(TextRange, String)| {
                offset.is_none_or(|at| range.start <= at && at < range.end)
            };
            let why = known.found.skipped.iter().find(is_here).map(|(_, why)| why.as_str());
            let mut judged = match why {
                Some(_) if !known.is_first_missed() => Judged::default(),
                Some(why) => unseen(why),
                None => unseen("this attribute is not found in the source: a macro may have made the item"),
            };
            judged.source = text;
            return judged;
        };
        let start = mark.span.range.start;
        if let Some(said) = known.said(start) {
            return said;
        }
        // Exceptions end with a day.
        let lasts = mark.kind != MarkKind::CrossTenant;
        let judged = Item::judge_mark(workspace, at, Arc::clone(&known), mark, text);
        if lasts {
            known.note_said(start, &judged);
        }
        judged
    }

    fn judge_mark(
        workspace: &Workspace,
        at: Attribute<'_>,
        known: Arc<Known>,
        mark: Mark,
        text: Arc<str>,
    ) -> Judged {
        let mut judged = Judged { is_method: mark.is_method, source: text, ..Judged::default() };
        if let Some(problem) = &mark.problem {
            judged.errors.push(Told { place: mark.span.range, message: format!("tenantry: {problem}") });
            return judged;
        }
        let item = Item { workspace, at, known, mark };
        match item.mark.kind {
            MarkKind::Scoped => item.scoped(&mut judged),
            MarkKind::Deferred => {}
            MarkKind::CrossTenant => judged.warnings.extend(item.expired().or_else(|| item.unneeded())),
            MarkKind::Integration => judged.errors.extend(item.unknown_profile()),
        }
        judged
    }

    fn scoped(&self, judged: &mut Judged) {
        let place = self.mark.span.range;
        let faults = self.workspace.faults();
        if !faults.is_empty() {
            judged.errors = faults.into_iter().map(|message| Told { place, message }).collect();
            return;
        }
        let covers = self.mark.covers;
        let inside = |range: TextRange| range.start < covers.end && covers.start < range.end;
        for (range, why) in self.known.found.skipped.iter().filter(|(range, _)| inside(*range)) {
            judged.errors.push(self.told(why, Span::new(FileId(0), *range), &[OUT.to_owned()]));
        }
        judged.errors.extend(self.included());
        let is_empty = self.known.sites_in(covers).is_empty();
        if let Some(helper) = self.helper() {
            let what = format!("`{helper}` runs what it is handed, and its calls cannot be judged from here");
            let help = "let the scanner judge them: `#[tenant_scoped(defer)]`";
            judged.errors.push(self.told(&what, self.mark.span, &[help.to_owned()]));
        }
        if let Some(helper) = self.macro_helper() {
            let what = format!(
                "`{helper}!` runs what it is handed, and what it makes of it cannot be judged from here"
            );
            let help = "write the query out here, or let the scanner judge it: `#[tenant_scoped(defer)]`";
            judged.errors.push(self.told(&what, self.mark.span, &[help.to_owned()]));
        }
        if let Some(helper) = self.macro_elsewhere() {
            let what =
                format!("`{helper}!` runs queries, and what it makes of them cannot be seen from here");
            let help = "write the query out here, or let the scanner judge it: `#[tenant_scoped(defer)]`";
            judged.errors.push(self.told(&what, self.mark.span, &[help.to_owned()]));
        }
        if is_empty && judged.errors.is_empty() {
            let what = format!("no query is seen in `{}`, so that the mark says nothing", self.mark.item);
            let help = "mark what runs queries; if it runs some by functions elsewhere, mark those, or write \
                        `#[tenant_scoped(defer)]`";
            judged.errors.push(self.told(&what, self.mark.span, &[help.to_owned()]));
        }
        for (index, site) in self.sites() {
            for told in self.site(index, site) {
                if !judged.errors.contains(&told) {
                    judged.errors.push(told);
                }
            }
        }
        judged.errors.extend(self.unseen_texts());
    }

    /// The sites of the item that are the mark's, with their numbers.
    fn sites(&self) -> Vec<(usize, &QuerySite)> {
        let mut sites = self.known.sites_in(self.mark.covers);
        // Tests within an item that is none are the scanner's as little.
        let is_test = sites.iter().all(|(_, site)| site.is_test);
        sites.retain(|(_, site)| self.is_mine(site.span.range) && (is_test || !site.is_test));
        sites
    }

    /// True for a place in the item of which no mark within says something.
    fn is_mine(&self, place: TextRange) -> bool {
        mark_at(self.known.marks_in(self.mark.covers), place) == Some(&self.mark)
    }

    /// Rust of other files within the item.
    fn included(&self) -> Vec<Told> {
        let covers = self.mark.covers;
        let item = covers.slice(&self.known.text);
        if !item.contains("include") {
            return Vec::new();
        }
        let places = tenantry_source::included_rust(item).into_iter();
        let places = places
            .map(|range| TextRange { start: covers.start + range.start, end: covers.start + range.end })
            .filter(|range| self.is_mine(*range));
        let told = places.map(|range| {
            let what = "which queries this includes cannot be seen from here";
            let help = "write them out here, or mark the items of the file that is included";
            self.told(what, Span::new(FileId(0), range), &[help.to_owned()])
        });
        told.collect()
    }

    /// Texts of SQL in the item that nothing is seen to run.
    fn unseen_texts(&self) -> Vec<Told> {
        let unseen = self.known.unseen_in(self.mark.covers);
        let unseen = unseen.filter(|(range, text)| self.is_mine(*range) && self.may_run(text));
        let told = unseen.map(|(range, _)| {
            let what = "what runs this SQL, and with which values, cannot be seen from here";
            let help = "hand it to a call of the library here, or let the scanner judge it: \
                        `#[tenant_scoped(defer)]`; a constant for others is written `tenant_sql!(\"…\")`";
            self.told(what, Span::new(FileId(0), range), &[help.to_owned()])
        });
        told.collect()
    }

    /// True for a text that reads as a statement about tables, or names one that may be a tenant's, and is no sentence.
    fn may_run(&self, text: &str) -> bool {
        let databases = self.workspace.databases();
        let words: HashSet<String> = tenantry_source::names(text).map(str::to_lowercase).collect();
        let is_statement = ["from", "into", "set", "table", "using"].iter().any(|word| words.contains(*word));
        databases.all.iter().any(|database| {
            let is_owned = |name: &QualifiedName| {
                !matches!(database.tenancy.owner(name), TableOwner::Shared)
                    && words.contains(&name.name.to_lowercase())
            };
            let reads = || {
                let statements = schema(database).bind(text);
                statements.iter().any(|statement| !statement.tables.is_empty() && statement.is_understood())
            };
            is_statement && database.catalog.tables.keys().any(is_owned) || reads()
        })
    }

    /// A macro of the file that is used in the item, and in whose definition something runs that is not scoped by itself.
    fn macro_helper(&self) -> Option<&str> {
        let item = self.mark.covers.slice(&self.known.text);
        let is_used = |name: &str| {
            item.match_indices(name)
                .any(|(at, _)| item.get(at + name.len()..).is_some_and(|rest| rest.starts_with('!')))
        };
        let outside = |range: &TextRange| !self.mark.covers.contains_range(*range);
        let mut macros = self.known.macros.iter();
        macros.find(|(range, name)| outside(range) && is_used(name)).map(|(_, name)| name.as_str())
    }

    /// The same of another file.
    fn macro_elsewhere(&self) -> Option<&str> {
        if self.known.macros_elsewhere.is_empty() {
            return None;
        }
        let called =
            tenantry_source::macros_called(self.mark.covers.slice(&self.known.text), &self.known.text);
        let mut macros = self.known.macros_elsewhere.iter();
        macros.find(|name| called.contains(name.as_str())).map(String::as_str)
    }

    /// A function of the file that runs the text, or binds the list, that it is handed, and that the item names outside of
    /// the function itself: the scanner judges it at its calls.
    fn helper(&self) -> Option<&str> {
        let item = self.mark.covers.slice(&self.known.text);
        let is_named = |name: &str, at: Span| {
            let known = usize::from(self.mark.covers.contains_range(at.range));
            tenantry_source::names(item).filter(|word| *word == name).count() > known
        };
        let mut helpers = self.known.helpers.iter();
        helpers.find(|(name, at)| is_named(name, *at)).map(|(name, _)| name.as_str())
    }

    /// What is wrong with a site.
    fn site(&self, index: usize, site: &QuerySite) -> Vec<Told> {
        let Some((_, decisions)) = self.known.judged.get(index) else {
            return vec![self.told("this query was not judged", site.span, &[OUT.to_owned()])];
        };
        let told = decisions.iter().flat_map(|decision| self.decision(index, site, decision));
        let told: Vec<Told> = told.collect();
        if !told.is_empty() || worst(decisions) != Outcome::Scoped {
            return told;
        }
        self.elsewhere(index, site, decisions).into_iter().collect()
    }

    /// What a proof owes to what is not seen from here.
    fn elsewhere(&self, index: usize, site: &QuerySite, decisions: &[Decision]) -> Option<Told> {
        // In the site, or in one that returned a row to it.
        if self.known.guarded.contains(&site.item) {
            let what = "that a guard lets nobody else's values through cannot be seen from here";
            let help = "let the scanner prove it: `#[tenant_scoped(defer)]`";
            return Some(self.told(what, site.span, &[help.to_owned()]));
        }
        let assumed = callers(decisions)?;
        if self.names_its_tenant(index, site) {
            return None;
        }
        let what = format!("that {assumed} cannot be seen from here");
        let take = "take the tenant as a `tenantry::TenantId`, or as another type of `[trust] types`";
        let name = "or name it, `#[tenant_scoped(tenant = \"…\")]`: the scanner follows the callers";
        Some(self.told(&what, site.span, &[take.to_owned(), name.to_owned()]))
    }

    /// True if what `tenant = "…"` names is all that is taken for granted of callers: with it for the tenant, nothing is.
    fn names_its_tenant(&self, index: usize, site: &QuerySite) -> bool {
        let Some(tenant) = &self.mark.tenant else { return false };
        let trust = trust_of(self.workspace, Some(tenant));
        let again = self.known.vouching(self.workspace, self.at.path, tenant, &trust);
        let Some(other) = again.found.sites.get(index).filter(|other| other.span == site.span) else {
            return false;
        };
        if !self.are_named(tenant, site, other) {
            return false;
        }
        let decisions = again.judged.get(index).map(|(_, decisions)| decisions.as_slice());
        decisions.is_some_and(|decisions| worst(decisions) == Outcome::Scoped && callers(decisions).is_none())
    }

    /// True if what the mark vouches for comes from what it names, and not from something else of that name.
    fn are_named(&self, tenant: &str, site: &QuerySite, vouched: &QuerySite) -> bool {
        let root = tenantry_source::names(tenant).next().unwrap_or_default();
        let is_named = |bind: &Bind| {
            let from = bind.provenance.steps.last().map(|(span, _)| span.range);
            from.is_some_and(|range| {
                tenantry_source::names(range.slice(&self.known.text)).next() == Some(root)
            })
        };
        let before = site.all_binds().map(|(_, bind)| bind);
        let pairs = before.zip(vouched.all_binds().map(|(_, bind)| bind));
        let mut vouched = pairs.filter(|(before, after)| {
            before.provenance.kind == ProvenanceKind::Parameter
                && after.provenance.kind == ProvenanceKind::Trusted
        });
        vouched.all(|(before, _)| is_named(before))
    }

    fn decision(&self, index: usize, site: &QuerySite, decision: &Decision) -> Vec<Told> {
        let verdict = wording::of_verdict(site, decision.text, decision.verdict.clone());
        let place = |range: TextRange| {
            let text: Option<&SqlText> = site.texts.get(decision.text);
            text.and_then(|text| text.place(range)).unwrap_or(site.span)
        };
        let bind = |at: usize| site.binds.as_ref().and_then(|binds| binds.get(at));
        if let Cause::UntrustedBind(at) = decision.cause
            && let Some(bind) = bind(at)
        {
            let what = format!("the tenant is `{}`, which the request chooses", bind.text);
            let help = "take the tenant from the authenticated session";
            return vec![self.told(&what, bind.span, &[help.to_owned()])];
        }
        // What stands in another place of the file is told where it is used.
        let told = |what: &str, place: Span, helps: &[String]| {
            let mut told = self.told(what, place, helps);
            if place.file != FileId(0) || !self.mark.covers.contains_range(place.range) {
                told.place = site.span.range;
            }
            told
        };
        match &verdict {
            Verdict::Scoped(_) => Vec::new(),
            Verdict::Leaks(leaks) => {
                leaks.iter().map(|leak| told(&about(leak), place(leak.range), leak.help.as_slice())).collect()
            }
            // What else stood in the way shows once the first is gone.
            Verdict::Undecided(obstacles) => obstacles
                .iter()
                .take(1)
                .map(|obstacle| {
                    let at = match &decision.cause {
                        Cause::RawValue(written) | Cause::RequestText(written) => written.place,
                        Cause::UnknownPart(place) => *place,
                        _ if obstacle.kind == ObstacleKind::DynamicText => site.span,
                        _ => place(obstacle.range),
                    };
                    let out = match obstacle.kind {
                        kind if may_be_elsewhere(kind) => Some(OUT),
                        ObstacleKind::NotProved if self.is_secured(index, site, decision) => {
                            Some(BY_POLICIES)
                        }
                        _ => None,
                    };
                    let out = out.map(str::to_owned);
                    let helps: Vec<String> = obstacle.help.iter().cloned().chain(out).collect();
                    told(&obstacle.message, at, &helps)
                })
                .collect(),
        }
    }

    /// True for a text about tables with policies: on what its connection was set to is the scanner's to follow.
    fn is_secured(&self, index: usize, site: &QuerySite, decision: &Decision) -> bool {
        let database = self.known.judged.get(index).and_then(|(database, _)| *database);
        let Some(database) = database.and_then(|at| self.workspace.databases().all.get(at)) else {
            return false;
        };
        let sql = site.texts.get(decision.text).and_then(|text| text.known_in(database.dialect, &[]));
        sql.is_some_and(|sql| schema(database).bind(&sql).iter().any(BoundStatement::is_secured))
    }

    fn told(&self, what: &str, place: Span, helps: &[String]) -> Told {
        let text = self.known.files.text(place.file);
        let path = self.known.files.path(place.file).to_string_lossy();
        let message = message(what, Some(&path), text, place.range, helps);
        // What stands in another file is told at the attribute.
        let place = if place.file == FileId(0) { place.range } else { self.mark.span.range };
        Told { place, message }
    }

    fn expired(&self) -> Option<Told> {
        let until = Date::parse(self.mark.until.as_deref()?)?;
        (until < self.at.today).then(|| Told {
            place: self.mark.span.range,
            message: format!("this exception held until {until}"),
        })
    }

    /// An exception of an item whose queries all stay inside one tenant.
    fn unneeded(&self) -> Option<Told> {
        let sites = self.sites();
        let is_silent = |(index, site): &(usize, &QuerySite)| {
            let judged = self.known.judged.get(*index);
            let by_verdict = judged.is_some_and(|(_, decisions)| {
                decisions.iter().all(|decision| decision.cause == Cause::Verdict)
            });
            by_verdict && self.site(*index, site).is_empty()
        };
        let is_seen = self.workspace.faults().is_empty()
            && self.helper().is_none()
            && self.macro_helper().is_none()
            && self.included().is_empty()
            && self.unseen_texts().is_empty();
        (!sites.is_empty() && is_seen && sites.iter().all(is_silent)).then(|| Told {
            place: self.mark.span.range,
            message: format!(
                "this exception is not needed: what is seen to run in `{}` stays inside one tenant, which `#[tenant_scoped]` claims",
                self.mark.item
            ),
        })
    }

    fn unknown_profile(&self) -> Option<Told> {
        let id = self.mark.profile.as_deref()?;
        let known = self.workspace.profiles();
        if known.contains(&id) {
            return None;
        }
        let meant = tenantry_policy::nearest(id, known.iter().copied());
        let help = match (meant, known.as_slice()) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, []) => {
                "no profile is declared: write `[[integration]]` with its `id` in tenantry.toml".to_owned()
            }
            (None, known) => format!("there are `{}`", known.join("`, `")),
        };
        Some(self.told(&format!("there is no integration profile `{id}`"), self.mark.span, &[help]))
    }
}

/// What to do about what is not seen from here.
const OUT: &str = "put it where this file shows it, or let the scanner prove it: `#[tenant_scoped(defer)]`";

/// What to do where policies restrict a table.
const BY_POLICIES: &str = "or let the scanner, which follows the connection, prove it by the policies: \
                           `#[tenant_scoped(defer)]`";

/// True for what another file may show, so that the scanner may prove it.
fn may_be_elsewhere(kind: ObstacleKind) -> bool {
    match kind {
        ObstacleKind::DynamicText | ObstacleKind::UntracedBind => true,
        ObstacleKind::Syntax
        | ObstacleKind::Unmodelled
        | ObstacleKind::UnknownTable
        | ObstacleKind::UndeclaredOwner
        | ObstacleKind::UnknownColumn
        | ObstacleKind::UnknownFunction
        | ObstacleKind::NotProved
        | ObstacleKind::Limit => false,
    }
}

/// What the proofs of a site take for granted of callers.
fn callers(decisions: &[Decision]) -> Option<&str> {
    let assumed = decisions.iter().flat_map(|decision| match &decision.verdict {
        Verdict::Scoped(proof) => proof.assumptions.as_slice(),
        Verdict::Leaks(_) | Verdict::Undecided(_) => &[],
    });
    assumed.map(String::as_str).find(|text| text.starts_with(CALLERS))
}

/// What happens, with the table's name in front where the message does not say it.
pub(super) fn about(leak: &Leak) -> String {
    let table = &leak.table.name;
    if table.is_empty() || leak.message.contains(&format!("`{table}`")) {
        return leak.message.clone();
    }
    match leak.alias.as_deref().filter(|alias| *alias != table) {
        Some(alias) => format!("`{table}` (as `{alias}`): {}", leak.message),
        None => format!("`{table}`: {}", leak.message),
    }
}

/// The policy's trust, and what a mark names as the tenant.
fn trust_of(workspace: &Workspace, tenant: Option<&str>) -> Trust {
    let mut trust = workspace.project.policy.as_ref().map(|policy| policy.trust.clone()).unwrap_or_default();
    let named = tenant.map(|tenant| Spanned { value: tenant.to_owned(), range: TextRange::default() });
    trust.expressions.extend(named);
    trust
}

/// True for a verdict on a statement whose tables are not all in the schema.
pub(super) fn lacks_a_table(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Undecided(obstacles) => {
            obstacles.iter().any(|obstacle| obstacle.kind == ObstacleKind::UnknownTable)
        }
        Verdict::Scoped(_) | Verdict::Leaks(_) => false,
    }
}
