"""What the benchmarks ran on."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders import has_nchan

OURS = ("quart", "uvicorn", "uvloop", "httptools", "msgspec", "pyjwt")


def describe(scratch: Path) -> list[str]:
    """The machine, the disk and the versions, a line each."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"{os.cpu_count()} x {_processor()}, {memory:.0f} GB, {platform.system()} {platform.release()}",
        f"data on {_filesystem(scratch)}; SQLite {sqlite3.sqlite_version}, synchronous=FULL",
        f"Python {platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in OURS),
        f"Node {_said('node', '--version')}; the peers' versions are in benchmarks/peers",
        "nginx with nchan: " + ("installed" if has_nchan() else "not installed"),
    ]


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(path: Path) -> str:
    return _said("df", "--output=fstype", str(path)).splitlines()[-1]


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
