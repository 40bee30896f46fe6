//! `cargo tenantry prove`.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use annotate_snippets::Renderer;
use serde::{Deserialize, Serialize};
use tenantry_engine::{CaseVerdict, Outcome, Schema, StatementCase, prove_statements};
use tenantry_policy::{Dialect, Policy};
use tenantry_prover::catalog::Catalog;
use tenantry_prover::lower::{apply, on_deep_stack};
use tenantry_prover::ownership::{infer, resolve};
use tenantry_prover::prove::Policies;
use tenantry_prover::verdict::{Nullability, TenantSource, TenantValue};
use tenantry_span::{Diagnostic, FileId, Severity, TextRange};

use crate::cli::{DialectName, FailOn, ProveArgs, ProveFormat};
use crate::commands::live;
use crate::exit::{self, Failure};
use crate::output::derivation::{self, Place};
use crate::terminal::{self, Color};

/// Prints one verdict per case.
pub(crate) fn run(arguments: &ProveArgs, color: Color) -> Result<u8, Failure> {
    let mut texts = Texts::default();
    let policy = arguments.config.as_deref().map(|path| read_policy(&mut texts, path)).transpose()?;
    let dialect = dialect(arguments, policy.as_ref());
    let live = arguments.schema_from.as_deref().map(live::read).transpose()?;
    let schema = if live.is_some() { Vec::new() } else { schema_files(arguments, policy.as_ref())? };
    let input = read_input(arguments.file.as_deref())?;
    let setting = policy.as_ref().and_then(|policy| policy.trust.setting.as_ref());
    let setting = setting.map(|setting| TenantSource::Setting(setting.value.to_lowercase()));
    let cases = cases(arguments, setting.as_ref(), &input)?;
    let mut ids = schema.iter().map(|path| texts.read(path)).collect::<Result<Vec<_>, _>>()?;
    ids.extend(
        live.map(|live| texts.add(PathBuf::from(format!("live-database/{}.sql", live.database)), live.text)),
    );

    let verdicts = on_deep_stack(|| {
        let mut catalog = Catalog::empty(dialect);
        for id in &ids {
            apply(dialect, &mut catalog, *id, texts.text(*id));
        }
        let policy = policy.unwrap_or_else(|| infer(&catalog).policy);
        let (tenancy, problems) = resolve(&policy, &catalog);
        let schema = Schema { dialect, catalog: &catalog, tenancy: &tenancy, policies: Policies::Ignored };
        let skipped = catalog.skipped.iter().map(|skipped| {
            Diagnostic::warning(
                skipped.span,
                format!("a statement of the schema is not read: {}", skipped.why),
            )
        });
        let problems: Vec<Diagnostic> = problems.into_iter().chain(skipped).collect();
        (prove_statements(schema, &cases), problems)
    });
    let (verdicts, problems) =
        verdicts.ok_or_else(|| Failure::internal("the proof ended before it gave a verdict"))?;
    texts.report(color, &problems);
    match arguments.format {
        ProveFormat::Jsonl => {
            let lines = verdicts.iter().map(json).collect::<Result<String, _>>()?;
            terminal::print(&lines)?;
        }
        ProveFormat::Human => {
            let renderer = terminal::renderer(color.enabled(&std::io::stdout()));
            let shown =
                cases.iter().zip(&verdicts).map(|(case, verdict)| human(&renderer, case, verdict) + "\n");
            terminal::print(&shown.collect::<String>())?;
        }
    }
    Ok(gate(arguments, &verdicts))
}

fn gate(arguments: &ProveArgs, verdicts: &[CaseVerdict]) -> u8 {
    let default = match arguments.format {
        ProveFormat::Human => FailOn::Error,
        ProveFormat::Jsonl => FailOn::Never,
    };
    let worst = verdicts.iter().map(CaseVerdict::outcome).max();
    let fails = match arguments.fail_on.unwrap_or(default) {
        FailOn::Never => false,
        FailOn::Error => worst == Some(Outcome::Leaks),
        FailOn::Warning | FailOn::Note => worst.is_some_and(|worst| worst != Outcome::Scoped),
    };
    if fails { exit::FINDINGS } else { exit::OK }
}

/// The files that were read, for messages.
#[derive(Default)]
struct Texts {
    files: Vec<(PathBuf, String)>,
}

impl Texts {
    fn read(&mut self, path: &Path) -> Result<FileId, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
        Ok(self.add(path.to_path_buf(), text))
    }

    fn add(&mut self, path: PathBuf, text: String) -> FileId {
        self.files.push((path, text));
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    fn text(&self, id: FileId) -> &str {
        self.files.get(id.0 as usize).map_or("", |(_, text)| text)
    }

    fn report(&self, color: Color, problems: &[Diagnostic]) {
        let renderer = terminal::renderer(color.enabled(&std::io::stderr()));
        for problem in problems {
            let file = |id: FileId| {
                self.files
                    .get(id.0 as usize)
                    .map_or((String::new(), ""), |(path, text)| (path.display().to_string(), text))
            };
            eprintln!("{}", terminal::diagnostic(&renderer, problem, file));
        }
    }
}

fn read_policy(texts: &mut Texts, path: &Path) -> Result<Policy, Failure> {
    let id = texts.read(path)?;
    tenantry_policy::parse(id, texts.text(id)).map_err(|problems| {
        texts.report(Color::Auto, &problems);
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        Failure::usage(format!("{} has {errors} error(s)", path.display()))
    })
}

fn dialect(arguments: &ProveArgs, policy: Option<&Policy>) -> Dialect {
    if arguments.schema_from.is_some() {
        return Dialect::Postgres;
    }
    match arguments.dialect {
        Some(DialectName::Postgres) => Dialect::Postgres,
        Some(DialectName::Mysql) => Dialect::Mysql,
        Some(DialectName::Sqlite) => Dialect::Sqlite,
        None => policy
            .and_then(|policy| policy.databases.first())
            .map_or(Dialect::default(), |database| database.dialect),
    }
}

/// The schema's files in order: the arguments', else those that the policy names.
fn schema_files(arguments: &ProveArgs, policy: Option<&Policy>) -> Result<Vec<PathBuf>, Failure> {
    let mut named = arguments.schema.clone();
    if named.is_empty() {
        let folder = arguments.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let database = policy.and_then(|policy| policy.databases.first());
        named.extend(
            database.iter().flat_map(|database| &database.schema).map(|path| folder.join(&path.value)),
        );
    }
    if named.is_empty() {
        return Err(Failure::usage("no schema is named")
            .help("write --schema FILE, or --config FILE of a policy whose [[database]] names its schema"));
    }
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(sql_files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("{} cannot be read: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".sql") && !name.ends_with(".down.sql") && name != "down.sql" {
            files.push(path);
        } else if path.is_dir() {
            files.extend(sql_files(&path)?);
        }
    }
    files.sort();
    Ok(files)
}

fn read_input(file: Option<&Path>) -> Result<String, Failure> {
    match file {
        Some(path) if path != Path::new("-") => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display()))),
        _ => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
            Ok(text)
        }
    }
}

/// A line of JSON input; fields that are not named here do not matter to the proof.
#[derive(Deserialize)]
struct InputLine {
    id: String,
    sql: String,
    tenant_param: Option<String>,
    t: Option<String>,
    #[serde(default)]
    tenant_nullable: bool,
}

fn cases(
    arguments: &ProveArgs,
    setting: Option<&TenantSource>,
    input: &str,
) -> Result<Vec<StatementCase>, Failure> {
    if !arguments.jsonl_input && !input.trim_start().starts_with('{') {
        let tenant = TenantValue {
            sources: source(&arguments.tenant)?,
            nullable: Nullability::Never,
            ..TenantValue::default()
        };
        return Ok(vec![StatementCase { id: "1".to_owned(), sql: input.to_owned(), tenant }]);
    }
    let lines = input.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| case(arguments, setting, at + 1, line)).collect()
}

fn case(
    arguments: &ProveArgs,
    setting: Option<&TenantSource>,
    number: usize,
    line: &str,
) -> Result<StatementCase, Failure> {
    let line: InputLine = serde_json::from_str(line)
        .map_err(|error| Failure::usage(format!("line {number} of the input is not as expected: {error}")))?;
    let named = line.tenant_param.as_deref().unwrap_or(&arguments.tenant);
    let sources = source(named).map_err(|failure| Failure {
        message: format!("line {number} of the input: {}", failure.message),
        ..failure
    })?;
    let mut sources = sources;
    if line.t.as_deref() == Some("guc") {
        // The tenant is the policy's setting, and no placeholder carries it.
        sources.retain(|source| matches!(source, TenantSource::Setting(_)));
        sources.extend(setting.cloned());
    }
    let nullable = if line.tenant_nullable { Nullability::Maybe } else { Nullability::Never };
    let tenant = TenantValue { sources, nullable, ..TenantValue::default() };
    Ok(StatementCase { id: line.id, sql: line.sql, tenant })
}

/// What carries the tenant: `$1`, `?1`, `setting:name`, or an SQL expression around `current_setting('name')`.
fn source(text: &str) -> Result<BTreeSet<TenantSource>, Failure> {
    let number = text.strip_prefix(['$', '?']).and_then(|number| number.parse::<u32>().ok());
    let name = text.strip_prefix("setting:").or_else(|| {
        let after = text.split_once("current_setting(")?.1.trim_start().strip_prefix('\'')?;
        after.split_once('\'').map(|(name, _)| name)
    });
    let source = match (number, name) {
        (Some(number), _) if number > 0 => TenantSource::Param(number),
        (_, Some(name)) => TenantSource::Setting(name.trim().to_lowercase()),
        _ => {
            return Err(Failure::usage(format!("`{text}` names no carrier of a tenant"))
                .help("write a placeholder such as $1, or setting:app.tenant_id"));
        }
    };
    Ok(BTreeSet::from([source]))
}

#[derive(Serialize)]
struct OutputLine<'a> {
    id: &'a str,
    verdict: &'a str,
    reasons: Vec<String>,
}

fn json(verdict: &CaseVerdict) -> Result<String, Failure> {
    let line =
        OutputLine { id: &verdict.id, verdict: verdict.outcome().as_str(), reasons: verdict.reasons() };
    let line = serde_json::to_string(&line)
        .map_err(|error| Failure::internal(format!("a verdict cannot be written: {error}")))?;
    Ok(line + "\n")
}

fn human(renderer: &Renderer, case: &StatementCase, verdict: &CaseVerdict) -> String {
    if verdict.statements.is_empty() {
        return format!("undecided: {}\n", verdict.reasons().join("; "));
    }
    let locate = |range: TextRange| {
        let range = if range.is_empty() { TextRange::from_usize(0, case.sql.len()) } else { range };
        Place { path: case.id.clone(), text: case.sql.as_str(), range }
    };
    let parts = verdict
        .statements
        .iter()
        .map(|(range, verdict)| derivation::render(renderer, verdict, *range, None, &locate) + "\n");
    parts.collect()
}
