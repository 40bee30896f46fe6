//! The source of an example in a comment that documents something: `rustdoc` compiles it by itself, and says the lines of the
//! file that holds the comment.

/// The source of the example that line `number`, from 1, belongs to: every line where it stands in the file, without what
/// makes it a comment. `None` for a line that is in none.
pub(super) fn example(text: &str, number: u32) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    let documents = |at: usize| lines.get(at).and_then(|line| documentation(line));
    documents(at)?;
    let is_fence = |at: &usize| documents(*at).is_some_and(|line| line.trim_start().starts_with("```"));
    let start = (0..=at).rev().take_while(|at| documents(*at).is_some()).find(is_fence)?;
    let end = (at..lines.len()).take_while(|at| documents(*at).is_some()).find(is_fence)?;
    // What the line stands between has to be an example: fences are opened and closed in turn.
    let before = (0..=start).rev().take_while(|at| documents(*at).is_some()).filter(is_fence).count();
    if start == at || end == at || before % 2 == 0 {
        return None;
    }
    let shown = |at: usize| {
        let line = documents(at).unwrap_or("");
        // A line that is compiled and not shown.
        match line.trim_start().strip_prefix('#') {
            Some(hidden) if hidden.starts_with(' ') => hidden.strip_prefix(' ').unwrap_or(""),
            _ => line,
        }
    };
    let code: Vec<&str> = (start + 1..end).map(shown).collect();
    let has_main = code.iter().any(|line| line.contains("fn main("));
    let (open, close) = if has_main { ("", "") } else { ("fn main() {", "}") };
    let mut out = "\n".repeat(start);
    out.push_str(open);
    out.push('\n');
    for line in code {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(close);
    out.push('\n');
    Some(out)
}

/// What a line that documents something says.
fn documentation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let said = line.strip_prefix("//!").or_else(|| line.strip_prefix("///"))?;
    Some(said.strip_prefix(' ').unwrap_or(said))
}

#[cfg(test)]
mod tests {
    use super::example;

    const TEXT: &str = "//! Text.\n//! ```\n//! # use a::b;\n//! #[mark]\n//! fn f() {}\n//! ```\n//! more\n//! ```\n//! g();\n//! ```\nfn h() {}\n";

    #[test]
    fn an_example_stands_where_it_stood() {
        let first = "\nfn main() {\nuse a::b;\n#[mark]\nfn f() {}\n}\n";
        for line in [3, 4, 5] {
            assert_eq!(example(TEXT, line).as_deref(), Some(first), "{line}");
        }
        assert!(example(TEXT, 9).is_some_and(|text| text.lines().nth(8) == Some("g();")));
        let with_main = "/// ```\n/// fn main() {}\n/// ```\n";
        assert_eq!(example(with_main, 2).as_deref(), Some("\nfn main() {}\n\n"));
    }

    #[test]
    fn what_is_no_example_is_none() {
        for line in [0, 1, 2, 6, 7, 8, 10, 11, 12, 99] {
            assert_eq!(example(TEXT, line), None, "{line}");
        }
        assert_eq!(example("//! ```\n//! f();\n", 2), None);
    }
}
