//! How the next migration of a folder is called: as the others are.

use std::path::Path;

use tenantry_policy::Date;

use crate::migrations::has_sections;

/// What a migration that mends the schema is called.
const NAME: [&str; 2] = ["mend", "tenancy"];

/// The files of a migration that is not there yet, relative to the root, with `/` between their folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextMigration {
    /// What is run.
    pub up: String,
    /// What undoes it, where the migrations before have such files.
    pub down: Option<String>,
}

/// The migration that would come after these files of SQL, which are given in their order with their texts; `None` where
/// they are no migrations, or hold both ways in one file.
pub fn next_migration(files: &[(&Path, &str)], today: Date) -> Option<NextMigration> {
    let is_sql = |path: &Path| path.extension().is_some_and(|end| end == "sql");
    let (last, _) = files.iter().rfind(|(path, _)| is_sql(path) && !is_repeatable(path))?;
    if files.iter().any(|(_, text)| has_sections(text)) {
        return None;
    }
    let name = last.file_name()?.to_str()?;
    let folder = last.parent()?;
    if let Some(file) = named_for_its_folder(name) {
        let own = folder.file_name()?.to_str()?;
        let outer = folder.parent()?;
        let next = next_stem(own, today)?;
        let path = |file: &str| shown(&outer.join(&next).join(file));
        return Some(NextMigration { up: path(file), down: (file == "up.sql").then(|| path("down.sql")) });
    }
    let (stem, pair) = match name.strip_suffix(".up.sql") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix(".sql")?, false),
    };
    let next = next_stem(stem, today)?;
    let path = |end: &str| shown(&folder.join(format!("{next}{end}")));
    Some(match pair {
        true => NextMigration { up: path(".up.sql"), down: Some(path(".down.sql")) },
        false => NextMigration { up: path(".sql"), down: None },
    })
}

fn is_repeatable(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("R__"))
}

/// The file of a migration that has a folder of its own.
fn named_for_its_folder(name: &str) -> Option<&str> {
    Some(name).filter(|name| matches!(*name, "up.sql" | "migration.sql"))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// `V7__x` becomes `V8__mend_tenancy`, `0007_x` becomes `0008_mend_tenancy`, and where versions are times, today's.
fn next_stem(stem: &str, today: Date) -> Option<String> {
    let (before, rest) = match stem.strip_prefix('V') {
        Some(rest) if rest.contains("__") => ("V", rest),
        _ => ("", stem),
    };
    let (version, between) = if before.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '-' && char != '.');
        let version = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(['-', '.']);
        let after = rest.get(version.len()..)?;
        (version, if after.starts_with('-') { "-" } else { "_" })
    } else {
        (rest.split_once("__")?.0, "__")
    };
    let name = NAME.join(if between == "-" { "-" } else { "_" });
    Some(format!("{before}{}{between}{name}", next_version(version, today)?))
}

/// The version after the last one: of today where it is a time, else one more, with as many digits.
fn next_version(version: &str, today: Date) -> Option<String> {
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return None;
    }
    let day = format!("{:04}{:02}{:02}", today.year, today.month, today.day);
    let is_day = digits.len() == 8 && (digits.starts_with("19") || digits.starts_with("20"));
    if is_day || digits.len() >= 14 {
        let now = format!("{day:0<width$}", width = digits.len());
        let next = if now > digits { now } else { more(&digits)? };
        return shaped(version, &next);
    }
    // Of numbers in parts the last one counts.
    let at = version.rfind(|char: char| !char.is_ascii_digit()).map_or(0, |at| at + 1);
    let (parts, last) = version.split_at_checked(at)?;
    Some(format!("{parts}{}", more(last)?))
}

/// A number plus one, with as many digits at least.
fn more(digits: &str) -> Option<String> {
    let mut found: Vec<char> = Vec::new();
    let mut carry = true;
    for digit in digits.chars().rev() {
        let next = match (carry, digit) {
            (false, digit) => digit,
            (true, '9') => '0',
            (true, digit) => char::from_digit(digit.to_digit(10)? + 1, 10)?,
        };
        carry = carry && digit == '9';
        found.push(next);
    }
    if carry {
        found.push('1');
    }
    Some(found.into_iter().rev().collect())
}

/// Digits between the same separators as in `pattern`.
fn shaped(pattern: &str, digits: &str) -> Option<String> {
    let count = pattern.chars().filter(char::is_ascii_digit).count();
    let extra = digits.len().checked_sub(count)?;
    let mut digits = digits.chars();
    let mut shaped: String = digits.by_ref().take(extra).collect();
    for char in pattern.chars() {
        shaped.push(if char.is_ascii_digit() { digits.next()? } else { char });
    }
    Some(shaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(last: &str) -> Option<(String, Option<String>)> {
        let today = Date { year: 2026, month: 6, day: 1 };
        let found = next_migration(&[(Path::new(last), "CREATE TABLE t (id int);")], today);
        found.map(|found| (found.up, found.down))
    }

    #[test]
    fn the_next_one_is_called_as_the_others_are() {
        let alone = |up: &str| Some((up.to_owned(), None));
        let pair = |up: &str, down: &str| Some((up.to_owned(), Some(down.to_owned())));
        assert_eq!(
            next("migrations/20240101120000_init.sql"),
            alone("migrations/20260601000000_mend_tenancy.sql")
        );
        assert_eq!(
            next("migrations/20270101120000_init.sql"),
            alone("migrations/20270101120001_mend_tenancy.sql")
        );
        assert_eq!(
            next("m/0009_x.up.sql"),
            pair("m/0010_mend_tenancy.up.sql", "m/0010_mend_tenancy.down.sql")
        );
        assert_eq!(next("m/V9__x.sql"), alone("m/V10__mend_tenancy.sql"));
        assert_eq!(next("m/V1.9__x.sql"), alone("m/V1.10__mend_tenancy.sql"));
        assert_eq!(
            next("m/2024-01-02-030405_x/up.sql"),
            pair("m/2026-06-01-000000_mend_tenancy/up.sql", "m/2026-06-01-000000_mend_tenancy/down.sql")
        );
        assert_eq!(
            next("m/2024-01-02-030405-0000_x/up.sql"),
            pair(
                "m/2026-06-01-000000-0000_mend_tenancy/up.sql",
                "m/2026-06-01-000000-0000_mend_tenancy/down.sql"
            )
        );
        assert_eq!(next("m/20240102_x.sql"), alone("m/20260601_mend_tenancy.sql"));
        assert_eq!(next("m/001-x.sql"), alone("m/002-mend-tenancy.sql"));
        assert_eq!(next("m/999_x.sql"), alone("m/1000_mend_tenancy.sql"));
        assert_eq!(next("m/20240102_x/migration.sql"), alone("m/20260601_mend_tenancy/migration.sql"));
    }

    #[test]
    fn there_is_none_after_what_is_no_migration() {
        assert_eq!(next("schema.sql"), None);
        assert_eq!(next("src/schema.rs"), None);
        let both = "-- migrate:up\nCREATE TABLE t (id int);\n-- migrate:down\nDROP TABLE t;";
        let today = Date { year: 2026, month: 6, day: 1 };
        assert_eq!(next_migration(&[(Path::new("m/1_x.sql"), both)], today), None);
        assert_eq!(next_migration(&[], today), None);
    }
}
