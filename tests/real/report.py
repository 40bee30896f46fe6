#!/usr/bin/env python3
"""Reads a report of `check --output json`.

    report.py summary REPORT
    report.py sample REPORT scoped|findings|undecided [COUNT [SEED]]

`summary` counts; `sample` draws COUNT entries (40, and seed 1, unless told) for reading by hand: a site with its SQL, its
reasons and assumptions, or a finding with its message.
"""
import collections
import json
import random
import re
import sys


def summary(report):
    sites = report["coverage"]["all"]
    total = sum(sites.values())
    decided = total - sites["undecided"]
    share = 100 * decided / total if total else 0
    print(f"sites {total}  scoped {sites['scoped']}  by guard {sites['scoped_by_guard']}"
          f"  scoped if callers {sites['scoped_if_callers']}"
          f"  leaks {sites['leaks']}  exempt {sites['exempted']}  undecided {sites['undecided']}"
          f"  decided {share:.1f}%")
    rules = collections.Counter(finding["rule"] for finding in report["findings"])
    for rule, count in rules.most_common():
        print(f"  {count:4} {rule}")
    reasons = collections.Counter()
    for site in report["sites"]:
        if site["verdict"] == "undecided":
            first = next((s for s in site["statements"] if s["verdict"] == "undecided"), None)
            reason = (first or {}).get("reasons") or ["no reason told"]
            reasons[re.sub(r"`[^`]*`", "`…`", reason[0])] += 1
    if reasons:
        print("undecided because:")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    for skipped in report["skipped"]:
        print(f"skipped {skipped['path']}: {skipped['why']}")


def place(entry):
    return f"{entry['path']}:{entry['start_line']}:{entry['start_column']}"


def show_site(site):
    print(f"{place(site)} {site['item']} {site['call']}")
    for sql in site["sql"]:
        print("    " + (sql or "(not known)").strip("\n").replace("\n", "\n    "))
    for statement in site["statements"]:
        for reason in statement["reasons"]:
            print(f"  - {statement['verdict']}: {reason}")
    for assumption in site["assumptions"]:
        print(f"  if {assumption}")


def show_finding(finding):
    print(f"{place(finding)} {finding['item']} {finding['rule']}: {finding['message']}")


def sample(report, kind, count, seed):
    if kind == "findings":
        entries, show = report["findings"], show_finding
    else:
        entries, show = [site for site in report["sites"] if site["verdict"] == kind], show_site
    drawn = sorted(random.Random(seed).sample(range(len(entries)), min(count, len(entries))))
    print(f"{len(drawn)} of {len(entries)} {kind}, seed {seed}")
    for number, at in enumerate(drawn, 1):
        print(f"\n[{number}] ", end="")
        show(entries[at])


def main(arguments):
    match arguments:
        case ["summary", path]:
            summary(json.load(open(path, encoding="utf-8")))
        case ["sample", path, ("scoped" | "findings" | "undecided") as kind, *rest]:
            count, seed = (int(rest[at]) if at < len(rest) else default for at, default in enumerate((40, 1)))
            sample(json.load(open(path, encoding="utf-8")), kind, count, seed)
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
