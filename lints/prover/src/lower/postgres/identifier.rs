//! Names as a statement has to write them.

use super::keywords::{Class, Kw};

/// A name as it is written in a statement: quoted where it would mean something else otherwise.
pub fn identifier(name: &str) -> String {
    let begins = name.starts_with(|char: char| char.is_ascii_lowercase() || char == '_');
    let goes_on = name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_');
    let is_free = Kw::from_word(name).is_none_or(|keyword| keyword.class() == Class::Unreserved);
    match begins && goes_on && is_free {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        assert_eq!(identifier("orders_2"), "orders_2");
        assert_eq!(identifier("order"), "\"order\"");
        assert_eq!(identifier("Orders"), "\"Orders\"");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(identifier("2nd"), "\"2nd\"");
    }
}
