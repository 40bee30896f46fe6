//! The rules' pages: `rules/<rule-id>.md`, read once.

use std::sync::OnceLock;

use tenantry_span::Severity;

macro_rules! pages {
    ($($id:literal,)*) => {
        &[$(($id, include_str!(concat!("../", $id, ".md")))),*]
    };
}

/// The registered pages. The order is the rules' order in every list; new ones are added at the end.
pub(crate) const PAGES: &[(&str, &str)] = pages![
    "unscoped-query",
    "joined-table-not-tied",
    "column-compared-with-itself",
    "undecided-query",
    "conflict-target-crosses-tenants",
    "tenant-key-rewritten",
    "optional-tenant-filter",
    "raw-query",
    "sql-injection",
    "untrusted-tenant",
    "tenant-parameter-unused",
    "unreadable-sql",
    "unused-suppression",
    "expired-suppression",
    "cascade-crosses-tenants",
    "shared-table-written",
    "row-written-without-owner",
    "fail-open-filter",
    "fetched-then-unchecked",
    "rls-not-enabled",
    "rls-not-forced",
    "policy-always-true",
    "policy-check-admits-other-tenants",
    "policy-ignores-tenant-key",
    "policy-missing-setting-allows",
    "permissive-policies-widen",
    "view-bypasses-rls",
    "definer-function-search-path",
    "bypassrls-role",
    "setting-empty-after-commit",
    "truncate-granted",
    "materialized-view-mixes-tenants",
    "session-setting-outlives-transaction",
    "unproved-mark",
    "mark-without-query",
    "unmarked-query",
    "partition-reachable",
    "unique-without-tenant-key",
    "foreign-key-crosses-tenants",
    "tenant-key-nullable",
    "tenant-key-collation",
    "untrusted-schema-in-search-path",
    "owning-key-nullable",
    "index-without-tenant-key",
    "trigger-crosses-tenants",
    "function-crosses-tenants",
    "execute-with-unquoted-text",
    "unwatched-migrations",
    "policy-function-immutable",
];

/// What a rule's page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDoc {
    /// The rule's id, in kebab-case; it never changes.
    pub id: &'static str,
    /// The default severity.
    pub severity: Severity,
    /// For rules about security: `"0.1"` to `"10.0"`, as SARIF's `security-severity` wants it.
    pub security_severity: Option<&'static str>,
    /// How often a finding is right.
    pub precision: Precision,
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
    /// Rules that this one is more specific than: where both match a cause, only this one is told.
    pub refines: Vec<&'static str>,
    /// Tags for code scanning; `security` first where it applies.
    pub tags: Vec<&'static str>,
    /// Whether it is told where the policy does not name it.
    pub default: Default,
    /// What the rule looks at.
    pub kind: RuleKind,
    /// The short description, at most 120 characters.
    pub title: &'static str,
    /// The full description in Markdown, less than 1024 characters.
    pub description: String,
    /// The section "Why".
    pub why: &'static str,
    /// The whole page without the front matter, as Markdown.
    pub body_markdown: &'static str,
    /// The examples, in the order of the page.
    pub examples: Vec<Example>,
}

/// Whether a rule is told where the policy does not name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It is.
    On,
    /// It has to be asked for.
    Off,
    /// It is told of statements; of the schema it has to be asked for.
    Sites,
}

/// How often a finding of a rule is right, in SARIF's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Sometimes.
    Low,
    /// More often than not.
    Medium,
    /// Nearly always.
    High,
    /// Always, as far as known.
    VeryHigh,
}

impl Precision {
    /// The word in front matter and SARIF: `low`, `medium`, `high` or `very-high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Precision::Low => "low",
            Precision::Medium => "medium",
            Precision::High => "high",
            Precision::VeryHigh => "very-high",
        }
    }
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// One query site with its verdict.
    Site,
    /// The schema.
    Schema,
    /// The report as a whole.
    Report,
    /// The policy file.
    Config,
}

/// A small project that shows what a rule finds or leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The section it stands in.
    pub section: Section,
    /// Its heading within the section; empty where the section has a single example.
    pub name: &'static str,
    /// Its files, in the order of the page.
    pub files: Vec<ExampleFile>,
}

impl Example {
    /// All files of the project: the example's own, and the shared schema and policy where it brings none.
    pub fn project(&self) -> Vec<(&str, &str)> {
        let has = |end: &str| self.files.iter().any(|file| file.path.ends_with(end));
        let own = self.files.iter().map(|file| (file.path, file.text.as_str()));
        let schema = (!has(".sql")).then_some(("migrations/0001_init.sql", EXAMPLE_SCHEMA));
        let policy = (!has("tenantry.toml")).then_some(("tenantry.toml", EXAMPLE_POLICY));
        own.chain(schema).chain(policy).collect()
    }
}

/// The section of a page in which an example stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Findings are expected at the marks, and nowhere else.
    Bad,
    /// No finding is expected.
    Good,
    /// The site is undecided: findings are expected at the marks, and nowhere else.
    Undecided,
}

/// A file of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its path within the example's project.
    pub path: &'static str,
    /// Its text without the marks; the first line is the comment that names it.
    pub text: String,
    /// The findings that are expected in it, in the order of the text.
    pub marks: Vec<Mark>,
}

/// A finding that an example expects: `//~ rule-id` (in SQL `--~`, in TOML `#~`) at the end of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line of the finding's primary place, from 1.
    pub line: u32,
    /// The rule's id.
    pub rule: &'static str,
}

/// The schema of examples that bring none.
pub const EXAMPLE_SCHEMA: &str = include_str!("../example-schema.sql");

/// The policy of examples that bring none.
pub const EXAMPLE_POLICY: &str = include_str!("../example-tenantry.toml");

/// All rules, in their fixed order.
pub fn rules() -> &'static [RuleDoc] {
    static RULES: OnceLock<Vec<RuleDoc>> = OnceLock::new();
    // A test holds that every registered page can be read, so nothing is lost here.
    RULES.get_or_init(|| PAGES.iter().filter_map(|(_, text)| read_page(text).ok()).collect())
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static RuleDoc> {
    rules().iter().find(|rule| rule.id == id)
}

fn read_page(text: &'static str) -> Result<RuleDoc, String> {
    let (front, body) = text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .ok_or("the page begins with front matter between two lines of ---")?;
    let front = FrontMatter::read(front)?;
    let body = body.trim_start();
    let (title, rest) = body
        .strip_prefix("# ")
        .and_then(|rest| rest.split_once('\n'))
        .ok_or("the front matter is followed by the title, `# …`")?;
    let first_paragraph = rest.trim_start().split("\n\n").next().unwrap_or("");
    let why = section(body, "Why").ok_or("there is no section `## Why`")?;
    Ok(RuleDoc {
        id: front.required("id")?,
        severity: Severity::parse(front.required("severity")?).ok_or("severity is error, warning or note")?,
        security_severity: front.get("security-severity").map(check_score).transpose()?,
        precision: precision(front.required("precision")?)?,
        cwe: front.list("cwe").map(number).collect::<Result<_, _>>()?,
        refines: front.list("refines").collect(),
        tags: front.list("tags").collect(),
        default: default(front.required("default")?)?,
        kind: kind(front.required("kind")?)?,
        title: title.trim(),
        description: first_paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" "),
        why,
        body_markdown: body,
        examples: examples(body)?,
    })
}

const FRONT_KEYS: &[&str] =
    &["id", "severity", "security-severity", "precision", "cwe", "refines", "tags", "default", "kind"];

struct FrontMatter {
    entries: Vec<(&'static str, &'static str)>,
}

impl FrontMatter {
    fn read(text: &'static str) -> Result<FrontMatter, String> {
        let mut entries: Vec<(&str, &str)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("`{line}` is not `key: value`"))?;
            if !FRONT_KEYS.contains(&key) {
                return Err(format!("unknown key `{key}` in the front matter"));
            }
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(format!("`{key}` is given twice"));
            }
            entries.push((key, value.trim().trim_matches('"')));
        }
        Ok(FrontMatter { entries })
    }

    fn get(&self, key: &str) -> Option<&'static str> {
        self.entries.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn required(&self, key: &str) -> Result<&'static str, String> {
        self.get(key).ok_or_else(|| format!("the front matter lacks `{key}`"))
    }

    /// The items of `[a, b]`; none where the key is absent.
    fn list(&self, key: &str) -> impl Iterator<Item = &'static str> {
        let inner = self.get(key).unwrap_or("").trim_start_matches('[').trim_end_matches(']');
        inner.split(',').map(str::trim).filter(|item| !item.is_empty())
    }
}

fn check_score(score: &'static str) -> Result<&'static str, String> {
    match score.parse::<f32>() {
        Ok(number) if number > 0.0 && number <= 10.0 => Ok(score),
        _ => Err(format!("security-severity `{score}` is not within 0.1 and 10.0")),
    }
}

fn precision(word: &str) -> Result<Precision, String> {
    let all = [Precision::Low, Precision::Medium, Precision::High, Precision::VeryHigh];
    let found = all.into_iter().find(|precision| precision.as_str() == word);
    found.ok_or_else(|| format!("precision is very-high, high, medium or low, not `{word}`"))
}

fn kind(word: &str) -> Result<RuleKind, String> {
    match word {
        "site" => Ok(RuleKind::Site),
        "schema" => Ok(RuleKind::Schema),
        "report" => Ok(RuleKind::Report),
        "config" => Ok(RuleKind::Config),
        _ => Err(format!("kind is site, schema, report or config, not `{word}`")),
    }
}

fn default(word: &str) -> Result<Default, String> {
    match word {
        "on" => Ok(Default::On),
        "off" => Ok(Default::Off),
        "sites" => Ok(Default::Sites),
        _ => Err(format!("default is on, off or sites, not `{word}`")),
    }
}

fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("cwe lists numbers, not `{word}`"))
}

/// The text of the section with this heading, without the heading. Headings inside of code blocks do not count.
fn section(body: &'static str, heading: &str) -> Option<&'static str> {
    let mut start = None;
    for line in Lines::new(body) {
        let Some(found) = line.heading(2) else { continue };
        match start {
            Some(start) => return body.get(start..line.start).map(str::trim),
            None if found == heading => start = Some(line.end),
            None => {}
        }
    }
    body.get(start?..).map(str::trim)
}

fn examples(body: &'static str) -> Result<Vec<Example>, String> {
    let mut examples: Vec<Example> = Vec::new();
    let mut place: Option<(Section, &str)> = None;
    let mut block: Option<Vec<&str>> = None;
    for line in Lines::new(body) {
        if let Some(heading) = line.heading(2) {
            place = example_section(heading).map(|section| (section, ""));
        } else if let (Some(name), Some((section, _))) = (line.heading(3), place) {
            place = Some((section, name));
        }
        let Some((section, name)) = place else { continue };
        match (&mut block, line.is_fence) {
            (None, true) => block = Some(Vec::new()),
            (None, false) => {}
            (Some(lines), false) => lines.push(line.text),
            (Some(lines), true) => {
                let file = example_file(lines)?;
                block = None;
                match examples.last_mut().filter(|last| last.section == section && last.name == name) {
                    Some(last) => last.files.push(file),
                    None => examples.push(Example { section, name, files: vec![file] }),
                }
            }
        }
    }
    Ok(examples)
}

fn example_section(heading: &str) -> Option<Section> {
    match heading {
        "Bad" => Some(Section::Bad),
        "Good" => Some(Section::Good),
        "Undecided" => Some(Section::Undecided),
        _ => None,
    }
}

fn example_file(lines: &[&'static str]) -> Result<ExampleFile, String> {
    let first = lines.first().copied().unwrap_or("");
    let path = ["// ", "-- ", "# "]
        .iter()
        .find_map(|comment| first.strip_prefix(comment))
        .map(str::trim)
        .filter(|path| path.contains('.') && !path.contains(' '))
        .ok_or_else(|| {
            format!("the first line of a code block names its file in a comment, not `{first}`")
        })?;
    let mut file = ExampleFile { path, text: String::new(), marks: Vec::new() };
    for (line, text) in (1..).zip(lines) {
        let (text, rules) = split_mark(text);
        file.marks.extend(rules.map(|rule| Mark { line, rule }));
        file.text.push_str(text);
        file.text.push('\n');
    }
    Ok(file)
}

/// The line without its mark, and the rules that the mark names.
fn split_mark(line: &'static str) -> (&'static str, impl Iterator<Item = &'static str>) {
    let found = ["//~", "--~", "#~"].iter().find_map(|mark| line.split_once(mark));
    let (text, rules) = found.map_or((line, ""), |(text, rules)| (text.trim_end(), rules));
    (text, rules.split(',').map(str::trim).filter(|rule| !rule.is_empty()))
}

struct Line {
    text: &'static str,
    start: usize,
    end: usize,
    is_fence: bool,
    in_block: bool,
}

impl Line {
    /// The heading of this level, if the line is one.
    fn heading(&self, level: usize) -> Option<&'static str> {
        if self.in_block || self.is_fence {
            return None;
        }
        let (marks, heading) = self.text.split_once(' ')?;
        (marks.len() == level && marks.bytes().all(|byte| byte == b'#')).then(|| heading.trim())
    }
}

/// The lines of a text, each with its place and whether it stands in a code block.
struct Lines {
    rest: std::str::SplitInclusive<'static, char>,
    at: usize,
    in_block: bool,
}

impl Lines {
    fn new(text: &'static str) -> Lines {
        Lines { rest: text.split_inclusive('\n'), at: 0, in_block: false }
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let whole = self.rest.next()?;
        let start = self.at;
        self.at += whole.len();
        let text = whole.trim_end();
        let is_fence = text.starts_with("```");
        let line = Line { text, start, end: self.at, is_fence, in_block: self.in_block };
        self.in_block ^= is_fence;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_can_be_read_and_is_named_for_its_rule() {
        for (id, text) in PAGES {
            match read_page(text) {
                Ok(page) => assert_eq!(page.id, *id),
                Err(fault) => panic!("{id}.md: {fault}"),
            }
        }
        assert_eq!(rules().len(), PAGES.len());
    }

    #[test]
    fn the_list_of_pages_is_the_folder() {
        for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the folder is the package") {
            let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".md").filter(|id| *id != "README") else { continue };
            let known = PAGES.iter().any(|(known, _)| *known == id);
            assert!(known, "add to PAGES in rules/src/pages.rs:\n    \"{id}\",");
        }
    }

    #[test]
    fn ids_and_limits_are_those_of_the_outputs() {
        for rule in rules() {
            let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(rule.id.chars().all(kebab), "{}", rule.id);
            assert!(rule.title.chars().count() <= 120, "{}: the title is too long", rule.id);
            assert!(!rule.title.ends_with('.'), "{}: a title is no sentence", rule.id);
            let length = rule.description.chars().count();
            assert!((1..1024).contains(&length), "{}: {length} characters of description", rule.id);
            assert!(!rule.description.starts_with('#'), "{}: no description", rule.id);
            assert!((1..=10).contains(&rule.tags.len()), "{}: {:?}", rule.id, rule.tags);
            if rule.security_severity.is_some() {
                assert_eq!(rule.tags.first(), Some(&"security"), "{}", rule.id);
                assert!(!rule.cwe.is_empty(), "{}: a security rule names its weakness", rule.id);
            }
        }
    }

    #[test]
    fn what_is_refined_exists_and_nothing_refines_itself_in_a_circle() {
        fn depth(id: &str, left: usize) {
            assert!(left > 0, "`refines` goes in a circle at {id}");
            let rule = rule(id).unwrap_or_else(|| panic!("`{id}` is refined and does not exist"));
            for refined in &rule.refines {
                depth(refined, left - 1);
            }
        }
        for rule in rules() {
            depth(rule.id, rules().len());
        }
    }

    #[test]
    fn every_page_has_every_section() {
        for rule in rules() {
            for heading in ["Why", "Bad", "Good", "Undecided", "How to fix", "References"] {
                let text = section(rule.body_markdown, heading);
                assert!(text.is_some_and(|text| !text.is_empty()), "{}: no `## {heading}`", rule.id);
            }
        }
    }

    #[test]
    fn every_rule_has_examples_of_each_kind_with_marks_that_fit() {
        for rule in rules() {
            let of = |section| rule.examples.iter().filter(move |example| example.section == section);
            let marks = |example: &Example| -> Vec<&str> {
                example.files.iter().flat_map(|file| file.marks.iter().map(|mark| mark.rule)).collect()
            };
            for section in [Section::Bad, Section::Good, Section::Undecided] {
                assert!(of(section).count() > 0, "{}: no example in {section:?}", rule.id);
            }
            assert!(of(Section::Bad).all(|bad| marks(bad).contains(&rule.id)), "{}: no mark", rule.id);
            assert!(of(Section::Good).all(|good| marks(good).is_empty()), "{}: a mark in Good", rule.id);
            for undecided in of(Section::Undecided) {
                assert!(!marks(undecided).is_empty(), "{}: no mark in Undecided", rule.id);
            }
            for mark in rule.examples.iter().flat_map(marks) {
                assert!(super::rule(mark).is_some(), "{}: a mark names `{mark}`", rule.id);
            }
        }
    }

    #[test]
    fn marks_are_taken_out_and_lines_kept() {
        let file = example_file(&["// src/a.rs", "let x = 1; //~ raw-query, unscoped-query", "let y = 2;"]);
        let file = file.expect("a good block");
        assert_eq!(file.text, "// src/a.rs\nlet x = 1;\nlet y = 2;\n");
        let marks: Vec<(u32, &str)> = file.marks.iter().map(|mark| (mark.line, mark.rule)).collect();
        assert_eq!(marks, [(2, "raw-query"), (2, "unscoped-query")]);
    }

    #[test]
    fn faults_of_a_page_are_told() {
        let page = |front: &str| -> &'static str {
            Box::leak(format!("---\n{front}\n---\n# T\n\nD\n\n## Why\n\nW\n").into_boxed_str())
        };
        let good = "id: a\nseverity: error\nprecision: high\ndefault: on\nkind: site";
        assert!(read_page(page(good)).is_ok());
        for (from, to) in [
            ("severity: error", "severity: grave"),
            ("precision: high", "precision: fair"),
            ("default: on", "default: yes"),
            ("kind: site", "kind: query"),
            ("id: a\n", ""),
            ("kind: site", "kind: site\ncolour: red"),
            ("kind: site", "kind: site\nsecurity-severity: 11.0"),
            ("kind: site", "kind: site\ncwe: [CWE-639]"),
            ("kind: site", "kind: site\nkind: site"),
        ] {
            assert!(read_page(page(&good.replace(from, to))).is_err(), "{to}");
        }
    }
}
