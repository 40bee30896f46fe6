//! As much of async-trait as the cases need: `async fn f(…) -> R { … }` becomes a function that gives back a boxed future.
extern crate proc_macro;
use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

#[proc_macro_attribute]
pub fn async_trait(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.pop() {
        let mut boxed = Group::new(Delimiter::Brace, functions(body.stream()));
        boxed.set_span(body.span());
        tokens.push(TokenTree::Group(boxed));
    }
    tokens.into_iter().collect()
}

fn functions(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        if !matches!(&token, TokenTree::Ident(word) if word.to_string() == "async") {
            out.push(token);
            continue;
        }
        // `fn name(parameters) -> Type { body }` or with `;` for the body.
        let mut result: Option<Vec<TokenTree>> = None;
        for token in tokens.by_ref() {
            match token {
                TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                    arrow(&mut out, result.take());
                    out.push(TokenTree::Group(boxed(body)));
                    break;
                }
                TokenTree::Punct(end) if end.as_char() == ';' => {
                    arrow(&mut out, result.take());
                    out.push(TokenTree::Punct(end));
                    break;
                }
                TokenTree::Punct(dash) if dash.as_char() == '-' => result = Some(Vec::new()),
                other => match &mut result {
                    Some(result) if result.is_empty() && matches!(&other, TokenTree::Punct(_)) => {}
                    Some(result) => result.push(other),
                    None => out.push(other),
                },
            }
        }
    }
    out.into_iter().collect()
}

fn arrow(out: &mut Vec<TokenTree>, result: Option<Vec<TokenTree>>) {
    let result: TokenStream = result.unwrap_or_else(|| parse("()")).into_iter().collect();
    let future = format!("-> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<Output = {result}> + '_>>");
    out.extend(parse(&future));
}

fn boxed(body: Group) -> Group {
    let mut inner = parse("async move");
    inner.push(TokenTree::Group(body.clone()));
    let mut call = parse("::std::boxed::Box::pin");
    call.push(TokenTree::Group(Group::new(Delimiter::Parenthesis, inner.into_iter().collect())));
    let mut group = Group::new(Delimiter::Brace, call.into_iter().collect());
    group.set_span(body.span());
    group
}

fn parse(text: &str) -> Vec<TokenTree> {
    text.parse::<TokenStream>().unwrap().into_iter().collect()
}
