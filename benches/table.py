"""The table: measurements as rows, servers as columns, in Markdown."""

import subprocess
from statistics import median

import servers

# label, field of measure.Load, factor to the unit, digits
FIELDS = [
    ("- p50, ms", "p50", 1e3, 2),
    ("- p99, ms", "p99", 1e3, 2),
    ("- CPU/request, µs", "cpu", 1e6, 1),
]


def load_rows(load, by_server):
    """How the servers did under one load. The ratio to ours is taken within each round."""
    runs = by_server.values()
    rates = [[one.per_second for one in loads] for loads in runs]
    ours = [one.per_second for one in by_server["ours"]]
    yield load, ["" for _ in runs]
    yield "- requests/s", [f"{median(r):,.0f}" for r in rates]
    yield "- relative to ours", [f"{median(a / b for a, b in zip(r, ours)):.2f}" for r in rates]
    yield "- spread, ±", [f"{(max(r) - min(r)) / median(r) * 50:.0f} %" for r in rates]
    for label, field, factor, digits in FIELDS:
        yield label, [f"{median(getattr(one, field) for one in loads) * factor:,.{digits}f}" for loads in runs]


def steady_rows(load, by_server, names):
    """Latencies at a constant rate."""
    yield load, ["" for _ in names]
    for index, label in enumerate(("- p50, ms", "- p99, ms")):
        runs = [by_server.get(name) for name in names]
        yield label, [f"{median(one[index] for one in r) * 1e3:,.2f}" if r else "-" for r in runs]


def memory_rows(results, starts, idles):
    yield "exec to answer, ms", [f"{median(taken for taken, _ in s) * 1e3:.1f}" for s in starts.values()]
    yield "RSS idle, MB", [f"{median(rss for _, rss in s) / 1e6:.1f}" for s in starts.values()]
    busy = results["256 connections"].values()
    yield "RSS, 256 busy, MB", [f"{max(one.rss for one in loads) / 1e6:.1f}" for loads in busy]
    for count in next(iter(idles.values())):
        held = [idles[name][count] if name in idles else None for name in starts]
        yield f"RSS, {count:,} idle, MB", [f"{h[0] / 1e6:.1f}" if h else "-" for h in held]
        yield "- GET p99 then, ms", [f"{h[1] * 1e3:.1f}" if h else "-" for h in held]


def crates(directory):
    """How many crates a build there compiles in, its own included."""
    command = ["cargo", "tree", "--locked", "--edges=normal", "--prefix=none", "--no-dedupe"]
    tree = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return str(len({line.split(" (")[0] for line in tree.splitlines()}))


def size_rows(contenders):
    yield "binary, kB", [f"{s.binary.stat().st_size / 1e3:,.0f}" if s.binary else "-" for s in contenders]
    packages = sorted(servers.ROOT.glob("target/**/publicip-poc*.rpm"), key=lambda p: p.stat().st_mtime)
    if packages:
        size = f"{packages[-1].stat().st_size / 1e3:,.0f}"
        yield "rpm, kB", [size if s.name == "ours" else "-" for s in contenders]
    yield "crates", [crates(s.crates) if s.crates else "-" for s in contenders]


def show(contenders, results, steady, starts, idles):
    rows = [("", [server.name for server in contenders])]
    for load, by_server in results.items():
        rows += load_rows(load, by_server)
    rows += steady_rows(*steady, [server.name for server in contenders])
    rows += memory_rows(results, starts, idles)
    rows += size_rows(contenders)
    first = max(len(label) for label, _ in rows)
    widths = [max(map(len, column)) for column in zip(*(cells for _, cells in rows))]
    rows.insert(1, ("-" * first, ["-" * (width - 1) + ":" for width in widths]))
    for label, cells in rows:
        print(f"| {label:{first}} | " + " | ".join(f"{cell:>{w}}" for cell, w in zip(cells, widths)) + " |")
