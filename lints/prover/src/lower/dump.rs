//! A catalog as compact text, for tests.

use std::fmt::Write;

use crate::catalog::{Catalog, ColumnDefault, QualifiedName, ReferentialAction, Trigger, UserType};
use crate::types::SqlType;

/// One line for each thing, in the order of names.
pub(super) fn dump(catalog: &Catalog) -> String {
    let mut out = String::new();
    write_all(catalog, &mut out).expect("a string takes all text");
    out
}

fn write_all(catalog: &Catalog, out: &mut String) -> std::fmt::Result {
    let name = |name: &QualifiedName| match name.schema == catalog.default_schema {
        true => name.name.clone(),
        false => format!("{}.{}", name.schema, name.name),
    };
    for table in catalog.tables.values() {
        write!(out, "table {}", name(&table.name))?;
        let parents = table.inherits.iter().map(&name).collect::<Vec<_>>();
        if let Some(parent) = &table.partition_of {
            write!(out, " partition of {}", name(parent))?;
        }
        if !parents.is_empty() {
            write!(out, " inherits {}", parents.join(", "))?;
        }
        for (is, word) in [(table.partitioned, "partitioned"), (!table.complete, "INCOMPLETE")] {
            if is {
                write!(out, " {word}")?;
            }
        }
        if let Some(owner) = &table.owner {
            write!(out, " owner {owner}")?;
        }
        writeln!(out)?;
        for column in &table.columns {
            write!(out, "  {} {}", column.name, ty(&column.ty))?;
            if column.not_null {
                write!(out, " not null")?;
            }
            match &column.default {
                ColumnDefault::None => {}
                ColumnDefault::Generated => write!(out, " generated")?,
                ColumnDefault::Computed(text) => write!(out, " = {text}")?,
                ColumnDefault::Expr(text) => write!(out, " default {text}")?,
            }
            if let Some(collation) = &column.collation {
                write!(out, " collate {collation}")?;
            }
            writeln!(out)?;
        }
        for key in &table.keys {
            write!(out, "  {:?} {} ({})", key.kind, key.name, key.columns.join(", "))?;
            let flags = [
                (key.has_expressions, "expressions"),
                (key.deferrable, "deferrable"),
                (key.nulls_not_distinct, "nulls not distinct"),
            ];
            flags.iter().filter(|(is, _)| *is).try_for_each(|(_, word)| write!(out, " {word}"))?;
            if key.mentions != key.columns {
                write!(out, " of {}", key.mentions.join(", "))?;
            }
            if let Some(predicate) = &key.predicate {
                write!(out, " where {predicate}")?;
            }
            writeln!(out)?;
        }
        for key in &table.foreign_keys {
            let (from, to) = (key.columns.join(", "), key.target_columns.join(", "));
            write!(out, "  Foreign {} ({from}) -> {} ({to})", key.name, name(&key.target))?;
            for (word, action) in [("delete", &key.on_delete), ("update", &key.on_update)] {
                if *action != ReferentialAction::Refuse {
                    write!(out, " on {word} {action:?}")?;
                }
            }
            let flags =
                [(!key.validated, "not valid"), (key.deferrable, "deferrable"), (key.match_full, "full")];
            flags.iter().filter(|(is, _)| *is).try_for_each(|(_, word)| write!(out, " {word}"))?;
            writeln!(out)?;
        }
        for check in &table.checks {
            let state = if check.validated { "" } else { " not valid" };
            writeln!(out, "  Check {} {}{state}", check.name, check.expr)?;
        }
        for index in &table.indexes {
            let predicate = index.predicate.iter().map(|text| format!(" where {text}")).collect::<String>();
            writeln!(out, "  Index {} ({}){predicate}", index.name, index.columns.join(", "))?;
        }
        let security = &table.row_security;
        if security.enabled || security.forced {
            writeln!(out, "  row security enabled={} forced={}", security.enabled, security.forced)?;
        }
        for policy in &security.policies {
            write!(out, "  policy {} {}", policy.name, policy.command)?;
            if policy.restrictive {
                write!(out, " restrictive")?;
            }
            if !policy.roles.is_empty() {
                write!(out, " to {}", policy.roles.join(", "))?;
            }
            for (word, text) in [("using", &policy.using), ("check", &policy.check)] {
                text.iter().try_for_each(|text| write!(out, " {word} {text}"))?;
            }
            writeln!(out)?;
        }
        write_triggers(&table.triggers, out)?;
    }
    for view in catalog.views.values() {
        let kind = if view.materialized { "materialized view" } else { "view" };
        write!(out, "{kind} {}", name(&view.name))?;
        if !view.columns.is_empty() {
            write!(out, " ({})", view.columns.join(", "))?;
        }
        if view.security_invoker {
            write!(out, " security_invoker")?;
        }
        if !view.defaults.is_empty() {
            write!(out, " defaults {}", view.defaults.join(", "))?;
        }
        let query = view.query.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, ": {query}")?;
        view.stale.iter().try_for_each(|why| writeln!(out, "  STALE {why}"))?;
        for index in &view.indexes {
            writeln!(out, "  Index {} ({})", index.name, index.columns.join(", "))?;
        }
        write_triggers(&view.triggers, out)?;
    }
    for function in catalog.functions.values().flatten() {
        let params = |params: &[(String, SqlType)]| {
            let params = params.iter().map(|(name, of)| format!("{name} {}", ty(of)).trim().to_owned());
            params.collect::<Vec<_>>().join(", ")
        };
        write!(out, "function {}({})", name(&function.name), params(&function.params))?;
        if !function.returns.is_empty() {
            let set = if function.returns_set { "setof " } else { "" };
            write!(out, " returns {set}{}", function.returns)?;
        }
        if !function.columns.is_empty() {
            write!(out, " out ({})", params(&function.columns))?;
        }
        write!(out, " {} {:?}", function.language, function.volatility)?;
        for (is, word) in [(function.strict, "strict"), (function.security_definer, "definer")] {
            if is {
                write!(out, " {word}")?;
            }
        }
        if let Some(path) = &function.search_path {
            write!(out, " search_path ({})", path.join(", "))?;
        }
        let body = function.body.split_whitespace().collect::<Vec<_>>().join(" ");
        let body: String = body.chars().take(60).collect();
        writeln!(out, ": {body}")?;
    }
    for sequence in catalog.sequences.keys() {
        writeln!(out, "sequence {}", name(sequence))?;
    }
    for (of, meaning) in &catalog.types {
        let meaning = match meaning {
            UserType::Enum => "enum".to_owned(),
            UserType::Domain(base, _) => format!("domain {}", ty(base)),
            UserType::Other => "other".to_owned(),
        };
        writeln!(out, "type {} {meaning}", name(of))?;
    }
    for collation in &catalog.nondeterministic_collations {
        writeln!(out, "collation {collation}")?;
    }
    for operator in &catalog.operators {
        writeln!(out, "{}", operator.what)?;
    }
    for skipped in &catalog.skipped {
        let table = skipped.table.as_ref().map(|table| format!("{}: ", name(table))).unwrap_or_default();
        writeln!(out, "SKIPPED {table}{}", skipped.why)?;
    }
    Ok(())
}

fn write_triggers(triggers: &[Trigger], out: &mut String) -> std::fmt::Result {
    for trigger in triggers {
        let kind = if trigger.is_rule { "rule" } else { "trigger" };
        let state = if trigger.disabled { " disabled" } else { "" };
        let calls = trigger.function.as_ref().map(|function| format!(" -> {}", function.name));
        let calls = calls.unwrap_or_default();
        writeln!(out, "  {kind} {} {}{calls}{state}", trigger.name, trigger.events.join(" or "))?;
    }
    Ok(())
}

fn ty(ty: &SqlType) -> String {
    match ty {
        SqlType::Array(of) => format!("{}[]", self::ty(of)),
        SqlType::Named(name) => name.clone(),
        SqlType::VarcharN(length) => format!("varchar({length})"),
        other => format!("{other:?}").to_lowercase(),
    }
}
