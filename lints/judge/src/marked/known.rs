//! A source file, read and judged once for all of its marks.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tenantry_policy::Trust;
use tenantry_project::{Disk, Files, Unread};
use tenantry_prover::verdict::{Obstacle, ObstacleKind, Verdict};
use tenantry_source::{
    Answer, Assembled, Declaration, Declared, FileSites, HoleKind, Mark, MarkedFile, NoSurroundings, Piece,
    ProvenanceKind, QuerySite, RowColumn, SourceFile, SqlText, Surroundings, Tokens,
};
use tenantry_span::{FileId, LineIndex, Span, TextRange};

use super::item::{Attribute, Judged};
use super::kept::{self, Asked};
use super::workspace::Declarations;
use super::{Workspace, doc_test};
use crate::databases::{schema, worst};
use crate::decide::{Decision, reads_setting};
use crate::rows::{self, Judged as JudgedSite};
use crate::statement::Outcome;

/// The largest source file that is read, in bytes.
pub(super) const MAX_RUST_FILE: u64 = 2 * 1024 * 1024;

/// A file that was read and judged, with what its marks ask for again and again.
#[derive(Debug)]
pub(crate) struct Known {
    pub(super) text: Arc<str>,
    pub(super) lines: LineIndex,
    pub(super) found: FileSites,
    pub(super) judged: Vec<(Option<usize>, Vec<Decision>)>,
    /// The file itself, and what it includes.
    pub(super) files: Files,
    /// Functions that run the text, or bind the list, that they are handed, with the places of their names.
    pub(super) helpers: Vec<(String, Span)>,
    /// Macros in whose definitions something runs that is not scoped by itself, with the places of these.
    pub(super) macros: Vec<(TextRange, String)>,
    /// The same of other files, by the names under which this one calls them.
    pub(super) macros_elsewhere: Vec<String>,
    /// Items in which a value was handed to a guard.
    pub(super) guarded: HashSet<String>,
    /// Literals from which no text was read that something runs.
    literals: Vec<TextRange>,
    /// What was asked of the file system for it.
    asked: Option<Asked>,
    /// It was read with what other files declare.
    pub(super) rests_on_declarations: bool,
    /// The same file, read with what a mark names as the tenant trusted.
    vouched: Mutex<HashMap<String, Arc<Known>>>,
    /// What was said of marks, by where they begin.
    said: Mutex<HashMap<u32, Judged>>,
    is_kept: AtomicBool,
    is_missed: AtomicBool,
}

impl Known {
    /// The same file where `tenant` is trusted, read once for all marks that name it.
    pub(super) fn vouching(
        &self,
        workspace: &Workspace,
        path: &Path,
        tenant: &str,
        trust: &Trust,
    ) -> Arc<Known> {
        let mut vouched = self.vouched.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || Arc::new(Known::read(workspace, path, &self.text, trust, Disk::watched()));
        Arc::clone(vouched.entry(tenant.to_owned()).or_insert_with(read))
    }

    /// Everything that was asked of the file system for what is known; nothing where that cannot be asked again.
    pub(super) fn asked(&self) -> Option<Asked> {
        let vouched = self.vouched.lock().unwrap_or_else(PoisonError::into_inner);
        let others = vouched.values().map(|known| known.asked.clone());
        kept::together(std::iter::once(self.asked.clone()).chain(others))
    }

    /// What was said of the mark that begins there.
    pub(super) fn said(&self, start: u32) -> Option<Judged> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).get(&start).cloned()
    }

    /// Notes what was said of a mark.
    pub(super) fn note_said(&self, start: u32, judged: &Judged) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(start, judged.clone());
    }

    /// True for the first mark that is not found in a file that does not parse: one error is enough, and the compiler has
    /// its own.
    pub(super) fn is_first_missed(&self) -> bool {
        !self.is_missed.swap(true, Ordering::Relaxed)
    }

    /// True for whoever asks first.
    pub(super) fn is_to_be_kept(&self) -> bool {
        !self.is_kept.swap(true, Ordering::Relaxed)
    }

    fn includes_the_same(&self, workspace: &Workspace) -> bool {
        let mut included = self.files.iter().filter(|(file, _, _)| *file != FileId(0));
        included.all(|(_, path, text)| {
            let now = Disk::default().read(&workspace.project.root.join(path), MAX_RUST_FILE);
            now.is_ok_and(|now| now == text)
        })
    }

    /// The mark in whose attribute the place lies.
    pub(super) fn mark_with(&self, place: u32) -> Option<&Mark> {
        // They are sorted, and an attribute lies in no other; one `cfg_attr` may hold several.
        let after = self.found.marks.partition_point(|mark| mark.span.range.start <= place);
        let last = self.found.marks.get(after.checked_sub(1)?)?.span.range;
        let first = self.found.marks.partition_point(|mark| mark.span.range.start < last.start);
        self.found.marks.get(first).filter(|_| place < last.end)
    }

    /// The marks of items in a place: that of an item is its first.
    pub(super) fn marks_in(&self, place: TextRange) -> &[Mark] {
        let marks = &self.found.marks;
        let from = marks.partition_point(|mark| mark.span.range.start < place.start);
        let until = marks.partition_point(|mark| mark.span.range.start < place.end);
        marks.get(from..until).unwrap_or_default()
    }

    /// The sites in a place, with their numbers.
    pub(super) fn sites_in(&self, place: TextRange) -> Vec<(usize, &QuerySite)> {
        let sites = &self.found.sites;
        let from = sites.partition_point(|site| site.span.range.start < place.start);
        let after = sites.iter().enumerate().skip(from);
        let near = after.take_while(|(_, site)| site.span.range.start < place.end);
        near.filter(|(_, site)| place.contains_range(site.span.range)).collect()
    }

    /// The texts of SQL in a place that nothing is seen to run.
    pub(super) fn unseen_in(&self, place: TextRange) -> impl Iterator<Item = (TextRange, String)> {
        let before = |end: u32| self.literals.partition_point(|range| range.start < end);
        let inside = self.literals.get(before(place.start)..before(place.end)).unwrap_or_default();
        inside
            .iter()
            .filter_map(|range| Some((*range, tenantry_source::sql_of_literal(range.slice(&self.text))?)))
    }

    /// Reads and judges the file, asking `disk` for what else is needed.
    fn read(workspace: &Workspace, path: &Path, text: &Arc<str>, trust: &Trust, disk: Disk) -> Known {
        let path = disk.canonical(path).unwrap_or_else(|| path.to_path_buf());
        let mut files = Files::default();
        let file = files.add(workspace.shown(&path), Arc::clone(text));
        let in_crate =
            path.strip_prefix(&workspace.folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        // Before there is a syntax tree: what is read here ends the spans of others.
        let tokens = Tokens::of(text);
        let called = tenantry_source::macros_called_in(text, &tokens);
        let rests = workspace.may_chain(text)
            || !called.is_empty()
            || tenantry_source::rests_on_modules(text, &tokens);
        let declared = rests.then(|| workspace.declarations());
        // A file from outside of the project, as what another program has made, is not among them.
        let is_outside = declared.is_some() && !path.starts_with(&workspace.project.root);
        let own = if is_outside { tenantry_source::declarations(text) } else { Vec::new() };
        let own = own.into_iter().map(|declared| declared.at(&workspace.krate, &in_crate)).collect();
        let around =
            Around { workspace, path: &path, disk: &disk, files: RefCell::new(files), declared, own };
        let source = SourceFile { file, path: &in_crate, text };
        let MarkedFile { mut found, literals } =
            tenantry_source::read_marked(&source, tokens, &workspace.sinks, trust, &around);
        // Which column a field of a struct is that another file may declare is the scanner's; sqlx's macros check it
        // themselves.
        for site in found.sites.iter_mut().filter(|site| !site.call.ends_with('!')) {
            site.checks.retain(|check| !matches!(check.column, RowColumn::Field(_)));
        }
        // The spans of a file are kept for its thread.
        proc_macro2::extra::invalidate_current_thread_spans();
        let judged = judge_all(workspace, &found.sites);
        let helpers = found.sites.iter().filter(|site| is_handed(site));
        let helpers =
            helpers.filter_map(|site| Some((site.item.rsplit("::").next()?.to_owned(), site.item_span?)));
        let guarded = found.sites.iter().filter(|site| is_guarded(site)).map(|site| site.item.clone());
        let macros_elsewhere = match declared {
            Some(declared) => macros_elsewhere(workspace, declared, text, &called, trust),
            None => Vec::new(),
        };
        Known {
            text: Arc::clone(text),
            lines: LineIndex::new(text),
            helpers: helpers.collect(),
            macros: open_macros(text, &found.sites, &judged),
            macros_elsewhere,
            guarded: guarded.collect(),
            literals: unread(literals, &found.sites),
            found,
            judged,
            files: around.files.into_inner(),
            asked: disk.asked(),
            rests_on_declarations: declared.is_some(),
            vouched: Mutex::default(),
            said: Mutex::default(),
            is_kept: AtomicBool::new(false),
            is_missed: AtomicBool::new(false),
        }
    }
}

/// The file of an attribute as it was judged for another of its marks, or now.
pub(super) fn known(workspace: &Workspace, at: Attribute<'_>) -> Result<Arc<Known>, Unread> {
    let disk = Disk::watched();
    let read = |disk: &Disk| disk.read(at.path, MAX_RUST_FILE);
    let trust = || workspace.project.policy.as_ref().map(|policy| policy.trust.clone()).unwrap_or_default();
    if at.in_example {
        let text = read(&disk)?;
        let text = Arc::<str>::from(doc_test::example(&text, at.line).unwrap_or(text));
        return Ok(Arc::new(Known::read(workspace, at.path, &text, &trust(), disk)));
    }
    let slot = workspace.slot(at.path);
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &*slot {
        let text = read(&Disk::default())?;
        if *known.text == *text && known.includes_the_same(workspace) {
            return Ok(Arc::clone(known));
        }
    }
    let text = Arc::<str>::from(read(&disk)?);
    let made = Arc::new(Known::read(workspace, at.path, &text, &trust(), disk));
    *slot = Some(Arc::clone(&made));
    Ok(made)
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
    // To what the setting of its connection was set is the scanner's to follow.
    for (site, (at, decisions)) in sites.iter().zip(&mut judged) {
        let Some(database) = at.and_then(|at| databases.all.get(at)) else { continue };
        for decision in decisions.iter_mut().filter(|one| reads_setting(schema(database), site, one)) {
            decision.verdict = Verdict::Undecided(vec![Obstacle {
                kind: ObstacleKind::UntracedBind,
                range: TextRange::default(),
                message: "whose tenant the setting of its connection names cannot be seen from here"
                    .to_owned(),
                help: None,
            }]);
        }
    }
    judged
}

/// The site runs a text, or binds a list of values, that its function is handed.
fn is_handed(site: &QuerySite) -> bool {
    let mut pieces = site.texts.iter().flat_map(|text| &text.pieces);
    let of_parameter = |piece: &Piece| {
        matches!(piece, Piece::Hole { kind: HoleKind::Parameter(_) | HoleKind::Handed(_), .. })
    };
    site.bind_list.is_some() || pieces.any(of_parameter)
}

fn is_guarded(site: &QuerySite) -> bool {
    site.all_binds().any(|(_, bind)| bind.provenance.kind == ProvenanceKind::Guarded)
}

fn open_macros(
    text: &str,
    sites: &[QuerySite],
    judged: &[(Option<usize>, Vec<Decision>)],
) -> Vec<(TextRange, String)> {
    if !text.contains("macro_rules") {
        return Vec::new();
    }
    let open = |range: &TextRange| {
        let mut within = sites.iter().zip(judged).filter(|(site, _)| range.contains_range(site.span.range));
        within.any(|(_, (_, decisions))| worst(decisions) != Outcome::Scoped)
    };
    let defined = tenantry_source::macros_defined(text).into_iter();
    defined.filter(|(range, _)| open(range)).map(|(range, name)| (range, name.to_owned())).collect()
}

/// The macros of other files that a file calls, and in which, or in those that they call, something runs that is not scoped
/// by itself.
fn macros_elsewhere(
    workspace: &Workspace,
    declared: &Declarations,
    text: &str,
    called: &BTreeSet<&str>,
    trust: &Trust,
) -> Vec<String> {
    let mut found = Vec::new();
    for name in called {
        let (mut open, mut seen) = (vec![(*name).to_owned()], HashSet::new());
        while let Some(next) = open.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            let bodies = declared.named(&format!("{next}!")).into_iter().filter_map(|one| match one.what {
                Declaration::Macro(of) if !text.contains(&of.body) => Some(of.body),
                _ => None,
            });
            for body in bodies {
                if runs_openly(workspace, &body, trust) {
                    found.push((*name).to_owned());
                    open.clear();
                    break;
                }
                open.extend(tenantry_source::macros_called(&body, &body).into_iter().map(str::to_owned));
            }
        }
    }
    found.dedup();
    found
}

/// Something runs in the definition of a macro that is not scoped by itself.
fn runs_openly(workspace: &Workspace, body: &str, trust: &Trust) -> bool {
    // Its file may name a library that it does not.
    let crates = workspace.sinks.iter().filter_map(|library| library.crates.first());
    let mut text: String = crates.map(|name| format!("use {name} as _;\n")).collect();
    text.push_str(body);
    let source = SourceFile { file: FileId(0), path: "src/lib.rs", text: &text };
    let found = tenantry_source::read(&source, &workspace.sinks, trust, &NoSurroundings);
    proc_macro2::extra::invalidate_current_thread_spans();
    let judged = judge_all(workspace, &found.sites);
    !found.skipped.is_empty() || !open_macros(&text, &found.sites, &judged).is_empty()
}

/// Those of the literals from which no text of a site was read.
fn unread(mut literals: Vec<TextRange>, sites: &[QuerySite]) -> Vec<TextRange> {
    let spans = sites.iter().flat_map(|site| &site.texts).flat_map(SqlText::spans);
    let own = spans.filter(|span| span.file == FileId(0));
    // Where each begins, and where the farthest ends of those that begin before.
    let mut places: Vec<(u32, u32)> = own.map(|span| (span.range.start, span.range.end)).collect();
    places.sort_unstable();
    let mut farthest = 0;
    for (_, end) in &mut places {
        farthest = farthest.max(*end);
        *end = farthest;
    }
    literals.retain(|literal| {
        let after = places.partition_point(|(start, _)| *start <= literal.start);
        let before = after.checked_sub(1).and_then(|at| places.get(at));
        before.is_none_or(|(_, end)| literal.end > *end)
    });
    literals
}

/// What surrounds the file: the files of SQL that it includes, and of other Rust files what they declare for chains of
/// query builders.
struct Around<'r> {
    workspace: &'r Workspace,
    path: &'r Path,
    disk: &'r Disk,
    files: RefCell<Files>,
    declared: Option<&'r Declarations>,
    own: Vec<Declared>,
}

impl Around<'_> {
    fn file(&self, path: &Path) -> Option<(FileId, String)> {
        let path = self.disk.canonical(path).filter(|path| path.starts_with(&self.workspace.project.root))?;
        let shown = self.workspace.shown(&path);
        let mut files = self.files.borrow_mut();
        if let Some(known) = files.find(Path::new(&shown)) {
            return Some((known, files.text(known).to_owned()));
        }
        let text = self.disk.read(&path, MAX_RUST_FILE).ok()?;
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

    fn package(&self, name: &str) -> String {
        self.workspace.package(name).to_owned()
    }

    fn declarations(&self, name: &str) -> Vec<Declared> {
        let known = self.declared.map(|declared| declared.named(name)).unwrap_or_default();
        known.into_iter().chain(self.own.iter().filter(|declared| declared.name == name).cloned()).collect()
    }

    fn assembled(&self) -> Option<&Assembled> {
        self.declared.filter(|_| self.own.is_empty()).map(|declared| &declared.assembled)
    }
}
