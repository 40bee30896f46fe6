//! Functions and procedures.

use squawk_syntax::ast::{self, AstNode};

use super::nodes::text;
use super::{Read, Reader, Refusal, need};
use crate::catalog::{Function, QualifiedName, RoutineKind, Volatility};
use crate::types::SqlType;

/// The parts of `CREATE FUNCTION` and `CREATE PROCEDURE`.
pub(super) struct Routine<'a> {
    pub(super) path: Option<ast::Path>,
    pub(super) or_replace: bool,
    pub(super) params: Option<ast::ParamList>,
    pub(super) returns: Option<ast::RetType>,
    pub(super) options: Option<ast::FuncOptionList>,
    pub(super) body: Option<ast::RoutineBody>,
    pub(super) is_procedure: bool,
    pub(super) node: &'a squawk_syntax::SyntaxNode,
}

impl Reader<'_> {
    /// `CREATE FUNCTION` and `CREATE PROCEDURE`.
    pub(super) fn create_routine(&mut self, routine: &Routine<'_>) -> Read {
        let name = self.created(self.path(routine.path.clone())?);
        let mut function = Function::new(name.clone(), self.span(routine.node));
        let params = need(routine.params.clone(), "parameters")?;
        self.params(&mut function, &params)?;
        if routine.is_procedure {
            let has_out = params.all_params().any(|param| directions(param.mode()) == (false, true));
            function.kind = RoutineKind::Procedure { has_out };
        }
        if let Some(returns) = &routine.returns {
            self.returns(&mut function, returns)?;
        }
        if let Some(options) = &routine.options {
            self.function_options(&mut function, options)?;
        }
        if let Some(body) = &routine.body {
            function.body = text(body.syntax());
        }
        if function.language.is_empty() {
            "sql".clone_into(&mut function.language);
        }
        let replaces = routine.or_replace;
        let overloads = self.catalog().functions.entry(name.clone()).or_default();
        let same = overloads.iter().position(|known| known.signature == function.signature);
        match same.and_then(|at| overloads.get_mut(at)) {
            Some(known) if replaces => *known = function,
            Some(_) => {
                // Which of the two is there is not known; both are kept, and neither is believed alone.
                overloads.push(function);
                return Err(Refusal::new(format!(
                    "the function {} was created before, and not dropped since",
                    name.name
                )));
            }
            None => overloads.push(function),
        }
        Ok(())
    }

    fn params(&self, function: &mut Function, params: &ast::ParamList) -> Read {
        for param in params.all_params() {
            let name = match param.name() {
                Some(name) => self.ident(Some(name.syntax()), "parameter")?,
                None => String::new(),
            };
            let written = self.func_type(param.func_type())?;
            let (is_in, is_out) = directions(param.mode());
            function.has_own_settings |= matches!(param.mode(), Some(ast::ParamMode::ParamVariadic(_)));
            if is_in {
                let default = param.param_default().and_then(|default| default.expr());
                function.defaults.push(default.map(|default| text(default.syntax())));
                function.params.push((name.clone(), written.ty.clone()));
                function.signature.push(written.signature);
            }
            if is_out {
                function.columns.push((name, written.ty));
            }
        }
        Ok(())
    }

    /// The types of a list of parameters that tell overloads apart.
    pub(super) fn signature(&self, params: &ast::ParamList) -> Read<Vec<String>> {
        let params = params.all_params().filter(|param| directions(param.mode()).0);
        params.map(|param| Ok(self.func_type(param.func_type())?.signature)).collect()
    }

    fn returns(&self, function: &mut Function, returns: &ast::RetType) -> Read {
        if let Some(table) = returns.return_table_arg_list() {
            for column in table.args() {
                let name = self.ident(column.name().as_ref().map(AstNode::syntax), "column")?;
                let ty = self.func_type(column.func_type())?.ty;
                function.columns.push((name, ty));
            }
            "record".clone_into(&mut function.returns);
            function.returns_set = true;
            return Ok(());
        }
        let written = self.func_type(returns.func_type())?;
        function.returns = match &written.ty {
            SqlType::Array(_) => written.signature,
            _ => written.name,
        };
        function.returns_set = written.set;
        Ok(())
    }

    /// A function by the name that a statement gives it.
    pub(super) fn function_ref(&self, path: Option<ast::PathRef>) -> Read<QualifiedName> {
        let name = self.path_ref(path)?;
        Ok(self.existing(name, |name| self.editor.catalog.functions.contains_key(name)))
    }

    /// `ALTER FUNCTION`, `PROCEDURE` and `ROUTINE` that change options.
    pub(super) fn alter_routine_options(
        &mut self,
        name: &QualifiedName,
        params: Option<ast::ParamList>,
        options: &ast::FuncOptionList,
    ) -> Read {
        let which = self.which_overloads(params)?;
        let mut overloads = self.catalog().functions.get(name).cloned().unwrap_or_default();
        let mut found = false;
        for function in overloads.iter_mut().filter(|function| which(&function.signature)) {
            self.function_options(function, options)?;
            found = true;
        }
        if found {
            self.catalog().functions.insert(name.clone(), overloads);
        }
        self.missing(found, || Refusal::new(format!("there is no function {}", name.name)))
    }

    /// `ALTER FUNCTION … RENAME TO` and `SET SCHEMA`.
    pub(super) fn rename_routine(
        &mut self,
        from: &QualifiedName,
        params: Option<ast::ParamList>,
        to: &QualifiedName,
    ) -> Read {
        let which = self.which_overloads(params)?;
        let found = self.editor.rename_functions(from, to, which);
        self.missing(found, || Refusal::new(format!("there is no function {}", from.name)))
    }

    fn which_overloads(&self, params: Option<ast::ParamList>) -> Read<impl Fn(&[String]) -> bool + use<>> {
        let signature = match params {
            Some(params) => Some(self.signature(&params)?),
            None => None,
        };
        Ok(move |known: &[String]| signature.as_ref().is_none_or(|written| written == known))
    }
}

/// Whether a parameter goes in, and whether it comes out.
fn directions(mode: Option<ast::ParamMode>) -> (bool, bool) {
    match mode {
        None | Some(ast::ParamMode::ParamIn(_) | ast::ParamMode::ParamVariadic(_)) => (true, false),
        Some(ast::ParamMode::ParamInOut(_)) => (true, true),
        Some(ast::ParamMode::ParamOut(_)) => (false, true),
    }
}

impl Reader<'_> {
    fn function_options(&self, function: &mut Function, options: &ast::FuncOptionList) -> Read {
        for option in options.options() {
            match option {
                ast::FuncOption::AsFuncOption(it) => {
                    function.body = match it.as_func_target() {
                        Some(ast::AsFuncTarget::AsDefinition(definition)) => definition
                            .literal()
                            .and_then(|literal| literal.string_value())
                            .unwrap_or_default(),
                        // A function of a library has no text.
                        Some(ast::AsFuncTarget::AsObjFile(_)) | None => String::new(),
                    };
                }
                ast::FuncOption::LanguageFuncOption(it) => {
                    function.language = it
                        .language_name()
                        .map(|language| language.name.to_ascii_lowercase())
                        .unwrap_or_default();
                }
                ast::FuncOption::VolatilityFuncOption(it) => {
                    function.volatility = match it {
                        ast::VolatilityFuncOption::Immutable(_) => Volatility::Immutable,
                        ast::VolatilityFuncOption::Stable(_) => Volatility::Stable,
                        ast::VolatilityFuncOption::Volatile(_) => Volatility::Volatile,
                    };
                }
                ast::FuncOption::SecurityDefinerFuncOption(_) => function.security_definer = true,
                ast::FuncOption::SecurityInvokerFuncOption(_) => function.security_definer = false,
                ast::FuncOption::StrictFuncOption(_)
                | ast::FuncOption::ReturnsNullOnNullInputFuncOption(_) => function.strict = true,
                ast::FuncOption::CalledOnNullInputFuncOption(_) => function.strict = false,
                ast::FuncOption::SetFuncOption(it) => {
                    function.has_own_settings = true;
                    let config = need(it.set_config_param(), "setting")?;
                    if self.is_search_path(config.config_parameter_ref())? {
                        function.search_path = Some(self.written_path(config.config_assignment())?);
                    }
                }
                ast::FuncOption::ResetFuncOption(it) => {
                    if it.all_token().is_some() || self.is_search_path(it.config_parameter_ref())? {
                        function.search_path = None;
                    }
                }
                ast::FuncOption::CostFuncOption(_)
                | ast::FuncOption::LeakproofFuncOption(_)
                | ast::FuncOption::NotLeakproofFuncOption(_)
                | ast::FuncOption::ParallelFuncOption(_)
                | ast::FuncOption::RowsFuncOption(_)
                | ast::FuncOption::SupportFuncOption(_)
                | ast::FuncOption::TransformFuncOption(_)
                | ast::FuncOption::WindowFuncOption(_) => {}
            }
        }
        Ok(())
    }

    fn is_search_path(&self, name: Option<ast::ConfigParameterRef>) -> Read<bool> {
        Ok(self.path_ref(name.and_then(|name| name.path_ref()))?.name == "search_path")
    }
}
