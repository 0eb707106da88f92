"""What the documentation says is there: links, commands, make targets, settings, metrics."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from zena_sse.cli import main
from zena_sse.metrics import Metrics, Tally
from zena_sse.settings import ALIASES, SECRETS, describe_settings

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"`([^`\n]+)`")
# A command ends where the shell would end it, or the code span it stands in.
COMMAND = re.compile(r"(?<![\w./-])zena-sse +([a-z][^|>;)#`\n]*)")
TARGET = re.compile(r"(?<![\w-])make ([a-z]+)")
VARIABLE = re.compile(r"\bZENA_[A-Z_]*[A-Z]\b")
METRIC = re.compile(r"\b(zena_\w+)(?:\{([\w,]+)\})?")

# Variables of the tests, not of the server.
OF_TESTS = {"ZENA_AXE", "ZENA_REACT", "ZENA_TEST_REQUIRE", "ZENA_SPAM_CORPUS", "ZENA_TEST_LLAMA_PYTHON"}

# Every command of the README, and the test that does what it says.
EXERCISED = {
    "make demo": "tests/e2e/test_demo.py::test_make_demo_serves_on_the_port_it_is_given",
    "make demo PORT=9000": "tests/e2e/test_demo.py::test_make_demo_serves_on_the_port_it_is_given",
    "zena-sse demo": "tests/e2e/test_wheel.py::test_installed_demo_reads_its_mailbox",
    "make test": "tests/unit/test_docs.py::test_make_knows_what_the_readme_has_it_do",
    "make slow": "tests/unit/test_docs.py::test_make_knows_what_the_readme_has_it_do",
    "make bench": "tests/unit/test_docs.py::test_make_knows_what_the_readme_has_it_do",
    "make train": "tests/unit/test_docs.py::test_make_knows_what_the_readme_has_it_do",
    "make eval": "tests/unit/test_docs.py::test_make_knows_what_the_readme_has_it_do",
    "zena-sse triage --mail ./mail --agent anna@example.org": (
        "tests/unit/test_offline.py::test_each_thread_is_a_line_in_the_order_in_which_they_began"
    ),
    (
        "zena-sse ask --mail zena_sse/demo/mail --agent mia@harbourrealty.example"
        ' --as-of 2026-11-20T09:00+13:00 "What split is Glenn Moody asking for?"'
    ): "tests/e2e/test_readme.py::test_its_question_has_the_answer_it_shows",
    "make check": "tests/unit/test_docs.py::test_make_knows_what_the_readme_has_it_do",
    "pip install .": "tests/e2e/test_wheel.py::test_installed_program_is_the_one_from_the_wheel",
    "export ZENA_JWT_SECRET=$(openssl rand -hex 32)": "tests/e2e/test_readme.py::test_its_lines_work",
    "zena-sse serve": "tests/e2e/test_readme.py::test_its_lines_work",
    "zena-sse account add --user anna imap --host imap.example.org --username anna@example.org": (
        "tests/e2e/test_readme.py::test_its_lines_work"
    ),
    "zena-sse tail --user anna": "tests/e2e/test_readme.py::test_its_lines_work",
    "zena-sse token --user anna": (
        "tests/browser/test_page_signin.py::test_token_that_is_printed_signs_in_where_there_is_no_demo"
    ),
    'curl -N -H "Authorization: Bearer $(zena-sse token --user anna)" http://127.0.0.1:8000/events': (
        "tests/e2e/test_readme.py::test_its_lines_work"
    ),
    "zena-sse serve --help": "tests/e2e/test_command_line.py::test_help_of_serve_lists_the_settings",
    "zena-sse contract openapi|asyncapi|typescript|javascript": (
        "tests/e2e/test_command_line.py::test_contract_needs_no_settings_and_is_what_the_server_serves"
    ),
}


def code(page: Path) -> list[str]:
    """What a page shows as code: indented and fenced lines, and spans in its text."""
    found: list[str] = []
    fenced = False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            found.append(line.strip())
        else:
            found += INLINE.findall(line)
    return found


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def in_code(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """(page, what) for everything in the documentation's code that is like this."""
    return [(named(page), hit) for page in PAGES for line in code(page) for hit in pattern.findall(line)]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "command"), in_code(COMMAND))
def test_every_command_that_is_shown_parses(page: str, command: str) -> None:
    # `--help` keeps it from being run; an option that is not there is still refused.
    result = CliRunner().invoke(main, [*shlex.split(command), "--help"])
    assert result.exit_code == 0, f"{page}: zena-sse {command}\n{result.output}"


def test_every_command_of_the_program_is_shown_somewhere() -> None:
    shown = {command.split()[0] for _, command in in_code(COMMAND)}
    assert set(main.commands) - shown == set()


@pytest.mark.parametrize(("page", "target"), in_code(TARGET))
def test_every_make_target_that_is_named_exists(page: str, target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), page


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {name for name, _, _ in describe_settings()} | OF_TESTS
    known |= {f"ZENA_{secret.upper()}_FILE" for secret in SECRETS}
    for page in PAGES:
        assert set(VARIABLE.findall(page.read_text())) - known == set(), named(page)


def test_operators_page_lists_every_setting_with_its_default() -> None:
    text = OPERATIONS.read_text()
    rows = re.findall(r"^\| `(ZENA_\w+)` \|(.*?)\|", text, re.MULTILINE)
    listed = {name: default.strip().strip("`") for name, default in rows}
    assert listed == {name: default for name, default, _ in describe_settings()}
    for alias in (*ALIASES.values(), *(f"ZENA_{secret.upper()}_FILE" for secret in SECRETS)):
        assert f"`{alias}`" in text


def test_operators_page_lists_every_metric_with_its_labels() -> None:
    declared = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, CollectorRegistry):
            continue
        for family in metric.collect():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            declared[name] = metric.label if isinstance(metric, Tally) else ",".join(metric._labelnames)
    assert declared
    listed: dict[str, str] = {}
    for name, labels in METRIC.findall(OPERATIONS.read_text()):
        listed[name] = labels or listed.get(name, "")
    assert listed == declared


def test_every_command_of_the_readme_is_exercised_by_a_test_that_is_there() -> None:
    programs = ("make ", "pip ", "export ", "zena-sse ", "curl ")
    shown = {line for line in code(ROOT / "README.md") if line.startswith(programs)}
    assert shown == set(EXERCISED)
    for test in EXERCISED.values():
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


@pytest.mark.parametrize(
    ("target", "does"),
    [
        ("test", 'pytest -m "not slow"'),
        ("slow", "pytest -m slow"),
        ("check", "mypy"),
        ("bench", "benchmarks.run"),
        ("train", "training.train"),
        ("eval", "training.evaluate"),
    ],
)
def test_make_knows_what_the_readme_has_it_do(target: str, does: str) -> None:
    rule = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule is not None
    assert does in rule[1]
