#!/usr/bin/env python3
"""Compares the sites found in crates that use sqlx with their offline caches.

usage: sqlx_cache.py SITES CRATE...

SITES is the built example `sites` of tenantry-source; each CRATE is a folder with a `.sqlx` folder. Every query of the
cache must be found with exactly the same text. Queries that only test code uses are in the cache only where the project
prepared it for its tests, so all sites count. Exits with 1 if a query is missing.
"""

import glob
import json
import os
import subprocess
import sys


def main() -> int:
    program, crates = sys.argv[1], sys.argv[2:]
    missing_in_all = 0
    for crate in crates:
        lines = subprocess.run([program, "--json", crate], check=True, capture_output=True, text=True).stdout
        found = {text for line in lines.splitlines() for text in json.loads(line)["texts"] if text is not None}
        cache = {}
        for path in sorted(glob.glob(os.path.join(crate, ".sqlx", "query-*.json"))):
            with open(path, encoding="utf-8") as file:
                cache[path] = json.load(file)["query"]
        missing = [(path, query) for path, query in cache.items() if query not in found]
        print(f"{crate}: {len(cache) - len(missing)} of {len(cache)} queries found")
        for path, query in missing:
            print(f"  missing {os.path.basename(path)}: {' '.join(query.split())[:160]}")
        missing_in_all += len(missing)
    return 1 if missing_in_all else 0


if __name__ == "__main__":
    sys.exit(main())
