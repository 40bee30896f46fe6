//! What declared types say of the values that have them.

use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound};
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

/// Libraries that speak HTTP.
const HTTP: &[&str] =
    &["http", "hyper", "axum", "axum_core", "actix_web", "poem", "salvo", "rocket", "warp", "tonic", "ntex"];

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Trusted,
    Plain,
    Request,
}

/// True for an extractor whose value the client chooses, by the name of its type.
pub(crate) fn is_request(name: &str, generic: bool) -> bool {
    let suffixed = ["Json", "Form", "Query", "Path"].iter().any(|suffix| name.ends_with(suffix));
    generic && (suffixed || GENERIC_EXTRACTORS.contains(&name)) || PLAIN_EXTRACTORS.contains(&name)
}

/// The type of a handler's last parameter, where that takes the body of the request as it is: `body: String` beside
/// extractors that say that the function is one.
pub(crate) fn plain_body(sig: &syn::Signature) -> Option<&Type> {
    let body = by_value(sig.inputs.last()?).filter(|ty| is_named(ty, &["String", "Bytes"]))?;
    let extractors = ["State", "Extension", "Path", "Query", "Data"];
    sig.inputs.iter().filter_map(by_value).any(|ty| is_named(ty, &extractors)).then_some(body)
}

/// The type of a parameter that is no reference.
fn by_value(input: &syn::FnArg) -> Option<&Type> {
    match input {
        syn::FnArg::Typed(typed) if !matches!(&*typed.ty, Type::Reference(_)) => Some(&typed.ty),
        _ => None,
    }
}

fn is_named(ty: &Type, names: &[&str]) -> bool {
    head(ty).is_some_and(|(_, segment)| names.iter().any(|name| segment.ident == name))
}

/// True for the request as a whole, or its head, of a library that speaks HTTP.
pub(crate) fn is_whole_request(full: &[String]) -> bool {
    let of_http = full.len() > 1 && full.first().is_some_and(|root| HTTP.contains(&root.as_str()));
    of_http
        && full
            .last()
            .is_some_and(|name| ["Request", "Parts", "RequestParts", "MetadataMap"].contains(&name.as_str()))
}

/// True for a type that hands through what it holds.
pub(crate) fn is_wrapper(name: &str) -> bool {
    WRAPPERS.contains(&name)
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

/// How many types within types, and other names of types, are looked behind.
const MAX_WITHIN: usize = 8;

/// Collections, whose own value is none of what they hold.
const COLLECTIONS: &[&str] = &["Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet"];

/// Whether a value of the type may be NULL in SQL: `Option<…>`, behind references or under a name of this file, and a type
/// that hands through a value of one, as `TenantId<Option<…>>` does. `is_parameter` says which names stand for any type.
pub(crate) fn nullability(
    ty: &Type,
    declared: &Declared<'_>,
    is_parameter: &impl Fn(&str) -> bool,
) -> Nullability {
    nullability_within(ty, declared, is_parameter, 0)
}

fn nullability_within(
    ty: &Type,
    declared: &Declared<'_>,
    is_parameter: &impl Fn(&str) -> bool,
    depth: usize,
) -> Nullability {
    let is_any = matches!(ty, Type::ImplTrait(_) | Type::TraitObject(_) | Type::Infer(_) | Type::Macro(_));
    if is_any || depth > MAX_WITHIN {
        return Nullability::Unseen;
    }
    let Some((_, segment)) = head(ty) else { return Nullability::Never };
    let name = segment.ident.to_string();
    let next = |ty: &Type| nullability_within(ty, declared, is_parameter, depth + 1);
    let aliases = declared.aliases.get(&name).map_or(&[][..], Vec::as_slice);
    // A type of one field may be written as that is.
    let only = declared.fields.get(&name).filter(|fields| fields.len() == 1);
    let own = match name.as_str() {
        "Option" => Nullability::Maybe,
        _ if aliases.is_empty() && (name.chars().count() == 1 || is_parameter(&name)) => Nullability::Unseen,
        _ => Nullability::Never,
    };
    let inner = match COLLECTIONS.contains(&name.as_str()) {
        true => Vec::new(),
        false => generic_types(segment),
    };
    let behind =
        aliases.iter().copied().chain(inner).chain(only.into_iter().flat_map(|only| only.values().copied()));
    behind.map(next).max().unwrap_or(own).max(own)
}

/// A type whose values print as a number.
pub(crate) fn is_integer(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|name| INTEGERS.contains(&name.as_str()))
}

/// `Option` of such a type.
pub(crate) fn is_optional_integer(ty: &Type) -> bool {
    head(ty).is_some_and(|(_, segment)| {
        segment.ident == "Option" && generic_types(segment).into_iter().any(is_integer)
    })
}

/// `&str`, `String`, `Cow<str>` and the like.
pub(crate) fn is_text(ty: &Type) -> bool {
    match head(ty) {
        Some((_, segment)) => match segment.ident.to_string().as_str() {
            "str" | "String" => true,
            "Cow" | "Box" | "Arc" | "Rc" | "Lazy" | "LazyLock" | "LazyCell" => {
                generic_types(segment).into_iter().any(is_text)
            }
            _ => false,
        },
        None => false,
    }
}

/// `Option` of such a type.
pub(crate) fn is_optional_text(ty: &Type) -> bool {
    head(ty).is_some_and(|(_, segment)| {
        segment.ident == "Option" && generic_types(segment).into_iter().any(is_text)
    })
}

/// A type that evidently is none: a number, `bool`, a list, a tuple. Another name or a type of one's own may be.
pub(crate) fn is_no_text(ty: &Type) -> bool {
    match ty {
        Type::Reference(of) => is_no_text(&of.elem),
        Type::Array(_) | Type::Slice(_) | Type::Tuple(_) => true,
        _ => {
            is_integer(ty)
                || last_segment(ty).is_some_and(|name| matches!(name.as_str(), "bool" | "f32" | "f64"))
        }
    }
}

/// A type as written, white space removed.
pub(crate) fn written(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The path of a type as it is written; empty where it has none.
pub(crate) fn path_of(ty: &Type) -> Vec<String> {
    match ty {
        Type::Path(of) => of.path.segments.iter().map(|part| part.ident.to_string()).collect(),
        Type::Reference(of) => path_of(&of.elem),
        _ => Vec::new(),
    }
}
