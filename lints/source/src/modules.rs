//! Which files are modules, and which of them are built for tests only: read from bytes, for files of any kind.

use memchr::memmem;

/// A `mod name;` of a file: the module lies in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFile {
    /// Its name.
    pub name: String,
    /// It is declared under a `cfg` that needs `test`.
    pub is_test: bool,
    /// The file that `#[path = "…"]` names, as written.
    pub file: Option<String>,
}

/// The modules that a file declares as files.
///
/// Words in comments and strings are taken for declarations as well, and modules within inline modules for the file's own:
/// the caller takes a file for test code only where no other declaration names it.
pub fn module_files(text: &str) -> Vec<ModuleFile> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for at in memmem::find_iter(bytes, b"mod ") {
        let before = text.get(..at).unwrap_or("");
        if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let after = text.get(at + 4..).unwrap_or("").trim_start();
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, rest) = after.split_at(end);
        if name.is_empty() || !rest.trim_start().starts_with(';') {
            continue;
        }
        let attributes = attributes_before(before);
        let is_test = attributes.iter().any(|attribute| {
            let inner = attribute.trim().strip_prefix("cfg").map(str::trim).unwrap_or("");
            let inner = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            inner.is_some_and(is_test_cfg)
        });
        let file = attributes.iter().find_map(|attribute| {
            let value = attribute.trim().strip_prefix("path")?.trim_start().strip_prefix('=')?.trim();
            Some(value.trim_matches('"').to_owned())
        });
        found.push(ModuleFile { name: name.to_owned(), is_test, file });
    }
    found
}

/// The insides of the attributes that stand directly before an item whose first keyword follows `before`.
pub(crate) fn attributes_before(before: &str) -> Vec<String> {
    let mut attributes = Vec::new();
    let mut rest = without_comment_lines(before.trim_end());
    if rest.ends_with(')')
        && let Some((start, visibility)) = rest.rsplit_once("pub")
        && visibility.trim_start().starts_with('(')
    {
        rest = start;
    } else {
        rest = rest.strip_suffix("pub").unwrap_or(rest);
    }
    loop {
        rest = without_comment_lines(rest);
        let Some(open) = rest.ends_with(']').then(|| rest.rfind("#[")).flatten() else { return attributes };
        let inner = rest.get(open + 2..rest.len() - 1).unwrap_or("");
        attributes.push(inner.to_owned());
        rest = rest.get(..open).unwrap_or("");
    }
}

/// The text without white space and whole comment lines at its end.
fn without_comment_lines(text: &str) -> &str {
    let mut rest = text.trim_end();
    loop {
        let line = rest.rsplit('\n').next().unwrap_or("");
        if !line.trim_start().starts_with("//") {
            return rest;
        }
        rest = rest.get(..rest.len() - line.len()).unwrap_or("").trim_end();
    }
}

/// The module path of a file within its crate: `src/store/orders.rs` is `store`, `orders`.
pub fn module_path(path: &str) -> Vec<String> {
    let inner = path.rsplit_once("src/").map_or(path, |(_, inner)| inner);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut parts: Vec<String> = inner.split('/').map(|part| part.replace('-', "_")).collect();
    if parts.last().is_some_and(|last| last == "mod") || matches!(inner, "lib" | "main") {
        parts.pop();
    }
    parts
}

/// True if the predicate of a `cfg` cannot hold without `test`.
pub(crate) fn is_test_cfg(predicate: &str) -> bool {
    let predicate = predicate.trim();
    let Some(all) = predicate.strip_prefix("all") else { return predicate == "test" };
    let Some(inner) = all.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let mut depth = 0usize;
    let mut parts = inner.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.any(is_test_cfg)
}

#[cfg(test)]
mod tests {
    use super::{is_test_cfg, module_files};

    #[test]
    fn only_a_predicate_that_needs_test_marks_test_code() {
        assert!(is_test_cfg("test"));
        assert!(is_test_cfg("all(test, feature = \"pg\")"));
        assert!(is_test_cfg("all(unix, all(test, not(windows)))"));
        assert!(!is_test_cfg("not(test)"));
        assert!(!is_test_cfg("any(test, feature = \"pg\")"));
        assert!(!is_test_cfg("all(unix, not(test))"));
        assert!(!is_test_cfg("all(unix, any(test, feature = \"pg\"))"));
        assert!(!is_test_cfg("feature = \"test\""));
    }

    #[test]
    fn modules_in_files_of_their_own_are_found_with_their_gates() {
        let text = r#"
            //! Docs that say mod something
            pub mod store;
            #[cfg(test)]
            #[allow(dead_code)]
            // a comment
            pub(crate) mod fixtures;
            #[cfg(not(test))]
            mod real;
            #[cfg(test)] mod inline { fn a() {} }
            #[path = "../elsewhere.rs"]
            mod other;
            #[cfg(all(test, feature = "pg"))]
            mod pg;
        "#;
        let found = module_files(text);
        let shown: Vec<(&str, bool, Option<&str>)> = found
            .iter()
            .map(|module| (module.name.as_str(), module.is_test, module.file.as_deref()))
            .collect();
        let expected = [
            ("store", false, None),
            ("fixtures", true, None),
            ("real", false, None),
            ("other", false, Some("../elsewhere.rs")),
            ("pg", true, None),
        ];
        assert_eq!(shown, expected);
    }
}
