//! Statements that once were wrong, with their schemas: files of `tests/oracle/regressions`.
//!
//! A file is an SQL script with comments that a reader understands: `-- why:` one line, `-- policy:` lines, the schema's
//! statements, `-- tenant: $1 is tenants.id` (or `app.tenant is`
//! for a setting, `optional $1 is` where it may be NULL), `-- expect: not scoped` (or `not leaking`, `scoped`), and the statement after `-- statement:`.

use std::path::Path;

use tenantry_prover::verdict::TenantSource;

use crate::schemas::SchemaText;
use crate::subject::{Statement, Subject, TenantParameter};

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// What was wrong.
    pub why: String,
    /// The schema.
    pub schema: SchemaText,
    /// Where the tenant comes from: `$1`, `optional $1`, or a setting's name.
    pub source: String,
    /// The name of the tenant's kind, such as `tenants.id`.
    pub tenant: String,
    /// The statement.
    pub sql: String,
    /// What must hold now.
    pub expect: Expect,
}

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It leaks on the server, and the prover does not say that it is scoped.
    NotScoped,
    /// It is clean on the server, and the prover does not say that it leaks.
    NotLeaking,
    /// It is clean on the server, and the prover proves it.
    Scoped,
}

impl Regression {
    /// The text of the file.
    pub fn render(&self) -> String {
        let policy: String = self.schema.policy.lines().map(|line| format!("-- policy: {line}\n")).collect();
        let expect = match self.expect {
            Expect::NotScoped => "not scoped",
            Expect::NotLeaking => "not leaking",
            Expect::Scoped => "scoped",
        };
        format!(
            "-- why: {}\n{policy}-- tenant: {} is {}\n-- expect: {expect}\n\n{}\n-- statement:\n{}\n",
            self.why,
            self.source,
            self.tenant,
            self.schema.sql(),
            self.sql
        )
    }

    /// Reads the text of a file; `None` where a part is missing.
    pub fn parse(text: &str) -> Option<Regression> {
        let (head, sql) = text.split_once("-- statement:\n")?;
        let field = |name: &str| {
            let mark = format!("-- {name}: ");
            head.lines().find_map(|line| line.strip_prefix(&mark)).map(str::to_owned)
        };
        let policy = head.lines().filter_map(|line| line.strip_prefix("-- policy:"));
        let policy = policy.map(|line| format!("{}\n", line.trim_start())).collect();
        let ddl = head.lines().filter(|line| !line.starts_with("-- "));
        let ddl: String = ddl.map(|line| format!("{line}\n")).collect();
        let ddl = ddl.split(";\n").map(|one| one.trim().to_owned()).filter(|one| !one.is_empty());
        let (source, tenant) =
            field("tenant")?.split_once(" is ").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        Some(Regression {
            source,
            tenant,
            why: field("why")?,
            schema: SchemaText { ddl: ddl.collect(), policy },
            sql: sql.trim().trim_end_matches(';').to_owned(),
            expect: match field("expect")?.as_str() {
                "not scoped" => Expect::NotScoped,
                "not leaking" => Expect::NotLeaking,
                "scoped" => Expect::Scoped,
                _ => return None,
            },
        })
    }

    /// The case of a failure.
    pub fn of(
        why: &str,
        schema: SchemaText,
        statement: Statement,
        subject: &Subject,
        expect: Expect,
    ) -> Regression {
        let tenant = statement.tenants.first();
        let domain = tenant.and_then(|tenant| subject.tenancy.domains.get(tenant.domain.0 as usize));
        let source = match tenant.map(|tenant| (&tenant.source, tenant.nullable)) {
            Some((TenantSource::Setting(name), _)) => name.clone(),
            Some((_, true)) => "optional $1".to_owned(),
            _ => "$1".to_owned(),
        };
        Regression {
            why: why.to_owned(),
            schema,
            source,
            tenant: domain.map_or(String::new(), |domain| domain.name.clone()),
            sql: statement.sql,
            expect,
        }
    }

    /// The statement for a schema that was read; `None` where it has no such tenants.
    pub fn statement(&self, subject: &Subject) -> Option<Statement> {
        let source = match self.source.as_str() {
            "$1" | "optional $1" => TenantSource::Param(1),
            setting => TenantSource::Setting(setting.to_owned()),
        };
        let nullable = self.source.starts_with("optional");
        let tenant = TenantParameter { source, domain: subject.domain(&self.tenant)?, nullable };
        Some(Statement { sql: self.sql.clone(), tenants: vec![tenant] })
    }
}

/// All files of a folder, by name.
pub fn folder(path: &Path) -> std::io::Result<Vec<(String, Option<Regression>)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".sql") {
            found.push((name, Regression::parse(&std::fs::read_to_string(&path)?)));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
