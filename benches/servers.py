"""The servers that are compared: how each is built and started."""

import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benches/peers"
OUT = ROOT / "target/bench"

# How the unit starts the program: with CPUSchedulingPolicy=batch.
UNIT = ("chrt", "-b", "0")
# Reads the access log.
READER = ("grep", "-F", " lines were lost")


class Missing(Exception):
    """A program that is not here and could not be installed."""


def need(program, package):
    """The path of `program`; as root on Debian it is installed when it is missing."""
    if not shutil.which(program) and os.geteuid() == 0 and shutil.which("apt-get"):
        apt = ["apt-get", "-qq", "-oDPkg::Lock::Timeout=300"]
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
        subprocess.run([*apt, "update"], **quiet)
        subprocess.run([*apt, "install", "-y", "--no-install-recommends", package], **quiet)
        if package.startswith("nginx") and Path("/run/systemd/system").exists():
            subprocess.run(["systemctl", "disable", "--now", "nginx"], **quiet)
    if found := shutil.which(program):
        return found
    raise Missing(f"{program} is missing: apt-get install {package}")


def cargo_build(directory, target, name, settings=(), example=False):
    """A static release build, as the packages ship it; the path of the binary."""
    about = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    triple = about.split("host: ")[1].split()[0]
    env = os.environ | dict(settings)
    env |= {"CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-C target-feature=+crt-static"}
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--target", triple]
    command += ["--example", name] if example else []
    subprocess.run(command, cwd=directory, env=env, check=True)
    return target / triple / "release" / ("examples" if example else "") / name


@dataclass
class Server:
    """A server that was built. `command` takes the port."""

    name: str
    command: object
    binary: Path | None
    logs: bool = False
    crates: Path | None = None
    keeps_alive: bool = True
    # Ours runs as its unit starts it.
    as_unit: bool = False
    # Lines that the access log lost, so far.
    lost: int = 0

    @contextmanager
    def running(self):
        """Starts it on a free port and gives (port, process id)."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        reader = None
        if self.logs:
            reader = subprocess.Popen(READER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        log = reader.stdin if reader else subprocess.DEVNULL
        command = [*(UNIT if self.as_unit else ()), *self.command(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            yield port, process.pid
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if reader:
                self.lost += sum(map(int, re.findall(r"(\d+) lines were lost", reader.communicate(timeout=5)[0])))


def publicip_poc(name, binary, level="warn"):
    options = ["--trusted-hops", "1", "--log-level", level]
    return Server(name, lambda port: [binary, "--listen", f"127.0.0.1:{port}", *options],
                  binary, level == "info", ROOT, as_unit=True)


def tiny_http(_):
    binary = cargo_build(ROOT, ROOT / "target", "peer-tiny-http", example=True)
    return Server("plain", lambda port: [binary, str(port)], binary)


def steady_client():
    """The client at a constant rate."""
    return cargo_build(ROOT, ROOT / "target", "steady", example=True)


def ours(_):
    return publicip_poc("ours", cargo_build(ROOT, ROOT / "target", "publicip-poc"))


def ours_logging(quick):
    return publicip_poc("+ log", ours(quick).binary, "info")


def base(_):
    return publicip_poc("base", Path(os.environ["BASE"]).resolve(strict=True))


def axum(quick):
    settings = {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "off"} if quick else {}
    binary = cargo_build(PEERS / "axum", OUT / ("axum-quick" if quick else "axum"), "peer-axum", settings)
    return Server("axum", lambda port: [binary, str(port)], binary, crates=PEERS / "axum")


def go(_):
    compiler = need("go", "golang-go")
    binary = OUT / "peer-go"
    env = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    subprocess.run([compiler, "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "."],
                   cwd=PEERS / "go", env=env, check=True)
    return Server("Go", lambda port: [binary, str(port)], binary)


def nginx(_):
    program = need("nginx", "nginx-light")
    prefix = OUT / "nginx"
    prefix.mkdir(parents=True, exist_ok=True)

    def command(port):
        config = prefix / f"{port}.conf"
        config.write_text((PEERS / "nginx.conf").read_text().replace("PORT", str(port)))
        return [program, "-p", prefix, "-c", config, "-g", f"pid {port}.pid;"]

    return Server("nginx", command, Path(program))


def original(_):
    script = PEERS / "original.py"
    return Server("Python", lambda port: [sys.executable, script, str(port)], None, keeps_alive=False)


def build(quick, report):
    """Builds all servers, ours first; names the ones it has to skip."""
    makers = [ours, ours_logging, base, tiny_http, axum, go, nginx, original]
    only = os.environ.get("ONLY")
    for make in makers:
        if make is base and "BASE" not in os.environ or only and make.__name__ not in only.split(","):
            continue
        try:
            server = make(quick)
            if "UNIT" in os.environ:
                server.as_unit = True
            yield server
        except (Missing, subprocess.CalledProcessError) as error:
            if make is ours:
                raise
            report(f"skipped {make.__name__}: {error}")
