//! The JSON Schema of the file, written from the table of keys.

use crate::keys::{DIALECTS, Form, Key, Kind, SECTIONS, Section};

/// A JSON Schema (draft 2020-12) of `tenantry.toml`, for editors; it ends with a line break.
///
/// It accepts whatever the reader accepts. The reader also refuses what a schema cannot say well: contradictory
/// entries of `[tables]`, days that do not exist, databases of the same name.
pub fn json_schema() -> String {
    let sections = SECTIONS.iter().map(|section| (section.name, section_schema(section)));
    let root = object(&[
        ("$schema", string("https://json-schema.org/draft/2020-12/schema")),
        ("title", string("tenantry.toml")),
        ("description", string("The policy of a multi-tenant service, read by Tenantry.")),
        ("type", string("object")),
        ("properties", object(&sections.collect::<Vec<_>>())),
        ("additionalProperties", "false".to_owned()),
    ]);
    format!("{root}\n")
}

fn section_schema(section: &Section) -> String {
    let about = ("description", string(section.about));
    match section.form {
        Form::Table => keys_schema(section, Some(section.about)),
        Form::Array => object(&[about, ("type", string("array")), ("items", keys_schema(section, None))]),
        Form::Tables => {
            object(&[about, ("type", string("object")), ("additionalProperties", keys_schema(section, None))])
        }
        Form::Globs => object(&[
            about,
            ("type", string("object")),
            ("additionalProperties", object(&list(string_schema()))),
        ]),
    }
}

fn keys_schema(section: &Section, about: Option<&str>) -> String {
    let keys = section.keys.iter().map(|key| (key.name, key_schema(key)));
    let required: Vec<String> =
        section.keys.iter().filter(|key| key.required).map(|key| string(key.name)).collect();
    let mut members = Vec::new();
    members.extend(about.map(|about| ("description", string(about))));
    members.push(("type", string("object")));
    members.push(("properties", object(&keys.collect::<Vec<_>>())));
    if !required.is_empty() {
        members.push(("required", format!("[{}]", required.join(","))));
    }
    members.push(("additionalProperties", "false".to_owned()));
    object(&members)
}

fn key_schema(key: &Key) -> String {
    let mut members = vec![("description", string(key.about))];
    members.extend(match key.kind {
        Kind::Flag => vec![("type", string("boolean")), ("default", "false".to_owned())],
        Kind::Text => string_schema(),
        Kind::Texts => list(string_schema()),
        Kind::Columns => list(pattern(r"^[^.]*[^.\s][^.]*$")),
        Kind::TableColumn => pattern(TABLE_COLUMN),
        Kind::TableColumns => list(pattern(TABLE_COLUMN)),
        Kind::Date => pattern(r"^\d{4}-\d{2}-\d{2}$"),
        Kind::Dialect => {
            let names: Vec<String> = DIALECTS.iter().map(|name| string(name)).collect();
            vec![("enum", format!("[{}]", names.join(",")))]
        }
        Kind::Reasons => {
            vec![("type", string("object")), ("additionalProperties", object(&string_schema()))]
        }
    });
    object(&members)
}

const TABLE_COLUMN: &str = r"^[^.]*[^.\s][^.]*\.[^.]*[^.\s][^.]*(\.[^.]*[^.\s][^.]*)?$";

type Members = Vec<(&'static str, String)>;

/// A string with something in it.
fn string_schema() -> Members {
    pattern(r"\S")
}

fn pattern(expression: &str) -> Members {
    vec![("type", string("string")), ("pattern", string(expression))]
}

fn list(items: Members) -> Members {
    vec![("type", string("array")), ("items", object(&items))]
}

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{value}", string(name))).collect();
    format!("{{{}}}", members.join(","))
}

fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
