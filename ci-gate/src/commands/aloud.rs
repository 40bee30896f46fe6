//! The row level security of a table and what its triggers run, as sentences.

use tenantry_live::differences::words;
use tenantry_prover::catalog::{Catalog, RowPolicy, Table};
use tenantry_prover::policies::{ConditionReading, Keeps, PolicyReading, read_all};
use tenantry_prover::tenancy::Tenancy;
use tenantry_prover::triggers::{JudgedTrigger, judged};
use tenantry_prover::verdict::Verdict;

/// What row level security does to a table, a sentence each; none where it has nothing of it.
pub(crate) fn sentences(catalog: &Catalog, tenancy: &Tenancy, table: &Table) -> Vec<String> {
    let security = &table.row_security;
    if !security.enabled && security.policies.is_empty() {
        return Vec::new();
    }
    let mut said = vec![state(table)];
    let readings = read_all(catalog, tenancy, table);
    for (policy, reading) in security.policies.iter().zip(&readings) {
        said.push(sentence(policy, reading));
    }
    let app = tenancy.app_role.as_deref();
    said.extend(app.map(|app| rights(catalog, table, app)));
    let known = app.and_then(|app| catalog.roles.get(app));
    if let (Some(app), Some(_)) = (app, known.filter(|role| role.bypasses || role.superuser)) {
        said.push(format!("role {app} is not bound by any of this: it has BYPASSRLS or is a superuser"));
    }
    let unsure = table.row_security.unsure.as_ref().or(catalog.roles_unsure.as_ref());
    if let Some(why) = unsure {
        said.push(format!("a statement that is not read may have changed this: {why}"));
    }
    said
}

/// What the triggers of a table run, a sentence each.
pub(crate) fn triggers(catalog: &Catalog, tenancy: &Tenancy, table: &Table) -> Vec<String> {
    let judged = table
        .triggers
        .iter()
        .filter_map(|trigger| Some((trigger, judged(catalog, tenancy, table, trigger)?)));
    let said = judged.map(|(trigger, judged)| {
        let (name, function) = (&trigger.name, &judged.function.name.name);
        format!("its trigger {name} runs {function}, which {}", does(&judged))
    });
    said.collect()
}

fn does(judged: &JudgedTrigger<'_>) -> String {
    let leak = judged.statements.iter().find_map(|(_, verdict)| match verdict {
        Verdict::Leaks(leaks) => leaks.first(),
        Verdict::Scoped(_) | Verdict::Undecided(_) => None,
    });
    let unknown = judged.statements.iter().find_map(|(_, verdict)| match verdict {
        Verdict::Undecided(obstacles) => obstacles.first().map(|obstacle| &obstacle.message),
        Verdict::Scoped(_) | Verdict::Leaks(_) => None,
    });
    match (leak, unknown.or(judged.open.as_ref())) {
        (Some(leak), _) => format!("writes rows of other tenants: `{}`: {}", leak.table.name, leak.message),
        (None, Some(why)) if why.is_empty() => "may read or write anything".to_owned(),
        (None, Some(why)) => format!("may read or write anything: {why}"),
        (None, None) if judged.statements.is_empty() => "touches no row but the one at hand".to_owned(),
        (None, None) => "stays with the tenant of the row".to_owned(),
    }
}

/// What the application's role may do with the table at all.
fn rights(catalog: &Catalog, table: &Table, app: &str) -> String {
    let own = catalog.roles_of(app);
    let grants =
        table.grants.iter().filter(|grant| own.contains(&grant.role.as_str()) || grant.role == "public");
    let mut rights: Vec<&str> =
        grants.flat_map(|grant| grant.privileges.iter().map(String::as_str)).collect();
    rights.sort_unstable();
    rights.dedup();
    match (rights.as_slice(), table.owner.as_deref()) {
        (_, Some(owner)) if own.contains(&owner) => format!("role {app} has the rights of the owner"),
        ([], _) => format!("role {app} is given no rights on it"),
        (rights, _) => format!("role {app} is given {}", rights.join(", ")),
    }
}

fn state(table: &Table) -> String {
    let security = &table.row_security;
    let state = match (security.enabled, security.forced) {
        (false, _) => "row level security is not enabled, so that its policies bind nobody",
        (true, true) => "row level security is enabled, and forced on the owner too",
        (true, false) => "row level security is enabled, but not forced: the owner sees and writes every row",
    };
    let is_empty = security.enabled && security.policies.iter().all(|policy| policy.restrictive);
    let nothing =
        if is_empty { "; no policy permits anything, so that whom it binds sees no row" } else { "" };
    format!("{state}{nothing}")
}

fn sentence(policy: &RowPolicy, reading: &PolicyReading) -> String {
    let (sees, does) = match policy.command.as_str() {
        "SELECT" => (Some("read"), None),
        "INSERT" => (None, Some("added")),
        "UPDATE" => (Some("changed"), Some("left after a change")),
        "DELETE" => (Some("deleted"), None),
        _ => (Some("read, changed and deleted"), Some("written")),
    };
    let whose = match policy.roles.as_slice() {
        [] => "by everybody".to_owned(),
        [role] => format!("by role {role}"),
        roles => format!("by roles {}", roles.join(", ")),
    };
    let only = if policy.restrictive { "only " } else { "" };
    let using = || rows(reading.using.as_ref(), policy.using.as_deref());
    let check = || match (&policy.check, &policy.using) {
        (Some(text), _) => rows(reading.check.as_ref(), Some(text)),
        // Without a condition of their own, new rows have to pass that for the old ones.
        (None, text) => rows(reading.using.as_ref(), text.as_deref()),
    };
    let parts = match (sees, does) {
        (Some(sees), Some(_)) if using() == check() => {
            let both = if policy.command == "UPDATE" { sees } else { "read and written" };
            format!("{only}{} may be {both} {whose}", using())
        }
        (Some(sees), Some(does)) => {
            format!("{only}{} may be {sees} {whose}, and {only}{} may be {does}", using(), check())
        }
        (Some(sees), None) => format!("{only}{} may be {sees} {whose}", using()),
        (None, does) => format!("{only}{} may be {} {whose}", check(), does.unwrap_or("written")),
    };
    let narrows = if policy.restrictive { "of what other policies permit, " } else { "" };
    format!("policy {}: {narrows}{parts}", policy.name)
}

/// Which rows a condition lets through.
fn rows(reading: Option<&ConditionReading>, text: Option<&str>) -> String {
    let Some(reading) = reading else { return "all rows".to_owned() };
    let settings = match reading.settings.as_slice() {
        [] => "the session".to_owned(),
        [setting] => format!("setting {setting}"),
        settings => format!("settings {}", settings.join(", ")),
    };
    let text = words(text.unwrap_or_default());
    match reading.keeps {
        _ if reading.always => "all rows".to_owned(),
        Keeps::No if reading.setting_allows => {
            format!(
                "rows of the tenant in {settings}, and those of every tenant while that is missing or empty,"
            )
        }
        Keeps::Yes => format!("rows of the tenant in {settings}"),
        Keeps::No => format!("rows of any tenant for which `{text}`"),
        Keeps::Unknown => format!("rows for which `{text}` (which is not understood to keep to a tenant)"),
    }
}
