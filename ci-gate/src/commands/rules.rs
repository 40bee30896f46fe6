//! `cargo tenantry rules` and `explain`.

use serde::Serialize;

use crate::exit::{self, Failure};
use crate::terminal::print;

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
            format!("{:<32} {severity:<8} {}\n", rule.id, rule.title)
        });
        print(&lines.collect::<String>())?;
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

/// Prints a rule's page.
pub(crate) fn explain(id: &str) -> Result<u8, Failure> {
    let rule = tenantry_rules::rule(id).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no rule `{id}`"));
        let mut ids = tenantry_rules::rules().iter().map(|rule| rule.id);
        match ids.find(|known| !id.is_empty() && (known.contains(id) || id.contains(known))) {
            Some(known) => failure.help(format!("did you mean `{known}`?")),
            None => failure.help("`cargo tenantry rules` lists them"),
        }
    })?;
    print(&format!("{}\n", rule.body_markdown.trim_end()))?;
    Ok(exit::OK)
}
