//! SARIF 2.1.0. The one module that knows `serde-sarif`: what is written has passed through its types.

use std::collections::HashMap;

use serde_json::{Value, json};
use tenantry_engine::report::SuppressionKind;
use tenantry_engine::{Disposition, Finding, Fix, NewFile, Report};
use tenantry_span::{FileId, Severity, Span};

use crate::output::line_hash::line_hashes;
use crate::output::{Output, path, region};

pub(super) const OUTPUTS: &[Output] = &[
    Output { name: "sarif", render: |report, setting| render(report, Content::Full, setting.below) },
    Output { name: "sarif-github", render: |report, setting| render(report, Content::Upload, setting.below) },
];

/// Which results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// All, with their suppressions.
    Full,
    /// Only what counts, because code scanning shows suppressed results as open.
    Upload,
}

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const HOME: &str = "https://github.com/tenantry/tenantry";
/// The most related places of one result that code scanning shows.
const RELATED: usize = 10;
/// The most results of a run that code scanning takes; a file with more is rejected.
const RESULTS: usize = 25_000;
/// How URIs name the root of the repository.
const ROOT: &str = "%SRCROOT%";
/// Lines of source shown before and after a place.
const AROUND: u32 = 2;

/// Writes the report. `below` is the project's folder in its repository, with a `/` at its end: code scanning looks for
/// files from the repository's root on.
///
/// # Errors
/// The document does not have the form that the types ask for.
fn render(report: &Report, content: Content, below: &str) -> Result<String, serde_json::Error> {
    let mut hashes: HashMap<FileId, HashMap<u32, String>> = HashMap::new();
    let mut wanted: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| content == Content::Full || finding.disposition == Disposition::New)
        .collect();
    let found = wanted.len();
    if content == Content::Upload && found > RESULTS {
        wanted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        wanted.truncate(RESULTS);
    }
    let left_out = found - wanted.len();
    let results: Vec<Value> = wanted
        .into_iter()
        .map(|finding| {
            let file = finding.primary.file;
            let lines = hashes.entry(file).or_insert_with(|| line_hashes(report.files.text(file)));
            result(report, finding, lines, content, below)
        })
        .collect();
    let rules: Vec<Value> = tenantry_rules::rules().iter().map(rule).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tenantry",
                "semanticVersion": report.tool_version,
                "informationUri": HOME,
                "rules": rules,
                "notifications": NOTIFICATIONS.map(|(id, text)| json!({
                    "id": id,
                    "shortDescription": { "text": text },
                    "fullDescription": { "text": text },
                    "help": { "text": format!("{text} The message says why.") },
                })),
            }},
            "automationDetails": { "id": "tenantry/workspace/" },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { (ROOT): { "description": { "text": "The root of the repository." } } },
            "invocations": [invocation(report, left_out, below)],
            "results": results,
        }],
    });
    // The types drop nothing that is legal and refuse what has a wrong form.
    let typed: serde_sarif::sarif::Sarif = serde_json::from_value(document)?;
    let mut text = serde_json::to_string_pretty(&typed)?;
    text.push('\n');
    Ok(text)
}

/// What a run says besides its results.
const NOTIFICATIONS: [(&str, &str); 4] = [
    ("not-read", "A file, or a part of one, was not read."),
    ("schema-not-read", "A statement of the schema was not read."),
    ("configuration", "A configuration file has a fault."),
    ("results-left-out", "There are more results than code scanning takes."),
];

fn notification(id: &str, level: &str, text: &str, locations: Vec<Value>) -> Value {
    let index = NOTIFICATIONS.iter().position(|(known, _)| *known == id);
    let mut notification = json!({
        "descriptor": { "id": id, "index": index },
        "level": level,
        "message": { "text": sentence(text) },
    });
    if let Some(map) = notification.as_object_mut()
        && !locations.is_empty()
    {
        map.insert("locations".to_owned(), Value::Array(locations));
    }
    notification
}

/// How the run went: what was not read, and what is wrong with the configuration.
fn invocation(report: &Report, left_out: usize, below: &str) -> Value {
    let file = |path: &str, line: Option<u32>| {
        let mut place = json!({ "artifactLocation": { "uri": encoded(below, path), "uriBaseId": ROOT } });
        if let (Some(line), Some(map)) = (line, place.as_object_mut()) {
            map.insert("region".to_owned(), json!({ "startLine": line }));
        }
        vec![json!({ "physicalLocation": place })]
    };
    let mut execution: Vec<Value> = report
        .skipped
        .iter()
        .map(|skipped| {
            let level = if skipped.failed { "error" } else { "warning" };
            let locations =
                if skipped.path.is_empty() { Vec::new() } else { file(&skipped.path, skipped.line) };
            notification("not-read", level, &format!("Not read: {}", skipped.why), locations)
        })
        .collect();
    for (span, why) in report.databases.iter().flat_map(|database| &database.skipped) {
        let text = format!("This statement of the schema is not read: {why}");
        execution.push(notification(
            "schema-not-read",
            "warning",
            &text,
            vec![location(report, *span, below)],
        ));
    }
    if left_out > 0 {
        let text = format!("{left_out} results are left out, the least severe ones");
        execution.push(notification("results-left-out", "warning", &text, Vec::new()));
    }
    let configuration: Vec<Value> = report
        .diagnostics
        .iter()
        .map(|told| {
            let place = vec![location(report, told.primary.span, below)];
            notification("configuration", told.severity.as_str(), &told.message, place)
        })
        .collect();
    let is_faulty = report.diagnostics.iter().any(|told| told.severity == Severity::Error);
    json!({
        "executionSuccessful": !is_faulty && !report.is_partial(),
        "toolExecutionNotifications": execution,
        "toolConfigurationNotifications": configuration,
    })
}

fn rule(page: &tenantry_rules::RuleDoc) -> Value {
    let problem = match page.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "recommendation",
    };
    let mut tags: Vec<String> = page.tags.iter().map(|tag| (*tag).to_owned()).collect();
    tags.extend(page.cwe.iter().map(|cwe| format!("external/cwe/cwe-{cwe}")));
    tags.truncate(20);
    let mut properties = json!({
        "tags": tags,
        "precision": page.precision.as_str(),
        "problem.severity": problem,
    });
    if let (Some(score), Some(map)) = (page.security_severity, properties.as_object_mut()) {
        map.insert("security-severity".to_owned(), json!(score));
    }
    let mut configuration = json!({ "level": page.severity.as_str() });
    if page.default == tenantry_rules::Default::Off {
        configuration["enabled"] = json!(false);
    }
    let address = format!("{HOME}/blob/main/rules/{}.md", page.id);
    json!({
        "id": page.id,
        "name": pascal(page.id),
        "shortDescription": { "text": sentence(page.title) },
        "fullDescription": { "text": sentence(&page.description) },
        "helpUri": address,
        "help": {
            "text": sentence(&page.description),
            "markdown": format!("{}\n\n[This rule's page]({address})\n", page.body_markdown),
        },
        "defaultConfiguration": configuration,
        "properties": properties,
    })
}

fn pascal(id: &str) -> String {
    let words = id.split('-').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect()
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn result(
    report: &Report,
    finding: &Finding,
    lines: &HashMap<u32, String>,
    content: Content,
    below: &str,
) -> Value {
    let mut fingerprints = json!({ "tenantry/v1": finding.fingerprint });
    let line = region(report, finding.primary).start_line;
    if let (Some(hash), Some(map)) = (lines.get(&line), fingerprints.as_object_mut()) {
        map.insert("primaryLocationLineHash".to_owned(), json!(hash));
    }
    let related: Vec<Value> = (1..)
        .zip(finding.related.iter().take(RELATED))
        .map(|(id, (span, message))| {
            let mut place = location(report, *span, below);
            if let Some(map) = place.as_object_mut() {
                map.insert("id".to_owned(), json!(id));
                map.insert("message".to_owned(), json!({ "text": sentence(message) }));
            }
            place
        })
        .collect();
    let index = tenantry_rules::rules().iter().position(|page| page.id == finding.rule);
    let mut text = sentence(&finding.message);
    for help in &finding.help {
        text.push_str(" Help: ");
        text.push_str(&sentence(help));
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity.as_str(),
        "message": { "text": text },
        "locations": [primary(report, finding, below)],
        "partialFingerprints": fingerprints,
    });
    let Some(map) = result.as_object_mut() else { return result };
    if !related.is_empty() {
        map.insert("relatedLocations".to_owned(), Value::Array(related));
    }
    if content == Content::Full {
        map.insert("suppressions".to_owned(), suppressions(&finding.disposition));
        if let Some(fix) = &finding.fix {
            map.insert("fixes".to_owned(), json!([fixed(report, fix, below)]));
        }
    }
    result
}

/// A fix: the changes of each file that it touches.
fn fixed(report: &Report, fix: &Fix, below: &str) -> Value {
    let mut files: Vec<FileId> = fix.edits.iter().map(|edit| edit.place.file).collect();
    files.dedup();
    let change = |file: &FileId| {
        let edits = fix.edits.iter().filter(|edit| edit.place.file == *file);
        let replacements = edits.map(|edit| {
            let region = region(report, edit.place);
            json!({
                "deletedRegion": {
                    "startLine": region.start_line,
                    "startColumn": region.start_column,
                    "endLine": region.end_line,
                    "endColumn": region.end_column,
                },
                "insertedContent": { "text": edit.text },
            })
        });
        json!({
            "artifactLocation": { "uri": encoded(below, &path(report, *file)), "uriBaseId": ROOT },
            "replacements": replacements.collect::<Vec<Value>>(),
        })
    };
    // A file that is not there yet is empty before.
    let start = json!({ "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 });
    let made = |file: &NewFile| {
        json!({
            "artifactLocation": { "uri": encoded(below, &file.path), "uriBaseId": ROOT },
            "replacements": [{ "deletedRegion": start, "insertedContent": { "text": file.parts.join("\n") } }],
        })
    };
    let new = fix.migration.iter().flat_map(|migration| [&migration.up].into_iter().chain(&migration.down));
    let description = match fix.migration {
        Some(_) => "Mend the schema in a new migration.",
        None => "Tie the query to the tenant.",
    };
    json!({
        "description": { "text": description },
        "artifactChanges": files.iter().map(change).chain(new.map(made)).collect::<Vec<Value>>(),
    })
}

fn suppressions(disposition: &Disposition) -> Value {
    match disposition {
        Disposition::New => json!([]),
        Disposition::Baselined => {
            json!([{ "kind": "external", "status": "accepted", "justification": "It is in the baseline." }])
        }
        Disposition::Suppressed { reason, kind, .. } => {
            let kind = match kind {
                SuppressionKind::InSource => "inSource",
                SuppressionKind::Policy => "external",
            };
            json!([{ "kind": kind, "status": "accepted", "justification": reason }])
        }
    }
}

/// The place of a finding, with the lines around it and the item that it lies in.
fn primary(report: &Report, finding: &Finding, below: &str) -> Value {
    let mut place = location(report, finding.primary, below);
    if let Some(around) = context(report, finding.primary)
        && let Some(map) = place.pointer_mut("/physicalLocation").and_then(Value::as_object_mut)
    {
        map.insert("contextRegion".to_owned(), around);
    }
    let item = finding.site.and_then(|at| report.sites.get(at)).map(|site| site.item.as_str());
    if let Some(item) = item.filter(|item| !item.is_empty())
        && let Some(map) = place.as_object_mut()
    {
        let logical = json!([{ "fullyQualifiedName": item, "kind": "function" }]);
        map.insert("logicalLocations".to_owned(), logical);
    }
    place
}

/// Whole lines from before the place to after it; none where that is no more than the place itself.
fn context(report: &Report, span: Span) -> Option<Value> {
    let text = report.files.text(span.file);
    let here = region(report, span);
    let first = here.start_line.saturating_sub(AROUND).max(1);
    let lines = text.split_inclusive('\n').skip(first as usize - 1);
    let lines: Vec<&str> = lines.take((here.end_line - first + 1 + AROUND) as usize).collect();
    let snippet = lines.concat();
    let snippet = snippet.strip_suffix('\n').unwrap_or(&snippet);
    if snippet.len() <= span.range.len() as usize {
        return None;
    }
    let last = first + u32::try_from(lines.len()).ok()?.checked_sub(1)?;
    let width = lines.last().map_or("", |line| line.trim_end_matches(['\n', '\r'])).chars().count();
    Some(json!({
        "startLine": first,
        "startColumn": 1,
        "endLine": last,
        "endColumn": width + 1,
        "snippet": { "text": snippet },
    }))
}

fn location(report: &Report, span: Span, below: &str) -> Value {
    let region = region(report, span);
    let text = report.files.text(span.file);
    let snippet = span.range.slice(text);
    let mut area = json!({
        "startLine": region.start_line,
        "startColumn": region.start_column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    });
    if !snippet.is_empty()
        && let Some(map) = area.as_object_mut()
    {
        map.insert("snippet".to_owned(), json!({ "text": snippet }));
    }
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": encoded(below, &path(report, span.file)), "uriBaseId": ROOT },
        "region": area,
    }})
}

/// Percent-encodes a path relative to the repository.
fn encoded(below: &str, path: &str) -> String {
    let mut out = String::with_capacity(below.len() + path.len());
    for byte in below.bytes().chain(path.bytes()) {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
