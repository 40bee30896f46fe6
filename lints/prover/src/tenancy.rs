//! Who owns a row of each table: the policy applied to the catalog.
//!
//! Inference (where there is no policy file) and the policy file both end here; the proof reads nothing else.

use std::collections::BTreeMap;

use crate::catalog::QualifiedName;

/// A kind of value that names a tenant: the root table's id, its slug, an outer level's id. Values of two domains are
/// never comparable, whatever their types are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainId(pub u16);

/// A tenant domain, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// `organizations.id`, or the key's name where there is no root table.
    pub name: String,
}

/// The ownership of every table of one database.
#[derive(Clone, Debug, Default)]
pub struct Tenancy {
    /// The domains; [`DomainId`] is an index.
    pub domains: Vec<Domain>,
    /// What is known of each table of the catalog; a table without an entry is [`TableOwner::Undeclared`].
    pub tables: BTreeMap<QualifiedName, TableTenancy>,
    /// Assume that single-column foreign keys never cross tenants.
    pub trust_foreign_keys: bool,
    /// Also count success and SQLSTATE as observable.
    pub strict_errors: bool,
    /// Session settings that carry the tenant, lower case.
    pub settings: Vec<String>,
    /// The role under which the application's statements run, where the policy names it.
    pub app_role: Option<String>,
    /// The role that owns what the migrations make, where the policy names it.
    pub owner_role: Option<String>,
    /// SQL functions that the policy declares harmless, lower case, with the reason.
    pub trusted_functions: BTreeMap<String, String>,
}

/// The ownership of one table, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableTenancy {
    /// Who owns its rows.
    pub owner: TableOwner,
    /// Where that is known from, one line for a person.
    pub why: String,
}

/// Who owns the rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableOwner {
    /// The tenant named by a key column of the row. Several keys are alternatives (two levels, or id and slug): each
    /// determines the owner.
    Keyed {
        /// The key columns, with the domain of each.
        keys: Vec<(String, DomainId)>,
        /// Rows whose key is NULL belong to everybody.
        null_is_shared: bool,
    },
    /// The row is a tenant: `keys` are the columns that name it.
    Root {
        /// The columns, with the domain of each; the first is the id. A root of an inner level has the outer level's key
        /// too.
        keys: Vec<(String, DomainId)>,
    },
    /// The owner of the parent row, reached by equality of `by` with the parent's `parent_column`.
    Child {
        /// The parent.
        parent: QualifiedName,
        /// The referencing column.
        by: String,
        /// The unique column of the parent that it references.
        parent_column: String,
    },
    /// Everybody's: reference data. Reading is free, writing is not.
    Shared,
    /// Nothing says who owns it: any statement that touches it is undecided.
    Undeclared,
}

impl Tenancy {
    /// The domain whose names go by this name in the source: that of the key columns that are called so, underscores and
    /// case left aside. `None` where keys of several domains are, or where there is but one domain.
    pub fn domain_called(&self, name: &str) -> Option<DomainId> {
        let plain = |name: &str| name.replace('_', "").to_lowercase();
        let name = plain(name);
        if self.domains.len() < 2 || name.is_empty() {
            return None;
        }
        let keys = self.tables.values().flat_map(|table| match &table.owner {
            TableOwner::Keyed { keys, .. } => keys.as_slice(),
            // The own id of a tenant is called as every table's is.
            TableOwner::Root { keys } => keys.get(1..).unwrap_or_default(),
            TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => &[],
        });
        let mut called = keys.filter(|(key, _)| plain(key) == name).map(|(_, domain)| *domain);
        let first = called.next()?;
        called.all(|domain| domain == first).then_some(first)
    }

    /// Rows of the table may be everybody's: it says so itself, or one of the tables says so that it is a child of.
    pub fn may_be_everybodys(&self, table: &QualifiedName) -> bool {
        let mut table = table;
        // Each table is the child of another one at the most, so that this many steps lead around.
        for _ in 0..=self.tables.len() {
            match self.owner(table) {
                TableOwner::Keyed { null_is_shared, .. } => return *null_is_shared,
                TableOwner::Child { parent, .. } => table = parent,
                TableOwner::Shared => return true,
                TableOwner::Root { .. } | TableOwner::Undeclared => return false,
            }
        }
        true
    }

    /// The ownership of a table.
    pub fn owner(&self, table: &QualifiedName) -> &TableOwner {
        self.tables.get(table).map_or(&TableOwner::Undeclared, |table| &table.owner)
    }
}
