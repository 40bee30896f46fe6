use super::print::print;
use super::statements;
use crate::ast::{
    ConflictTarget, Expr, ExprKind, JoinConstraint, MergeAction, MergeWhen, ParsedStatement, Query, Select,
    SelectItem, SetExpr, Statement, TableExpr,
};
use crate::lower::limits::on_deep_stack;
use crate::types::SqlType;

fn read(text: &str) -> Vec<ParsedStatement> {
    on_deep_stack(|| statements(text)).expect("the lowering does not panic")
}

/// The only statement of a text, of which everything was read.
fn one(text: &str) -> Statement {
    let mut all = read(text);
    let only = all.pop().unwrap_or_else(|| panic!("no statement in {text}"));
    assert!(all.is_empty(), "several statements in {text}");
    assert!(only.unread.is_empty(), "{text}: {:?}", only.unread);
    only.statement
}

fn query(text: &str) -> Query {
    match one(text) {
        Statement::Query(query) => *query,
        other => panic!("{text} is no query but {other:?}"),
    }
}

fn select(text: &str) -> Select {
    match query(text).body {
        SetExpr::Select(select) => *select,
        other => panic!("{text} is no SELECT but {other:?}"),
    }
}

/// The only expression of `SELECT text`.
fn expr(text: &str) -> Expr {
    let mut items = select(&format!("select {text}")).items;
    match (items.pop(), items.is_empty()) {
        (Some(SelectItem::Expr { expr, alias: None }), true) => expr,
        other => panic!("{text} is no expression but {other:?}"),
    }
}

/// How the text is grouped, quotes of names left out.
fn grouped(text: &str) -> String {
    let text = format!("select {text}");
    let all = read(&text);
    let [only] = all.as_slice() else { panic!("{text} is not one statement") };
    match only.unread.first() {
        Some(unread) => format!("unread: {}", unread.range.slice(&text)),
        None => print(only, &text).replace("SELECT ", "").replace('"', ""),
    }
}

#[test]
fn operators_group_as_postgresql_groups_them() {
    let cases = [
        ("a between x and y or b", "((a BETWEEN x AND y) OR b)"),
        ("a or b and not c = d", "(a OR (b AND (NOT (c = d))))"),
        ("-1 between b and c", "((- 1) BETWEEN b AND c)"),
        ("a = b isnull", "((a = b) IS NULL)"),
        ("j->'k' ? 'x'", "((j -> 'k') ? 'x')"),
        ("a || b || c", "((a || b) || c)"),
        ("a + b between c and d", "((a + b) BETWEEN c AND d)"),
        ("a like b || '%' escape '!' and c", "((a like (b || '%') ESCAPE '!') AND c)"),
        ("a is distinct from b + 1 and c", "((a IS DISTINCT FROM (b + 1)) AND c)"),
        ("x = any($1) and y", "((x = ANY ($1)) AND y)"),
        ("not a in (1, 2) or b", "((NOT (a IN (1, 2))) OR b)"),
        ("a at time zone 'UTC' + b", "((pg_catalog.timezone('UTC', a)) + b)"),
        ("a between b = c and d", "(a BETWEEN (b = c) AND d)"),
        ("-a::int ^ 2", "((- (CAST(a AS int ))) ^ 2)"),
        ("@ a + b = c", "((@ (a + b)) = c)"),
        ("(a or b) and c", "((a OR b) AND c)"),
    ];
    for (text, expected) in cases {
        assert_eq!(grouped(text), expected, "{text}");
    }
}

#[test]
fn chains_that_postgresql_refuses_are_unread() {
    for text in
        ["a = b = c", "a < b = c", "a like b like c", "a is distinct from b is null", "a = any(b) = c = d"]
    {
        assert!(grouped(text).starts_with("unread:"), "{text}");
    }
}

#[test]
fn set_operations_and_joins_group_as_postgresql_groups_them() {
    let print_of = |text: &str| print(&read(text)[0], text).replace('"', "");
    assert_eq!(
        print_of("select a union select b intersect select c except all select d"),
        "((SELECT a) UNION ((SELECT b) INTERSECT (SELECT c))) EXCEPT ALL (SELECT d)",
    );
    assert_eq!(
        print_of("select 1 from a left join b join c on x on y cross join d, e"),
        "SELECT 1 FROM ((a LEFT JOIN (b JOIN c ON x) ON y) CROSS JOIN d), e",
    );
}

#[test]
fn ranges_are_those_of_the_text() {
    let text = "select t.a, (b + 1)::int8 from s.tasks as t where t.tenant_id = $1 and x in (1, 2)";
    let select = select(text);
    let slices: Vec<&str> = select
        .items
        .iter()
        .map(|item| match item {
            SelectItem::Expr { expr, .. } => expr.range.slice(text),
            _ => "",
        })
        .collect();
    assert_eq!(slices, ["t.a", "(b + 1)::int8"]);
    let Some(TableExpr::Table { name, range, .. }) = select.from.first() else { panic!("no table") };
    assert_eq!((name.range.slice(text), range.slice(text)), ("s.tasks", "s.tasks as t"));
    let Some(Expr { kind: ExprKind::Binary { left, right, .. }, range }) = &select.filter else {
        panic!("no filter")
    };
    assert_eq!(range.slice(text), "t.tenant_id = $1 and x in (1, 2)");
    assert_eq!((left.range.slice(text), right.range.slice(text)), ("t.tenant_id = $1", "x in (1, 2)"));
    assert_eq!(select.range.slice(text), text);
}

#[test]
fn a_text_may_hold_several_statements() {
    let text = " ;select $2; -- end\n\nupdate t set a = $7 where b = $3 ;; ";
    let all = read(text);
    let found: Vec<_> = all.iter().map(|one| (one.range.slice(text), one.params)).collect();
    assert_eq!(found, [("select $2", 2), ("update t set a = $7 where b = $3", 7)]);
    assert!(read("  -- nothing\n /* here */ ;").is_empty());
}

#[test]
fn what_no_rule_reads_is_told() {
    let cases = [
        ("select 1 from a where b foo", "foo"),
        ("select from a where", ""),
        ("delete from a where current of c", "where current of c"),
        ("insert into a (b) overriding user value values (1)", "overriding user value"),
        (
            "with recursive a as (select 1) search depth first by b set c select 1",
            "search depth first by b set c",
        ),
        ("truncate a cascade", "cascade"),
        ("select 1 }", "}"),
    ];
    for (text, slice) in cases {
        let unread: Vec<_> = read(text).into_iter().flat_map(|one| one.unread).collect();
        assert!(unread.iter().any(|unread| unread.range.slice(text) == slice), "{text}: {unread:?}");
    }
}

#[test]
fn what_postgresql_refuses_is_not_read() {
    let cases = [
        "insert into t (a) default values",
        "insert into t values (1) on conflict (s.a) do nothing",
        "insert into t values (1) on conflict (a + 1) do nothing",
        "select 1 from rank() over (order by a)",
        "select 1 from rows from (count(*) filter (where a))",
        "select percentile_cont(a order by b) within group (order by c) from t",
        "select mode(distinct a) within group (order by c) from t",
        "select 1 from t fetch first 2 rows with ties",
        "select 1 from t order by a fetch first 2 rows with ties for update skip locked",
        "merge into t using s on t.a = s.a when matched then insert default values",
        "merge into t using s on t.a = s.a when not matched then delete",
        "merge into t using s on t.a = s.a when not matched by source then insert default values",
        "analyze (no-such) t",
    ];
    for text in cases {
        assert!(read(text).iter().any(|one| !one.unread.is_empty()), "{text} was read");
    }
    let good = [
        "insert into t values (1) on conflict (a, lower(b), (a + 1), coalesce(a, b)) do nothing",
        "select percentile_cont(a) within group (order by c) filter (where b) from t",
        "(select 1 from t order by a) fetch first 2 rows with ties",
        "merge into t using s on t.a = s.a when not matched by source then delete when not matched then do nothing",
        "vacuum (parallel -1) t",
        "select 1 from lateral rows from (f(a)) with ordinality as x (b, c)",
    ];
    good.into_iter().for_each(|text| drop(one(text)));
    assert!(!read("update t set (a) = row(1, 2)").iter().all(|one| one.unread.is_empty()));
}

#[test]
fn a_row_of_one_value_assigns_the_value() {
    for text in ["update t set (a) = row($1)", "update t set (a) = ($1)", "update t set a = $1"] {
        let Statement::Update(update) = one(text) else { panic!("{text} is no UPDATE") };
        let [only] = update.assignments.as_slice() else { panic!("{text} assigns once") };
        assert!(matches!(only.value.kind, ExprKind::Param(1)), "{text}: {only:?}");
    }
    let Statement::Update(update) = one("update t set a = row($1)") else { panic!("an UPDATE") };
    assert!(matches!(update.assignments.as_slice(), [only] if matches!(only.value.kind, ExprKind::Row(_))));
}

#[test]
fn a_syntax_error_belongs_to_its_statement() {
    let all = read("select 1; selec 2; select 3");
    let errors: Vec<bool> =
        all.iter().map(|one| one.unread.iter().any(|unread| unread.syntax_error)).collect();
    assert_eq!(errors.first(), Some(&false));
    assert!(errors.contains(&true));
    assert_eq!(errors.last(), Some(&false));
}

#[test]
fn names_are_folded_as_postgresql_folds_them() {
    let text = "select T.\"Tenant\"\"Id\", ÄB, U&\"d!0061t\" uescape '!' as X from T";
    let names: Vec<Vec<String>> = select(text)
        .items
        .into_iter()
        .map(|item| match item {
            SelectItem::Expr { expr: Expr { kind: ExprKind::Column(parts), .. }, .. } => {
                parts.into_iter().map(|part| part.text).collect()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, [vec!["t", "Tenant\"Id"], vec!["Äb"], vec!["dat"]]);
}

#[test]
fn types_are_those_that_equality_depends_on() {
    let cases = [
        ("a::bigint[]", SqlType::Array(Box::new(SqlType::Int))),
        ("a::varchar(36)", SqlType::VarcharN(36)),
        ("a::character varying", SqlType::Text),
        ("a::timestamp(3) with time zone", SqlType::Temporal),
        ("a::double precision", SqlType::Float),
        ("a::pg_catalog.int8", SqlType::Int),
        ("a::app.status", SqlType::Named("app.status".to_owned())),
        ("a::\"char\"", SqlType::Named("\"char\"".to_owned())),
        ("cast(a as uuid)", SqlType::Uuid),
        ("a::bit varying(3)", SqlType::Named("varbit".to_owned())),
        ("a::interval day to second(3)", SqlType::Temporal),
    ];
    for (text, expected) in cases {
        let ExprKind::Cast { ty, .. } = expr(text).kind else { panic!("{text} is no cast") };
        assert_eq!(ty, expected, "{text}");
    }
}

#[test]
fn constants_keep_their_values() {
    let string = |text: &str| match expr(text).kind {
        ExprKind::String(value) => value,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(string("E'a\\tb'"), "a\tb");
    assert_eq!(string("$q$it's$q$"), "it's");
    assert_eq!(string("'a'\n'b'"), "ab");
    assert_eq!(string("U&'d\\0061'"), "da");
    for text in ["0x1F", "1_000", "1e5", ".5", "0b101"] {
        assert!(matches!(expr(text).kind, ExprKind::Number(number) if number == text), "{text}");
    }
    for (text, expected) in [
        ("interval '1' day", SqlType::Temporal),
        ("date '2024-01-01'", SqlType::Temporal),
        ("int8 '5'", SqlType::Int),
        ("timestamp with time zone '2024-01-01'", SqlType::Temporal),
        ("uuid 'f'", SqlType::Uuid),
        ("B'101'", SqlType::Named("bit".to_owned())),
    ] {
        assert!(matches!(expr(text).kind, ExprKind::TypedLiteral(ty, _) if ty == expected), "{text}");
    }
}

#[test]
fn calls_spelled_in_words_are_calls() {
    for (text, name, args) in [
        ("extract(year from a)", "extract", 2),
        ("position('x' in a)", "position", 2),
        ("substring(a from 2 for 3)", "substring", 3),
        ("substring(a for 3)", "substring", 3),
        ("trim(both 'x' from a)", "trim", 2),
        ("trim(leading from a)", "ltrim", 1),
        ("overlay(a placing b from 1)", "overlay", 3),
        ("coalesce(a, b)", "coalesce", 2),
        ("current_date", "current_date", 0),
        ("current_timestamp(3)", "current_timestamp", 1),
        ("a at time zone b", "timezone", 2),
        ("left(a, 1)", "left", 2),
        ("collation for (a)", "pg_collation_for", 1),
    ] {
        let ExprKind::Call(call) = expr(text).kind else { panic!("{text} is no call") };
        assert_eq!(call.name.parts.last().map(|part| part.text.as_str()), Some(name), "{text}");
        assert_eq!(call.args.len(), args, "{text}");
    }
    for text in
        ["xmlelement(name a)", "json_object('a': 1)", "(a, b) overlaps (c, d)", "a is json", "treat(a as b)"]
    {
        assert!(matches!(expr(text).kind, ExprKind::Unsupported(_)), "{text}");
    }
}

#[test]
fn a_call_keeps_everything_around_its_arguments() {
    let text = "string_agg(distinct a, ',' order by b) filter (where c) over (w partition by d order by e rows 3 preceding)";
    let ExprKind::Call(call) = expr(text).kind else { panic!("no call") };
    assert!(call.distinct && call.filter.is_some() && call.over.is_some());
    assert_eq!((call.args.len(), call.order_by.len()), (2, 1));
    let ExprKind::Call(call) = expr("percentile_cont(0.5) within group (order by a)").kind else {
        panic!("no call")
    };
    assert_eq!(call.within_group.len(), 1);
    for text in ["f(variadic a)", "f(x => a)", "f(x := a)"] {
        assert!(matches!(expr(text).kind, ExprKind::Call(call) if call.irregular), "{text}");
    }
}

#[test]
fn relations_are_read_in_all_forms() {
    let text = "select 1 from only a, b tablesample system (1), lateral (select 1) c (d), f(1) with ordinality g, \
                json_to_recordset($1) as r(id int, name text), rows from (h(1), i(2)) j, (k join l using (m) as n) o, \
                jsontab natural left join p, json_table(x, '$' columns (y int path '$')) q";
    let select = select(text);
    let kinds: Vec<&str> = select
        .from
        .iter()
        .map(|table| match table {
            TableExpr::Table { only: true, .. } => "only",
            TableExpr::Table { sample: Some(_), .. } => "sample",
            TableExpr::Table { .. } => "table",
            TableExpr::Derived { lateral: true, .. } => "lateral",
            TableExpr::Derived { .. } => "derived",
            TableExpr::Function { calls, .. } if calls.len() > 1 => "functions",
            TableExpr::Function { ordinality: true, .. } => "ordinality",
            TableExpr::Function { .. } => "function",
            TableExpr::Join { constraint: JoinConstraint::Natural, .. } => "natural",
            TableExpr::Join { .. } => "join",
            TableExpr::AliasedJoin { .. } => "aliased",
            TableExpr::Unsupported(..) => "unsupported",
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "only",
            "sample",
            "lateral",
            "ordinality",
            "function",
            "functions",
            "aliased",
            "natural",
            "unsupported"
        ]
    );
}

#[test]
fn statements_that_change_rows_are_read_in_all_forms() {
    let Statement::Insert(insert) = one(
        "with w as (delete from x returning *) insert into a as b (c, d) overriding system value select * from w \
         on conflict (c, lower(d)) where e do update set (c, d) = (excluded.c, default), e[1] = 2 where b.c = $1 returning b.*, c as z",
    ) else {
        panic!("no insert")
    };
    let conflict = insert.on_conflict.expect("there is one");
    assert!(
        matches!(conflict.target, ConflictTarget::Columns { elements, filter: Some(_) } if elements.len() == 2)
    );
    assert_eq!((insert.columns.len(), insert.returning.len()), (2, 2));
    assert!(
        matches!(one("insert into a default values"), Statement::Insert(insert) if insert.source.is_none())
    );
    assert!(
        matches!(one("insert into a (select 1)"), Statement::Insert(insert) if insert.columns.is_empty())
    );
    assert!(matches!(
        one("insert into a values (1) on conflict on constraint k do nothing"),
        Statement::Insert(insert) if insert.on_conflict.is_some()
    ));
    let Statement::Update(update) =
        one("update only a b set c = 1, (d, e) = (select 1, 2) from f where b.g = f.g")
    else {
        panic!("no update")
    };
    assert_eq!((update.assignments.len(), update.from.len()), (2, 1));
    assert!(matches!(one("delete from a using b where a.c = b.c returning 1"), Statement::Delete(_)));
    let Statement::Merge(merge) = one(
        "merge into a using b on a.c = b.c when matched and b.d then update set c = 1 when not matched by source then delete \
         when not matched then insert (c) values (b.c) when not matched by target then insert default values when matched then do nothing",
    ) else {
        panic!("no merge")
    };
    let whens: Vec<MergeWhen> = merge.clauses.iter().map(|clause| clause.when).collect();
    assert_eq!(
        whens,
        [
            MergeWhen::Matched,
            MergeWhen::NotMatchedBySource,
            MergeWhen::NotMatched,
            MergeWhen::NotMatched,
            MergeWhen::Matched
        ]
    );
    assert!(matches!(&merge.clauses[3].action, MergeAction::Insert { values, .. } if values.is_empty()));
}

#[test]
fn queries_keep_their_tails() {
    let query = query(
        "select distinct on (a) b from c group by rollup (a, (b, c)), grouping sets ((a, b), ()), d \
                       having e window w as (order by f) order by g desc nulls last limit all offset 3 for update of c skip locked",
    );
    assert!(query.limit.is_none() && query.offset.is_some());
    assert!(query.locking.iter().all(|locking| locking.skips) && query.locking.len() == 1);
    let SetExpr::Select(select) = query.body else { panic!("no select") };
    assert_eq!(select.group_by.map(|items| items.len()), Some(3));
    assert!(select.having.is_some() && select.windows.len() == 1);
    assert!(matches!(
        self::query("values (1, 2), (3, 4) order by 1 fetch first row with ties").fetch,
        Some((_, true))
    ));
    assert!(matches!(self::query("table a").body, SetExpr::Table(_)));
    assert!(self::select("select 1 into temp t from a").into.is_some());
}

#[test]
fn other_statements_are_what_they_are() {
    let set = |text: &str| match one(text) {
        Statement::Set { name, local, value } => (name, local, value),
        other => panic!("{text}: {other:?}"),
    };
    let setting = |name: &str, local: bool, value: &str| (name.to_owned(), local, value.to_owned());
    assert_eq!(set("SET LOCAL App.Tenant_id = '1'"), setting("app.tenant_id", true, "'1'"));
    assert_eq!(set("set search_path to a, b"), setting("search_path", false, "a, b"));
    assert_eq!(set("set session authorization x"), setting("session_authorization", false, "x"));
    assert_eq!(set("set role none"), setting("role", false, "none"));
    assert_eq!(set("reset all"), setting("all", false, "DEFAULT"));
    assert!(matches!(one("show app.x"), Statement::Show(name) if name == "app.x"));
    for text in [
        "begin",
        "start transaction isolation level serializable",
        "commit",
        "savepoint a",
        "rollback to a",
        "discard all",
        "discard temp",
    ] {
        assert!(matches!(one(text), Statement::Transaction), "{text}");
    }
    for text in [
        "set transaction read only",
        "vacuum analyze orders",
        "analyze orders (id)",
        "reindex table orders",
        "listen jobs",
        "notify jobs, 'x'",
        "unlisten *",
        "checkpoint",
    ] {
        assert!(matches!(one(text), Statement::Rowless), "{text}");
    }
    assert!(matches!(one("call s.f($1, b => 2)"), Statement::Call(call) if call.args.len() == 2));
    assert!(matches!(
        one("copy a (b) from stdin with (format csv)"),
        Statement::CopyTable { from: true, .. }
    ));
    assert!(matches!(one("copy (select 1) to stdout"), Statement::CopyQuery(_)));
    assert!(matches!(one("explain (analyze, costs off) select 1"), Statement::Explain(_)));
    assert!(
        matches!(one("truncate table a, only b restart identity"), Statement::Truncate(tables) if tables.len() == 2)
    );
    assert!(matches!(one("lock table a in access exclusive mode nowait"), Statement::Lock(_)));
    assert!(matches!(one("do $$ begin end $$"), Statement::Do { language, .. } if language == "plpgsql"));
    for (text, name) in [
        ("create table a (b int)", "CREATE TABLE"),
        ("refresh materialized view a", "REFRESH MATERIALIZED VIEW"),
        ("vacuum verbose a", "VACUUM VERBOSE"),
    ] {
        assert!(matches!(one(text), Statement::Unsupported(found) if found == name), "{text}");
    }
}

#[test]
fn a_limit_is_told_and_not_exceeded() {
    for text in [
        format!("select {}1{}", "(".repeat(300), ")".repeat(300)),
        format!("select {}", "not ".repeat(5_000)),
        format!("select '{}'", "x".repeat(300_000)),
    ] {
        let all = read(&text);
        assert_eq!(all.len(), 1);
        assert!(all.iter().all(|one| one.unread.iter().all(|unread| !unread.syntax_error)));
    }
}
