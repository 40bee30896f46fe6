//! The stream of messages that cargo writes with `--message-format=json`, for editors that show what a compiler says.
//!
//! rust-analyzer takes it from `check.overrideCommand`: a code with one `::` becomes source and code, children without places
//! are appended to the message, those with one are related places, and those with a replacement are quick fixes.

use serde_json::{Value, json};
use tenantry_engine::{Disposition, Finding, Fix, Report};
use tenantry_span::{Severity, Span};

use crate::output::{Output, human, path, region};
use crate::terminal::renderer;

pub(super) const OUTPUTS: &[Output] = &[Output { name: "compiler-json", render: |report, setting| {
    render(report, setting.colored)
} }];

/// The package that all messages are said of, so that an editor forgets those of the run before.
const PACKAGE: &str = "tenantry";

fn render(report: &Report, colored: bool) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
    let mut fails = false;
    for finding in new {
        fails |= finding.severity == Severity::Error;
        out.push_str(&serde_json::to_string(&message(report, finding, colored))?);
        out.push('\n');
    }
    out.push_str(&serde_json::to_string(&json!({ "reason": "build-finished", "success": !fails }))?);
    out.push('\n');
    Ok(out)
}

fn message(report: &Report, finding: &Finding, colored: bool) -> Value {
    let site = finding.site.and_then(|at| report.sites.get(at));
    let krate = site.map_or(PACKAGE, |site| site.krate.as_str());
    let help = |text: &str| child("help", text, Vec::new());
    let mut children: Vec<Value> = finding.help.iter().map(|text| help(text)).collect();
    let related = finding.related.iter().map(|(place, word)| child("note", word, vec![span(report, *place, true)]));
    children.extend(related);
    // A file that is not there yet has no place in which an editor could put it.
    let changes = finding.fix.iter().filter(|fix| !fix.edits.is_empty());
    children.extend(changes.map(|fix| suggestion(report, finding, fix)));
    json!({
        "reason": "compiler-message",
        "package_id": PACKAGE,
        "manifest_path": "Cargo.toml",
        "target": {
            "kind": ["lib"],
            "crate_types": ["lib"],
            "name": krate,
            "src_path": path(report, finding.primary.file),
            "edition": "2024",
            "doc": false,
            "doctest": false,
            "test": false,
        },
        "message": {
            "$message_type": "diagnostic",
            "message": finding.message,
            "code": { "code": format!("tenantry::{}", finding.rule), "explanation": null },
            "level": finding.severity.as_str(),
            "spans": [span(report, finding.primary, true)],
            "children": children,
            "rendered": format!("{}\n", human::one(report, &renderer(colored), finding)),
        },
    })
}

fn child(level: &str, message: &str, spans: Vec<Value>) -> Value {
    json!({
        "message": message,
        "code": null,
        "level": level,
        "spans": spans,
        "children": [],
        "rendered": null,
    })
}

fn suggestion(report: &Report, finding: &Finding, fix: &Fix) -> Value {
    let replaced = |place: Span, text: &str| {
        let mut span = span(report, place, true);
        span["suggested_replacement"] = json!(text);
        span["suggestion_applicability"] = json!("MachineApplicable");
        span
    };
    // Editors offer a fix at the places that it replaces: the finding's own, by itself, is one of them.
    let own = finding.primary;
    let overlaps = |place: Span| {
        place.file == own.file && place.range.start <= own.range.end && own.range.start <= place.range.end
    };
    let own = Some(own).filter(|_| !fix.edits.iter().any(|edit| overlaps(edit.place)));
    let own = own.map(|own| replaced(own, own.range.slice(report.files.text(own.file))));
    let edits = fix.edits.iter().map(|edit| replaced(edit.place, &edit.text));
    child("help", "restrict the query to the tenant", own.into_iter().chain(edits).collect())
}

fn span(report: &Report, place: Span, is_primary: bool) -> Value {
    let text = report.files.text(place.file);
    let at = region(report, place);
    let lines = (at.start_line..).zip(text.lines().skip(at.start_line.saturating_sub(1) as usize));
    let lines = lines.take_while(|(number, _)| *number <= at.end_line).map(|(number, line)| {
        let end = line.chars().count() + 1;
        json!({
            "text": line,
            "highlight_start": if number == at.start_line { at.start_column } else { 1 },
            "highlight_end": if number == at.end_line { at.end_column as usize } else { end },
        })
    });
    json!({
        "file_name": path(report, place.file),
        "byte_start": place.range.start,
        "byte_end": place.range.end,
        "line_start": at.start_line,
        "line_end": at.end_line,
        "column_start": at.start_column,
        "column_end": at.end_column,
        "is_primary": is_primary,
        "text": lines.collect::<Vec<_>>(),
        "label": null,
        "suggested_replacement": null,
        "suggestion_applicability": null,
        "expansion": null,
    })
}
