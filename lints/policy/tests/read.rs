//! The reader against the annotated example, against every key, and against what is wrong.

use proptest::prelude::*;
use tenantry_policy::{
    DatabaseSection, Date, Dialect, Policy, TableRule, json_schema,
    keys::{Form, Kind, SECTIONS},
    parse,
};
use tenantry_span::{Diagnostic, FileId};

const FILE: FileId = FileId(7);
const ANNOTATED: &str = include_str!("annotated.toml");

fn read(text: &str) -> Policy {
    parse(FILE, text).unwrap_or_else(|errors| panic!("{}", render(text, &errors)))
}

fn faults(text: &str) -> Vec<Diagnostic> {
    parse(FILE, text).expect_err("the text has faults")
}

/// One line per error: the text that is pointed at, the message, the label, the help.
fn render(text: &str, errors: &[Diagnostic]) -> String {
    let line = |error: &Diagnostic| {
        let place = error.primary.span.range.slice(text);
        let help = error.help.join("; ");
        format!("<{place}> {} | {} | {help}\n", error.message, error.primary.message)
    };
    errors.iter().map(line).collect()
}

fn check(text: &str, expected: &str) {
    let errors = faults(text);
    for error in &errors {
        assert_eq!(error.primary.span.file, FILE);
        assert!(!error.primary.message.is_empty(), "no label: {error:?}");
        assert!(!error.help.is_empty(), "no help: {error:?}");
    }
    assert_eq!(render(text, &errors), expected);
}

fn values(list: &[tenantry_policy::Spanned<String>]) -> Vec<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

#[test]
fn the_annotated_example_is_read_whole() {
    let policy = read(ANNOTATED);
    assert_eq!(policy.file, Some(FILE));
    let tenancy = &policy.tenancy;
    assert_eq!(values(&tenancy.keys), ["workspace_id", "org_id"]);
    assert_eq!(tenancy.root.as_ref().map(|root| root.value.as_str()), Some("workspaces.id"));
    assert_eq!(values(&tenancy.hierarchy), ["org_id", "workspace_id"]);
    assert_eq!(values(&tenancy.null_is_shared), ["templates"]);
    assert!(!tenancy.trust_foreign_keys && !tenancy.strict_errors);

    let rule = |name: &str| policy.tables.get(name).map(|rule| rule.value.clone());
    assert_eq!(rule("billing.invoices"), Some(TableRule::Key("account".into())));
    let child = TableRule::Child { parent: "orders".into(), by: "order_id".into() };
    assert_eq!(rule("order_items"), Some(child));
    assert_eq!(rule("countries"), Some(TableRule::Shared("reference data".into())));

    let trust = &policy.trust;
    assert_eq!(values(&trust.types), ["crate::auth::Tenant", "tenantry::TenantId"]);
    assert_eq!(values(&trust.expressions), ["ctx.tenant_id()", "claims.org"]);
    assert_eq!(values(&trust.extractors), ["crate::auth::ApiKey"]);
    assert_eq!(values(&trust.guards), ["authorize_for_application"]);
    assert_eq!(trust.setting.as_ref().map(|setting| setting.value.as_str()), Some("app.tenant_id"));
    assert_eq!(trust.functions.get("audit_now").map(|why| why.value.as_str()), Some("reads no tenant table"));

    let [DatabaseSection { name, dialect, schema, crates, app_role, owner_role, single_tenant }, drafts] =
        policy.databases.as_slice()
    else {
        panic!("two databases are expected")
    };
    let why = drafts.single_tenant.as_ref().map(|why| why.value.as_str());
    assert_eq!(why, Some("a file of the one who runs it"));
    assert!(single_tenant.is_none());
    assert_eq!((name.value.as_str(), *dialect), ("main", Dialect::Postgres));
    assert_eq!((values(schema), values(crates)), (vec!["migrations"], vec!["*"]));
    assert_eq!(app_role.as_ref().map(|role| role.value.as_str()), Some("app"));
    assert_eq!(owner_role.as_ref().map(|role| role.value.as_str()), Some("migrator"));

    assert_eq!(values(&policy.exclude), ["vendor/**"]);
    let surfaces: Vec<&str> = policy.surfaces.keys().map(String::as_str).collect();
    assert_eq!(surfaces, ["analytics", "copilot", "exports"]);

    let [allow] = policy.allow.as_slice() else { panic!("one entry is expected") };
    assert_eq!(allow.rule.value, "unscoped-query");
    assert_eq!(allow.until.as_ref().map(|until| until.value), Date::parse("2027-03-31"));
    assert!(allow.range.slice(ANNOTATED).starts_with("[[allow]]"), "{:?}", allow.range.slice(ANNOTATED));
    assert!(allow.range.slice(ANNOTATED).contains("2027-03-31"));
    assert_eq!(policy.integrations.len(), 1);
}

#[test]
fn every_value_keeps_its_place() {
    let policy = read(ANNOTATED);
    let key = policy.tenancy.keys.first().expect("a key");
    assert_eq!(key.range.slice(ANNOTATED), "workspace_id");
    let table = policy.tables.get("countries").expect("the table");
    assert_eq!(table.range.slice(ANNOTATED), "countries");
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(read(""), Policy { file: Some(FILE), ..Policy::default() });
}

#[test]
fn keys_that_the_example_leaves_out() {
    let policy = read(
        "[tenancy]\nroot-keys = [\"billing.workspaces.slug\"]\ntrust-foreign-keys = true\nstrict-errors = true\n\
         [trust]\nwith-setting = [\"with_org_context\"]\n[[database]]\ndialect = \"sqlite\"\n\
         single-tenant = \"a file of the user's\"\n",
    );
    assert_eq!(values(&policy.tenancy.root_keys), ["billing.workspaces.slug"]);
    assert!(policy.tenancy.trust_foreign_keys && policy.tenancy.strict_errors);
    assert_eq!(values(&policy.trust.with_setting), ["with_org_context"]);
    let database = policy.databases.first().expect("a database");
    assert_eq!((database.name.value.as_str(), database.dialect), ("main", Dialect::Sqlite));
    let why = database.single_tenant.as_ref().map(|why| why.value.as_str());
    assert_eq!(why, Some("a file of the user's"));
}

/// The file that gives one key of one section the value, and what else the section needs.
fn file_with(section: &tenantry_policy::keys::Section, key: &str, value: &str) -> String {
    let header = match section.form {
        Form::Array => format!("[[{}]]", section.name),
        Form::Table | Form::Globs => format!("[{}]", section.name),
        Form::Tables => format!("[{}.some_table]", section.name),
    };
    let needed = section.keys.iter().filter(|known| {
        let partner = matches!((key, known.name), ("parent", "by") | ("by", "parent"));
        known.name != key && (known.required || partner)
    });
    let rest: String = needed.map(|known| format!("{} = {}\n", known.name, known.example)).collect();
    format!("{header}\n{key} = {value}\n{rest}")
}

#[test]
fn the_reader_reads_every_key_of_the_table() {
    for section in SECTIONS {
        for key in section.keys {
            let good = file_with(section, key.name, key.example);
            read(&good);
            // An integer is right nowhere, so a reader that does not look at the key is found out.
            let bad = file_with(section, key.name, "17");
            let errors = faults(&bad);
            assert_eq!(errors.len(), 1, "{}.{}: {errors:?}", section.name, key.name);
            assert_eq!(errors[0].primary.span.range.slice(&bad), "17");
        }
    }
}

#[test]
fn unknown_keys_are_told_with_what_was_meant() {
    check(
        "[tenancy]\nkees = [\"a\"]\nnull_is_shared = [\"b\"]\nguards = [\"c\"]\nwhatever = 1\n[tenency]\n[flavour]\n",
        "<kees> unknown key `kees` in [tenancy] | not known here | did you mean `keys`?\n\
         <null_is_shared> unknown key `null_is_shared` in [tenancy] | not known here | did you mean `null-is-shared`?\n\
         <guards> unknown key `guards` in [tenancy] | not known here | `guards` belongs into [trust]\n\
         <whatever> unknown key `whatever` in [tenancy] | not known here | the keys here are `keys`, `root`, \
         `root-keys`, `hierarchy`, `null-is-shared`, `trust-foreign-keys`, `strict-errors`\n\
         <tenency> unknown section `tenency` | not known | did you mean `tenancy`?\n\
         <flavour> unknown section `flavour` | not known | the sections are `tenancy`, `tables`, `trust`, \
         `database`, `scan`, `surfaces`, `allow`, `integration`\n",
    );
}

#[test]
fn wrong_types_are_told_where_they_are() {
    check(
        "[tenancy]\nkeys = \"org_id\"\nroot = [\"a.b\"]\nstrict-errors = \"yes\"\nhierarchy = [\"a\", 2]\n\
         [trust]\nfunctions = [\"f\"]\n[surfaces]\nexports = \"src/**\"\n",
        "<org_id> `keys` must be a list of strings, found a string | of another type | write it as a list: [\"org_id\"]\n\
         <[\"a.b\"]> `root` must be a string of the form `table.column`, found a list | of another type | write a \
         string of the form `table.column`\n\
         <yes> `strict-errors` must be `true` or `false`, found a string | of another type | write `true` or `false`\n\
         <2> `hierarchy` must be a list of strings, found an integer | of another type | write a list of strings\n\
         <[\"f\"]> `functions` must be a table of names and reasons, found a list | of another type | write a table of \
         names and reasons\n\
         <src/**> `exports` must be a list of strings, found a string | of another type | write it as a list: [\"src/**\"]\n",
    );
}

#[test]
fn sections_of_another_form_are_told_how_to_write_them() {
    check(
        "tenancy = 1\n[database]\nname = \"main\"\n[[trust]]\nsetting = \"a\"\n",
        "<1> `tenancy` must be a table, found an integer | of another type | write it as [tenancy]\n\
         <database> `database` must be a list of tables, found a table | not a list | write each entry as [[database]]\n\
         <trust> `trust` must be a table, found a list | of another type | write it as [trust]\n",
    );
}

#[test]
fn empty_strings_are_refused() {
    check(
        "[tenancy]\nkeys = [\"\"]\n[[allow]]\nrule = \"r\"\nreason = \"  \"\n",
        "<\"\"> `keys` is empty | nothing here | write a value, or remove it\n\
         <  > `reason` is empty | nothing here | write a value, or remove it\n",
    );
}

#[test]
fn names_have_their_forms() {
    check(
        "[tenancy]\nkeys = [\"orders.org_id\"]\nroot = \"workspaces\"\nroot-keys = [\"a.b.c.d\", \"a..b\"]\n",
        "<orders.org_id> `orders.org_id` is not the name of a column | names a table too | write the column alone, \
         \"org_id\": it counts wherever it appears\n\
         <workspaces> `workspaces` does not name a table and a column | not of the form table.column | write \
         \"table.column\" or \"schema.table.column\"\n\
         <a.b.c.d> `a.b.c.d` does not name a table and a column | not of the form table.column | write \
         \"table.column\" or \"schema.table.column\"\n\
         <a..b> `a..b` does not name a table and a column | not of the form table.column | write \
         \"table.column\" or \"schema.table.column\"\n",
    );
}

#[test]
fn levels_are_keys() {
    check(
        "[tenancy]\nkeys = [\"org_id\", \"project\"]\nhierarchy = [\"orgid\", \"workspace\"]\n",
        "<orgid> `orgid` is not among `keys` | not a tenant key | did you mean `org_id`?\n\
         <workspace> `workspace` is not among `keys` | not a tenant key | add `workspace` to `keys`\n",
    );
}

#[test]
fn entries_of_tables_say_one_thing() {
    check(
        "[tables]\na = {}\nb = { key = \"k\", shared = \"s\" }\nc = { parent = \"p\" }\nd = { by = \"x\" }\n\
         e = \"shared\"\nf = { kee = \"k\", key = \"k\" }\nbilling.invoices = { key = \"k\" }\n",
        "<a> the entry says nothing of the table | no key here | write one of `key`, `parent` with `by`, or \
         `shared`; or remove the entry\n\
         <shared> `key` and `shared` contradict each other | says otherwise | keep one: a table has a key of its \
         own, is owned through a parent, or is shared\n\
         <parent> `parent` without `by` | referenced by which column? | add `by`, the column of this table that \
         references the parent\n\
         <by> `by` without `parent` | references what? | add `parent`, the table that the column references\n\
         <shared> `e` must be a table of keys, found a string | not a table | write { key = \"column\" }, { parent \
         = \"table\", by = \"column\" } or { shared = \"reason\" }\n\
         <kee> unknown key `kee` in [tables] | not known here | did you mean `key`?\n\
         <billing.invoices> the name of the table `billing.invoices` is not in quotes | TOML reads the dot as a \
         table in a table | write \"billing.invoices\" in quotes\n",
    );
}

#[test]
fn a_key_with_a_stray_by_contradicts_too() {
    check(
        "[tables]\na = { key = \"k\", by = \"x\" }\n",
        "<by> `by` without `parent` | references what? | add `parent`, the table that the column references\n",
    );
}

#[test]
fn globs_that_cannot_be_globs_are_told() {
    check(
        "[scan]\nexclude = [\"vendor/**\", \"[a\", \"x\\\\\"]\n[surfaces]\nexports = [\"{a,b\", \"src/[!]]\", \"a}\"]\n",
        "<[a> `[a` is not a glob | `[` is not closed | close it with `]`, or write `[[]` for the bracket itself\n\
         <x\\\\> `x\\` is not a glob | ends with `\\` | write the character after it, or `/` between folders\n\
         <{a,b> `{a,b` is not a glob | `{` is not closed | close it with `}`, or write `[{]` for the brace itself\n\
         <a}> `a}` is not a glob | `}` was not opened | open it with `{`, or write `[}]` for the brace itself\n",
    );
    check(
        "[[allow]]\nrule = \"raw-query\"\nreason = \"x\"\npath = \"src/[x\"\n",
        "<src/[x> `src/[x` is not a glob | `[` is not closed | close it with `]`, or write `[[]` for the bracket itself\n",
    );
}

#[test]
fn trusted_types_are_written_as_in_rust() {
    let good =
        "[trust]\ntypes = [\"crate::auth::Tenant\", \"TenantId<T>\", \"&'static Tenant\", \"::a::B\"]\n";
    assert_eq!(read(good).trust.types.len(), 4);
    check(
        "[trust]\ntypes = [\"crate::auth:Tenant\"]\nextractors = [\"auth.Key\"]\n",
        "<crate::auth:Tenant> `crate::auth:Tenant` is not a type of Rust | not a path | write its path as in the source: \
         \"crate::auth::Tenant\"\n\
         <auth.Key> `auth.Key` is not a type of Rust | not a path | write its path as in the source: \
         \"crate::auth::Tenant\"\n",
    );
}

#[test]
fn databases_have_names_and_dialects() {
    check(
        "[[database]]\ndialect = \"PostgreSQL\"\n[[database]]\ndialect = \"oracle\"\nname = \"a\"\n[[database]]\n",
        "<PostgreSQL> unknown dialect `PostgreSQL` | not a dialect | did you mean `postgres`?\n\
         <oracle> unknown dialect `oracle` | not a dialect | the dialects are `postgres`, `mysql`, `sqlite`\n\
         <[[database]]> two databases are named `main` | named a second time | give each [[database]] a `name` of \
         its own; without one it is `main`\n",
    );
}

#[test]
fn an_exception_needs_a_rule_and_a_reason() {
    check(
        "[[allow]] # nothing\npath = \"src/a.rs\"\n[[allow]]\nrule = \"r\"\nreason = \"x\"\nuntil = \"2027-02-30\"\n\
         [[integration]]\n",
        "<[[allow]]> [[allow]] without `reason` | `reason` is missing | add reason = \"retention runs over all \
         tenants\"\n\
         <[[allow]]> [[allow]] without `rule` | `rule` is missing | add rule = \"unscoped-query\"\n\
         <2027-02-30> `2027-02-30` is not a date | not a date | write an existing day as year-month-day: \
         \"2027-03-31\"\n\
         <[[integration]]> [[integration]] without `id` | `id` is missing | add id = \"stripe\"\n",
    );
}

#[test]
fn syntax_errors_have_their_place_and_a_way_out() {
    let date = faults("[[allow]]\nuntil = 2027-03-31\n");
    assert!(date[0].help.iter().any(|help| help.contains("quotes")), "{date:?}");
    let text = "[tenancy]\nroot = \"a.b\"\nroot = \"c.d\"\n";
    let twice = faults(text);
    assert_eq!(twice[0].primary.span.range.slice(text), "root");
    assert_eq!(twice[0].related.len(), 1);
    let text = "[tenancy\nkeys = 1";
    assert_eq!(faults(text)[0].primary.span.range.start, 8, "where the line ends");
    assert_eq!(faults(text)[0].primary.span.range.slice(text), "");
    let text = "[tenancy]\n[trust]\n[tenancy]\n";
    assert_eq!(faults(text)[0].related.len(), 1);
}

#[test]
fn the_json_schema_is_json_and_names_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&json_schema()).expect("valid JSON");
    assert_eq!(schema["additionalProperties"], false);
    for section in SECTIONS {
        let own = &schema["properties"][section.name];
        assert!(own["description"].is_string(), "{}", section.name);
        let keys = match section.form {
            Form::Table => own,
            Form::Array => &own["items"],
            Form::Tables | Form::Globs => &own["additionalProperties"],
        };
        for key in section.keys {
            let schema = &keys["properties"][key.name];
            assert!(schema["description"].is_string(), "{}.{}", section.name, key.name);
            assert_eq!(keys["additionalProperties"], false);
            assert_eq!(schema["type"] == "boolean", key.kind == Kind::Flag);
        }
    }
}

#[test]
fn each_key_occurs_in_the_annotated_example() {
    for section in SECTIONS {
        for key in section.keys {
            assert!(ANNOTATED.contains(&format!("{} =", key.name)), "{}.{}", section.name, key.name);
        }
    }
}

/// Text with the words that the reader knows, so that more than the TOML parser is reached.
fn policy_like() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "[tenancy]\n",
        "[tables]\n",
        "[[database]]\n",
        "[[allow]]\n",
        "[trust]\n",
        "[surfaces]\n",
        "keys",
        "root",
        "until",
        "reason",
        " = ",
        "\"",
        "\"a.b\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "1",
        "true",
        "é",
        "\"\"",
        ".",
        "x",
        "parent",
        "by",
        "name",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![any::<String>(), policy_like()]) {
        if let Err(errors) = parse(FILE, &text) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                let range = error.primary.span.range;
                prop_assert!(text.get(range.start as usize..range.end as usize).is_some(), "{:?}", error);
            }
        }
    }
}
