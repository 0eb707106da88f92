"""What runs in a browser says of which types it is, and is of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from zena_sse.web.pages import STATIC

PROJECTS = sorted(STATIC.glob("jsconfig*.json"))


@pytest.mark.needs("tsc")
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_the_types_are_right(project: Path) -> None:
    compiler = shutil.which("tsc")
    assert compiler
    done = subprocess.run(
        [compiler, "--noEmit", "--project", str(project)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.needs("tsc")
def test_every_script_that_is_served_is_looked_at_by_one_of_them() -> None:
    compiler = shutil.which("tsc")
    assert compiler
    seen: set[str] = set()
    for project in PROJECTS:
        words = [compiler, "--project", str(project), "--listFilesOnly"]
        seen |= set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())
    served = {str(path) for path in STATIC.rglob("*.js")} - {str(STATIC / "client" / "events.js")}
    assert served <= seen
