"""Judges triage on mail it has not learned from, and answers; writes docs/evaluation.md; `make eval`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from training.corpus import Labelled, written
from training.evaluate_asks import section as answers
from training.score import METRICS, Tally, Thread, interval, matched, tally, total, wilson
from training.train import learn, read
from zena_sse.triage.analysis.analyse import analyse
from zena_sse.triage.analysis.findings import Findings

ROOT = Path(__file__).parents[1]
MAIL, LABELS = ROOT / "zena_sse" / "demo" / "mail", ROOT / "tests" / "data" / "mail" / "labels.json"
REPORT = ROOT / "docs" / "evaluation.md"
CLASSES = ("buyer", "vendor", "market", "lawyer_broker", "noise")
# What the findings of a thread alone can say; property, contacts and risk want the whole mailbox.
ALONE = (
    "classification",
    "noise, precision",
    "noise, recall",
    "focus or waiting",
    "concern, F1",
    "tasks, F1",
    "due date",
)

HEAD = """# How well it reads mail

Written by `make eval`; do not edit. Intervals are 95 %: drawing as many threads again and again (bootstrap).

"""


def said_of(mail: Path, labels: Thread) -> list[Thread]:
    """What the command line makes of a mailbox."""
    agents = [option for address in labels["agent"] for option in ("--agent", address)]
    options = ["--mail", str(mail), *agents, "--as-of", labels["as_of"], "--json"]
    command = [sys.executable, "-m", "zena_sse", "triage", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    return [json.loads(line) for line in done.stdout.splitlines()]


def labelled_mailbox() -> str:
    """The mailbox of the demo: nothing was learned from it."""
    labels = json.loads(LABELS.read_text())
    pairs = matched(labels["threads"], said_of(MAIL, labels))
    tallies = [tally(label, guess) for label, guess in pairs]
    counts = total(tallies)
    lines = [
        "## The labelled mailbox\n",
        f"{counts['threads']} threads (tests/data/mail/labels.json, zena_sse/demo/mail), by the command line;"
        " nothing was learned from them.\n",
        *_table(tallies, METRICS),
        "\nClassification by difficulty: "
        + ", ".join(
            f"{name} {counts[f'class {name}']}/{counts[f'threads {name}']}"
            for name in ("easy", "medium", "hard")
        )
        + ".\n",
        *_confusion((label["classification"], guess.get("classification", "-")) for label, guess in pairs),
    ]
    return "\n".join(lines)


def written_mailboxes() -> str:
    """The mailboxes that are learned from: each judged by models that have learned from the others only."""
    threads = read(written())
    names = sorted({one.thread.mailbox for one in threads})
    tallies: dict[str, list[Tally]] = {}
    pairs: list[tuple[str, str]] = []
    for name in names:
        weights = learn([one for one in threads if one.thread.mailbox != name])
        for one in threads:
            if one.thread.mailbox == name:
                findings = analyse(one.thread.messages, one.thread.known, weights)
                tallies.setdefault(name, []).append(tally(label_of(one.thread), guess_of(findings)))
                pairs.append((one.thread.classification, findings.classification))
    every = [one for found in tallies.values() for one in found]
    business = [name for name in names if total(tallies[name])["business"]]
    lines = [
        "## The written mailboxes\n",
        f"{len(every)} threads of {len(names)} mailboxes (training/mail), each mailbox judged by models that"
        " have learned from the others (leave one mailbox out).\n",
        *_table(every, ALONE),
        "\n| mailbox | threads | classification | focus or waiting | tasks, F1 | concern, F1 |",
        "|---|---|---|---|---|---|",
        *(_row(name, total(tallies[name])) for name in business),
        "",
        *_confusion(pairs),
    ]
    return "\n".join(lines)


def label_of(thread: Labelled) -> Thread:
    """A written thread's labels in the words of the labelled mailbox."""
    focus = thread.owing == "agent" and thread.classification != "noise"
    return {
        "classification": thread.classification,
        "classification_also_ok": thread.also_ok,
        "category": "focus" if focus else "waiting",
        "risk": "none",
        "concern": thread.concern,
        "stage": thread.stage,
        "difficulty": thread.difficulty,
        "property": None,
        "contacts": [],
        "tasks": [msgspec.structs.asdict(task) for task in thread.tasks],
    }


def guess_of(findings: Findings) -> Thread:
    """Findings in the words of the command line."""
    return {
        "classification": findings.classification,
        "category": findings.category,
        "concern": findings.concern,
        "stage": findings.stage,
        "tasks": [
            {"label": ask.label, "evidence": ask.evidence, "dueDate": ask.due and ask.due.isoformat()}
            for ask in findings.asks
        ],
    }


def _table(tallies: Sequence[Tally], metrics: Iterable[str]) -> list[str]:
    counts = total(tallies)
    lines = ["| field | figure | 95 % |", "|---|---|---|"]
    for name in metrics:
        low, high = interval(tallies, METRICS[name])
        lines.append(f"| {name} | {METRICS[name](counts):.3f} | {low:.2f}-{high:.2f} |")
    return lines


def _row(name: str, counts: Tally) -> str:
    low, high = wilson(counts["class"], counts["threads"])
    right = f"{METRICS['classification'](counts):.2f} ({low:.2f}-{high:.2f})"
    others = [METRICS[field](counts) for field in ("focus or waiting", "tasks, F1", "concern, F1")]
    return (
        "| "
        + " | ".join([name, str(counts["threads"]), right, *(f"{figure:.2f}" for figure in others)])
        + " |"
    )


def _confusion(pairs: Iterable[tuple[str, str]]) -> list[str]:
    counts = Counter(pairs)
    return [
        "| is \\ said | " + " | ".join(CLASSES) + " |",
        "|---" * (len(CLASSES) + 1) + "|",
        *(
            f"| {real} | " + " | ".join(str(counts[real, said]) for said in CLASSES) + " |"
            for real in CLASSES
        ),
        "",
    ]


if __name__ == "__main__":
    REPORT.write_text("\n".join([HEAD + labelled_mailbox(), written_mailboxes(), answers()]))
    print(REPORT.read_text())
