//! Does the parser's tree group operators as the database does?
//!
//! A tree in which every operand without parentheses binds tighter than its operator is the only tree that its text has
//! under that table. So it is enough to look at each operator and its operands. Where the databases' tables are subtle
//! (comparisons chained, bit operators mixed) the table here is stricter than theirs: such text is unread, not guessed.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};
use tenantry_policy::Dialect;

/// How tight an expression's outermost operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    And,
    Not,
    /// Comparisons, `IS`, `IN`, `LIKE`, `BETWEEN`: one level, and none is an operand of another.
    Compare,
    /// `&`, `|`, `<<`, `>>`, `^`: no operand may be another operator.
    Bit,
    Add,
    Multiply,
    /// SQLite's `||`, `->` and `->>`; MySQL's `->` takes a column and a string.
    Concat,
    Collate,
    Unary,
    Atom,
}

/// The level of a binary operator; `None` for those of other databases and those that are always refused.
pub(super) fn binary(dialect: Dialect, op: &BinaryOperator) -> Option<Level> {
    use BinaryOperator as Op;
    Some(match op {
        Op::Or => Level::Or,
        Op::And => Level::And,
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Spaceship => Level::Compare,
        Op::Regexp | Op::Glob | Op::Match => Level::Compare,
        Op::BitwiseAnd | Op::BitwiseOr | Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight => Level::Bit,
        Op::Plus | Op::Minus => Level::Add,
        Op::Multiply | Op::Divide | Op::Modulo | Op::MyIntegerDivide => Level::Multiply,
        Op::Arrow | Op::LongArrow => Level::Concat,
        Op::StringConcat if dialect == Dialect::Sqlite => Level::Concat,
        _ => return None,
    })
}

/// The level of an expression as an operand.
pub(super) fn level(dialect: Dialect, expr: &Expr) -> Level {
    match expr {
        Expr::BinaryOp { left: _, op, right: _ } => binary(dialect, op).unwrap_or(Level::Or),
        Expr::UnaryOp { op: UnaryOperator::Not, expr: _ } => Level::Not,
        Expr::UnaryOp { op: _, expr: _ } => Level::Unary,
        // Written `NOT EXISTS …`, and NOT reaches further than the parser has it reach.
        Expr::Exists { subquery: _, negated: true } => Level::Not,
        Expr::Collate { expr: _, collation: _ } => Level::Collate,
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::TypedString(_)
        | Expr::Function(_)
        | Expr::Case { case_token: _, end_token: _, operand: _, conditions: _, else_result: _ }
        | Expr::Exists { subquery: _, negated: false }
        | Expr::Subquery(_)
        | Expr::Tuple(_)
        | Expr::Cast { kind: _, expr: _, data_type: _, format: _ }
        | Expr::Extract { field: _, syntax: _, expr: _ }
        | Expr::Ceil { expr: _, field: _ }
        | Expr::Floor { expr: _, field: _ }
        | Expr::Position { expr: _, r#in: _ }
        | Expr::Substring { expr: _, substring_from: _, substring_for: _, special: _, shorthand: _ }
        | Expr::Trim { trim_where: _, trim_what: _, expr: _, trim_characters: _ }
        | Expr::Interval(_) => Level::Atom,
        Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(_, _)
        | Expr::IsNotDistinctFrom(_, _)
        | Expr::InList { expr: _, list: _, negated: _ }
        | Expr::InSubquery { expr: _, subquery: _, negated: _ }
        | Expr::Between { expr: _, negated: _, low: _, high: _ }
        | Expr::Like { negated: _, any: _, expr: _, pattern: _, escape_char: _ }
        | Expr::RLike { negated: _, expr: _, pattern: _, regexp: _ }
        | Expr::AnyOp { left: _, compare_op: _, right: _, is_some: _ }
        | Expr::AllOp { left: _, compare_op: _, right: _ } => Level::Compare,
        // Not modelled, so refused wherever it stands.
        _ => Level::Or,
    }
}

/// Whether the operands of a binary operator of level `own` may stand there without parentheses.
pub(super) fn agrees(dialect: Dialect, own: Level, left: &Expr, right: &Expr) -> bool {
    let (left, right) = (level(dialect, left), level(dialect, right));
    match own {
        // The left operand of a chain is the chain so far.
        Level::Or | Level::And | Level::Add | Level::Multiply | Level::Concat => left >= own && right > own,
        Level::Not | Level::Compare | Level::Collate | Level::Unary | Level::Atom => {
            left > own && right > own
        }
        Level::Bit => left >= Level::Unary && right >= Level::Unary,
    }
}
