//! Catalogs are made by hand: how DDL is read is tested where it is read.

use super::*;
use crate::catalog::{Column, ColumnDefault, Key};
use tenantry_span::FileId;

const PLACE: Span = Span { file: FileId(0), range: TextRange { start: 0, end: 0 } };

/// A line a table: `schema.name: col type[!] [-> table.col[ cascade]], …`; `!` is NOT NULL, `*` primary key, `+` unique.
fn catalog(text: &str) -> Catalog {
    let mut catalog = Catalog::empty(tenantry_policy::Dialect::Postgres);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, columns) = line.split_once(':').expect("a table has a name");
        add_table(&mut catalog, name, columns);
    }
    catalog
}

fn qualified(name: &str) -> QualifiedName {
    let (schema, name) = name.trim().split_once('.').unwrap_or(("public", name.trim()));
    QualifiedName { schema: schema.to_owned(), name: name.to_owned() }
}

fn key(kind: KeyKind, columns: &[&str]) -> Key {
    Key {
        name: columns.join("_"),
        kind,
        is_constraint: true,
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        mentions: Vec::new(),
        has_expressions: false,
        expressions: Vec::new(),
        predicate: None,
        deferrable: false,
        nulls_not_distinct: false,
        span: PLACE,
    }
}

fn add_table(catalog: &mut Catalog, name: &str, columns: &str) {
    let mut table = Table::new(qualified(name), PLACE);
    let mut primary = Vec::new();
    for column in columns.split(',').map(str::trim) {
        let (declared, reference) = match column.split_once("->") {
            Some((declared, reference)) => (declared.trim(), Some(reference.trim())),
            None => (column, None),
        };
        let (name, ty) = declared.split_once(' ').expect("a column has a type");
        let not_null = ty.contains(['!', '*']);
        if ty.contains('*') {
            primary.push(name);
        }
        if ty.contains('+') {
            table.keys.push(key(KeyKind::Unique, &[name]));
        }
        table.columns.push(Column {
            name: name.to_owned(),
            ty: SqlType::from_name(ty.trim_matches(['!', '*', '+']), None),
            not_null,
            default: ColumnDefault::None,
            collation: None,
            span: PLACE,
        });
        table.foreign_keys.extend(reference.map(|reference| foreign_key(name, reference)));
    }
    if !primary.is_empty() {
        table.keys.push(key(KeyKind::Primary, &primary));
    }
    catalog.tables.insert(table.name.clone(), table);
}

fn foreign_key(column: &str, reference: &str) -> ForeignKey {
    let (target, action) = reference.split_once(' ').unwrap_or((reference, ""));
    let (table, target_column) = target.rsplit_once('.').expect("a reference names a column");
    ForeignKey {
        name: String::new(),
        columns: vec![column.to_owned()],
        target: qualified(table),
        target_columns: vec![target_column.to_owned()],
        on_delete: match action {
            "cascade" => ReferentialAction::Cascade,
            _ => ReferentialAction::Refuse,
        },
        on_update: ReferentialAction::Refuse,
        validated: true,
        deferrable: false,
        match_full: false,
        span: PLACE,
    }
}

fn spanned(value: &str) -> Spanned<String> {
    Spanned { value: value.to_owned(), range: TextRange::new(3, 9) }
}

fn policy(keys: &[&str], root: Option<&str>) -> Policy {
    let mut policy = Policy { file: Some(FileId(7)), ..Policy::default() };
    policy.tenancy.keys = keys.iter().map(|key| spanned(key)).collect();
    policy.tenancy.root = root.map(spanned);
    policy
}

fn rule(policy: &mut Policy, table: &str, rule: TableRule) {
    policy.tables.insert(table.to_owned(), Spanned { value: rule, range: TextRange::new(20, 30) });
}

/// An owner in one line, with domains by name.
fn show(tenancy: &Tenancy, table: &str) -> String {
    let keys = |keys: &[(String, DomainId)]| {
        let keys = keys.iter().map(|(column, domain)| {
            let domain =
                tenancy.domains.get(usize::from(domain.0)).map_or("?", |domain| domain.name.as_str());
            format!("{column}={domain}")
        });
        keys.collect::<Vec<_>>().join(" ")
    };
    match tenancy.owner(&qualified(table)) {
        TableOwner::Keyed { keys: columns, null_is_shared: false } => format!("keyed {}", keys(columns)),
        TableOwner::Keyed { keys: columns, null_is_shared: true } => {
            format!("keyed {} or shared", keys(columns))
        }
        TableOwner::Root { keys: columns } => format!("root {}", keys(columns)),
        TableOwner::Child { parent, by, parent_column } => {
            format!("child {by}->{}.{parent_column}", parent.name)
        }
        TableOwner::Shared => "shared".to_owned(),
        TableOwner::Undeclared => "undeclared".to_owned(),
    }
}

#[test]
fn keys_roots_and_slugs_have_their_domains() {
    let catalog = catalog(
        "tenants: id bigint*, slug text!+
         orders: id bigint*, tenant_id bigint! -> tenants.id
         loose: id bigint*, tenant_id bigint!
         docs: id bigint*, tenant_slug text! -> tenants.slug
         typed: id bigint*, tenant_id uuid!",
    );
    let mut policy = policy(&["tenant_id", "tenant_slug"], Some("tenants.id"));
    policy.tenancy.root_keys = vec![spanned("tenants.slug")];
    policy.tenancy.null_is_shared = vec![spanned("loose")];
    let (tenancy, diagnostics) = resolve(&policy, &catalog);
    assert_eq!(diagnostics, vec![]);
    assert_eq!(show(&tenancy, "tenants"), "root id=tenants.id slug=tenants.slug");
    assert_eq!(show(&tenancy, "orders"), "keyed tenant_id=tenants.id");
    assert_eq!(show(&tenancy, "loose"), "keyed tenant_id=tenants.id or shared");
    assert_eq!(show(&tenancy, "docs"), "keyed tenant_slug=tenants.slug");
    assert_eq!(show(&tenancy, "typed"), "keyed tenant_id=tenant_id as uuid");
}

#[test]
fn children_follow_the_foreign_key_that_owns_them() {
    let catalog = catalog(
        "tenants: id bigint*
         posts: id bigint*, tenant_id bigint! -> tenants.id
         users: id bigint*, tenant_id bigint! -> tenants.id
         comments: id bigint*, post_id bigint! -> posts.id cascade, author bigint -> users.id
         reactions: id bigint*, comment_id bigint! -> comments.id
         links: a bigint* -> posts.id cascade, b bigint* -> posts.id cascade
         marks: post_id bigint* -> posts.id cascade, name text*, user_id bigint! -> users.id cascade
         memberships: user_id bigint* -> users.id, note_on bigint -> posts.id
         on_links: id bigint*, link bigint -> links.a
         tree: id bigint*, parent bigint -> tree.id
         billing: id bigint*, payer bigint! -> tenants.id",
    );
    let (tenancy, _) = resolve(&policy(&["tenant_id"], None), &catalog);
    assert_eq!(show(&tenancy, "comments"), "child post_id->posts.id");
    assert_eq!(show(&tenancy, "marks"), "child post_id->posts.id");
    assert_eq!(show(&tenancy, "reactions"), "child comment_id->comments.id");
    assert_eq!(show(&tenancy, "memberships"), "child user_id->users.id");
    assert_eq!(show(&tenancy, "billing"), "keyed payer=tenants.id");
    for unknown in ["links", "on_links", "tree"] {
        assert_eq!(show(&tenancy, unknown), "undeclared", "{unknown}");
    }
    let why = &tenancy.tables[&qualified("links")].why;
    assert!(why.contains("`a` references posts.id") && why.contains("`b` references posts.id"), "{why}");
}

#[test]
fn circles_of_children_are_undeclared() {
    let catalog = catalog(
        "tenants: id bigint*
         top: id bigint*, tenant_id bigint! -> tenants.id
         a: id bigint*, c bigint! -> c.id cascade, t bigint -> top.id
         c: id bigint*, a bigint! -> a.id cascade",
    );
    let (tenancy, _) = resolve(&policy(&["tenant_id"], None), &catalog);
    assert_eq!(show(&tenancy, "a"), "undeclared");
    assert_eq!(show(&tenancy, "c"), "undeclared");
}

#[test]
fn levels_have_domains_of_their_own() {
    let catalog = catalog(
        "iam.organization: organization__id uuid*
         event.application: application__id uuid*, organization__id uuid! -> iam.organization.organization__id
         event.event: id uuid*, application__id uuid! -> event.application.application__id
         event.both: id uuid*, application__id uuid!, organization__id uuid!",
    );
    let mut policy = policy(&[], None);
    policy.tenancy.hierarchy = vec![spanned("organization__id"), spanned("application__id")];
    let (tenancy, _) = resolve(&policy, &catalog);
    let (organization, application) = (
        "organization__id=iam.organization.organization__id",
        "application__id=event.application.application__id",
    );
    assert_eq!(show(&tenancy, "iam.organization"), format!("root {organization}"));
    assert_eq!(show(&tenancy, "event.application"), format!("root {application} {organization}"));
    assert_eq!(show(&tenancy, "event.event"), format!("keyed {application}"));
    assert_eq!(show(&tenancy, "event.both"), format!("keyed {application} {organization}"));
}

#[test]
fn the_policy_decides_and_its_slips_are_told() {
    let catalog = catalog(
        "tenants: id bigint*
         orders: id bigint*, tenant_id bigint!
         order_items: id bigint*, order_id bigint!
         countries: code text*
         parts: id bigint*, owner_ref bigint!
         notes: id bigint*, body text
         _sqlx_migrations: version bigint*",
    );
    let mut policy = policy(&["tenant_id"], Some("tenants.id"));
    rule(
        &mut policy,
        "order_items",
        TableRule::Child { parent: "orders".to_owned(), by: "order_id".to_owned() },
    );
    rule(&mut policy, "countries", TableRule::Shared("reference data".to_owned()));
    rule(&mut policy, "parts", TableRule::Key("owner_rev".to_owned()));
    rule(&mut policy, "notes", TableRule::Key("tenant_id".to_owned()));
    rule(&mut policy, "ordres", TableRule::Shared("?".to_owned()));
    let (tenancy, diagnostics) = resolve(&policy, &catalog);
    assert_eq!(show(&tenancy, "order_items"), "child order_id->orders.id");
    assert_eq!(show(&tenancy, "countries"), "shared");
    assert_eq!(show(&tenancy, "parts"), "undeclared");
    // Owned, and nothing says by whom: every query of it leaks.
    assert_eq!(show(&tenancy, "notes"), "keyed tenant_id=tenant_id");
    assert_eq!(show(&tenancy, "_sqlx_migrations"), "shared");
    let mut told: Vec<String> = diagnostics
        .iter()
        .map(|told| format!("{} | {} | {:?}", told.message, told.help.join(" "), told.primary.span.range))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "table `notes` has no column `tenant_id`, so that no query of it keeps to a tenant |  | 20..30",
            "table `parts` has no column `owner_rev` | Did you mean `owner_ref`? | 20..30",
            "the schema has no table `ordres` | Did you mean `orders`? | 20..30",
        ]
    );
}

#[test]
fn a_declared_child_of_a_shared_table_is_undeclared() {
    let catalog = catalog("tenants: id bigint*\n countries: code text*\n cities: id bigint*, country text!");
    let mut policy = policy(&[], Some("tenants.id"));
    rule(&mut policy, "countries", TableRule::Shared("reference data".to_owned()));
    rule(
        &mut policy,
        "cities",
        TableRule::Child { parent: "countries".to_owned(), by: "country".to_owned() },
    );
    let (tenancy, _) = resolve(&policy, &catalog);
    assert_eq!(show(&tenancy, "cities"), "undeclared");
}

#[test]
fn what_is_declared_a_child_of_a_tenant_is_keyed_by_its_name() {
    let catalog = catalog(
        "organizations: id bigint*
         applications: id text*, organization__id bigint! -> organizations.id
         endpoints: id text*, application__id text! -> applications.id
         application_metadata: id text*
         application_numbers: id bigint*
         endpoint_metadata: id text*",
    );
    let mut policy = policy(&["organization__id", "application__id"], None);
    policy.tenancy.hierarchy = vec![spanned("organization__id"), spanned("application__id")];
    for (table, parent) in [
        ("application_metadata", "applications"),
        ("application_numbers", "applications"),
        ("endpoint_metadata", "endpoints"),
    ] {
        rule(&mut policy, table, TableRule::Child { parent: parent.to_owned(), by: "id".to_owned() });
    }
    let (tenancy, _) = resolve(&policy, &catalog);
    assert_eq!(show(&tenancy, "application_metadata"), "keyed id=applications.id");
    // A number names no tenant that has a text for a name.
    assert_eq!(show(&tenancy, "application_numbers"), "child id->applications.id");
    assert_eq!(show(&tenancy, "endpoint_metadata"), "child id->endpoints.id");
}

#[test]
fn partitions_belong_to_their_parents_owner() {
    let mut catalog = catalog("tenants: id bigint*\n log: tenant_id bigint!\n log_1: what text");
    catalog.tables.get_mut(&qualified("log_1")).expect("it was added").partition_of = Some(qualified("log"));
    let (tenancy, _) = resolve(&policy(&["tenant_id"], Some("tenants.id")), &catalog);
    assert_eq!(show(&tenancy, "log_1"), "keyed tenant_id=tenants.id");
}

#[test]
fn rows_that_are_shared_in_a_table_are_shared_in_its_heirs() {
    let mut catalog = catalog("tenants: id bigint*\n notes: tenant_id bigint\n old_notes: tenant_id bigint");
    catalog.tables.get_mut(&qualified("old_notes")).expect("it was added").inherits =
        vec![qualified("notes")];
    let mut policy = policy(&["tenant_id"], Some("tenants.id"));
    policy.tenancy.null_is_shared = vec![spanned("notes")];
    let (tenancy, _) = resolve(&policy, &catalog);
    assert_eq!(show(&tenancy, "notes"), "keyed tenant_id=tenants.id or shared");
    assert_eq!(show(&tenancy, "old_notes"), "keyed tenant_id=tenants.id or shared");
}

#[test]
fn a_table_whose_heir_has_another_owner_is_undeclared() {
    let mut catalog = catalog("tenants: id bigint*\n notes: what text\n old_notes: tenant_id bigint!");
    catalog.tables.get_mut(&qualified("old_notes")).expect("it was added").inherits =
        vec![qualified("notes")];
    let mut policy = policy(&["tenant_id"], Some("tenants.id"));
    rule(&mut policy, "notes", TableRule::Shared("the same for all".to_owned()));
    let (tenancy, _) = resolve(&policy, &catalog);
    assert_eq!(show(&tenancy, "notes"), "undeclared");
    assert_eq!(show(&tenancy, "old_notes"), "keyed tenant_id=tenants.id");
}

fn inferred(catalog: &Catalog) -> (Vec<String>, Option<String>, Vec<String>) {
    let tenancy = infer(catalog).policy.tenancy;
    let values = |list: Vec<Spanned<String>>| list.into_iter().map(|value| value.value).collect();
    (values(tenancy.keys), tenancy.root.map(|root| root.value), values(tenancy.hierarchy))
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn inference_finds_key_and_root() {
    let catalog = catalog(
        "tenant: id uuid*
         pipeline: id uuid*, tenant_id uuid! -> tenant.id
         program: id uuid*, tenant_id uuid! -> tenant.id
         accounts: id uuid*, tenant_id uuid! -> tenant.id
         payments: id uuid*, account_id uuid! -> accounts.id, tenant_id uuid! -> tenant.id
         free: id uuid*",
    );
    assert_eq!(inferred(&catalog), (strings(&["tenant_id"]), Some("tenant.id".to_owned()), vec![]));
    let inference = infer(&catalog);
    assert!(inference.paragraph.contains("found in 4 tables"), "{}", inference.paragraph);
    let toml = to_toml(&inference);
    assert!(
        toml.contains("keys = [\"tenant_id\"]\n") && toml.contains("# \"free\" = { shared = \"\" }"),
        "{toml}"
    );
}

#[test]
fn inference_finds_two_levels() {
    let catalog = catalog(
        "iam.organization: organization__id uuid*
         iam.user: id uuid*
         event.application: application__id uuid*, organization__id uuid! -> iam.organization.organization__id
         event.event: id uuid*, application__id uuid! -> event.application.application__id
         event.event_type: id uuid*, application__id uuid! -> event.application.application__id
         webhook.subscription: id uuid*, application__id uuid! -> event.application.application__id",
    );
    let levels = strings(&["organization__id", "application__id"]);
    let root = Some("iam.organization.organization__id".to_owned());
    assert_eq!(inferred(&catalog), (levels.clone(), root, levels));
}

#[test]
fn inference_takes_users_only_where_nobody_else_owns() {
    let catalog = catalog(
        "users: id bigint*\n history: id bigint*, user_id bigint!\n sessions: id bigint*, user_id bigint!",
    );
    assert_eq!(inferred(&catalog), (strings(&["user_id"]), Some("users.id".to_owned()), vec![]));
}

#[test]
fn inference_takes_no_users_for_tenants_whose_names_may_be_missing_from_most_tables() {
    let catalog = catalog(
        "users: id bigint*
         tokens: id bigint*, user_id bigint! -> users.id
         crates: id bigint*, created_by bigint -> users.id
         versions: id bigint*, crate_id bigint! -> crates.id, published_by bigint -> users.id
         downloads: id bigint*, version_id bigint! -> versions.id",
    );
    assert_eq!(inferred(&catalog), (vec![], None, vec![]));
}

#[test]
fn inference_without_a_candidate_says_so() {
    let catalog = catalog("crates: id bigint*\n versions: id bigint*, crate_id bigint! -> crates.id");
    let inference = infer(&catalog);
    assert!(inference.policy.tenancy.keys.is_empty());
    assert!(inference.paragraph.contains("no tenant key could be inferred"), "{}", inference.paragraph);
    assert_eq!(inference.undeclared.len(), 2);
}

#[test]
fn keys_of_two_types_have_two_domains() {
    let catalog = catalog(
        "orgs: id bigint*, uuid uuid!+
         a: id bigint*, org_id bigint! -> orgs.id
         b: id bigint*, org_uuid uuid! -> orgs.uuid
         c: id bigint*, org_uuid uuid!",
    );
    let inference = infer(&catalog);
    let (tenancy, _) = resolve(&inference.policy, &catalog);
    assert_eq!(show(&tenancy, "a"), "keyed org_id=orgs.id");
    assert_eq!(show(&tenancy, "b"), "keyed org_uuid=orgs.uuid");
    assert_eq!(show(&tenancy, "c"), "keyed org_uuid=orgs.uuid");
    assert_eq!(show(&tenancy, "orgs"), "root id=orgs.id uuid=orgs.uuid");
}

#[test]
fn the_corpus_policy_says_what_its_tenancy_file_says() {
    let corpus = catalog(
        "tenants: id bigint*, slug text!+
         countries: code text*
         feature_flags: name text*
         tasks: id bigint*, tenant_id bigint! -> tenants.id
         posts: id bigint*, tenant_id bigint! -> tenants.id
         comments: id bigint*, post_id bigint! -> posts.id cascade
         reactions: id bigint*, comment_id bigint! -> comments.id cascade
         attachments: id bigint*, post_id bigint -> posts.id cascade
         events: id bigint*, tenant_id bigint -> tenants.id
         templates: id bigint*, tenant_id bigint -> tenants.id
         docs: id bigint*, tenant_slug text! -> tenants.slug
         notes: id bigint*, tenant_id bigint!",
    );
    let text = include_str!("../../../../tests/sqlcorpus/tenantry.toml");
    let policy = tenantry_policy::parse(FileId(0), text).expect("the corpus policy is valid");
    let (tenancy, diagnostics) = resolve(&policy, &corpus);
    assert_eq!(diagnostics, vec![]);
    let shown: Vec<(String, String)> =
        corpus.tables.keys().map(|name| (name.name.clone(), show(&tenancy, &name.name))).collect();
    let expected = [
        ("attachments", "child post_id->posts.id"),
        ("comments", "child post_id->posts.id"),
        ("countries", "shared"),
        ("docs", "keyed tenant_slug=tenants.slug"),
        ("events", "keyed tenant_id=tenants.id"),
        ("feature_flags", "shared"),
        ("notes", "keyed tenant_id=tenants.id"),
        ("posts", "keyed tenant_id=tenants.id"),
        ("reactions", "child comment_id->comments.id"),
        ("tasks", "keyed tenant_id=tenants.id"),
        ("templates", "keyed tenant_id=tenants.id or shared"),
        ("tenants", "root id=tenants.id slug=tenants.slug"),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(table, owner)| ((*table).to_owned(), (*owner).to_owned())).collect();
    assert_eq!(shown, expected);
}
