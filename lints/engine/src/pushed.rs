//! What would scope a query that is pushed together: one more condition, pushed where the builder is made.
//!
//! **Invariant:** a condition is offered only if every text that the builder may hold is proved as scoped with it. It is
//! pushed by a statement of its own, right behind the one that makes the builder of a literal: nothing can come between.

use tenantry_policy::Dialect;
use tenantry_project::Files;
use tenantry_prover::verdict::{Leak, LeakKind, Verdict};
use tenantry_source::{Bind, Piece, QuerySite, SqlText};
use tenantry_span::{Span, TextRange};

use crate::decide::{Cause, Decision, decide};
use crate::fixes::{Edit, Fix};
use crate::statement::Schema;

/// How conditions are joined to what the builder begins with.
const WORDS: &[&str] = &["AND", "WHERE"];

/// The most texts of a builder that are proved anew for each value that is tried.
const MAX_TEXTS: usize = 32;

/// Where a builder is made: its name, and the place behind the statement.
pub(crate) struct Made<'s> {
    name: &'s str,
    indent: &'s str,
    behind: usize,
}

/// The builder that a site is, where it is made by a statement of its own out of a literal.
pub(crate) fn made<'s>(files: &'s Files, site: &QuerySite) -> Option<Made<'s>> {
    if site.library != "sqlx" || !site.call.starts_with("QueryBuilder") {
        return None;
    }
    let source = files.text(site.span.file);
    let (start, end) = (site.span.range.start as usize, site.span.range.end as usize);
    let literal = base(site)?;
    let argument = source.get(start..end)?.strip_suffix(')')?.trim_end().trim_end_matches(',').trim_end();
    if start + argument.len() != literal.range.end as usize {
        return None;
    }
    let behind = source.get(end..)?.starts_with(';').then_some(end + 1)?;
    let before = source.get(..start)?;
    let line = before.get(before.rfind('\n').map_or(0, |at| at + 1)..)?;
    let indent = line.get(..line.len() - line.trim_start().len())?;
    let declared = line.trim_start().strip_prefix("let mut ")?.trim_end().strip_suffix('=')?;
    let name = declared.split_once(':').map_or(declared, |(name, _)| name).trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some(Made { name, indent, behind })
}

/// The literal that every text of the site begins with.
fn base(site: &QuerySite) -> Option<Span> {
    let first = |text: &SqlText| match text.pieces.first() {
        Some(Piece::Literal { span, .. }) => Some(*span),
        _ => None,
    };
    let literal = first(site.texts.first()?)?;
    let same = site.texts.iter().all(|text| first(text) == Some(literal));
    (same && literal.file == site.span.file).then_some(literal)
}

/// The columns that are compared with the tenant in what leaks, each up to where the tenant stands.
pub(crate) fn conditions(decisions: &[Decision]) -> Option<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for decision in decisions {
        let leaks = match &decision.verdict {
            Verdict::Scoped(_) => continue,
            Verdict::Leaks(leaks) if decision.cause == Cause::Verdict => leaks,
            Verdict::Leaks(_) | Verdict::Undecided(_) => return None,
        };
        for leak in leaks {
            let condition = condition(leak)?;
            if !all.contains(&condition) {
                all.push(condition);
            }
        }
    }
    (!all.is_empty()).then_some(all)
}

fn condition(leak: &Leak) -> Option<String> {
    // Who asks for a filter that vanishes may mean it.
    let (before, after) = leak.condition().filter(|_| leak.kind != LeakKind::OptionalFilter)?;
    let before = before.trim_start_matches("add ");
    (after.is_empty() && before.ends_with(" = ")).then(|| before.to_owned())
}

/// The statement that scopes the site with a value, where one does.
pub(crate) fn pushed(
    schema: Schema<'_>,
    site: &QuerySite,
    made: &Made<'_>,
    conditions: &[String],
    value: &Bind,
) -> Option<Fix> {
    let written = value.text.as_str();
    let binds = site.binds.as_ref()?;
    if schema.dialect != Dialect::Postgres || site.texts.len() > MAX_TEXTS || written.contains('\n') {
        return None;
    }
    let number = u32::try_from(binds.len() + 1).ok()?;
    let ends_blank = matches!(
        site.texts.first()?.pieces.first()?,
        Piece::Literal { value, .. } if value.ends_with(char::is_whitespace)
    );
    let scopes = |first: &&&str| {
        let parts = parts(first, conditions, ends_blank);
        let changed = |text: &SqlText| {
            let (begun, rest) = text.pieces.split_first()?;
            let span = begun.span();
            let own = parts.iter().map(|part| match part {
                Part::Text(text) => Piece::Built { text: text.clone(), span },
                Part::Value => Piece::Placeholder { number, span },
            });
            let pieces = std::iter::once(begun.clone()).chain(own).chain(rest.iter().cloned()).collect();
            Some(SqlText { pieces, chosen_by: text.chosen_by.clone() })
        };
        let texts: Option<Vec<SqlText>> = site.texts.iter().map(changed).collect();
        let Some(texts) = texts else { return false };
        let binds = binds.iter().cloned().chain([value.clone()]).collect();
        let site = QuerySite { texts, binds: Some(binds), checks: Vec::new(), ..site.clone() };
        let decisions = decide(schema, &site);
        !decisions.is_empty() && decisions.iter().all(|one| matches!(one.verdict, Verdict::Scoped(_)))
    };
    let first = WORDS.iter().find(scopes)?;
    let calls: String = parts(first, conditions, ends_blank)
        .iter()
        .map(|part| match part {
            Part::Text(text) => format!(".push({text:?})"),
            Part::Value => format!(".push_bind({written})"),
        })
        .collect();
    let text = format!("\n{}{}{calls};", made.indent, made.name);
    let place = Span::new(site.span.file, TextRange::from_usize(made.behind, made.behind));
    Some(Fix::of(vec![Edit { place, text }]))
}

/// What is pushed.
enum Part {
    Text(String),
    Value,
}

fn parts(first: &str, conditions: &[String], ends_blank: bool) -> Vec<Part> {
    let mut all = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        let (blank, word) = match at {
            0 => (if ends_blank { "" } else { " " }, first),
            _ => (" ", "AND"),
        };
        all.extend([Part::Text(format!("{blank}{word} {condition}")), Part::Value]);
    }
    // What is pushed next may rely on the blank.
    if ends_blank {
        all.push(Part::Text(" ".to_owned()));
    }
    all
}
