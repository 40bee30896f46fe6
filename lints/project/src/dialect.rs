//! Which dialect a schema is written in, where nobody says.

use std::path::Path;

use tenantry_policy::Dialect;

const IN_PATH: &[(&str, Dialect)] = &[
    ("sqlite", Dialect::Sqlite),
    ("mysql", Dialect::Mysql),
    ("mariadb", Dialect::Mysql),
    ("postgres", Dialect::Postgres),
    ("pgsql", Dialect::Postgres),
];

/// Words that only one of the dialects has.
const IN_TEXT: &[(&str, Dialect)] = &[
    ("serial", Dialect::Postgres),
    ("jsonb", Dialect::Postgres),
    ("$$", Dialect::Postgres),
    ("timestamptz", Dialect::Postgres),
    ("with time zone", Dialect::Postgres),
    ("bytea", Dialect::Postgres),
    ("create extension", Dialect::Postgres),
    ("plpgsql", Dialect::Postgres),
    ("create type", Dialect::Postgres),
    ("gen_random_uuid", Dialect::Postgres),
    (" autoincrement", Dialect::Sqlite),
    ("pragma ", Dialect::Sqlite),
    ("without rowid", Dialect::Sqlite),
    ("strftime", Dialect::Sqlite),
    ("auto_increment", Dialect::Mysql),
    ("engine=", Dialect::Mysql),
    ("engine =", Dialect::Mysql),
    ("unsigned", Dialect::Mysql),
    ("utf8mb4", Dialect::Mysql),
];

const IN_MANIFEST: &[(&str, Dialect)] =
    &[("postgres", Dialect::Postgres), ("sqlite", Dialect::Sqlite), ("mysql", Dialect::Mysql)];

/// Guesses from the folder's path below the root, else from the texts, else from the crate's manifest, else from the
/// crate's Rust, else PostgreSQL.
pub(crate) fn guess(path: &Path, texts: &[&str], manifest: &str, source: impl FnOnce() -> String) -> Dialect {
    let path = path.to_string_lossy().to_lowercase();
    // The last word counts: `postgres-service/migrations/sqlite`.
    let named = |text: &str| only_best(std::iter::once(text.to_lowercase()), IN_MANIFEST);
    let in_path = IN_PATH
        .iter()
        .filter_map(|(word, dialect)| Some((path.rfind(word)?, *dialect)))
        .max_by_key(|hit| hit.0);
    if let Some((_, dialect)) = in_path {
        return dialect;
    }
    only_best(texts.iter().map(|text| text.to_lowercase()), IN_TEXT)
        .or_else(|| named(manifest))
        .or_else(|| named(&source()))
        .unwrap_or_default()
}

/// The dialect with the most hits; none if two share the place.
fn only_best(texts: impl Iterator<Item = String>, words: &[(&str, Dialect)]) -> Option<Dialect> {
    let mut hits = [(Dialect::Postgres, 0_usize), (Dialect::Mysql, 0), (Dialect::Sqlite, 0)];
    for text in texts {
        for (word, dialect) in words {
            let found = text.matches(word).count();
            for (known, count) in &mut hits {
                *count += if known == dialect { found } else { 0 };
            }
        }
    }
    hits.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match hits {
        [(_, 0), ..] => None,
        [(_, first), (_, second), _] if first == second => None,
        [(dialect, _), ..] => Some(dialect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_then_text_then_manifest() {
        let none = Path::new("migrations");
        assert_eq!(
            guess(Path::new("server-sqlite/migrations"), &["id bigserial"], "", String::new),
            Dialect::Sqlite
        );
        assert_eq!(guess(none, &["id integer primary key autoincrement"], "", String::new), Dialect::Sqlite);
        assert_eq!(
            guess(none, &["id bigint auto_increment) engine=InnoDB"], "postgres", String::new),
            Dialect::Mysql
        );
        assert_eq!(
            guess(none, &["create table a(b text)"], "sqlx = { features = [\"sqlite\"] }", String::new),
            Dialect::Sqlite
        );
        assert_eq!(guess(none, &[], "", String::new), Dialect::Postgres);
        assert_eq!(guess(none, &[], "", || "use sqlx::sqlite::SqlitePool;".to_owned()), Dialect::Sqlite);
    }
}
