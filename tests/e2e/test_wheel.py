"""What is installed from a wheel, away from the repository, works like what is in it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.e2e.clients import events_of, up_to
from tests.e2e.programs import environment, run
from tests.e2e.test_demo import demo_running
from tests.mailservers import free_port

ROOT = Path(__file__).parents[2]

# Under a load, building takes its time.
BUILD_SECONDS = 50


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with what is installed, so that no network is needed."""
    directory = tmp_path_factory.mktemp("wheel")
    words = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    done = run(
        *words,
        str(directory),
        str(ROOT),
        program=[sys.executable, "-m"],
        env=environment(PIP_DISABLE_PIP_VERSION_CHECK="1"),
        cwd=directory,
        seconds=BUILD_SECONDS,
    )
    assert done.code == 0, done
    [built] = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `zena-sse`, in an environment that has our dependencies but not our source."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    words = [
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(
        [sys.executable, *words], check=True, env=environment(PIP_DISABLE_PIP_VERSION_CHECK="1"), cwd=home
    )
    # A path in a .pth is looked into, the .pth files there are not: an editable install of ours has no say.
    [packages] = home.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def test_wheel_holds_the_migrations_the_demo_mail_the_page_and_nothing_strange(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = [path for path in ROOT.glob("migrations/**/*.[pm]*") if "__pycache__" not in path.parts]
    tracked += (ROOT / "zena_sse").rglob("*.eml")
    tracked += (ROOT / "zena_sse").rglob("*.py")
    tracked += (ROOT / "zena_sse" / "static").rglob("*")
    expected = {str(path.relative_to(ROOT)) for path in tracked if path.is_file()}
    expected = {name if name.startswith("zena_sse/") else f"zena_sse/{name}" for name in expected}
    assert expected <= names
    assert len([name for name in names if name.endswith(".eml")]) == 182
    outside = {name for name in names if not name.startswith(("zena_sse/", "zena_sse-"))}
    assert outside == set()
    assert not [name for name in names if "__pycache__" in name or name.endswith((".db", ".key"))]


def test_installed_program_is_the_one_from_the_wheel(installed: Path, directory: Path) -> None:
    script = "import zena_sse; print(zena_sse.__file__)"
    found = run("-c", script, program=[str(installed / "python")], env=environment(), cwd=directory).said()
    assert Path(found.strip()).is_relative_to(installed.parent)
    env = environment(ZENA_DATA_DIR=str(directory / "data"))
    assert (
        run("migrate", program=[str(installed / "zena-sse")], env=env, cwd=directory)
        .said()
        .endswith("migrated\n")
    )
    typescript = run(
        "contract", "typescript", program=[str(installed / "zena-sse")], env=env, cwd=directory
    ).said()
    assert "thread.new" in typescript


@pytest.mark.needs("curl")
def test_installed_demo_reads_its_mailbox(installed: Path, directory: Path) -> None:
    words = [str(installed / "zena-sse"), "demo", "--port", str(free_port()), "--no-browser"]
    with (
        demo_running(directory, *words) as demo,
        demo.pasted(demo.command("?last_event_id="), directory) as shown,
    ):
        got = up_to(events_of(shown), lambda event: event.type == "sync.completed")
    assert [event.type for event in got[:2]] == ["stream.ready", "sync.started"]
    assert len([event for event in got if event.type == "thread.new"]) > 60
