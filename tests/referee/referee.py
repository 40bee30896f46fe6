#!/usr/bin/env python3
"""Compares our reading of PostgreSQL statements with PostgreSQL's own.

Each statement is printed by `cargo run -p tenantry-prover --example print`, fully parenthesised as we read it.
libpg_query (through `pglast`, installed into a virtual environment under the target directory) reads the print and the
original; the two trees must be equal. A statement that says itself that it was not read is counted apart.

Usage: referee.py [--corpus cases.jsonl] [--sql FILE]... [--queries DIR]... [--show N] [--unread]
  --corpus   JSON lines with a field `sql`
  --sql      a file of statements, cut by libpg_query
  --queries  a directory of JSON files with a field `query` (sqlx's offline cache)
  --show     how many differences are printed at most; with --unread, what was not read as well
Without any of these only the generated operator pairs and triples are compared.
Exit status: 0 if no tree differs, 1 if one does, 77 if pglast cannot be had.
"""
import argparse
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# What our tree leaves out on purpose, because no proof depends on it.
DROPPED = {
    "location", "stmt_location", "stmt_len", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end",
    "name_location", "query_location", "funcformat", "row_format", "sortby_dir", "sortby_nulls", "useOp",
    "frameOptions", "over_location", "arg_location", "type_location", "override",
}


def pglast_python():
    """The Python that has pglast, made if need be."""
    folder = TARGET / "referee-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    probe = [python, "-c", "import pglast"]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        install = subprocess.run([python, "-m", "pip", "install", "-q", "pglast"])
        if install.returncode != 0 or subprocess.run(probe, capture_output=True).returncode != 0:
            print("pglast cannot be had; nothing was compared", file=sys.stderr)
            sys.exit(77)
    return str(python)


def normal(node):
    """A tree without places and without what the print cannot keep."""
    if isinstance(node, list):
        return [normal(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "A_Indirection" in node:
        return flat_indirection(node["A_Indirection"])
    out = {}
    for key, value in node.items():
        if key in DROPPED:
            continue
        if key in ("startOffset", "endOffset"):
            out.setdefault("frame", []).append(normal(value))
            continue
        if key == "limitCount" and value.get("A_Const", {}).get("isnull"):
            continue  # LIMIT ALL
        if key == "limitOption" and value == "LIMIT_OPTION_DEFAULT":
            continue
        if key == "ctematerialized" and value == "CTEMaterializeNever":
            value = "CTEMaterializeDefault"
        if key == "groupClause":
            value = list(itertools.chain.from_iterable(map(group_items, value)))
        if key in ("funcname", "names") and isinstance(value, list) and len(value) == 2:
            if value[0].get("String", {}).get("sval") == "pg_catalog":
                value = value[1:]
        if key == "content":
            # ROLLUP ((a)) is ROLLUP (a).
            value = [simple_group(item) for item in value]
        if key == "typmods" and value == [{"A_Const": {"ival": {"ival": -1}}}]:
            continue
        out[key] = normal(value)
    if "limitCount" not in out and "limitOffset" not in out:
        out.pop("limitOption", None)
    # `FOR n` counts from 1 and casts n, which says nothing about grouping.
    name = out.get("funcname")
    if name == [{"String": {"sval": "substring"}}] and len(out.get("args", [])) == 3:
        third = out["args"][2].get("TypeCast")
        if third and third.get("typeName", {}).get("names") == [{"String": {"sval": "int4"}}]:
            out["args"][2] = third["arg"]
    return out


def group_items(item):
    row = item.get("RowExpr")
    if row and row.get("row_format") == "COERCE_IMPLICIT_CAST":
        return row["args"]
    return [item]


def simple_group(item):
    return item


def flat_indirection(node):
    arg, indirection = node["arg"], node["indirection"]
    while "A_Indirection" in arg:
        indirection = arg["A_Indirection"]["indirection"] + indirection
        arg = arg["A_Indirection"]["arg"]
    return {"A_Indirection": {"arg": normal(arg), "indirection": normal(indirection)}}


def compare():
    """Runs inside the virtual environment: NUL-separated pairs on standard input, one JSON line of result each."""
    import pglast.parser as parser

    items = sys.stdin.read().split("\0")[:-1]
    for original, ours in zip(items[::2], items[1::2]):
        try:
            want = normal(json.loads(parser.parse_sql_json(original)))
        except parser.ParseError as error:
            print(json.dumps(["invalid", str(error)]))
            continue
        if ours.startswith("!"):
            print(json.dumps(["unread", ours[1:]]))
            continue
        try:
            got = normal(json.loads(parser.parse_sql_json(ours)))
        except parser.ParseError as error:
            print(json.dumps(["differs", f"our print is refused: {error}"]))
            continue
        print(json.dumps(["equal" if want == got else "differs", ""]))


def split():
    """Runs inside the virtual environment: cuts a file into statements."""
    import pglast.parser as parser

    text = sys.stdin.read()
    try:
        parts = parser.split(text)
    except parser.ParseError:
        parts = parser.split(text, with_parser=False)
    sys.stdout.write("".join(part + "\0" for part in parts))


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


def generated():
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
    return statements + set_operations() + joins()


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


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--corpus", action="append", default=[])
    arguments.add_argument("--sql", action="append", default=[])
    arguments.add_argument("--queries", action="append", default=[])
    arguments.add_argument("--show", type=int, default=10)
    arguments.add_argument("--unread", action="store_true")
    options = arguments.parse_args()
    python = pglast_python()
    groups = {"operators, set operations, joins": generated()}
    for path in options.corpus:
        groups[path] = [json.loads(line)["sql"] for line in open(path, encoding="utf-8")]
    for path in options.sql:
        with open(path, encoding="utf-8") as file:
            cut = subprocess.run([python, __file__, "--split-worker"], stdin=file, capture_output=True, text=True, check=True)
        groups[path] = cut.stdout.split("\0")[:-1]
    for folder in options.queries:
        files = sorted(pathlib.Path(folder).glob("query-*.json"))
        groups[folder] = [json.loads(file.read_text(encoding="utf-8"))["query"] for file in files]
    build = ["cargo", "build", "-q", "-p", "tenantry-prover", "--example", "print"]
    subprocess.run(build, cwd=ROOT, check=True)
    binary = TARGET / "debug" / "examples" / "print"
    failed = False
    for name, statements in groups.items():
        failed |= report(name, statements, python, binary, options)
    sys.exit(1 if failed else 0)


def report(name, statements, python, binary, options):
    """Compares one group, prints its counts, and says whether a tree differs."""
    text = "".join(statement + "\0" for statement in statements)
    ours = subprocess.run([binary], input=text, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    assert len(ours) == len(statements), (len(ours), len(statements))
    pairs = "".join(f"{original}\0{printed}\0" for original, printed in zip(statements, ours))
    run = subprocess.run([python, __file__, "--compare-worker"], input=pairs, capture_output=True, text=True, check=True)
    results = [json.loads(line) for line in run.stdout.splitlines()]
    counts = {"equal": 0, "differs": 0, "unread": 0, "invalid": 0}
    accepted, show = 0, options.show
    for original, printed, (kind, why) in zip(statements, ours, results):
        counts[kind] += 1
        # What PostgreSQL refuses for its grouping, we must refuse too.
        accepted += kind == "invalid" and not printed.startswith("!")
        wrong = kind == "differs" or (kind == "invalid" and not printed.startswith("!"))
        if (wrong or (options.unread and kind == "unread")) and show > 0:
            show -= 1
            print(f"  {kind}: {original}\n    ours: {printed}\n    {why}")
    counts["refused by PostgreSQL, read by us"] = accepted
    print(f"{name}: {len(statements)} statements, " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return counts["differs"] > 0 or accepted > 0


if __name__ == "__main__":
    if "--compare-worker" in sys.argv:
        compare()
    elif "--split-worker" in sys.argv:
        split()
    else:
        main()
