//! Row level security at random: policies that keep to the tenant, and such that nearly do.

use crate::rng::Rng;

/// The role under which statements run where there are policies.
pub const ROLE: &str = "app";

/// A table that may get policies.
pub struct Secured<'a> {
    /// Its name.
    pub name: &'a str,
    /// What says whose a row is.
    pub owner: Owner<'a>,
    /// Another table with a tenant key, to look at: its name and key.
    pub other: Option<(&'a str, &'a str)>,
    /// It has the columns `status` and `n`.
    pub plain: bool,
}

/// What says whose a row is.
pub enum Owner<'a> {
    /// A key column.
    Key(&'a str),
    /// The row of a parent: the column, the parent, and the parent's key, if it has one.
    Parent(&'a str, &'a str, Option<&'a str>),
}

/// The statements that secure a table. `tenant` is the setting as a value of the key's type.
pub fn secure(rng: &mut Rng, table: &Secured<'_>, setting: &str, ty: &str) -> Vec<String> {
    let name = table.name;
    let mut ddl = Vec::new();
    if rng.chance(90) {
        ddl.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
    }
    match rng.below(10) {
        0 => ddl.push(format!("ALTER TABLE {name} OWNER TO {ROLE}")),
        1 => ddl.extend([
            format!("ALTER TABLE {name} OWNER TO {ROLE}"),
            format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"),
        ]),
        2..=6 => ddl.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY")),
        _ => {}
    }
    if rng.chance(25) {
        ddl.extend(one_word_short(rng, table, setting, ty));
        return ddl;
    }
    let several = rng.chance(45);
    let count = if several { rng.range(2, 4) } else { 1 };
    for at in 0..count {
        let restrictive = rng.chance(if at == 0 { 8 } else { 40 });
        let kind = if restrictive { " AS RESTRICTIVE" } else { "" };
        let command = match rng.below(if several { 9 } else { 20 }) {
            0 | 1 => "SELECT",
            2 => "INSERT",
            3 => "UPDATE",
            4 => "DELETE",
            _ => "ALL",
        };
        let to = match rng.below(10) {
            0 => format!(" TO {ROLE}"),
            1 => " TO pg_monitor".to_owned(),
            2 => " TO CURRENT_USER".to_owned(),
            3 => format!(" TO pg_monitor, {ROLE}"),
            _ => String::new(),
        };
        let good = if at == 0 { 70 } else { 45 };
        let using = condition(rng, table, setting, ty, good);
        let check = condition(rng, table, setting, ty, good);
        let clauses = match command {
            "INSERT" => format!(" WITH CHECK ({check})"),
            "SELECT" | "DELETE" => format!(" USING ({using})"),
            _ if rng.chance(40) => format!(" USING ({using}) WITH CHECK ({check})"),
            _ => format!(" USING ({using})"),
        };
        ddl.push(format!("CREATE POLICY p{at} ON {name}{kind} FOR {command}{to}{clauses}"));
    }
    ddl
}

/// Policies that would keep to the tenant but for one word: the command or the role of what restricts, or what is asked of a
/// row that is written.
fn one_word_short(rng: &mut Rng, table: &Secured<'_>, setting: &str, ty: &str) -> Vec<String> {
    let name = table.name;
    let good = |rng: &mut Rng| condition(rng, table, setting, ty, 100);
    let wide = format!("CREATE POLICY p0 ON {name} USING (true)");
    let restricts = format!("CREATE POLICY p1 ON {name} AS RESTRICTIVE");
    match rng.below(6) {
        0 | 1 => {
            let command = rng.pick(&["SELECT", "UPDATE", "DELETE"]).copied().unwrap_or("SELECT");
            vec![wide, format!("{restricts} FOR {command} USING ({})", good(rng))]
        }
        2 => vec![wide, format!("{restricts} FOR INSERT WITH CHECK ({})", good(rng))],
        3 => vec![wide, format!("{restricts} TO pg_monitor USING ({})", good(rng))],
        4 => vec![wide, format!("{restricts} TO CURRENT_USER USING ({})", good(rng))],
        _ => vec![format!("CREATE POLICY p0 ON {name} USING ({}) WITH CHECK (true)", good(rng))],
    }
}

/// A condition that keeps to the tenant in `good` of a hundred cases, or nearly does.
fn condition(rng: &mut Rng, table: &Secured<'_>, setting: &str, ty: &str, good: usize) -> String {
    let tenant = format!("current_setting('{setting}')::{ty}");
    let lenient = format!("nullif(current_setting('{setting}', true), '')::{ty}");
    let good = rng.chance(good);
    match &table.owner {
        Owner::Key(key) => match good {
            true => keeps(rng, key, &tenant, &lenient, setting),
            false => nearly(rng, table, key, &tenant, setting),
        },
        Owner::Parent(by, parent, key) => {
            let name = table.name;
            let Some(key) = key else {
                return format!("{by} IN (SELECT id FROM {parent})");
            };
            match (good, rng.below(4)) {
                (true, 0) => format!(
                    "EXISTS (SELECT 1 FROM {parent} o WHERE o.id = {name}.{by} AND o.{key} = {tenant})"
                ),
                (true, 1) => {
                    format!("EXISTS (SELECT 1 FROM {parent} o WHERE o.id = {by} AND o.{key} = {lenient})")
                }
                (true, _) => format!("{by} IN (SELECT o.id FROM {parent} o WHERE o.{key} = {tenant})"),
                (false, 0) => format!("{by} IN (SELECT o.id FROM {parent} o)"),
                (false, 1) => {
                    format!("EXISTS (SELECT 1 FROM {parent} o WHERE o.id = o.id AND o.{key} = {tenant})")
                }
                (false, 2) => format!("{by} NOT IN (SELECT o.id FROM {parent} o WHERE o.{key} <> {tenant})"),
                (false, _) => "true".to_owned(),
            }
        }
    }
}

fn keeps(rng: &mut Rng, key: &str, tenant: &str, lenient: &str, setting: &str) -> String {
    match rng.below(13) {
        0 => format!("{tenant} = {key}"),
        1 => format!("{key} = {lenient}"),
        2 => format!("{key}::text = current_setting('{setting}')"),
        3 => format!("({key} = {tenant}) IS TRUE"),
        4 => format!("{key} IN (SELECT t.id FROM tenants t WHERE t.id = {tenant})"),
        5 => format!("EXISTS (SELECT 1 FROM tenants t WHERE t.id = {key} AND t.id = {tenant})"),
        6 => format!("{key} = ANY (ARRAY[{tenant}])"),
        7 => format!("NOT ({key} <> {tenant})"),
        8 => format!("CASE WHEN {key} = {tenant} THEN true ELSE false END"),
        _ => format!("{key} = {tenant}"),
    }
}

fn nearly(rng: &mut Rng, table: &Secured<'_>, key: &str, tenant: &str, setting: &str) -> String {
    let name = table.name;
    if let Some((other, other_key)) = table.other.filter(|_| rng.chance(40)) {
        return match rng.below(7) {
            0 => format!("EXISTS (SELECT 1 FROM {other} m WHERE {other_key} = {other_key} AND m.n > 0)"),
            1 => format!("EXISTS (SELECT 1 FROM {other} m WHERE m.{other_key} = {key})"),
            2 => format!("{key} = {tenant} AND (SELECT count(*) FROM {other}) > 2"),
            3 => format!("EXISTS (SELECT count(*) FROM {other} m WHERE m.{other_key} = {tenant})"),
            4 => format!("{key} IN (SELECT m.{other_key} FROM {other} m)"),
            5 => format!(
                "{key} = {tenant} AND n >= ALL (SELECT m.n FROM {other} m WHERE m.{other_key} = {name}.{key})"
            ),
            _ => format!("{key} = {tenant} AND EXISTS (SELECT 1 FROM {other} m WHERE m.n = {name}.n)"),
        };
    }
    let or = match (table.plain, rng.below(2)) {
        (true, 0) => "status = 'open'",
        (true, _) => "n > 1",
        (false, _) => "id IS NOT NULL",
    };
    match rng.below(11) {
        0 => "true".to_owned(),
        1 => format!("{key} = {tenant} OR {or}"),
        2 => format!("{key} IS NOT NULL"),
        3 => format!("{key} = {key}"),
        4 => format!("{key} >= {tenant}"),
        5 => format!("{key} = {tenant} OR {key} IS NULL"),
        6 => format!("current_setting('{setting}', true) IS NULL OR {key} = {tenant}"),
        7 => format!("NOT ({key} <> {tenant} AND {or})"),
        8 => format!("coalesce({key}, {tenant}) = {tenant}"),
        9 => format!("({key} = {tenant}) IS NOT FALSE"),
        _ => format!("{key} = {tenant} AND {or}"),
    }
}
