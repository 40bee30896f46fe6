//! What declared types say of the values that have them.

use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound};
use tenantry_policy::Trust;
use tenantry_prover::verdict::Nullability;

use crate::declared::Declared;

/// Types that hand through what they hold, for the question of where a value comes from.
const WRAPPERS: &[&str] =
    &["Option", "Arc", "Rc", "Box", "Extension", "ReqData", "Data", "State", "Cow", "Vec", "Result", "Ref"];

/// Extractors whose values the client chooses, whatever type they hold. All carry generics.
const GENERIC_EXTRACTORS: &[&str] = &[
    "Path",
    "Query",
    "Json",
    "Form",
    "Qs",
    "QsQuery",
    "Request",
    "TypedHeader",
    "Multipart",
    "TypedMultipart",
    "Header",
    "ValidatedJson",
    "ValidatedQuery",
    "ValidatedForm",
    "ValidatedPath",
    "Valid",
    "Protobuf",
    "Msgpack",
    "RawForm",
    "Host",
    "Streaming",
    "Either",
    "WithRejection",
    "Cached",
    "Garde",
    "Validated",
];

/// Request data without generics.
const PLAIN_EXTRACTORS: &[&str] = &[
    "HeaderMap",
    "Headers",
    "HttpRequest",
    "RawQuery",
    "RawForm",
    "Multipart",
    "CookieJar",
    "Cookies",
    "Uri",
    "OriginalUri",
    "RawPathParams",
    "Payload",
    "Host",
    "RequestHead",
];

const INTEGERS: &[&str] = &[
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "NonZeroU32",
    "NonZeroI64",
];

/// What a declared type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Trusted,
    Request,
    Plain,
}

/// Classifies the declared type of a parameter or variable.
pub(crate) fn origin(ty: &Type, trust: &Trust) -> Origin {
    let Some((path, segment)) = head(ty) else { return Origin::Plain };
    let name = segment.ident.to_string();
    let listed =
        |list: &[tenantry_policy::Spanned<String>]| list.iter().any(|entry| names(&path, &entry.value));
    if listed(&trust.extractors) || listed(&trust.types) {
        return Origin::Trusted;
    }
    let inner = generic_types(segment);
    let generic = !inner.is_empty();
    if generic && GENERIC_EXTRACTORS.contains(&name.as_str()) || PLAIN_EXTRACTORS.contains(&name.as_str()) {
        return Origin::Request;
    }
    let suffixed = ["Json", "Form", "Query", "Path"].iter().any(|suffix| name.ends_with(suffix));
    if generic && suffixed {
        return Origin::Request;
    }
    if WRAPPERS.contains(&name.as_str()) {
        let of = inner.iter().map(|ty| origin(ty, trust));
        return of
            .max_by_key(|origin| match origin {
                Origin::Plain => 0,
                Origin::Trusted => 1,
                Origin::Request => 2,
            })
            .unwrap_or(Origin::Plain);
    }
    Origin::Plain
}

/// True if the path as written is what the policy names: the last segments are equal, and no longer path contradicts.
fn names(written: &str, entry: &str) -> bool {
    let entry = entry.split('<').next().unwrap_or(entry).trim();
    let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
    if last(written) != last(entry) {
        return false;
    }
    let foreign =
        |path: &str| ["sqlx", "std", "axum", "actix_web"].contains(&path.split("::").next().unwrap_or(""));
    !written.contains("::") || written == entry || !foreign(written)
}

/// The path of a type as written without generics, references and groups taken off, and its last segment.
pub(crate) fn head(ty: &Type) -> Option<(String, &PathSegment)> {
    match ty {
        Type::Path(path) => {
            let written: Vec<String> =
                path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            Some((written.join("::"), path.path.segments.last()?))
        }
        Type::Reference(reference) => head(&reference.elem),
        Type::Paren(paren) => head(&paren.elem),
        Type::Group(group) => head(&group.elem),
        Type::ImplTrait(of) => bound(of.bounds.iter()),
        Type::TraitObject(of) => bound(of.bounds.iter()),
        _ => None,
    }
}

fn bound<'t>(mut bounds: impl Iterator<Item = &'t TypeParamBound>) -> Option<(String, &'t PathSegment)> {
    bounds.find_map(|bound| match bound {
        TypeParamBound::Trait(of) => {
            let written: Vec<String> =
                of.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            Some((written.join("::"), of.path.segments.last()?))
        }
        _ => None,
    })
}

/// The name of a type without its path.
pub(crate) fn last_segment(ty: &Type) -> Option<String> {
    head(ty).map(|(_, segment)| segment.ident.to_string())
}

pub(crate) fn generic_types(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// `&mut …`.
pub(crate) fn is_mutable_reference(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_some())
}

/// Whether a value of the type may be NULL in SQL: `Option<…>`, behind references or under a name of this file.
pub(crate) fn nullability(ty: &Type, declared: &Declared<'_>) -> Nullability {
    if matches!(ty, Type::ImplTrait(_) | Type::TraitObject(_) | Type::Infer(_) | Type::Macro(_)) {
        return Nullability::Unseen;
    }
    let Some(name) = last_segment(ty) else { return Nullability::Never };
    match declared.aliases.get(&name) {
        _ if name == "Option" => Nullability::Maybe,
        Some(alias) if last_segment(alias).as_deref() == Some("Option") => Nullability::Maybe,
        // A type parameter stands for any type.
        None if name.chars().count() == 1 => Nullability::Unseen,
        Some(_) | None => Nullability::Never,
    }
}

/// A type whose values print as a number.
pub(crate) fn is_integer(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|name| INTEGERS.contains(&name.as_str()))
}

/// `&str`, `String`, `Cow<str>` and the like.
pub(crate) fn is_text(ty: &Type) -> bool {
    match head(ty) {
        Some((_, segment)) => match segment.ident.to_string().as_str() {
            "str" | "String" => true,
            "Cow" | "Box" | "Arc" | "Rc" => generic_types(segment).into_iter().any(is_text),
            _ => false,
        },
        None => false,
    }
}

/// A type as written, white space removed.
pub(crate) fn written(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
