//! What is asked of a catalog: each question answers with statements, one a row.
//!
//! The order is that in which they can be read: types before what has columns of them, partitions attached at the end, so that
//! each has its own columns and keys as they are.
//!
//! Things of extensions are left out, as migrations say nothing of them either but `CREATE EXTENSION`.

/// Schemas that are the system's own.
macro_rules! own_schemas {
    () => {
        "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
    };
}

/// True unless an extension brought it.
macro_rules! not_of_extension {
    ($class:literal, $oid:literal) => {
        concat!(
            "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = '",
            $class,
            "'::pg_catalog.regclass AND e.objid = ",
            $oid,
            " AND e.deptype = 'e')"
        )
    };
}

/// Relations of these kinds, with their names as `r.name`.
macro_rules! relations_of {
    ($kinds:literal) => {
        concat!(
            "(SELECT c.*, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name \
              FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
              WHERE c.relkind IN (",
            $kinds,
            ") AND ",
            own_schemas!(),
            " AND ",
            not_of_extension!("pg_catalog.pg_class", "c.oid"),
            ") r"
        )
    };
}

/// Tables.
macro_rules! tables {
    () => {
        relations_of!("'r', 'p', 'f'")
    };
}

/// Tables and views.
macro_rules! relations {
    () => {
        relations_of!("'r', 'p', 'f', 'v', 'm'")
    };
}

/// Each heading with its question.
pub(crate) const PARTS: &[(&str, &str)] = &[
    ("extensions", EXTENSIONS),
    ("schemas", SCHEMAS),
    ("roles", ROLES),
    ("memberships", MEMBERSHIPS),
    ("collations that take different texts for equal", COLLATIONS),
    ("types", TYPES),
    ("functions", FUNCTIONS),
    ("aggregates", AGGREGATES),
    ("operators", OPERATORS),
    ("operator classes", OPERATOR_CLASSES),
    ("casts", CASTS),
    ("sequences", SEQUENCES),
    ("tables", TABLES),
    ("constraints", CONSTRAINTS),
    ("views", VIEWS),
    ("defaults of views", VIEW_DEFAULTS),
    ("indexes", INDEXES),
    ("triggers", TRIGGERS),
    ("triggers that are switched off", DISABLED_TRIGGERS),
    ("rules", RULES),
    ("partitions", PARTITIONS),
    ("children", CHILDREN),
    ("row level security", ROW_SECURITY),
    ("policies", POLICIES),
    ("owners", OWNERS),
    ("rights", RIGHTS),
    ("rights on columns", COLUMN_RIGHTS),
    ("what sessions begin with", SESSIONS),
];

const EXTENSIONS: &str = "\
SELECT pg_catalog.format('CREATE EXTENSION %I WITH SCHEMA %I;', e.extname, n.nspname)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.extname";

const SCHEMAS: &str = concat!(
    "SELECT pg_catalog.format('CREATE SCHEMA %I;', n.nspname) FROM pg_catalog.pg_namespace n WHERE ",
    own_schemas!(),
    " AND n.nspname <> 'public' ORDER BY n.nspname"
);

const ROLES: &str = "\
SELECT pg_catalog.format('CREATE ROLE %I%s%s%s;', r.rolname, CASE WHEN r.rolsuper THEN ' SUPERUSER' END,
    CASE WHEN r.rolbypassrls THEN ' BYPASSRLS' END, CASE WHEN NOT r.rolinherit THEN ' NOINHERIT' END)
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname";

/// Before PostgreSQL 16 the member alone says whether it inherits, and a membership has no such column. Of several grants
/// one that is inherited is enough.
const MEMBERSHIPS: &str = "\
SELECT pg_catalog.format('GRANT %I TO %I%s;', g.rolname, m.rolname, CASE pg_catalog.bool_or(
    (pg_catalog.to_jsonb(a) OPERATOR(pg_catalog.->>) 'inherit_option')::pg_catalog.bool)
    WHEN true THEN CASE WHEN NOT m.rolinherit THEN ' WITH INHERIT TRUE' END WHEN false THEN ' WITH INHERIT FALSE' END)
FROM pg_catalog.pg_auth_members a
JOIN pg_catalog.pg_roles g ON g.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE m.rolname !~ '^pg_' GROUP BY g.rolname, m.rolname, m.rolinherit ORDER BY 1";

const COLLATIONS: &str = concat!(
    "SELECT pg_catalog.format('CREATE COLLATION %I.%I (LOCALE = %L, DETERMINISTIC = false);', n.nspname, l.collname, '') \
     FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace \
     WHERE NOT l.collisdeterministic AND ",
    own_schemas!(),
    " ORDER BY n.nspname, l.collname"
);

const TYPES: &str = concat!(
    "SELECT CASE t.typtype
    WHEN 'e' THEN pg_catalog.format('CREATE TYPE %I.%I AS ENUM (%s);', n.nspname, t.typname,
        (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
         FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
    WHEN 'd' THEN pg_catalog.format('CREATE DOMAIN %I.%I AS %s%s%s%s%s;', n.nspname, t.typname,
        pg_catalog.format_type(t.typbasetype, t.typtypmod),
        (SELECT pg_catalog.format(' COLLATE %I.%I', ln.nspname, l.collname)
         FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
         JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
         WHERE l.oid = t.typcollation AND t.typcollation <> b.typcollation),
        ' DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN ' NOT NULL' END,
        (SELECT pg_catalog.string_agg(pg_catalog.format(' CONSTRAINT %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
         FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
    WHEN 'c' THEN pg_catalog.format('CREATE TYPE %I.%I AS (%s);', n.nspname, t.typname,
        (SELECT pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
    WHEN 'r' THEN pg_catalog.format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s);', n.nspname, t.typname,
        (SELECT pg_catalog.format_type(g.rngsubtype, NULL) FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid))
    ELSE pg_catalog.format('CREATE TYPE %I.%I;', n.nspname, t.typname) END
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b' AND t.typcategory <> 'A') AND ",
    own_schemas!(),
    " AND ",
    not_of_extension!("pg_catalog.pg_type", "t.oid"),
    " ORDER BY t.oid"
);

const FUNCTIONS: &str = concat!(
    "SELECT pg_catalog.pg_get_functiondef(p.oid) || ';'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p', 'w') AND ",
    own_schemas!(),
    " AND ",
    not_of_extension!("pg_catalog.pg_proc", "p.oid"),
    // The constructors of ranges come with their types.
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i WHERE i.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
      AND i.objid = p.oid AND i.deptype = 'i') ORDER BY n.nspname, p.proname, p.oid"
);

const AGGREGATES: &str = concat!(
    "SELECT pg_catalog.format('CREATE AGGREGATE %I.%I (%s) (SFUNC = %s, STYPE = %s);', n.nspname, p.proname,
    CASE pg_catalog.pg_get_function_identity_arguments(p.oid) WHEN '' THEN '*'
        ELSE pg_catalog.pg_get_function_identity_arguments(p.oid) END,
    a.aggtransfn, pg_catalog.format_type(a.aggtranstype, NULL))
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid WHERE ",
    own_schemas!(),
    " AND ",
    not_of_extension!("pg_catalog.pg_proc", "p.oid"),
    " ORDER BY n.nspname, p.proname, p.oid"
);

const OPERATORS: &str = concat!(
    "SELECT pg_catalog.format('CREATE OPERATOR %I.%s (FUNCTION = %s%s, RIGHTARG = %s);', n.nspname, o.oprname, o.oprcode,
    CASE WHEN o.oprleft <> 0 THEN ', LEFTARG = ' || pg_catalog.format_type(o.oprleft, NULL) END, pg_catalog.format_type(o.oprright, NULL))
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprcode <> 0 AND ",
    own_schemas!(),
    " AND ",
    not_of_extension!("pg_catalog.pg_operator", "o.oid"),
    " ORDER BY n.nspname, o.oprname, o.oid"
);

const OPERATOR_CLASSES: &str = concat!(
    "SELECT pg_catalog.format('CREATE OPERATOR CLASS %I.%I FOR TYPE %s USING %I AS STORAGE %s;', n.nspname, o.opcname,
    pg_catalog.format_type(o.opcintype, NULL), m.amname, pg_catalog.format_type(o.opcintype, NULL))
FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod WHERE ",
    own_schemas!(),
    " AND ",
    not_of_extension!("pg_catalog.pg_opclass", "o.oid"),
    " ORDER BY n.nspname, o.opcname, o.oid"
);

const CASTS: &str = concat!(
    // The system's own have the numbers below.
    "SELECT pg_catalog.format('CREATE CAST (%s AS %s) %s%s;', pg_catalog.format_type(a.castsource, NULL),
    pg_catalog.format_type(a.casttarget, NULL),
    CASE a.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || a.castfunc::pg_catalog.regprocedure::text
        WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
    CASE a.castcontext WHEN 'i' THEN ' AS IMPLICIT' WHEN 'a' THEN ' AS ASSIGNMENT' END)
FROM pg_catalog.pg_cast a WHERE a.oid >= 16384 AND ",
    not_of_extension!("pg_catalog.pg_cast", "a.oid"),
    " ORDER BY 1"
);

const SEQUENCES: &str = concat!(
    "SELECT pg_catalog.format('CREATE SEQUENCE %I.%I;', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND ",
    own_schemas!(),
    " AND ",
    not_of_extension!("pg_catalog.pg_class", "c.oid"),
    // Those of identity columns come with them.
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i WHERE i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
      AND i.objid = c.oid AND i.deptype = 'i') ORDER BY n.nspname, c.relname"
);

const TABLES: &str = concat!(
    "SELECT pg_catalog.format('CREATE %s %s (%s)%s%s;',
    CASE r.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, r.name,
    (SELECT pg_catalog.string_agg(E'\\n    ' || pg_catalog.format('%I %s%s%s%s', a.attname,
        pg_catalog.format_type(a.atttypid, a.atttypmod),
        (SELECT pg_catalog.format(' COLLATE %I.%I', ln.nspname, l.collname)
         FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
         WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation),
        CASE WHEN a.attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY'
            WHEN a.attidentity = 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY'
            WHEN a.attgenerated <> '' THEN pg_catalog.format(' GENERATED ALWAYS AS (%s) %s',
                pg_catalog.pg_get_expr(d.adbin, d.adrelid), CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)
            ELSE ' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
        CASE WHEN a.attnotnull THEN ' NOT NULL' END), ',' ORDER BY a.attnum)
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped) || E'\\n',
    CASE WHEN r.relkind = 'p' THEN ' PARTITION BY ' || pg_catalog.pg_get_partkeydef(r.oid) END,
    (SELECT pg_catalog.format(' SERVER %I', s.srvname) FROM pg_catalog.pg_foreign_table f
     JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = r.oid))
FROM ",
    tables!(),
    " ORDER BY r.name"
);

const CONSTRAINTS: &str = concat!(
    "SELECT pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s;', r.name, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
FROM pg_catalog.pg_constraint k JOIN ",
    tables!(),
    " ON r.oid = k.conrelid WHERE k.contype IN ('p', 'u', 'x', 'c', 'f')",
    // A foreign key to a partitioned table is noted again for each partition.
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)",
    // Nothing is kept unique by an index that is not valid, and no reference is checked by triggers that are switched off.
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x') AND NOT i.indisvalid)
AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid AND k.contype = 'f' AND g.tgenabled NOT IN ('O', 'A'))
ORDER BY pg_catalog.strpos('puxcf', k.contype::text), r.name, k.conname"
);

const VIEWS: &str = concat!(
    "SELECT pg_catalog.format('CREATE %s %s%s AS %s', CASE r.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, r.name,
    (SELECT pg_catalog.format(' WITH (%s)', pg_catalog.string_agg(o, ', ')) FROM pg_catalog.unnest(r.reloptions) o
     WHERE r.relkind = 'v' HAVING pg_catalog.count(*) > 0),
    pg_catalog.pg_get_viewdef(r.oid))
FROM ",
    relations!(),
    " WHERE r.relkind IN ('v', 'm') ORDER BY r.oid"
);

const VIEW_DEFAULTS: &str = concat!(
    "SELECT pg_catalog.format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s;', r.name, a.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid))
FROM pg_catalog.pg_attrdef d JOIN ",
    relations!(),
    " ON r.oid = d.adrelid AND r.relkind = 'v'
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum ORDER BY r.name, a.attnum"
);

const INDEXES: &str = concat!(
    // One that is not valid keeps nothing unique.
    "SELECT pg_catalog.pg_get_indexdef(i.indexrelid) || ';'
FROM pg_catalog.pg_index i JOIN ",
    relations!(),
    " ON r.oid = i.indrelid WHERE i.indisvalid
AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY r.name, i.indexrelid::pg_catalog.regclass::text"
);

const TRIGGERS: &str = concat!(
    "SELECT pg_catalog.pg_get_triggerdef(g.oid) || ';' FROM pg_catalog.pg_trigger g JOIN ",
    relations!(),
    " ON r.oid = g.tgrelid WHERE NOT g.tgisinternal ORDER BY r.name, g.tgname"
);

const DISABLED_TRIGGERS: &str = concat!(
    "SELECT pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I;', r.name, g.tgname) FROM pg_catalog.pg_trigger g JOIN ",
    relations!(),
    " ON r.oid = g.tgrelid WHERE NOT g.tgisinternal AND g.tgenabled = 'D' ORDER BY r.name, g.tgname"
);

const RULES: &str = concat!(
    "SELECT pg_catalog.pg_get_ruledef(u.oid) FROM pg_catalog.pg_rewrite u JOIN ",
    relations!(),
    " ON r.oid = u.ev_class WHERE u.rulename <> '_RETURN' ORDER BY r.name, u.rulename"
);

const PARTITIONS: &str = concat!(
    "SELECT pg_catalog.format('ALTER TABLE %s ATTACH PARTITION %s %s;', h.inhparent::pg_catalog.regclass, r.name,
    pg_catalog.pg_get_expr(r.relpartbound, r.oid))
FROM pg_catalog.pg_inherits h JOIN ",
    tables!(),
    " ON r.oid = h.inhrelid WHERE r.relispartition ORDER BY r.name"
);

const CHILDREN: &str = concat!(
    "SELECT pg_catalog.format('ALTER TABLE %s INHERIT %s;', r.name, h.inhparent::pg_catalog.regclass)
FROM pg_catalog.pg_inherits h JOIN ",
    tables!(),
    " ON r.oid = h.inhrelid WHERE NOT r.relispartition ORDER BY r.name, h.inhseqno"
);

const ROW_SECURITY: &str = concat!(
    "SELECT pg_catalog.format('ALTER TABLE %s %s ROW LEVEL SECURITY;', r.name, f.what) FROM ",
    tables!(),
    " JOIN (VALUES (1, 'ENABLE'), (2, 'FORCE')) f (at, what)
ON CASE f.at WHEN 1 THEN r.relrowsecurity ELSE r.relforcerowsecurity END ORDER BY r.name, f.at"
);

const POLICIES: &str = concat!(
    "SELECT pg_catalog.format('CREATE POLICY %I ON %s%s FOR %s TO %s%s%s;', p.polname, r.name,
    CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    (SELECT pg_catalog.string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o)) END, ', ')
     FROM pg_catalog.unnest(p.polroles) o),
    ' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
    ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')')
FROM pg_catalog.pg_policy p JOIN ",
    tables!(),
    " ON r.oid = p.polrelid ORDER BY r.name, p.polname"
);

const OWNERS: &str = concat!(
    "SELECT pg_catalog.format('ALTER TABLE %s OWNER TO %I;', r.name, pg_catalog.pg_get_userbyid(r.relowner)) FROM ",
    tables!(),
    " ORDER BY r.name"
);

const RIGHTS: &str = concat!(
    "SELECT pg_catalog.format('GRANT %s ON %s TO %s;', pg_catalog.string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type), r.name,
    CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END)
FROM ",
    tables!(),
    ", pg_catalog.aclexplode(r.relacl) x WHERE x.grantee <> r.relowner GROUP BY r.name, x.grantee ORDER BY r.name, 1"
);

const COLUMN_RIGHTS: &str = concat!(
    "SELECT pg_catalog.format('GRANT %s (%I) ON %s TO %s;', x.privilege_type, a.attname, r.name,
    CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END)
FROM ",
    tables!(),
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped,
pg_catalog.aclexplode(a.attacl) x WHERE x.grantee <> r.relowner ORDER BY r.name, a.attnum, 1"
);

const SESSIONS: &str = "\
SELECT CASE WHEN c LIKE 'role=%' THEN pg_catalog.format('ALTER %s SET role TO %L;', w.who, pg_catalog.substr(c, 6))
    ELSE pg_catalog.format('ALTER %s SET search_path TO %s;', w.who, pg_catalog.substr(c, 13)) END
FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c, LATERAL (SELECT CASE s.setrole
    WHEN 0 THEN pg_catalog.format('DATABASE %I', pg_catalog.current_database())
    ELSE pg_catalog.format('ROLE %I', pg_catalog.pg_get_userbyid(s.setrole)) END AS who) w
WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
AND (c LIKE 'role=%' OR c LIKE 'search\\_path=%' AND pg_catalog.substr(c, 13) NOT IN ('public', '\"$user\", public')) ORDER BY 1";
