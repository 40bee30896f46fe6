//! What reading Rust yields: places that run SQL, with the text, the binds, and where their values come from.

use tenantry_policy::Dialect;
use tenantry_prover::verdict::Nullability;
use tenantry_span::{Span, TextRange};

use crate::sessions::{Session, Wrapper};

/// One place that runs SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuerySite {
    /// The library of the sink table that recognised it: `sqlx`, `tokio-postgres`, …
    pub library: String,
    /// The macro, function or method: `query_as!`, `query`, `execute`.
    pub call: String,
    /// The call itself, the smallest expression that runs or builds the query.
    pub span: Span,
    /// The enclosing item as a path within the crate's module tree: `store::orders::Orders::find`.
    pub item: String,
    /// The item's own place (its name), for messages.
    pub item_span: Option<Span>,
    /// The texts it may run: one, or one for each arm that chooses. All have to be proved.
    pub texts: Vec<SqlText>,
    /// The binds in placeholder order; `None` where they could not be matched (then none is known).
    pub binds: Option<Vec<Bind>>,
    /// Where the SQL runs, if not at the call itself: in a function that is handed the text.
    pub runs_at: Option<Span>,
    /// The parameter of the enclosing function that is the list of the values that are bound: its place.
    pub bind_list: Option<Span>,
    /// Parameters of the enclosing function, for `tenant-parameter-unused`.
    pub params: Vec<Param>,
    /// `cfg` predicates that gate it, as written.
    pub cfgs: Vec<String>,
    /// It is test code: `#[cfg(test)]`, `#[test]`, files under `tests/`, `benches/`, `examples/`.
    pub is_test: bool,
    /// Filters that a query builder was given only under a condition: each is a value of its own in the texts.
    pub conditions: Vec<Condition>,
    /// Checks of the row that it returns.
    pub checks: Vec<RowCheck>,
    /// Calls that may check the row: what they call says.
    pub check_calls: Vec<CheckCall>,
    /// The fields of the type that its row is read into, where that reads columns in their order and not by their names.
    pub fields: Option<Vec<String>>,
    /// Its row is what the enclosing function gives back, with nothing else done with it: the methods of unknown origin
    /// that it goes through on the way.
    pub returned: Option<Vec<String>>,
    /// What whoever is past a call of the enclosing function knows of its row.
    pub gives: Option<Gives>,
    /// Queries that returned a row on every way here: the places of their calls.
    pub found: Vec<Span>,
    /// Those of them whose row was checked on every way here.
    pub checked: Vec<Span>,
    /// Queries that returned no row, or one that was checked, on every way here.
    pub checked_if_any: Vec<Span>,
    /// Queries whose one value was yes, or a number above zero, on every way here.
    pub answered: Vec<Span>,
    /// Values in sight that are the tenant's, or parameters that may be.
    pub at_hand: Vec<AtHand>,
}

/// What the value of a function says of the row of one of its queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gives {
    /// How many wrappers are around what says it: past them there was a row.
    pub layers: usize,
    /// What it says.
    pub kind: GivesKind,
}

/// The ways in which a function tells of the row of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivesKind {
    /// The row itself is in the wrappers.
    Row,
    /// It was found.
    Found,
    /// The query's one value was yes, or a number above zero.
    Answered,
    /// Yes is in the wrappers only if it was found.
    Says,
}

/// A value that a fix may bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtHand {
    /// What it would be as a bind; its text is the variable's name, or a trusted expression.
    pub bind: Bind,
    /// Its type as written, white space removed; empty for an expression. Of a variable in a pattern it is that of the whole.
    pub ty: String,
    /// It is a parameter, or an expression, as it stands, and no part that a pattern takes out of one.
    pub is_whole: bool,
}

/// A check of a row after it was fetched: where it does not hold, the function leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCheck {
    /// The column of the row that is compared.
    pub column: RowColumn,
    /// What it is compared with; the column itself where a guard checked it.
    pub bind: Bind,
    /// The check's place.
    pub span: Span,
    /// Where the row is mentioned although the check has not passed there.
    pub unchecked: Option<Span>,
}

/// A call that leaves where its function says no, and is handed a row: a check, if that is what the function does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckCall {
    /// How the function is named: the path as imports resolve it, or the method's name alone.
    pub path: Vec<String>,
    /// It is written as a method.
    pub is_method: bool,
    /// The name of the type that the receiver of a method is declared with, where that is in sight.
    pub receiver_type: Option<String>,
    /// All paths that may lead to the type of the receiver of a method, as imports resolve them; none where it is not known.
    pub of_types: Vec<Vec<String>>,
    /// The call's place.
    pub span: Span,
    /// How many times its answer was unwrapped.
    pub unwrapped: usize,
    /// The yes or no that it was, where it is looked at.
    pub says: Option<bool>,
    /// What the method is called on.
    pub receiver: Option<Given>,
    /// What is handed over.
    pub arguments: Vec<Given>,
    /// Where the row is mentioned although the call has not passed there.
    pub unchecked: Option<Span>,
}

/// What is handed to a function that may compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The column of the row that it is; `Only` for the row itself.
    pub row: Option<RowColumn>,
    /// What it is otherwise.
    pub bind: Bind,
    /// It holds the same value wherever it is looked at.
    pub is_steady: bool,
}

impl QuerySite {
    /// True for a statement that binds what the call at this place gives, or runs only where that was a row.
    pub fn uses(&self, call: Span) -> bool {
        let reads = |bind: &Bind| {
            let row = bind.provenance.row.as_ref();
            row.is_some_and(|row| row.within.file == call.file && row.within.range.contains_range(call.range))
        };
        self.found.contains(&call) || self.answered.contains(&call) || self.binds.iter().flatten().any(reads)
    }

    /// What is bound, and behind it what the checks compare with: numbered from 1 as placeholders are.
    pub fn all_binds(&self) -> impl Iterator<Item = (u32, &Bind)> {
        let binds = self.binds.iter().flatten();
        (1..).zip(binds.chain(self.checks.iter().map(|check| &check.bind)))
    }
}

/// A condition under which a filter is added: the text holds `(placeholder OR filter)`, so that the filter counts where the
/// placeholder is false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The number of its placeholder.
    pub number: u32,
    /// The condition's place.
    pub span: Span,
    /// The filter's place.
    pub filter: Span,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name; empty for a pattern.
    pub name: String,
    /// Its type as written, white space removed.
    pub ty: String,
    /// Where its name is.
    pub span: Span,
    /// Used anywhere in the function's body.
    pub used: bool,
    /// It, or a value made from it, is bound in this site.
    pub bound_here: bool,
}

/// The text a site runs, as pieces in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqlText {
    /// The pieces.
    pub pieces: Vec<Piece>,
    /// What chose this text, where there was a choice: the arm's condition as written.
    pub chosen_by: Option<String>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A literal's value.
    Literal {
        /// The value, escapes resolved.
        value: String,
        /// The literal's place: the whole token, quotes included, or the whole included file.
        span: Span,
        /// For each byte of `value` from which the offset in the file changes its distance: (offset in `value`, offset
        /// in the file). Sorted; the first entry is for offset 0.
        map: Vec<(u32, u32)>,
    },
    /// A part that is not known.
    Hole {
        /// The expression that fills it.
        span: Span,
        /// The expression as written, shortened.
        text: String,
        /// What is known of it.
        kind: HoleKind,
    },
    /// Text that a query builder makes of an expression; every byte of it stands for the whole expression.
    Built {
        /// The text.
        text: String,
        /// The expression.
        span: Span,
    },
    /// A name that a query builder quotes as the database asks for it.
    Name {
        /// The name as the database knows it.
        name: String,
        /// The expression that names it.
        span: Span,
    },
    /// A placeholder of a query builder.
    Placeholder {
        /// Its number, from 1.
        number: u32,
        /// The expression that is bound.
        span: Span,
    },
}

/// The first number of placeholders whose numbers are made when the query runs, `format!("${n}")`: each stands for one that
/// is not known, and so for any value. All of them have as many digits.
const COMPUTED: usize = 900;

/// Why a part that a builder's method writes is not known, as with `QueryBuilder::push_bind`: it writes placeholders too.
pub const BUILT: &str = "text appended to the query by a builder";

/// The step of a value that comes from the receiver of its method.
pub const RECEIVER: &str = "the receiver of the method";

/// The same, of a receiver that the method may change.
pub const CHANGING_RECEIVER: &str = "the receiver of the method, which it may change";

/// The word of a step that says of what a method may be called on that it was made of something else, so that its fields
/// say nothing of where that came from.
pub const CONVERTED: &str = "made of something else";

/// The word of a step that says of an id made at random that it is made for this run of the statement alone.
pub const NEW: &str = "a new id each time";

/// The word of the step at which a value comes from a parameter or a variable whose declared type says whose it is.
pub const TYPED: &str = "declared with a trusted type";

/// The same, of a field.
pub const TYPED_FIELD: &str = "a field of a trusted type";

/// The word of a step at which a value is not followed since something else may have been put in its place.
pub const SET: &str = "assigned to more than once";

/// What is known of a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoleKind {
    /// Nothing: a value interpolated, or text built elsewhere.
    Unknown(Unknown),
    /// A number of a Rust integer type: it can only stand for a constant.
    Integer,
    /// A part of a query builder's chain that is not known. The message says what.
    Unread(String),
    /// What a parameter of the enclosing function holds, as it was handed over: the parameter's place.
    Parameter(Span),
    /// A part of a query builder's chain that whoever calls the enclosing function decides.
    Handed(HandedPart),
}

/// A part of a text that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// What it is.
    pub why: String,
    /// The way its value came, last step first: places with a word each.
    pub way: Vec<(Span, String)>,
    /// What a request says, where it is that.
    pub said: Option<Said>,
}

/// What a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text: whatever its sender likes.
    Text,
    /// A value of a type that is not seen, which may have few.
    Value,
}

impl HoleKind {
    /// A hole of which nothing is known but why.
    pub fn unknown(why: impl Into<String>) -> HoleKind {
        HoleKind::Unknown(Unknown { why: why.into(), way: Vec::new(), said: None })
    }
}

/// A part of a chain that a function is handed. Every place is that of a parameter or a type parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedPart {
    /// The condition or other expression that a parameter holds, or what is in its `Some`.
    Expression(Span),
    /// The query that a parameter holds, as a whole.
    Query(Span),
    /// The name of a table.
    Table(Span),
    /// All columns of a table.
    Columns(Span),
    /// The condition that the key of a table is the value of a parameter.
    Key {
        /// The table.
        of: Span,
        /// The parameter.
        value: Span,
    },
    /// The columns and rows that a parameter is where it is inserted into a table.
    Row {
        /// The table.
        of: Span,
        /// The parameter.
        value: Span,
    },
    /// What a parameter sets of a table's columns.
    Changes {
        /// The table.
        of: Span,
        /// The parameter.
        value: Span,
    },
}

/// What is bound to a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The expression's place.
    pub span: Span,
    /// The expression as written, with `&`, `.clone()`, `.0`, `as _` and the like left in.
    pub text: String,
    /// The expression normalised so that equal values have equal keys (`&tenant.0`, `*tenant`, `tenant.as_uuid()` of the
    /// same variable that is not assigned in between).
    pub key: String,
    /// Whether it may be NULL, as far as its Rust type is in sight.
    pub nullable: Nullability,
    /// Where the value comes from.
    pub provenance: Provenance,
    /// It is a list, each of whose elements is that value: `vec![tenant; ids.len()]`.
    pub each: bool,
}

/// Where a bound value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// What kind of source.
    pub kind: ProvenanceKind,
    /// The way it came, last step first: places with a word each.
    pub steps: Vec<(Span, String)>,
    /// The row that it was read from, where it is exactly the value of one column.
    pub row: Option<RowValue>,
    /// The part of a value of a type that it is, where that type says whose it is: an extractor's.
    pub extracted: Option<Extracted>,
    /// The name under which a guard has checked it.
    pub checked_as: Option<String>,
    /// The function without arguments that makes it, whenever the code here runs.
    pub made_by: Option<Vec<String>>,
}

/// A part of a value that a function is handed, or that an extractor is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extracted {
    /// The paths that the written name of the value's type may stand for.
    pub paths: Vec<Vec<String>>,
    /// The fields down to the part, outermost first; a position for one that has no name.
    pub fields: Vec<String>,
}

/// A column's value in a row that a statement of the same function returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowValue {
    /// The expression that runs the statement; the site lies in it.
    pub within: Span,
    /// Which column.
    pub column: RowColumn,
}

/// How a column of a row is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowColumn {
    /// By a field of the type that the row is read into.
    Field(String),
    /// By its own name, as in `row.get("id")`.
    Name(String),
    /// Not at all: the row is read into a single value.
    Only,
}

/// The kinds of sources, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProvenanceKind {
    /// A declared type, expression or extractor.
    Trusted,
    /// Checked by a guard on every way here.
    Guarded,
    /// An id made here, which nothing in the database has yet: a new tenant's.
    Fresh,
    /// A parameter of the enclosing function.
    Parameter,
    /// Data of the request.
    Request,
    /// A row read earlier.
    Row,
    /// A literal or constant.
    Literal,
    /// Not known.
    Unknown,
}

/// What the reading of one file yields.
#[derive(Clone, Debug, Default)]
pub struct FileSites {
    /// The sites, in order.
    pub sites: Vec<QuerySite>,
    /// Suppression comments and attributes.
    pub suppressions: Vec<Suppression>,
    /// What attributes of the crate `tenantry` say of items, in order.
    pub marks: Vec<crate::Mark>,
    /// What could not be read: a syntax error (then strings that look like SQL are sites with undecided text), a macro
    /// whose tokens do not parse.
    pub skipped: Vec<(TextRange, String)>,
    /// Modules of other files that are declared under `#[cfg(test)]` here, as paths within the crate
    /// (`store::tests`): the sites of their files are test code.
    pub test_modules: Vec<String>,
    /// On which connections statements run, where that is followed.
    pub sessions: Vec<Session>,
    /// Its functions that are handed a closure, which they may run on a connection that they have set up.
    pub wrappers: Vec<Wrapper>,
}

/// A suppression in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The comment's or attribute's place.
    pub span: Span,
    /// The code it covers: the statement or item that follows, or the line it ends.
    pub covers: TextRange,
    /// The rule's id as written.
    pub rule: String,
    /// `reason="…"`.
    pub reason: Option<String>,
    /// `until=YYYY-MM-DD` as written.
    pub until: Option<String>,
    /// `owner=…`.
    pub owner: Option<String>,
    /// What is wrong with its form, where something is.
    pub problem: Option<String>,
}

impl SqlText {
    /// The places that its pieces were read from.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.pieces.iter().map(|piece| match piece {
            Piece::Literal { span, .. }
            | Piece::Hole { span, .. }
            | Piece::Built { span, .. }
            | Piece::Name { span, .. }
            | Piece::Placeholder { span, .. } => *span,
        })
    }

    /// The whole text if it has no unknown hole, as PostgreSQL and the standard write it; integers in holes stand as `0`.
    pub fn known(&self) -> Option<String> {
        self.known_in(Dialect::Postgres, &[])
    }

    /// The whole text in a dialect if it has no unknown hole. The placeholders of a query builder whose numbers are in
    /// `off` stand as `FALSE`.
    pub fn known_in(&self, dialect: Dialect, off: &[u32]) -> Option<String> {
        let mut text = String::new();
        // MySQL's placeholders have no numbers: they count as they stand.
        let mut last = 0;
        for (at, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Built { text: built, .. } => text.push_str(built),
                Piece::Name { name, .. } => quote(name, dialect, &mut text),
                Piece::Placeholder { number, .. } => {
                    last += 1;
                    if off.contains(number) {
                        text.push_str("FALSE");
                    } else if dialect == Dialect::Postgres {
                        text.push_str(&format!("${number}"));
                    } else if dialect == Dialect::Sqlite {
                        text.push_str(&format!("?{number}"));
                    } else if last == *number {
                        // As wide as the others, so that places hold in every dialect.
                        text.push_str(&format!("?{:1$}", "", number.to_string().len()));
                    } else {
                        return None;
                    }
                }
                Piece::Literal { value, .. } => text.push_str(value),
                Piece::Hole { kind: HoleKind::Integer, .. } if self.is_number_of_placeholder(at) => {
                    let mark = if dialect == Dialect::Sqlite { '?' } else { '$' };
                    if dialect == Dialect::Mysql || !text.ends_with(mark) || self.has_large_numbers() {
                        return None;
                    }
                    text.push_str(&(COMPUTED + at % 100).to_string());
                }
                Piece::Hole { kind: HoleKind::Integer, .. } if !is_operand(&text) => return None,
                Piece::Hole { kind: HoleKind::Integer, .. } => text.push('0'),
                Piece::Hole {
                    kind:
                        HoleKind::Unknown(_) | HoleKind::Unread(_) | HoleKind::Parameter(_) | HoleKind::Handed(_),
                    ..
                } => return None,
            }
        }
        Some(text)
    }

    /// The place in a file of a range of the text that [`SqlText::known`] gives: exact within one literal, the literals'
    /// cover in one file otherwise.
    pub fn place(&self, range: TextRange) -> Option<Span> {
        let start = self.offset(range.start, false)?;
        let end = self.offset(range.end, true)?;
        if start.file != end.file {
            return Some(start);
        }
        Some(Span::new(start.file, TextRange::new(start.range.start, end.range.end)))
    }

    /// The piece is the number of a placeholder and all of it: `$` stands before it, and no word goes on after it.
    fn is_number_of_placeholder(&self, at: usize) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '?');
        let literal = |piece: Option<&Piece>| match piece {
            Some(Piece::Literal { value, .. }) => Some(value.clone()),
            Some(Piece::Built { text, .. }) => Some(text.clone()),
            _ => None,
        };
        let before = at.checked_sub(1).and_then(|at| literal(self.pieces.get(at)));
        let mark = before.as_deref().and_then(|before| before.strip_suffix(['$', '?']));
        let after = match self.pieces.get(at + 1) {
            None => true,
            next => literal(next).is_some_and(|after| !after.starts_with(is_word)),
        };
        let is_integer = matches!(self.pieces.get(at), Some(Piece::Hole { kind: HoleKind::Integer, .. }));
        is_integer && after && mark.is_some_and(|mark| !mark.ends_with(is_word)) && at < 100
    }

    /// It has placeholders of numbers that those which are made when it runs would be taken for.
    fn has_large_numbers(&self) -> bool {
        let literals = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal { value, .. } | Piece::Built { text: value, .. } => Some(value.as_str()),
            _ => None,
        });
        let mut numbers = literals
            .flat_map(|text| text.split(['$', '?']).skip(1))
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).count());
        numbers.any(|digits| digits > 2)
    }

    fn offset(&self, at: u32, is_end: bool) -> Option<Span> {
        let mut base = 0u32;
        let mut last = None;
        for (number, piece) in self.pieces.iter().enumerate() {
            let (len, here) = match piece {
                Piece::Literal { value, span, map } => {
                    let len = TextRange::from_usize(value.len(), value.len()).start;
                    let inside = at.saturating_sub(base).min(len);
                    let entry = map.iter().rev().find(|(from, _)| *from <= inside);
                    let offset = entry.map_or(span.range.start, |(from, to)| to + (inside - from));
                    (len, Span::new(span.file, TextRange::empty(offset)))
                }
                Piece::Hole { span, .. }
                | Piece::Built { span, .. }
                | Piece::Name { span, .. }
                | Piece::Placeholder { span, .. } => {
                    let offset = if is_end { span.range.end } else { span.range.start };
                    let width = if self.is_number_of_placeholder(number) { 3 } else { piece.width() };
                    (width, Span::new(span.file, TextRange::empty(offset)))
                }
            };
            let ends = base + len;
            last = Some(here);
            if at < ends || (is_end && at == ends) {
                return last;
            }
            base = ends;
        }
        last
    }
}

impl Piece {
    /// How many bytes it has in the text.
    fn width(&self) -> u32 {
        let width = match self {
            Piece::Literal { value, .. } => value.len(),
            Piece::Hole { .. } => 1,
            Piece::Built { text, .. } => text.len(),
            Piece::Name { name, .. } => name.len() + name.matches('"').count() + 2,
            Piece::Placeholder { number, .. } => number.to_string().len() + 1,
        };
        TextRange::from_usize(width, width).start
    }

    /// The place in the source that it stands for.
    pub fn span(&self) -> Span {
        match self {
            Piece::Literal { span, .. }
            | Piece::Hole { span, .. }
            | Piece::Built { span, .. }
            | Piece::Name { span, .. }
            | Piece::Placeholder { span, .. } => *span,
        }
    }
}

fn quote(name: &str, dialect: Dialect, out: &mut String) {
    let mark = if dialect == Dialect::Mysql { '`' } else { '"' };
    out.push(mark);
    for c in name.chars() {
        if c == mark {
            out.push(mark);
        }
        out.push(c);
    }
    out.push(mark);
}

/// True if a number after this text is an operand of its own: it belongs to no name, number or placeholder, and a
/// minus sign of its own does not begin a comment.
fn is_operand(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | ':' | '@' | '?' | '.'))
}
