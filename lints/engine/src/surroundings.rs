//! What surrounds a file while it is read: files that it includes, and constants of its crate.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenantry_project::{Disk, Files};
use tenantry_source::{Answer, Assembled, Constants, Declared, SqlText, Surroundings};
use tenantry_span::FileId;

use crate::cache::{Digest, Question, Reading, Stored, Writer, digest};
use crate::declared::Declarations;
use crate::run::MAX_RUST_FILE;
use crate::walk::relative;

/// Files that are included while others are read; their ids follow those of the run's files.
pub(crate) struct Included {
    first: usize,
    files: Files,
    known: HashMap<PathBuf, FileId>,
}

impl Included {
    pub(crate) fn after(files: &Files) -> Included {
        Included { first: files.len(), files: Files::default(), known: HashMap::new() }
    }

    /// The files in the order of their ids.
    pub(crate) fn into_files(self) -> Files {
        self.files
    }

    fn own(&self, id: FileId) -> Option<FileId> {
        u32::try_from((id.0 as usize).checked_sub(self.first)?).ok().map(FileId)
    }

    fn text(&self, id: FileId) -> &str {
        self.own(id).map_or("", |own| self.files.text(own))
    }

    fn path(&self, id: FileId) -> String {
        self.own(id).map(|own| shown(&self.files, own)).unwrap_or_default()
    }

    fn add(&mut self, path: PathBuf, shown: String, text: &str) -> FileId {
        let own = self.files.add(shown, Arc::<str>::from(text));
        let id = FileId(u32::try_from(self.first + own.0 as usize).unwrap_or(u32::MAX));
        self.known.insert(path, id);
        id
    }
}

fn shown(files: &Files, id: FileId) -> String {
    files.path(id).to_string_lossy().into_owned()
}

/// Where a file lies.
#[derive(Clone, Copy)]
pub(crate) struct Place<'r> {
    /// Where files are read from.
    pub(crate) disk: &'r Disk,
    /// The project's root.
    pub(crate) root: &'r Path,
    /// The run's files.
    pub(crate) files: &'r Files,
    /// The file that is read.
    pub(crate) rust: FileId,
    /// The folder of its crate.
    pub(crate) folder: Option<&'r Path>,
    /// The name of its crate, as Rust paths write it.
    pub(crate) krate: &'r str,
    /// What the guards of the workspace answer with.
    pub(crate) answers: &'r [Answer],
    /// What the files of the workspace declare for chains of calls, by name.
    pub(crate) declared: &'r Declarations,
}

/// What the reading of a file asked for, with digests of the answers where it is kept.
#[derive(Default)]
pub(crate) struct Recorder {
    /// Answers are digested, for a reading that is kept.
    digests: bool,
    asked: RefCell<Vec<(Question, Option<Digest>)>>,
    /// The names whose declarations were asked for: they are asked for again and again.
    declared: RefCell<HashSet<String>>,
}

impl Recorder {
    pub(crate) fn new(digests: bool) -> Recorder {
        Recorder { digests, ..Recorder::default() }
    }

    /// What was asked for so far, in order.
    pub(crate) fn asked(&self) -> Vec<(Question, Option<Digest>)> {
        self.asked.borrow().clone()
    }

    pub(crate) fn note(&self, question: Question, digest: impl FnOnce() -> Option<Digest>) {
        let digest = if self.digests { digest() } else { None };
        self.asked.borrow_mut().push((question, digest));
    }

    pub(crate) fn note_constant(
        &self,
        path: &[String],
        found: Option<&Vec<SqlText>>,
        file: &dyn Fn(FileId) -> String,
    ) {
        self.note(Question::Constant(path.to_vec()), || {
            let (bytes, paths) = written(found?, file);
            Some(digest(&[paths.join("\0").into_bytes(), bytes].concat()))
        });
    }

    pub(crate) fn note_answers(&self, function: &str, found: &Vec<Answer>, file: &dyn Fn(FileId) -> String) {
        self.note(Question::Answers(function.to_owned()), || {
            (!found.is_empty()).then(|| digest(&written(found, file).0))
        });
    }

    pub(crate) fn note_declarations(&self, name: &str, declared: &Declarations) {
        if self.declared.borrow_mut().insert(name.to_owned()) {
            self.note(Question::Declarations(name.to_owned()), || declared.digest(name));
        }
    }

    /// Asks everything again that a reading asked for; false where an answer is another one now.
    pub(crate) fn repeats(&self, reading: &Reading, file: FileId, around: &dyn Surroundings) -> bool {
        reading.asked.iter().all(|(question, told)| {
            match question {
                Question::Include(relative) => drop(around.include(file, relative)),
                Question::ManifestFile(relative) => drop(around.manifest_file(file, relative)),
                Question::Constant(path) => drop(around.constant(path)),
                Question::Answers(name) => drop(around.answers(name)),
                Question::Declarations(name) => drop(around.declarations(name)),
            }
            self.asked.borrow().last().is_some_and(|(_, now)| now == told)
        })
    }
}

fn written<T: Stored>(value: &T, file: &dyn Fn(FileId) -> String) -> (Vec<u8>, Vec<String>) {
    let mut out = Writer::new(file);
    value.put(&mut out);
    out.finish()
}

/// What surrounds one file, and what its reading asked for.
pub(crate) struct Around<'r> {
    place: Place<'r>,
    constants: Option<&'r Constants>,
    included: &'r Mutex<Included>,
    recorder: Recorder,
    /// The files that were answers, by the path that is shown.
    answers: RefCell<HashMap<String, FileId>>,
}

impl<'r> Around<'r> {
    pub(crate) fn new(
        place: Place<'r>,
        constants: Option<&'r Constants>,
        included: &'r Mutex<Included>,
        digests: bool,
    ) -> Around<'r> {
        Around { place, constants, included, recorder: Recorder::new(digests), answers: RefCell::default() }
    }

    /// True if a constant of another file was asked for.
    pub(crate) fn asked_for_constants(&self) -> bool {
        self.recorder.asked.borrow().iter().any(|(question, _)| question.is_for_constant())
    }

    /// What was read, to be kept with all that it rests on.
    pub(crate) fn reading<T: Stored>(&self, value: &T) -> Reading {
        Reading::of(self.recorder.asked(), value, &|id| self.path(id))
    }

    /// A value that was kept, if every question has the same answer now. The files that were included are included again.
    pub(crate) fn replay<T: Stored>(&self, reading: &Reading) -> Option<T> {
        if !self.recorder.repeats(reading, self.place.rust, self) {
            return None;
        }
        let answers = self.answers.borrow();
        let own = shown(self.place.files, self.place.rust);
        reading.value(|path| {
            let answer = if path == own { Some(self.place.rust) } else { answers.get(path).copied() };
            answer.or_else(|| self.place.files.find(Path::new(path)))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Included> {
        self.included.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: FileId) -> String {
        if (id.0 as usize) < self.place.files.len() {
            shown(self.place.files, id)
        } else {
            self.lock().path(id)
        }
    }

    fn file(&self, path: &Path) -> Option<(FileId, String)> {
        let path = self.place.disk.canonical(path)?;
        if !path.starts_with(self.place.root) {
            return None;
        }
        let mut included = self.lock();
        if let Some(id) = included.known.get(&path).copied() {
            return Some((id, included.text(id).to_owned()));
        }
        let text = self.place.disk.read(&path, MAX_RUST_FILE).ok()?;
        let shown = relative(self.place.root, &path);
        let id = included.add(path, shown, &text);
        Some((id, text))
    }

    fn answer(&self, question: Question, answer: Option<&(FileId, String)>) {
        self.recorder.note(question, || {
            let (id, text) = answer?;
            let path = self.path(*id);
            let digest = digest(format!("{path}\0{text}").as_bytes());
            self.answers.borrow_mut().insert(path, *id);
            Some(digest)
        });
    }
}

impl Surroundings for Around<'_> {
    fn include(&self, from: FileId, relative: &str) -> Option<(FileId, String)> {
        let folder = self.place.root.join(self.place.files.path(from));
        let found = folder.parent().and_then(|folder| self.file(&folder.join(relative)));
        self.answer(Question::Include(relative.to_owned()), found.as_ref());
        found
    }

    fn manifest_file(&self, _: FileId, relative: &str) -> Option<(FileId, String)> {
        let found = self.place.folder.and_then(|folder| self.file(&folder.join(relative)));
        self.answer(Question::ManifestFile(relative.to_owned()), found.as_ref());
        found
    }

    fn constant(&self, path: &[String]) -> Option<Vec<SqlText>> {
        let found = self.constants.and_then(|constants| constants.find(path));
        self.recorder.note_constant(path, found.as_ref(), &|id| self.path(id));
        found
    }

    fn krate(&self) -> String {
        self.place.krate.replace('-', "_")
    }

    fn answers(&self, function: &str) -> Vec<Answer> {
        let found: Vec<Answer> =
            self.place.answers.iter().filter(|answer| answer.name == function).cloned().collect();
        self.recorder.note_answers(function, &found, &|id| self.path(id));
        found
    }

    fn package(&self, name: &str) -> String {
        self.place.declared.package(&self.krate(), name)
    }

    fn declarations(&self, name: &str) -> Vec<Declared> {
        self.recorder.note_declarations(name, self.place.declared);
        self.place.declared.named(name)
    }

    fn assembled(&self) -> Option<&Assembled> {
        Some(&self.place.declared.assembled)
    }
}
