//! What functions answer with, read from their heads alone: whether a guard leaves, or says yes or no.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use syn::{GenericArgument, PathArguments, ReturnType, Signature, Type, TypeParamBound};
use tenantry_policy::Trust;

use crate::limits;

/// What a function of some name answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The function's name.
    pub name: String,
    /// How many arguments it takes, without its receiver.
    pub arguments: usize,
    /// It is a method.
    pub is_method: bool,
    /// How many times its value is to be unwrapped: `Result<Option<T>, E>` is 2.
    pub layers: usize,
    /// What is left then is yes or no.
    pub is_bool: bool,
}

/// The names of the functions that the policy calls guards, without what each checks and without their modules.
pub fn guard_names(trust: &Trust) -> Vec<&str> {
    trust.guards.iter().map(|guard| guard_name(&guard.value)).collect()
}

pub(crate) fn guard_name(guard: &str) -> &str {
    let path = guard.split('(').next().unwrap_or(guard).trim();
    path.rsplit("::").next().unwrap_or(path)
}

/// The answers of the functions of a file that have one of these names.
///
/// Declarations in comments and strings are none, those in macros are, and those whose head does not parse say nothing.
pub fn answers(text: &str, names: &[&str]) -> Vec<Answer> {
    let mentions = |name: &&str| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some();
    if !names.iter().any(mentions) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = 0usize;
    // The start of the head that is read, how many brackets are open in it, and whether its name was seen.
    let mut head: Option<(usize, usize, bool)> = None;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let start = at;
        at += token.len as usize;
        let word = text.get(start..at).unwrap_or("");
        head = match (head, token.kind) {
            (_, TokenKind::Ident) if word == "fn" => Some((start, 0, false)),
            (Some((from, open, false)), TokenKind::Ident | TokenKind::RawIdent) => {
                names.contains(&word.trim_start_matches("r#")).then_some((from, open, true))
            }
            (head @ Some((_, _, false)), TokenKind::Whitespace) => head,
            (Some((_, _, false)), _) => None,
            (Some((from, 0, true)), TokenKind::OpenBrace | TokenKind::Semi) => {
                found.extend(text.get(from..start).and_then(answer));
                None
            }
            (Some((from, open, named)), TokenKind::OpenParen | TokenKind::OpenBracket) => {
                Some((from, open + 1, named))
            }
            (Some((from, open, named)), TokenKind::CloseParen | TokenKind::CloseBracket) => {
                open.checked_sub(1).map(|open| (from, open, named))
            }
            (head, _) => head,
        };
    }
    found
}

fn answer(head: &str) -> Option<Answer> {
    limits::check(head).ok()?;
    let signature: Signature = syn::parse_str(head).ok()?;
    let is_method = signature.receiver().is_some();
    let (layers, is_bool) = answer_of(&signature.output);
    let name = signature.ident.to_string().trim_start_matches("r#").to_owned();
    let arguments = signature.inputs.len() - usize::from(is_method);
    Some(Answer { name, arguments, is_method, layers, is_bool })
}

/// How often what a function gives back is to be unwrapped, and whether yes or no is left.
pub(crate) fn answer_of(output: &ReturnType) -> (usize, bool) {
    match output {
        ReturnType::Default => (0, false),
        ReturnType::Type(_, ty) => layers(ty),
    }
}

/// How many layers there are around a type's value, and whether that is yes or no.
fn layers(ty: &Type) -> (usize, bool) {
    match ty {
        Type::Paren(inner) => layers(&inner.elem),
        Type::Group(inner) => layers(&inner.elem),
        Type::Reference(inner) => layers(&inner.elem),
        Type::ImplTrait(of) => output(of.bounds.iter()),
        Type::TraitObject(of) => output(of.bounds.iter()),
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return (0, false) };
            let inner = match &last.arguments {
                PathArguments::AngleBracketed(list) => list.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(layers(ty)),
                    _ => None,
                }),
                _ => None,
            };
            let name = last.ident.to_string();
            match (name.as_str(), inner) {
                ("bool", _) => (0, true),
                ("Box" | "Pin" | "Arc" | "Rc" | "BoxFuture" | "LocalBoxFuture", Some(inner)) => inner,
                // By its name, since a crate's own `Result<T>` or `AppResult<T>` is declared elsewhere.
                (name, inner) if name == "Option" || name.ends_with("Result") => {
                    inner.map_or((1, false), |(layers, is_bool)| (layers + 1, is_bool))
                }
                // An alias of any other name; what holds nothing that is answered with is a value.
                (_, Some((layers, is_bool))) if layers > 0 || is_bool => (layers + 1, is_bool),
                _ => (0, false),
            }
        }
        _ => (0, false),
    }
}

/// What a future yields.
fn output<'t>(bounds: impl Iterator<Item = &'t TypeParamBound>) -> (usize, bool) {
    let mut outputs = bounds.filter_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let PathArguments::AngleBracketed(list) = &bound.path.segments.last()?.arguments else { return None };
        list.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(of) if of.ident == "Output" => Some(layers(&of.ty)),
            _ => None,
        })
    });
    outputs.next().unwrap_or((0, false))
}

#[cfg(test)]
mod tests {
    use super::answers;

    fn said(text: &str) -> Vec<(usize, usize, bool)> {
        let found = answers(text, &["check"]);
        found.into_iter().map(|answer| (answer.arguments, answer.layers, answer.is_bool)).collect()
    }

    #[test]
    fn heads_say_how_often_to_unwrap_and_whether_yes_or_no_is_left() {
        let cases = [
            ("fn check(a: u8) -> bool { a > 0 }", (1, 0, true)),
            ("pub async fn check(&self, a: u8) -> Result<bool, Error>;", (1, 1, true)),
            ("async fn check() -> anyhow::Result<()> {}", (0, 1, false)),
            ("async fn check() -> Result<Option<Member>> {}", (0, 2, false)),
            ("fn check<'a, F: Fn(u8) -> bool>(f: F) -> AppResult<()> where F: Send {}", (1, 1, false)),
            (
                "fn check(x: [u8; 2]) -> Pin<Box<dyn Future<Output = Result<bool, E>> + Send + '_>> {}",
                (1, 1, true),
            ),
            ("fn check() -> impl Future<Output = Option<()>> {}", (0, 1, false)),
            ("fn check() -> BoxFuture<'static, Checked<bool>> {}", (0, 1, true)),
            ("fn check() -> HashMap<String, u8> {}", (0, 0, false)),
            ("fn check() { }", (0, 0, false)),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), [expected], "{text}");
        }
    }

    #[test]
    fn only_declarations_of_the_name_count() {
        assert!(
            said("// fn check() -> bool {}\nfn checks() -> bool {} fn a() { check(); \"fn check() {}\"; }")
                .is_empty()
        );
        assert_eq!(
            said("trait A { fn check(&self) -> bool; } impl A for B { fn check(&self) -> bool { true } }")
                .len(),
            2
        );
    }
}
