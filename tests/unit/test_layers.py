"""Imports only go down, adapters do not know each other, and importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zena_sse

PACKAGE = Path(zena_sse.__file__).parent

# The longest prefix counts. Within a layer modules may import each other, but for adapters (layer 4): there
# only those of one room may.
LAYERS = {
    "": 0,
    "errors": 0,
    "settings": 0,
    "thresholds": 0,
    "contract": 0,
    "metrics": 1,
    "stream": 1,
    "security": 1,
    "storage": 1,
    "mail.connector": 1,
    "language": 1,
    "dispatch": 2,
    "publish": 2,
    "mail": 3,
    "triage": 3,
    "deals": 3,
    "tasks": 3,
    "ask": 3,
    "watch": 3,
    "serving": 3,
    "housekeeping": 3,
    "storage.sqlite": 4,
    "storage.writer": 4,
    "storage.migrate": 4,
    "storage.search": 4,
    "storage.aside": 4,
    "workers": 4,
    "mail.connectors": 4,
    "language.openai": 4,
    "web": 4,
    "app": 5,
    "wiring": 5,
    "cli": 5,
    "__main__": 5,
    "serve": 5,
    "operator": 5,
    "tail": 5,
    "offline": 5,
    "triage_report": 5,
    "ask_report": 5,
    "logs": 5,
    "demo": 5,
}
ADAPTER_ROOMS = {
    "mail.connectors": "connectors",
    "storage.sqlite": "storage",
    "storage.writer": "storage",
    "storage.migrate": "storage",
    "storage.search": "storage",
    "storage.aside": "storage",
    "mail.connectors.imap": "imap",
    "mail.connectors.imaplogin": "imap",
    "mail.connectors.imapwire": "imap",
    "mail.connectors.directory": "disk",
    "mail.connectors.folder": "disk",
    "mail.connectors.maildir": "disk",
    "language.openai": "language",
    "workers": "workers",
    "web": "web",
}
# What the core must never know: it has no web framework, no SQL, no clock of its own.
FOREIGN_TO_THE_CORE = {
    "quart",
    "quart_schema",
    "sqlite3",
    "uvicorn",
    "time",
    "datetime.now",
    "random",
    "socket",
}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def place(module: str, table: dict[str, int] | dict[str, str]) -> int | str | None:
    prefix = module
    while prefix:
        if prefix in table:
            return table[prefix]
        prefix = prefix.rpartition(".")[0]
    return table.get("") if module == "" else None


def imported(path: Path) -> set[str]:
    """What a file imports, wherever in it: `zena_sse.mail.runs` as `mail.runs`, others as they are."""
    found: set[str] = set()
    modules = {module_of(file) for file in FILES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner.removeprefix("zena_sse.") in modules else node.module)
    return found


def own(names: set[str]) -> set[str]:
    return {
        name.removeprefix("zena_sse").removeprefix(".") for name in names if name.split(".")[0] == "zena_sse"
    }


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_only_go_down(path: Path) -> None:
    module = module_of(path)
    layer = place(module, LAYERS)
    assert layer is not None, f"{module} has no place in LAYERS"
    for target in own(imported(path)):
        below = place(target, LAYERS)
        assert below is not None
        assert below <= layer, f"{module} (layer {layer}) imports {target} (layer {below})"  # type: ignore[operator]


@pytest.mark.parametrize(
    "path", [file for file in FILES if place(module_of(file), LAYERS) == 4], ids=module_of
)
def test_adapters_do_not_know_each_other(path: Path) -> None:
    room = place(module_of(path), ADAPTER_ROOMS)
    for target in own(imported(path)):
        assert place(target, LAYERS) != 4 or place(target, ADAPTER_ROOMS) == room, target


@pytest.mark.parametrize("path", sorted((PACKAGE / "stream").glob("*.py")), ids=module_of)
def test_the_core_knows_no_framework_database_or_clock(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & FOREIGN_TO_THE_CORE


def test_every_module_can_be_imported_alone_and_opens_nothing(tmp_path: Path) -> None:
    names = [f"zena_sse.{module_of(path)}" for path in FILES if module_of(path) not in ("", "__main__")]
    script = f"""
import os, sys
opened = []
connects = ("socket.connect", "socket.bind", "sqlite3.connect")
def note(event, args):
    written = event == "open" and isinstance(args[1], str) and "w" in args[1]
    if event in connects or written and not str(args[0]).endswith(".pyc"):
        opened.append((event, args))
sys.addaudithook(note)
import importlib
for name in {names!r}:
    importlib.import_module(name)
assert not opened, opened
"""
    subprocess.run([sys.executable, "-B", "-c", script], check=True, cwd=tmp_path, timeout=50)
