#!/usr/bin/env python3
"""Makes the fuzzers' first inputs and dictionaries from what the tests have: seed.py FOLDER.

Writes FOLDER/<target>/seed-* and FOLDER/<target>.dict for each target. Files that are there already stay.
"""
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# What a dictionary entry may be: words and operators.
WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[-+*/<>=~!@#%^&|?:.]+|\$\d+")


def tracked(*patterns):
    """The text of the files of the repository that fit, without those that builds leave."""
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and not {"target", "node_modules"} & set(path.relative_to(ROOT).parts):
                yield path.read_text(encoding="utf-8")


def statements():
    for text in tracked("tests/sqlcorpus/**/*.jsonl"):
        for line in text.splitlines():
            yield json.loads(line)["sql"]
    yield from tracked("tests/oracle/regressions/*.sql")
    dialects = "lints/prover/src/lower/generic/tests.rs"
    for text in tracked(dialects):
        for sql in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
            if " " in sql:
                yield "-- mysql\n" + sql
                yield "-- sqlite\n" + sql


def schemas():
    for text in tracked("tests/**/*.sql", "examples/**/*.sql"):
        yield text
        yield from text.split(";\n")
    for text in tracked("lints/prover/src/lower/**/ddl/tests.rs"):
        for sql in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
            if " " in sql:
                yield sql
                yield "-- mysql\n" + sql
                yield "-- sqlite\n" + sql


def sources():
    yield from tracked("tests/fixtures/**/*.rs", "examples/*/src/**/*.rs")
    for page in tracked("rules/*.md"):
        yield from re.findall(r"```rust[^\n]*\n(.*?)```", page, re.S)
    for text in tracked("lints/source/tests/sites.rs"):
        yield from text.split("\n#[test]\n")


def policies():
    yield from tracked("**/tenantry.toml", "tests/real/*.toml", "lints/policy/tests/*.toml")
    for page in tracked("docs/**/*.md", "*.md"):
        yield from re.findall(r"```toml[^\n]*\n(.*?)```", page, re.S)


def suppressions():
    for text in tracked("rules/*.md", "lints/**/*.rs", "examples/**/*.rs", "tests/**/*.rs", "docs/**/*.md"):
        for line in text.splitlines():
            at = line.find("tenantry: ")
            if at >= 0:
                yield line[at:]
                yield f"-- {line[at:]}\nselect 1;\nselect 2; {line}\n"


TARGETS = {
    "statement": statements, "schema": schemas, "sites": sources, "policy": policies, "suppressions": suppressions,
}


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, texts in TARGETS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        words, count = set(), 0
        for text in texts():
            data = text.encode()
            if 0 < len(data) < 65536:
                (folder / target / f"seed-{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(data)
                words.update(WORDS.findall(text))
                count += 1
        if count < 10:
            sys.exit(f"{target}: only {count} seeds; where are the tests' inputs?")
        entries = sorted(word for word in words if 1 < len(word) < 25)
        lines = (f'"{word}"\n' for word in entries)
        (folder / f"{target}.dict").write_text("".join(lines), encoding="utf-8")
        print(f"{target}: {count} seeds, {len(entries)} words")


if __name__ == "__main__":
    main()
