//! Names that modules give to what is declared elsewhere: `use` declarations, and the modules themselves.

use ra_ap_rustc_lexer::TokenKind;

use super::declared::{Declaration, Declared, ExportDeclaration, without_blanks};
use crate::limits;
use crate::modules::attributes_before;
use crate::tokens::Tokens;

/// What a module goes by that exports all of another one; [`Declared::at`] puts the module before it.
pub(super) const ALL: &str = "*";

/// Stands among the `cfg`s of a module that is a file, where no `cfg` is written so.
const OF_FILE: &str = "file";

/// The same where an attribute names the file.
const OF_PATH: &str = "path";

/// True for modules of one name and place of which not all lie where modules of this name do.
pub(super) fn lie_elsewhere(twins: &[&Declared]) -> bool {
    let is = |mark: &str| twins.iter().any(|twin| twin.cfgs.iter().any(|cfg| cfg == mark));
    is(OF_PATH) || twins.len() > 1 && is(OF_FILE)
}

/// Crates that declare nothing for chains of calls, unless the file has a module of that name, which goes first.
const FOREIGN: &[&str] = &["std", "core", "alloc"];

/// The modules of a file and what they name: names of types only where they are exported, renamed or Diesel's own.
pub(super) fn declarations(text: &str, tokens: &Tokens) -> Vec<Declared> {
    let whole = memchr::memmem::find(text.as_bytes(), b"diesel").is_some();
    let has = |name: &str| memchr::memmem::find(text.as_bytes(), format!("mod {name}").as_bytes()).is_some();
    let foreign = FOREIGN.iter().copied().filter(|name| !has(name)).collect();
    let mut found = Found { all: Vec::new(), module: Vec::new(), cfgs: Vec::new(), whole, foreign };
    // Whether the braces that are open are a module's.
    let mut open: Vec<bool> = Vec::new();
    let (mut after_mod, mut named) = (None, None);
    let mut skip_to = 0_usize;
    for token in tokens.all() {
        let (start, at) = (token.range().start, token.range().end);
        if start < skip_to {
            continue;
        }
        let among_items = found.module.len() == open.len();
        match token.kind {
            TokenKind::Ident | TokenKind::RawIdent => {
                let word = text.get(start..at).unwrap_or_default();
                if let Some(before) = after_mod {
                    named = Some(plain(word));
                    if text.get(at..).unwrap_or_default().trim_start().starts_with(';') {
                        found.cfgs.push(OF_FILE.to_owned());
                        let before = text.get(..before).unwrap_or_default();
                        let moves = |attribute: &String| {
                            let attribute = attribute.trim_start();
                            attribute.starts_with("path")
                                || attribute.starts_with("cfg_attr") && attribute.contains("path")
                        };
                        if attributes_before(before).iter().any(moves) {
                            found.cfgs.push(OF_PATH.to_owned());
                        }
                    }
                    found.add(plain(word), Declaration::Module);
                    found.cfgs.clear();
                }
                after_mod = (word == "mod" && among_items).then_some(start);
                if word == "use" && among_items {
                    let rest = text.get(start..).unwrap_or_default();
                    let end = rest.find(';').map_or(rest.len(), |end| end + 1);
                    let before = text.get(..start).unwrap_or_default().trim_end();
                    let is_public = before.ends_with("pub") || before.ends_with(')');
                    found.cfgs = cfgs_before(before);
                    found.import(rest.get(..end).unwrap_or_default(), is_public);
                    found.cfgs.clear();
                    skip_to = start + end;
                }
            }
            TokenKind::OpenBrace => {
                let module = named.take();
                open.push(module.is_some());
                found.module.extend(module);
            }
            TokenKind::CloseBrace => {
                if open.pop() == Some(true) {
                    found.module.pop();
                }
            }
            _ => (after_mod, named) = (None, None),
        }
    }
    found.all
}

/// The `cfg`s that stand right before an item, be it public.
fn cfgs_before(text: &str) -> Vec<String> {
    let text = text.trim_end();
    let text = match text.strip_suffix(')').and_then(|inner| inner.rsplit_once("pub")) {
        Some((before, _)) if !text.ends_with("))") => before,
        _ => text.strip_suffix("pub").unwrap_or(text),
    };
    let mut left = text.trim_end();
    let mut cfgs = Vec::new();
    while let Some((before, attribute)) = left.strip_suffix(']').and_then(|inner| inner.rsplit_once("#[")) {
        let inner = attribute.trim().strip_prefix("cfg").map(str::trim_start);
        let inner = inner.and_then(|inner| inner.strip_prefix('(')).and_then(|inner| inner.strip_suffix(')'));
        cfgs.extend(inner.map(without_blanks));
        left = before.trim_end();
    }
    cfgs
}

/// The name under which the globs of a module are asked for.
pub(super) fn globs_of(krate: &str, module: &[String]) -> String {
    format!("{krate}::{}::{ALL}", module.join("::"))
}

/// The name by which a declaration is asked for once its place is known.
pub(super) fn name_at(declared: &Declared) -> Option<String> {
    let is_glob = declared.name == ALL && matches!(declared.what, Declaration::Export(_));
    is_glob.then(|| globs_of(&declared.krate, &declared.module))
}

struct Found {
    all: Vec<Declared>,
    module: Vec<String>,
    /// The `cfg`s of the import that is read.
    cfgs: Vec<String>,
    /// The names of types count too.
    whole: bool,
    /// Crates whose imports say nothing here.
    foreign: Vec<&'static str>,
}

impl Found {
    fn add(&mut self, name: String, what: Declaration) {
        // A file that nests deeper is not read at all.
        if self.module.len() > limits::MAX_NESTING {
            return;
        }
        let (module, cfgs) = (self.module.clone(), self.cfgs.clone());
        self.all.push(Declared { name, module, krate: String::new(), cfgs, what });
    }

    fn import(&mut self, text: &str, is_public: bool) {
        let first = text.trim_start_matches("use").trim_start().trim_start_matches("::");
        let first = first.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if self.foreign.contains(&first) || limits::check(text).is_err() {
            return;
        }
        let Ok(item) = syn::parse_str::<syn::ItemUse>(text) else { return };
        self.tree(&item.tree, &mut Vec::new(), is_public);
    }

    fn tree(&mut self, tree: &syn::UseTree, path: &mut Vec<String>, is_public: bool) {
        match tree {
            syn::UseTree::Path(part) => {
                path.push(plain(&part.ident.to_string()));
                self.tree(&part.tree, path, is_public);
                path.pop();
            }
            syn::UseTree::Name(name) => {
                let last = (name.ident != "self").then(|| plain(&name.ident.to_string()));
                let full: Vec<String> = path.iter().cloned().chain(last).collect();
                let Some(name) = full.last().cloned() else { return };
                if is_public || self.whole || !name.starts_with(char::is_uppercase) {
                    self.add(name, Declaration::Export(ExportDeclaration { path: full }));
                }
            }
            syn::UseTree::Rename(rename) => {
                let last = (rename.ident != "self").then(|| plain(&rename.ident.to_string()));
                let full = path.iter().cloned().chain(last).collect();
                let name = plain(&rename.rename.to_string());
                self.add(name, Declaration::Export(ExportDeclaration { path: full }));
            }
            syn::UseTree::Glob(_) => {
                self.add(ALL.to_owned(), Declaration::Export(ExportDeclaration { path: path.clone() }));
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(tree, path, is_public));
            }
        }
    }
}

fn plain(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::declarations;
    use crate::chains::Declaration;

    #[test]
    fn modules_and_what_they_export_are_found() {
        let text = "mod a; use b::{c, D}; pub use e::F; use g::H as I;
            pub mod j { pub(crate) use super::k::*; fn l() { use m::n; mod o {} } }
            use std::p; cfg! { mod q; }";
        let found: Vec<String> = declarations(text, &crate::tokens::Tokens::of(text))
            .into_iter()
            .map(|one| match one.what {
                Declaration::Export(of) => {
                    format!("{}::{}={}", one.module.join("::"), one.name, of.path.join("::"))
                }
                _ => format!("{}::{}", one.module.join("::"), one.name),
            })
            .collect();
        assert_eq!(found, ["::a", "::c=b::c", "::F=e::F", "::I=g::H", "::j", "j::*=super::k"]);
    }

    #[test]
    fn a_module_that_is_called_like_a_crate_of_the_language_goes_first() {
        let exports = |text: &str| {
            let found = declarations(text, &crate::tokens::Tokens::of(text));
            found.iter().filter(|one| matches!(one.what, Declaration::Export(_))).count()
        };
        assert_eq!(exports("pub mod core; pub use core::shared; use std::fmt;"), 1);
        assert_eq!(exports("pub use core::fmt; use std::fmt;"), 0);
    }
}
