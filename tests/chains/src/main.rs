//! Chains of calls, as the libraries render them and as Tenantry reads them: both texts must be one plan and one verdict.

mod diesel_chains;
mod seaorm_chains;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment};
use diesel::query_dsl::methods::LimitDsl;
use sea_orm::{DatabaseBackend, DatabaseConnection, MockDatabase};
use tenantry_engine::{Outcome, Schema};
use tenantry_prover::verdict::{Nullability, TenantSource, TenantValue};
use tenantry_source::{Declared, QuerySite, SourceFile, Surroundings};
use tenantry_span::FileId;

/// The texts that a library renders of the chains of each function, in order.
pub type Texts = BTreeMap<&'static str, Vec<String>>;

/// What stands for a connection: it takes the texts down.
#[derive(Default)]
pub struct Conn {
    name: &'static str,
    texts: Texts,
}

impl Conn {
    /// The chains of a function follow.
    pub fn begin(&mut self, name: &'static str) {
        self.name = name;
    }

    fn take(&mut self, query: &impl QueryFragment<Pg>) {
        let text = diesel::debug_query::<Pg, _>(query).to_string();
        let text = text.rsplit_once(" -- binds:").map_or(text.as_str(), |(text, _)| text).to_owned();
        self.texts.entry(self.name).or_default().push(text);
    }
}

/// `RunQueryDsl`, but that the text is taken down and not run.
pub trait Run: Sized {
    fn load(self, c: &mut Conn)
    where
        Self: AsQuery,
        Self::Query: QueryFragment<Pg>,
    {
        c.take(&self.as_query());
    }

    fn get_result(self, c: &mut Conn)
    where
        Self: AsQuery,
        Self::Query: QueryFragment<Pg>,
    {
        c.take(&self.as_query());
    }

    fn get_results(self, c: &mut Conn)
    where
        Self: AsQuery,
        Self::Query: QueryFragment<Pg>,
    {
        c.take(&self.as_query());
    }

    fn first(self, c: &mut Conn)
    where
        Self: LimitDsl,
        Self::Output: AsQuery,
        <Self::Output as AsQuery>::Query: QueryFragment<Pg>,
    {
        c.take(&LimitDsl::limit(self, 1).as_query());
    }

    fn execute(self, c: &mut Conn)
    where
        Self: QueryFragment<Pg>,
    {
        c.take(&self);
    }
}

impl<T> Run for T {}

/// Runs the chains of a function of SeaORM's on no database, which takes the texts down.
pub fn run(texts: &mut Texts, name: &'static str, chains: impl AsyncFn(&DatabaseConnection)) {
    let db = MockDatabase::new(DatabaseBackend::Postgres).into_connection();
    // What waits for no database is ready at once.
    let mut waker = Context::from_waker(Waker::noop());
    while pin!(chains(&db)).poll(&mut waker) == Poll::Pending {}
    let log = db.into_transaction_log();
    let statements = log.iter().flat_map(|transaction| transaction.statements());
    texts.entry(name).or_default().extend(statements.map(|statement| statement.sql.clone()));
}

struct Own(HashMap<String, Vec<Declared>>);

impl Surroundings for Own {
    fn declarations(&self, name: &str) -> Vec<Declared> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

fn main() -> ExitCode {
    // SQL is read and proved on a deep stack.
    let work = std::thread::Builder::new().stack_size(256 << 20).spawn(compare);
    match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(wrong)) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(Ok(wrong)) => {
            println!("{}", wrong.join("\n\n"));
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}

/// The chains of a library: compiled, and read as source.
struct Library {
    name: &'static str,
    path: &'static str,
    text: &'static str,
    rendered: Texts,
}

fn compare() -> Vec<String> {
    let mut diesel = Conn::default();
    diesel_chains::all(&mut diesel);
    let mut sea_orm = Texts::new();
    seaorm_chains::all(&mut sea_orm);
    let libraries = [
        Library {
            name: "Diesel",
            path: "src/diesel_chains.rs",
            text: include_str!("diesel_chains.rs"),
            rendered: diesel.texts,
        },
        Library {
            name: "SeaORM and sea-query",
            path: "src/seaorm_chains.rs",
            text: include_str!("seaorm_chains.rs"),
            rendered: sea_orm,
        },
    ];
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("service");
    let project = tenantry_project::load(&service);
    let Some(database) = project.databases.as_slice().iter().next() else {
        return vec!["no database".to_owned()];
    };
    let schema = Schema {
        dialect: database.dialect,
        catalog: &database.catalog,
        tenancy: &database.tenancy,
        policies: tenantry_prover::prove::Policies::Ignored,
    };
    libraries.iter().flat_map(|library| library.compare(&schema)).collect()
}

impl Library {
    fn compare(&self, schema: &Schema<'_>) -> Vec<String> {
        let mut declared: HashMap<String, Vec<Declared>> = HashMap::new();
        for one in tenantry_source::declarations(self.text) {
            declared.entry(one.name.clone()).or_default().push(one.at("", self.path));
        }
        let source = SourceFile { file: FileId(0), path: self.path, text: self.text };
        let trust = tenantry_policy::Trust::default();
        let found = tenantry_source::read(&source, tenantry_rules::sinks(), &trust, &Own(declared));
        let (mut wrong, mut compared) = (Vec::new(), 0);
        for (name, theirs) in &self.rendered {
            let sites: Vec<_> = found.sites.iter().filter(|site| site.item.ends_with(name)).collect();
            if sites.len() != theirs.len() {
                let lines: Vec<usize> = sites.iter().map(|site| self.line(site)).collect();
                let count = theirs.len();
                wrong.push(format!(
                    "{}, {name}: {count} chains are rendered, read are lines {lines:?}",
                    self.name
                ));
                continue;
            }
            compared += sites.len();
            for (site, theirs) in sites.iter().zip(theirs) {
                let (line, difference) = (self.line(site), difference(schema, site, theirs));
                wrong.extend(difference.map(|what| format!("{}, {name}, line {line}: {what}", self.name)));
            }
        }
        println!("{compared} chains compared with {}, {} differ", self.name, wrong.len());
        wrong
    }

    fn line(&self, site: &QuerySite) -> usize {
        let before = self.text.get(..site.span.range.start as usize).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

/// How the text of a site differs from the library's, where it does.
fn difference(schema: &Schema<'_>, site: &QuerySite, theirs: &str) -> Option<String> {
    let ours = match site.texts.as_slice() {
        [only] => only.known(),
        _ => None,
    };
    let Some(ours) = ours else {
        return Some(format!("it is not read: {:?}\ntheirs: {theirs}", site.texts));
    };
    let sources = (1..)
        .zip(site.binds.iter().flatten())
        .filter(|(_, bind)| bind.key == "tenant" || bind.text == "tenant");
    let sources = sources.map(|(number, _)| TenantSource::Param(number)).collect();
    let tenant = TenantValue { sources, nullable: Nullability::Never, ..TenantValue::default() };
    let judge = |sql: &str| {
        let statements = schema.bind(sql);
        let plan = without_places(&format!("{statements:?}"));
        let tenants = std::slice::from_ref(&tenant);
        let tenants = if tenant.sources.is_empty() { &[] } else { tenants };
        let verdicts: Vec<Outcome> =
            statements.iter().map(|statement| Outcome::of(&schema.prove(statement, tenants))).collect();
        (plan, verdicts)
    };
    let ((our_plan, our_verdict), (plan, verdict)) = (judge(&ours), judge(theirs));
    if our_plan == plan && our_verdict == verdict {
        return None;
    }
    let what = if our_plan == plan { "verdicts" } else { "plans" };
    Some(format!("the {what} differ ({our_verdict:?}, {verdict:?})\nours:   {ours}\ntheirs: {theirs}"))
}

/// A plan without the places in the text that its parts have: `12..34`.
fn without_places(plan: &str) -> String {
    let mut out = String::new();
    let mut rest = plan;
    while let Some((before, after)) = rest.split_once("..") {
        let is_place =
            before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit());
        match is_place {
            true => out.push_str(before.trim_end_matches(|c: char| c.is_ascii_digit())),
            false => out.push_str(before),
        }
        out.push_str("..");
        rest = if is_place { after.trim_start_matches(|c: char| c.is_ascii_digit()) } else { after };
    }
    out + rest
}
