//! Suppressions: comments in Rust and SQL, and the attribute's arguments.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use tenantry_span::{FileId, Span, TextRange};

use crate::Suppression;

/// What one `allow(rule)` of a comment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directive {
    /// The rule's id as written.
    pub rule: String,
    /// `reason="…"`.
    pub reason: Option<String>,
    /// `until=…`.
    pub until: Option<String>,
    /// `owner=…`.
    pub owner: Option<String>,
    /// What is wrong with its form.
    pub problem: Option<String>,
}

/// Reads the text of a comment, its marks taken off: `tenantry: allow(rule) reason="…" until=2027-03-31 owner="…"`.
///
/// One directive for each rule; none where the comment does not begin with `tenantry:`.
pub fn directives(comment: &str) -> Vec<Directive> {
    let Some(body) = comment.trim().strip_prefix("tenantry:") else { return Vec::new() };
    let body = body.trim();
    let Some((rules, rest)) = body.strip_prefix("allow(").and_then(|rest| rest.split_once(')')) else {
        let problem = Some("write `allow(rule) reason=\"…\"` after `tenantry:`".to_owned());
        return vec![Directive { problem, ..Directive::default() }];
    };
    let mut common = Directive::default();
    if let Err(problem) = pairs(rest, &mut common) {
        common.problem = Some(problem);
    }
    finish(rules.split(','), common)
}

fn finish<'r>(rules: impl Iterator<Item = &'r str>, common: Directive) -> Vec<Directive> {
    let rules =
        rules.map(|rule| rule.trim().trim_matches('"').trim_start_matches("tenantry::").replace('_', "-"));
    let mut all: Vec<Directive> =
        rules.filter(|rule| !rule.is_empty()).map(|rule| Directive { rule, ..common.clone() }).collect();
    if all.is_empty() {
        let problem = Some("name the rule: `allow(rule)`".to_owned());
        all.push(Directive { problem, ..common });
    }
    for directive in &mut all {
        let no_reason = directive.reason.as_deref().is_none_or(|reason| reason.trim().is_empty());
        if directive.problem.is_none() && no_reason {
            directive.problem = Some("a reason is missing: `reason=\"…\"`".to_owned());
        }
        let bad_date = directive.until.as_deref().is_some_and(|until| !is_date(until));
        if directive.problem.is_none() && bad_date {
            directive.problem = Some("`until` is no date: write it as 2027-03-31".to_owned());
        }
    }
    all
}

fn pairs(text: &str, into: &mut Directive) -> Result<(), String> {
    let mut rest = text.trim_start_matches([',', ' ', '\t', '\n', '\r']);
    while !rest.is_empty() {
        let (key, after) =
            rest.split_once('=').ok_or_else(|| format!("`{}` is not understood", rest.trim()))?;
        let key = key.trim();
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                quoted.split_once('"').ok_or_else(|| format!("the text of `{key}` does not end"))?
            }
            None => {
                let end = after.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        let slot = match key {
            "reason" => &mut into.reason,
            "until" => &mut into.until,
            "owner" => &mut into.owner,
            _ => return Err(format!("unknown key `{key}`: the keys are reason, until and owner")),
        };
        *slot = Some(value.to_owned());
        rest = after.trim_start_matches([',', ' ', '\t', '\n', '\r']);
    }
    Ok(())
}

pub(crate) fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |text: &str, len: usize| if text.len() == len { text.parse::<u32>().ok() } else { None };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    (1..=12).contains(&month) && (1..=last).contains(&day)
}

/// Reads `allow(rule, reason = "…", until = "…")`, the arguments of the attribute form.
pub(crate) fn attribute(arguments: &str) -> Vec<Directive> {
    let mut rules = Vec::new();
    let mut rest = arguments.trim();
    while let Some(head) =
        rest.split(',').next().filter(|head| !head.trim().is_empty() && !head.contains('='))
    {
        rules.push(head.trim());
        rest = rest.get(head.len()..).unwrap_or("").trim_start_matches(',').trim_start();
    }
    let mut common = Directive::default();
    if let Err(problem) = pairs(rest, &mut common) {
        common.problem = Some(problem);
    }
    finish(rules.into_iter(), common)
}

pub(crate) fn suppression(directive: Directive, span: Span, covers: TextRange) -> Suppression {
    Suppression {
        span,
        covers,
        rule: directive.rule,
        reason: directive.reason,
        until: directive.until,
        owner: directive.owner,
        problem: directive.problem,
    }
}

/// False for a Rust file in which no comment begins with what a directive begins with; paths of the crate do not.
pub(crate) fn may_direct(text: &str) -> bool {
    let mut places = memchr::memmem::find_iter(text.as_bytes(), b"tenantry:");
    places.any(|at| text.get(..at).is_some_and(|before| before.trim_end().ends_with(['/', '*'])))
}

/// The suppression comments of a Rust file; `units` are its items, statements, arms and the like.
pub(crate) fn rust_comments(file: FileId, text: &str, units: &[TextRange]) -> Vec<Suppression> {
    if !may_direct(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = 0usize;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let start = at;
        at += token.len as usize;
        let body = text.get(start..at).unwrap_or("");
        let body = match token.kind {
            TokenKind::LineComment { doc_style: None } => body.trim_start_matches('/'),
            TokenKind::BlockComment { doc_style: None, .. } => {
                body.trim_start_matches("/*").trim_end_matches("*/")
            }
            _ => continue,
        };
        let range = TextRange::from_usize(start, at);
        for directive in directives(body) {
            let covers = covered(text, range, units);
            found.push(suppression(directive, Span::new(file, range), covers));
        }
    }
    found
}

/// What a comment covers: the unit it ends the line of, or the one that follows.
fn covered(text: &str, comment: TextRange, units: &[TextRange]) -> TextRange {
    let (start, end) = (comment.start as usize, comment.end as usize);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let before = text.get(line_start..start).unwrap_or("");
    let code = before.len() - before.trim_start().len();
    if !before.trim().is_empty() {
        let at = TextRange::from_usize(line_start + code, start);
        let holds = |unit: &&TextRange| unit.start < at.end && unit.end > at.start;
        // What began on an earlier line is only meant where it has no other units in it: a statement over several lines.
        let meant = |unit: &&TextRange| unit.start >= at.start || is_alone(**unit, units);
        let ends_here = units.iter().filter(holds).filter(|unit| unit.end <= at.end && unit.end > at.start);
        let inner = units.iter().filter(holds).filter(|unit| unit.contains_range(at));
        let largest = ends_here.filter(meant).max_by_key(|unit| unit.len());
        let chosen = largest.or_else(|| inner.filter(meant).min_by_key(|unit| unit.len()));
        return chosen.copied().unwrap_or(at);
    }
    let rest = text.get(end..).unwrap_or("");
    let next = TextRange::from_usize(end + skip_trivia(rest), text.len()).start;
    let follows = units.iter().filter(|unit| unit.start == next).max_by_key(|unit| unit.len());
    let around = units.iter().filter(|unit| unit.contains_range(comment) && is_alone(**unit, units));
    let around = around.min_by_key(|unit| unit.len());
    let line_end =
        text.get(next as usize..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| next as usize + n);
    follows.or(around).copied().unwrap_or_else(|| TextRange::from_usize(next as usize, line_end))
}

/// True if no other unit lies in this one.
fn is_alone(unit: TextRange, units: &[TextRange]) -> bool {
    !units.iter().any(|other| *other != unit && unit.contains_range(*other))
}

/// How many bytes of white space and comments `text` begins with.
fn skip_trivia(text: &str) -> usize {
    let mut at = 0usize;
    for token in tokenize(text, FrontmatterAllowed::No) {
        match token.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment { doc_style: None }
            | TokenKind::BlockComment { doc_style: None, .. } => at += token.len as usize,
            _ => return at,
        }
    }
    at
}

/// The suppression comments of an SQL file: `-- tenantry: …` covers the statement that follows, or the one that
/// stands before it on its line.
pub fn sql_comments(file: FileId, text: &str) -> Vec<Suppression> {
    let scan = scan_sql(text);
    let mut found = Vec::new();
    for comment in &scan.comments {
        let body = comment.slice(text);
        let body = body.trim_start_matches(['-', '#']).trim_start_matches("/*").trim_end_matches("*/");
        for directive in directives(body) {
            let line_start = text
                .get(..comment.start as usize)
                .and_then(|before| before.rfind('\n'))
                .map_or(0, |at| at + 1);
            let line = TextRange::from_usize(line_start, comment.start as usize);
            let trailing = !line.slice(text).trim().is_empty();
            let statement = if trailing {
                scan.statements.iter().rev().find(|range| range.start < comment.start)
            } else {
                scan.statements.iter().find(|range| range.end > comment.end)
            };
            let covers = statement.copied().unwrap_or(TextRange::empty(comment.end));
            found.push(suppression(directive, Span::new(file, *comment), covers));
        }
    }
    found
}

#[derive(Default)]
struct SqlScan {
    comments: Vec<TextRange>,
    /// From the first byte that is neither white space nor comment to the semicolon.
    statements: Vec<TextRange>,
}

fn scan_sql(text: &str) -> SqlScan {
    let mut scan = SqlScan::default();
    let mut start: Option<usize> = None;
    let mut at = 0usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let step = rest.chars().next().map_or(1, char::len_utf8);
        if rest.starts_with("--") {
            let len = rest.find('\n').unwrap_or(rest.len());
            scan.comments.push(TextRange::from_usize(at, at + len));
            at += len;
            continue;
        }
        if rest.starts_with("/*") {
            let len = rest.find("*/").map_or(rest.len(), |end| end + 2);
            scan.comments.push(TextRange::from_usize(at, at + len));
            at += len;
            continue;
        }
        if rest.starts_with(char::is_whitespace) {
            at += step;
            continue;
        }
        let begin = *start.get_or_insert(at);
        if rest.starts_with(';') {
            scan.statements.push(TextRange::from_usize(begin, at + 1));
            start = None;
        }
        at += quoted(rest).unwrap_or(step);
    }
    if let Some(begin) = start {
        scan.statements.push(TextRange::from_usize(begin, text.len()));
    }
    scan
}

/// The length of the quoted text that `rest` begins with.
fn quoted(rest: &str) -> Option<usize> {
    let quote = rest.chars().next()?;
    if matches!(quote, '\'' | '"') {
        return Some(rest.get(1..)?.find(quote).map_or(rest.len(), |end| end + 2));
    }
    let tag_end = rest.strip_prefix('$')?.find(|c: char| !(c.is_alphanumeric() || c == '_'))? + 1;
    let tag = rest.get(..=tag_end).filter(|tag| tag.ends_with('$'))?;
    let digits = tag.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    if digits {
        return None;
    }
    let body = rest.get(tag.len()..)?;
    Some(body.find(tag).map_or(rest.len(), |end| tag.len() + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_has_rule_reason_date_and_owner() {
        let found = directives(
            " tenantry: allow(unscoped-query) reason=\"runs over all\" until=2027-03-31 owner=\"ops\"",
        );
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.rule, "unscoped-query");
        assert_eq!(one.reason.as_deref(), Some("runs over all"));
        assert_eq!((one.until.as_deref(), one.owner.as_deref()), (Some("2027-03-31"), Some("ops")));
        assert_eq!(one.problem, None);
    }

    #[test]
    fn a_path_is_no_directive_and_a_malformed_comment_is() {
        assert!(!may_direct("use tenantry::*; fn f() -> tenantry::TenantId<i64> {}"));
        for text in [
            "a(); //tenantry: allow(x)",
            "/* \n tenantry: alow */",
            "/** tenantry:allow(x) */",
            "// tenantry::x",
        ] {
            assert!(may_direct(text), "{text}");
        }
    }

    #[test]
    fn malformed_directives_say_so() {
        let problem = |text: &str| directives(text).first().and_then(|first| first.problem.clone());
        assert!(problem("tenantry: allow(x)").is_some_and(|text| text.contains("reason")));
        assert!(
            problem("tenantry: allow(x) reason=\"y\" until=2027-02-30")
                .is_some_and(|text| text.contains("date"))
        );
        assert!(problem("tenantry: alow(x) reason=\"y\"").is_some());
        assert!(problem("tenantry: allow(x) reason=\"y").is_some_and(|text| text.contains("does not end")));
        assert!(problem("tenantry: allow(x) raeson=\"y\"").is_some_and(|text| text.contains("raeson")));
        assert!(directives("see tenantry: allow").is_empty());
    }

    #[test]
    fn an_sql_comment_covers_its_statement() {
        let text = "SELECT ';';\n-- tenantry: allow(a) reason=\"b\"\nDELETE FROM t\nWHERE x = $1;\nSELECT 2; -- tenantry: allow(c) reason=\"d\"\n";
        let found = sql_comments(FileId(0), text);
        let covers: Vec<&str> = found.iter().map(|one| one.covers.slice(text)).collect();
        assert_eq!(covers, ["DELETE FROM t\nWHERE x = $1;", "SELECT 2;"]);
    }
}
