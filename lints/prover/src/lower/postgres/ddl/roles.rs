//! Roles and rights: who may see past policies, who is a member of whom, who may do what with a table.
//!
//! Read by words: a statement about roles never stands in the way of the schema.

use tenantry_policy::Dialect;
use tenantry_span::Span;

use super::nodes::path_in;
use crate::catalog::{Catalog, DefaultGrant, Doubt, Grant, Membership, QualifiedName, Role};
use crate::lower::edit::Editor;
use crate::lower::scan::{Token, TokenKind, tokens};

/// Notes what a statement says of roles and rights; one about something else says nothing.
pub(super) fn note(catalog: &mut Catalog, span: Span, text: &str) {
    let found: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let words = Words { text, tokens: &found };
    let is = |at: usize, word: &str| words.is(at, word);
    let is_role = |at: usize| is(at, "role") || is(at, "user") || is(at, "group");
    if is(0, "create") && is_role(1) && !is(2, "mapping") {
        create(catalog, span, words);
    } else if is(0, "alter") && is_role(1) && !is(2, "mapping") {
        alter(catalog, span, words);
    } else if is(0, "drop") && is_role(1) && !is(2, "mapping") {
        words.names(2).iter().for_each(|name| drop_role(catalog, name));
    } else if is(0, "grant") {
        grant(catalog, span, words);
    } else if is(0, "revoke") {
        revoke(catalog, words);
    } else if is(0, "alter") && is(1, "default") && is(2, "privileges") {
        defaults(catalog, span, words);
    } else if is(0, "reassign") {
        reassign(catalog, span, words);
    } else if is(0, "set") {
        // What is made from here on belongs to that role.
        let at = words.find("role").or_else(|| words.find("authorization"));
        if let Some(name) = at.and_then(|at| words.name(at + 1)) {
            role(catalog, span, &name).may_own = true;
        }
    }
}

/// A role that is gone has no members; what is made by its name later is another one.
fn drop_role(catalog: &mut Catalog, name: &str) {
    catalog.roles.remove(name);
    doubt(catalog, Doubt::Gone, |_, of| of == name);
}

/// Doubts the memberships that `which` says, by member and group. A doubt that is there already stays, if it is greater.
fn doubt(catalog: &mut Catalog, doubt: Doubt, which: impl Fn(&str, &str) -> bool) {
    for (member, role) in &mut catalog.roles {
        for membership in role.member_of.iter_mut().filter(|membership| which(member, &membership.of)) {
            membership.doubt = membership.doubt.max(Some(doubt));
        }
    }
}

/// A role's name as it is written; those that mean whoever runs the statement stay as they are.
pub(super) fn role_name(written: &str) -> String {
    match path_in(written) {
        Some(name) => name.name,
        None => written.to_owned(),
    }
}

fn role<'a>(catalog: &'a mut Catalog, span: Span, name: &str) -> &'a mut Role {
    catalog.roles.entry(name.to_owned()).or_insert_with(|| Role::new(span))
}

fn create(catalog: &mut Catalog, span: Span, words: Words<'_>) {
    let Some(name) = words.name(2) else { return };
    role(catalog, span, &name).created = true;
    options(catalog, span, &name, words.from(3));
}

fn alter(catalog: &mut Catalog, span: Span, words: Words<'_>) {
    let Some(name) = words.name(2) else { return };
    if words.is(3, "rename") {
        if let Some(to) = words.name(5) {
            rename(catalog, &name, &to);
        }
        return;
    }
    if words.is(3, "add") {
        words.names(5).iter().for_each(|member| join(catalog, span, member, &name, None));
        return;
    }
    if words.is(3, "drop") {
        let members = words.names(5);
        doubt(catalog, Doubt::Gone, |member, of| of == name && members.iter().any(|known| known == member));
        return;
    }
    options(catalog, span, &name, words.from(3));
}

/// Whatever names a role goes on meaning it.
fn rename(catalog: &mut Catalog, from: &str, to: &str) {
    if let Some(known) = catalog.roles.remove(from) {
        catalog.roles.insert(to.to_owned(), known);
    }
    let memberships = catalog.roles.values_mut().flat_map(|role| &mut role.member_of);
    let memberships = memberships.map(|membership| &mut membership.of);
    let of_tables = catalog.tables.values_mut().flat_map(|table| {
        let policies = table.row_security.policies.iter_mut().flat_map(|policy| &mut policy.roles);
        let grants = table.grants.iter_mut().map(|grant| &mut grant.role);
        table.owner.iter_mut().chain(policies).chain(grants)
    });
    let of_schemas = catalog.schema_grants.values_mut().flatten().map(|grant| &mut grant.role);
    let by_default = catalog.default_grants.iter_mut().map(|known| &mut known.grant.role);
    for name in memberships.chain(of_tables).chain(of_schemas).chain(by_default).filter(|name| *name == from)
    {
        to.clone_into(name);
    }
}

/// `BYPASSRLS`, `SUPERUSER`, `IN ROLE …`, `ROLE …` and the like.
fn options(catalog: &mut Catalog, span: Span, name: &str, words: Words<'_>) {
    for at in 0..words.tokens.len() {
        let known = role(catalog, span, name);
        match () {
            () if words.is(at, "bypassrls") => (known.bypasses, known.span) = (true, span),
            () if words.is(at, "nobypassrls") => known.bypasses = false,
            () if words.is(at, "superuser") => (known.superuser, known.span) = (true, span),
            () if words.is(at, "nosuperuser") => known.superuser = false,
            () if words.is(at, "inherit") => known.inherits = true,
            () if words.is(at, "noinherit") => {
                known.inherits = false;
                doubt(catalog, Doubt::NotInherited, |member, _| member == name);
            }
            () if words.is(at, "in") && (words.is(at + 1, "role") || words.is(at + 1, "group")) => {
                words.names(at + 2).iter().for_each(|parent| join(catalog, span, name, parent, None));
            }
            () if (words.is(at, "role") || words.is(at, "admin") || words.is(at, "user"))
                && !(at > 0 && words.is(at - 1, "in")) =>
            {
                words.names(at + 1).iter().for_each(|member| join(catalog, span, member, name, None));
            }
            () => {}
        }
    }
}

/// Makes a role a member of another one. `inherits` is what the statement says of it; without it the member's own word counts.
fn join(catalog: &mut Catalog, span: Span, member: &str, of: &str, inherits: Option<bool>) {
    let member = role(catalog, span, member);
    let doubt = (!inherits.unwrap_or(member.inherits)).then_some(Doubt::NotInherited);
    match member.member_of.iter_mut().find(|known| known.of == of) {
        // Without a word of it, what was said of it before holds.
        Some(known) => match (known.doubt, inherits) {
            (_, Some(true)) => known.doubt = None,
            (Some(Doubt::Gone), _) => known.doubt = doubt,
            (was, _) => known.doubt = was.max(doubt),
        },
        None => member.member_of.push(Membership { of: of.to_owned(), doubt }),
    }
}

fn grant(catalog: &mut Catalog, span: Span, words: Words<'_>) {
    let Some(to) = words.find("to") else { return };
    let roles = words.names(to + 1);
    let Some(on) = words.find("on").filter(|on| *on < to) else {
        let inherits = words.find("inherit").filter(|at| *at > to);
        // `INHERIT OPTION` and `INHERIT TRUE` are one.
        let inherits = inherits.map(|at| words.is(at + 1, "true") || words.is(at + 1, "option"));
        for granted in words.names(1) {
            roles.iter().for_each(|member| join(catalog, span, member, &granted, inherits));
        }
        return;
    };
    let privileges = words.privileges(1, on);
    for schema in schemas(words, on + 1) {
        let grants = catalog.schema_grants.entry(schema).or_default();
        let given = |role: &String| Grant { role: role.clone(), privileges: privileges.clone(), span };
        grants.extend(roles.iter().map(given));
    }
    for table in tables(catalog, words, on + 1) {
        let Some(table) = catalog.tables.get_mut(&table) else { continue };
        for role in &roles {
            table.grants.push(Grant { role: role.clone(), privileges: privileges.clone(), span });
        }
    }
}

fn revoke(catalog: &mut Catalog, words: Words<'_>) {
    let Some(from) = words.find("from") else { return };
    let roles = words.names(from + 1);
    let Some(on) = words.find("on").filter(|on| *on < from) else {
        // Whether it was the only grant of that membership is not known: it stays, and is no longer sure.
        let of_option = words.is(2, "option") && words.is(3, "for");
        let cascades = words.find("cascade").is_some();
        if of_option && !words.is(1, "inherit") && !cascades {
            return;
        }
        let groups = words.names(if of_option { 4 } else { 1 });
        let how = if of_option && words.is(1, "inherit") { Doubt::NotInherited } else { Doubt::Gone };
        // With `CASCADE` go those that the member gave, of that group to anybody.
        let whoever = |name: &str| roles.iter().any(|known| known == name) || cascades;
        // Whom a name such as CURRENT_USER means is not known.
        let anybody = |names: &[String]| names.iter().any(|name| WHOEVER.contains(&name.as_str()));
        let (any_member, any_group) = (anybody(&roles), anybody(&groups));
        doubt(catalog, how, |member, of| {
            (any_member || whoever(member)) && (any_group || groups.iter().any(|group| group == of))
        });
        return;
    };
    let privileges = words.privileges(1, on);
    let take = |grants: &mut Vec<Grant>, whole: &[&str]| {
        grants
            .iter_mut()
            .filter(|grant| roles.contains(&grant.role))
            .for_each(|grant| take(grant, &privileges, whole));
        grants.retain(|grant| !grant.privileges.is_empty());
    };
    for schema in schemas(words, on + 1) {
        if let Some(grants) = catalog.schema_grants.get_mut(&schema) {
            take(grants, &["CREATE", "USAGE"]);
        }
    }
    for table in tables(catalog, words, on + 1) {
        if let Some(table) = catalog.tables.get_mut(&table) {
            take(&mut table.grants, PRIVILEGES);
        }
    }
}

/// Takes privileges from a grant; `whole` is what `ALL` means there.
fn take(grant: &mut Grant, privileges: &[String], whole: &[&str]) {
    let all = privileges.iter().any(|known| known == "ALL");
    if grant.privileges.iter().any(|known| known == "ALL") && !all {
        grant.privileges = whole.iter().map(|known| (*known).to_owned()).collect();
    }
    grant.privileges.retain(|known| !all && !privileges.contains(known));
}

/// `ALTER DEFAULT PRIVILEGES`: rights on the tables that are made later. Of which role's tables one that names a role speaks
/// is not known, since who runs the migrations is not.
fn defaults(catalog: &mut Catalog, span: Span, words: Words<'_>) {
    let takes = words.find("revoke");
    let Some(at) = takes.or_else(|| words.find("grant")) else { return };
    // The right to hand it on.
    if takes.is_some() && words.is(at + 1, "grant") {
        return;
    }
    let head = Words { tokens: words.tokens.get(..at).unwrap_or_default(), ..words };
    let Some(on) = words.find("on").filter(|on| words.is(on + 1, "tables")) else { return };
    if head
        .find("for")
        .is_some_and(|of| !head.names(of + 2).iter().all(|role| WHOEVER.contains(&role.as_str())))
    {
        return;
    }
    let schemas: Vec<Option<String>> = match head.find("schema") {
        Some(of) => head.names(of + 1).into_iter().map(Some).collect(),
        None => vec![None],
    };
    let privileges = words.privileges(at + 1, on);
    let roles =
        words.find("to").or_else(|| words.find("from")).map(|to| words.names(to + 1)).unwrap_or_default();
    for (schema, role) in schemas.iter().flat_map(|schema| roles.iter().map(move |role| (schema, role))) {
        let is_same = |known: &DefaultGrant| known.schema == *schema && known.grant.role == *role;
        let grant = Grant { role: role.clone(), privileges: privileges.clone(), span };
        if takes.is_some() {
            let known = catalog.default_grants.iter_mut().filter(|known| is_same(known));
            known.for_each(|known| take(&mut known.grant, &privileges, PRIVILEGES));
        } else if !catalog.default_grants.iter().any(|known| is_same(known) && known.grant == grant) {
            catalog.default_grants.push(DefaultGrant { schema: schema.clone(), grant });
        }
    }
    catalog.default_grants.retain(|known| !known.grant.privileges.is_empty());
}

/// The schemas that a right is given on.
fn schemas(words: Words<'_>, at: usize) -> Vec<String> {
    if words.is(at, "schema") { words.names(at + 1) } else { Vec::new() }
}

/// What `ALL` on a table means.
const PRIVILEGES: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];

/// The tables that a right is given on: named ones, or all of a schema.
fn tables(catalog: &mut Catalog, words: Words<'_>, at: usize) -> Vec<QualifiedName> {
    if words.is(at, "all") && words.is(at + 1, "tables") && words.is(at + 2, "in") {
        let schemas = words.names(at + 4);
        return catalog.tables.keys().filter(|name| schemas.contains(&name.schema)).cloned().collect();
    }
    let others = ["sequence", "database", "schema", "function", "procedure", "routine", "type", "domain"];
    if words.is(at, "all") || others.iter().any(|word| words.is(at, word)) {
        return Vec::new();
    }
    let at = if words.is(at, "table") { at + 1 } else { at };
    let names = words.qualified(at);
    let editor = Editor { catalog };
    names.into_iter().map(|(schema, name)| editor.resolve(schema.as_deref(), &name)).collect()
}

fn reassign(catalog: &mut Catalog, span: Span, words: Words<'_>) {
    let (Some(by), Some(to)) = (words.find("by"), words.find("to")) else { return };
    let Some(new) = words.name(to + 1) else { return };
    let old = words.names(by + 1);
    for table in catalog.tables.values_mut() {
        if table.owner.as_ref().is_some_and(|owner| old.contains(owner)) {
            table.owner = Some(new.clone());
        }
    }
    // Tables of which nothing says who owned them may be the role's now.
    role(catalog, span, &new).may_own = true;
}

/// Names of roles that mean whoever runs the statement.
pub(super) const WHOEVER: &[&str] = &["current_user", "current_role", "session_user", "user"];

const ROLE_SET: &str = "a call of set_config may set the role, and tables made after it are that role's";

/// What stands between `$tag$` and `$tag$`.
fn in_dollars(written: &str) -> Option<&str> {
    let end = written.strip_prefix('$')?.find('$')? + 2;
    written.get(end..)?.strip_suffix(written.get(..end)?)
}

/// Notes whom a text that is run makes its own acts those of, by `set_config('role', …)`.
pub(super) fn note_calls(catalog: &mut Catalog, span: Span, text: &str) {
    if !text.to_ascii_lowercase().contains("set_config") {
        return;
    }
    let found: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let texts = found.iter().filter(|token| token.kind == TokenKind::Text);
    for written in texts.map(|token| token.range.slice(text)) {
        match in_dollars(written) {
            Some(inner) => note_calls(catalog, span, inner),
            // What a text that is executed does is not followed.
            None => {
                let lower = written.to_ascii_lowercase();
                if lower.contains("set_config") && (lower.contains("role") || lower.contains("authorization"))
                {
                    catalog.roles_unsure.get_or_insert_with(|| ROLE_SET.to_owned());
                }
            }
        }
    }
    let literal = |at: usize| {
        let token = found.get(at).filter(|token| token.kind == TokenKind::Text)?;
        // One with escapes is not read.
        Some(token.range.slice(text).strip_prefix('\'')?.strip_suffix('\'')?.to_owned())
    };
    let calls = |at: &usize| {
        found.get(*at).and_then(|token| token.name(text)).is_some_and(|name| name == "set_config")
            && found.get(*at + 1).is_some_and(|token| token.is_punct(b'('))
    };
    for at in (0..found.len()).filter(calls) {
        let setting = literal(at + 2).filter(|_| found.get(at + 3).is_some_and(|token| token.is_punct(b',')));
        match setting.map(|setting| setting.to_ascii_lowercase()).as_deref() {
            Some("role" | "session_authorization") => {}
            Some(_) => continue,
            // Of a setting whose name is computed it is not known that it is not the role.
            None => {}
        }
        match literal(at + 4).filter(|_| found.get(at + 5).is_some_and(|token| token.is_punct(b','))) {
            Some(name) if literal(at + 2).is_some() => role(catalog, span, &name).may_own = true,
            _ => {
                catalog.roles_unsure.get_or_insert_with(|| ROLE_SET.to_owned());
            }
        }
    }
}

/// The words of a statement.
#[derive(Clone, Copy)]
struct Words<'t> {
    text: &'t str,
    tokens: &'t [Token],
}

impl<'t> Words<'t> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(self.text, word))
    }

    fn from(self, at: usize) -> Words<'t> {
        Words { text: self.text, tokens: self.tokens.get(at..).unwrap_or_default() }
    }

    fn name(&self, at: usize) -> Option<String> {
        self.tokens.get(at)?.name(self.text)
    }

    /// The place of a keyword outside of parentheses.
    fn find(&self, word: &str) -> Option<usize> {
        let mut depth = 0_i32;
        self.tokens.iter().position(|token| {
            depth += i32::from(token.is_punct(b'(')) - i32::from(token.is_punct(b')'));
            depth == 0 && token.is(self.text, word)
        })
    }

    fn qualified(&self, mut at: usize) -> Vec<(Option<String>, String)> {
        let mut names = Vec::new();
        while let Some(name) = self.name(at) {
            let dotted = self.tokens.get(at + 1).is_some_and(|token| token.is_punct(b'.'));
            match self.name(at + 2).filter(|_| dotted) {
                Some(second) => {
                    names.push((Some(name), second));
                    at += 3;
                }
                None => {
                    names.push((None, name));
                    at += 1;
                }
            }
            if !self.tokens.get(at).is_some_and(|token| token.is_punct(b',')) {
                break;
            }
            at += 1;
        }
        names
    }

    /// A list of names, without the word `GROUP` or `IF EXISTS` that may stand before it.
    fn names(&self, at: usize) -> Vec<String> {
        let at = match () {
            () if self.is(at, "if") && self.is(at + 1, "exists") => at + 2,
            () if self.is(at, "group") => at + 1,
            () => at,
        };
        self.qualified(at).into_iter().map(|(_, name)| name).collect()
    }

    /// The privileges between two places, upper case; `ALL PRIVILEGES` is `ALL`.
    fn privileges(&self, from: usize, to: usize) -> Vec<String> {
        let mut depth = 0_i32;
        let mut found = Vec::new();
        for token in self.tokens.get(from..to).unwrap_or_default() {
            depth += i32::from(token.is_punct(b'(')) - i32::from(token.is_punct(b')'));
            let word = token.name(self.text).map(|word| word.to_ascii_uppercase());
            found.extend(word.filter(|word| depth == 0 && word != "PRIVILEGES"));
        }
        found
    }
}
