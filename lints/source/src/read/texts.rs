//! Texts as values: pieces joined, and the choices between them.

use std::rc::Rc;

use tenantry_span::Span;

use crate::{HoleKind, Piece, SqlText};

/// How many texts a site may choose between; beyond it the part that varies is a hole.
pub(crate) const MAX_TEXTS: usize = 64;

/// The texts that an expression may have; never empty.
pub(crate) type Texts = Rc<Vec<SqlText>>;

pub(crate) fn of_piece(piece: Piece) -> Texts {
    Rc::new(vec![SqlText { pieces: vec![piece], chosen_by: None }])
}

pub(crate) fn empty() -> Texts {
    Rc::new(vec![SqlText::default()])
}

pub(crate) fn unknown(span: Span, text: &str, why: impl Into<String>) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::Unknown(why.into()) })
}

/// What a parameter holds, at its place.
pub(crate) fn parameter(span: Span, text: &str, place: Span) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::Parameter(place) })
}

pub(crate) fn integer(span: Span, text: &str) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::Integer })
}

/// Every text of `left` followed by every text of `right`, which stands at `span`.
pub(crate) fn concat(left: &Texts, right: &Texts, span: Span) -> Texts {
    if left.len() * right.len() > MAX_TEXTS {
        let hole = unknown(span, "…", format!("more than {MAX_TEXTS} texts are possible"));
        return concat(left, &hole, span);
    }
    let mut all = Vec::with_capacity(left.len() * right.len());
    for first in left.iter() {
        for second in right.iter() {
            let pieces = first.pieces.iter().chain(&second.pieces).cloned().collect();
            let chosen_by = both(first.chosen_by.as_deref(), second.chosen_by.as_deref());
            all.push(SqlText { pieces, chosen_by });
        }
    }
    Rc::new(all)
}

fn both(first: Option<&str>, second: Option<&str>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) if first != second => Some(format!("{first}, {second}")),
        (Some(one), _) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// The texts of either.
pub(crate) fn union(left: &Texts, right: &Texts, span: Span) -> Texts {
    if Rc::ptr_eq(left, right) || left == right {
        return Rc::clone(left);
    }
    let mut all: Vec<SqlText> = left.to_vec();
    for text in right.iter() {
        if !all.iter().any(|known| known.pieces == text.pieces) {
            all.push(text.clone());
        }
    }
    if all.len() > MAX_TEXTS {
        return unknown(span, "…", format!("more than {MAX_TEXTS} texts are possible"));
    }
    Rc::new(all)
}

/// The same texts, with what chose them.
pub(crate) fn chosen(texts: &Texts, by: &str) -> Texts {
    let mut texts = texts.to_vec();
    for text in &mut texts {
        text.chosen_by = both(Some(&shorten(by)), text.chosen_by.as_deref());
    }
    Rc::new(texts)
}

/// An expression as written, on one line and not long.
pub(crate) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or("")),
        None => line,
    }
}
