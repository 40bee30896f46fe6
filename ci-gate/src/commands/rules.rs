//! `cargo tenantry rules` and `explain`.

use std::path::Path;

use serde::Serialize;
use tenantry_policy::nearest;
use tenantry_project::Files;
use tenantry_rules::Default;

use crate::exit::{self, Failure};
use crate::terminal::{plain, print};

#[derive(Serialize)]
struct RuleLine<'a> {
    id: &'a str,
    severity: &'a str,
    security_severity: Option<&'a str>,
    precision: &'a str,
    cwe: &'a [u32],
    refines: &'a [&'a str],
    title: &'a str,
}

/// Prints the list of rules.
pub(crate) fn list(json: bool) -> Result<u8, Failure> {
    let rules = tenantry_rules::rules();
    if !json {
        let lines = rules.iter().map(|rule| {
            let severity = rule.severity.as_str();
            let off = if rule.default == Default::Off { " (off by default)" } else { "" };
            format!("{:<32} {severity:<8} {}{off}\n", rule.id, rule.title)
        });
        print(&(lines.collect::<String>() + &libraries()))?;
        return Ok(exit::OK);
    }
    let lines = rules.iter().map(|rule| RuleLine {
        id: rule.id,
        severity: rule.severity.as_str(),
        security_severity: rule.security_severity,
        precision: rule.precision.as_str(),
        cwe: &rule.cwe,
        refines: &rule.refines,
        title: rule.title,
    });
    let text = serde_json::to_string_pretty(&lines.collect::<Vec<_>>())
        .map_err(|error| Failure::internal(format!("the rules cannot be written: {error}")))?;
    print(&format!("{text}\n"))?;
    Ok(exit::OK)
}

/// The query libraries whose calls are known, those of the project around the current folder included.
fn libraries() -> String {
    let root = tenantry_project::find_root(Path::new("."));
    // Faults in the project's own files are told by `check`.
    let sinks = tenantry_engine::sinks_of_project(&root, &mut Files::default(), &mut Vec::new());
    let known = tenantry_rules::sinks().len();
    let shown = sinks.iter().enumerate().map(|(at, library)| {
        let own = if at < known { "" } else { " (.tenantry/sinks)" };
        format!("{}{own}", plain(&library.library))
    });
    format!("\nquery libraries: {}\n", shown.collect::<Vec<_>>().join(", "))
}

/// Prints a rule's page.
pub(crate) fn explain(id: &str) -> Result<u8, Failure> {
    let rule = tenantry_rules::rule(id).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no rule `{id}`"));
        let mut ids = tenantry_rules::rules().iter().map(|rule| rule.id);
        let part = ids.find(|known| !id.is_empty() && (known.contains(id) || id.contains(known)));
        match part.or_else(|| nearest(id, tenantry_rules::rules().iter().map(|rule| rule.id))) {
            Some(known) => failure.help(format!("did you mean `{known}`?")),
            None => failure.help("`cargo tenantry rules` lists them"),
        }
    })?;
    print(&format!("{}\n", rule.body_markdown.trim_end()))?;
    Ok(exit::OK)
}
