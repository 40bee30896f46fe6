"""A table of what three programs say of the things of one schema: python3 compare.py FOLDER REPORTS."""

import collections
import csv
import json
import pathlib
import re
import sys

# What is said of nearly every table alike, or of speed and order alone.
NOT_COMPARED = {"SEC003", "SEC007", "PERF001", "VIEW002", "HYG004", "unused_index", "auth_rls_initplan"}


def ours(report, folder):
    """Our findings in migrations, each with the names that may be the thing's, the likeliest first."""
    for finding in report["findings"]:
        if not finding["path"].endswith(".sql"):
            continue
        # Paths are relative to the project's root, which may lie above the folder.
        roots = [folder.resolve(), *folder.resolve().parents]
        migration = next(root / finding["path"] for root in roots if (root / finding["path"]).exists())
        lines = migration.read_text().splitlines()
        place = " ".join(lines[finding["start_line"] - 1 : finding["end_line"]])
        told, there = re.findall(r"`([\w.]+)`", finding["message"]), re.findall(r"\w+", place)
        # The body of a function names other things than the one that the finding is about.
        yield there + told if there[:1] in (["CREATE"], ["ALTER"]) else told + there, finding["rule"]


def pgrls(report):
    # `schema.table`, `schema.table.policy`, or a role.
    for violation in report["violations"]:
        place = violation["location"].split(" ")[0].split(".")
        yield place[1:2] or place, violation["rule_id"]


def splinter(lines):
    for row in csv.reader(lines):
        about = next((cell for cell in row if cell.startswith('{"')), None)
        if about:
            yield [json.loads(about)["name"]], row[0]


def main():
    schema, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    said = collections.defaultdict(lambda: collections.defaultdict(list))
    peers = []
    if (folder / "pgrls.json").exists():
        peers.append(("pgrls", pgrls(json.loads((folder / "pgrls.json").read_text()))))
    if (folder / "splinter.csv").exists():
        peers.append(("splinter", splinter((folder / "splinter.csv").read_text().splitlines())))
    text = "\n".join(path.read_text() for path in schema.rglob("*.sql"))
    roles = set(re.findall(r"CREATE ROLE (\w+)", text))
    things = set(re.findall(r"CREATE (?:TABLE|VIEW|MATERIALIZED VIEW|FUNCTION) (\w+)", text)) | roles
    for program, findings in peers:
        for names, rule in findings:
            if rule not in NOT_COMPARED:
                things.add(names[0])
                said[names[0]][program].append(rule)
    for names, rule in ours(json.loads((folder / "tenantry.json").read_text()), schema):
        # A message may name a policy, a column or a role before the table.
        known = sorted((name for name in names if name in things), key=lambda name: name in roles)
        thing = (known or names)[0]
        said[thing]["tenantry"].append(rule)
    programs = ["tenantry"] + [program for program, _ in peers]
    print("| | " + " | ".join(programs) + " |\n|---" * 1 + "|---" * len(programs) + "|")
    for thing in sorted(said):
        cells = [", ".join(f"`{rule}`" for rule in sorted(set(said[thing][program]))) for program in programs]
        print(f"| `{thing}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
