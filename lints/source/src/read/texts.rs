//! Texts as values: pieces joined, and the choices between them.

use std::ops::Deref;
use std::rc::Rc;

use tenantry_span::Span;

use super::assumed::{Assumed, Outcomes, common, together};
use super::builder::is_further_condition;
use crate::{HoleKind, Piece, SqlText};

/// How many texts a site may choose between; beyond it the part that varies is a hole.
pub(crate) const MAX_TEXTS: usize = 128;

/// The texts that an expression may have; never empty.
pub(crate) type Texts = Rc<Vec<Text>>;

/// A text, with what is assumed where it is the one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: SqlText,
    pub(crate) assumed: Vec<Assumed>,
}

impl Deref for Text {
    type Target = SqlText;

    fn deref(&self) -> &SqlText {
        &self.text
    }
}

impl From<SqlText> for Text {
    fn from(text: SqlText) -> Text {
        Text { text, assumed: Vec::new() }
    }
}

pub(crate) fn of_piece(piece: Piece) -> Texts {
    of_all(vec![SqlText { pieces: vec![piece], chosen_by: None }])
}

/// Texts of which nothing is assumed.
pub(crate) fn of_all(texts: Vec<SqlText>) -> Texts {
    Rc::new(texts.into_iter().map(Text::from).collect())
}

/// The texts by themselves.
pub(crate) fn plain(texts: &[Text]) -> Vec<SqlText> {
    texts.iter().map(|text| text.text.clone()).collect()
}

pub(crate) fn empty() -> Texts {
    Rc::new(vec![Text::default()])
}

pub(crate) fn unknown(span: Span, text: &str, why: impl Into<String>) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::unknown(why) })
}

/// A part that may be anything, and stands for no value.
pub(crate) fn unread(span: Span, text: &str, why: impl Into<String>) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::Unread(why.into()) })
}

/// What a parameter holds, at its place.
pub(crate) fn parameter(span: Span, text: &str, place: Span) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::Parameter(place) })
}

pub(crate) fn integer(span: Span, text: &str) -> Texts {
    of_piece(Piece::Hole { span, text: shorten(text), kind: HoleKind::Integer })
}

/// Every text of `left` followed by every text of `right` that it can be followed by, which stands at `span`.
pub(crate) fn concat(left: &Texts, right: &Texts, span: Span) -> Texts {
    let mut all = Vec::with_capacity(left.len() * right.len());
    for first in left.iter() {
        for second in right.iter() {
            let Some(assumed) = together(&first.assumed, &second.assumed) else { continue };
            if all.len() >= MAX_TEXTS {
                let hole = unread(span, "…", format!("more than {MAX_TEXTS} texts are possible"));
                return concat(left, &hole, span);
            }
            let pieces = first.pieces.iter().chain(&second.pieces).cloned().collect();
            let chosen_by = both(first.chosen_by.as_deref(), second.chosen_by.as_deref());
            all.push(Text { text: SqlText { pieces, chosen_by }, assumed });
        }
    }
    if all.is_empty() {
        return unread(span, "…", "its parts stand under conditions that exclude each other");
    }
    Rc::new(all)
}

/// The same texts where something is assumed of all.
pub(crate) fn under(texts: &Texts, assumed: &[Assumed]) -> Texts {
    let possible = those_under(texts, assumed);
    // What is never the case is kept, so that there is a text.
    if assumed.is_empty() || possible.is_empty() { Rc::clone(texts) } else { Rc::new(possible) }
}

fn those_under(texts: &[Text], assumed: &[Assumed]) -> Vec<Text> {
    let one = |text: &Text| {
        let assumed = together(&text.assumed, assumed)?;
        Some(Text { text: text.text.clone(), assumed })
    };
    texts.iter().filter_map(one).collect()
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
    union_under(left, right, &Outcomes::default(), span)
}

/// The texts of either, of which the left ones are there where a condition holds, and the right ones where it does not.
pub(crate) fn union_under(left: &Texts, right: &Texts, ways: &Outcomes, span: Span) -> Texts {
    if Rc::ptr_eq(left, right) || left == right {
        return Rc::clone(left);
    }
    let added = with_condition(left, right, &ways.fails);
    if let Some(all) = added.or_else(|| with_condition(right, left, &ways.holds)) {
        return Rc::new(all);
    }
    let mut all: Vec<Text> = under(left, &ways.holds).to_vec();
    for text in under(right, &ways.fails).iter() {
        match all.iter_mut().find(|known| known.pieces == text.pieces) {
            Some(known) => known.assumed = common(&known.assumed, &text.assumed),
            None => all.push(text.clone()),
        }
    }
    if all.len() > MAX_TEXTS {
        return unread(span, "…", format!("more than {MAX_TEXTS} texts are possible"));
    }
    Rc::new(all)
}

/// The texts of both, where one is the other with one more condition, and all of them differ by such alone: as with
/// builders, the one with the least, those with one of the conditions, and the one with the most decide all others. The
/// longer ones are there only where something is assumed.
fn with_condition(shorter: &Texts, longer: &Texts, assumed: &[Assumed]) -> Option<Vec<Text>> {
    let (first, last) = (shorter.first()?, shorter.last()?);
    let added = longer.first()?.pieces.strip_prefix(first.pieces.as_slice())?;
    let is_added = |(one, other): (&Text, &Text)| {
        other.pieces.strip_prefix(one.pieces.as_slice()).is_some_and(|more| more == added)
    };
    let same = shorter.len() == longer.len() && shorter.iter().zip(longer.iter()).all(is_added);
    if !same || !is_condition(added) || !differ_by_conditions(shorter) {
        return None;
    }
    let mut all = shorter.to_vec();
    let bases = [longer.first(), longer.last().filter(|_| first.pieces != last.pieces)];
    let bases: Vec<Text> = bases.into_iter().flatten().cloned().collect();
    all.extend(those_under(&bases, assumed));
    (all.len() <= MAX_TEXTS).then_some(all)
}

/// Each text is the first with further conditions, all of which the last has.
fn differ_by_conditions(texts: &[Text]) -> bool {
    let [first, .., last] = texts else { return true };
    let beyond = |text: &Text| text.pieces.strip_prefix(first.pieces.as_slice()).map(<[Piece]>::to_vec);
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
    let is_unknown = |piece: &Piece| matches!(piece, Piece::Hole { kind: HoleKind::Unknown(of), .. } if of.why != crate::BUILT);
    if !all.iter().any(|text| text.pieces.iter().any(is_unknown)) {
        return Rc::clone(all);
    }
    let mut texts = all.as_ref().clone();
    for piece in texts.iter_mut().flat_map(|text| &mut text.text.pieces) {
        if let Piece::Hole { kind, .. } = piece
            && matches!(kind, HoleKind::Unknown(of) if of.why != crate::BUILT)
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
        text.text.chosen_by = both(Some(&shorten(by)), text.chosen_by.as_deref());
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
