//! Names as tokens again.

use proc_macro2::{Ident, Span};

/// A name without its mark.
pub(crate) fn plain(name: &Ident) -> String {
    let written = name.to_string();
    written.strip_prefix("r#").map(str::to_owned).unwrap_or(written)
}

/// The token of a name as it is written in Rust, `r#type` with its mark.
pub(crate) fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}
