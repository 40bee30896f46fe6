//! `ALTER TABLE`.

use sqlparser::ast as sql;
use tenantry_policy::Dialect;

use super::table::{Pending, Stands};
use super::{Read, Reader, Refusal, behavior, fold};
use crate::catalog::{Column, ColumnDefault, KeyKind, QualifiedName};
use crate::lower::edit::Behavior;

impl Reader<'_> {
    /// Applies the operations one by one; one that is not modelled does not cost the others.
    pub(super) fn alter_table(&mut self, alter: sql::AlterTable) -> Read {
        let sql::AlterTable {
            name,
            if_exists,
            only: _,
            operations,
            location: _,
            on_cluster: _,
            table_type: _,
            end_token: _,
        } = alter;
        let mut name = self.relation(&name)?;
        if !self.editor.catalog.tables.contains_key(&name) {
            return match if_exists {
                true => Ok(()),
                false => Err(Refusal::of(&name, format!("there is no table {}", name.name))),
            };
        }
        for operation in operations {
            if let sql::AlterTableOperation::RenameTable {
                table_name: sql::RenameTableNameKind::As(to) | sql::RenameTableNameKind::To(to),
            } = &operation
            {
                let (schema, to) = self.parts(to)?;
                let to = QualifiedName { schema: schema.unwrap_or_else(|| name.schema.clone()), name: to };
                self.rename(&name, &to)?;
                name = to;
                continue;
            }
            if let Err(refusal) = self.operation(&name, operation) {
                self.skip(Refusal { table: Some(name.clone()), ..refusal });
            }
        }
        Ok(())
    }

    fn operation(&mut self, name: &QualifiedName, operation: sql::AlterTableOperation) -> Read {
        use sql::AlterTableOperation as Op;
        match operation {
            Op::AddColumn { column_keyword: _, if_not_exists, column_def, column_position } => {
                self.add_column(name, if_not_exists, &column_def)?;
                self.move_column(name, &column_def.name, column_position)
            }
            Op::AddConstraint { constraint, not_valid: _ } => {
                self.add_constraint(name, constraint, Stands::Alone)
            }
            Op::DropColumn { has_column_keyword: _, column_names, if_exists, drop_behavior } => {
                let behavior = behavior(drop_behavior);
                for column in &column_names {
                    let found = self.editor.drop_column(name, &fold(column), behavior);
                    if !found && !if_exists {
                        return Err(Refusal::of(name, format!("{} has no column {column}", name.name)));
                    }
                }
                Ok(())
            }
            Op::RenameColumn { old_column_name, new_column_name } => {
                self.rename_column(name, &old_column_name, &new_column_name)
            }
            Op::ChangeColumn { old_name, new_name, data_type, options, column_position } => {
                if fold(&old_name) != fold(&new_name) {
                    self.rename_column(name, &old_name, &new_name)?;
                }
                self.redefine(name, &new_name, &data_type, options)?;
                self.move_column(name, &new_name, column_position)
            }
            Op::ModifyColumn { col_name, data_type, options, column_position } => {
                self.redefine(name, &col_name, &data_type, options)?;
                self.move_column(name, &col_name, column_position)
            }
            Op::AlterColumn { column_name, op } => self.alter_column(name, &column_name, op),
            Op::DropConstraint { if_exists, name: constraint, drop_behavior } => {
                self.drop_constraint(name, &fold(&constraint), if_exists, behavior(drop_behavior))
            }
            Op::DropForeignKey { name: constraint, drop_behavior } => {
                self.drop_constraint(name, &fold(&constraint), false, behavior(drop_behavior))
            }
            Op::DropIndex { name: index } => self.drop_index_of(name, &fold(&index)),
            Op::DropPrimaryKey { drop_behavior: _ } => {
                self.table(name)?.keys.retain(|key| key.kind != KeyKind::Primary);
                Ok(())
            }
            Op::RenameConstraint { old_name, new_name } => {
                match self.editor.rename_constraint(name, &fold(&old_name), &fold(&new_name)) {
                    true => Ok(()),
                    false => Err(Refusal::of(name, format!("{} has no constraint {old_name}", name.name))),
                }
            }
            // How the change is made, and numbers to come.
            Op::Algorithm { equals: _, algorithm: _ }
            | Op::Lock { equals: _, lock: _ }
            | Op::AutoIncrement { equals: _, value: _ }
            | Op::SetOptionsParens { options: _ } => Ok(()),
            other => Err(Refusal::of(name, format!("`{other}` is not modelled"))),
        }
    }

    fn add_column(&mut self, name: &QualifiedName, if_not_exists: bool, column: &sql::ColumnDef) -> Read {
        let mut pending = Pending::new();
        let added = self.column(name, column, &mut pending)?;
        let table = self.table(name)?;
        if table.column(&added.name).is_some() {
            return match if_not_exists {
                true => Ok(()),
                false => Err(Refusal::of(name, format!("{} has a column {} already", name.name, added.name))),
            };
        }
        table.columns.push(added);
        self.editor.column_added(name);
        let mut pending = pending.into_iter();
        pending.try_for_each(|(constraint, stands)| self.add_constraint(name, constraint, stands))
    }

    /// `FIRST` and `AFTER`: an `INSERT` without a list of columns goes by their order.
    fn move_column(
        &mut self,
        name: &QualifiedName,
        column: &sql::Ident,
        position: Option<sql::MySQLColumnPosition>,
    ) -> Read {
        let Some(position) = position else {
            return Ok(());
        };
        let table = self.table(name)?;
        let Some(from) = table.column(&fold(column)) else {
            return Ok(());
        };
        let column = table.columns.remove(from);
        let to = match position {
            sql::MySQLColumnPosition::First => 0,
            sql::MySQLColumnPosition::After(before) => match table.column(&fold(&before)) {
                Some(at) => at + 1,
                None => table.columns.len(),
            },
        };
        table.columns.insert(to, column);
        Ok(())
    }

    fn rename_column(&mut self, name: &QualifiedName, from: &sql::Ident, to: &sql::Ident) -> Read {
        match self.editor.rename_column(name, &fold(from), &fold(to)) {
            true => Ok(()),
            false => Err(Refusal::of(name, format!("{} has no column {from}", name.name))),
        }
    }

    /// Gives a column a new definition as a whole.
    fn redefine(
        &mut self,
        name: &QualifiedName,
        column: &sql::Ident,
        data_type: &sql::DataType,
        options: Vec<sql::ColumnOption>,
    ) -> Read {
        let mut pending = Pending::new();
        let names = vec![None; options.len()];
        let span = self.place(&sql::ObjectName::from(column.clone()));
        let new = self.column_of(name, column, data_type, options, names, span, &mut pending)?;
        let table = self.table(name)?;
        let in_key = table.primary_key().is_some_and(|key| key.columns.contains(&new.name));
        let at = table.column(&new.name);
        let Some(old) = at.and_then(|at| table.columns.get_mut(at)) else {
            return Err(Refusal::of(name, format!("{} has no column {column}", name.name)));
        };
        *old = Column { not_null: new.not_null || in_key, ..new };
        let mut pending = pending.into_iter();
        pending.try_for_each(|(constraint, stands)| self.add_constraint(name, constraint, stands))
    }

    fn alter_column(
        &mut self,
        name: &QualifiedName,
        column: &sql::Ident,
        op: sql::AlterColumnOperation,
    ) -> Read {
        use sql::AlterColumnOperation as Op;
        let new_default = match &op {
            Op::SetDefault { value } => Some(ColumnDefault::Expr(value.to_string())),
            Op::DropDefault => Some(ColumnDefault::None),
            Op::SetNotNull
            | Op::DropNotNull
            | Op::SetDataType { data_type: _, using: _, had_set: _ }
            | Op::AddGenerated { generated_as: _, sequence_options: _ } => None,
        };
        let table = self.table(name)?;
        let at = table.column(&fold(column));
        let Some(column) = at.and_then(|at| table.columns.get_mut(at)) else {
            return Err(Refusal::of(name, format!("{} has no column {column}", name.name)));
        };
        match (op, new_default) {
            (_, Some(default)) => column.default = default,
            (Op::SetNotNull, None) => column.not_null = true,
            (Op::DropNotNull, None) => column.not_null = false,
            (op, None) => return Err(Refusal::of(name, format!("`{op}` is not modelled"))),
        }
        Ok(())
    }

    fn drop_constraint(
        &mut self,
        name: &QualifiedName,
        constraint: &str,
        if_exists: bool,
        behavior: Behavior,
    ) -> Read {
        let found = self.editor.drop_constraint(name, constraint, behavior);
        match found || if_exists {
            true => Ok(()),
            false => Err(Refusal::of(name, format!("{} has no constraint {constraint}", name.name))),
        }
    }

    /// Drops an index of one table.
    pub(super) fn drop_index_of(&mut self, name: &QualifiedName, index: &str) -> Read {
        let table = self.table(name)?;
        let before = table.keys.len() + table.indexes.len();
        table.keys.retain(|key| key.name != index);
        table.indexes.retain(|known| known.name != index);
        match before != table.keys.len() + table.indexes.len() {
            true => Ok(()),
            false => Err(Refusal::of(name, format!("{} has no index {index}", name.name))),
        }
    }

    /// True if names of indexes belong to their tables.
    pub(super) fn indexes_belong_to_tables(&self) -> bool {
        self.dialect == Dialect::Mysql
    }
}
