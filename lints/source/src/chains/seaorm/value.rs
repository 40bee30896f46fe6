//! What the expressions of a function are to SeaORM and sea-query.

use std::collections::BTreeMap;

use tenantry_span::Span;

use super::model::Entities;
use super::resolve::Join;
use crate::RowValue;
use crate::chains::fragment::Fragment;
use crate::chains::statement::{Kind, Statement, join_filters};
use crate::read::MAX_TEXTS;

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Val {
    /// A value of Rust's, which is bound where a statement takes it.
    Plain(Origin),
    /// No value: what comes after it does not run.
    Never,
    Entity(usize),
    Column(ColumnRef),
    Join(Join),
    /// A linked relation: the entity it leads to, and its joins.
    Link(usize, Vec<Join>),
    /// An expression of SQL, in parentheses wherever it is more than a name, a value or a call.
    Expr(Fragment),
    Cond(Cond),
    /// An identifier of sea-query.
    Iden(String),
    Query(Box<Query>),
    Conflict(Box<Conflict>),
    Model(Box<Model>),
    Row(Row),
    Tuple(Vec<Val>),
    List(Vec<Val>),
    /// `Set(…)`, with what is set.
    Set(Box<Val>),
    /// `Unchanged(…)`.
    Unchanged(Box<Val>),
    NotSet,
    /// Words of SQL that an enumeration stands for: a kind of join, an order, a lock.
    Word(String),
    /// A function of SQL that awaits arguments.
    Function(String, Vec<Fragment>),
    /// `CASE`, with what is written of it.
    Case(Fragment),
    /// A value that is there under a condition only: `flag.then(|| …)`, `value.map(|v| …)`.
    Maybe(Box<Val>, Span),
    /// A statement that is written as text, which is a site of its own.
    Written,
    /// One of several.
    Choice(Vec<Val>),
}

/// Where a value of Rust's comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// The expression itself says.
    Here,
    /// An expression of the function that is walked, which was handed to the one that is followed.
    Leaf(usize),
    /// A column of a row that was read.
    Cell(RowValue),
    /// A literal of a function that is followed.
    Literal,
    /// It is out of sight.
    Unknown,
    /// It was not followed, and may be a part of a query as well.
    Opaque,
}

/// A column with the table that it is of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ColumnRef {
    pub(super) entity: usize,
    pub(super) column: usize,
}

/// A condition that is put together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cond {
    pub(super) any: bool,
    pub(super) negated: bool,
    /// Each in parentheses where it needs them.
    pub(super) parts: Vec<Fragment>,
}

impl Cond {
    /// The condition as one part of another one.
    pub(super) fn text(&self, span: Span) -> Fragment {
        let inner = match (self.parts.as_slice(), self.any) {
            ([], true) => Fragment::text("FALSE", span),
            ([], false) => Fragment::text("TRUE", span),
            ([only], _) => only.clone(),
            (parts, any) => {
                Fragment::joined(parts.iter().cloned(), if any { " OR " } else { " AND " }, span).nested(span)
            }
        };
        match self.negated {
            true => Fragment::text("NOT ", span).then(inner.nested(span)).nested(span),
            false => inner,
        }
    }

    /// Its parts, where all of them hold.
    pub(super) fn conjuncts(&self, span: Span) -> Vec<Fragment> {
        match self.any || self.negated || self.parts.is_empty() {
            true => vec![self.text(span)],
            false => self.parts.clone(),
        }
    }
}

/// A column of a select list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) text: Fragment,
    /// The name that it has in the result, if it has one.
    pub(super) name: Option<String>,
    pub(super) alias: Option<String>,
}

/// A statement and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) statement: Statement,
    /// The entity that it began with.
    pub(super) entity: Option<usize>,
    /// It is a statement of sea-query's, which methods change in place.
    pub(super) in_place: bool,
    pub(super) items: Vec<Item>,
    /// What its rows are read into.
    pub(super) rows: Vec<Row>,
    /// Columns that an INSERT writes.
    pub(super) columns: Vec<String>,
    /// Rows that an INSERT writes.
    pub(super) values: Vec<Vec<Fragment>>,
    /// Assignments of an UPDATE.
    pub(super) sets: Vec<(String, Fragment)>,
    /// A column that a cursor goes by.
    pub(super) cursor: Vec<Fragment>,
    /// It runs page by page.
    pub(super) paginated: bool,
}

impl Query {
    pub(super) fn new(kind: Kind, span: Span) -> Query {
        Query {
            statement: Statement::new(kind, span),
            entity: None,
            in_place: false,
            items: Vec::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            values: Vec::new(),
            sets: Vec::new(),
            cursor: Vec::new(),
            paginated: false,
        }
    }

    /// A query of which nothing is known but that it is one.
    pub(super) fn unknown(span: Span, written: &str, why: impl Into<String>) -> Query {
        let mut query = Query::new(Kind::Select, span);
        query.statement.with = Fragment::hole(span, written, why);
        query
    }

    /// Notes that a part of it is not known.
    pub(super) fn spoil(&mut self, hole: Fragment) {
        let with = std::mem::take(&mut self.statement.with);
        self.statement.with = with.then(hole);
    }

    /// The statement with what was put together beside it.
    pub(super) fn finished(&self) -> Statement {
        let mut statement = self.statement.clone();
        let span = statement.span;
        match statement.kind {
            Kind::Select => {
                let items = self.items.iter().map(|item| match &item.alias {
                    Some(alias) => {
                        item.text.clone().write(" AS ", span).then(Fragment::name(alias.clone(), span))
                    }
                    None => item.text.clone(),
                });
                statement.select = match self.items.is_empty() && statement.select.is_empty() {
                    true => Fragment::text("NULL", span),
                    false => statement.select.then(Fragment::joined(items, ", ", span)),
                };
            }
            Kind::Update => {
                let sets = self.sets.iter().map(|(name, value)| {
                    Fragment::name(name.clone(), span).write(" = ", span).then(value.clone())
                });
                statement.set = statement.set.then(Fragment::joined(sets, ", ", span));
            }
            Kind::Insert if statement.set.is_empty() => {
                let names = self.columns.iter().map(|name| Fragment::name(name.clone(), span));
                let rows = self
                    .values
                    .iter()
                    .map(|row| Fragment::joined(row.iter().cloned(), ", ", span).nested(span));
                statement.set = match self.columns.is_empty() && self.values.is_empty() {
                    true => Fragment::text("DEFAULT VALUES", span),
                    false => Fragment::joined(names, ", ", span)
                        .nested(span)
                        .write(" VALUES ", span)
                        .then(Fragment::joined(rows, ", ", span)),
                };
            }
            Kind::Insert | Kind::Delete => {}
        }
        statement
    }

    /// True if the other one is this one with more that its rows have to fulfil.
    fn is_narrowed(&self, other: &Query) -> bool {
        let (one, more) = (&self.statement, &other.statement);
        let rest = |query: &Query| {
            let filter = Vec::new();
            let statement =
                Statement { filter, having: Vec::new(), order: Vec::new(), ..query.statement.clone() };
            Query { statement, ..query.clone() }
        };
        more.filter.starts_with(&one.filter)
            && more.having.starts_with(&one.having)
            && rest(self) == rest(other)
    }

    fn join(&self, other: &Query, condition: Span) -> Option<Query> {
        let mut there = other.statement.clone();
        if same_order(&self.statement.order, &there.order) {
            // Which way the rows are sorted says nothing of which rows there are to be sorted.
            there.order = self.statement.order.clone();
        }
        let statement = self.statement.join(&there, condition)?;
        let rest = |query: &Query| Query { statement: statement.clone(), ..query.clone() };
        (rest(self) == rest(other)).then(|| rest(self))
    }
}

/// True if both sort by the same, perhaps in another direction.
fn same_order(one: &[Fragment], other: &[Fragment]) -> bool {
    let bare = |fragment: &Fragment| {
        let without = |end| fragment.clone().without_end(end);
        without(" ASC").or_else(|| without(" DESC")).unwrap_or_else(|| fragment.clone())
    };
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| bare(one) == bare(other))
}

/// `ON CONFLICT`, with what is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conflict {
    pub(super) target: Vec<Fragment>,
    pub(super) target_where: Vec<Fragment>,
    pub(super) sets: Vec<Fragment>,
    pub(super) nothing: bool,
    pub(super) action_where: Vec<Fragment>,
}

impl Conflict {
    pub(super) fn text(&self, span: Span) -> Fragment {
        let mut out = Fragment::default();
        if !self.target.is_empty() {
            out = out.then(Fragment::joined(self.target.iter().cloned(), ", ", span).nested(span));
        }
        let all = |parts: &[Fragment]| Fragment::joined(parts.iter().cloned(), " AND ", span);
        if !self.target_where.is_empty() {
            out = out.write(" WHERE ", span).then(all(&self.target_where));
        }
        if self.nothing || self.sets.is_empty() {
            return out.write(" DO NOTHING", span);
        }
        out =
            out.write(" DO UPDATE SET ", span).then(Fragment::joined(self.sets.iter().cloned(), ", ", span));
        match self.action_where.is_empty() {
            true => out,
            false => out.write(" WHERE ", span).then(all(&self.action_where)),
        }
    }
}

/// A row that a query returned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// The entity whose model it is; none for a type of its own, whose fields are named as the columns.
    pub(super) entity: Option<usize>,
    /// The call that ran the query; none where the row came from elsewhere.
    pub(super) within: Option<Span>,
    /// What its columns' names begin with in the result.
    pub(super) prefix: &'static str,
}

/// An active model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    pub(super) entity: usize,
    /// By the place of the column among the entity's.
    pub(super) fields: BTreeMap<usize, Field>,
    /// What the others are.
    pub(super) rest: Rest,
}

/// A field of an active model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Set(Fragment),
    Unchanged(Fragment),
    NotSet,
    /// It is set on one way here, or by a function that is not followed; else it is as the rest is.
    Maybe(Fragment),
}

/// The fields of an active model of which nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rest {
    NotSet,
    /// They are as they were in the row.
    Row(Row),
    /// They are those of a value of Rust's: of the expression there in the syntax tree, as it is written.
    Value(usize, String),
    /// They are those of a model that comes from elsewhere, set or not: of the expression there in the syntax tree that it
    /// is written by, as it is written, once it is.
    Given(Option<(usize, String)>),
    /// Why they are not known.
    Unknown(String),
}

impl Val {
    pub(super) const UNKNOWN: Val = Val::Plain(Origin::Unknown);

    /// What may be a part of a query that was not followed.
    pub(super) const OPAQUE: Val = Val::Plain(Origin::Opaque);

    /// True for what is a part of a query, or holds one.
    pub(super) fn holds_part(&self) -> bool {
        match self {
            Val::Plain(origin) => *origin == Origin::Opaque,
            Val::Entity(_)
            | Val::Column(_)
            | Val::Join(_)
            | Val::Link(..)
            | Val::Expr(_)
            | Val::Cond(_)
            | Val::Iden(_)
            | Val::Query(_)
            | Val::Conflict(_)
            | Val::Function(..)
            | Val::Case(_) => true,
            Val::Tuple(all) | Val::List(all) | Val::Choice(all) => all.iter().any(Val::holds_part),
            Val::Set(inner) | Val::Unchanged(inner) | Val::Maybe(inner, _) => inner.holds_part(),
            Val::Never | Val::Model(_) | Val::Row(_) | Val::NotSet | Val::Word(_) | Val::Written => false,
        }
    }

    /// What comes of the value by a way that is not followed.
    pub(super) fn lost(&self) -> Val {
        if self.holds_part() { Val::OPAQUE } else { Val::UNKNOWN }
    }

    /// The value where `condition` held on the way of this one, and of the other where it did not.
    pub(super) fn join(self, other: Val, condition: Span) -> Val {
        if self == other {
            return self;
        }
        match (self, other) {
            (Val::Never, other) | (other, Val::Never) => other,
            (Val::Query(one), Val::Query(other)) => match one.join(&other, condition) {
                Some(joined) => Val::Query(Box::new(joined)),
                None => choice(vec![Val::Query(one), Val::Query(other)], condition),
            },
            (Val::Cond(one), Val::Cond(other)) if one.any == other.any && !one.negated && !other.negated => {
                let parts = match one.any {
                    false => join_filters(&one.parts, &other.parts, condition),
                    true => join_alternatives(&one.parts, &other.parts, condition),
                };
                Val::Cond(Cond { parts, ..one })
            }
            (Val::Expr(one), Val::Expr(other)) => Val::Expr(Fragment::join(one, other, condition)),
            (Val::Cond(one), Val::Expr(other)) => {
                Val::Expr(Fragment::either(one.text(condition), other, condition))
            }
            (Val::Expr(one), Val::Cond(other)) => {
                Val::Expr(Fragment::either(one, other.text(condition), condition))
            }
            (Val::Cond(one), Val::Cond(other)) => {
                Val::Expr(Fragment::either(one.text(condition), other.text(condition), condition))
            }
            (Val::Model(one), Val::Model(other)) if one.entity == other.entity => {
                Val::Model(Box::new(one.join(*other, condition)))
            }
            (Val::Tuple(one), Val::Tuple(other)) if one.len() == other.len() => {
                let parts = one.into_iter().zip(other).map(|(one, other)| one.join(other, condition));
                Val::Tuple(parts.collect())
            }
            (Val::Maybe(one, place), Val::Maybe(other, _)) => {
                Val::Maybe(Box::new(one.join(*other, condition)), place)
            }
            (Val::Choice(one), Val::Choice(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(&other).map(|(one, other)| match (one, other) {
                    (Val::Query(one), Val::Query(other)) => {
                        one.join(other, condition).map(Box::new).map(Val::Query)
                    }
                    _ => None,
                });
                match pairs.collect::<Option<Vec<Val>>>() {
                    Some(joined) => Val::Choice(joined),
                    None => choice(vec![Val::Choice(one), Val::Choice(other)], condition),
                }
            }
            (one @ (Val::Query(_) | Val::Choice(_)), other @ (Val::Query(_) | Val::Choice(_))) => {
                choice(vec![one, other], condition)
            }
            (Val::Query(query), _) | (_, Val::Query(query)) => {
                let mut query = query;
                query.spoil(Fragment::hole(condition, "", "on one way here it is no query that is known"));
                Val::Query(query)
            }
            (Val::Model(model), _) | (_, Val::Model(model)) => {
                let rest = Rest::Unknown("on one way here it is another model".to_owned());
                Val::Model(Box::new(Model { entity: model.entity, fields: BTreeMap::new(), rest }))
            }
            (one, other) if one.holds_part() || other.holds_part() => Val::OPAQUE,
            _ => Val::UNKNOWN,
        }
    }

    /// True where a loop that made the other value of it goes on in the same way, whatever number of times it runs.
    pub(super) fn has_settled(&self, after: &Val) -> bool {
        match (self, after) {
            (same, other) if same == other => true,
            (Val::Query(one), Val::Query(other)) => one.is_narrowed(other),
            (Val::Cond(one), Val::Cond(other)) => {
                one.any == other.any && one.negated == other.negated && other.parts.starts_with(&one.parts)
            }
            (Val::Tuple(one), Val::Tuple(other)) if one.len() == other.len() => {
                one.iter().zip(other).all(|(one, other)| one.has_settled(other))
            }
            _ => false,
        }
    }

    /// The value where it is another one each time a loop runs.
    pub(super) fn unsettled(self, condition: Span) -> Val {
        let why = "it changes with every turn of a loop";
        match self {
            Val::Query(mut query) => {
                query.spoil(Fragment::hole(condition, "", why));
                Val::Query(query)
            }
            Val::Choice(_) => Val::Query(Box::new(Query::unknown(condition, "", why))),
            Val::Expr(_) | Val::Cond(_) => Val::Expr(Fragment::hole(condition, "", why)),
            Val::Model(model) => {
                let rest = Rest::Unknown(why.to_owned());
                Val::Model(Box::new(Model { entity: model.entity, fields: BTreeMap::new(), rest }))
            }
            other => other.lost(),
        }
    }

    /// Each of the values it may be, changed.
    pub(super) fn map(self, change: &mut dyn FnMut(Val) -> Val) -> Val {
        match self {
            Val::Choice(all) => {
                let all: Vec<Val> = all.into_iter().map(|one| one.map(change)).collect();
                match all.iter().all(|one| matches!(one, Val::Query(_))) {
                    true => Val::Choice(all),
                    false => all.into_iter().next().unwrap_or(Val::UNKNOWN),
                }
            }
            one => change(one),
        }
    }

    /// True for what is nothing of the library's.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Val::Plain(_))
    }
}

fn choice(all: Vec<Val>, condition: Span) -> Val {
    let mut flat: Vec<Val> = Vec::new();
    for one in all {
        match one {
            Val::Choice(inner) => flat.extend(inner),
            one => flat.push(one),
        }
    }
    let mut distinct: Vec<Val> = Vec::new();
    for one in flat {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    if distinct.len() > MAX_TEXTS {
        let why = format!("more than {MAX_TEXTS} queries are possible");
        return Val::Query(Box::new(Query::unknown(condition, "", why)));
    }
    Val::Choice(distinct)
}

/// What both begin with is always there; the rest where its side was taken.
fn join_alternatives(holds: &[Fragment], otherwise: &[Fragment], condition: Span) -> Vec<Fragment> {
    let same = holds.iter().zip(otherwise).take_while(|(a, b)| a == b).count();
    let never = || Fragment::text("FALSE", condition);
    let rest = |filters: &[Fragment]| {
        let more = filters.get(same..).unwrap_or_default();
        (!more.is_empty()).then(|| Fragment::joined(more.iter().cloned(), " OR ", condition))
    };
    let mut joined = holds.get(..same).unwrap_or_default().to_vec();
    joined.extend(match (rest(holds), rest(otherwise)) {
        (None, None) => None,
        (Some(one), None) => Some(Fragment::either(one, never(), condition)),
        (None, Some(one)) => Some(Fragment::either(never(), one, condition)),
        (Some(holds), Some(otherwise)) => Some(Fragment::either(holds, otherwise, condition)),
    });
    joined
}

impl Model {
    /// A model of which no field is set.
    pub(super) fn empty(entity: usize) -> Model {
        Model { entity, fields: BTreeMap::new(), rest: Rest::NotSet }
    }

    /// What a column's field is.
    pub(super) fn field(&self, column: usize) -> Option<&Field> {
        self.fields.get(&column)
    }

    fn join(self, other: Model, condition: Span) -> Model {
        let same_rest = self.rest == other.rest;
        let rest = match same_rest {
            true => self.rest.clone(),
            false => Rest::Unknown("on one way here it is another model".to_owned()),
        };
        let mut fields = BTreeMap::new();
        let columns: Vec<usize> = self.fields.keys().chain(other.fields.keys()).copied().collect();
        for column in columns {
            let field = match (self.fields.get(&column), other.fields.get(&column)) {
                (Some(one), Some(other)) if one == other => one.clone(),
                (Some(one), Some(other)) => match one.meet(other, condition) {
                    Some(field) => field,
                    None => continue,
                },
                // The other is as the rest is.
                (Some(Field::Set(one) | Field::Maybe(one)), None)
                | (None, Some(Field::Set(one) | Field::Maybe(one)))
                    if same_rest =>
                {
                    Field::Maybe(one.clone())
                }
                _ => continue,
            };
            fields.insert(column, field);
        }
        Model { entity: self.entity, fields, rest }
    }
}

impl Field {
    /// What the field is after two ways.
    fn meet(&self, other: &Field, condition: Span) -> Option<Field> {
        let value = |one: &Fragment, other: &Fragment| match one == other {
            true => one.clone(),
            false => Fragment::either_value(one.clone(), other.clone(), condition),
        };
        Some(match (self, other) {
            (Field::Set(one), Field::Set(other)) => Field::Set(value(one, other)),
            (Field::Unchanged(one), Field::Unchanged(other)) => Field::Unchanged(value(one, other)),
            (Field::Set(one) | Field::Maybe(one), Field::Set(other) | Field::Maybe(other)) => {
                Field::Maybe(value(one, other))
            }
            (Field::Set(one) | Field::Maybe(one), Field::NotSet)
            | (Field::NotSet, Field::Set(one) | Field::Maybe(one)) => Field::Maybe(one.clone()),
            // What is there unchanged is written with a new row.
            (Field::Set(one) | Field::Maybe(one), Field::Unchanged(other))
            | (Field::Unchanged(one), Field::Set(other) | Field::Maybe(other)) => {
                Field::Maybe(value(one, other))
            }
            (Field::NotSet | Field::Unchanged(_), Field::NotSet | Field::Unchanged(_)) => return None,
        })
    }
}

/// The select list of an entity's columns, as its table's other name has them.
pub(super) fn items_of(entities: &Entities, entity: usize, table: Option<&str>, span: Span) -> Vec<Item> {
    let Some(of) = entities.entity(entity) else { return Vec::new() };
    let table = table.unwrap_or(&of.table);
    let columns = of.columns.iter().map(|column| Item {
        text: qualified(table, &column.name, span),
        name: Some(column.name.clone()),
        alias: None,
    });
    columns.collect()
}

/// `"table"."column"`.
pub(super) fn qualified(table: &str, column: &str, span: Span) -> Fragment {
    Fragment::name(table, span).write(".", span).then(Fragment::name(column, span))
}
