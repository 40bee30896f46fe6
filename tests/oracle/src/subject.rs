//! What is judged: a schema with its policy, and statements on it.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_prover::ast::ParsedStatement;
use tenantry_prover::catalog::Catalog;
use tenantry_prover::plan::Plan;
use tenantry_prover::tenancy::{DomainId, Tenancy};
use tenantry_prover::verdict::{Nullability, TenantSource, TenantValue, Verdict};
use tenantry_span::FileId;

use crate::spoken::{Spoken, speak};

/// A schema, as text for the server and as the prover reads it.
pub struct Subject {
    /// What its statements are written in, once they are spoken.
    pub dialect: Dialect,
    /// The statements that make it.
    pub ddl: String,
    /// `tenantry.toml`.
    pub policy: String,
    /// What the prover reads of the schema.
    pub catalog: Catalog,
    /// Who owns what.
    pub tenancy: Tenancy,
    /// The role that statements run as, where the policy names one.
    pub role: Option<String>,
    /// The setting that carries the tenant, where the policy names one.
    pub setting: Option<String>,
}

/// A schema that cannot be judged.
#[derive(Debug, thiserror::Error)]
#[error("the policy does not fit the schema: {0}")]
pub struct SubjectError(String);

/// A statement to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text.
    pub sql: String,
    /// Which parameters carry a tenant, and of which kind.
    pub tenants: Vec<TenantParameter>,
}

/// A source that carries a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantParameter {
    /// Where it comes from.
    pub source: TenantSource,
    /// What kind of tenant it names.
    pub domain: DomainId,
    /// Its Rust type is an `Option`.
    pub nullable: bool,
}

impl Statement {
    /// The kind of tenant that the session's setting names: that of the first domain, unless the statement says another.
    pub fn setting(&self) -> DomainId {
        let says = |tenant: &&TenantParameter| matches!(tenant.source, TenantSource::Setting(_));
        self.tenants.iter().find(says).map_or(DomainId(0), |tenant| tenant.domain)
    }

    /// Whether its sources name other kinds of tenants than those of the same statement.
    pub fn names_others_than(&self, known: &Statement) -> bool {
        let kinds = |statement: &Statement| {
            let params =
                statement.tenants.iter().filter(|tenant| matches!(tenant.source, TenantSource::Param(_)));
            params.map(|tenant| tenant.domain).collect::<Vec<_>>()
        };
        kinds(self) != kinds(known) || self.setting() != known.setting()
    }
}

impl Subject {
    /// Reads a schema and its policy. The caller runs this on a deep stack.
    pub fn read(ddl: &str, policy: &str) -> Result<Subject, SubjectError> {
        let parsed = tenantry_policy::parse(FileId(0), policy)
            .map_err(|faults| SubjectError(format!("{faults:?}")))?;
        let dialect = parsed.databases.first().map_or(Dialect::default(), |database| database.dialect);
        let mut catalog = Catalog::empty(dialect);
        tenantry_prover::lower::apply(dialect, &mut catalog, FileId(1), ddl);
        let (tenancy, faults) = tenantry_prover::ownership::resolve(&parsed, &catalog);
        if !faults.is_empty() {
            return Err(SubjectError(format!("{faults:?}")));
        }
        let role = parsed.databases.first().and_then(|database| database.app_role.as_ref());
        Ok(Subject {
            dialect,
            ddl: ddl.to_owned(),
            policy: policy.to_owned(),
            catalog,
            tenancy,
            role: role.map(|role| role.value.clone()),
            setting: parsed.trust.setting.map(|setting| setting.value),
        })
    }

    /// The domain of a name such as `tenants.id`.
    pub fn domain(&self, name: &str) -> Option<DomainId> {
        let at = self.tenancy.domains.iter().position(|domain| domain.name == name)?;
        u16::try_from(at).ok().map(DomainId)
    }

    /// The session's setting, which carries the tenant of the first domain here, as it does beside a placeholder in a service
    /// that sets it.
    pub fn also(&self, tenant: &TenantParameter) -> Option<TenantSource> {
        let same = tenant.domain == DomainId(0) && !tenant.nullable;
        self.setting.clone().filter(|_| same).map(TenantSource::Setting)
    }

    /// Another name of the tenants that the setting names.
    fn names_the_same(&self, domain: DomainId) -> bool {
        let table = |domain: DomainId| {
            let name = &self.tenancy.domains.get(domain.0 as usize)?.name;
            name.rsplit_once('.').map(|(table, _)| table)
        };
        domain != DomainId(0) && table(domain).is_some() && table(domain) == table(DomainId(0))
    }

    /// The prover's verdict on a text of one statement. The caller runs this on a deep stack.
    pub fn prove(&self, statement: &Statement) -> Verdict {
        let mut verdicts = self.verdicts(statement).into_iter();
        let first = verdicts.next().unwrap_or_else(|| Verdict::Undecided(Vec::new()));
        // A text of several statements is as good as the worst of them.
        verdicts.fold(first, |worst, next| if rank(&next) > rank(&worst) { next } else { worst })
    }

    /// The statement as its proof reads it: each source names the kind of tenant that the proof takes it for, the setting
    /// included where the proof takes it for the tenant.
    pub fn as_proved(&self, statement: &Statement, verdict: &Verdict) -> Statement {
        let kinds: Vec<_> = match verdict {
            Verdict::Scoped(proof) => proof.kinds.iter().collect(),
            Verdict::Leaks(_) | Verdict::Undecided(_) => Vec::new(),
        };
        let spoken = speak(self.dialect, &statement.sql);
        let kind_of = |source: &TenantSource| {
            let numbers = sources(&spoken, source);
            kinds.iter().find(|(known, _)| numbers.contains(known)).map(|(_, kind)| *kind)
        };
        let mut read = statement.clone();
        for tenant in &mut read.tenants {
            tenant.domain = kind_of(&tenant.source).unwrap_or(tenant.domain);
        }
        if let Some(source) = self.setting.clone().map(TenantSource::Setting)
            && read.tenants.iter().all(|tenant| tenant.source != source)
            && let Some(domain) = kind_of(&source)
        {
            read.tenants.push(TenantParameter { source, domain, nullable: false });
        }
        read
    }

    /// The plan of a text of one statement, where its parameters keep their numbers. The caller runs this on a deep stack.
    pub fn plan(&self, statement: &Statement) -> Option<Plan> {
        if self.dialect != Dialect::Postgres {
            return None;
        }
        let parsed = tenantry_prover::lower::statements(self.dialect, &statement.sql);
        let [one] = parsed.as_slice() else { return None };
        Some(tenantry_prover::bind::bind(self.dialect, &self.catalog, &self.tenancy, one))
    }

    fn verdicts(&self, statement: &Statement) -> Vec<Verdict> {
        let spoken = speak(self.dialect, &statement.sql);
        let tenants = self.tenants(statement, &spoken);
        let parsed = tenantry_prover::lower::statements(self.dialect, &spoken.sql);
        let verdict = |one| {
            let plan = tenantry_prover::bind::bind(self.dialect, &self.catalog, &self.tenancy, one);
            tenantry_prover::prove::prove(&self.catalog, &self.tenancy, &plan, &tenants)
        };
        parsed.iter().map(verdict).collect()
    }

    /// The tenant's values, as the engine has them.
    fn tenants(&self, statement: &Statement, spoken: &Spoken) -> Vec<TenantValue> {
        let mut tenants: Vec<TenantValue> = statement
            .tenants
            .iter()
            .map(|tenant| TenantValue {
                sources: sources(spoken, &tenant.source).into_iter().chain(self.also(tenant)).collect(),
                nullable: if tenant.nullable { Nullability::Maybe } else { Nullability::Never },
                // A value is bound at each of its marks.
                alike: vec![sources(spoken, &tenant.source)],
                ..TenantValue::default()
            })
            .collect();
        let known = |source: &TenantSource| tenants.iter().any(|tenant| tenant.sources.contains(source));
        // Beside a name of another kind the setting is a value of its own.
        if let Some(setting) = self.setting.clone().map(TenantSource::Setting).filter(|source| !known(source))
            && statement.tenants.iter().all(|tenant| !tenant.nullable && self.names_the_same(tenant.domain))
        {
            tenants.push(TenantValue {
                sources: BTreeSet::from([setting]),
                nullable: Nullability::Never,
                ..TenantValue::default()
            });
        }
        tenants
    }
}

/// A source by the numbers that its placeholder has when it is spoken.
fn sources(spoken: &Spoken, source: &TenantSource) -> BTreeSet<TenantSource> {
    match source {
        TenantSource::Param(number) => spoken.numbers(*number).into_iter().map(TenantSource::Param).collect(),
        TenantSource::Setting(_) => BTreeSet::from([source.clone()]),
    }
}

fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Scoped(_) => 0,
        Verdict::Undecided(_) => 1,
        Verdict::Leaks(_) => 2,
    }
}

/// The statements of a text as it is before it is spoken.
pub fn parse(sql: &str) -> Vec<ParsedStatement> {
    tenantry_prover::lower::statements(Dialect::Postgres, sql)
}
