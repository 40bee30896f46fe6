//! What is read, and what is refused, construct by construct.

use tenantry_policy::Dialect;

use super::statements;
use crate::ast::{
    BinaryOp, ConflictAction, ConflictTarget, Delete, Expr, ExprKind, Insert, JoinKind, ParsedStatement,
    Query, Select, SelectItem, SetExpr, SetOp, Statement, TableExpr, UnaryOp, Update,
};
use crate::lower::limits::{MAX_NESTING, MAX_TEXT, MAX_TOKENS, on_deep_stack};

const MYSQL: Dialect = Dialect::Mysql;
const SQLITE: Dialect = Dialect::Sqlite;
const BOTH: [Dialect; 2] = [MYSQL, SQLITE];

#[track_caller]
fn one(dialect: Dialect, sql: &str) -> ParsedStatement {
    let mut all = on_deep_stack(|| statements(dialect, sql)).expect("no panic");
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0)
}

/// The statement, of which everything must have been read.
#[track_caller]
fn read(dialect: Dialect, sql: &str) -> Statement {
    let parsed = one(dialect, sql);
    assert!(parsed.unread.is_empty(), "{sql}\n{:?}", parsed.unread);
    parsed.statement
}

/// Asserts that the statement is valid or not, but never wholly read.
#[track_caller]
fn refused(dialect: Dialect, sql: &str) {
    let parsed = one(dialect, sql);
    assert!(!parsed.unread.is_empty(), "{sql}\n{:?}", parsed.statement);
}

#[track_caller]
fn query(dialect: Dialect, sql: &str) -> Query {
    match read(dialect, sql) {
        Statement::Query(query) => *query,
        other => panic!("{sql}: {other:?}"),
    }
}

#[track_caller]
fn select(dialect: Dialect, sql: &str) -> Select {
    match query(dialect, sql).body {
        SetExpr::Select(select) => *select,
        other => panic!("{sql}: {other:?}"),
    }
}

#[track_caller]
fn insert(dialect: Dialect, sql: &str) -> Insert {
    match read(dialect, sql) {
        Statement::Insert(insert) => *insert,
        other => panic!("{sql}: {other:?}"),
    }
}

#[track_caller]
fn update(dialect: Dialect, sql: &str) -> Update {
    match read(dialect, sql) {
        Statement::Update(update) => *update,
        other => panic!("{sql}: {other:?}"),
    }
}

#[track_caller]
fn delete(dialect: Dialect, sql: &str) -> Delete {
    match read(dialect, sql) {
        Statement::Delete(delete) => *delete,
        other => panic!("{sql}: {other:?}"),
    }
}

/// The filter, fully parenthesised.
#[track_caller]
fn filter(dialect: Dialect, condition: &str) -> String {
    let select = select(dialect, &format!("SELECT a FROM t WHERE {condition}"));
    show(&select.filter.expect("a filter"))
}

#[track_caller]
fn filter_refused(dialect: Dialect, condition: &str) {
    refused(dialect, &format!("SELECT a FROM t WHERE {condition}"));
}

fn show(expr: &Expr) -> String {
    let not = |negated: bool| if negated { "NOT " } else { "" };
    let list = |list: &[Expr]| list.iter().map(show).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Column(parts) => parts.iter().map(|part| part.text.clone()).collect::<Vec<_>>().join("."),
        ExprKind::Param(number) => format!("?{number}"),
        ExprKind::Null => "NULL".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Number(number) => number.clone(),
        ExprKind::String(text) => format!("'{text}'"),
        ExprKind::TypedLiteral(ty, text) => format!("{ty:?}'{text}'"),
        ExprKind::Binary { op, left, right } => format!("({} {} {})", show(left), operator(op), show(right)),
        ExprKind::Unary { op: UnaryOp::Not, expr } => format!("(NOT {})", show(expr)),
        ExprKind::Unary { op: UnaryOp::Minus, expr } => format!("(-{})", show(expr)),
        ExprKind::IsNull { expr, negated } => format!("({} IS {}NULL)", show(expr), not(*negated)),
        ExprKind::IsBool { expr, test, negated } => format!("({} IS {}{test:?})", show(expr), not(*negated)),
        ExprKind::IsDistinct { left, right, negated } => {
            format!("({} IS {}DISTINCT {})", show(left), not(*negated), show(right))
        }
        ExprKind::InList { expr, list: items, negated } => {
            format!("({} {}IN ({}))", show(expr), not(*negated), list(items))
        }
        ExprKind::InSubquery { expr, query: _, negated } => {
            format!("({} {}IN query)", show(expr), not(*negated))
        }
        ExprKind::Between { expr, low, high, negated, symmetric: _ } => {
            format!("({} {}BETWEEN {} AND {})", show(expr), not(*negated), show(low), show(high))
        }
        ExprKind::Like { expr, pattern, escape: _, negated } => {
            format!("({} {}LIKE {})", show(expr), not(*negated), show(pattern))
        }
        ExprKind::QuantifiedSubquery { left, op, all, query: _ } => {
            format!("({} {} {} query)", show(left), operator(op), if *all { "ALL" } else { "ANY" })
        }
        ExprKind::QuantifiedArray { left, op, all, array } => {
            let word = if *all { "ALL" } else { "ANY" };
            format!("({} {} {word}({}))", show(left), operator(op), show(array))
        }
        ExprKind::Exists(_) => "EXISTS query".to_owned(),
        ExprKind::Subquery(_) => "query".to_owned(),
        ExprKind::Row(items) => format!("ROW({})", list(items)),
        ExprKind::Collate { expr, collation: _ } => format!("({} COLLATE)", show(expr)),
        ExprKind::Cast { expr, ty, fallible: _ } => format!("CAST({} AS {ty:?})", show(expr)),
        ExprKind::Call(call) => {
            let name = call.name.parts.iter().map(|part| part.text.clone()).collect::<Vec<_>>().join(".");
            format!("{name}({})", list(&call.args))
        }
        other => format!("{other:?}"),
    }
}

fn operator(op: &BinaryOp) -> String {
    match op {
        BinaryOp::And => "AND".to_owned(),
        BinaryOp::Or => "OR".to_owned(),
        BinaryOp::Eq => "=".to_owned(),
        BinaryOp::NotEq => "<>".to_owned(),
        BinaryOp::Lt => "<".to_owned(),
        BinaryOp::LtEq => "<=".to_owned(),
        BinaryOp::Plus => "+".to_owned(),
        BinaryOp::Multiply => "*".to_owned(),
        BinaryOp::Concat => "||".to_owned(),
        BinaryOp::Other(op) => op.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn groups_as_both_databases_do() {
    let cases = [
        ("a = ? OR b = ? AND c = ?", "((a = ?1) OR ((b = ?2) AND (c = ?3)))"),
        ("(a = ? OR b = ?) AND c = ?", "(((a = ?1) OR (b = ?2)) AND (c = ?3))"),
        ("NOT a = ? AND b = 1", "((NOT (a = ?1)) AND (b = 1))"),
        ("a BETWEEN 1 AND 2 OR b = 3", "((a BETWEEN 1 AND 2) OR (b = 3))"),
        ("a NOT BETWEEN 1 AND 2 + 3 AND b", "((a NOT BETWEEN 1 AND (2 + 3)) AND b)"),
        ("a + b * c = d", "((a + (b * c)) = d)"),
        ("a = -1", "(a = (-1))"),
        ("a IS NULL OR a = 1", "((a IS NULL) OR (a = 1))"),
        ("a IS NOT NULL AND NOT EXISTS (SELECT 1 FROM u)", "((a IS NOT NULL) AND (NOT EXISTS query))"),
        ("a NOT IN (1, ?) AND b IN (SELECT x FROM u)", "((a NOT IN (1, ?1)) AND (b IN query))"),
        ("(a, b) IN ((1, 2))", "(ROW(a, b) IN (ROW(1, 2)))"),
        ("a NOT LIKE 'x%' AND b", "((a NOT LIKE 'x%') AND b)"),
        ("a = b COLLATE nocase", "(a = (b COLLATE))"),
        ("a <> 1 AND a != 2", "((a <> 1) AND (a <> 2))"),
        ("a IS TRUE AND b IS NOT FALSE", "((a IS Some(true)) AND (b IS NOT Some(false)))"),
        ("COALESCE(a, ?) = 1", "(coalesce(a, ?1) = 1)"),
        ("a = ANY(?) OR b != ALL(?)", "((a = ANY(?1)) OR (b <> ALL(?2)))"),
        ("CAST(a AS CHAR) = 'x'", "(CAST(a AS Char) = 'x')"),
    ];
    for dialect in BOTH {
        for (condition, expected) in cases {
            assert_eq!(filter(dialect, condition), expected, "{condition}");
        }
    }
}

#[test]
fn groups_as_sqlite_does() {
    let cases = [
        ("a == 1", "(a = 1)"),
        ("a IS ?", "(a IS NOT DISTINCT ?1)"),
        ("a IS NOT ? AND b = 1", "((a IS DISTINCT ?1) AND (b = 1))"),
        ("a IS b OR c", "((a IS NOT DISTINCT b) OR c)"),
        ("a IS /* so */ NOT b", "(a IS DISTINCT b)"),
        ("a IS NOT DISTINCT FROM ?", "(a IS NOT DISTINCT ?1)"),
        ("a IS NOT NULL", "(a IS NOT NULL)"),
        ("a NOTNULL", "(a IS NOT NULL)"),
        ("a LIKE '%' || ? || '%'", "(a LIKE (('%' || ?1) || '%'))"),
        ("a = b || c", "(a = (b || c))"),
        ("a GLOB 'x*' AND b REGEXP 'y'", "((a LIKE 'x*') AND (b LIKE 'y'))"),
        ("\"a\" = 'x' AND [b] = 1 AND `c` = 2", "(((a = 'x') AND (b = 1)) AND (c = 2))"),
        ("data ->> '$.k' = ?", "((data ->> '$.k') = ?1)"),
    ];
    for (condition, expected) in cases {
        assert_eq!(filter(SQLITE, condition), expected, "{condition}");
    }
}

#[test]
fn groups_as_mysql_does() {
    let cases = [
        ("a <=> ?", "(a IS NOT DISTINCT ?1)"),
        ("a = \"x\"", "(a = 'x')"),
        ("a = 'it\\'s'", "(a = 'it's')"),
        ("a REGEXP 'x' AND b NOT RLIKE 'y'", "((a LIKE 'x') AND (b NOT LIKE 'y'))"),
        ("a > ALL (SELECT x FROM u)", "(a Gt ALL query)"),
        ("a = ANY (SELECT x FROM u) AND b", "((a = ANY query) AND b)"),
        ("created > NOW() - INTERVAL 1 DAY", "(created Gt (now() Minus Temporal'1 DAY'))"),
        ("created > NOW() - INTERVAL ? DAY", "(created Gt (now() Minus interval(?1)))"),
        ("a DIV 2 = 1", "((a DIV 2) = 1)"),
        ("doc->'$.k' = 1", "((doc -> '$.k') = 1)"),
    ];
    for (condition, expected) in cases {
        assert_eq!(filter(MYSQL, condition), expected, "{condition}");
    }
}

#[test]
fn refuses_what_may_be_grouped_otherwise() {
    for condition in [
        "a = b IS NULL",
        "a = b = c",
        "a = b LIKE c",
        "a < b = c",
        "a = NOT b",
        "NOT EXISTS (SELECT 1 FROM u) = 1",
        "a = b IN (1)",
        "a & b | c",
        "a | b & c = 1",
        "a << 1 + 2",
        "a BETWEEN b = 1 AND 2",
        "a LIKE b = c",
        "a ~ b",
    ] {
        for dialect in BOTH {
            filter_refused(dialect, condition);
        }
    }
    for condition in [
        "a || b = 1",
        "a = 1 || b = 2",
        "a = 1 && b = 2",
        "!a = 1",
        "a XOR b",
        "BINARY a = 1 AND b",
        "a LIKE b + c",
        "a = @tenant",
        "(@a := 1) = a",
        "a = 1 /*! OR 1 = 1 */",
        "a = 1 /*M! OR 1 = 1 */",
        "a = 1 /*!50000 OR 1 = 1 */",
        "a = _utf8'x'",
        "a = :name",
        "MATCH (a) AGAINST ('x')",
    ] {
        filter_refused(MYSQL, condition);
    }
    for condition in ["a IN ()", "a = x'00'y", "a = ?1a", "a ISNULL"] {
        filter_refused(SQLITE, condition);
    }
}

#[test]
fn a_comment_is_executable_only_outside_of_strings() {
    for sql in [
        "SELECT a FROM t WHERE b = '/*! x */'",
        "SELECT a FROM t WHERE b = \"\\\"/*! x */\"",
        "SELECT a FROM t -- /*! x */",
        "SELECT a FROM t # /*! x */",
        "SELECT a FROM t /* plain /*! x */",
        "SELECT `/*!` FROM t",
    ] {
        read(MYSQL, sql);
    }
    read(MYSQL, "SELECT a FROM t WHERE b = '\\' /*! x */ OR 1 --'");
    refused(MYSQL, "SELECT a FROM t WHERE b = '\\\\' /*! OR 1 */");
    refused(MYSQL, "SELECT /*+ SET_VAR(sql_mode = 'PIPES_AS_CONCAT') */ a FROM t");
    read(SQLITE, "SELECT a FROM t /* plain */");
}

#[test]
fn folds_names_and_remembers_quotes() {
    let SetExpr::Select(select) = query(SQLITE, "SELECT \"Tenant_Id\", Name FROM Posts").body else {
        panic!("a select");
    };
    let names: Vec<(String, bool)> = select
        .items
        .iter()
        .filter_map(|item| match item {
            SelectItem::Expr { expr: Expr { kind: ExprKind::Column(parts), range: _ }, alias: None } => {
                parts.first().map(|part| (part.text.clone(), part.quoted))
            }
            _ => None,
        })
        .collect();
    assert_eq!(names, [("tenant_id".to_owned(), true), ("name".to_owned(), false)]);
}

#[test]
fn numbers_placeholders() {
    let cases = [
        ("a = ? AND b = ?", "((a = ?1) AND (b = ?2))", 2),
        ("a = ?2 AND b = ?1 AND c = ?", "(((a = ?2) AND (b = ?1)) AND (c = ?3))", 3),
        ("a = :x AND b = @y AND c = :x", "(((a = ?1) AND (b = ?2)) AND (c = ?1))", 2),
        ("a = $x AND b = $y", "((a = ?1) AND (b = ?2))", 2),
        ("a = $1 AND b = $2 AND c = $1", "(((a = ?1) AND (b = ?2)) AND (c = ?1))", 2),
    ];
    for (condition, expected, params) in cases {
        assert_eq!(filter(SQLITE, condition), expected);
        assert_eq!(one(SQLITE, &format!("SELECT a FROM t WHERE {condition}")).params, params);
    }
    // SQLite counts `$2` as its first, a library may bind it as its second.
    filter_refused(SQLITE, "a = $2 AND b = $1");
    filter_refused(SQLITE, "a = ?0");
    assert_eq!(
        filter(MYSQL, "a = '?' AND b = ? -- ?\n AND c = ?"),
        "(((a = '?') AND (b = ?1)) AND (c = ?2))"
    );
}

#[test]
fn points_at_bytes() {
    let sql = "-- é\nSELECT 'é', name FROM t";
    let statement = one(SQLITE, sql);
    assert_eq!(statement.range.slice(sql), "SELECT 'é', name FROM t");
    let Statement::Query(query) = statement.statement else { panic!("a query") };
    let SetExpr::Select(select) = query.body else { panic!("a select") };
    let [SelectItem::Expr { expr: first, alias: _ }, SelectItem::Expr { expr: second, alias: _ }] =
        select.items.as_slice()
    else {
        panic!("two items")
    };
    assert_eq!((first.range.slice(sql), second.range.slice(sql)), ("'é'", "name"));
}

#[test]
fn one_bad_statement_costs_only_itself() {
    for dialect in BOTH {
        let all = statements(dialect, "SELECT 1; SELEC x; ; DELETE FROM; SELECT ';' FROM t;");
        let unread: Vec<bool> = all.iter().map(|statement| !statement.unread.is_empty()).collect();
        assert_eq!(unread, [false, false, true, false]);
        assert!(matches!(all.get(1).map(|statement| &statement.statement), Some(Statement::Unsupported(_))));
        let all = statements(dialect, "SELECT 1; SELECT 'open");
        let unread: Vec<bool> = all.iter().map(|statement| !statement.unread.is_empty()).collect();
        assert_eq!(unread, [false, true]);
    }
    assert!(statements(SQLITE, " -- nothing\n ; ").is_empty());
    let trigger = "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM u; DELETE FROM v; END; SELECT 1";
    assert!(matches!(read(SQLITE, trigger), Statement::Unsupported(words) if words == "CREATE TRIGGER"));
}

#[test]
fn reads_joins() {
    for dialect in BOTH {
        let select = select(
            dialect,
            "SELECT p.*, c.id AS cid FROM posts AS p \
             JOIN users u ON u.id = p.author_id \
             LEFT JOIN comments c USING (post_id) \
             CROSS JOIN flags \
             RIGHT OUTER JOIN (SELECT 1 AS x) d ON d.x = p.x WHERE p.tenant_id = ?",
        );
        let mut kinds = Vec::new();
        let mut table = select.from.first();
        while let Some(TableExpr::Join { left, right: _, kind, constraint: _, range: _ }) = table {
            kinds.push(*kind);
            table = Some(left);
        }
        assert_eq!(kinds, [JoinKind::Right, JoinKind::Inner, JoinKind::Left, JoinKind::Inner]);
    }
}

#[test]
fn a_comma_is_a_join_to_sqlite() {
    let sql = "SELECT 1 FROM a, b LEFT JOIN c ON a.x = c.x, d";
    assert_eq!(select(MYSQL, sql).from.len(), 3);
    let from = select(SQLITE, sql).from;
    assert_eq!(from.len(), 2);
    let Some(TableExpr::Join { left, right: _, kind: JoinKind::Left, constraint: _, range: _ }) =
        from.first()
    else {
        panic!("{from:?}");
    };
    assert!(matches!(
        left.as_ref(),
        TableExpr::Join { left: _, right: _, kind: JoinKind::Inner, constraint: _, range: _ }
    ));
}

#[test]
fn reads_set_operations_as_the_database_groups_them() {
    for dialect in BOTH {
        let query = query(
            dialect,
            "SELECT a FROM t UNION ALL SELECT a FROM u EXCEPT SELECT a FROM v ORDER BY 1 LIMIT 3",
        );
        let SetExpr::SetOp { op: SetOp::Except, all: false, left, right: _ } = query.body else {
            panic!("EXCEPT")
        };
        assert!(matches!(*left, SetExpr::SetOp { op: SetOp::Union, all: true, left: _, right: _ }));
        assert_eq!((query.order_by.len(), query.limit.is_some()), (1, true));
    }
    let mixed = "SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT a FROM v";
    read(MYSQL, mixed);
    refused(SQLITE, mixed);
}

#[test]
fn reads_common_table_expressions() {
    let sql = "WITH RECURSIVE tree (id) AS (SELECT id FROM nodes WHERE tenant_id = ? \
               UNION ALL SELECT n.id FROM nodes n JOIN tree ON n.parent = tree.id) SELECT * FROM tree";
    for dialect in BOTH {
        let with = query(dialect, sql).with.expect("a WITH");
        assert!(with.recursive);
        assert_eq!(with.ctes.first().map(|cte| cte.columns.len()), Some(1));
    }
    let plain = "WITH x AS (SELECT 1) SELECT * FROM x";
    assert!(query(SQLITE, plain).with.expect("a WITH").recursive);
    assert!(!query(MYSQL, plain).with.expect("a WITH").recursive);
    for dialect in BOTH {
        assert!(update(dialect, "WITH x AS (SELECT 1) UPDATE t SET a = 1 WHERE b = ?").with.is_some());
        assert!(delete(dialect, "WITH x AS (SELECT 1) DELETE FROM t WHERE b = ?").with.is_some());
    }
}

#[test]
fn reads_limits() {
    for dialect in BOTH {
        let commas = query(dialect, "SELECT a FROM t LIMIT 5, 10");
        assert_eq!(commas.offset.as_ref().map(show).as_deref(), Some("5"));
        assert_eq!(commas.limit.as_ref().map(show).as_deref(), Some("10"));
        let words = query(dialect, "SELECT a FROM t LIMIT ? OFFSET ?");
        assert_eq!(words.limit.as_ref().map(show).as_deref(), Some("?1"));
        assert_eq!(words.offset.as_ref().map(show).as_deref(), Some("?2"));
    }
    let locked = query(MYSQL, "SELECT a FROM t WHERE b = ? FOR UPDATE SKIP LOCKED");
    assert_eq!(locked.locking.iter().map(|lock| lock.skips).collect::<Vec<_>>(), [true]);
}

#[test]
fn reads_aggregates_and_windows() {
    for dialect in BOTH {
        let select = select(
            dialect,
            "SELECT tenant_id, COUNT(*), COUNT(DISTINCT a), ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY id DESC), \
             SUM(x) OVER w FROM t GROUP BY tenant_id HAVING COUNT(*) > 1 WINDOW w AS (PARTITION BY tenant_id)",
        );
        assert_eq!((select.group_by.map(|items| items.len()), select.windows.len()), (Some(1), 1));
    }
    read(MYSQL, "SELECT a, SUM(b) FROM t GROUP BY a WITH ROLLUP");
    read(MYSQL, "SELECT GROUP_CONCAT(a ORDER BY b SEPARATOR ',') FROM t");
}

/// The conflict clause of an INSERT, as words.
#[track_caller]
fn conflict(dialect: Dialect, sql: &str) -> String {
    let Some(conflict) = insert(dialect, sql).on_conflict else { return "none".to_owned() };
    let target = match conflict.target {
        ConflictTarget::Any => "any".to_owned(),
        ConflictTarget::Columns { elements, filter: _ } => {
            elements.iter().map(show).collect::<Vec<_>>().join(",")
        }
        ConflictTarget::Constraint(name) => name.text,
    };
    let action = match conflict.action {
        ConflictAction::Nothing => "nothing".to_owned(),
        ConflictAction::Replace => "replace".to_owned(),
        ConflictAction::Update { assignments, filter } => {
            let set = assignments.iter().map(|assignment| {
                let columns: Vec<&str> =
                    assignment.columns.iter().map(|column| column.text.as_str()).collect();
                format!("{}={}", columns.join("+"), show(&assignment.value))
            });
            let filter = filter.map(|filter| format!(" where {}", show(&filter))).unwrap_or_default();
            format!("{}{filter}", set.collect::<Vec<_>>().join(" "))
        }
    };
    format!("{target}: {action}")
}

#[test]
fn reads_upserts() {
    let sqlite = [
        ("INSERT INTO t (a, b) VALUES (?, ?)", "none"),
        ("INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING", "any: nothing"),
        ("INSERT INTO t (a) VALUES (?) ON CONFLICT (k, a) DO NOTHING", "k,a: nothing"),
        (
            "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE t.k = ?",
            "a: b=excluded.b where (t.k = ?3)",
        ),
        ("INSERT OR IGNORE INTO t (a) VALUES (?)", "any: nothing"),
        ("INSERT OR REPLACE INTO t (a) VALUES (?)", "any: replace"),
        ("REPLACE INTO t (a) VALUES (?)", "any: replace"),
        ("INSERT OR ABORT INTO t (a) VALUES (?)", "none"),
    ];
    for (sql, expected) in sqlite {
        assert_eq!(conflict(SQLITE, sql), expected, "{sql}");
    }
    let mysql = [
        ("INSERT IGNORE INTO t (a) VALUES (?)", "any: nothing"),
        ("REPLACE INTO t (a) VALUES (?)", "any: replace"),
        (
            "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b), n = t.n + 1",
            "any: b=excluded.b n=(t.n + 1)",
        ),
    ];
    for (sql, expected) in mysql {
        assert_eq!(conflict(MYSQL, sql), expected, "{sql}");
    }
    refused(SQLITE, "INSERT OR IGNORE INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET b = 1");
    refused(SQLITE, "INSERT INTO t (a) VALUES (?) ON CONFLICT (a) WHERE b DO NOTHING");
    refused(MYSQL, "INSERT IGNORE INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = 1");
    refused(MYSQL, "INSERT INTO t (a) VALUES (?) AS new ON DUPLICATE KEY UPDATE a = new.a");
    refused(MYSQL, "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE u.a = 1");
    refused(MYSQL, "SELECT VALUES(a) FROM t");
}

#[test]
fn reads_inserts() {
    for dialect in BOTH {
        let copied = self::insert(dialect, "INSERT INTO t (a, b) SELECT a, ? FROM u WHERE k = ?");
        assert_eq!(copied.columns.len(), 2);
        let positional = self::insert(dialect, "INSERT INTO t VALUES (1, 2), (3, 4)");
        assert!(positional.columns.is_empty());
        assert!(
            matches!(positional.source.map(|source| source.body), Some(SetExpr::Values(rows)) if rows.len() == 2)
        );
    }
    let set = insert(MYSQL, "INSERT INTO t SET a = ?, b = 2");
    assert_eq!(set.columns.len(), 2);
    assert!(insert(SQLITE, "INSERT INTO t DEFAULT VALUES").source.is_none());
    assert_eq!(insert(SQLITE, "INSERT INTO t (a) VALUES (1) RETURNING id, a").returning.len(), 2);
    let default = insert(MYSQL, "INSERT INTO t (a) VALUES (DEFAULT)");
    let Some(SetExpr::Values(rows)) = default.source.map(|source| source.body) else { panic!("values") };
    assert!(matches!(
        rows.first().and_then(|row| row.first()).map(|value| &value.kind),
        Some(ExprKind::Default)
    ));
}

#[test]
fn reads_updates_and_deletes() {
    for dialect in BOTH {
        let update =
            update(dialect, "UPDATE posts AS p SET title = ?, p.n = n + 1 WHERE p.tenant_id = ? AND id = ?");
        assert_eq!((update.assignments.len(), update.filter.is_some(), update.limit), (2, true, None));
        assert!(delete(dialect, "DELETE FROM posts WHERE tenant_id = ?").filter.is_some());
    }
    assert_eq!(update(SQLITE, "UPDATE t SET a = u.a FROM u WHERE u.id = t.id AND t.k = ?").from.len(), 1);
    assert!(update(SQLITE, "UPDATE OR REPLACE t SET a = 1 WHERE k = ?").replaces);
    assert!(update(MYSQL, "UPDATE t SET a = 1 WHERE k = ? ORDER BY id LIMIT 10").limit.is_some());
    assert!(delete(MYSQL, "DELETE FROM t WHERE k = ? LIMIT 10").limit.is_some());
    assert_eq!(delete(SQLITE, "DELETE FROM t WHERE k = ? RETURNING *").returning.len(), 1);
    for sql in [
        "UPDATE IGNORE t SET a = 1",
        "UPDATE LOW_PRIORITY t SET a = 1",
        "UPDATE t JOIN u ON u.id = t.id SET t.a = 1",
        "UPDATE t, u SET t.a = 1",
        "DELETE IGNORE FROM t WHERE a = 1",
        "DELETE QUICK FROM t WHERE a = 1",
        "DELETE t FROM t JOIN u ON u.id = t.id",
        "DELETE FROM t USING t JOIN u ON u.id = t.id",
        "DELETE FROM t ORDER BY (SELECT 1 FROM u) LIMIT 1",
    ] {
        refused(MYSQL, sql);
    }
    refused(SQLITE, "UPDATE OR IGNORE t SET a = 1 WHERE k = ?");
}

#[test]
fn refuses_clauses_that_it_does_not_model() {
    for sql in [
        "SELECT a INTO OUTFILE 'x' FROM t",
        "SELECT SQL_CALC_FOUND_ROWS a FROM t",
        "SELECT a FROM t PARTITION (p0)",
        "SELECT a FROM JSON_TABLE('[]', '$[*]' COLUMNS (x INT PATH '$')) j",
        "SELECT 0b101 FROM t",
    ] {
        refused(MYSQL, sql);
    }
    for sql in ["SELECT a ISNULL FROM t", "SELECT a FROM t NOT INDEXED", "SELECT DISTINCT ON (a) a FROM t"] {
        refused(SQLITE, sql);
    }
    read(MYSQL, "SELECT STRAIGHT_JOIN a FROM t USE INDEX (i) WHERE b = ?");
    assert!(matches!(
        select(SQLITE, "SELECT j.value FROM t, json_each(t.data) AS j").from.as_slice(),
        [_, TableExpr::Function { calls: _, ordinality: false, alias: Some(_), range: _ }]
    ));
}

#[test]
fn knows_transactions_and_the_rest() {
    for sql in
        ["BEGIN", "BEGIN IMMEDIATE TRANSACTION", "COMMIT", "END", "ROLLBACK", "ROLLBACK TO s", "SAVEPOINT s"]
    {
        assert!(matches!(read(SQLITE, sql), Statement::Transaction), "{sql}");
    }
    for sql in
        ["START TRANSACTION READ ONLY", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "RELEASE SAVEPOINT s"]
    {
        assert!(matches!(read(MYSQL, sql), Statement::Transaction), "{sql}");
    }
    for (sql, words) in [
        ("PRAGMA foreign_keys = ON", "PRAGMA"),
        ("CREATE TABLE t (a INT)", "CREATE TABLE"),
        ("TRUNCATE TABLE t", "TRUNCATE TABLE"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("TABLE t", "TABLE"),
        ("BEGIN DELETE", "BEGIN"),
    ] {
        assert!(matches!(read(SQLITE, sql), Statement::Unsupported(text) if text == words), "{sql}");
    }
}

#[test]
fn limits_are_told_before_anything_is_parsed() {
    let nested = format!("SELECT {}1{}", "(".repeat(MAX_NESTING + 1), ")".repeat(MAX_NESTING + 1));
    let long = format!("SELECT a FROM t WHERE a IN (1{})", ", 1".repeat(MAX_TOKENS));
    let large = format!("SELECT '{}'", "x".repeat(MAX_TEXT));
    let nots = format!("SELECT {} 1", "NOT ".repeat(10_000));
    let unions = format!("SELECT 1{}", " UNION SELECT 1".repeat(5_000));
    let tests = format!("SELECT a {}", "IS NULL ".repeat(10_000));
    for sql in [&nested, &long, &large, &nots, &unions, &tests] {
        for dialect in BOTH {
            refused(dialect, sql);
        }
    }
    let ands = format!("SELECT a FROM t WHERE a = 1{}", " AND a = 1".repeat(5_000));
    let brackets = format!("SELECT {}1{}", "(".repeat(MAX_NESTING - 1), ")".repeat(MAX_NESTING - 1));
    for dialect in BOTH {
        read(dialect, &ands);
        read(dialect, &brackets);
    }
}
