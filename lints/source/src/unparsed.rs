//! Files that do not parse: their strings that look like SQL must not be lost.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use tenantry_span::{Span, TextRange};

use crate::input::SourceFile;
use crate::prefilter::looks_like_sql;
use crate::{FileSites, HoleKind, Piece, QuerySite, SqlText, literal, suppress};

/// Every string that looks like SQL as a site with a text that is not known.
pub(crate) fn read(source: &SourceFile<'_>, why: String) -> FileSites {
    let mut sites = Vec::new();
    let mut at = 0usize;
    for token in tokenize(source.text, FrontmatterAllowed::No) {
        let start = at;
        at += token.len as usize;
        let TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. } =
            token.kind
        else {
            continue;
        };
        let range = TextRange::from_usize(start, at);
        let token = source.text.get(start..at).unwrap_or("");
        let value = literal::decode(token, range.start).map(|mapped| mapped.value);
        if !looks_like_sql(value.as_deref().unwrap_or(token.trim_start_matches(['r', '#', '"']))) {
            continue;
        }
        sites.push(site(Span::new(source.file, range), token, &why));
    }
    let suppressions = suppress::rust_comments(source.file, source.text, &[]);
    let skipped = vec![(TextRange::from_usize(0, source.text.len()), why)];
    FileSites { sites, suppressions, skipped, ..FileSites::default() }
}

fn site(span: Span, token: &str, why: &str) -> QuerySite {
    let text = token.chars().take(80).collect();
    let hole = Piece::Hole { span, text, kind: HoleKind::unknown(why) };
    QuerySite {
        library: String::new(),
        call: "string".to_owned(),
        span,
        item: String::new(),
        item_span: None,
        texts: vec![SqlText { pieces: vec![hole], chosen_by: None }],
        binds: None,
        runs_at: None,
        bind_list: None,
        params: Vec::new(),
        cfgs: Vec::new(),
        is_test: false,
        conditions: Vec::new(),
        checks: Vec::new(),
        check_calls: Vec::new(),
        fields: None,
        returned: None,
        gives: None,
        found: Vec::new(),
        checked: Vec::new(),
        checked_if_any: Vec::new(),
        answered: Vec::new(),
        at_hand: Vec::new(),
    }
}
