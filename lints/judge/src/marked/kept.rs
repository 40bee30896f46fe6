//! What an earlier run of the compiler proved of marks, kept on disk.
//!
//! A mark is judged by nothing but its place, the day, the text of its file, and what was asked of the file system on the
//! way: by the project (its policy, schema, manifests and sinks), by the file (what it includes), and for chains of query
//! builders by what other files declare. All questions are kept with digests of their answers.
//!
//! **Invariant:** a mark is kept only if nothing was to be told of it, and counts only while every question has the answer
//! that it had, for the same build of the macros and the same place in the same text. Errors are judged anew.
//! **Invariant:** what cannot be asked again is not kept; a cache that cannot be read or written is none, and no error.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tenantry_policy::Date;
use tenantry_project::{Answer, Disk, Question};
use tenantry_prover::lower::on_deep_stack;
use tenantry_source::{Mark, MarkKind};
use tenantry_span::LineCol;

use super::item::Attribute;
use super::known::Known;
use super::place::Place;
use super::workspace::{FRESH, Workspace, declarations, of_declared};
use crate::cache::{Digest, Parts, PartsOf, digest, hex, question_to_bytes, read, write};

/// What a file begins with; the number grows with every change of its form.
const MAGIC: &[u8] = b"tenantry marks 2\n";

/// The most texts that are kept of a crate; one more, and all are forgotten.
const MAX_TEXTS: usize = 4096;

/// Questions to the file system, with what it answered.
pub(super) type Asked = Vec<(Question, Answer)>;

/// A mark of which nothing is to be told.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The item is a function of an `impl` or a trait.
    pub is_method: bool,
    /// The files that the verdict rests on besides the source.
    pub files: Arc<[PathBuf]>,
}

/// What is known of a crate from before, as far as it was looked at.
struct Crate {
    begun: Instant,
    project: Option<Project>,
    /// By the path as the compiler tells it; as text, since paths are compared part by part.
    files: HashMap<OsString, Option<File>>,
    texts: Option<BTreeSet<Digest>>,
    /// A digest of what the project's Rust files declare, once that was asked for; nothing where it is not what it was.
    declared: Option<Option<Digest>>,
    is_declared_kept: bool,
}

/// A project of which everything is as it was.
struct Project {
    /// Of all that the project rests on.
    state: Digest,
    root: PathBuf,
    files: Arc<[PathBuf]>,
}

/// A source file of which everything is as it was.
struct File {
    marks: Vec<KeptMark>,
    files: Arc<[PathBuf]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeptMark {
    start: (u32, u32),
    end: (u32, u32),
    is_method: bool,
    /// The last day on which it counts.
    until: Option<Date>,
}

/// What is kept of the mark that the attribute stands for, if an earlier run proved it and nothing has changed since.
pub fn proved(place: &Place, folder: &Path, at: Attribute<'_>) -> Option<Proved> {
    if at.in_example {
        return None;
    }
    let mut all = crates();
    let file = of_file(&mut all, place, folder, at.path)?;
    let here = (at.line, at.column);
    let after = file.marks.partition_point(|mark| mark.start <= here);
    let mark = file.marks.get(after.checked_sub(1)?)?;
    let counts = here < mark.end && mark.until.is_none_or(|until| at.today <= until);
    counts.then(|| Proved { is_method: mark.is_method, files: Arc::clone(&file.files) })
}

/// True if something is kept of a file, and everything is as it was.
pub(super) fn is_kept(place: &Place, folder: &Path, path: &Path) -> bool {
    of_file(&mut crates(), place, folder, path).is_some()
}

/// What is kept of a file.
fn of_file<'c>(all: &'c mut Crates, place: &Place, folder: &Path, path: &Path) -> Option<&'c File> {
    let known = of_crate(all, place, folder);
    let project = known.project.as_ref()?;
    if !known.files.contains_key(path.as_os_str()) {
        let declared = &mut known.declared;
        let declared = || *declared.get_or_insert_with(|| open_declared(place, folder, project.state));
        let file = open_file(place, folder, project.state, path, declared);
        known.files.insert(path.as_os_str().to_owned(), file);
    }
    known.files.get(path.as_os_str())?.as_ref()
}

/// A text by itself.
#[derive(Clone, Copy)]
pub(super) enum Text<'t> {
    /// A literal, as it is written in the source.
    Literal(&'t str),
    /// What a file holds.
    File(&'t str),
}

/// The files that the verdict on a literal rests on, if an earlier run proved it by itself.
pub fn proved_literal(
    place: &Place,
    folder: &Path,
    written: &str,
    tenant: Option<u32>,
) -> Option<Arc<[PathBuf]>> {
    proved_text(place, folder, Text::Literal(written), tenant)
}

/// The same of a file, whose path from the crate's manifest on is written as a literal, with the whole path.
pub fn proved_file(
    place: &Place,
    folder: &Path,
    written: &str,
    tenant: Option<u32>,
) -> Option<(PathBuf, Arc<[PathBuf]>)> {
    // Any other literal is read where Rust is read.
    let relative = written.strip_prefix('"')?.strip_suffix('"').filter(|path| !path.contains('\\'))?;
    let disk = Disk::default();
    let path = disk.canonical(folder)?.join(relative);
    let root = of_crate(&mut crates(), place, folder).project.as_ref()?.root.clone();
    if !disk.canonical(&path)?.starts_with(root) {
        return None;
    }
    let sql = disk.read(&path, super::text::MAX_SQL_FILE).ok()?;
    Some((path, proved_text(place, folder, Text::File(&sql), tenant)?))
}

fn proved_text(place: &Place, folder: &Path, text: Text<'_>, tenant: Option<u32>) -> Option<Arc<[PathBuf]>> {
    let mut all = crates();
    let known = of_crate(&mut all, place, folder);
    let project = known.project.as_ref()?;
    let texts = known.texts.get_or_insert_with(|| open_texts(place, folder, project.state));
    texts.contains(&of_text(text, tenant)).then(|| Arc::clone(&project.files))
}

/// Keeps a text by itself.
pub(super) fn keep_text(place: &Place, workspace: &Workspace, text: Text<'_>, tenant: Option<u32>) {
    let Some(state) = keep_project(place, workspace) else { return };
    let folder = &workspace.asked_from;
    let mut all = crates();
    let known = of_crate(&mut all, place, folder);
    let texts = known.texts.get_or_insert_with(|| open_texts(place, folder, state));
    if texts.len() >= MAX_TEXTS {
        texts.clear();
    }
    if texts.insert(of_text(text, tenant)) {
        let (path, key) = texts_place(place, folder, state);
        let body: Vec<u8> = texts.iter().flatten().copied().collect();
        let _ = write(&path, MAGIC, &key, &body);
    }
}

/// Keeps those of the marks of a file of which nothing was told.
pub(super) fn keep_file(
    place: &Place,
    workspace: &Workspace,
    path: &Path,
    known: &Known,
    silent: impl Fn(&Mark) -> bool,
) {
    let Some(state) = keep_project(place, workspace) else { return };
    let mut marks: Vec<KeptMark> = Vec::new();
    let mut last = None;
    for mark in &known.found.marks {
        // Of several in one `cfg_attr` the first is asked for.
        let is_first = last.replace(mark.span.range.start) != Some(mark.span.range.start);
        if is_first && silent(mark) {
            marks.push(kept(known, mark));
        }
    }
    // To judge a mark may have asked for more.
    let Some(asked) = known.asked() else { return };
    let declared = match known.rests_on_declarations {
        true => match keep_declared(place, workspace, state) {
            Some(declared) => Some(declared),
            None => return,
        },
        false => None,
    };
    let mut body = Parts::default();
    let files = workspace.files();
    let put = |body: &mut Parts| {
        body.add(declared.as_ref().map_or(&[], Digest::as_slice));
        body.asked(&asked)?;
        body.number(u32::try_from(files.len()).ok()?);
        files.iter().try_for_each(|path| body.path(path))?;
        body.number(u32::try_from(marks.len()).ok()?);
        marks.iter().for_each(|mark| mark.put(body));
        Some(())
    };
    let Some((file, key)) = file_place(place, &workspace.asked_from, state, path) else { return };
    if put(&mut body).is_some() {
        // It was to make the next run faster; without it the next run is as this one was.
        let _ = write(&file, MAGIC, &key, body.bytes());
        // The other marks of the file are asked for next.
        let mut all = crates();
        let known = of_crate(&mut all, place, &workspace.asked_from);
        if known.project.as_ref().is_some_and(|project| project.state == state) {
            known.files.insert(path.as_os_str().to_owned(), Some(File { marks, files }));
        }
    }
}

fn kept(known: &Known, mark: &Mark) -> KeptMark {
    let at = |offset: u32| {
        let LineCol { line, column } = known.lines.line_col(&known.text, offset);
        (line, column)
    };
    let range = mark.span.range;
    let until = mark.until.as_deref().filter(|_| mark.kind == MarkKind::CrossTenant).and_then(Date::parse);
    KeptMark { start: at(range.start), end: at(range.end), is_method: mark.is_method, until }
}

impl KeptMark {
    fn put(&self, body: &mut Parts) {
        for number in [self.start.0, self.start.1, self.end.0, self.end.1, u32::from(self.is_method)] {
            body.number(number);
        }
        body.add(self.until.map(|until| until.to_string()).unwrap_or_default().as_bytes());
    }

    fn get(body: &mut PartsOf<'_>) -> Option<KeptMark> {
        let start = (body.number()?, body.number()?);
        let end = (body.number()?, body.number()?);
        let is_method = body.number()? != 0;
        let until = match std::str::from_utf8(body.take()?).ok()? {
            "" => None,
            until => Some(Date::parse(until)?),
        };
        Some(KeptMark { start, end, is_method, until })
    }
}

type Crates = HashMap<OsString, Crate>;

fn crates() -> MutexGuard<'static, Crates> {
    static CRATES: OnceLock<Mutex<Crates>> = OnceLock::new();
    CRATES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn of_crate<'c>(all: &'c mut Crates, place: &Place, folder: &Path) -> &'c mut Crate {
    let name = folder.as_os_str();
    let is_fresh = all.get(name).is_some_and(|known| known.begun.elapsed() < FRESH);
    if !is_fresh {
        let (begun, project) = (Instant::now(), open_project(place, folder));
        all.insert(name.to_owned(), Crate::new(begun, project));
    }
    all.entry(name.to_owned()).or_insert_with(|| Crate::new(Instant::now(), None))
}

impl Crate {
    fn new(begun: Instant, project: Option<Project>) -> Crate {
        Crate { begun, project, files: HashMap::new(), texts: None, declared: None, is_declared_kept: false }
    }
}

fn is_as_it_was(asked: &Asked) -> bool {
    asked.iter().all(|(question, answer)| question.ask() == *answer)
}

/// The folder for what is kept of a crate.
fn of_folder(place: &Place, folder: &Path) -> PathBuf {
    let name = digest(folder.as_os_str().as_encoded_bytes());
    place.folder.join(hex(name.get(..8).unwrap_or(&name)))
}

fn project_place(place: &Place, folder: &Path) -> (PathBuf, Digest) {
    let mut key = Parts::default();
    key.add(&place.build);
    key.add(folder.as_os_str().as_encoded_bytes());
    (of_folder(place, folder).join("project.bin"), key.digest())
}

fn open_project(place: &Place, folder: &Path) -> Option<Project> {
    let (path, key) = project_place(place, folder);
    let body = read(&path, MAGIC, &key)?;
    let mut parts = PartsOf(&body);
    let root = parts.path()?;
    let asked = parts.asked()?;
    let files = paths(&mut parts)?;
    let is_same = parts.is_at_end() && tenantry_project::find_root(folder) == root && is_as_it_was(&asked);
    is_same.then(|| Project { state: digest(&body), root, files })
}

/// Keeps what a project rests on; a digest of that.
fn keep_project(place: &Place, workspace: &Workspace) -> Option<Digest> {
    let body = workspace.rests()?;
    let state = digest(body);
    let folder = &workspace.asked_from;
    let mut all = crates();
    let known = of_crate(&mut all, place, folder);
    if known.project.as_ref().is_none_or(|known| known.state != state) {
        let (path, key) = project_place(place, folder);
        let _ = write(&path, MAGIC, &key, body);
        let project = Project { state, root: workspace.project.root.clone(), files: workspace.files() };
        *known = Crate::new(known.begun, Some(project));
    }
    Some(state)
}

fn file_place(place: &Place, folder: &Path, state: Digest, path: &Path) -> Option<(PathBuf, Digest)> {
    let mut name = Parts::default();
    // A path may be told from the compiler's own folder on.
    name.path(&std::env::current_dir().ok()?)?;
    name.path(path)?;
    let mut key = Parts::default();
    key.add(&place.build);
    key.add(folder.as_os_str().as_encoded_bytes());
    key.add(&state);
    key.add(name.bytes());
    let name = hex(name.digest().get(..8)?);
    Some((of_folder(place, folder).join(format!("file-{name}.bin")), key.digest()))
}

fn open_file(
    place: &Place,
    folder: &Path,
    state: Digest,
    path: &Path,
    declared: impl FnOnce() -> Option<Digest>,
) -> Option<File> {
    let (file, key) = file_place(place, folder, state, path)?;
    let body = read(&file, MAGIC, &key)?;
    let mut parts = PartsOf(&body);
    let rests_on = parts.take()?;
    if !rests_on.is_empty() && declared()?.as_slice() != rests_on {
        return None;
    }
    let asked = parts.asked()?;
    let files = paths(&mut parts)?;
    let marks = (0..parts.number()?).map(|_| KeptMark::get(&mut parts)).collect::<Option<_>>()?;
    (parts.is_at_end() && is_as_it_was(&asked)).then_some(File { marks, files })
}

/// What the Rust files of a project declare for chains of query builders.
///
/// A file that has changed is read for what it declares: nearly all changes leave that as it was.
fn open_declared(place: &Place, folder: &Path, state: Digest) -> Option<Digest> {
    let (path, key) = declared_place(place, folder, state);
    let body = read(&path, MAGIC, &key)?;
    let mut parts = PartsOf(&body);
    let told: Digest = parts.take()?.try_into().ok()?;
    let has_sea_orm = parts.number()? != 0;
    let asked = parts.asked()?;
    let declare = (0..asked.len()).map(|_| parts.take()).collect::<Option<Vec<&[u8]>>>()?;
    let is_same = |((question, answer), declares): (&(Question, Answer), &&[u8])| {
        if question.ask() == *answer {
            return true;
        }
        let Question::Text(path, limit) = question else { return false };
        let read = || Disk::default().read(path, *limit).ok();
        let now =
            on_deep_stack(|| read().map(|text| of_declared(&declarations(&text, has_sea_orm)))).flatten();
        now.is_some_and(|now| now.as_slice() == *declares)
    };
    (parts.is_at_end() && asked.iter().zip(&declare).all(is_same)).then_some(told)
}

/// Keeps what is declared; a digest of that, whatever else the files hold.
fn keep_declared(place: &Place, workspace: &Workspace, state: Digest) -> Option<Digest> {
    let declared = workspace.declarations();
    let (asked, declare) = declared.rests.as_ref()?;
    let folder = &workspace.asked_from;
    let mut all = crates();
    let known = of_crate(&mut all, place, folder);
    let (mut told, mut files) = (Parts::default(), Parts::default());
    for (question, _) in asked {
        let declares = match question {
            Question::Text(path, _) => declare.get(path),
            Question::Folders(_) | Question::Kind(_) | Question::Names(_) | Question::Canonical(_) => None,
        };
        told.add(&question_to_bytes(question)?);
        told.add(declares.map_or(&[], Digest::as_slice));
        files.add(declares.map_or(&[], Digest::as_slice));
    }
    let told = told.digest();
    let mut body = Parts::default();
    body.add(&told);
    body.number(u32::from(declared.has_sea_orm));
    body.asked(asked)?;
    let (path, key) = declared_place(place, folder, state);
    // Once for a process: that files have changed is seen by what they declare.
    if known.declared != Some(Some(told)) || !known.is_declared_kept {
        let _ = write(&path, MAGIC, &key, &[body.bytes(), files.bytes()].concat());
        (known.declared, known.is_declared_kept) = (Some(Some(told)), true);
    }
    Some(told)
}

fn declared_place(place: &Place, folder: &Path, state: Digest) -> (PathBuf, Digest) {
    let (path, key) = texts_place(place, folder, state);
    (path.with_file_name("declared.bin"), key)
}

fn texts_place(place: &Place, folder: &Path, state: Digest) -> (PathBuf, Digest) {
    let mut key = Parts::default();
    key.add(&place.build);
    key.add(folder.as_os_str().as_encoded_bytes());
    key.add(&state);
    (of_folder(place, folder).join("texts.bin"), key.digest())
}

fn open_texts(place: &Place, folder: &Path, state: Digest) -> BTreeSet<Digest> {
    let (path, key) = texts_place(place, folder, state);
    let body = read(&path, MAGIC, &key).unwrap_or_default();
    body.as_chunks::<32>().0.iter().copied().collect()
}

fn of_text(text: Text<'_>, tenant: Option<u32>) -> Digest {
    let (kind, text) = match text {
        Text::Literal(text) => (0, text),
        Text::File(text) => (1, text),
    };
    let mut parts = Parts::default();
    parts.number(kind);
    parts.add(text.as_bytes());
    match tenant {
        Some(number) => parts.number(number),
        None => parts.add(b""),
    }
    parts.digest()
}

fn paths(parts: &mut PartsOf<'_>) -> Option<Arc<[PathBuf]>> {
    let count = parts.number()?;
    (0..count).map(|_| parts.path()).collect()
}

/// All that two disks were asked, if no question had two answers.
pub(super) fn together(lists: impl IntoIterator<Item = Option<Asked>>) -> Option<Asked> {
    let mut all: Asked = lists.into_iter().collect::<Option<Vec<Asked>>>()?.into_iter().flatten().collect();
    all.sort();
    all.dedup();
    let is_torn = all.windows(2).any(|pair| pair.first().map(|(q, _)| q) == pair.get(1).map(|(q, _)| q));
    (!is_torn).then_some(all)
}

/// What a project rests on, in bytes.
pub(super) fn rests(root: &Path, asked: &Asked, files: &[PathBuf]) -> Option<Vec<u8>> {
    let mut body = Parts::default();
    body.path(root)?;
    body.asked(asked)?;
    body.number(u32::try_from(files.len()).ok()?);
    files.iter().try_for_each(|path| body.path(path))?;
    Some(body.bytes().to_vec())
}
