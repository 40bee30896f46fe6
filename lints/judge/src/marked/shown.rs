//! How something is told where only one span and one text can be given: the lines of a diagnostic within the message.

use std::fmt::Write as _;

use tenantry_span::{LineCol, TextRange};

/// The most characters of a line that are shown.
const MAX_LINE: usize = 140;

/// A message with the place below it, and what to do.
pub(super) fn message(
    what: &str,
    path: Option<&str>,
    text: &str,
    place: TextRange,
    helps: &[String],
) -> String {
    let mut out = format!("tenantry: {what}");
    let at = LineCol::of(text, place.start);
    let start = text.get(..place.start as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    if let Some(path) = path {
        let _ = write!(out, "\n{gutter}--> {path}:{}:{}", at.line, at.column);
    }
    let column = (at.column as usize).saturating_sub(1);
    if !line.trim().is_empty() && column < MAX_LINE {
        let width = place.slice(text).lines().next().map_or(0, |first| first.chars().count());
        let shown: String = line.chars().take(MAX_LINE).map(|c| if c == '\t' { ' ' } else { c }).collect();
        let left = shown.chars().count().saturating_sub(column);
        let carets = "^".repeat(width.clamp(1, left.max(1)));
        let before = " ".repeat(column);
        let _ = write!(out, "\n{gutter} |\n{number} | {}\n{gutter} | {before}{carets}", shown.trim_end());
    }
    for help in helps {
        let _ = write!(out, "\n{gutter} = help: {help}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_shown_within_the_message() {
        let text = "fn a() {\n\tquery(\"é orders\")\n}";
        let start = text.find("orders").map_or(0, |at| at as u32);
        let place = TextRange::new(start, start + 6);
        let shown = message("`orders`: all", Some("src/a.rs"), text, place, &["add it".to_owned()]);
        let expected = "tenantry: `orders`: all\n --> src/a.rs:2:11\n  |\n2 |  query(\"é orders\")\n  |           ^^^^^^\n  = help: add it";
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_lies_beyond_the_line_is_left_out() {
        let text = format!("{}x", " ".repeat(500));
        assert_eq!(message("said", None, &text, TextRange::new(500, 501), &[]), "tenantry: said");
        assert_eq!(message("said", None, "", TextRange::new(7, 9), &[]), "tenantry: said");
    }
}
