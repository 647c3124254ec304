#!/usr/bin/env python3
"""`make bench`: the servers side by side, in interleaved rounds. README.md says how to read the table."""

import os
import sys
import time

import measure
import servers
import table

QUICK = bool(os.environ.get("QUICK"))
ROUNDS, SECONDS = (1, 1) if QUICK else (5, 2)
STARTS = 3 if QUICK else 20
IDLE = [200] if QUICK else [2000, 8000]
LOADS = {
    "8 connections": (8, {}),
    "64 connections": (64, {}),
    "256 connections": (256, {}),
    "8, a browser's": (8, measure.BROWSER),
    "64, a browser's": (64, measure.BROWSER),
    "256, a browser's": (256, measure.BROWSER),
    "8, no keep-alive": (8, {"Connection": "close"}),
}
# Requests per second over this many connections: a fifth of what the slowest peer can do.
RATE, STEADY_CONNECTIONS = 10_000, 64
if QUICK:
    LOADS = {name: load for name, load in LOADS.items() if not name.startswith(("8 conn", "64"))}
BEGIN = time.monotonic()


def report(text):
    print(f"{time.monotonic() - BEGIN:6.1f} s  {text}", file=sys.stderr, flush=True)


def build():
    contenders = []
    for server in servers.build(QUICK, report):
        contenders.append(server)
        report(f"built {server.name}")
    return contenders


def compare_pages(contenders):
    """Nobody may win by serving something else."""
    bodies = {}
    for server in contenders:
        with server.running() as (port, _):
            bodies[server.name] = measure.first_answer(port).split(b"\r\n\r\n", 1)[1]
    for name, body in bodies.items():
        if body != bodies["ours"]:
            sys.exit(f"bench: {name} serves another page than ours:\n{body.decode()}\n{bodies['ours'].decode()}")


def run_rounds(contenders):
    """{load: {server: [measure.Load, one a round]}}; each run has a fresh process."""
    results = {load: {server.name: [] for server in contenders} for load in LOADS}
    for number in range(1, ROUNDS + 1):
        for load, (connections, fields) in LOADS.items():
            for server in contenders:
                with server.running() as (port, pid):
                    measure.first_answer(port)
                    measured = measure.load(port, pid, SECONDS, connections, fields)
                results[load][server.name].append(measured)
                if measured.errors:
                    report(f"{server.name}, {load}: {measured.errors} errors")
            report(f"round {number}/{ROUNDS}, {load}: ours {results[load]['ours'][-1].per_second:,.0f}/s")
    return results


def run_steady(contenders):
    """{server: [(p50, p99), one a round]}, of those that can keep connections."""
    client = servers.steady_client()
    able = [server for server in contenders if server.keeps_alive]
    results = {server.name: [] for server in able}
    for _ in range(ROUNDS):
        for server in able:
            with server.running() as (port, _):
                measure.first_answer(port)
                results[server.name].append(measure.steady(client, port, STEADY_CONNECTIONS, RATE, SECONDS))
    report(f"{RATE:,}/s constant")
    return results


def main():
    servers.need("wrk", "wrk")
    if not measure.raise_descriptor_limit():
        report("only 200 idle connections: 8,000 need `ulimit -Hn 20000`, or root")
        IDLE[:] = [200]
    conditions = measure.conditions()
    contenders = build()
    compare_pages(contenders)
    results = run_rounds(contenders)
    steady = run_steady(contenders)
    starts = {server.name: [measure.start(server) for _ in range(STARTS)] for server in contenders}
    report(f"started each {STARTS} times")
    idles = {}
    for server in contenders:
        if server.keeps_alive:
            idles[server.name] = measure.idle(server, IDLE, 1)
            report(f"{server.name}: {IDLE[-1]:,} idle connections")
    table.show(contenders, results, (f"{RATE:,}/s constant", steady), starts, idles)
    print(f"\n{conditions}\n{ROUNDS} rounds of {SECONDS} s each; medians")
    if QUICK:
        print("QUICK: this run shows that the benchmark works, its numbers mean nothing")


if __name__ == "__main__":
    try:
        main()
    except servers.Missing as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
