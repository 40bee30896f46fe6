//! Schemas at random: tenants on one level or two, tables keyed by them, their children, shared tables, partitions, views;
//! with foreign keys and unique constraints that contain the tenant key, and such that do not.

use crate::policies::{self, Owner, ROLE, Secured};
use crate::rng::Rng;

/// A schema as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaText {
    /// The statements that make it.
    pub ddl: Vec<String>,
    /// `tenantry.toml`.
    pub policy: String,
}

impl SchemaText {
    /// The statements as one text.
    pub fn sql(&self) -> String {
        self.ddl.iter().map(|statement| format!("{statement};\n")).collect()
    }
}

/// The setting that carries the tenant.
const SETTING: &str = "app.tenant";
/// The types that keys and ids have.
const KEY_TYPES: [&str; 4] = ["bigint", "uuid", "text", "int"];
const KEYED: [&str; 6] = ["users", "projects", "tasks", "invoices", "events", "accounts"];
const CHILDREN: [&str; 3] = ["comments", "lines", "files"];

/// What every schema of a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing in particular.
    Anything,
    /// Row level security.
    Policies,
}

/// A schema at random: each of what is rare has its turn, by the schema's number.
pub fn schema(rng: &mut Rng, number: u64, wanted: Wanted) -> SchemaText {
    let key = *rng.pick(&KEY_TYPES).unwrap_or(&"bigint");
    let mut maker = Maker {
        rng,
        key_type: key,
        two_levels: false,
        turn: usize::try_from(number).unwrap_or(0),
        ddl: Vec::new(),
        tables: Vec::new(),
        shared_null: Vec::new(),
        rules: Vec::new(),
        odd: false,
        later: Vec::new(),
        setting: false,
        secured: false,
        strict: false,
        trusting: false,
    };
    // What has its turn is most often of one level alone.
    maker.two_levels =
        maker.rng.chance(if maker.turn % RARE < 4 { 5 } else { 35 }) && maker.turn % RARE < RARE - 2;
    if maker.turn % RARE == 3 && maker.rng.chance(65) {
        maker.key_type = "text";
    }
    if wanted == Wanted::Policies {
        maker.two_levels = false;
    }
    maker.setting = (maker.rare(0, 25) || wanted == Wanted::Policies) && !maker.two_levels;
    maker.secured = maker.setting && (maker.rng.chance(40) || wanted == Wanted::Policies);
    maker.strict = maker.rare(1, 12);
    // Trusted references to rows that are everybody's are rare in both alone.
    maker.trusting = maker.rare(2, if maker.turn % RARE >= RARE - 2 { 40 } else { 12 });
    maker.roots();
    maker.shared();
    let count = maker.rng.range(3, 5);
    let mut names = KEYED.to_vec();
    maker.rng.shuffle(&mut names);
    for name in names.into_iter().take(count) {
        maker.keyed(name);
    }
    let count = maker.rng.range(1, 3);
    for name in CHILDREN.into_iter().take(count) {
        maker.child(name);
    }
    if maker.rng.chance(40) {
        maker.partitioned();
    }
    maker.oddities();
    maker.policies();
    maker.views();
    maker.functions();
    maker.finish()
}

struct Maker<'a> {
    rng: &'a mut Rng,
    key_type: &'static str,
    two_levels: bool,
    /// Which of the rare features has its turn.
    turn: usize,
    ddl: Vec<String>,
    tables: Vec<Table>,
    shared_null: Vec<String>,
    rules: Vec<String>,
    /// The key of the table at hand has a type that cannot refer to the root's.
    odd: bool,
    /// Constraints of the table at hand that are added after it was made.
    later: Vec<String>,
    /// A setting carries the tenant too.
    setting: bool,
    /// Some tables have row level security.
    secured: bool,
    /// Errors are observable.
    strict: bool,
    /// Foreign keys stay inside a tenant.
    trusting: bool,
}

/// A table that others may refer to.
struct Table {
    name: String,
    id_type: &'static str,
    /// The key's columns, none for a child.
    keys: Vec<&'static str>,
    /// `(key, id)` is unique, so that composite foreign keys may refer to it; and `id` alone.
    composite: bool,
    /// `id` alone is unique.
    id_unique: bool,
    child: bool,
    /// Of a child, the column that refers to its parent, and the parent.
    parent: Option<(String, String)>,
}

/// How many rare features take turns.
const RARE: usize = 16;
/// A type of keys that name tenants of a kind of its own, of which the setting says nothing.
const OWN_KIND: &str = "numeric";
/// The feature that many rules need: keys that take NULL.
const NULLABLE: usize = 4;

impl Maker<'_> {
    /// In `percent` of a hundred cases, and most often where it is the turn of this feature.
    fn rare(&mut self, feature: usize, percent: usize) -> bool {
        let turn = self.turn % RARE;
        let turn = turn == feature || feature == NULLABLE && turn >= RARE - 2;
        self.rng.chance(if turn { 75 } else { percent })
    }

    fn roots(&mut self) {
        let ty = self.key_type;
        if ty == "text" {
            self.ddl.push("CREATE EXTENSION IF NOT EXISTS citext".to_owned());
            self.ddl.push(
                "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
                    .to_owned(),
            );
        }
        self.ddl.push(format!("CREATE DOMAIN tenant_key AS {ty}"));
        if self.two_levels {
            self.ddl.push(format!("CREATE TABLE orgs (id {ty} PRIMARY KEY, name text)"));
            self.ddl.push(format!(
                "CREATE TABLE workspaces (id {ty} PRIMARY KEY, org_id {ty} NOT NULL REFERENCES orgs (id), name text, \
                 UNIQUE (org_id, id))"
            ));
        } else {
            self.ddl.push(format!(
                "CREATE TABLE tenants (id {ty} PRIMARY KEY, slug text NOT NULL UNIQUE, name text, n int)"
            ));
        }
    }

    fn shared(&mut self) {
        self.ddl.push("CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL, n int)".to_owned());
        self.rules.push("countries = { shared = \"reference data\" }".to_owned());
    }

    /// The key columns of a table: definition and names.
    fn key_columns(&mut self, nullable: bool) -> (Vec<String>, Vec<&'static str>) {
        let ty = self.key_type;
        self.odd = false;
        let null = if nullable { "" } else { " NOT NULL" };
        if !self.two_levels {
            if self.rng.chance(12) {
                return (
                    vec!["tenant_slug text NOT NULL REFERENCES tenants (slug)".to_owned()],
                    vec!["tenant_slug"],
                );
            }
            let by_setting = self.setting && self.rare(0, 30);
            let (ty, refers) = self.odd_type();
            let default = match by_setting && ty != OWN_KIND {
                true => format!(" DEFAULT current_setting('{SETTING}')::{ty}"),
                false => String::new(),
            };
            self.odd = !refers;
            let reference = if refers && self.rng.chance(80) { self.root_reference() } else { "" };
            return (vec![format!("tenant_id {ty}{null}{default}{reference}")], vec!["tenant_id"]);
        }
        let workspace = format!("workspace_id {ty} NOT NULL REFERENCES workspaces (id)");
        let org = format!("org_id {ty} NOT NULL REFERENCES orgs (id)");
        match self.rng.below(3) {
            0 => (vec![workspace], vec!["workspace_id"]),
            1 => (vec![org], vec!["org_id"]),
            _ => (vec![org, workspace], vec!["org_id", "workspace_id"]),
        }
    }

    /// Now and then a key is of another type than the root's, which compares with it all the same; and whether it can refer
    /// to the root.
    fn odd_type(&mut self) -> (&'static str, bool) {
        if self.key_type == "bigint" && self.rng.chance(4) {
            return (OWN_KIND, false);
        }
        // Each of them has its turn too.
        let odd = if self.rare(3, 5) { (self.turn / RARE + self.tables.len()) % 6 } else { 9 };
        match (self.key_type, odd) {
            ("text", 0) => ("text COLLATE ci", false),
            ("text", 1) => ("varchar(40)", true),
            ("text", 2) => ("varchar", true),
            ("text", 3) => ("char(8)", false),
            ("text", 4) => ("citext", false),
            (_, 0..=8) => ("tenant_key", true),
            (ty, _) => (ty, true),
        }
    }

    fn root_reference(&mut self) -> &'static str {
        match self.rng.below(8) {
            0 => " REFERENCES tenants (id) ON UPDATE CASCADE",
            1 => " REFERENCES tenants (id) ON DELETE CASCADE",
            _ => " REFERENCES tenants (id)",
        }
    }

    fn keyed(&mut self, name: &str) {
        let nullable = self.rare(NULLABLE, 20) && !self.two_levels;
        let (mut columns, keys) = self.key_columns(nullable);
        let key = keys.last().copied().unwrap_or("tenant_id");
        let nullable = nullable && key == "tenant_id";
        let id_type = *self.rng.pick(&["bigint", "bigint", "uuid", "text"]).unwrap_or(&"bigint");
        let generated = match id_type {
            "bigint" if self.rng.chance(60) => " GENERATED BY DEFAULT AS IDENTITY",
            _ => "",
        };
        let in_key = self.rng.chance(20) && !nullable;
        columns.insert(0, format!("id {id_type}{generated} NOT NULL"));
        columns.push("title text".to_owned());
        columns.push("status text NOT NULL DEFAULT 'open'".to_owned());
        columns.push("n int".to_owned());
        let mut constraints = Vec::new();
        constraints.push(match in_key {
            true => format!("PRIMARY KEY ({key}, id)"),
            false => "PRIMARY KEY (id)".to_owned(),
        });
        let composite = !in_key && !self.odd && self.rng.chance(70);
        if composite {
            constraints.push(format!("UNIQUE ({key}, id)"));
        }
        match self.rng.below(4) {
            0 => {
                columns.push("email text NOT NULL".to_owned());
                constraints.push(match self.rng.below(8) {
                    0 => "UNIQUE (email) DEFERRABLE INITIALLY DEFERRED".to_owned(),
                    1 => format!("UNIQUE (email) INCLUDE ({key})"),
                    2 => "EXCLUDE USING btree (email WITH =)".to_owned(),
                    _ => "UNIQUE (email)".to_owned(),
                });
            }
            1 => {
                columns.push("email text NOT NULL".to_owned());
                constraints.push(match self.rng.below(8) {
                    0 => format!("UNIQUE ({key}, email) DEFERRABLE"),
                    1 => format!("EXCLUDE USING btree ({key} WITH =, email WITH =)"),
                    _ => format!("UNIQUE ({key}, email)"),
                });
            }
            2 => {
                columns.push("num int NOT NULL".to_owned());
                constraints.push(format!("UNIQUE ({key}, num)"));
            }
            _ => {}
        }
        if self.rare(5, 12) {
            columns.push("twice int GENERATED ALWAYS AS (n * 2) STORED".to_owned());
        }
        if self.rng.chance(25) {
            columns.push("country text REFERENCES countries (code)".to_owned());
        }
        for _ in 0..self.rng.range(0, 2) {
            self.reference(key, &mut columns, &mut constraints);
        }
        self.ddl.push(format!("CREATE TABLE {name} ({}, {})", columns.join(", "), constraints.join(", ")));
        let later = self.later.drain(..).map(|constraint| format!("ALTER TABLE {name} ADD {constraint}"));
        self.ddl.extend(later);
        if self.rng.chance(20) {
            let columns = if self.rng.chance(50) { format!("{key}, title") } else { "title".to_owned() };
            self.ddl.push(format!("CREATE UNIQUE INDEX ON {name} ({columns}) WHERE status = 'open'"));
        }
        if self.rare(6, 8) {
            let columns =
                if self.rng.chance(60) { format!("{key}, lower(title)") } else { "lower(title)".to_owned() };
            self.ddl.push(format!("CREATE UNIQUE INDEX ON {name} ({columns})"));
        }
        if nullable && self.rng.chance(60) {
            self.shared_null.push(name.to_owned());
        }
        self.tables.push(Table {
            name: name.to_owned(),
            id_type,
            composite: composite || in_key && !self.odd,
            id_unique: !in_key,
            keys,
            child: false,
            parent: None,
        });
    }

    /// A foreign key to an earlier table, with or without the tenant key.
    fn reference(&mut self, key: &str, columns: &mut Vec<String>, constraints: &mut Vec<String>) {
        let taken = |name: &str| columns.iter().any(|column| column.starts_with(name));
        let targets: Vec<&Table> =
            self.tables.iter().filter(|table| !taken(&format!("{}_ref", table.name))).collect();
        let Some(target) = self.rng.pick(&targets).copied() else { return };
        let column = format!("{}_ref", target.name);
        let composite = !self.odd && target.composite && target.keys.last().copied() == Some(key);
        let (name, id_type, id_unique) = (target.name.clone(), target.id_type, target.id_unique);
        let not_null = if self.rng.chance(50) { " NOT NULL" } else { "" };
        let action = *self
            .rng
            .pick(&["", " ON DELETE CASCADE", " ON DELETE SET NULL"])
            .filter(|action| not_null.is_empty() || !action.contains("NULL"))
            .unwrap_or(&"");
        if composite && (!id_unique || self.rng.chance(50)) {
            let action = action.replace("SET NULL", &format!("SET NULL ({column})"));
            columns.push(format!("{column} {id_type}{not_null}"));
            let whole = not_null.is_empty() && self.rare(7, 25);
            let action = match self.rng.below(10) {
                _ if whole && self.rng.chance(50) => " ON DELETE SET NULL".to_owned(),
                _ if whole => " ON DELETE SET DEFAULT".to_owned(),
                0 => format!("{action} ON UPDATE CASCADE"),
                1 => format!("{action} DEFERRABLE INITIALLY DEFERRED"),
                2 => format!("{action} DEFERRABLE"),
                _ => action,
            };
            let constraint = format!("FOREIGN KEY ({key}, {column}) REFERENCES {name} ({key}, id){action}");
            match self.rare(8, 7) {
                true => self.later.push(format!("{constraint} NOT VALID")),
                false => constraints.push(constraint),
            }
        } else if id_unique {
            let update = if self.rare(9, 12) { " ON UPDATE CASCADE" } else { "" };
            columns.push(format!("{column} {id_type}{not_null} REFERENCES {name} (id){action}{update}"));
        }
    }

    /// A table without a key, owned by its parent; a parent may be such a table too.
    fn child(&mut self, name: &str) {
        let parents: Vec<&Table> = self.tables.iter().filter(|table| table.id_unique).collect();
        let deep: Vec<&Table> = parents.iter().copied().filter(|table| table.child).collect();
        let from = if deep.is_empty() || self.rng.chance(40) { parents } else { deep };
        let Some(parent) = self.rng.pick(&from).copied() else { return };
        let (parent, parent_type) = (parent.name.clone(), parent.id_type);
        let by = format!("{}_id", parent.trim_end_matches('s'));
        let id_type = *self.rng.pick(&["bigint", "uuid"]).unwrap_or(&"bigint");
        let not_null = if self.rng.chance(75) { " NOT NULL" } else { "" };
        let action = if self.rng.chance(70) { " ON DELETE CASCADE" } else { "" };
        let generated = if id_type == "bigint" { " GENERATED BY DEFAULT AS IDENTITY" } else { "" };
        let unique = if self.rng.chance(20) { format!(", UNIQUE ({by}, body)") } else { String::new() };
        self.ddl.push(format!(
            "CREATE TABLE {name} (id {id_type}{generated} PRIMARY KEY, \
             {by} {parent_type}{not_null} REFERENCES {parent} (id){action}, body text NOT NULL, n int{unique})"
        ));
        self.rules.push(format!("{name} = {{ parent = \"{parent}\", by = \"{by}\" }}"));
        self.tables.push(Table {
            name: name.to_owned(),
            id_type,
            keys: Vec::new(),
            composite: false,
            id_unique: true,
            child: true,
            parent: Some((by, parent)),
        });
    }

    fn partitioned(&mut self) {
        let (columns, keys) = self.key_columns(false);
        let key = keys.last().copied().unwrap_or("tenant_id");
        let how = *self.rng.pick(&["HASH", "LIST", "RANGE"]).unwrap_or(&"HASH");
        self.ddl.push(format!(
            "CREATE TABLE audit (id bigint NOT NULL, {}, what text NOT NULL, n int, PRIMARY KEY ({key}, id)) \
             PARTITION BY {how} ({key})",
            columns.join(", ")
        ));
        if how == "HASH" {
            for part in 0..2 {
                self.ddl.push(format!(
                    "CREATE TABLE audit_{part} PARTITION OF audit FOR VALUES WITH (MODULUS 2, REMAINDER {part})"
                ));
            }
        } else {
            self.ddl.push("CREATE TABLE audit_rest PARTITION OF audit DEFAULT".to_owned());
        }
    }

    /// Row level security on most of the tables.
    fn policies(&mut self) {
        if !self.secured {
            return;
        }
        let mut ddl = Vec::new();
        let key_of = |table: &Table| table.keys.last().copied().filter(|key| *key == "tenant_id");
        let of_kind: Vec<bool> = self.tables.iter().map(|table| !self.is_of_own_kind(&table.name)).collect();
        let keyed = |at: usize| {
            let table = self.tables.get(at)?;
            key_of(table).filter(|_| of_kind.get(at) == Some(&true)).map(|key| (table.name.as_str(), key))
        };
        for (at, table) in self.tables.iter().enumerate() {
            let owner = match (&table.parent, keyed(at)) {
                (Some((by, parent)), _) => {
                    let place = self.tables.iter().position(|known| known.name == *parent);
                    Owner::Parent(by, parent, place.and_then(keyed).map(|(_, key)| key))
                }
                (None, Some((_, key))) => Owner::Key(key),
                (None, None) => continue,
            };
            if self.rng.chance(20) {
                continue;
            }
            let plain = !table.child;
            // A policy that looks at a table whose policy looks back is refused.
            let other = (0..at).rev().find_map(keyed);
            let secured = Secured { name: &table.name, owner, other, plain };
            ddl.extend(policies::secure(self.rng, &secured, SETTING, self.key_type));
        }
        self.ddl.extend(ddl);
    }

    fn views(&mut self) {
        let keyed: Vec<(String, &str)> =
            self.tables.iter().filter_map(|table| Some((table.name.clone(), *table.keys.last()?))).collect();
        for at in 0..self.rng.range(1, 2) {
            let Some((name, key)) = self.rng.pick(&keyed).cloned() else { return };
            let body = match self.rng.below(7) {
                0 => format!("SELECT id, {key}, title, n FROM {name}"),
                1 => format!("SELECT id, {key}, title, n FROM {name} WHERE status = 'open'"),
                2 => format!("SELECT {key}, count(*) AS n FROM {name} GROUP BY {key}"),
                3 => format!(
                    "SELECT id, {key}, title, rank() OVER (PARTITION BY {key} ORDER BY n, id) AS n FROM {name}"
                ),
                4 if self.rng.chance(50) => {
                    format!("SELECT id, {key}, title, n FROM {name} WITH LOCAL CHECK OPTION")
                }
                5 => format!(
                    "SELECT DISTINCT ON ({key}) id, {key}, title, n FROM {name} ORDER BY {key}, n, id"
                ),
                4 => format!("SELECT id, {key}, title, rank() OVER (ORDER BY n, id) AS n FROM {name}"),
                _ => format!("SELECT id, {key}, title, n FROM {name} ORDER BY n, id LIMIT 3"),
            };
            let materialized = if !body.contains("CHECK") && self.rare(10, 8) { "MATERIALIZED " } else { "" };
            let invokes = materialized.is_empty() && self.secured && self.rng.chance(50);
            let with = if invokes { " WITH (security_invoker = true)" } else { "" };
            self.ddl.push(format!("CREATE {materialized}VIEW v_{name}_{at}{with} AS {body}"));
            let of_setting = key == "tenant_id" && !self.is_of_own_kind(&name);
            if self.setting && of_setting && materialized.is_empty() && self.rare(0, 30) {
                let ty = self.key_type;
                self.ddl.push(format!(
                    "ALTER VIEW v_{name}_{at} ALTER COLUMN tenant_id SET DEFAULT current_setting('{SETTING}')::{ty}"
                ));
            }
        }
    }

    fn is_of_own_kind(&self, table: &str) -> bool {
        let (head, key) = (format!("CREATE TABLE {table} ("), format!("tenant_id {OWN_KIND}"));
        self.ddl.iter().any(|statement| statement.starts_with(&head) && statement.contains(&key))
    }

    /// Inheritance, and triggers that assign or that write elsewhere.
    fn oddities(&mut self) {
        let keyed: Vec<(String, &str)> =
            self.tables.iter().filter_map(|table| Some((table.name.clone(), *table.keys.last()?))).collect();
        if self.rare(11, 12)
            && let Some((name, _)) = self.rng.pick(&keyed)
        {
            self.ddl.push(format!("CREATE TABLE {name}_old () INHERITS ({name})"));
        }
        if !self.rare(12, 25) {
            return;
        }
        let (Some((name, key)), Some((other, other_key))) =
            (self.rng.pick(&keyed).cloned(), self.rng.pick(&keyed).cloned())
        else {
            return;
        };
        let body = match self.rng.below(5) {
            0 if key == other_key => {
                format!("UPDATE {other} SET n = 1 WHERE {key} = NEW.{key}; RETURN NULL;")
            }
            1 => format!("UPDATE {other} SET n = n + 1; RETURN NULL;"),
            _ => "NEW.n := coalesce(NEW.n, 0) + 1; RETURN NEW;".to_owned(),
        };
        let when = if body.starts_with("NEW") { "BEFORE" } else { "AFTER" };
        let event = *self.rng.pick(&["INSERT OR UPDATE", "UPDATE", "INSERT"]).unwrap_or(&"UPDATE");
        let event = if other == name && when == "AFTER" { "INSERT" } else { event };
        self.ddl.push(format!(
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
        ));
        self.ddl.push(format!(
            "CREATE TRIGGER touched {when} {event} ON {name} FOR EACH ROW EXECUTE FUNCTION touch()"
        ));
    }

    /// Functions in SQL, of the tenant and of all.
    fn functions(&mut self) {
        let keyed: Vec<(String, &str)> =
            self.tables.iter().filter_map(|table| Some((table.name.clone(), *table.keys.last()?))).collect();
        let Some((name, key)) = self.rng.pick(&keyed).cloned() else { return };
        if !self.rare(13, 25) {
            return;
        }
        let ty = self.key_type;
        let pinned = format!("FROM {name} WHERE {key} = $1");
        let pinned = if key == "tenant_slug" { format!("{pinned}::text") } else { pinned };
        self.ddl.extend([
            format!("CREATE FUNCTION f_of_tenant({ty}) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) {pinned}'"),
            format!("CREATE FUNCTION f_all() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM {name}'"),
            format!("CREATE FUNCTION f_rows({ty}) RETURNS TABLE (id text, n int) LANGUAGE sql STABLE AS 'SELECT id::text, n {pinned}'"),
            format!("CREATE FUNCTION f_every() RETURNS TABLE (id text, n int) LANGUAGE sql STABLE AS 'SELECT id::text, n FROM {name}'"),
        ]);
    }

    fn finish(self) -> SchemaText {
        let mut policy = String::from("[tenancy]\n");
        match self.two_levels {
            true => policy.push_str(
                "keys = [\"org_id\", \"workspace_id\"]\nroot = \"orgs.id\"\nhierarchy = [\"org_id\", \"workspace_id\"]\n",
            ),
            false => {
                let keys = ["tenant_id", "tenant_slug"];
                let there = keys.iter().filter(|key| self.ddl.iter().any(|ddl| ddl.contains(&format!("{key} "))));
                let there: Vec<String> = there.map(|key| format!("\"{key}\"")).collect();
                policy.push_str(&format!(
                    "keys = [{}]\nroot = \"tenants.id\"\nroot-keys = [\"tenants.slug\"]\n",
                    there.join(", ")
                ));
            }
        }
        if !self.shared_null.is_empty() {
            let names: Vec<String> = self.shared_null.iter().map(|name| format!("\"{name}\"")).collect();
            policy.push_str(&format!("null-is-shared = [{}]\n", names.join(", ")));
        }
        if self.strict {
            policy.push_str("strict-errors = true\n");
        }
        if self.trusting {
            policy.push_str("trust-foreign-keys = true\n");
        }
        if self.setting {
            policy.push_str(&format!("\n[trust]\nsetting = \"{SETTING}\"\n"));
        }
        if self.secured {
            policy.push_str(&format!(
                "\n[[database]]\nname = \"main\"\ndialect = \"postgres\"\napp-role = \"{ROLE}\"\nowner-role = \"postgres\"\n"
            ));
        }
        policy.push_str("\n[tables]\n");
        for rule in &self.rules {
            policy.push_str(rule);
            policy.push('\n');
        }
        SchemaText { ddl: self.ddl, policy }
    }
}
