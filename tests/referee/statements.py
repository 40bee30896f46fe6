"""Statements made for the referee: pairs and triples of operators, set operations, joins, conflict targets."""
import itertools
import random

INFIX = [
    "OR", "AND", "=", "<>", "<", ">", "<=", ">=", "!=", "+", "-", "*", "/", "%", "^", "||", "->", "->>", "#>", "@>",
    "<@", "&&", "~", "!~*", "?", "?|", "<<", "&", "|", "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "SIMILAR TO",
    "NOT SIMILAR TO", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "AT TIME ZONE", "OPERATOR(pg_catalog.+)", "@-",
]
# Written with `{}` where an operand stands; the first operand stands before them.
POSTFIX = [
    "IS NULL", "IS NOT NULL", "ISNULL", "NOTNULL", "IS TRUE", "IS NOT FALSE", "IS UNKNOWN", "IN (x, y)",
    "NOT IN (x, y)", "IN (SELECT 1)", "= ANY (x)", "< ALL (SELECT 1)", "LIKE ANY (x)", "NOT ILIKE ALL (x)",
    'COLLATE "C"', "::int", "::numeric(3)[]", "AT LOCAL", "IS JSON", "IS NORMALIZED", "IS DOCUMENT",
]
TERNARY = [
    "BETWEEN {} AND {}", "NOT BETWEEN {} AND {}", "BETWEEN SYMMETRIC {} AND {}", "LIKE {} ESCAPE {}",
    "NOT SIMILAR TO {} ESCAPE {}",
]
PREFIX = ["NOT", "-", "+", "~", "@", "!!", "|/"]
ATOMS = ["a", "b.c", "$1", "1", "'x'", "f(a)", "(a)", "(a, b)", "a[1]", "(a).b", "ARRAY[1]", "CASE WHEN a THEN b END"]


def suffixes():
    """Everything that may follow an operand, with holes for further operands."""
    return [f"{op} {{}}" for op in INFIX] + POSTFIX + TERNARY


def filled(template, names):
    while "{}" in template:
        template = template.replace("{}", next(names), 1)
    return template


def chain(prefixes, tails):
    """`[prefix] a tail tail …` with fresh names for operands."""
    names = iter("abcdefghijklmnop")
    text = " ".join([*prefixes, next(names)])
    for tail in tails:
        text = f"{text} {filled(tail, names)}"
    return text


def operators():
    """All pairs of operators, prefixes and operands, and some longer chains."""
    tails = suffixes()
    expressions = [chain([], pair) for pair in itertools.product(tails, tails)]
    expressions += [chain([prefix], [tail]) for prefix in PREFIX for tail in tails]
    expressions += [chain(pair, []) for pair in itertools.product(PREFIX, PREFIX)]
    # A prefix operator before the right operand, which may take what follows with it.
    for op, prefix, tail in itertools.product(INFIX, PREFIX, tails):
        expressions.append(filled(f"{{}} {op} {prefix} {{}} {tail}", iter("abcdefgh")))
    for middle, prefix, tail in itertools.product(TERNARY, PREFIX, tails):
        expressions.append(filled(f"{{}} {middle.replace('{}', prefix + ' {}')} {tail}", iter("abcdefgh")))
    # A tail within the bounds of BETWEEN and within ESCAPE.
    for middle, tail in itertools.product(TERNARY, tails):
        expressions.append(filled(f"{{}} {middle.replace('{}', '{} ' + tail, 1)}", iter("abcdefgh")))
    dice = random.Random(15)
    for _ in range(3000):
        picked = [dice.choice(tails) for _ in range(dice.randint(3, 5))]
        prefixes = [dice.choice(PREFIX) for _ in range(dice.choice([0, 0, 1, 2]))]
        expressions.append(chain(prefixes, picked))
    for atom, tail in itertools.product(ATOMS, tails):
        expressions.append(f"{atom} {filled(tail, iter('uvwxyz'))}")
    statements = [f"SELECT {expression}" for expression in expressions]
    statements += [f"SELECT 1 FROM t WHERE {expression}" for expression in dice.sample(expressions, 500)]
    return statements


def triples(count):
    """Triples of operators at random, some of them below a prefix; all of them where `count` is none."""
    tails = suffixes()
    if count is None:
        return [f"SELECT {chain([], picked)}" for picked in itertools.product(tails, repeat=3)]
    dice = random.Random(3)
    out = []
    for _ in range(count):
        prefixes = [dice.choice(PREFIX)] if dice.random() < 0.2 else []
        out.append(f"SELECT {chain(prefixes, [dice.choice(tails) for _ in range(3)])}")
    return out


def set_operations():
    words = ["UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"]
    arms = ["SELECT a", "(SELECT b ORDER BY 1 LIMIT 1)", "VALUES (1)", "TABLE t"]
    dice = random.Random(7)
    out = []
    for first, second, third in itertools.product(words, words, words):
        picked = [dice.choice(arms) for _ in range(4)]
        out.append(f"{picked[0]} {first} {picked[1]} {second} {picked[2]} {third} {picked[3]} ORDER BY 1 LIMIT 3")
        out.append(f"({picked[0]} {first} {picked[1]}) {second} ({picked[2]} {third} {picked[3]})")
        out.append(f"SELECT (({picked[0]}) {first} {picked[1]}), ((({picked[2]})) + 1)")
    return out


def joins():
    """All ways to write three joins, among them those where ON stands late."""
    words = ["JOIN", "LEFT JOIN", "FULL OUTER JOIN", "CROSS JOIN", "NATURAL JOIN", "NATURAL LEFT JOIN"]
    out = []
    for picked in itertools.product(words, repeat=3):
        def pieces(order):
            text = "SELECT * FROM a"
            for word, table in zip(picked, "bcd"):
                text += f" {word} {table}"
                if order and not word.startswith(("CROSS", "NATURAL")):
                    text += f" ON {table}.x = 1"
            if not order:
                for word, table in zip(picked, "bcd"):
                    if not word.startswith(("CROSS", "NATURAL")):
                        text += f" ON {table}.x = 1"
            return text
        out.append(pieces(True))
        out.append(pieces(False))
        out.append(pieces(True).replace("FROM a", "FROM (a JOIN z USING (k) AS u) AS q") + ", e LEFT JOIN f USING (k, l)")
    return out




# What may stand in FROM.
TABLES = [
    "a", "s.a", "ONLY a", "ONLY (s.a)", "a *", "a AS x", "a x", "ONLY s.a AS x (c, d)", "a x (c)", '"A" "X"', "(SELECT k FROM b) AS x",
    "(VALUES (1, 2)) x (c, d)", "LATERAL (SELECT a.k) x", "f(k)", "f(1) WITH ORDINALITY", "s.f(k) AS x (c, d)",
    "f() AS x (c int, d text)", "f() AS (c int)", "ROWS FROM (f(1), g(k)) AS x", "(b CROSS JOIN c)", "(b JOIN c ON b.k = c.k) AS x",
    "(b JOIN c USING (k) AS u) x", "a TABLESAMPLE system (1)", "a x TABLESAMPLE bernoulli (1) REPEATABLE (2)", "unnest(k) WITH ORDINALITY x (c, d)",
]
JOINS = [
    "{} JOIN {} ON x.k = t.k", "{} INNER JOIN {} USING (k)", "{} LEFT JOIN {} USING (k, l) AS u", "{} RIGHT OUTER JOIN {} ON EXISTS (SELECT 1 FROM v WHERE v.k = x.k)",
    "{} FULL JOIN {} ON true", "{} NATURAL LEFT JOIN {}", "{} CROSS JOIN {}", "{}, {}", "{} NATURAL JOIN {}",
]
CONFLICTS = [
    "", "ON CONFLICT DO NOTHING", "ON CONFLICT (k) DO NOTHING", "ON CONFLICT (k, lower(l)) WHERE m IS NULL DO NOTHING",
    "ON CONFLICT ((k)) DO NOTHING", "ON CONFLICT ((k + 1), l COLLATE \"C\") DO NOTHING", "ON CONFLICT (k int4_ops) DO NOTHING",
    "ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET a = excluded.a, b = t.b + 1 WHERE t.k = $1",
    "ON CONFLICT (k) WHERE l = 1 AND m DO UPDATE SET (a, b) = (excluded.a, (SELECT max(k) FROM v)) WHERE t.k = excluded.k",
    "ON CONFLICT (k) DO UPDATE SET (a, b) = (SELECT x, y FROM v), c[1] = 2, d.e = DEFAULT", "ON CONFLICT (k DESC) DO NOTHING",
    "ON CONFLICT (s.k) DO NOTHING", "ON CONFLICT (s.f(k)) DO NOTHING", "ON CONFLICT DO UPDATE SET a = 1", "ON CONFLICT () DO NOTHING",
]


def relations():
    """What may be a relation, alone and in every join with every other; targets of writes; conflict targets."""
    out = [f"SELECT * FROM {join.format(left, right)}" for join in JOINS for left in TABLES for right in TABLES]
    for table in TABLES:
        out.append(f"SELECT x.c, {table.split()[0]}.k FROM t, {table} WHERE k = (SELECT x.k FROM {table})")
        out.append(f"UPDATE {table} SET k = 1, l = (SELECT k FROM {table} WHERE l = t.l) WHERE k = 2 RETURNING *, t.k AS z")
        out.append(f"UPDATE t SET k = 1 FROM {table} WHERE t.k = x.k")
        out.append(f"DELETE FROM {table} WHERE k = 2 RETURNING k")
        out.append(f"DELETE FROM t AS u USING {table} WHERE u.k = x.k")
        out.append(f"INSERT INTO {table} (k, l) SELECT k, x.l FROM {table} RETURNING k")
        out.append(f"MERGE INTO {table} USING t ON x.k = t.k WHEN MATCHED AND t.l THEN UPDATE SET (k, l) = (1, t.m) WHEN NOT MATCHED THEN INSERT (k) VALUES (t.k)")
        out.append(f"MERGE INTO t USING {table} ON x.k = t.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE THEN DO NOTHING RETURNING t.k")
        out.append(f"TABLE {table}")
        out.append(f"SELECT k FROM {table} FOR UPDATE OF t SKIP LOCKED")
        for word in ["TRUNCATE", "TRUNCATE TABLE", "LOCK", "LOCK TABLE", "COPY"]:
            out.append(f"{word} {table}" + (" TO STDOUT" if word == "COPY" else ", t"))
    for source, conflict in itertools.product(["VALUES (1, 2)", "SELECT k, l FROM v", "DEFAULT VALUES", "(SELECT 1)"], CONFLICTS):
        out.append(f"INSERT INTO t AS x (k, l) {source} {conflict} RETURNING k, x.*")
        out.append(f"WITH w AS (INSERT INTO s.t {source} {conflict} RETURNING *) SELECT w.k FROM w ORDER BY l")
    return out
