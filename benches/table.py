"""The table: measurements as rows, servers as columns, in Markdown."""

import subprocess
from statistics import median

import servers

# label, field of measure.Load, factor to the unit
FIELDS = [
    ("- p50, ms", "p50", 1e3),
    ("- p99, ms", "p99", 1e3),
    ("- CPU, µs", "cpu", 1e6),
]


def number(value):
    """Three digits that matter, so that the table fits a terminal."""
    return f"{value:.0f}" if value > 99.9 else f"{value:#.3g}"


def load_rows(load, by_server):
    """How the servers did under one load. The ratio to ours is taken within each round."""
    runs = by_server.values()
    rates = [[one.per_second for one in loads] for loads in runs]
    ours = [one.per_second for one in by_server["ours"]]
    yield load, ["" for _ in runs]
    yield "- 1,000/s", [number(median(r) / 1e3) for r in rates]
    yield "- of ours", [f"{median(a / b for a, b in zip(r, ours)):.2f}" for r in rates]
    yield "- spread, ±", [f"{(max(r) - min(r)) / median(r) * 50:.0f} %" for r in rates]
    for label, field, factor in FIELDS:
        yield label, [number(median(getattr(one, field) for one in loads) * factor) for loads in runs]


def steady_rows(load, by_server, names):
    """Latencies at a constant rate."""
    yield load, ["" for _ in names]
    for index, label in enumerate(("- p50, ms", "- p99, ms")):
        runs = [by_server.get(name) for name in names]
        yield label, [number(median(one[index] for one in r) * 1e3) if r else "-" for r in runs]


def memory_rows(results, starts, idles):
    yield "start, ms", [number(median(taken for taken, _ in s) * 1e3) for s in starts.values()]
    yield "idle, MB", [number(median(rss for _, rss in s) / 1e6) for s in starts.values()]
    busy = results["256 connections"].values()
    yield "256 busy, MB", [number(max(one.rss for one in loads) / 1e6) for loads in busy]
    for count in next(iter(idles.values())):
        kept = [idles[name][count] if name in idles else None for name in starts]
        yield f"{count:,} idle, MB", [number(k[0] / 1e6) if k else "-" for k in kept]
        yield "- threads", [str(k[1]) if k else "-" for k in kept]
        yield "- GET p99, ms", [number(k[2] * 1e3) if k else "-" for k in kept]


def crates(directory):
    """How many crates a build there compiles in, its own included."""
    command = ["cargo", "tree", "--locked", "--edges=normal", "--prefix=none", "--no-dedupe"]
    tree = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return str(len({line.split(" (")[0] for line in tree.splitlines()}))


def other_rows(contenders):
    yield "log lines lost", [f"{s.lost:,}" if s.logs else "-" for s in contenders]
    yield "binary, MB", [number(s.binary.stat().st_size / 1e6) if s.binary else "-" for s in contenders]
    packages = sorted(servers.ROOT.glob("target/**/publicip-poc*.rpm"), key=lambda p: p.stat().st_mtime)
    if packages:
        size = number(packages[-1].stat().st_size / 1e6)
        yield "rpm, MB", [size if s.name == "ours" else "-" for s in contenders]
    yield "crates", [crates(s.crates) if s.crates else "-" for s in contenders]


def show(contenders, results, steady, starts, idles):
    rows = [("", [server.name for server in contenders])]
    for load, by_server in results.items():
        rows += load_rows(load, by_server)
    rows += steady_rows(*steady, [server.name for server in contenders])
    rows += memory_rows(results, starts, idles)
    rows += other_rows(contenders)
    first = max(len(label) for label, _ in rows)
    widths = [max(map(len, column)) for column in zip(*(cells for _, cells in rows))]
    rows.insert(1, ("-" * first, ["-" * (width - 1) + ":" for width in widths]))
    for label, cells in rows:
        print(f"| {label:{first}} | " + " | ".join(f"{cell:>{w}}" for cell, w in zip(cells, widths)) + " |")
