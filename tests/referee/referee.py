#!/usr/bin/env python3
"""Compares our reading of PostgreSQL statements with PostgreSQL's own, in two ways.

Each text is read by `cargo run -p tenantry-prover --example print`, which prints it fully parenthesised as we read it,
and says what relations, joins, columns of each level, assignments and conflict targets it has. libpg_query (through
`pglast`, installed into a virtual environment under the target directory) reads the original and the print; the two
trees must be equal, and what the original's tree says of relations and columns (facts.py) must be what we say. A text
that says itself that it was not read, or that it holds what is not modelled, is counted apart: no statement of it is
ever called scoped.

Usage: referee.py [OPTION]...
  --generated N    N triples of operators at random besides all pairs (`all` makes every triple)
  --oracle N       N statements of the oracle's grammar
  --corpus FILE    JSON lines with a field `sql`
  --sql FILE       a file of statements, cut by libpg_query
  --regress FOLDER the `.sql` files of PostgreSQL's own tests below a folder
  --repo FOLDER    the SQL of a repository: of its Rust sources, its offline cache of sqlx, and its `.sql` files
  --show N         how many differences are printed at most; with --unread, what was not read as well
Exit status: 0 if nothing differs, 1 if something does, 77 if pglast cannot be had.
"""
import argparse
import hashlib
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import venv

import facts
import statements

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# Newer ones may read with the grammar of a newer PostgreSQL.
PGLAST = "pglast>=8,<9"

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
        try:
            venv.create(folder, with_pip=True)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"no virtual environment can be made ({error}); nothing was compared", file=sys.stderr)
            sys.exit(77)
    probe = [python, "-c", "import pglast"]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        install = subprocess.run([python, "-m", "pip", "install", "-q", PGLAST])
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
    if "IndexElem" in node and (name := facts.column_of(node["IndexElem"])):
        rest = {key: value for key, value in node["IndexElem"].items() if key not in ("name", "expr")}
        return {"IndexElem": normal({"name": name, **rest})}
    if node.get("MultiAssignRef", {}).get("ncolumns") == 1:
        # `(a) = ROW(x)` and `(a) = (SELECT x)` assign x.
        source = node["MultiAssignRef"]["source"]
        return normal(source["RowExpr"]["args"][0] if "RowExpr" in source else source)
    out = {}
    for key, value in node.items():
        # How something is explained touches no row.
        if key in DROPPED or (key == "options" and "query" in node):
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
        if key == "typmods" and value == [{"A_Const": {"ival": {"ival": -1}}}]:
            continue
        out[key] = normal(value)
    if "limitCount" not in out and "limitOffset" not in out:
        out.pop("limitOption", None)
    # `FOR n` counts from 1 and casts n, which says nothing about grouping.
    name = out.get("funcname")
    if name == [{"String": {"sval": "substring"}}] and len(out.get("args", [])) == 3:
        while is_int4(third := out["args"][2].get("TypeCast")):
            out["args"][2] = third["arg"]
    return out


def is_int4(cast):
    return bool(cast) and cast.get("typeName", {}).get("names") == [{"String": {"sval": "int4"}}]


def group_items(item):
    row = item.get("RowExpr")
    if row and row.get("row_format") == "COERCE_IMPLICIT_CAST":
        return row["args"]
    return [item]


def flat_indirection(node):
    arg, indirection = node["arg"], node["indirection"]
    while "A_Indirection" in arg:
        indirection = arg["A_Indirection"]["indirection"] + indirection
        arg = arg["A_Indirection"]["arg"]
    return {"A_Indirection": {"arg": normal(arg), "indirection": normal(indirection)}}


def compare():
    """Runs inside the virtual environment: an original, its print and its facts, each ending in a zero byte, again and
    again on standard input; one JSON line of result each."""
    import pglast.parser as parser

    items = sys.stdin.buffer.read().decode().split("\0")[:-1]
    for original, ours, said in zip(items[::3], items[1::3], items[2::3]):
        print(json.dumps(compared(parser, original, ours, said)))


def compared(parser, original, ours, said):
    """The kind of the result, and why."""
    unread = said.startswith("!")
    try:
        tree = json.loads(parser.parse_sql_json(original))
    except (parser.ParseError, UnicodeError) as error:
        return ["invalid" if unread else "accepted", str(error)]
    if unread:
        return ["unread", said[1:]]
    want, got = facts.of_text(tree), json.loads(said)
    if want != got:
        return ["differs", facts.difference(want, got)]
    try:
        again = json.loads(parser.parse_sql_json(ours))
    except parser.ParseError as error:
        return ["differs", f"our print is refused: {error}"]
    if normal(tree["stmts"]) != normal(again["stmts"]):
        return ["differs", "the trees are not equal"]
    return ["equal", ""]


def split():
    """Runs inside the virtual environment: cuts files, each ending in a zero byte, into statements, each ending in one."""
    import pglast.parser as parser

    for text in sys.stdin.buffer.read().decode().split("\0")[:-1]:
        for part in cut_one(parser, text):
            sys.stdout.buffer.write(f"{part}\0".encode())


def cut_one(parser, text):
    for how in ({}, {"with_parser": False}):
        try:
            return parser.split(text, **how)
        except (parser.ParseError, UnicodeError):
            continue
    # Something in it is no token: what ends a line with a semicolon is a statement.
    return re.split(r";[ \t]*\n", text)


def cut(python, texts):
    """The statements of files, what is meant for `psql` taken out."""
    source = ""
    for text in texts:
        lines = [line for line in text.replace("\0", "").splitlines() if not line.startswith("\\")]
        source += re.sub(r"\\(gset|gexec|gdesc|gx|g|crosstabview|watch|bind)\b[^\n]*", ";", "\n".join(lines)) + "\0"
    return [part for part in run([python, __file__, "--split-worker"], source).split("\0") if part.strip()]


def run(command, source=""):
    """What a command prints, with its line ends as they are."""
    done = subprocess.run(command, cwd=ROOT, input=source.encode(), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def regress(python, folder):
    """The statements of PostgreSQL's own tests, and which they are."""
    files = sorted(path for path in pathlib.Path(folder).rglob("*.sql") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    print(f"PostgreSQL's own tests: {len(files)} files, sha256 {digest.hexdigest()}")
    if len(files) < 100:
        sys.exit(f"{folder} holds only {len(files)} of PostgreSQL's tests")
    return cut(python, (path.read_bytes().decode("utf-8", errors="replace") for path in files))


def repository(python, folder):
    """The texts of a repository's sites, of its offline cache of sqlx, and the statements of its SQL files."""
    build = ["cargo", "run", "-q", "--locked", "-p", "tenantry-source", "--example", "sites", "--", "--json", folder]
    sites = [json.loads(line) for line in run(build).splitlines()]
    texts = {text for site in sites for text in site["texts"] if text is not None}
    folder = pathlib.Path(folder)
    for file in folder.rglob("query-*.json"):
        texts.add(json.loads(file.read_text(encoding="utf-8"))["query"])
    files = [file.read_bytes().decode("utf-8", errors="replace") for file in sorted(folder.rglob("*.sql")) if file.is_file()]
    return sorted(texts) + cut(python, files)


def oracle(count):
    command = ["cargo", "run", "-q", "--locked", "-p", "tenantry-oracle", "--example", "statements", "--", str(count), "1"]
    return run(command).split("\0")[:-1]


def groups(options, python):
    """The texts to compare, by where they come from."""
    if options.generated is not None:
        count = None if options.generated == "all" else int(options.generated)
        yield "operators", statements.operators()
        yield "triples of operators", statements.triples(count)
        yield "set operations and joins", statements.set_operations() + statements.joins()
        yield "relations and conflict targets", statements.relations()
    if options.oracle:
        yield "the oracle's grammar", oracle(options.oracle)
    for path in options.corpus:
        yield path, [json.loads(line)["sql"] for line in open(path, encoding="utf-8")]
    for path in options.sql:
        yield path, cut(python, [pathlib.Path(path).read_text(encoding="utf-8")])
    for folder in options.regress:
        yield folder, regress(python, folder)
    for folder in options.repo:
        yield folder, repository(python, str(pathlib.Path(folder).resolve()))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--generated")
    arguments.add_argument("--oracle", type=int, default=0)
    for name in ("--corpus", "--sql", "--regress", "--repo"):
        arguments.add_argument(name, action="append", default=[])
    arguments.add_argument("--show", type=int, default=10)
    arguments.add_argument("--unread", action="store_true")
    options = arguments.parse_args()
    python = pglast_python()
    # Not optimised, so that most of it is built already; checked for overflow as well.
    build = ["cargo", "build", "-q", "--locked", "-p", "tenantry-prover", "--example", "print"]
    subprocess.run(build, cwd=ROOT, check=True)
    binary = TARGET / "debug" / "examples" / "print"
    failed, compared_all = False, 0
    for name, texts in groups(options, python):
        if not texts:
            sys.exit(f"{name}: nothing to compare")
        counts = report(name, texts, python, binary, options)
        failed |= counts["differs"] > 0 or counts["accepted"] > 0
        compared_all += counts["equal"]
    print(f"the referee: {compared_all} texts are read as PostgreSQL reads them, {'some are not' if failed else 'none otherwise'}")
    sys.exit(1 if failed else 0)


WORDS = {
    "equal": "equal", "differs": "different", "unread": "not read by us", "invalid": "refused by both",
    "accepted": "refused by PostgreSQL and read by us",
}


def report(name, texts, python, binary, options):
    """Compares one group and prints its counts."""
    source = "".join(text.replace("\0", "") + "\0" for text in texts)
    read = run([binary], source).split("\0")[:-1]
    prints, said = read[::2], read[1::2]
    assert len(prints) == len(said) == len(texts), (len(prints), len(said), len(texts))
    items = "".join(f"{text}\0{ours}\0{fact}\0" for text, ours, fact in zip(source.split("\0"), prints, said))
    results = [json.loads(line) for line in run([python, __file__, "--compare-worker"], items).splitlines()]
    assert len(results) == len(texts), (len(results), len(texts))
    counts, show = dict.fromkeys(WORDS, 0), options.show
    for original, printed, (kind, why) in zip(texts, prints, results):
        counts[kind] += 1
        if (kind in ("differs", "accepted") or (options.unread and kind == "unread")) and show > 0:
            show -= 1
            print(f"  {WORDS[kind]}: {original.strip()}\n    ours: {printed}\n    {why}")
    print(f"{name}: {len(texts)} texts, " + ", ".join(f"{count} {WORDS[kind]}" for kind, count in counts.items()))
    return counts


if __name__ == "__main__":
    if "--compare-worker" in sys.argv:
        compare()
    elif "--split-worker" in sys.argv:
        split()
    else:
        main()
