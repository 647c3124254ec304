#!/usr/bin/env python3
"""`make bench-instructions`: instructions per request of ours, as valgrind counts them.

Two runs that differ only in the number of requests; the difference leaves out start and stop.
Fails when the figure has grown by more than 5 % over instructions.txt; RECORD=1 writes that file.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import measure
import servers

RECORD = Path(__file__).with_name("instructions.txt")
FEW, MANY = 500, 2500
ALLOWED = 1.05


def count(valgrind, server, requests):
    """All instructions of a process that answers that many requests on one connection."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *server.command(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        measure.first_answer(port)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            for _ in range(requests):
                measure.request(connection)
    finally:
        process.terminate()
        output = process.communicate(timeout=30)[1]
    if found := re.search(r"Collected : (\d+)", output):
        return int(found[1])
    sys.exit(f"bench-instructions: valgrind counted nothing:\n{output}")


def main():
    valgrind = servers.need("valgrind", "valgrind")
    ours = servers.ours(False)
    print("built ours, counting", flush=True)
    few, many = (count(valgrind, ours, n) for n in (FEW, MANY))
    figure = (many - few) / (MANY - FEW)
    if os.environ.get("RECORD"):
        RECORD.write_text(f"{figure:.0f}\n")
    recorded = int(RECORD.read_text())
    print(f"{figure:,.0f} instructions per request, {recorded:,} recorded: {figure / recorded - 1:+.1%}")
    if figure > recorded * ALLOWED:
        sys.exit("bench-instructions: more than 5 % above the record. If it is worth it: RECORD=1 make bench-instructions")


if __name__ == "__main__":
    try:
        main()
    except servers.Missing as error:
        sys.exit(f"bench-instructions: {error}")
