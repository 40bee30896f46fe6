//! Transactions of a file: what is rolled back was not done.
//!
//! Whoever runs a file may have begun a transaction before it. Then a `BEGIN` of the file has no effect, and a `ROLLBACK` takes
//! back more than the file says: both ways are reckoned with.

use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span};

use super::blocks::join::join;
use crate::catalog::Catalog;
use crate::lower::scan::{Piece, Token, tokens};

/// What the schema was where a later statement may take it back to. Without a statement that takes anything back, nothing is
/// kept.
pub(super) struct Undo {
    /// At the beginning of the file.
    file: Option<Catalog>,
    /// Where the transaction began that the file itself has begun.
    begun: Option<Catalog>,
    /// The savepoints since then, by name.
    savepoints: Vec<(String, Catalog)>,
}

impl Undo {
    pub(super) fn of(catalog: &Catalog, text: &str, pieces: &[Piece]) -> Undo {
        let mut words = pieces.iter().filter_map(|piece| {
            let statement = piece.range.slice(text);
            Some((statement, tokens(Dialect::Postgres, statement).next()?))
        });
        let takes_back = words.any(|(statement, first)| {
            ["rollback", "abort", "prepare"].iter().any(|word| first.is(statement, word))
        });
        Undo { file: takes_back.then(|| catalog.clone()), begun: None, savepoints: Vec::new() }
    }

    /// Follows a statement that begins, ends or takes back. True where the schema may be another one.
    pub(super) fn follow(&mut self, catalog: &mut Catalog, file: FileId, text: &str, piece: &Piece) -> bool {
        if self.file.is_none() {
            return false;
        }
        let statement = piece.range.slice(text);
        let all: Vec<Token> = tokens(Dialect::Postgres, statement).take(LONGEST).collect();
        let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(statement, word));
        let has = |word: &str| (0..all.len()).any(|at| is(at, word));
        // The name comes last.
        let name = || {
            let mut names = all.iter().rev().filter(|token| !token.is_punct(b';'));
            names.next().and_then(|token| token.name(statement)).unwrap_or_default()
        };
        let chains = has("chain") && !has("no");
        let span = Span::new(file, piece.range);
        match () {
            () if is(0, "begin") || is(0, "start") => {
                self.begun.get_or_insert_with(|| catalog.clone());
            }
            () if (is(0, "commit") || is(0, "end")) && !is(1, "prepared") => {
                self.savepoints.clear();
                self.begun = chains.then(|| catalog.clone());
            }
            () if is(0, "savepoint") => self.savepoints.push((name(), catalog.clone())),
            () if is(0, "release") => {
                if let Some(at) = self.savepoint(&name()) {
                    self.savepoints.truncate(at);
                }
            }
            () if (is(0, "rollback") || is(0, "abort")) && has("to") => {
                match self.savepoint(&name()).and_then(|at| {
                    self.savepoints.truncate(at + 1);
                    self.savepoints.last()
                }) {
                    Some((_, then)) => restore(catalog, then.clone()),
                    None => self.doubt(catalog, span),
                }
                return true;
            }
            () if (is(0, "rollback") || is(0, "abort")) && !is(1, "prepared") => {
                if let Some(then) = self.begun.take() {
                    restore(catalog, then);
                }
                self.savepoints.clear();
                self.doubt(catalog, span);
                self.begun = chains.then(|| catalog.clone());
                return true;
            }
            // What is prepared may be committed, rolled back, or neither, by anybody.
            () if is(0, "prepare") && is(1, "transaction") || is(1, "prepared") => {
                if let Some(then) = self.begun.take() {
                    *catalog = join(std::mem::take(catalog), then, span, WHY);
                }
                self.savepoints.clear();
                self.doubt(catalog, span);
                return true;
            }
            () => {}
        }
        false
    }

    fn savepoint(&self, name: &str) -> Option<usize> {
        self.savepoints.iter().rposition(|(known, _)| known == name)
    }

    /// The transaction may have begun before the file.
    fn doubt(&self, catalog: &mut Catalog, span: Span) {
        if let Some(before) = self.file.as_ref().filter(|before| *before != catalog) {
            *catalog = join(std::mem::take(catalog), before.clone(), span, WHY);
        }
    }
}

/// A statement about transactions has no more words.
const LONGEST: usize = 16;

const WHY: &str =
    "how much is rolled back depends on where the transaction began, which the file does not say";

/// What was told stays told.
fn restore(catalog: &mut Catalog, then: Catalog) {
    let skipped = std::mem::replace(catalog, then).skipped;
    catalog.skipped = skipped;
}
