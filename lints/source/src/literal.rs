//! Values of string literals with the place of each byte.

use tenantry_span::{FileId, Span, TextRange};

use crate::Piece;

/// A text with, for each offset from which the distance changes, the offset in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) value: String,
    pub(crate) map: Vec<(u32, u32)>,
}

impl Mapped {
    fn push(&mut self, c: char, at: u32) {
        let here = offset(self.value.len());
        let continues = self.map.last().is_some_and(|(from, to)| to + (here - from) == at);
        if !continues {
            self.map.push((here, at));
        }
        self.value.push(c);
    }

    /// The part of the text in `range`, with its places.
    pub(crate) fn slice(&self, start: usize, end: usize) -> Mapped {
        let mut part = Mapped::default();
        let Some(text) = self.value.get(start..end) else { return part };
        for (at, c) in text.char_indices() {
            part.push(c, self.place(start + at));
        }
        part
    }

    /// Adds a character that stands at offset `at` of the text `from`.
    pub(crate) fn push_from(&mut self, c: char, from: &Mapped, at: usize) {
        let place = from.place(at);
        self.push(c, place);
    }

    fn place(&self, at: usize) -> u32 {
        let at = offset(at);
        let after = self.map.partition_point(|(from, _)| *from <= at);
        let entry = after.checked_sub(1).and_then(|index| self.map.get(index));
        entry.map_or(at, |(from, to)| to + (at - from))
    }

    /// The piece of a text that this is, where the token is at `span`.
    pub(crate) fn piece(self, span: Span) -> Piece {
        let map = if self.map.is_empty() { vec![(0, span.range.start)] } else { self.map };
        Piece::Literal { value: self.value, span, map }
    }
}

/// A whole file as a piece.
pub(crate) fn file_piece(file: FileId, text: String) -> Piece {
    let range = TextRange::from_usize(0, text.len());
    Piece::Literal { value: text, span: Span::new(file, range), map: vec![(0, 0)] }
}

/// The value of a string or character literal, from the token as written at offset `base`; `None` for other tokens.
pub(crate) fn decode(token: &str, base: u32) -> Option<Mapped> {
    if let Some(rest) = token.strip_prefix('r') {
        return raw(rest, base + 1);
    }
    let quote = token.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let end = token.rfind(quote).filter(|end| *end > 0)?;
    escaped(token.get(1..end)?, base + 1)
}

fn raw(rest: &str, base: u32) -> Option<Mapped> {
    let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
    let body = rest.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let body = body.get(..body.rfind(&close)?)?;
    let start = base + offset(hashes) + 1;
    let mut mapped = Mapped::default();
    for (at, c) in body.char_indices() {
        if c == '\r' && body.get(at + 1..).is_some_and(|after| after.starts_with('\n')) {
            continue;
        }
        mapped.push(c, start + offset(at));
    }
    Some(mapped)
}

fn escaped(body: &str, base: u32) -> Option<Mapped> {
    let mut mapped = Mapped::default();
    let mut chars = body.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let place = base + offset(at);
        match c {
            '\r' if chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
            '\\' => match chars.next()?.1 {
                'n' => mapped.push('\n', place),
                'r' => mapped.push('\r', place),
                't' => mapped.push('\t', place),
                '0' => mapped.push('\0', place),
                c @ ('\\' | '\'' | '"') => mapped.push(c, place),
                'x' => {
                    let high = chars.next()?.1.to_digit(16)?;
                    let low = chars.next()?.1.to_digit(16)?;
                    mapped.push(char::from_u32(high * 16 + low)?, place);
                }
                'u' => {
                    let digits: String =
                        chars.by_ref().skip(1).map(|(_, c)| c).take_while(|c| *c != '}').collect();
                    let code = u32::from_str_radix(&digits.replace('_', ""), 16).ok()?;
                    mapped.push(char::from_u32(code)?, place);
                }
                '\n' | '\r' => {
                    while chars.peek().is_some_and(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r')) {
                        chars.next();
                    }
                }
                _ => return None,
            },
            c => mapped.push(c, place),
        }
    }
    Some(mapped)
}

pub(crate) fn offset(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_continuations_keep_their_places() {
        let token = "\"a\\n\\\n    b\\u{e9}c\"";
        let mapped = decode(token, 100).expect("a literal");
        assert_eq!(mapped.value, "a\nbéc");
        assert_eq!(mapped.map, [(0, 101), (2, 110), (5, 117)]);
        assert_eq!(mapped.slice(2, 3).map, [(0, 110)]);
    }

    #[test]
    fn raw_literals_with_hashes() {
        let mapped = decode("r##\"say \"#x\"##", 0).expect("a literal");
        assert_eq!((mapped.value.as_str(), mapped.map), ("say \"#x", vec![(0, 4)]));
    }

    #[test]
    fn other_tokens_are_none() {
        assert_eq!(decode("b\"x\"", 0), None);
        assert_eq!(decode("12", 0), None);
        assert_eq!(decode("\"", 0), None);
    }
}
