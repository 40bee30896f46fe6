//! What reading a file needs from the outside.

use tenantry_span::FileId;

use crate::{Answer, Assembled, Declared, SqlText};

/// A source file to read.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// The file, for spans.
    pub file: FileId,
    /// Its path within the crate, with `/`: `src/store/orders.rs`.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// A constant of a crate whose value is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Its path within the crate's module tree, its own name last: `store`, `columns`, `ORDER_COLUMNS`.
    pub path: Vec<String>,
    /// The texts it may have: one, or one for each `cfg` twin.
    pub texts: Vec<SqlText>,
}

/// What other files know; nothing, where a method is not given.
pub trait Surroundings {
    /// The text of `include_str!("relative")` written in the file `from`.
    fn include(&self, _from: FileId, _relative: &str) -> Option<(FileId, String)> {
        None
    }

    /// The text of a file relative to the manifest of the crate that `from` belongs to (`query_file!`).
    fn manifest_file(&self, _from: FileId, _relative: &str) -> Option<(FileId, String)> {
        None
    }

    /// The texts of a constant of the same crate, by its path as far as it is known (the name alone at least);
    /// `None` where there is none or several answer to the path.
    fn constant(&self, _path: &[String]) -> Option<Vec<SqlText>> {
        None
    }

    /// What the workspace's functions of this name answer with; none where they are not known.
    fn answers(&self, _function: &str) -> Vec<Answer> {
        Vec::new()
    }

    /// The name of the crate that the file belongs to, as Rust paths write it; empty where it is not known.
    fn krate(&self) -> String {
        String::new()
    }

    /// The package behind a crate's name: another one where the manifest gives a dependency a name of its own.
    fn package(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Where what is made of the workspace's declarations is kept for the other files that are read with it.
    fn assembled(&self) -> Option<&Assembled> {
        None
    }

    /// What the workspace declares under a name for chains of calls; nothing where that is not known.
    fn declarations(&self, _name: &str) -> Vec<Declared> {
        Vec::new()
    }
}

/// Surroundings that know nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSurroundings;

impl Surroundings for NoSurroundings {}

/// The constants of a crate, found by path.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    by_name: std::collections::HashMap<String, Vec<Constant>>,
}

impl Constants {
    /// Adds what [`crate::constants`] found in a file.
    pub fn extend(&mut self, found: Vec<Constant>) {
        for constant in found {
            if let Some(name) = constant.path.last() {
                self.by_name.entry(name.clone()).or_default().push(constant);
            }
        }
    }

    /// The constant that `path` names: a path that begins with `crate` is compared whole, of others the end, `self` and
    /// `super` left out. Two that answer alike are none, unless their texts are equal.
    pub fn find(&self, path: &[String]) -> Option<Vec<SqlText>> {
        let candidates = self.by_name.get(path.last()?)?;
        let from_root = path.first().is_some_and(|head| head == "crate");
        let rest: Vec<&String> =
            path.iter().filter(|part| !matches!(part.as_str(), "crate" | "self" | "super")).collect();
        let answers = |constant: &&Constant| {
            let ours: Vec<&String> = constant.path.iter().collect();
            if from_root { ours == rest } else { ours.ends_with(&rest) }
        };
        let mut found = candidates.iter().filter(answers);
        let first = found.next()?;
        let same = |other: &Constant| known(&other.texts) == known(&first.texts);
        found.all(same).then(|| first.texts.clone())
    }
}

fn known(texts: &[SqlText]) -> Vec<Option<String>> {
    texts.iter().map(SqlText::known).collect()
}
