//! Statements from recipes: texts with places to fill, one or more for each rule of TENANCY, so that every rule is reached
//! and not only those that the grammar comes upon by itself.
//!
//! A file of `recipes/` has a recipe a line, `rule: text`. In a text
//! - `[[a // b // c]]` is one of these: the first is as a service would write it, the others nearly so;
//! - `{T a}` is a table with its alias, of a kind (see `Grammar::fits`); `{T a!}` is the table without an alias, `{T a?}` not written;
//!   `{C c > p}` one that references `p`'s, `{T p < c}` one that `c`'s references, `{T b = a}` the same table again,
//!   `{T b ~ a}` one that has the columns `a` is asked for too;
//! - `{a.k}` is a column of it and `{a:k}` its bare name: `k` the tenant key, `id`, `n`, `t` a text, `u` a unique one that
//!   is no key, `by` the reference to the parent, `*` some columns, `all` all of them;
//! - `{a>b}` equates a reference with its target, `{a>>b}` only its last column, `{a=b}` any two columns that fit;
//! - `{?a.id}` is an untrusted parameter for that column;
//! - `{pin a}`, `{tie a b}`, `{filter a}`, `{cols a}`, `{vals a}`, `{vals a b}`, `{set a}`, `{conflict a}`, `{rel a}`, `{part a}`
//!   are made by the grammar; a `-` after the word leaves the key out, a `+` demands it;
//! - `{kt}` is the type of the tenant's key, `{other}` another tenant's name, `{@int}`, `{@text}`, `{@uuid}` demand that type,
//!   `{@setting}` a tenant that a setting carries, `{@option}` one that may be NULL, `{@functions}` the schema's functions.

use std::sync::OnceLock;

use crate::grammar::{Grammar, Item};
use crate::model::{Column, Relation, Tie, Ty};
use tenantry_policy::Dialect;
use tenantry_prover::tenancy::DomainId;

/// The recipes of whole statements.
const TEXTS: [&str; 4] = [
    include_str!("recipes/equalities.txt"),
    include_str!("recipes/relations.txt"),
    include_str!("recipes/queries.txt"),
    include_str!("recipes/writes.txt"),
];
/// The ways to compare a key, `{x}`, with the tenant.
const PINS: &str = include_str!("recipes/pins.txt");
/// Recipes of MySQL and SQLite, which have most of the others too.
const BOTH: &str = include_str!("recipes/both.txt");
const SQLITE: &str = include_str!("recipes/sqlite.txt");
const MYSQL: &str = include_str!("recipes/mysql.txt");
/// How many of a hundred recipes are the dialect's own, where it has some.
const OWN: usize = 55;
/// How often names are chosen anew until they fit together.
const TRIES: usize = 12;

/// A rule with a text that reaches it.
#[derive(Debug)]
pub struct Recipe {
    /// The rule, as the table of coverage names it.
    pub rule: &'static str,
    /// The text.
    pub text: &'static str,
}

/// All recipes of whole statements.
pub fn recipes() -> &'static [Recipe] {
    static ALL: OnceLock<Vec<Recipe>> = OnceLock::new();
    ALL.get_or_init(|| TEXTS.iter().flat_map(|text| read(text)).collect())
}

/// All ways to compare a key with the tenant.
pub fn pins() -> &'static [Recipe] {
    static ALL: OnceLock<Vec<Recipe>> = OnceLock::new();
    ALL.get_or_init(|| read(PINS).collect())
}

/// The recipes that a dialect has of its own.
pub fn of_dialect(dialect: Dialect) -> &'static [Recipe] {
    static ALL: OnceLock<[Vec<Recipe>; 2]> = OnceLock::new();
    let [mysql, sqlite] =
        ALL.get_or_init(|| [MYSQL, SQLITE].map(|text| read(BOTH).chain(read(text)).collect()));
    match dialect {
        Dialect::Postgres => &[],
        Dialect::Mysql => mysql,
        Dialect::Sqlite => sqlite,
    }
}

/// The rules that recipes reach, each once, in the order of the files.
pub fn rules() -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for recipe in pins().iter().chain(recipes()) {
        if !found.contains(&recipe.rule) {
            found.push(recipe.rule);
        }
    }
    found
}

/// The rules of recipes that ask for what few schemas have.
fn rare() -> Vec<&'static str> {
    let asks = ["{H ", "{S ", "{N ", "{D ", "{V ", "{@setting}", "{@functions}"];
    let found = recipes().iter().filter(|recipe| asks.iter().any(|ask| recipe.text.contains(ask)));
    found.map(|recipe| recipe.rule).collect()
}

fn read(text: &'static str) -> impl Iterator<Item = Recipe> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": ")).map(|(rule, text)| Recipe { rule, text: text.trim() })
}

/// Relations by the labels of a recipe.
type Bound = Vec<(String, Item)>;

impl Grammar<'_> {
    /// A statement from a recipe at random, every rule as often as any other; `None` where the schema has nothing that fits.
    pub(super) fn cook(&mut self) -> Option<String> {
        let own = of_dialect(self.model.dialect);
        if !own.is_empty()
            && self.rng.chance(OWN)
            && let Some(recipe) = self.rng.pick(own)
        {
            return self.cook_one(recipe);
        }
        // What few schemas have must be made use of where it is.
        let rules = if self.rng.chance(20) { rare() } else { rules() };
        let rule = *self.rng.pick(&rules)?;
        let fitting: Vec<&Recipe> = recipes().iter().filter(|recipe| recipe.rule == rule).collect();
        match self.rng.pick(&fitting).copied() {
            Some(recipe) => self.cook_one(recipe),
            None => self.cook_pin(rule),
        }
    }

    fn cook_one(&mut self, recipe: &Recipe) -> Option<String> {
        for _ in 0..TRIES {
            let before = (self.parameters.len(), self.rules.len());
            if let Some(text) = self.fill(recipe.text) {
                self.reach(recipe.rule);
                return Some(text);
            }
            self.parameters.truncate(before.0);
            self.rules.truncate(before.1);
        }
        None
    }

    /// A plain query, update or deletion that is pinned in a given way.
    fn cook_pin(&mut self, rule: &'static str) -> Option<String> {
        let fitting: Vec<&Recipe> = pins().iter().filter(|recipe| recipe.rule == rule).collect();
        let recipe = self.rng.pick(&fitting).copied()?;
        let tables = self.relations(|relation| self.fits(relation, "T"));
        let table = self.rng.pick(&tables).copied()?;
        let item = self.item(table);
        let key = format!("{}.{}", item.alias, self.key_of(&item)?);
        let pin = self.pin_by(recipe, &key)?;
        let filter =
            if self.rng.chance(40) { self.filter(std::slice::from_ref(&item), 0) } else { String::new() };
        let filter = if filter.is_empty() { filter } else { format!(" AND {filter}") };
        let (name, alias) = (&item.relation, &item.alias);
        Some(match self.rng.below(8) {
            0 => format!("DELETE FROM {name} {alias} WHERE {pin}{filter}"),
            1 => format!("UPDATE {name} {alias} SET n = 4 WHERE {pin}{filter}"),
            2 => format!("SELECT count(*) FROM {name} {alias} WHERE {pin}{filter}"),
            _ => format!("SELECT * FROM {name} {alias} WHERE {pin}{filter}"),
        })
    }

    /// A comparison of a key with the tenant in a given way; `None` where it is not for keys of this type.
    pub(super) fn pin_by(&mut self, recipe: &Recipe, key: &str) -> Option<String> {
        let flat = self.choose(recipe.text);
        let text = self.replace(&flat, &mut Vec::new(), key)?;
        self.reach(recipe.rule);
        Some(text)
    }

    fn fill(&mut self, text: &str) -> Option<String> {
        let flat = self.choose(text);
        let mut bound = Bound::new();
        let mut rest = flat.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let (inside, after) = after.split_once('}')?;
            self.declare(inside, &mut bound)?;
            rest = after;
        }
        let text = self.replace(&flat, &mut bound, "")?;
        // A list that turned out empty leaves its comma.
        Some(text.replace(", )", ")").replace("(, ", "("))
    }

    /// One of each `[[a // b]]`, half of the time the first.
    fn choose(&mut self, text: &str) -> String {
        let Some((before, inside)) = text.split_once("[[") else { return text.to_owned() };
        let (mut depth, mut start, mut at) = (0_usize, 0, 0);
        let mut options: Vec<&str> = Vec::new();
        while let Some(here) = inside.get(at..) {
            if here.starts_with("]]") && depth == 0 || here.is_empty() {
                break;
            }
            if here.starts_with("[[") {
                depth += 1;
            } else if here.starts_with("]]") {
                depth = depth.saturating_sub(1);
            } else if here.starts_with(" // ") && depth == 0 {
                options.extend(inside.get(start..at));
                start = at + 4;
            } else {
                at += here.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            at += if here.starts_with(" // ") { 4 } else { 2 };
        }
        options.extend(inside.get(start..at));
        let chosen = if self.rng.chance(45) { 0 } else { self.rng.below(options.len()) };
        let chosen = self.choose(options.get(chosen).copied().unwrap_or_default());
        let after = self.choose(inside.get(at + 2..).unwrap_or_default());
        let mut out = before.to_owned();
        for part in [chosen, after] {
            let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '{');
            let closed = out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '}' | '\''));
            if closed && letter(part.chars().next()) {
                out.push(' ');
            }
            out.push_str(&part);
        }
        out
    }

    /// Binds what a place declares; `None` where nothing fits.
    fn declare(&mut self, place: &str, bound: &mut Bound) -> Option<()> {
        let words: Vec<&str> = place.split(' ').collect();
        let [kind, label, how @ ..] = words.as_slice() else { return Some(()) };
        if kind.len() != 1 || !kind.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Some(());
        }
        let bare = label.ends_with('!');
        let label = label.trim_end_matches(['!', '?']);
        let other = match how {
            [_, other] => Some(bound.iter().find(|(known, _)| known == other)?.1.clone()),
            _ => None,
        };
        let relation = match other {
            None => {
                let all = self.relations(|relation| self.fits(relation, kind));
                self.rng.pick(&all).copied()?
            }
            Some(other) => {
                let known = self.model.relation(&other.relation)?;
                let all = self.relations(|relation| {
                    let related = match how.first() {
                        Some(&">") => relation.references.iter().any(|(_, to, _)| *to == known.name),
                        Some(&"<") => known.references.iter().any(|(_, to, _)| *to == relation.name),
                        Some(&"=") => relation.name == known.name,
                        _ => relation.name != known.name,
                    };
                    related && self.fits(relation, kind)
                });
                self.rng.pick(&all).copied()?
            }
        };
        let mut item = self.item(relation);
        if bare {
            item.alias = item.relation.clone();
        }
        bound.push((label.to_owned(), item));
        Some(())
    }

    /// The kinds of relations: `T` keyed, `O` owned in any way, `C` child, `R` root, `G` everybody's, `N` keyed by a column
    /// that takes NULL, `S` the same where such rows are everybody's, `D` partitioned, `H` inherited from, `V` view, `I` with
    /// ids that the database gives, `U` with a unique set that lacks the key, `A` anything.
    fn fits(&self, relation: &Relation, kind: &str) -> bool {
        let key = match &relation.tie {
            Tie::Keys(keys) => keys.iter().find(|(_, domain)| *domain == self.domain).map(|(key, _)| key),
            Tie::Parent(..) | Tie::None => None,
        };
        let column = |name: &String| relation.columns.iter().find(|column| column.name == *name);
        let keyed = key.is_some() && relation.table && !relation.root;
        let nullable = keyed && key.and_then(column).is_some_and(|column| column.nullable);
        let id = || relation.columns.iter().find(|column| column.name == "id");
        match kind {
            "T" => keyed,
            "O" => relation.table && !relation.root && !matches!(relation.tie, Tie::None),
            "C" => matches!(relation.tie, Tie::Parent(..)),
            "R" => relation.root && key.is_some(),
            "G" => relation.table && matches!(relation.tie, Tie::None),
            "N" => nullable && !relation.null_is_shared,
            "S" => nullable && relation.null_is_shared,
            "D" => keyed && !relation.partitions.is_empty(),
            "H" => keyed && !relation.heirs.is_empty(),
            "V" => !relation.table && key.is_some(),
            "I" => keyed && id().is_some_and(|id| id.defaulted),
            "U" => {
                keyed && relation.uniques.iter().any(|(columns, _)| !columns.iter().any(|c| key == Some(c)))
            }
            "A" => true,
            _ => false,
        }
    }

    fn replace(&mut self, text: &str, bound: &mut Bound, key: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}')?;
            out.push_str(before);
            out.push_str(&self.place(place, bound, key)?);
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    fn place(&mut self, place: &str, bound: &mut Bound, key: &str) -> Option<String> {
        let find = |label: &str| bound.iter().find(|(known, _)| known == label).map(|(_, item)| item.clone());
        match place {
            "" => return Some("{}".to_owned()),
            "x" => return Some(key.to_owned()),
            "kt" => return Some(self.key_type()?.0.to_owned()),
            "other" => return Some(self.key_type()?.1.to_owned()),
            "@setting" => {
                self.by_setting = self.model.setting.is_some() && self.domain == DomainId(0);
                return self.by_setting.then(String::new);
            }
            "@option" => {
                self.nullable = true;
                return Some(String::new());
            }
            "@functions" => return self.model.functions.then(String::new),
            "@int" | "@text" | "@uuid" => {
                return self.key_type().filter(|(_, _, name)| *name == place).map(|_| String::new());
            }
            _ => {}
        }
        if let Some(wanted) = place.strip_prefix('?') {
            if wanted == "k" {
                let (_, _, name) = self.key_type()?;
                let ty = match name {
                    "@int" => Ty::Int,
                    "@text" => Ty::Text,
                    _ => Ty::Uuid,
                };
                let column =
                    Column { name: "tenant_key_id".to_owned(), ty, nullable: false, defaulted: false };
                return Some(self.parameter(&column));
            }
            let (label, column) = wanted.split_once('.')?;
            let item = find(label)?;
            let column = self.named(&item, column)?;
            return Some(self.parameter(&column));
        }
        let words: Vec<&str> = place.split(' ').collect();
        if let [word, label, rest @ ..] = words.as_slice() {
            let item = find(label.trim_end_matches(['!', '?']))?;
            if label.ends_with('?') {
                return Some(String::new());
            }
            let others: Vec<Item> = rest.iter().filter_map(|label| find(label)).collect();
            return self.made(word, &item, &others);
        }
        if let Some((from, to)) = place.split_once(">>") {
            return self.reference(&find(from)?, &find(to)?)?.pop();
        }
        if let Some((from, to)) = place.split_once('>') {
            return Some(self.reference(&find(from)?, &find(to)?)?.join(" AND "));
        }
        if let Some((one, two)) = place.split_once('=') {
            return self.link(&find(one)?, &[find(two)?]);
        }
        if let Some((label, column)) = place.split_once('.') {
            let item = find(label)?;
            return self.qualified(&item, column);
        }
        if let Some((label, column)) = place.split_once(':') {
            return Some(self.named(&find(label)?, column)?.name);
        }
        Some(find(place)?.alias)
    }

    /// The type of the tenant's key, another tenant's name, and the word that demands this type.
    pub(super) fn key_type(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let keyed = self.model.relations.iter().find_map(|relation| {
            let Tie::Keys(keys) = &relation.tie else { return None };
            let (key, _) = keys.iter().find(|(_, domain)| *domain == self.domain)?;
            relation.columns.iter().find(|column| column.name == *key)
        });
        match keyed?.ty {
            Ty::Int => Some(("bigint", "13", "@int")),
            Ty::Text => Some(("text", "'axme'", "@text")),
            Ty::Uuid => Some(("uuid", "'00000000-0000-4000-8000-000000000013'::uuid", "@uuid")),
            Ty::Other => None,
        }
    }

    /// The pairs of a reference, most often of all its columns.
    fn reference(&mut self, from: &Item, to: &Item) -> Option<Vec<String>> {
        let relation = self.model.relation(&from.relation)?;
        let all: Vec<_> =
            relation.references.iter().filter(|(_, target, _)| *target == to.relation).collect();
        let (columns, _, targets) = self.rng.pick(&all).copied()?;
        let pairs = columns.iter().zip(targets);
        Some(pairs.map(|(a, b)| format!("{}.{a} = {}.{b}", from.alias, to.alias)).collect())
    }

    /// A column by the word that recipes have for it.
    fn named(&mut self, item: &Item, word: &str) -> Option<Column> {
        let relation = self.model.relation(&item.relation)?;
        let name = match word {
            "k" => self.key_of(item)?,
            "by" => match &relation.tie {
                Tie::Parent(by, _, _) => by.clone(),
                Tie::Keys(_) | Tie::None => return None,
            },
            "t" => {
                let words = ["title", "body", "what", "name"];
                let named =
                    words.iter().find(|word| item.columns.iter().any(|column| column.name == **word))?;
                (*named).to_owned()
            }
            "u" => {
                let key = self.key_of(item);
                let unique = relation.uniques.iter().flat_map(|(columns, _)| columns);
                let unique: Vec<&String> =
                    unique.filter(|name| key.as_ref() != Some(*name) && *name != "id").collect();
                self.rng.pick(&unique).map(|name| (*name).clone())?
            }
            "any" => self.column(item, None)?.name.clone(),
            name => name.to_owned(),
        };
        item.columns.iter().find(|column| column.name == name).cloned()
    }

    fn qualified(&mut self, item: &Item, word: &str) -> Option<String> {
        let columns: Vec<String> = match word {
            "all" => item.columns.iter().filter(|c| c.ty != Ty::Other).map(|c| c.name.clone()).collect(),
            "*" => {
                let mut some: Vec<String> =
                    self.key_of(item).filter(|_| self.rng.chance(50)).into_iter().collect();
                for _ in 0..self.rng.range(1, 2) {
                    let column = self.column(item, None)?.name.clone();
                    if !some.contains(&column) {
                        some.push(column);
                    }
                }
                some
            }
            word => vec![self.named(item, word)?.name],
        };
        let columns: Vec<String> = columns.iter().map(|name| format!("{}.{name}", item.alias)).collect();
        (!columns.is_empty()).then(|| columns.join(", "))
    }

    /// What the grammar makes for a relation.
    fn made(&mut self, word: &str, item: &Item, others: &[Item]) -> Option<String> {
        let relation = self.model.relation(&item.relation)?;
        let keys = |grammar: &Self, keep: bool| {
            let key = grammar.key_of(item);
            relation
                .uniques
                .iter()
                .filter(move |(columns, _)| columns.iter().any(|c| key.as_ref() == Some(c)) == keep)
        };
        Some(match word {
            "pin" => self.tie(item, &[]).unwrap_or_else(|| "true".to_owned()),
            "tie" => self.tie(item, others).unwrap_or_else(|| "true".to_owned()),
            "filter" => self.filter(std::slice::from_ref(item), 0),
            "cols" | "cols-" => {
                let columns = self.written(relation, item, word == "cols-");
                columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(", ")
            }
            "vals" | "vals-" => {
                let columns = self.written(relation, item, word == "vals-");
                let values = columns.iter().map(|column| self.inserted(item, column, others.first()));
                values.collect::<Vec<_>>().join(", ")
            }
            "set" => {
                let fit = ["title", "n", "body", "what", "status"];
                let free: Vec<Column> =
                    item.columns.iter().filter(|c| fit.contains(&c.name.as_str())).cloned().collect();
                let column = self.rng.pick(&free).cloned()?;
                self.assignment(item, &column, std::slice::from_ref(item))
            }
            "conflict" | "conflict+" | "conflict-" => {
                let all: Vec<_> = match word {
                    "conflict" => relation.uniques.iter().collect(),
                    _ => keys(self, word == "conflict+").collect(),
                };
                let (columns, predicate) = self.rng.pick(&all).copied()?;
                let predicate = predicate.as_ref().map_or(String::new(), |text| format!(" WHERE {text}"));
                format!("({}){predicate}", columns.join(", "))
            }
            "rel" => item.relation.clone(),
            "part" => self.rng.pick(&relation.partitions)?.clone(),
            "heir" => self.rng.pick(&relation.heirs)?.clone(),
            _ if item.alias == item.relation => item.relation.clone(),
            _ => format!("{} {}", item.relation, item.alias),
        })
    }

    /// The columns that a row of the recipes' insertions is given: those that it must have, and the key.
    fn written(&self, relation: &Relation, item: &Item, without_key: bool) -> Vec<Column> {
        let key = self.key_of(item);
        let columns = relation.columns.iter().filter(|column| {
            let is_key = key.as_ref() == Some(&column.name);
            if is_key { !without_key } else { !column.nullable && !column.defaulted }
        });
        columns.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Grammar, Recipe, recipes};
    use crate::model::Model;
    use crate::rng::Rng;
    use crate::schemas::{Wanted, schema};
    use crate::subject::Subject;
    use tenantry_prover::lower::on_deep_stack;

    /// Which recipes come to nothing on every one of many schemas.
    fn raw() -> Result<Vec<&'static str>, Box<dyn std::error::Error + Send + Sync>> {
        let mut waiting: Vec<&Recipe> = recipes().iter().collect();
        for number in 0..120 {
            let mut rng = Rng::new(number);
            let schema = schema(&mut rng, number, Wanted::Anything);
            let subject = Subject::read(&schema.sql(), &schema.policy)?;
            let model = Model::of(&subject);
            for _ in 0..8 {
                waiting.retain(|recipe| Grammar::new(&model, &mut rng).fill(recipe.text).is_none());
            }
        }
        Ok(waiting.iter().map(|recipe| recipe.text).collect())
    }

    #[test]
    fn every_recipe_comes_to_something_on_some_schema() -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    {
        let left = on_deep_stack(raw).ok_or("panicked")??;
        assert_eq!(left, Vec::<&str>::new());
        Ok(())
    }
}
