"""What is measured of one server, and how: with wrk, and from /proc."""

import os
import platform
import resource
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# What an ALB adds. With Host, which every client sends, a request has four fields, and a browser's 19.
FIELDS = {"X-Forwarded-For": "203.0.113.195", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
BROWSER = {
    "X-Amzn-Trace-Id": "Root=1-6745f2a1-3b1f0c5d7e9a2b4c6d8e0f12",
    "Sec-CH-UA": '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
    "Sec-CH-UA-Mobile": "?0",
    "Sec-CH-UA-Platform": '"Windows"',
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                  "Chrome/130.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
              "application/signed-exchange;v=b3;q=0.7",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "Priority": "u=0, i",
    "Cookie": "_ga=GA1.1.1234567890.1730000000; session=3f9c1b7e5a2d4c6f8e0b1a3d5c7f9e2b",
}
TICK = 1 / os.sysconf("SC_CLK_TCK")
WRK_SCRIPT = Path(__file__).with_name("wrk.lua")


def tree(pid):
    """The process and its children (nginx has workers)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def cpu_seconds(pid):
    """User and system time so far, of all threads, ended ones too."""
    stats = [Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split() for p in tree(pid)]
    return sum(int(s[11]) + int(s[12]) for s in stats) * TICK


def rss(pid):
    """Resident memory in bytes."""
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


def threads(pid):
    return sum(len(os.listdir(f"/proc/{p}/task")) for p in tree(pid))


def request(connection):
    """One GET on an open connection; the whole response."""
    lines = ["GET / HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in FIELDS.items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    response = b""
    while not response.endswith(b"</html>"):
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError(f"the response ends early: {response!r}")
        response += piece
    return response


def get(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        return request(connection)


def first_answer(port, limit=10):
    """Asks until there is an answer; the answer."""
    until = time.monotonic() + limit
    while True:
        try:
            return get(port)
        except (ConnectionRefusedError, ConnectionResetError):
            if time.monotonic() > until:
                raise


@dataclass
class Load:
    """What wrk saw and what the server spent."""

    per_second: float
    p50: float
    p99: float
    cpu: float
    rss: int
    errors: int


def load(port, pid, seconds, connections, fields):
    """One run of wrk, with these further fields. Times in seconds, `cpu` per request."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "-s", WRK_SCRIPT]
    command += [word for k, v in (FIELDS | fields).items() for word in ("-H", f"{k}: {v}")]
    before = cpu_seconds(pid)
    with subprocess.Popen([*command, f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, text=True) as wrk:
        time.sleep(seconds * 0.8)
        memory = rss(pid)
        output = wrk.communicate(timeout=seconds + 20)[0]
    spent = cpu_seconds(pid) - before
    if "RESULT" not in output:
        raise RuntimeError(f"wrk failed: {output}")
    requests, duration, p50, p99, errors = map(int, output.rsplit("RESULT", 1)[1].split())
    requests = max(requests, 1)
    return Load(requests / duration * 1e6, p50 / 1e6, p99 / 1e6, spent / requests, memory, errors)


def steady(client, port, connections, rate, seconds):
    """One run of clients/steady.rs: p50 and p99 in seconds."""
    command = [client, *map(str, (port, connections, rate, seconds))]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60).stdout
    p50, p99 = map(int, output.split())
    return p50 / 1e6, p99 / 1e6


def start(server):
    """Seconds from exec to the first answer, and the resident memory then."""
    begin = time.perf_counter()
    with server.running() as (port, pid):
        first_answer(port)
        taken = time.perf_counter() - begin
        time.sleep(0.1)
        return taken, rss(pid)


def idle(server, counts, seconds):
    """Keeps connections open, each after one request; per count the memory, threads and p99 of GETs."""
    held, result = [], {}
    with server.running() as (port, pid):
        first_answer(port)
        for count in counts:
            while len(held) < count:
                connection = socket.create_connection(("127.0.0.1", port), timeout=10)
                request(connection)
                held.append(connection)
            time.sleep(0.3)
            result[count] = rss(pid), threads(pid), load(port, pid, seconds, 8, {}).p99
        for connection in held:
            connection.close()
    return result


def raise_descriptor_limit(wanted=20_000):
    """For us and the servers we start: "plain" takes two for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = max(hard, wanted) if os.geteuid() == 0 else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return min(wanted, hard) >= wanted


def conditions():
    """What was measured on, and how busy it was before."""
    model = next((line.split(": ")[1] for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    versions = []
    for command in (["rustc", "--version"], ["go", "version"], ["nginx", "-v"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            versions.append((done.stdout or done.stderr).strip().removeprefix("nginx version: "))
        except (OSError, subprocess.CalledProcessError):
            pass
    return (f"{os.cpu_count()} x {model}, Linux {platform.release()}, load before {os.getloadavg()[0]:.2f}\n"
            f"{', '.join([*versions, 'Python ' + platform.python_version()])}")
