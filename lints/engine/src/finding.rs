//! How findings are made: a rule drafts one, the draft is held against nonsense, and of one cause only the most
//! specific rule's finding is kept.

use tenantry_project::Files;
use tenantry_rules::RuleDoc;
use tenantry_span::{Span, TextRange};

use crate::report::{Disposition, Finding};

/// A finding in the making. It does not name its rule: that is the one whose code drafts it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    primary: Span,
    message: String,
    table: String,
    site: Option<usize>,
    related: Vec<(Span, String)>,
    help: Vec<String>,
    causes: Vec<Span>,
    mend: Option<Mend>,
    within: Option<(String, TextRange)>,
}

/// Statements that mend a schema, and those that undo them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mend {
    /// With their semicolons.
    pub(crate) up: String,
    /// With their semicolons.
    pub(crate) down: String,
}

/// Why a draft is not a finding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DraftError {
    /// The message, a word at a place, or a help says nothing.
    #[error("a finding of `{0}` has a text that says nothing")]
    Empty(&'static str),
    /// A place does not lie in a file of the run.
    #[error("a finding of `{0}` points outside of its file")]
    OutOfFile(&'static str),
}

impl Draft {
    /// Says `message` of the place `primary`, the smallest one that is wrong.
    pub(crate) fn new(primary: Span, message: impl Into<String>) -> Draft {
        Draft {
            primary,
            message: one_line(&message.into()),
            table: String::new(),
            site: None,
            related: Vec::new(),
            help: Vec::new(),
            causes: Vec::new(),
            mend: None,
            within: None,
        }
    }

    /// Points at a range of a text that stands somewhere in the primary place, such as the body of a function; at all of
    /// the primary place where the text is written otherwise there.
    pub(crate) fn within(mut self, text: &str, range: TextRange) -> Draft {
        self.within = Some((text.to_owned(), range));
        self
    }

    /// The primary place, narrowed.
    fn place(&self, files: &Files) -> Span {
        match &self.within {
            Some((text, range)) => narrowed(files, self.primary, text, *range),
            None => self.primary,
        }
    }

    /// The table that it is about.
    pub(crate) fn table(mut self, table: &str) -> Draft {
        table.clone_into(&mut self.table);
        self
    }

    /// The site that it is about, as an index into the report's.
    pub(crate) fn site(mut self, index: usize) -> Draft {
        self.site = Some(index);
        self
    }

    /// Another place that explains it.
    pub(crate) fn related(mut self, place: Span, word: impl Into<String>) -> Draft {
        let told = (place, one_line(&word.into()));
        if !self.related.contains(&told) {
            self.related.push(told);
        }
        self
    }

    /// Where the statement is run. That is told if the text lies in another file, which several places may run.
    pub(crate) fn run_at(self, call: Span) -> Draft {
        if self.primary.file == call.file { self } else { self.related(call, "the statement is run here") }
    }

    /// What to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Draft {
        self.help.push(one_line(&help.into()));
        self
    }

    /// A place, besides the primary one, where the cause shows. A rule that tells the same cause in general terms
    /// points there.
    pub(crate) fn cause(mut self, place: Span) -> Draft {
        self.causes.push(place);
        self
    }

    /// A statement that mends the schema, and one that undoes it, both without semicolons. Only where it is plain that
    /// nothing else is wanted.
    pub(crate) fn mend(mut self, up: &str, down: &str) -> Draft {
        self.mend = Some(Mend { up: format!("{up};"), down: format!("{down};") });
        self
    }

    /// The finding of the rule with this page.
    ///
    /// # Errors
    /// A place does not lie in its file, or a text says nothing.
    pub(crate) fn build(&self, files: &Files, page: &'static RuleDoc) -> Result<Told, DraftError> {
        let mut texts =
            self.help.iter().chain(self.related.iter().map(|(_, word)| word)).chain([&self.message]);
        if texts.any(String::is_empty) {
            return Err(DraftError::Empty(page.id));
        }
        let mut places = self.related.iter().map(|(place, _)| *place).chain([self.primary]);
        if !places.all(|place| lies_in_its_file(files, place)) {
            return Err(DraftError::OutOfFile(page.id));
        }
        let primary = self.place(files);
        let finding = Finding {
            rule: page.id,
            severity: page.severity,
            message: self.message.clone(),
            primary,
            label: String::new(),
            related: self.related.clone(),
            help: self.help.clone(),
            site: self.site,
            table: self.table.clone(),
            fix: None,
            fingerprint: String::new(),
            disposition: Disposition::New,
        };
        let causes = [primary].into_iter().chain(self.causes.iter().copied()).collect();
        Ok(Told { finding, page, causes, mend: self.mend.clone() })
    }
}

/// A range of a text that stands somewhere in a place; all of the place where the text is written otherwise there.
pub(crate) fn narrowed(files: &Files, within: Span, text: &str, range: TextRange) -> Span {
    let place = || {
        let at = within.range.slice(files.text(within.file)).find(text)?;
        let at = u32::try_from(at).ok()?.checked_add(within.range.start)?;
        let range = TextRange { start: at.checked_add(range.start)?, end: at.checked_add(range.end)? };
        Some(Span::new(within.file, range))
    };
    place().filter(|place| lies_in_its_file(files, *place)).unwrap_or(within)
}

/// True if a place lies in its file, between characters.
pub(crate) fn lies_in_its_file(files: &Files, place: Span) -> bool {
    let known = (place.file.0 as usize) < files.len();
    known && files.text(place.file).get(place.range.start as usize..place.range.end as usize).is_some()
}

/// Expressions of the source stand in texts, and may go over several lines there.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A finding, and where its cause shows.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) finding: Finding,
    /// What mends the schema.
    pub(crate) mend: Option<Mend>,
    page: &'static RuleDoc,
    causes: Vec<Span>,
}

impl Told {
    fn shares_a_cause(&self, other: &Told) -> bool {
        self.causes.iter().any(|cause| other.causes.iter().any(|known| nested(*cause, *known)))
    }
}

fn nested(a: Span, b: Span) -> bool {
    let within = |outer: TextRange, inner: TextRange| outer.contains_range(inner);
    a.file == b.file && (within(a.range, b.range) || within(b.range, a.range))
}

/// Keeps one finding for each cause: what a more specific rule tells, the general one does not tell again.
pub(crate) fn keep_the_most_specific(told: Vec<Told>) -> Vec<Finding> {
    let is_refined = |general: &Told| {
        told.iter().any(|other| refines(other.page, general.page.id) && other.shares_a_cause(general))
    };
    let kept: Vec<bool> = told.iter().map(|told| !is_refined(told)).collect();
    told.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(told, _)| told.finding).collect()
}

/// True if `specific` refines the rule `general`, at once or through others. A test of the pages holds that this ends.
fn refines(specific: &RuleDoc, general: &str) -> bool {
    specific
        .refines
        .iter()
        .any(|id| *id == general || tenantry_rules::rule(id).is_some_and(|between| refines(between, general)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: &str) -> &'static RuleDoc {
        tenantry_rules::rule(id).expect("a page")
    }

    fn files() -> (Files, Span) {
        let mut files = Files::default();
        let id = files.add("src/lib.rs", "sqlx::query(\"é\")");
        (files, Span::new(id, TextRange::new(0, 11)))
    }

    #[test]
    fn nonsense_is_rejected() {
        let (files, place) = files();
        let page = page("unscoped-query");
        let beyond = Span::new(place.file, TextRange::new(0, 900));
        let within_a_character = Span::new(place.file, TextRange::new(0, 14));
        let good = Draft::new(place, "said of\n   `a`").build(&files, page).expect("a finding");
        assert_eq!(good.finding.message, "said of `a`");
        for wrong in [
            Draft::new(place, "  "),
            Draft::new(place, "said").help(""),
            Draft::new(place, "said").related(place, ""),
        ] {
            assert!(matches!(wrong.build(&files, page), Err(DraftError::Empty(_))), "{wrong:?}");
        }
        for wrong in [
            Draft::new(beyond, "said"),
            Draft::new(within_a_character, "said"),
            Draft::new(place, "said").related(beyond, "here"),
        ] {
            assert!(matches!(wrong.build(&files, page), Err(DraftError::OutOfFile(_))), "{wrong:?}");
        }
    }

    #[test]
    fn of_one_cause_only_the_most_specific_rule_is_told() {
        let (files, place) = files();
        let elsewhere = Span::new(place.file, TextRange::new(12, 13));
        let told = |rule: &str, draft: Draft| draft.build(&files, page(rule)).expect("a finding");
        let kept = |told: Vec<Told>| -> Vec<&str> {
            keep_the_most_specific(told).iter().map(|finding| finding.rule).collect()
        };
        let general = told("unscoped-query", Draft::new(place, "said"));
        let specific = told("optional-tenant-filter", Draft::new(place, "said"));
        assert_eq!(kept(vec![general.clone(), specific]), ["optional-tenant-filter"]);
        let other = told("optional-tenant-filter", Draft::new(elsewhere, "said"));
        assert_eq!(kept(vec![general.clone(), other]), ["unscoped-query", "optional-tenant-filter"]);
        let same = told("tenant-parameter-unused", Draft::new(elsewhere, "said").cause(place));
        assert_eq!(kept(vec![general, same]), ["tenant-parameter-unused"]);
    }
}
