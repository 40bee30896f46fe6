//! Identity of findings across runs: it survives moved lines and reformatted SQL, and tells twins apart.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::report::{Finding, SiteReport};
use tenantry_project::Files;

/// Gives every finding its fingerprint. The findings are in their final order.
pub(crate) fn assign(files: &Files, sites: &[SiteReport], findings: &mut [Finding]) {
    let mut twins: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        let site = finding.site.and_then(|at| sites.get(at));
        let item = site.map_or("", |site| &site.item);
        let sql = site.map_or_else(
            || finding.primary.range.slice(files.text(finding.primary.file)).to_owned(),
            |site| site.texts.join(";"),
        );
        let path = crate::suppress::path(files, finding.primary.file);
        let parts = [finding.rule, &path, item, &normalised(&sql), &finding.table];
        let identity = parts.join("\0");
        let ordinal = twins.entry(identity.clone()).or_default();
        let digest = Sha256::digest(format!("{identity}\0{ordinal}"));
        *ordinal += 1;
        finding.fingerprint = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    }
}

/// White space folded, lower case outside of quotes.
fn normalised(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut quote = None;
    for c in sql.trim().chars() {
        match quote {
            Some(open) => {
                out.push(c);
                if c == open {
                    quote = None;
                }
            }
            None if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            None => {
                if c == '\'' || c == '"' {
                    quote = Some(c);
                }
                out.extend(c.to_lowercase());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn formatting_does_not_matter_and_quoted_text_does() {
        assert_eq!(normalised("SELECT *\n   FROM Orders "), normalised("select * from orders"));
        assert_ne!(normalised("select 'A'"), normalised("select 'a'"));
    }
}
