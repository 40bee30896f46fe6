//! What names mean in a body besides columns.

use std::collections::BTreeMap;

use tenantry_policy::Dialect;

use super::{Body, VariableKind};
use crate::ast::{ExprKind, SelectItem, SetExpr, Statement};
use crate::catalog::{Catalog, Function, Table};
use crate::lower::scan::{Token, tokens};
use crate::types::SqlType;

/// What a name stands for: a placeholder, and its type where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The placeholder, from 1.
    pub(crate) param: u32,
    /// The type of its values.
    pub(crate) ty: Option<SqlType>,
}

/// The variables of a body, each a placeholder: those of the parameters come first and have their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    names: BTreeMap<Vec<String>, Meaning>,
    /// What `$1`, `$2`, … mean.
    numbered: Vec<Meaning>,
    count: u32,
}

/// Variables that are always there, with their types.
const TOLD: &[(&str, SqlType)] =
    &[("found", SqlType::Bool), ("sqlstate", SqlType::Text), ("sqlerrm", SqlType::Text)];

/// Those of a trigger's function.
const OF_TRIGGERS: &[&str] =
    &["tg_name", "tg_when", "tg_level", "tg_op", "tg_table_name", "tg_table_schema", "tg_relname"];

impl Variables {
    /// The variables of a function, and the columns of the rows for which it runs as a trigger. Fails with a name that may
    /// mean two things.
    pub(crate) fn of(
        catalog: &Catalog,
        function: &Function,
        body: &Body,
        row: Option<&Table>,
    ) -> Result<Variables, String> {
        let mut variables = Variables::default();
        let own = &function.name.name;
        let returned = SqlType::from_name(&function.returns, None);
        let declared = body.variables.iter().filter_map(|variable| written_type(catalog, &variable.ty));
        let of_head = function.params.iter().chain(&function.columns).map(|(_, ty)| ty.clone());
        let mut types = declared.chain(of_head).chain([returned]);
        if types.any(|ty| !catalog.run_by_type(&ty).is_empty()) {
            return Err("a domain with conditions in it is not modelled".to_owned());
        }
        for (name, ty) in &function.params {
            let meaning = variables.fresh(value_type(catalog, ty));
            variables.numbered.push(meaning.clone());
            if !name.is_empty() {
                variables.add(vec![name.clone()], meaning.clone())?;
                variables.add(vec![own.clone(), name.clone()], meaning)?;
            }
        }
        for (name, ty) in &function.columns {
            let is_both = function.params.iter().any(|(known, _)| known == name);
            if !name.is_empty() && !is_both {
                let meaning = variables.fresh(value_type(catalog, ty));
                variables.add(vec![name.clone()], meaning.clone())?;
                variables.add(vec![own.clone(), name.clone()], meaning)?;
            }
        }
        for (name, ty) in TOLD {
            let meaning = variables.fresh(Some(ty.clone()));
            variables.add(vec![(*name).to_owned()], meaning)?;
        }
        if let Some(table) = row {
            variables.add_rows(catalog, table)?;
        }
        variables.add_declared(catalog, body)?;
        variables.add_fields(&function.body);
        Ok(variables)
    }

    /// Values of placeholders alone, as a text that is executed sees them.
    pub(crate) fn numbered(count: u32, values: Vec<Meaning>) -> Variables {
        Variables { names: BTreeMap::new(), numbered: values, count }
    }

    fn add_rows(&mut self, catalog: &Catalog, table: &Table) -> Result<(), String> {
        for name in OF_TRIGGERS {
            let meaning = self.fresh(Some(SqlType::Text));
            self.add(vec![(*name).to_owned()], meaning)?;
        }
        for name in ["tg_nargs", "tg_argv"] {
            let meaning = self.fresh(None);
            self.add(vec![name.to_owned()], meaning)?;
        }
        for row in ["new", "old"] {
            let meaning = self.fresh(None);
            self.add(vec![row.to_owned()], meaning)?;
            for column in &table.columns {
                let meaning = self.fresh(value_type(catalog, &column.ty));
                self.add(vec![row.to_owned(), column.name.clone()], meaning)?;
            }
        }
        Ok(())
    }

    fn add_declared(&mut self, catalog: &Catalog, body: &Body) -> Result<(), String> {
        let mut counters: Vec<&str> = Vec::new();
        for variable in &body.variables {
            let name = variable.name.as_str();
            let meaning = match &variable.kind {
                VariableKind::Counter if counters.contains(&name) => continue,
                VariableKind::Counter => {
                    counters.push(name);
                    self.fresh(Some(SqlType::Int))
                }
                VariableKind::Value | VariableKind::CursorArgument => {
                    let ty = written_type(catalog, &variable.ty);
                    self.fresh(ty.and_then(|ty| value_type(catalog, &ty)))
                }
                VariableKind::Cursor => self.fresh(None),
                VariableKind::Alias(of) => {
                    let meant = match of.strip_prefix('$') {
                        Some(number) => number.parse().ok().and_then(|number| self.number(number)),
                        None => self.names.get([of.clone()].as_slice()).cloned(),
                    };
                    meant.ok_or_else(|| format!("the name `{of}` does not resolve"))?
                }
            };
            self.add(vec![name.to_owned()], meaning)?;
        }
        Ok(())
    }

    /// The fields of rows, as far as the body names them: each is a value of its own.
    fn add_fields(&mut self, text: &str) {
        let all: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        for at in 0..all.len() {
            let follows_dot =
                at.checked_sub(1).and_then(|at| all.get(at)).is_some_and(|token| token.is_punct(b'.'));
            let Some([row, dot, field]) = all.get(at..at + 3) else { continue };
            let (Some(row), true, Some(field)) = (row.name(text), dot.is_punct(b'.'), field.name(text))
            else {
                continue;
            };
            let is_row = self.names.get([row.clone()].as_slice()).is_some_and(|meaning| meaning.ty.is_none());
            let path = vec![row, field];
            if is_row && !follows_dot && !self.names.contains_key(&path) {
                let meaning = self.fresh(None);
                self.names.insert(path, meaning);
            }
        }
    }

    fn fresh(&mut self, ty: Option<SqlType>) -> Meaning {
        self.count += 1;
        Meaning { param: self.count, ty }
    }

    fn add(&mut self, path: Vec<String>, meaning: Meaning) -> Result<(), String> {
        let shown = path.join(".");
        match self.names.insert(path, meaning) {
            Some(_) => Err(format!("the name `{shown}` is declared twice")),
            None => Ok(()),
        }
    }

    /// What a name means, if it is a variable's.
    pub(crate) fn meaning(&self, path: &[&str]) -> Option<Meaning> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        self.names.get(&path).cloned()
    }

    /// What `$n` means.
    pub(crate) fn number(&self, number: u32) -> Option<Meaning> {
        self.numbered.get((number as usize).checked_sub(1)?).cloned()
    }

    /// The placeholder after the last.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }
}

/// The type that a variable of this type has, if its values are plain: a row has fields instead.
fn value_type(catalog: &Catalog, ty: &SqlType) -> Option<SqlType> {
    match catalog.resolve_type(ty) {
        // What is cut off or padded is so when the variable is set; a parameter's length says nothing.
        SqlType::Unknown | SqlType::Named(_) => None,
        ty => Some(ty),
    }
}

/// The type of a declaration: as a cast has it, or `table.column%TYPE`.
fn written_type(catalog: &Catalog, written: &str) -> Option<SqlType> {
    let lower = written.to_ascii_lowercase();
    if let Some(of) = lower.strip_suffix("%type") {
        let parts: Vec<&str> = of.trim().split('.').map(|part| part.trim_matches('"')).collect();
        let (schema, table, column) = match parts.as_slice() {
            [table, column] => (None, *table, *column),
            [schema, table, column] => (Some(*schema), *table, *column),
            _ => return None,
        };
        let Some(crate::catalog::Relation::Table(table)) = catalog.relation(schema, table) else {
            return None;
        };
        return table.columns.get(table.column(column)?).map(|column| column.ty.clone());
    }
    let parsed = crate::lower::statements(Dialect::Postgres, &format!("SELECT NULL::{written}"));
    let [statement] = parsed.as_slice() else { return None };
    let Statement::Query(query) = &statement.statement else { return None };
    let SetExpr::Select(select) = &query.body else { return None };
    match select.items.as_slice() {
        [SelectItem::Expr { expr, .. }] if statement.unread.is_empty() && select.from.is_empty() => {
            match &expr.kind {
                ExprKind::Cast { ty, .. } => Some(ty.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}
