//! Texts as values: pieces joined, and the choices between them.

use std::rc::Rc;

use tenantry_span::Span;

use super::builder::is_further_condition;
use crate::{HoleKind, Piece, SqlText};

/// How many texts a site may choose between; beyond it the part that varies is a hole.
pub(crate) const MAX_TEXTS: usize = 128;

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
    if let Some(all) = with_condition(left, right).or_else(|| with_condition(right, left)) {
        return Rc::new(all);
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

/// The texts of both, where one is the other with one more condition, and all of them differ by such alone: as with
/// builders, the one with the least, those with one of the conditions, and the one with the most decide all others.
fn with_condition(shorter: &Texts, longer: &Texts) -> Option<Vec<SqlText>> {
    let (first, last) = (shorter.first()?, shorter.last()?);
    let added = longer.first()?.pieces.strip_prefix(first.pieces.as_slice())?;
    let is_added = |(one, other): (&SqlText, &SqlText)| {
        other.pieces.strip_prefix(one.pieces.as_slice()).is_some_and(|more| more == added)
    };
    let same = shorter.len() == longer.len() && shorter.iter().zip(longer.iter()).all(is_added);
    if !same || !is_condition(added) || !differ_by_conditions(shorter) {
        return None;
    }
    let mut all = shorter.to_vec();
    let bases = [longer.first(), longer.last().filter(|_| first.pieces != last.pieces)];
    all.extend(bases.into_iter().flatten().cloned());
    (all.len() <= MAX_TEXTS).then_some(all)
}

/// Each text is the first with further conditions, all of which the last has.
fn differ_by_conditions(texts: &[SqlText]) -> bool {
    let [first, .., last] = texts else { return true };
    let beyond = |text: &SqlText| text.pieces.strip_prefix(first.pieces.as_slice()).map(<[Piece]>::to_vec);
    let Some(most) = beyond(last) else { return false };
    texts.iter().skip(1).all(|text| {
        beyond(text).is_some_and(|more| is_condition(&more) && more.iter().all(|piece| most.contains(piece)))
    })
}

fn is_condition(pieces: &[Piece]) -> bool {
    let text = SqlText { pieces: pieces.to_vec(), chosen_by: None };
    text.known().is_some_and(|text| is_further_condition(&text))
}

/// The texts of a constant: nobody writes a value into it while the program runs, whatever is not known of it.
pub(crate) fn of_constant(all: &Texts, name: &str) -> Texts {
    let is_unknown = |piece: &Piece| matches!(piece, Piece::Hole { kind: HoleKind::Unknown(why), .. } if why != crate::BUILT);
    if !all.iter().any(|text| text.pieces.iter().any(is_unknown)) {
        return Rc::clone(all);
    }
    let mut texts = all.as_ref().clone();
    for piece in texts.iter_mut().flat_map(|text| &mut text.pieces) {
        if let Piece::Hole { kind, .. } = piece
            && matches!(kind, HoleKind::Unknown(why) if why != crate::BUILT)
        {
            *kind = HoleKind::Unread(format!("the constant `{name}` is not read as a text"));
        }
    }
    Rc::new(texts)
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
