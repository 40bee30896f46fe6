//! Suppressions: which findings somebody has answered for, and which suppressions answer for nothing.

use globset::Glob;
use tenantry_policy::{Date, Policy, nearest};
use tenantry_project::Files;
use tenantry_source::{Mark, MarkKind, Piece, Suppression};
use tenantry_span::{FileId, Span, TextRange};

use crate::report::{Claim, Disposition, Finding, SiteReport, SuppressionKind};

/// A suppression of either kind.
#[derive(Debug)]
pub(crate) struct Entry {
    span: Span,
    rule: String,
    reason: Option<String>,
    until: Option<String>,
    last_day: Option<Date>,
    owner: Option<String>,
    problem: Option<String>,
    scope: Scope,
    used: bool,
    excused: bool,
}

#[derive(Debug)]
enum Scope {
    Source(TextRange),
    /// An attribute's item: whatever is told of the sites that it claims to be exceptions.
    Item(TextRange),
    Policy(Option<globset::GlobMatcher>),
}

/// Makes entries of the source's suppressions. `excused` holds for those that cover only code that is not looked at.
pub(crate) fn of_source(found: Vec<(Suppression, bool)>) -> Vec<Entry> {
    let entries = found.into_iter().map(|(suppression, excused)| {
        let last_day = suppression.until.as_deref().and_then(Date::parse);
        let bad_date = suppression
            .until
            .as_ref()
            .filter(|_| last_day.is_none())
            .map(|until| format!("`{until}` is not a date: write until=YYYY-MM-DD"));
        let no_reason = suppression
            .reason
            .as_ref()
            .is_none_or(|reason| reason.trim().is_empty())
            .then(|| "the reason is missing: write reason=\"…\"".to_owned());
        let unknown = unknown_rule(&suppression.rule);
        Entry {
            span: suppression.span,
            rule: suppression.rule,
            reason: suppression.reason,
            until: suppression.until,
            last_day,
            owner: suppression.owner,
            problem: suppression.problem.or(unknown).or(no_reason).or(bad_date),
            scope: Scope::Source(suppression.covers),
            used: false,
            excused,
        }
    });
    entries.collect()
}

/// Makes entries of `#[cross_tenant(…)]`. `excused` holds for those whose item has sites that are not looked at.
pub(crate) fn of_marks<'m>(marks: impl Iterator<Item = (&'m Mark, bool)>) -> Vec<Entry> {
    let exceptions = marks.filter(|(mark, _)| mark.kind == MarkKind::CrossTenant);
    let entries = exceptions.map(|(mark, excused)| Entry {
        span: mark.span,
        rule: "cross_tenant".to_owned(),
        reason: mark.reason.clone(),
        until: mark.until.clone(),
        last_day: mark.until.as_deref().and_then(Date::parse),
        owner: mark.owner.clone(),
        problem: mark.problem.clone(),
        scope: Scope::Item(mark.covers),
        used: false,
        excused,
    });
    entries.collect()
}

/// The suppressions in the SQL comments of a literal, which cover all of it.
pub(crate) fn in_literal(piece: &Piece) -> Vec<Suppression> {
    let Piece::Literal { value, span, map } = piece else { return Vec::new() };
    if !value.contains("tenantry:") {
        return Vec::new();
    }
    let place = |at: u32| {
        let before = map.iter().rev().find(|(from, _)| *from <= at);
        before.map_or(span.range.start, |(from, there)| there + (at - from))
    };
    let comments = tenantry_source::sql_comments(span.file, value).into_iter().map(|comment| {
        let (start, end) = (place(comment.span.range.start), place(comment.span.range.end));
        let range = TextRange { start, end: end.max(start) };
        Suppression { span: Span::new(span.file, range), covers: span.range, ..comment }
    });
    comments.collect()
}

/// Makes entries of the policy's `[[allow]]`. `excused` where only a part of the project is looked at.
pub(crate) fn of_policy(policy: &Policy, excused: bool) -> Vec<Entry> {
    let Some(file) = policy.file else { return Vec::new() };
    let entries = policy.allow.iter().map(|allow| {
        let glob = allow.path.as_ref().map(|path| Glob::new(&path.value).map(|glob| glob.compile_matcher()));
        let (glob, bad_glob) = match glob {
            None => (None, None),
            Some(Ok(glob)) => (Some(glob), None),
            Some(Err(error)) => (None, Some(format!("the path is not a glob: {error}"))),
        };
        let unknown = unknown_rule(&allow.rule.value);
        let until = allow.until.as_ref().map(|until| until.value);
        Entry {
            span: Span::new(file, allow.range),
            rule: allow.rule.value.clone(),
            reason: Some(allow.reason.value.clone()),
            until: until.map(date),
            last_day: until,
            owner: allow.owner.as_ref().map(|owner| owner.value.clone()),
            problem: unknown.or(bad_glob),
            scope: Scope::Policy(glob),
            used: false,
            excused,
        }
    });
    entries.collect()
}

/// What is wrong with the name of a rule, if something is.
pub(crate) fn unknown_rule(id: &str) -> Option<String> {
    if tenantry_rules::rule(id).is_some() {
        return None;
    }
    let known = tenantry_rules::rules().iter().map(|rule| rule.id);
    let meant = nearest(id, known).map(|meant| format!(": did you mean `{meant}`?"));
    Some(format!("there is no rule `{id}`{}", meant.unwrap_or_default()))
}

/// A date as `YYYY-MM-DD`.
pub fn date(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

impl Entry {
    /// Where it is written.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// The rule that it names.
    pub(crate) fn rule(&self) -> &str {
        &self.rule
    }

    /// The last day, as written.
    pub(crate) fn until(&self) -> Option<&str> {
        self.until.as_deref()
    }

    /// Why it does not hold at all.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// True after its last day.
    pub(crate) fn is_expired(&self, today: Date) -> bool {
        self.last_day.is_some_and(|last| last < today)
    }

    /// True if it suppressed something, or may do so where the run does not look.
    pub(crate) fn is_needed(&self) -> bool {
        self.used || self.excused
    }

    /// True for an attribute on an item.
    pub(crate) fn is_mark(&self) -> bool {
        matches!(self.scope, Scope::Item(_))
    }

    fn covers(&self, files: &Files, finding: &Finding, site: Option<&SiteReport>) -> bool {
        if let Scope::Item(range) = self.scope {
            let excepted = site.filter(|site| site.claim == Claim::Excepted);
            return excepted.is_some_and(|site| {
                site.span.file == self.span.file && range.contains_range(site.span.range)
            });
        }
        if finding.rule != self.rule {
            return false;
        }
        let mut places = site.map(|site| site.span).into_iter().chain([finding.primary]);
        places.any(|place| match &self.scope {
            Scope::Item(_) => false,
            Scope::Source(range) => place.file == self.span.file && touches(*range, place.range),
            Scope::Policy(None) => true,
            Scope::Policy(Some(glob)) => glob.is_match(path(files, place.file)),
        })
    }

    fn disposition(&self) -> Disposition {
        Disposition::Suppressed {
            reason: self.reason.clone().unwrap_or_default(),
            until: self.until.clone(),
            owner: self.owner.clone(),
            kind: match self.scope {
                Scope::Source(_) | Scope::Item(_) => SuppressionKind::InSource,
                Scope::Policy(_) => SuppressionKind::Policy,
            },
        }
    }
}

/// The path of a file with `/`.
pub(crate) fn path(files: &Files, file: FileId) -> String {
    files.path(file).to_string_lossy().replace('\\', "/")
}

fn touches(a: TextRange, b: TextRange) -> bool {
    a.start < b.end && b.start < a.end || a.contains_range(b)
}

/// Applies the entries to the findings, and notes which of them were needed.
pub(crate) fn apply(
    files: &Files,
    today: Date,
    sites: &[SiteReport],
    findings: &mut [Finding],
    entries: &mut [Entry],
) {
    for finding in findings.iter_mut() {
        let site = finding.site.and_then(|at| sites.get(at));
        for entry in entries.iter_mut() {
            if entry.problem.is_some() || !entry.covers(files, finding, site) {
                continue;
            }
            entry.used = true;
            if !entry.is_expired(today) {
                finding.disposition = entry.disposition();
            }
        }
    }
}
