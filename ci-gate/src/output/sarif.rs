//! SARIF 2.1.0. The one module that knows `serde-sarif`: what is written has passed through its types.

use std::collections::HashMap;

use serde_json::{Value, json};
use tenantry_engine::report::SuppressionKind;
use tenantry_engine::{Disposition, Finding, Report};
use tenantry_span::{FileId, Severity, Span};

use crate::output::line_hash::line_hashes;
use crate::output::{path, region};

/// Which results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// All, with their suppressions.
    Full,
    /// Only what counts, because code scanning shows suppressed results as open.
    Upload,
}

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const HOME: &str = "https://github.com/tenantry/tenantry";
/// The most related places of one result that code scanning shows.
const RELATED: usize = 10;

/// Writes the report.
///
/// # Errors
/// The document does not have the form that the types ask for.
pub(crate) fn render(report: &Report, content: Content) -> Result<String, serde_json::Error> {
    let mut hashes: HashMap<FileId, HashMap<u32, String>> = HashMap::new();
    let wanted = report
        .findings
        .iter()
        .filter(|finding| content == Content::Full || finding.disposition == Disposition::New);
    let results: Vec<Value> = wanted
        .map(|finding| {
            let file = finding.primary.file;
            let lines = hashes.entry(file).or_insert_with(|| line_hashes(report.files.text(file)));
            result(report, finding, lines, content)
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
            }},
            "automationDetails": { "id": "tenantry/workspace/" },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "SRCROOT": { "description": { "text": "The root of the repository." } } },
            "invocations": [{ "executionSuccessful": true }],
            "results": results,
        }],
    });
    // The types drop nothing that is legal and refuse what has a wrong form.
    let typed: serde_sarif::sarif::Sarif = serde_json::from_value(document)?;
    let mut text = serde_json::to_string_pretty(&typed)?;
    text.push('\n');
    Ok(text)
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
        "defaultConfiguration": { "level": page.severity.as_str() },
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

fn result(report: &Report, finding: &Finding, lines: &HashMap<u32, String>, content: Content) -> Value {
    let mut fingerprints = json!({ "tenantry/v1": finding.fingerprint });
    let line = region(report, finding.primary).start_line;
    if let (Some(hash), Some(map)) = (lines.get(&line), fingerprints.as_object_mut()) {
        map.insert("primaryLocationLineHash".to_owned(), json!(hash));
    }
    let related: Vec<Value> = (1..)
        .zip(finding.related.iter().take(RELATED))
        .map(|(id, (span, message))| {
            let mut place = location(report, *span);
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
        "locations": [location(report, finding.primary)],
        "partialFingerprints": fingerprints,
    });
    let Some(map) = result.as_object_mut() else { return result };
    if !related.is_empty() {
        map.insert("relatedLocations".to_owned(), Value::Array(related));
    }
    if content == Content::Full {
        map.insert("suppressions".to_owned(), suppressions(&finding.disposition));
    }
    result
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

fn location(report: &Report, span: Span) -> Value {
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
        "artifactLocation": { "uri": encoded(&path(report, span.file)), "uriBaseId": "SRCROOT" },
        "region": area,
    }})
}

/// Percent-encodes a relative path.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
