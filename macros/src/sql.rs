//! `tenant_sql!`.

use std::path::PathBuf;
use std::sync::Arc;

use proc_macro::{Delimiter, Literal, Span, TokenStream, TokenTree};
use tenantry_judge::marked::{Workspace, judge_file, judge_literal, proved_file, proved_literal};

use crate::emit::{self, core_macro, error, group};

const FORM: &str =
    "tenantry: write `tenant_sql!(\"…\")`, `tenant_sql!(\"…\", tenant = $2)` or `tenant_sql!(file \"…\")`";

/// What is checked.
enum Text {
    Literal(Literal),
    File(Literal),
}

pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let Some((text, tenant)) = read(tokens) else {
        return error(Span::call_site(), FORM).into_iter().collect();
    };
    match text {
        Text::Literal(literal) => {
            let written = literal.to_string();
            let span = literal.span();
            if let Some(kept) = crate::kept(|place, folder| proved_literal(place, folder, &written, tenant)) {
                return block(&kept, vec![TokenTree::Literal(literal)]);
            }
            let judge =
                |workspace: &Arc<Workspace>| judge_literal(workspace, crate::place(), &written, tenant);
            checked(judge, span, |_| vec![TokenTree::Literal(literal)])
        }
        Text::File(path) => {
            let written = path.to_string();
            let span = path.span();
            let included = |path: PathBuf| {
                core_macro("include_str", Delimiter::Parenthesis, &path.to_string_lossy(), span)
            };
            if let Some((path, kept)) =
                crate::kept(|place, folder| proved_file(place, folder, &written, tenant))
            {
                return block(&kept, included(path));
            }
            let judge = |workspace: &Arc<Workspace>| judge_file(workspace, crate::place(), &written, tenant);
            checked(judge, span, |found| included(found.unwrap_or_default()))
        }
    }
}

/// The value, and before it what is wrong with the text.
fn checked(
    judge: impl FnOnce(&Arc<Workspace>) -> tenantry_judge::marked::JudgedText + Send,
    span: Span,
    value: impl FnOnce(Option<PathBuf>) -> Vec<TokenTree>,
) -> TokenStream {
    let (workspace, judged) = match crate::in_workspace(judge) {
        Ok(found) => found,
        Err(why) => return error(span, &why).into_iter().collect(),
    };
    let mut inner: Vec<TokenTree> = judged.told.iter().flat_map(|told| error(span, &told.message)).collect();
    if inner.is_empty() {
        return block(&workspace.files(), value(judged.path));
    } else if judged.told.len() > 1 {
        inner.push(TokenTree::Literal(Literal::string("")));
    } else {
        // Where there is no file to read, there is no value either.
        return inner.into_iter().collect();
    }
    braces(inner)
}

/// The value, and before it what makes the compiler watch the files that it rests on.
fn block(files: &Arc<[PathBuf]>, value: Vec<TokenTree>) -> TokenStream {
    // An editor's macro server compiles nothing that would have to be compiled again.
    let watched = if crate::is_editor() { Vec::new() } else { emit::files_to_watch(files) };
    let mut inner = emit::watched(&watched);
    inner.extend(value);
    braces(inner)
}

/// Always a block: what is checked cannot become a part of another text by `concat!` or `format!`.
fn braces(inner: Vec<TokenTree>) -> TokenStream {
    [group(Delimiter::Brace, inner, Span::mixed_site())].into_iter().collect()
}

fn read(tokens: TokenStream) -> Option<(Text, Option<u32>)> {
    let mut tokens = tokens.into_iter().peekable();
    let text = match tokens.next()? {
        TokenTree::Ident(word) if word.to_string() == "file" => Text::File(literal(tokens.next()?)?),
        other => Text::Literal(literal(other)?),
    };
    let mut rest: Vec<String> = Vec::new();
    for token in tokens {
        rest.push(token.to_string());
    }
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest.as_slice() {
        [] | [","] => Some((text, None)),
        [",", "tenant", "=", "$", number] | [",", "tenant", "=", "$", number, ","] => {
            Some((text, Some(number.parse().ok().filter(|number| *number > 0)?)))
        }
        _ => None,
    }
}

fn literal(token: TokenTree) -> Option<Literal> {
    match token {
        TokenTree::Literal(literal) => Some(literal),
        // What a macro hands on stands in a group of its own.
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let mut inner = group.stream().into_iter();
            let only = inner.next()?;
            if inner.next().is_some() { None } else { literal(only) }
        }
        TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) => None,
    }
}
