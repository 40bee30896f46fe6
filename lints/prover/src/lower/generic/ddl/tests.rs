//! Small histories of migrations, and what the catalog says afterwards.

use tenantry_policy::Dialect;
use tenantry_span::FileId;

use crate::catalog::Catalog;
#[cfg(feature = "sqlite")]
use crate::catalog::Relation;
use crate::lower::{apply, dump::dump, on_deep_stack};

/// The catalog after these files.
fn after(dialect: Dialect, files: &[&str]) -> Catalog {
    let applied = on_deep_stack(|| {
        let mut catalog = Catalog::empty(dialect);
        for (at, text) in (0..).zip(files) {
            apply(dialect, &mut catalog, FileId(at), text);
        }
        catalog
    });
    applied.expect("statements do not panic")
}

/// Compares the catalog after `files` with its dump, line by line, indentation of the test left out.
#[track_caller]
fn check(dialect: Dialect, files: &[&str], expected: &str) {
    let is = dump(&after(dialect, files));
    let trim = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (is, expected) = (trim(&is), trim(expected));
    assert!(is == expected, "is:\n{}\n\nexpected:\n{}", is.join("\n"), expected.join("\n"));
}

#[test]
#[cfg(feature = "sqlite")]
fn sqlite_tables() {
    check(
        Dialect::Sqlite,
        &["
        PRAGMA foreign_keys = ON;
        create table if not exists Org (id integer primary key autoincrement, name text not null collate nocase unique);
        create table item (
            \"ID\" text primary key, org_id integer not null references org on delete cascade,
            big bigint, size varchar(20) default 'x', flag boolean, raw, at datetime default current_timestamp,
            twice int generated always as (big * 2) stored,
            unique (org_id, size), check (big > 0), foreign key (org_id, size) references item (org_id, size)
        );
        create table kv (k text, v blob, primary key (k)) without rowid;
        create table r (k text unique on conflict replace);
        create virtual table search using fts5(title, body);
        create temp table gone (id int);"],
        "
        table item
          id text
          org_id int not null
          big int
          size text default 'x'
          flag numeric
          raw bytes
          at numeric default current_timestamp
          twice int = big * 2
          Primary sqlite_autoindex_item_1 (id)
          Unique sqlite_autoindex_item_2 (org_id, size)
          Foreign item_ibfk_1 (org_id) -> org (id) on delete Cascade not valid
          Foreign item_ibfk_2 (org_id, size) -> item (org_id, size) not valid
          Check item_chk_1 big > 0
        table kv
          k text not null
          v bytes
          Primary sqlite_autoindex_kv_1 (k)
        table org
          id int not null generated
          name text not null collate nocase
          Primary sqlite_autoindex_org_1 (id)
          Unique sqlite_autoindex_org_2 (name)
        table r
          k text
          Unique sqlite_autoindex_r_1 (k)
          rule on conflict INSERT or UPDATE
        table search INCOMPLETE
        collation nocase
        SKIPPED search: the columns of a virtual table are not known
        ",
    );
}

#[test]
#[cfg(feature = "sqlite")]
fn sqlite_changes() {
    check(
        Dialect::Sqlite,
        &[
            "create table t (id integer primary key, a text, b text); create table u (t_id int references t(id));
             create unique index t_a on t (a) where b is null; create index t_low on t (lower(a), b);
             create view v as select id, a from t; create view [old one] (x) as select 1;
             create trigger tr after update of a on t begin update u set t_id = 1; delete from u; end;
             insert into t values (1, 'x;y', null);",
            "alter table t add column c integer not null default 0; alter table t rename column b to bb;
             alter table t drop column c; drop index if exists t_low; drop view \"OLD ONE\"; drop trigger if exists nope;",
            // The way of SQLite's manual to change a table.
            "create table new_t (id integer primary key, a text, z int); insert into new_t select id, a, 1 from t;
             drop table t; alter table new_t rename to t; create unique index t_a on t (a);",
        ],
        "
        table t
          id int not null generated
          a text
          z int
          Primary sqlite_autoindex_new_t_1 (id)
          Unique t_a (a)
        table u
          t_id int
          Foreign u_ibfk_1 (t_id) -> t (id) not valid
        view v: select id, a from t
        ",
    );
}

#[test]
#[cfg(feature = "mysql")]
fn mysql_tables() {
    check(
        Dialect::Mysql,
        &["
        /*!40101 SET NAMES utf8 */;
        CREATE TABLE `Org` (`id` int unsigned NOT NULL AUTO_INCREMENT, `slug` varchar(64) NOT NULL, PRIMARY KEY (`id`),
            UNIQUE KEY `slug` (`slug`)) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='x';
        create table item (
            id bigint primary key auto_increment, org_id int unsigned not null references org (id), code char(3) unique,
            body mediumtext, kind enum('a','b') not null default 'a', price decimal(10,2), uid binary(16) default (uuid()),
            made timestamp not null default current_timestamp on update current_timestamp,
            total int generated always as (price * 2) virtual,
            key made (made, code(2)), fulltext key ft (body), unique (org_id, code), constraint pos check (price > 0),
            constraint item_org foreign key (org_id) references org (id) on delete cascade on update set null
        ) partition by hash (id) partitions 4;
        create table copy like item;"],
        "
        table copy
          id int not null generated
          org_id int not null
          code char
          body text
          kind enum not null default 'a'
          price numeric with a scale
          uid bytes generated
          made temporal not null default current_timestamp
          total int = price * 2
          Primary primary (id)
          Unique code (code)
          Unique org_id (org_id, code)
          Check pos price > 0
          Index made (made)
          Index ft (body)
        table item
          id int not null generated
          org_id int not null
          code char
          body text
          kind enum not null default 'a'
          price numeric with a scale
          uid bytes generated
          made temporal not null default current_timestamp
          total int = price * 2
          Primary primary (id)
          Unique code (code)
          Unique org_id (org_id, code)
          Foreign item_ibfk_1 (org_id) -> org (id) not valid
          Foreign item_org (org_id) -> org (id) on delete Cascade on update SetNull([])
          Check pos price > 0
          Index made (made)
          Index ft (body)
        table org
          id int not null generated
          slug varchar(64) not null collate utf8mb4_bin
          Primary primary (id)
          Unique slug (slug)
        ",
    );
}

#[test]
#[cfg(feature = "mysql")]
fn mysql_changes() {
    check(
        Dialect::Mysql,
        &[
            "create table t (id int primary key, a int, b varchar(9), key b_idx (b), unique u (a, b));
             /*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */
             /*!50001 VIEW `v` AS select id from t with cascaded check option */;",
            "alter table t change column a alpha bigint not null, modify b text, add column c int after id, add index (c),
                 add unique key cc (c, alpha), drop index b_idx, drop primary key, add primary key (alpha), algorithm=inplace;
             alter table t alter column c set default 5, add constraint fk foreign key (c) references t (alpha);
             create unique index extra on t (c); drop index extra on t; alter table t drop foreign key fk;",
            "delimiter //
             create trigger tr before insert on t for each row begin set new.c = 1; if new.c > 1 then set new.c = 2; end if; end //
             create definer=root@localhost procedure p() begin delete from t; end //
             delimiter ;
             rename table t to things; alter table things rename as stuff; create or replace view w as select 1;",
        ],
        "
        table stuff
          id int not null
          c int default 5
          alpha int not null
          b text
          Unique u (alpha, b)
          Unique cc (c, alpha)
          Primary primary (alpha)
          Index c (c)
          trigger tr INSERT
        view v: select id from t
        view w: select 1
        function p() stored Volatile definer: create definer=root@localhost procedure p() begin delete fro
        ",
    );
}

#[test]
#[cfg(feature = "sqlite")]
fn a_statement_that_cannot_be_read_costs_only_itself() {
    check(
        Dialect::Sqlite,
        &["create table t (id int); alter table t add column; create table u (id int,; frobnicate t;
           alter table nowhere add column a int; create table w as select 1; drop table nothing; create table x (id int);"],
        "
        table t INCOMPLETE
          id int
        table w INCOMPLETE
        table x
          id int
        SKIPPED t: it could not be read: sql parser error: Expected: identifier, found: EOF
        SKIPPED u: it could not be read: sql parser error: Expected: column name or constraint definition, found: EOF
        SKIPPED what it does is not known
        SKIPPED nowhere: there is no table nowhere
        SKIPPED w: the columns of a table made from a query are not followed
        SKIPPED nothing: there is no table nothing
        ",
    );
}

#[test]
#[cfg(feature = "sqlite")]
fn places_are_those_of_the_declarations() {
    let text =
        "-- é\ncreate table t (\n  id int, \"é\" int, org text not null\n);\ncreate view v as\n select 1 ;";
    let catalog = after(Dialect::Sqlite, &[text]);
    let Some(Relation::Table(table)) = catalog.relation(None, "t") else {
        panic!("the table is there");
    };
    assert_eq!(table.span.range.slice(text), "t");
    let columns: Vec<_> = table.columns.iter().map(|column| column.span.range.slice(text)).collect();
    assert_eq!(columns, ["id", "\"é\"", "org"]);
    let Some(Relation::View(view)) = catalog.relation(None, "v") else {
        panic!("the view is there");
    };
    assert_eq!((view.query.as_str(), view.query_range.slice(text)), ("select 1", "select 1"));
}

#[test]
fn spoilt_text_never_panics() {
    let text = "create table t (`a` int primary key, \"b\" text default 'x', [c] int, unique (a), check (a > 1)); \
        create trigger x after insert on t begin update t set a = 1; end; alter table t rename to `é`; drop table t, u; \
        create view v (a) as select 1 with check option; /*! create index i on t (a) */; delimiter // drop index i on t //";
    let spoil = ["(", ")", "'", "\"", ";", "`", "[", "]", "/*!", "*/", "--", "é", "\0", "$", "."];
    let cuts = (0..text.len()).filter(|at| text.is_char_boundary(*at)).step_by(3);
    let spoilt = cuts.zip(spoil.iter().cycle()).map(|(at, bad)| {
        let (before, rest) = text.split_at(at);
        (format!("{before}{bad}{rest}"), before.to_owned())
    });
    for (spoilt, cut) in spoilt {
        for dialect in [Dialect::Mysql, Dialect::Sqlite] {
            after(dialect, &[&spoilt, &cut]);
        }
    }
}
