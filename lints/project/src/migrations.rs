//! Migration folders as their tools run them.

use std::cmp::Ordering;
use std::path::PathBuf;

use crate::walk::Folder;

/// Where the text of a schema comes from, in the order in which it is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The migration folder, or the folder of a single schema file.
    pub(crate) folder: PathBuf,
    /// The files in order.
    pub(crate) files: Vec<PathBuf>,
    /// A single dump rather than migrations.
    pub(crate) dump: bool,
}

/// Files that hold a whole schema.
const DUMPS: &[&str] = &["schema.sql", "structure.sql", "schema.up.sql"];

/// Files that make the tables where there is nothing better, best first.
const LONE_FILES: &[&str] =
    &["ddl.sql", "tables.sql", "create_tables.sql", "database.sql", "db.sql", "init.sql"];

/// Folders whose SQL is about something else than the service's own tables.
const NOT_SCHEMAS: &[&str] = &[
    "test",
    "tests",
    "testdata",
    "fixtures",
    "fixture",
    "benches",
    "bench",
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "seeds",
    "seed",
];

/// The schema sources among `folders`, in their order. A dump counts only where no migration folder lies in or below
/// its own folder.
pub(crate) fn sources(root: &std::path::Path, folders: &[Folder]) -> Vec<Source> {
    let folders: Vec<&Folder> = folders.iter().filter(|folder| may_hold_schema(root, folder)).collect();
    let mut found: Vec<Source> = folders.iter().filter_map(|folder| migrations(folder, &folders)).collect();
    for folder in &folders {
        let Some(dump) = DUMPS.iter().find(|dump| folder.files.iter().any(|file| file == *dump)) else {
            continue;
        };
        let has_migrations =
            found.iter().any(|source| !source.dump && source.folder.starts_with(&folder.path));
        if !has_migrations {
            found.push(Source {
                folder: folder.path.clone(),
                files: vec![folder.path.join(dump)],
                dump: true,
            });
        }
    }
    found
}

/// Files that by their names may make the tables, the likelier names first.
pub(crate) fn lone_files(root: &std::path::Path, folders: &[Folder]) -> Vec<Source> {
    let ours: Vec<&Folder> = folders.iter().filter(|folder| may_hold_schema(root, folder)).collect();
    let named = |name: &&str| {
        let holding = ours.iter().filter(|folder| folder.files.iter().any(|file| file == *name));
        let source = |folder: &&Folder| Source {
            folder: folder.path.clone(),
            files: vec![folder.path.join(name)],
            dump: true,
        };
        holding.map(source).collect::<Vec<_>>()
    };
    LONE_FILES.iter().flat_map(named).collect()
}

fn may_hold_schema(root: &std::path::Path, folder: &Folder) -> bool {
    let below = folder.path.strip_prefix(root).unwrap_or(&folder.path);
    !below
        .iter()
        .any(|part| part.to_str().is_some_and(|part| NOT_SCHEMAS.contains(&part.to_lowercase().as_str())))
}

/// The files of one folder that the policy names, whatever it is called: migrations in order, else every `.sql` by name.
pub(crate) fn named_folder(folder: &Folder, folders: &[Folder]) -> Vec<PathBuf> {
    let folders: Vec<&Folder> = folders.iter().collect();
    let ordered = order(folder, &folders);
    if !ordered.is_empty() {
        return ordered;
    }
    let dump = DUMPS.iter().find(|dump| folder.files.iter().any(|file| file == *dump));
    if let Some(dump) = dump {
        return vec![folder.path.join(dump)];
    }
    let sql = folder.files.iter().filter(|file| file.ends_with(".sql") && !is_down(file));
    sql.map(|file| folder.path.join(file)).collect()
}

fn migrations(folder: &Folder, folders: &[&Folder]) -> Option<Source> {
    let files = order(folder, folders);
    let name = folder.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let is_named = ["migration", "migrate", "schema"].iter().any(|word| name.contains(word))
        || folder
            .path
            .parent()
            .and_then(|parent| parent.file_name())
            .and_then(|name| name.to_str())
            .is_some_and(|parent| parent.to_lowercase().contains("migration"));
    // Elsewhere numbered files may be anything: examples, queries of a benchmark.
    if files.is_empty() || !is_named {
        return None;
    }
    Some(Source { folder: folder.path.clone(), files, dump: false })
}

/// The up files of a migration folder in the order of their versions; empty if it is none.
fn order(folder: &Folder, folders: &[&Folder]) -> Vec<PathBuf> {
    let plain = folder.files.iter().filter_map(|file| {
        if !file.ends_with(".sql") || is_down(file) {
            return None;
        }
        Some((version(file)?, file.clone(), folder.path.join(file)))
    });
    let nested = folder.folders.iter().filter_map(|name| {
        let path = folder.path.join(name);
        let inner = folders.iter().find(|inner| inner.path == path)?;
        Some((diesel_version(name)?, name.clone(), path.join(up_file(name, inner)?)))
    });
    let mut files: Vec<(Version, String, PathBuf)> = plain.chain(nested).collect();
    files.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    files.into_iter().map(|(_, _, path)| path).collect()
}

/// The file of a migration that has a folder of its own: `up.sql`, whatever the folder is called, or in a folder with a
/// number the only file that is not its way back.
fn up_file<'f>(name: &str, folder: &'f Folder) -> Option<&'f String> {
    let up = folder.files.iter().find(|file| file.as_str() == "up.sql");
    if up.is_some() || !name.starts_with(|char: char| char.is_ascii_digit()) {
        return up;
    }
    let mut others = folder.files.iter().filter(|file| file.ends_with(".sql") && !is_down(file));
    others.next().filter(|_| others.next().is_none())
}

fn is_down(file: &str) -> bool {
    let lower = file.to_lowercase();
    lower.ends_with(".down.sql")
        || lower == "down.sql"
        || lower.ends_with("_down.sql")
        || lower.ends_with(".undo.sql")
}

/// A migration's version. Repeatable migrations come after all others.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Version {
    /// Numbers, compared one by one.
    Numbered(Vec<String>),
    /// Compared as text (Diesel).
    Text(String),
    Repeatable,
}

impl Version {
    /// Kinds do not mix in one folder; where they do, the order is at least a fixed one.
    fn kind(&self) -> u8 {
        match self {
            Version::Numbered(_) => 0,
            Version::Text(_) => 1,
            Version::Repeatable => 2,
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        match (self, other) {
            (Version::Numbered(left), Version::Numbered(right)) => {
                let sizes = |numbers: &[String]| -> Vec<(usize, String)> {
                    numbers.iter().map(|number| (number.len(), number.clone())).collect()
                };
                sizes(left).cmp(&sizes(right))
            }
            (Version::Text(left), Version::Text(right)) => left.cmp(right),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `20240101_x`, `2024-01-01-120000_x`, `001-x`, `6.0.10-x`, `V1__x`, `U2__x`, `V1.2__x`, `R__x`.
fn version(name: &str) -> Option<Version> {
    let stem = name.strip_suffix(".sql").unwrap_or(name);
    if stem.starts_with("R__") {
        return Some(Version::Repeatable);
    }
    let flyway = stem.strip_prefix(['V', 'U']).and_then(|rest| rest.split_once("__"));
    if let Some((numbers, _)) = flyway {
        return numbered(numbers, &['.', '_']);
    }
    if !stem.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let is_of_version = |char: char| char.is_ascii_digit() || matches!(char, '-' | '.');
    let end = stem.find(|char| !is_of_version(char)).unwrap_or(stem.len());
    numbered(stem.get(..end)?.trim_end_matches(['-', '.']), &['-', '.'])
}

/// A folder's version as Diesel reads it: what stands before the first `_`, without its dashes (`migrations_internals`,
/// `version_from_string`). It need be no number, and is compared as text: `6.0.10-a` runs before `6.0.2-b`. Hidden folders
/// are none.
fn diesel_version(name: &str) -> Option<Version> {
    let version = name.split('_').next()?.replace('-', "");
    (!name.starts_with('.')).then_some(Version::Text(version))
}

fn numbered(text: &str, separators: &[char]) -> Option<Version> {
    let parts: Vec<&str> = text.split(separators).collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !parts.iter().all(digits) {
        return None;
    }
    let strip = |part: &&str| part.trim_start_matches('0').to_owned();
    Some(Version::Numbered(parts.iter().map(strip).collect()))
}

/// The text without its down sections (`-- migrate:down`, `-- +goose Down`, `-- +migrate Down`): their bytes are blanks,
/// so that every offset stays what it is.
pub(crate) fn without_down(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut down = false;
    for line in text.split_inclusive('\n') {
        if let Some(is_down) = section(line) {
            down = is_down;
        }
        if !down {
            kept.push_str(line);
            continue;
        }
        for char in line.chars() {
            match char {
                '\n' | '\r' => kept.push(char),
                other => kept.extend(std::iter::repeat_n(' ', other.len_utf8())),
            }
        }
    }
    kept
}

/// True if a text says of its parts which way they lead.
pub(crate) fn has_sections(text: &str) -> bool {
    text.lines().any(|line| section(line).is_some())
}

/// True for the head of a down section, false for that of an up section.
fn section(line: &str) -> Option<bool> {
    let comment = line.trim().strip_prefix("--")?.trim().to_lowercase();
    let mut words = comment.split_whitespace();
    match (words.next()?, words.next()) {
        ("migrate:up", _) => Some(false),
        ("migrate:down", _) => Some(true),
        ("+goose" | "+migrate", Some("up")) => Some(false),
        ("+goose" | "+migrate", Some("down")) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str, files: &[&str], folders: &[&str]) -> Folder {
        let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        Folder { path: PathBuf::from(path), files: owned(files), folders: owned(folders) }
    }

    fn ordered(files: &[&str]) -> Vec<String> {
        let only = folder("/p/migrations", files, &[]);
        let paths = order(&only, &[&only]);
        paths.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
    }

    #[test]
    fn files_are_ordered_as_their_tools_do() {
        assert_eq!(
            ordered(&["V10__c.sql", "V2__b.sql", "V1__a.sql", "R__views.sql"]),
            ["V1__a.sql", "V2__b.sql", "V10__c.sql", "R__views.sql"]
        );
        assert_eq!(
            ordered(&["10_b.up.sql", "10_b.down.sql", "9_a.up.sql", "notes.sql", "README.md"]),
            ["9_a.up.sql", "10_b.up.sql"]
        );
        assert_eq!(ordered(&["0002-two.sql", "0001-one.sql"]), ["0001-one.sql", "0002-two.sql"]);
        assert_eq!(
            ordered(&["6.0.10-01-b.sql", "6.0.9-01-a.sql", "6.0.9-02-a.sql"]),
            ["6.0.9-01-a.sql", "6.0.9-02-a.sql", "6.0.10-01-b.sql"]
        );
    }

    #[test]
    fn a_folder_for_each_migration_is_read_through_its_up_file() {
        let top = folder("/p/migrations", &[], &["2024-01-02-000000_b", "2024-01-01-000000_a", "notes"]);
        let a = folder("/p/migrations/2024-01-01-000000_a", &["down.sql", "up.sql"], &[]);
        let b = folder("/p/migrations/2024-01-02-000000_b", &["down.sql", "up.sql"], &[]);
        let found = sources(std::path::Path::new("/p"), &[top, a, b]);
        assert_eq!(found.len(), 1);
        let files: Vec<&str> = found[0].files.iter().filter_map(|file| file.to_str()).collect();
        assert_eq!(
            files,
            ["/p/migrations/2024-01-01-000000_a/up.sql", "/p/migrations/2024-01-02-000000_b/up.sql"]
        );
    }

    #[test]
    fn dashes_do_not_count_in_the_versions_of_folders() {
        let names = ["2017-09-23-182408_c", "20170305095748_b", "2014-10-01-000000-0000_a"];
        let top = folder("/p/migrations", &[], &names);
        let inner = names.map(|name| folder(&format!("/p/migrations/{name}"), &["up.sql"], &[]));
        let all: Vec<Folder> = std::iter::once(top).chain(inner).collect();
        let found = sources(std::path::Path::new("/p"), &all);
        let files: Vec<&str> =
            found[0].files.iter().filter_map(|file| file.parent()?.file_name()?.to_str()).collect();
        assert_eq!(files, [names[2], names[1], names[0]]);
    }

    #[test]
    fn folders_of_any_name_run_in_the_order_of_their_text() {
        let names = ["6.0.2-01-core", "6.0.10-01-more", "2026-03-15-mail", "init", ".git"];
        let top = folder("/p/migrations", &[], &names);
        let inner = names.map(|name| folder(&format!("/p/migrations/{name}"), &["down.sql", "up.sql"], &[]));
        let all: Vec<Folder> = std::iter::once(top.clone()).chain(inner).collect();
        let expected = [names[2], names[1], names[0], names[3]];
        let shown = |files: &[PathBuf]| -> Vec<String> {
            files.iter().filter_map(|file| Some(file.parent()?.file_name()?.to_str()?.to_owned())).collect()
        };
        assert_eq!(shown(&named_folder(&top, &all)), expected);
        let found = sources(std::path::Path::new("/p"), &all);
        assert_eq!(shown(&found[0].files), expected);
    }

    #[test]
    fn a_folder_with_a_number_and_one_file_is_a_migration() {
        let top = folder("/p/migrations", &[], &["20240101_a", "postgres", "20240102_two"]);
        let a = folder("/p/migrations/20240101_a", &["down.sql", "migration.sql"], &[]);
        let other = folder("/p/migrations/postgres", &["init.sql"], &[]);
        let two = folder("/p/migrations/20240102_two", &["a.sql", "b.sql"], &[]);
        let files = named_folder(&top.clone(), &[top, a, other, two]);
        assert_eq!(files, [PathBuf::from("/p/migrations/20240101_a/migration.sql")]);
    }

    #[test]
    fn a_dump_counts_only_without_migrations_and_tests_never() {
        let root = folder("/p", &["schema.sql"], &["migrations", "tests"]);
        let up = folder("/p/migrations", &["1_a.sql"], &[]);
        let tests = folder("/p/tests/migrations", &["1_a.sql"], &[]);
        let path = std::path::Path::new("/p");
        let with = sources(path, &[root.clone(), up, tests]);
        assert_eq!(with.iter().map(|source| source.dump).collect::<Vec<_>>(), [false]);
        let without = sources(path, &[root]);
        assert_eq!(without.iter().map(|source| source.dump).collect::<Vec<_>>(), [true]);
    }

    #[test]
    fn down_sections_become_blanks_of_the_same_length() {
        let text =
            "-- migrate:up\ncreate table a();\n-- migrate:down\ndrop table é;\n-- migrate:up\nselect 1;\n";
        let kept = without_down(text);
        assert_eq!(kept.len(), text.len());
        assert!(kept.contains("create table a();") && !kept.contains("drop"));
        assert_eq!(kept.find("select 1"), text.find("select 1"));
        assert!(!without_down("-- +goose Up\na;\n-- +goose Down\nb;\n").contains("b;"));
    }
}
