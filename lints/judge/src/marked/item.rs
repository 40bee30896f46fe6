//! A marked item, judged by what its file shows.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use tenantry_policy::{Date, Spanned, Trust};
use tenantry_project::{Disk, Files};
use tenantry_prover::catalog::QualifiedName;
use tenantry_prover::lower::on_deep_stack;
use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{Leak, ObstacleKind, Verdict};
use tenantry_source::{
    Answer, Bind, Declared, FileSites, HoleKind, Mark, MarkKind, Piece, ProvenanceKind, QuerySite, RowColumn,
    SourceFile, SqlText, Surroundings, mark_at,
};
use tenantry_span::{FileId, LineCol, LineIndex, Span, TextRange};

use super::shown::message;
use super::{Told, Workspace};
use crate::databases::{schema, worst};
use crate::decide::{CALLERS, Cause, Decision};
use crate::rows::{self, Judged as JudgedSite};
use crate::statement::Outcome;
use crate::wording;

/// The largest source file that is read, in bytes.
const MAX_RUST_FILE: u64 = 2 * 1024 * 1024;

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

/// A file that was read and judged.
#[derive(Debug)]
pub(crate) struct Known {
    text: Arc<str>,
    lines: LineIndex,
    found: FileSites,
    judged: Vec<(Option<usize>, Vec<Decision>)>,
    /// The file itself, and what it includes.
    files: Files,
}

impl Known {
    fn includes_the_same(&self, workspace: &Workspace) -> bool {
        let mut included = self.files.iter().filter(|(file, _, _)| *file != FileId(0));
        included.all(|(_, path, text)| {
            let now = Disk::default().read(&workspace.project.root.join(path), MAX_RUST_FILE);
            now.is_ok_and(|now| now == text)
        })
    }
}

/// Judges the item that the attribute stands on.
pub fn judge(workspace: &Workspace, at: Attribute<'_>) -> Judged {
    let text = match Disk::default().read(at.path, MAX_RUST_FILE) {
        Ok(text) => Arc::<str>::from(text),
        Err(why) => return unseen(&format!("{} {why}", workspace.shown(at.path))),
    };
    let judged = on_deep_stack(|| Item::judge(workspace, at, &text));
    judged.unwrap_or_else(|| unseen("an internal error ended the work on this item"))
}

fn unseen(why: &str) -> Judged {
    let message = format!("tenantry: {why}, so that nothing is known of the queries in this item");
    Judged { errors: vec![Told { place: TextRange::default(), message }], ..Judged::default() }
}

struct Item<'w> {
    workspace: &'w Workspace,
    at: Attribute<'w>,
    known: Arc<Known>,
    mark: Mark,
}

impl Item<'_> {
    fn judge(workspace: &Workspace, at: Attribute<'_>, text: &Arc<str>) -> Judged {
        let trust = trust_of(workspace, None);
        let known = known(workspace, at.path, text, &trust);
        let offset = known.lines.offset(text, LineCol { line: at.line, column: at.column });
        let holds =
            |mark: &&Mark| offset.is_some_and(|at| mark.span.range.start <= at && at < mark.span.range.end);
        let Some(mark) = known.found.marks.iter().find(holds).cloned() else {
            let is_here = |(range, _): &&(TextRange, String)| {
                offset.is_none_or(|at| range.start <= at && at < range.end)
            };
            let why = known.found.skipped.iter().find(is_here).map(|(_, why)| why.as_str());
            let why =
                why.unwrap_or("this attribute is not found in the source: a macro may have made the item");
            let mut judged = unseen(why);
            judged.source = Arc::clone(text);
            return judged;
        };
        let mut judged = Judged { is_method: mark.is_method, source: Arc::clone(text), ..Judged::default() };
        if let Some(problem) = &mark.problem {
            judged.errors.push(Told { place: mark.span.range, message: format!("tenantry: {problem}") });
            return judged;
        }
        let item = Item { workspace, at, known, mark };
        match item.mark.kind {
            MarkKind::Scoped => item.scoped(&mut judged),
            MarkKind::Deferred => {}
            MarkKind::CrossTenant => judged.warnings.extend(item.expired()),
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
        let sites = self.known.found.sites.iter().enumerate();
        let sites: Vec<(usize, &QuerySite)> =
            sites.filter(|(_, site)| covers.contains_range(site.span.range)).collect();
        if let Some(helper) = self.helper() {
            let what = format!("`{helper}` runs what it is handed, and its calls cannot be judged from here");
            let help = "let the scanner judge them: `#[tenant_scoped(defer)]`";
            judged.errors.push(self.told(&what, self.mark.span, &[help.to_owned()]));
        }
        if sites.is_empty() && judged.errors.is_empty() {
            let what = format!("no query is seen in `{}`, so that the mark says nothing", self.mark.item);
            let help = "mark what runs queries; if it runs some by functions elsewhere, mark those, or write \
                        `#[tenant_scoped(defer)]`";
            judged.errors.push(self.told(&what, self.mark.span, &[help.to_owned()]));
        }
        // Tests within an item that is none are the scanner's as little.
        let is_test = sites.iter().all(|(_, site)| site.is_test);
        for (index, site) in sites {
            if !self.is_mine(site.span.range) || site.is_test && !is_test {
                continue;
            }
            for told in self.site(index, site) {
                if !judged.errors.contains(&told) {
                    judged.errors.push(told);
                }
            }
        }
        judged.errors.extend(self.unseen_texts());
    }

    /// True for a place in the item of which no mark within says something.
    fn is_mine(&self, place: TextRange) -> bool {
        mark_at(&self.known.found.marks, place) == Some(&self.mark)
    }

    /// Texts of SQL in the item that nothing is seen to run.
    fn unseen_texts(&self) -> Vec<Told> {
        let texts = self.known.found.sites.iter().flat_map(|site| &site.texts);
        let read: Vec<TextRange> = texts
            .flat_map(SqlText::spans)
            .filter(|span| span.file == FileId(0))
            .map(|span| span.range)
            .collect();
        let covers = self.mark.covers;
        let loose = tenantry_source::texts_of_sql(covers.slice(&self.known.text)).into_iter();
        let loose = loose.map(|(range, text)| {
            (TextRange { start: covers.start + range.start, end: covers.start + range.end }, text)
        });
        let is_read = |range: TextRange| read.iter().any(|known| known.contains_range(range));
        let unseen =
            loose.filter(|(range, text)| self.is_mine(*range) && !is_read(*range) && self.may_run(text));
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

    /// A function of the file that runs the text, or binds the list, that it is handed, and that the item names outside of
    /// the function itself: the scanner judges it at its calls.
    fn helper(&self) -> Option<&str> {
        let handed = self.known.found.sites.iter().filter(|site| is_handed(site));
        let mut names = handed.filter_map(|site| Some((site.item.rsplit("::").next()?, site.item_span?)));
        let item = self.mark.covers.slice(&self.known.text);
        let is_named = |name: &str, at: Span| {
            let known = usize::from(self.mark.covers.contains_range(at.range));
            tenantry_source::names(item).filter(|word| *word == name).count() > known
        };
        names.find(|(name, at)| is_named(name, *at)).map(|(name, _)| name)
    }

    /// What is wrong with a site.
    fn site(&self, index: usize, site: &QuerySite) -> Vec<Told> {
        let Some((_, decisions)) = self.known.judged.get(index) else {
            return vec![self.told("this query was not judged", site.span, &[OUT.to_owned()])];
        };
        let told = decisions.iter().flat_map(|decision| self.decision(site, decision));
        let told: Vec<Told> = told.collect();
        if !told.is_empty() || worst(decisions) != Outcome::Scoped {
            return told;
        }
        self.elsewhere(index, site, decisions).into_iter().collect()
    }

    /// What a proof owes to what is not seen from here.
    fn elsewhere(&self, index: usize, site: &QuerySite, decisions: &[Decision]) -> Option<Told> {
        if self.is_guarded(site) {
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

    /// True if a value that a guard was handed may be what the proof rests on: in the site, or in one that returned a row
    /// to it.
    fn is_guarded(&self, site: &QuerySite) -> bool {
        let near = self.known.found.sites.iter().filter(|other| other.item == site.item);
        near.flat_map(QuerySite::all_binds).any(|(_, bind)| bind.provenance.kind == ProvenanceKind::Guarded)
    }

    /// True if what `tenant = "…"` names is all that is taken for granted of callers: with it for the tenant, nothing is.
    fn names_its_tenant(&self, index: usize, site: &QuerySite) -> bool {
        let Some(tenant) = &self.mark.tenant else { return false };
        let trust = trust_of(self.workspace, Some(tenant));
        let again = read(self.workspace, self.at.path, &self.known.text, &trust);
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

    fn decision(&self, site: &QuerySite, decision: &Decision) -> Vec<Told> {
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
        match &verdict {
            Verdict::Scoped(_) => Vec::new(),
            Verdict::Leaks(leaks) => leaks
                .iter()
                .map(|leak| self.told(&about(leak), place(leak.range), leak.help.as_slice()))
                .collect(),
            // What else stood in the way shows once the first is gone.
            Verdict::Undecided(obstacles) => obstacles
                .iter()
                .take(1)
                .map(|obstacle| {
                    let at = match &decision.cause {
                        Cause::RawValue(place, _) | Cause::UnknownPart(place) => *place,
                        _ if obstacle.kind == ObstacleKind::DynamicText => site.span,
                        _ => place(obstacle.range),
                    };
                    let out = may_be_elsewhere(obstacle.kind).then(|| OUT.to_owned());
                    let helps: Vec<String> = obstacle.help.iter().cloned().chain(out).collect();
                    self.told(&obstacle.message, at, &helps)
                })
                .collect(),
        }
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

/// The site runs a text, or binds a list of values, that its function is handed.
fn is_handed(site: &QuerySite) -> bool {
    let mut pieces = site.texts.iter().flat_map(|text| &text.pieces);
    let of_parameter = |piece: &Piece| {
        matches!(piece, Piece::Hole { kind: HoleKind::Parameter(_) | HoleKind::Handed(_), .. })
    };
    site.bind_list.is_some() || pieces.any(of_parameter)
}

/// What to do about what is not seen from here.
const OUT: &str = "put it where this file shows it, or let the scanner prove it: `#[tenant_scoped(defer)]`";

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

/// The file as it was judged for another of its marks, or now.
fn known(workspace: &Workspace, path: &Path, text: &Arc<str>, trust: &Trust) -> Arc<Known> {
    let mut all = workspace.known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) =
        all.get(path).filter(|known| known.text == *text && known.includes_the_same(workspace))
    {
        return Arc::clone(known);
    }
    let made = Arc::new(read(workspace, path, text, trust));
    all.insert(path.to_path_buf(), Arc::clone(&made));
    made
}

fn read(workspace: &Workspace, path: &Path, text: &Arc<str>, trust: &Trust) -> Known {
    let disk = Disk::default();
    let path = disk.canonical(path).unwrap_or_else(|| path.to_path_buf());
    let mut files = Files::default();
    let file = files.add(workspace.shown(&path), Arc::clone(text));
    let in_crate = path.strip_prefix(&workspace.folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
    let around = Around { workspace, path: &path, files: RefCell::new(files) };
    let source = SourceFile { file, path: &in_crate, text };
    let mut found =
        tenantry_source::read_with(&workspace.prefilter, &source, &workspace.sinks, trust, &around);
    // Which column a field of a struct is that another file may declare is the scanner's; sqlx's macros check it themselves.
    for site in found.sites.iter_mut().filter(|site| !site.call.ends_with('!')) {
        site.checks.retain(|check| !matches!(check.column, RowColumn::Field(_)));
    }
    // The spans of a file are kept for its thread.
    proc_macro2::extra::invalidate_current_thread_spans();
    let judged = judge_all(workspace, &found.sites);
    Known {
        text: Arc::clone(text),
        lines: LineIndex::new(text),
        found,
        judged,
        files: around.files.into_inner(),
    }
}

fn judge_all(workspace: &Workspace, sites: &[QuerySite]) -> Vec<(Option<usize>, Vec<Decision>)> {
    let databases = workspace.databases();
    let mut judged: Vec<(Option<usize>, Vec<Decision>)> =
        sites.iter().map(|site| databases.judge(&workspace.krate, site)).collect();
    for _ in 0..rows::MAX_ROUNDS {
        let near: Vec<JudgedSite<'_>> = sites
            .iter()
            .zip(&judged)
            .map(|(site, (at, decisions))| (site, *at, decisions.as_slice()))
            .collect();
        let anew: Vec<Option<Vec<Decision>>> =
            near.iter().map(|one| databases.judge_by_rows(&workspace.krate, *one, &near)).collect();
        if anew.iter().all(Option::is_none) {
            break;
        }
        for (known, anew) in judged.iter_mut().zip(anew) {
            if let Some(anew) = anew {
                known.1 = anew;
            }
        }
    }
    judged
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

/// What surrounds the file: the files of SQL that it includes, and nothing of other Rust files.
struct Around<'r> {
    workspace: &'r Workspace,
    path: &'r Path,
    files: RefCell<Files>,
}

impl Around<'_> {
    fn file(&self, path: &Path) -> Option<(FileId, String)> {
        let disk = Disk::default();
        let path = disk.canonical(path).filter(|path| path.starts_with(&self.workspace.project.root))?;
        let shown = self.workspace.shown(&path);
        let mut files = self.files.borrow_mut();
        if let Some(known) = files.find(Path::new(&shown)) {
            return Some((known, files.text(known).to_owned()));
        }
        let text = disk.read(&path, MAX_RUST_FILE).ok()?;
        Some((files.add(shown, text.as_str()), text))
    }
}

impl Surroundings for Around<'_> {
    fn include(&self, _: FileId, relative: &str) -> Option<(FileId, String)> {
        self.file(&self.path.parent()?.join(relative))
    }

    fn manifest_file(&self, _: FileId, relative: &str) -> Option<(FileId, String)> {
        self.file(&self.workspace.folder.join(relative))
    }

    fn answers(&self, _: &str) -> Vec<Answer> {
        Vec::new()
    }

    fn krate(&self) -> String {
        self.workspace.krate.replace('-', "_")
    }

    fn declarations(&self, _: &str) -> Vec<Declared> {
        Vec::new()
    }
}
