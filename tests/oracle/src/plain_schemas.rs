//! Schemas at random for MySQL and SQLite: tables keyed by the tenant, their children, a shared table and views, with what
//! these databases have of their own: affinities, collations that take texts for equal, tables without row numbers,
//! keys that replace rows.

use tenantry_policy::Dialect;

use crate::rng::Rng;
use crate::schemas::SchemaText;

const KEYED: [&str; 5] = ["users", "projects", "tasks", "invoices", "events"];
const CHILDREN: [&str; 2] = ["comments", "files"];

/// A schema at random; what is rare takes turns by the schema's number.
pub fn schema(dialect: Dialect, rng: &mut Rng, number: u64) -> SchemaText {
    let words = match dialect {
        Dialect::Sqlite => &SQLITE,
        Dialect::Mysql | Dialect::Postgres => &MYSQL,
    };
    let key = *rng.pick(words.keys).unwrap_or(&"BIGINT");
    let two_levels = rng.chance(20);
    let turn = usize::try_from(number % 8).unwrap_or(0);
    let mut maker = Maker {
        rng,
        dialect,
        words,
        key,
        two_levels,
        turn,
        ddl: Vec::new(),
        tables: Vec::new(),
        rules: Vec::new(),
        shared: Vec::new(),
    };
    maker.roots();
    let mut names = KEYED.to_vec();
    maker.rng.shuffle(&mut names);
    let count = maker.rng.range(3, 4);
    for name in names.into_iter().take(count) {
        maker.keyed(name);
    }
    let count = maker.rng.range(1, 2);
    for name in CHILDREN.into_iter().take(count) {
        maker.child(name);
    }
    maker.views();
    maker.finish()
}

/// A dialect's types.
struct Words {
    /// Of tenant keys.
    keys: &'static [&'static str],
    /// Of keys that name the same tenants and are of another type, numbers and texts.
    odd: [&'static [&'static str]; 2],
    /// Of ids, with what makes them anew where that is.
    ids: &'static [(&'static str, &'static str)],
    /// Of texts.
    text: &'static [&'static str],
}

const SQLITE: Words = Words {
    keys: &["INTEGER", "BIGINT", "TEXT", "VARCHAR(40)", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM"],
    odd: [&["TEXT", "NUMERIC", "INT"], &["TEXT COLLATE NOCASE", "BLOB", "CHAR(20)", "TEXT COLLATE BINARY"]],
    ids: &[("INTEGER", " AUTOINCREMENT"), ("BIGINT", ""), ("TEXT", ""), ("INT", "")],
    text: &["TEXT", "TEXT", "TEXT COLLATE NOCASE"],
};

const MYSQL: Words = Words {
    keys: &[
        "BIGINT",
        "BIGINT",
        "VARCHAR(40) COLLATE utf8mb4_bin",
        "VARCHAR(40)",
        "VARBINARY(40)",
        "VARCHAR(40) COLLATE utf8mb4_nopad_bin",
    ],
    odd: [
        &["VARCHAR(40)", "DECIMAL(30)", "VARCHAR(40) COLLATE utf8mb4_bin"],
        &["VARCHAR(40)", "VARCHAR(60) COLLATE utf8mb4_bin"],
    ],
    ids: &[
        ("BIGINT", " AUTO_INCREMENT"),
        ("BIGINT", ""),
        ("VARCHAR(40)", ""),
        ("VARCHAR(40) COLLATE utf8mb4_bin", ""),
    ],
    text: &["VARCHAR(60)", "VARCHAR(60)", "VARCHAR(60) COLLATE utf8mb4_bin"],
};

struct Maker<'a> {
    rng: &'a mut Rng,
    dialect: Dialect,
    words: &'static Words,
    key: &'static str,
    two_levels: bool,
    turn: usize,
    ddl: Vec<String>,
    tables: Vec<Table>,
    rules: Vec<String>,
    /// Tables of which rows without a key are everybody's.
    shared: Vec<String>,
}

/// A table that others may refer to.
struct Table {
    name: String,
    id: &'static str,
    /// The key's column; none of a child.
    key: Option<&'static str>,
    /// The key's type.
    key_type: &'static str,
    /// `(key, id)` is unique.
    composite: bool,
    /// `id` alone is.
    id_unique: bool,
}

/// The parts of a table in the making.
#[derive(Default)]
struct Parts {
    columns: Vec<String>,
    constraints: Vec<String>,
}

impl Maker<'_> {
    fn rare(&mut self, feature: usize, percent: usize) -> bool {
        let percent = if self.turn == feature { 70 } else { percent };
        self.rng.chance(percent)
    }

    fn sqlite(&self) -> bool {
        self.dialect == Dialect::Sqlite
    }

    fn text(&mut self) -> &'static str {
        self.rng.pick(self.words.text).copied().unwrap_or("TEXT")
    }

    fn roots(&mut self) {
        let (key, text) = (self.key, self.text());
        self.ddl
            .push(format!("CREATE TABLE countries (code {text} PRIMARY KEY, name {text} NOT NULL, n INT)"));
        self.rules.push("countries = { shared = \"reference data\" }".to_owned());
        if self.two_levels {
            self.ddl.push(format!("CREATE TABLE orgs (id {key} NOT NULL PRIMARY KEY, name {text})"));
            self.ddl.push(format!(
                "CREATE TABLE workspaces (id {key} NOT NULL PRIMARY KEY, org_id {key} NOT NULL, name {text}, \
                 UNIQUE (org_id, id), FOREIGN KEY (org_id) REFERENCES orgs (id))"
            ));
            return;
        }
        let slug = if self.sqlite() { "TEXT" } else { "VARCHAR(40) COLLATE utf8mb4_bin" };
        let slug = if self.rng.chance(30) { self.text() } else { slug };
        self.ddl.push(format!(
            "CREATE TABLE tenants (id {key} NOT NULL PRIMARY KEY, slug {slug} NOT NULL UNIQUE, name {text}, n INT)"
        ));
    }

    /// The key of a table: its column and its type.
    fn key_column(&mut self, parts: &mut Parts, nullable: bool) -> (&'static str, &'static str) {
        let null = if nullable { "" } else { " NOT NULL" };
        let odd = if self.rare(0, 10) { self.words.odd.get(usize::from(self.is_text())) } else { None };
        let ty = odd.and_then(|odd| self.rng.pick(odd)).copied().unwrap_or(self.key);
        let (name, root) = match (self.two_levels, self.rng.chance(50)) {
            (false, _) => ("tenant_id", "tenants"),
            (true, true) => ("org_id", "orgs"),
            (true, false) => ("workspace_id", "workspaces"),
        };
        parts.columns.push(format!("{name} {ty}{null}"));
        let both = name == "workspace_id" && self.rng.chance(40);
        if both {
            parts.columns.push(format!("org_id {} NOT NULL", self.key));
        }
        if ty == self.key && self.rng.chance(70) {
            let action = *self.rng.pick(&["", "", " ON DELETE CASCADE", " ON UPDATE CASCADE"]).unwrap_or(&"");
            parts.constraints.push(format!("FOREIGN KEY ({name}) REFERENCES {root} (id){action}"));
        }
        (name, ty)
    }

    fn is_text(&self) -> bool {
        ["TEXT", "CHAR", "BINARY"].iter().any(|word| self.key.contains(word))
    }

    fn keyed(&mut self, name: &str) {
        let mut parts = Parts::default();
        let nullable = self.rare(1, 15) && !self.two_levels;
        let (key, key_type) = self.key_column(&mut parts, nullable);
        let (mut id, mut made) = self.rng.pick(self.words.ids).copied().unwrap_or(("BIGINT", ""));
        let in_key = self.rng.chance(20) && !nullable;
        if in_key && !made.is_empty() {
            (id, made) = ("BIGINT", "");
        }
        let replaces = if self.sqlite() && self.rare(2, 4) { " ON CONFLICT REPLACE" } else { "" };
        match (in_key, self.sqlite()) {
            (true, _) => {
                parts.columns.insert(0, format!("id {id} NOT NULL"));
                parts.constraints.insert(0, format!("PRIMARY KEY ({key}, id){replaces}"));
            }
            // SQLite makes a number anew where the definition is this, to the letter.
            (false, true) => parts.columns.insert(0, format!("id {id} NOT NULL PRIMARY KEY{replaces}{made}")),
            (false, false) => {
                parts.columns.insert(0, format!("id {id} NOT NULL{made}"));
                parts.constraints.insert(0, "PRIMARY KEY (id)".to_owned());
            }
        }
        let composite = !in_key && self.rng.chance(60);
        if composite {
            parts.constraints.push(format!("UNIQUE ({key}, id)"));
        }
        let (title, text) = (self.text(), self.text());
        parts.columns.push(format!("title {title}"));
        parts.columns.push(format!("status {} NOT NULL DEFAULT 'open'", self.text()));
        parts.columns.push("n INT".to_owned());
        match self.rng.below(4) {
            0 => {
                parts.columns.push(format!("email {text} NOT NULL"));
                let replaces = if self.sqlite() && self.rare(2, 4) { " ON CONFLICT REPLACE" } else { "" };
                parts.constraints.push(format!("UNIQUE (email){replaces}"));
            }
            1 => {
                parts.columns.push(format!("email {text} NOT NULL"));
                parts.constraints.push(format!("UNIQUE ({key}, email)"));
            }
            2 => {
                parts.columns.push("num INT NOT NULL".to_owned());
                parts.constraints.push(format!("UNIQUE ({key}, num)"));
            }
            _ => {}
        }
        if self.rare(3, 10) {
            let kept = *self.rng.pick(&["STORED", "VIRTUAL"]).unwrap_or(&"STORED");
            parts.columns.push(format!("twice INT GENERATED ALWAYS AS (n * 2) {kept}"));
        }
        for _ in 0..self.rng.range(0, 2) {
            self.reference(key, key_type, &mut parts);
        }
        let options =
            if self.sqlite() && made.is_empty() && self.rare(4, 10) { " WITHOUT ROWID" } else { "" };
        let all: Vec<String> = parts.columns.into_iter().chain(parts.constraints).collect();
        self.ddl.push(format!("CREATE TABLE {name} ({}){options}", all.join(", ")));
        self.indexes(name, key);
        if nullable && self.rng.chance(60) {
            self.shared.push(name.to_owned());
        }
        let (key, id_unique) = (Some(key), !in_key);
        self.tables.push(Table {
            name: name.to_owned(),
            id,
            key,
            key_type,
            composite: composite || in_key,
            id_unique,
        });
    }

    fn indexes(&mut self, name: &str, key: &str) {
        if !self.sqlite() {
            if self.rare(5, 8) {
                let columns = if self.rng.chance(50) { format!("{key}, title") } else { "title".to_owned() };
                self.ddl.push(format!("CREATE UNIQUE INDEX {name}_title ON {name} ({columns})"));
            }
            return;
        }
        if self.rare(5, 12) {
            let columns = if self.rng.chance(50) { format!("{key}, title") } else { "title".to_owned() };
            self.ddl
                .push(format!("CREATE UNIQUE INDEX {name}_open ON {name} ({columns}) WHERE status = 'open'"));
        }
        if self.rare(6, 6) {
            let columns =
                if self.rng.chance(60) { format!("{key}, lower(title)") } else { "lower(title)".to_owned() };
            self.ddl.push(format!("CREATE UNIQUE INDEX {name}_lower ON {name} ({columns})"));
        }
    }

    /// A foreign key to an earlier table, with or without the tenant key.
    fn reference(&mut self, key: &'static str, key_type: &str, parts: &mut Parts) {
        let taken = |name: &str| parts.columns.iter().any(|column| column.starts_with(name));
        let targets: Vec<&Table> =
            self.tables.iter().filter(|table| !taken(&format!("{}_ref", table.name))).collect();
        let Some(target) = self.rng.pick(&targets).copied() else { return };
        let composite = target.composite && target.key == Some(key) && target.key_type == key_type;
        let (name, id, id_unique) = (target.name.clone(), target.id, target.id_unique);
        if !composite && !id_unique {
            return;
        }
        let column = format!("{name}_ref");
        let not_null = if self.rng.chance(50) { " NOT NULL" } else { "" };
        let actions = ["", " ON DELETE CASCADE", " ON DELETE SET NULL"];
        let action = self.rng.pick(&actions).filter(|action| not_null.is_empty() || !action.contains("NULL"));
        let action = action.copied().unwrap_or("");
        parts.columns.push(format!("{column} {id}{not_null}"));
        parts.constraints.push(match composite && (!id_unique || self.rng.chance(50)) {
            // The key takes no NULL most often.
            true => {
                let action = if action.contains("NULL") { "" } else { action };
                format!("FOREIGN KEY ({key}, {column}) REFERENCES {name} ({key}, id){action}")
            }
            false => format!("FOREIGN KEY ({column}) REFERENCES {name} (id){action}"),
        });
    }

    /// A table without a key, owned by its parent; a parent may be such a table too.
    fn child(&mut self, name: &str) {
        let parents: Vec<&Table> = self.tables.iter().filter(|table| table.id_unique).collect();
        let Some(parent) = self.rng.pick(&parents).copied() else { return };
        let (parent, parent_type) = (parent.name.clone(), parent.id);
        let by = format!("{}_id", parent.trim_end_matches('s'));
        let not_null = if self.rng.chance(75) { " NOT NULL" } else { "" };
        let action = if self.rng.chance(60) { " ON DELETE CASCADE" } else { "" };
        let id = if self.sqlite() {
            "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"
        } else {
            "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
        };
        let text = self.text();
        let unique = if self.rng.chance(20) { format!("UNIQUE ({by}, body), ") } else { String::new() };
        self.ddl.push(format!(
            "CREATE TABLE {name} (id {id}, {by} {parent_type}{not_null}, body {text} NOT NULL, n INT, \
             {unique}FOREIGN KEY ({by}) REFERENCES {parent} (id){action})"
        ));
        self.rules.push(format!("{name} = {{ parent = \"{parent}\", by = \"{by}\" }}"));
        let id = if self.sqlite() { "INTEGER" } else { "BIGINT" };
        self.tables.push(Table {
            name: name.to_owned(),
            id,
            key: None,
            key_type: "",
            composite: false,
            id_unique: true,
        });
    }

    fn views(&mut self) {
        let keyed: Vec<(String, &str)> =
            self.tables.iter().filter_map(|table| Some((table.name.clone(), table.key?))).collect();
        for at in 0..self.rng.range(1, 2) {
            let Some((name, key)) = self.rng.pick(&keyed).cloned() else { return };
            let body = match self.rng.below(6) {
                0 => format!("SELECT id, {key}, title, n FROM {name}"),
                1 => format!("SELECT id, {key}, title, n FROM {name} WHERE status = 'open'"),
                2 => format!("SELECT {key}, count(*) AS n FROM {name} GROUP BY {key}"),
                3 => format!(
                    "SELECT id, {key}, title, rank() OVER (PARTITION BY {key} ORDER BY {name}.n, id) AS n FROM {name}"
                ),
                4 => format!("SELECT id, {key}, title, rank() OVER (ORDER BY {name}.n, id) AS n FROM {name}"),
                _ => format!("SELECT id, {key}, title, n FROM {name} ORDER BY n, id LIMIT 3"),
            };
            self.ddl.push(format!("CREATE VIEW v_{name}_{at} AS {body}"));
        }
    }

    fn finish(mut self) -> SchemaText {
        let mut policy = format!("[[database]]\ndialect = \"{}\"\n\n[tenancy]\n", self.dialect.as_str());
        policy.push_str(match self.two_levels {
            true => {
                "keys = [\"org_id\", \"workspace_id\"]\nroot = \"orgs.id\"\nhierarchy = [\"org_id\", \"workspace_id\"]\n"
            }
            false => "keys = [\"tenant_id\"]\nroot = \"tenants.id\"\nroot-keys = [\"tenants.slug\"]\n",
        });
        if !self.shared.is_empty() {
            let names: Vec<String> = self.shared.iter().map(|name| format!("\"{name}\"")).collect();
            policy.push_str(&format!("null-is-shared = [{}]\n", names.join(", ")));
        }
        if self.rare(7, 8) {
            policy.push_str("strict-errors = true\n");
        }
        // Of two names that a collation takes for one the reference would be to one tenant, and the row of another.
        let exact = !self.key.contains("NOCASE") && !self.key.contains("RTRIM") && self.key != "VARCHAR(40)";
        if self.rng.chance(10) && (exact || self.sqlite() && self.key == "VARCHAR(40)") {
            policy.push_str("trust-foreign-keys = true\n");
        }
        policy.push_str("\n[tables]\n");
        for rule in &self.rules {
            policy.push_str(rule);
            policy.push('\n');
        }
        SchemaText { ddl: self.ddl, policy }
    }
}
