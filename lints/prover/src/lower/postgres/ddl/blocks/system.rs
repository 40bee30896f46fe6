//! The system's tables, as a block that asks the schema sees them.
//!
//! **Invariant:** what is not known to be there or not to be there is a row that is not sure, or one of [`Value::Foreign`]
//! and [`Value::Unknown`].

use super::value::Value;
use crate::catalog::{ANYTHING, Catalog, KeyKind, QualifiedName, Table, UserType};

/// A table of the system.
pub(super) struct System {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
}

/// A row of it.
#[derive(Clone)]
pub(super) struct Row {
    /// The values of the columns, in order; one that is missing is not known.
    pub(super) values: Vec<Value>,
    /// It is there.
    pub(super) sure: bool,
}

/// The identity of a table, view, index or sequence.
pub(super) fn class(name: &QualifiedName) -> Value {
    Value::Oid(format!("class:{}.{}", name.schema, name.name))
}

fn namespace(schema: &str) -> Value {
    Value::Oid(format!("namespace:{schema}"))
}

/// True for a name that a thing may have of which it is not known whether it is there.
pub(super) fn doubted(catalog: &Catalog, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    catalog.unread.iter().any(|text| text == ANYTHING || text.contains(&name))
}

/// The identity of a constraint.
fn constraint(table: &QualifiedName, name: &str) -> Value {
    Value::Oid(format!("constraint:{}.{}.{name}", table.schema, table.name))
}

/// What `pg_get_constraintdef` says of a key, where that is simple.
pub(super) fn definition(catalog: &Catalog, oid: &str) -> Value {
    for table in catalog.tables.values() {
        for key in &table.keys {
            if constraint(&table.name, &key.name) != Value::Oid(oid.to_owned()) {
                continue;
            }
            let word = match key.kind {
                KeyKind::Primary => "PRIMARY KEY",
                KeyKind::Unique => "UNIQUE",
                KeyKind::Exclusion => return Value::Unknown,
            };
            let is_plain = |name: &String| {
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                    && !name.starts_with(|c: char| c.is_ascii_digit())
            };
            let odd =
                key.deferrable || key.nulls_not_distinct || key.has_expressions || key.predicate.is_some();
            let includes = key.mentions.iter().any(|name| !key.columns.contains(name));
            if odd || includes || !key.columns.iter().all(is_plain) {
                return Value::Unknown;
            }
            return Value::text(format!("{word} ({})", key.columns.join(", ")));
        }
    }
    Value::Unknown
}

/// A table of the system by its name; `None` for one that is not known.
pub(super) fn system(catalog: &Catalog, schema: Option<&str>, name: &str) -> Option<System> {
    let of_system = matches!(schema, None | Some("pg_catalog"));
    let own = |name: &str| {
        catalog.search_path.iter().any(|schema| {
            let name = QualifiedName { schema: schema.clone(), name: name.to_owned() };
            catalog.tables.contains_key(&name) || catalog.views.contains_key(&name)
        })
    };
    match (schema, name) {
        (Some("information_schema"), "tables") => Some(information_tables(catalog)),
        (Some("information_schema"), "views") => Some(views(catalog, "table_schema", "table_name")),
        (Some("information_schema"), "columns") => Some(information_columns(catalog)),
        (Some("information_schema"), "table_constraints") => Some(information_constraints(catalog)),
        (Some("information_schema"), "schemata") => Some(namespaces(catalog, "schema_name")),
        (Some("information_schema"), "routines") => Some(routines(catalog)),
        _ if !of_system || schema.is_none() && !name.starts_with("pg_") || schema.is_none() && own(name) => {
            None
        }
        (_, "pg_tables") => Some(tables(catalog)),
        (_, "pg_views") => Some(views(catalog, "schemaname", "viewname")),
        (_, "pg_indexes") => Some(indexes(catalog)),
        (_, "pg_class") => Some(classes(catalog)),
        (_, "pg_namespace") => Some(namespaces(catalog, "nspname")),
        (_, "pg_constraint") => Some(constraints(catalog)),
        (_, "pg_type") => Some(types(catalog)),
        (_, "pg_policies") => Some(policies(catalog)),
        (_, "pg_policy") => Some(raw_policies(catalog)),
        (_, "pg_trigger") => Some(triggers(catalog)),
        (_, "pg_attribute") => Some(attributes(catalog)),
        (_, "pg_proc") => Some(procs(catalog)),
        (_, "pg_roles" | "pg_authid") => Some(roles(catalog, "rolname")),
        (_, "pg_user" | "pg_shadow") => Some(roles(catalog, "usename")),
        _ => None,
    }
}

fn sure(values: Vec<Value>) -> Row {
    Row { values, sure: true }
}

/// A row of a table or view that is there, unless a statement that may have dropped or made it was not read, or not surely run.
fn of_relation(catalog: &Catalog, name: &QualifiedName, values: Vec<Value>) -> Row {
    Row { values, sure: is_sure(catalog, name) }
}

/// True for a relation that is known to be there.
pub(super) fn is_sure(catalog: &Catalog, name: &QualifiedName) -> bool {
    catalog.tables.get(name).is_some_and(|table| table.complete)
        || catalog.views.get(name).is_some_and(|view| view.stale.is_none())
}

/// A table, open: a row stands for all that are not of this schema.
fn open(columns: Vec<&'static str>, mut rows: Vec<Row>, foreign: usize) -> System {
    let values = (0..columns.len()).map(|at| if at < foreign { Value::Foreign } else { Value::Unknown });
    rows.push(Row { values: values.collect(), sure: false });
    System { columns, rows }
}

fn yes_no(value: bool) -> Value {
    Value::text(if value { "YES" } else { "NO" })
}

fn information_tables(catalog: &Catalog) -> System {
    let kind = |kind: &str| Value::text(kind);
    let row = |name: &QualifiedName, of: Value| {
        of_relation(catalog, name, vec![Value::text(&name.schema), Value::text(&name.name), of])
    };
    // A foreign table has a kind of its own.
    let tables = catalog.tables.keys().map(|name| row(name, Value::Unknown));
    let views =
        catalog.views.values().filter(|view| !view.materialized).map(|view| row(&view.name, kind("VIEW")));
    let rows = tables.chain(views).collect();
    open(vec!["table_schema", "table_name", "table_type"], rows, 2)
}

fn tables(catalog: &Catalog) -> System {
    let rows = catalog.tables.values().map(|table| {
        let certain = table.complete && table.row_security.unsure.is_none();
        let secured = if certain { Value::Bool(table.row_security.enabled) } else { Value::Unknown };
        let values = vec![Value::text(&table.name.schema), Value::text(&table.name.name), secured];
        of_relation(catalog, &table.name, values)
    });
    open(vec!["schemaname", "tablename", "rowsecurity", "tableowner", "tablespace"], rows.collect(), 2)
}

fn views(catalog: &Catalog, schema: &'static str, name: &'static str) -> System {
    let views = catalog.views.values().filter(|view| !view.materialized);
    let rows = views.map(|view| {
        of_relation(catalog, &view.name, vec![Value::text(&view.name.schema), Value::text(&view.name.name)])
    });
    open(vec![schema, name, "definition", "view_definition"], rows.collect(), 2)
}

/// Rows with a name at this place that is not surely there are not sure.
fn doubt(catalog: &Catalog, rows: &mut [Row], at: usize) {
    if catalog.unread.is_empty() {
        return;
    }
    for row in rows {
        if let Some(Value::Text(name)) = row.values.get(at) {
            row.sure &= !doubted(catalog, name);
        }
    }
}

/// The rows of each table, sure where the table is.
fn of_tables(catalog: &Catalog, rows: impl Fn(&Table) -> Vec<Vec<Value>>) -> Vec<Row> {
    let of = |table: &Table| {
        let known: Vec<Row> =
            rows(table).into_iter().map(|values| Row { values, sure: table.complete }).collect();
        known
    };
    catalog.tables.values().flat_map(of).collect()
}

/// A row for what a table may have that is not known, if a statement that changes it was not read.
fn perhaps_more(catalog: &Catalog, row: impl Fn(&QualifiedName) -> Vec<Value>) -> Vec<Row> {
    // A partition has copies of what the table has that it is of.
    let unsure = |table: &&Table| {
        let inherits = table.partition_of.is_some() || !table.inherits.is_empty();
        !table.complete || table.row_security.unsure.is_some() || inherits
    };
    let rows =
        catalog.tables.values().filter(unsure).map(|table| Row { values: row(&table.name), sure: false });
    rows.collect()
}

fn information_columns(catalog: &Catalog) -> System {
    let columns =
        vec!["table_schema", "table_name", "column_name", "is_nullable", "data_type", "column_default"];
    let mut rows = of_tables(catalog, |table| {
        let row = |column: &crate::catalog::Column| {
            let (schema, name) = (Value::text(&table.name.schema), Value::text(&table.name.name));
            let own_type = match column.ty {
                crate::types::SqlType::Uuid => Value::text("uuid"),
                crate::types::SqlType::Bool => Value::text("boolean"),
                crate::types::SqlType::Jsonb => Value::text("jsonb"),
                crate::types::SqlType::Json => Value::text("json"),
                _ => Value::Unknown,
            };
            {
                // A domain may say NOT NULL as well.
                let nullable = match (column.not_null, &column.ty) {
                    (false, crate::types::SqlType::Named(_)) => Value::Unknown,
                    (not_null, _) => yes_no(!not_null),
                };
                vec![schema, name, Value::text(&column.name), nullable, own_type]
            }
        };
        table.columns.iter().map(row).collect()
    });
    rows.extend(perhaps_more(catalog, |name| vec![Value::text(&name.schema), Value::text(&name.name)]));
    // The columns of views are not all known.
    let views = catalog.views.values().map(|view| Row {
        values: vec![Value::text(&view.name.schema), Value::text(&view.name.name)],
        sure: false,
    });
    rows.extend(views);
    open(columns, rows, 2)
}

fn information_constraints(catalog: &Catalog) -> System {
    let columns =
        vec!["table_schema", "table_name", "constraint_name", "constraint_type", "constraint_schema"];
    let mut rows = of_tables(catalog, |table| {
        let row = |name: &str, kind: &str| {
            let (schema, of) = (Value::text(&table.name.schema), Value::text(&table.name.name));
            vec![schema.clone(), of, Value::text(name), Value::text(kind), schema]
        };
        let named = constraints_of(table).into_iter().filter_map(|(name, kind, _)| match kind {
            "p" => Some(row(name, "PRIMARY KEY")),
            "u" => Some(row(name, "UNIQUE")),
            "f" => Some(row(name, "FOREIGN KEY")),
            "c" => Some(row(name, "CHECK")),
            _ => None,
        });
        named.collect()
    });
    rows.extend(perhaps_more(catalog, |name| vec![Value::text(&name.schema), Value::text(&name.name)]));
    rows.extend(not_null_rows(catalog).into_iter().map(|(table, name)| Row {
        values: vec![Value::text(&table.schema), Value::text(&table.name), name, Value::text("CHECK")],
        sure: false,
    }));
    open(columns, rows, 3)
}

/// The constraints of a table: name, kind as `pg_constraint` has it, target.
fn constraints_of(table: &Table) -> Vec<(&str, &'static str, Option<&QualifiedName>)> {
    let keys = table.keys.iter().filter(|key| key.is_constraint).map(|key| {
        let kind = match key.kind {
            KeyKind::Primary => "p",
            KeyKind::Unique => "u",
            KeyKind::Exclusion => "x",
        };
        (key.name.as_str(), kind, None)
    });
    let foreign = table.foreign_keys.iter().map(|key| (key.name.as_str(), "f", Some(&key.target)));
    let checks = table.checks.iter().map(|check| (check.name.as_str(), "c", None));
    keys.chain(foreign).chain(checks).collect()
}

/// From PostgreSQL 18 on `NOT NULL` is a constraint too.
fn not_null_rows(catalog: &Catalog) -> Vec<(&QualifiedName, Value)> {
    let of = |table: &'_ Table| {
        let columns = table.columns.iter().filter(|column| column.not_null);
        let names =
            columns.map(|column| Value::text(format!("{}_{}_not_null", table.name.name, column.name)));
        names.collect::<Vec<_>>()
    };
    catalog
        .tables
        .values()
        .flat_map(|table| of(table).into_iter().map(move |name| (&table.name, name)))
        .collect()
}

fn constraints(catalog: &Catalog) -> System {
    let columns = vec!["conrelid", "conname", "connamespace", "contype", "confrelid", "oid", "contypid"];
    let mut rows = Vec::new();
    for table in catalog.tables.values() {
        for (name, kind, target) in constraints_of(table) {
            rows.push(Row {
                values: vec![
                    class(&table.name),
                    Value::text(name),
                    namespace(&table.name.schema),
                    Value::text(kind),
                    target.map_or(Value::Unknown, class),
                    constraint(&table.name, name),
                ],
                sure: table.complete,
            });
        }
    }
    rows.extend(perhaps_more(catalog, |name| vec![class(name)]));
    rows.extend(not_null_rows(catalog).into_iter().map(|(table, name)| Row {
        values: vec![class(table), name, namespace(&table.schema), Value::text("n")],
        sure: false,
    }));
    let domains =
        catalog.types.values().any(|ty| matches!(ty, UserType::Domain(_, texts) if !texts.is_empty()));
    if domains {
        rows.push(Row { values: vec![Value::Foreign], sure: false });
    }
    open(columns, rows, 3)
}

fn indexes(catalog: &Catalog) -> System {
    let mut rows = of_tables(catalog, |table| {
        let names =
            table.keys.iter().map(|key| &key.name).chain(table.indexes.iter().map(|index| &index.name));
        let row = |name: &String| {
            vec![Value::text(&table.name.schema), Value::text(&table.name.name), Value::text(name)]
        };
        names.map(row).collect()
    });
    doubt(catalog, &mut rows, 2);
    rows.extend(perhaps_more(catalog, |name| vec![Value::text(&name.schema), Value::text(&name.name)]));
    for view in catalog.views.values() {
        rows.extend(view.indexes.iter().map(|index| {
            let (schema, name) = (Value::text(&view.name.schema), Value::text(&view.name.name));
            of_relation(catalog, &view.name, vec![schema, name, Value::text(&index.name)])
        }));
    }
    open(vec!["schemaname", "tablename", "indexname", "indexdef"], rows, 3)
}

fn classes(catalog: &Catalog) -> System {
    let columns = vec!["oid", "relname", "relnamespace", "relkind", "relrowsecurity", "relforcerowsecurity"];
    let row = |name: &QualifiedName, kind: Value| {
        vec![class(name), Value::text(&name.name), namespace(&name.schema), kind]
    };
    let mut rows = Vec::new();
    for table in catalog.tables.values() {
        let kind = if table.partitioned { Value::text("p") } else { Value::Unknown };
        let mut values = row(&table.name, kind);
        if table.complete && table.row_security.unsure.is_none() {
            values.push(Value::Bool(table.row_security.enabled));
            values.push(Value::Bool(table.row_security.forced));
        }
        rows.push(of_relation(catalog, &table.name, values));
        let names =
            table.keys.iter().map(|key| &key.name).chain(table.indexes.iter().map(|index| &index.name));
        for index in names {
            let name = QualifiedName { schema: table.name.schema.clone(), name: index.clone() };
            let sure = table.complete && !doubted(catalog, &name.name);
            let kind = Value::text(if table.partitioned { "I" } else { "i" });
            rows.push(Row { values: row(&name, kind), sure });
        }
    }
    rows.extend(catalog.views.values().map(|view| {
        let kind = Value::text(if view.materialized { "m" } else { "v" });
        of_relation(catalog, &view.name, row(&view.name, kind))
    }));
    rows.extend(
        catalog.sequences.keys().map(|name| Row { values: row(name, Value::text("S")), sure: false }),
    );
    let composite = catalog.types.iter().filter(|(_, ty)| matches!(ty, UserType::Other));
    rows.extend(composite.map(|(name, _)| Row { values: row(name, Value::Unknown), sure: false }));
    rows.extend(perhaps_more(catalog, |name| {
        vec![Value::Unknown, Value::Unknown, namespace(&name.schema), Value::Unknown]
    }));
    open(columns, rows, 3)
}

/// True for a schema that is there.
pub(super) fn has_schema(catalog: &Catalog, name: &str) -> bool {
    let mut relations = catalog.tables.keys().chain(catalog.views.keys());
    name == catalog.default_schema || relations.any(|of| of.schema == name && is_sure(catalog, of))
}

fn namespaces(catalog: &Catalog, name: &'static str) -> System {
    // Which schemas were made is not kept; those that have something in them are there.
    let mut schemas: Vec<&str> = vec![&catalog.default_schema];
    let relations = catalog.tables.keys().chain(catalog.views.keys());
    schemas.extend(relations.filter(|name| is_sure(catalog, name)).map(|name| name.schema.as_str()));
    schemas.sort_unstable();
    schemas.dedup();
    let mut rows: Vec<Row> =
        schemas.into_iter().map(|it| sure(vec![namespace(it), Value::text(it)])).collect();
    // One without tables is no less there; what of ours is in a schema is in one of those above.
    rows.push(Row { values: vec![Value::Foreign, Value::Unknown], sure: false });
    System { columns: vec!["oid", name], rows }
}

fn types(catalog: &Catalog) -> System {
    let row = |name: &QualifiedName, kind: Value| {
        let oid = Value::Oid(format!("type:{}.{}", name.schema, name.name));
        vec![oid, Value::text(&name.name), namespace(&name.schema), kind]
    };
    let kind = |ty: &UserType| match ty {
        UserType::Enum => Value::text("e"),
        UserType::Domain(..) => Value::text("d"),
        UserType::Other => Value::Unknown,
    };
    let of_type = |(name, ty): (&QualifiedName, &UserType)| Row {
        values: row(name, kind(ty)),
        sure: !doubted(catalog, &name.name),
    };
    let mut rows: Vec<Row> = catalog.types.iter().map(of_type).collect();
    let relations = catalog.tables.keys().chain(catalog.views.keys());
    rows.extend(relations.map(|name| of_relation(catalog, name, row(name, Value::text("c")))));
    open(vec!["oid", "typname", "typnamespace", "typtype"], rows, 3)
}

fn policies(catalog: &Catalog) -> System {
    let columns =
        vec!["schemaname", "tablename", "policyname", "cmd", "permissive", "qual", "with_check", "roles"];
    let mut rows = of_policies(catalog, |table, policy| {
        let permissive = if policy.restrictive { "RESTRICTIVE" } else { "PERMISSIVE" };
        vec![
            Value::text(&table.name.schema),
            Value::text(&table.name.name),
            Value::text(&policy.name),
            Value::text(&policy.command),
            Value::text(permissive),
        ]
    });
    rows.extend(perhaps_more(catalog, |name| vec![Value::text(&name.schema), Value::text(&name.name)]));
    open(columns, rows, 3)
}

fn raw_policies(catalog: &Catalog) -> System {
    let mut rows = of_policies(catalog, |table, policy| vec![class(&table.name), Value::text(&policy.name)]);
    rows.extend(perhaps_more(catalog, |name| vec![class(name)]));
    open(vec!["polrelid", "polname", "oid", "polcmd", "polpermissive", "polqual", "polwithcheck"], rows, 2)
}

fn of_policies(
    catalog: &Catalog,
    row: impl Fn(&Table, &crate::catalog::RowPolicy) -> Vec<Value>,
) -> Vec<Row> {
    let of = |table: &Table| {
        let sure = table.complete && table.row_security.unsure.is_none();
        let rows = table.row_security.policies.iter().map(|policy| Row { values: row(table, policy), sure });
        rows.collect::<Vec<_>>()
    };
    catalog.tables.values().flat_map(of).collect()
}

fn triggers(catalog: &Catalog) -> System {
    let columns = vec!["tgrelid", "tgname", "oid", "tgisinternal", "tgenabled"];
    let mut rows = of_tables(catalog, |table| {
        let triggers = table.triggers.iter().filter(|trigger| !trigger.is_rule);
        triggers
            .map(|trigger| {
                vec![class(&table.name), Value::text(&trigger.name), Value::Unknown, Value::Bool(false)]
            })
            .collect()
    });
    doubt(catalog, &mut rows, 1);
    rows.extend(perhaps_more(catalog, |name| vec![class(name)]));
    // Foreign keys bring triggers, whose names begin otherwise.
    let keyed = catalog.tables.keys().map(|name| Row {
        values: vec![class(name), Value::Foreign, Value::Unknown, Value::Bool(true)],
        sure: false,
    });
    rows.extend(keyed);
    open(columns, rows, 2)
}

fn attributes(catalog: &Catalog) -> System {
    let mut rows = of_tables(catalog, |table| {
        let columns = table.columns.iter();
        let row = |column: &crate::catalog::Column| {
            let not_null = Value::Bool(column.not_null);
            vec![class(&table.name), Value::text(&column.name), Value::Bool(false), not_null]
        };
        columns.map(row).collect()
    });
    // Dropped ones and the system's own.
    let more =
        catalog.tables.keys().map(|name| Row { values: vec![class(name), Value::Foreign], sure: false });
    rows.extend(more);
    rows.extend(perhaps_more(catalog, |name| vec![class(name)]));
    rows.push(Row { values: vec![], sure: false });
    System { columns: vec!["attrelid", "attname", "attisdropped", "attnotnull", "attnum", "atttypid"], rows }
}

fn procs(catalog: &Catalog) -> System {
    let rows = catalog.functions.keys().map(|name| Row {
        values: vec![Value::Unknown, Value::text(&name.name), namespace(&name.schema)],
        sure: !doubted(catalog, &name.name),
    });
    let mut rows: Vec<Row> = rows.collect();
    // Names of functions of the system and of extensions are as any other.
    rows.push(Row { values: vec![], sure: false });
    System { columns: vec!["oid", "proname", "pronamespace", "pronargs", "prosrc"], rows }
}

fn routines(catalog: &Catalog) -> System {
    let names = catalog.functions.keys();
    let row = |name: &QualifiedName| Row {
        values: vec![Value::text(&name.schema), Value::text(&name.name)],
        sure: !doubted(catalog, &name.name),
    };
    let rows = names.map(row).collect();
    open(vec!["routine_schema", "routine_name", "routine_type"], rows, 0)
}

fn roles(catalog: &Catalog, name: &'static str) -> System {
    let created = catalog.roles.iter().filter(|(_, role)| role.created);
    let row = |role: &String| Row { values: vec![Value::text(role)], sure: !doubted(catalog, role) };
    let mut rows: Vec<Row> = created.map(|(role, _)| row(role)).collect();
    // Roles are those of the server.
    rows.push(Row { values: vec![Value::Unknown], sure: false });
    System { columns: vec![name, "oid"], rows }
}
