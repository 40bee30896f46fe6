//! What else runs when a table is written: triggers, rules, checks and defaults that call functions.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::catalog::{ColumnDefault, Function, QualifiedName, ReferentialAction, Table, Trigger};
use crate::plan::{AssignmentPlan, ExprKind};
use crate::tenancy::TableOwner;
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::Binder;
use super::bodies::{Token, assigned_columns, is_keyword, is_pure, tokens};
use super::functions::{self, Class, Shape};

/// What becomes of rows of a table, with the positions of the columns that get their default.
pub(super) enum Write {
    Insert { defaulted: Vec<usize> },
    Update { defaulted: Vec<usize> },
    Delete,
}

impl Write {
    /// An update by these assignments.
    pub(super) fn update(assignments: &[AssignmentPlan]) -> Write {
        let defaulted =
            assignments.iter().filter(|assignment| matches!(assignment.value.kind, ExprKind::Default));
        Write::Update { defaulted: defaulted.map(|assignment| assignment.column).collect() }
    }

    fn event(&self) -> &'static str {
        match self {
            Write::Insert { .. } => "INSERT",
            Write::Update { .. } => "UPDATE",
            Write::Delete => "DELETE",
        }
    }
}

/// How deep calls among the schema's functions are followed.
const CALLS: usize = 8;

impl<'a> Binder<'a> {
    /// Notes what a write to the table also runs.
    pub(super) fn written(&mut self, table: &'a Table, write: &Write, range: TextRange) {
        self.event_triggers(table, write.event(), range);
        let defaulted = match write {
            Write::Insert { defaulted } | Write::Update { defaulted } => defaulted,
            Write::Delete => return,
        };
        // The defaults are those of the table that is named; a row is stored in one part of it, whose checks and computed
        // columns count.
        for column in defaulted.iter().filter_map(|position| table.columns.get(*position)) {
            if let ColumnDefault::Expr(text) = &column.default {
                self.runs(&format!("the default of `{}.{}`", table.name.name, column.name), text, range);
            }
        }
        let parts = self.catalog.descendants(&table.name);
        for part in std::iter::once(table).chain(parts) {
            let checks = part.checks.iter().map(|check| ("a check constraint", check.expr.as_str()));
            let values = part.columns.iter().filter_map(|column| match &column.default {
                ColumnDefault::Computed(text) => Some(("a computed column", text.as_str())),
                ColumnDefault::None | ColumnDefault::Generated | ColumnDefault::Expr(_) => None,
            });
            let indexes =
                part.indexes.iter().flat_map(|index| index.predicate.iter().chain(&index.expressions));
            let keys = part.keys.iter().flat_map(|key| key.predicate.iter().chain(&key.expressions));
            let indexes = indexes.chain(keys).map(|text| ("an index", text.as_str()));
            let types = part.columns.iter().flat_map(|column| self.catalog.run_by_type(&column.ty));
            for (what, text) in
                checks.chain(values).chain(indexes).chain(types.map(|text| ("a domain", text)))
            {
                self.runs(&format!("{what} of `{}`", part.name.name), text, range);
            }
        }
    }

    /// Notes the functions that making a value of the type calls.
    pub(super) fn made(&mut self, ty: &SqlType, range: TextRange) {
        let catalog = self.catalog;
        let all = catalog.run_by_type(ty);
        if self.tenancy.strict_errors && !all.is_empty() {
            self.unmodelled(range, "under `strict-errors` a cast to a domain that may refuse the value");
        }
        for text in all {
            self.runs("a domain", text, range);
        }
    }

    fn runs(&mut self, what: &str, text: &str, range: TextRange) {
        let Some(function) = self.unknown_function_in(text) else { return };
        let message = format!("{what} calls the function `{function}`, which may read or write anything");
        self.obstacle(ObstacleKind::UnknownFunction, range, message);
    }

    fn event_triggers(&mut self, table: &'a Table, event: &str, range: TextRange) {
        let catalog = self.catalog;
        let parts = catalog.descendants(&table.name);
        for table in std::iter::once(table).chain(parts) {
            for trigger in &table.triggers {
                let runs = !trigger.disabled && trigger.events.iter().any(|known| known == event);
                if runs
                    && !self.is_harmless(table, trigger)
                    && let Err(why) = self.keeps_inside(table, trigger)
                {
                    let what = if trigger.is_rule { "rule" } else { "trigger" };
                    let why = (!why.is_empty()).then(|| format!("its function is not proved: {why}"));
                    let message = format!(
                        "the {what} `{}` on `{}` may read or write anything",
                        trigger.name, table.name.name
                    );
                    self.obstacle_with_help(ObstacleKind::UnknownFunction, range, message, why);
                }
            }
        }
    }

    /// Triggers of the tables that referential actions reach. `updated` are the positions of the columns that an
    /// update sets; `None` for a deletion.
    pub(super) fn cascade_triggers(&mut self, table: &'a Table, updated: Option<&[usize]>, range: TextRange) {
        let catalog = self.catalog;
        let mut seen: BTreeSet<(QualifiedName, bool)> = BTreeSet::new();
        let updated_names: Option<Vec<&str>> = updated.map(|positions| {
            positions
                .iter()
                .filter_map(|position| table.columns.get(*position))
                .map(|c| c.name.as_str())
                .collect()
        });
        // Whether ONLY was said is not known here: whatever inherits may be reached too.
        let all = catalog.stored_in(table, false).into_iter();
        let mut queue: Vec<(&Table, bool, bool)> = all.map(|part| (part, updated.is_none(), true)).collect();
        while let Some((parent, deleted, first)) = queue.pop() {
            for child in catalog.tables.values() {
                for key in child.foreign_keys.iter().filter(|key| key.target == parent.name) {
                    let action = if deleted { &key.on_delete } else { &key.on_update };
                    let touched = match (&updated_names, first) {
                        (Some(names), true) => {
                            key.target_columns.iter().any(|column| names.contains(&column.as_str()))
                        }
                        _ => true,
                    };
                    let event = match action {
                        _ if !touched => continue,
                        // The proof tells of the latter by itself.
                        ReferentialAction::Refuse | ReferentialAction::Unknown => continue,
                        ReferentialAction::Cascade if deleted => "DELETE",
                        ReferentialAction::Cascade
                        | ReferentialAction::SetNull(_)
                        | ReferentialAction::SetDefault(_) => "UPDATE",
                    };
                    if seen.insert((child.name.clone(), event == "DELETE")) {
                        self.event_triggers(child, event, range);
                        let parts = catalog.stored_in(child, true).into_iter();
                        queue.extend(parts.map(|part| (part, event == "DELETE", false)));
                    }
                }
            }
        }
    }

    /// A trigger whose function only assigns columns of the new row that say nothing of its owner.
    pub(super) fn is_harmless(&self, table: &Table, trigger: &Trigger) -> bool {
        let Some(name) = &trigger.function else { return false };
        if trigger.is_rule || !self.asks_nothing(trigger) {
            return false;
        }
        if self.tenancy.trusted_functions.contains_key(&name.name) {
            return true;
        }
        let functions = self.catalog.functions.get(name).map(Vec::as_slice);
        let Some([function]) = functions else { return false };
        self.only_assigns_new(function)
            .is_some_and(|columns| columns.iter().all(|column| !self.tells_owner(table, column)))
    }

    /// Whether the condition of a trigger calls nothing that may look at other rows.
    pub(super) fn asks_nothing(&self, trigger: &Trigger) -> bool {
        trigger.when.as_ref().is_none_or(|when| {
            let condition = when.get("when".len()..).unwrap_or(when);
            self.unknown_function_in(condition).is_none()
        })
    }

    #[cfg(feature = "postgres")]
    fn keeps_inside(&self, table: &Table, trigger: &Trigger) -> Result<(), String> {
        self.trigger_keeps_inside(table, trigger)
    }

    #[cfg(not(feature = "postgres"))]
    fn keeps_inside(&self, _table: &Table, _trigger: &Trigger) -> Result<(), String> {
        Err(String::new())
    }

    /// Whether a column is a key of the tenant or refers to another row, or such a column is computed from it.
    pub(super) fn tells_owner(&self, table: &Table, column: &str) -> bool {
        let computed = table.columns.iter().filter(|other| match &other.default {
            ColumnDefault::Computed(text) => tokens(text).is_none_or(|tokens| {
                tokens.iter().any(|token| matches!(token, Token::Word(word) if word == column))
            }),
            ColumnDefault::None | ColumnDefault::Generated | ColumnDefault::Expr(_) => false,
        });
        std::iter::once(column)
            .chain(computed.map(|other| other.name.as_str()))
            .any(|column| self.is_owners(table, column))
    }

    fn is_owners(&self, table: &Table, column: &str) -> bool {
        let key = match self.tenancy.owner(&table.name) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().any(|(name, _)| name == column)
            }
            TableOwner::Child { by, .. } => by == column,
            TableOwner::Shared | TableOwner::Undeclared => true,
        };
        let refers =
            table.foreign_keys.iter().any(|foreign| foreign.columns.iter().any(|name| name == column));
        key || refers
    }

    /// The columns that a trigger function assigns, if it does nothing else that could reach another row.
    fn only_assigns_new(&self, function: &Function) -> Option<Vec<String>> {
        let own_operators = !self.catalog.operators.is_empty();
        if function.language != "plpgsql" || self.dialect != Dialect::Postgres || own_operators {
            return None;
        }
        assigned_columns(&function.body, &|name| {
            self.tenancy.trusted_functions.contains_key(name) || self.is_known_scalar(name)
        })
    }

    fn is_known_scalar(&self, name: &str) -> bool {
        let user = self.catalog.functions.keys().any(|known| known.name == name);
        let shape = Shape { arity: 1, over: false, within_group: false };
        !user && matches!(functions::builtin(self.dialect, name, shape), Some(Class::Scalar(_)))
    }

    /// Whether all functions of the schema that have this name, in whichever schema, compute a value of their arguments and
    /// read nothing else.
    pub(super) fn is_pure_user_function(&self, name: &str) -> bool {
        self.is_pure_within(name, CALLS)
    }

    fn is_pure_within(&self, name: &str, calls: usize) -> bool {
        let Some(calls) = calls.checked_sub(1) else { return false };
        // An operator of the schema's own may stand in the body.
        if self.dialect != Dialect::Postgres || !self.catalog.operators.is_empty() {
            return false;
        }
        let may_call = |called: &str| {
            self.tenancy.trusted_functions.contains_key(called)
                || self.is_known_scalar(called)
                || self.is_pure_within(called, calls)
        };
        let mut overloads = self
            .catalog
            .functions
            .iter()
            .filter(|(known, _)| known.name == name)
            .flat_map(|(_, all)| all)
            .peekable();
        overloads.peek().is_some() && overloads.all(|function| is_pure(function, &may_call))
    }

    /// A function that a piece of SQL text calls and of which nothing says that it only computes; text that cannot be cut
    /// into tokens calls anything.
    pub(super) fn unknown_function_in(&self, text: &str) -> Option<String> {
        let Some(tokens) = tokens(text) else { return Some("?".to_owned()) };
        let mut calls = tokens.windows(2).filter_map(|pair| match pair {
            [Token::Word(name), next] if next.is("(") => Some(name),
            _ => None,
        });
        calls.find(|name| !self.only_computes(name)).cloned()
    }

    /// The word before a parenthesis is a keyword, a type, or a function that touches no row.
    fn only_computes(&self, name: &str) -> bool {
        if self.tenancy.trusted_functions.contains_key(name) {
            return true;
        }
        if self.catalog.functions.keys().any(|known| known.name == name) {
            return self.is_pure_user_function(name);
        }
        match self.dialect {
            Dialect::Postgres => is_keyword(name) || SETTLED.contains(&name) || self.is_known_scalar(name),
            // Nobody makes functions there that run by themselves and read tables.
            Dialect::Mysql | Dialect::Sqlite => true,
        }
    }
}

/// Functions that are not among those of queries, but give a new row a value of its own: numbers of a sequence are fresh,
/// and a setting is the session's.
const SETTLED: &[&str] = &["nextval", "current_setting", "num_nonnulls", "num_nulls"];
