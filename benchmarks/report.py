"""What RESULTS.md says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from typing import NamedTuple

from benchmarks.contenders import OURS
from benchmarks.measures import Figures
from benchmarks.table import Bar, Row

FAIRNESS = """\
The server has one core for itself, the load generator (`benchmarks/sseload.c`) another. Everybody sends the
same 200 bytes of JSON for an event, verifies an HS256 token from the same file at each connect (Node with
fast-jwt, Python with PyJWT), has compression off, hands its library text or bytes that need no more encoding,
and lets its loop run after 256 deliveries. Ours runs as the product does, with cursors, metrics, limits and
logs (default level, to a file); only `ZENA_STREAMS_PER_USER`, `_PER_ADDRESS` and `_PER_SECOND` are raised:
no user has 1,000 tabs. `ours (plain ASGI)` is the same app on uvicorn as it comes, without the takeover."""

METHOD = """\
Each figure is the median of {rounds} rounds in which the servers take turns (A B A B). A ratio is the median
of the rounds' ratios: the machine drifts, but the two measurements of a round saw the same. The figure in
brackets is of a first round that does not count: Node compiles in it."""


class Rounds(NamedTuple):
    """One contender's figures: of the round that warms up, when there was one, and of those that count."""

    warm_up: list[Figures]
    counted: list[Figures]

    def values(self, figure: str) -> list[float]:
        """One figure, round by round."""
        return [figures[figure] for figures in self.counted if figure in figures]


Measured = dict[str, Rounds]  # by contender


class Run(NamedTuple):
    """One run of everything."""

    day: date
    minutes: float
    rounds: int
    machine: Sequence[str]
    commands: Mapping[str, str]
    writes: str


def report(rows: Sequence[Row], results: Mapping[str, Measured], run: Run) -> str:
    """The whole of RESULTS.md."""
    commands = (f"{name}\n    {command}" for name, command in run.commands.items())
    parts = [
        "# Benchmarks",
        f"Written by `make bench` on {run.day}, in {run.minutes:.0f} minutes. Do not edit.",
        "\n".join(f"* {line}" for line in run.machine),
        METHOD.format(rounds=run.rounds),
        FAIRNESS,
        summary(rows, results),
        *(row_section(row, results[row.key]) for row in rows),
        "## Units of work in the storage, without HTTP (`benchmarks/writes.py`)",
        f"```\n{run.writes.strip()}\n```",
        "## Command lines",
        "The port, the server's process id and a timeout are added to each of the generator's.",
        "```\n" + "\n".join(commands) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def summary(rows: Sequence[Row], results: Mapping[str, Measured]) -> str:
    """Every bar on a line."""
    lines = [
        "| measure | ours | against | ratio | must | aim | reached |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    for row in rows:
        measured = results[row.key]
        lines += [_bar_line(row, bar, measured) for bar in row.bars if _is_judged(bar, measured)]
    return "\n".join(lines)


def row_section(row: Row, measured: Measured) -> str:
    """One row: its figures, ratios, bars."""
    figures = dict.fromkeys(figure for rounds in measured.values() for figure in rounds.counted[0])
    parts = [f"## {row.title} (`{row.key}`)", row.note]
    parts += [_figure_table(figure, measured) for figure in figures]
    parts += [_verdict(bar, measured) for bar in row.bars if _is_judged(bar, measured)]
    return "\n\n".join(part for part in parts if part)


def _figure_table(figure: str, measured: Measured) -> str:
    """Each contender's median, its rounds, and how ours stands to it."""
    lines = [f"| {figure} | median | rounds | ours : it |", "|---|---:|---|---:|"]
    for name, rounds in measured.items():
        if values := rounds.values(figure):
            is_rival = name != OURS and OURS in measured
            compared = f"{_ratio(figure, measured, name):.2f}" if is_rival else ""
            spread = [f"({shown(figures[figure])})" for figures in rounds.warm_up] + [*map(shown, values)]
            lines.append(f"| {name} | {shown(median(values))} | {' '.join(spread)} | {compared} |")
    return "\n".join(lines)


def _is_judged(bar: Bar, measured: Measured) -> bool:
    return OURS in measured and (bar.against is None or bar.against in measured)


def _value(bar: Bar, measured: Measured) -> float:
    """What the bar judges."""
    if bar.against is not None:
        return _ratio(bar.figure, measured, bar.against)
    return median(measured[OURS].values(bar.figure))


def _ratio(figure: str, measured: Measured, against: str) -> float:
    pairs = zip(measured[OURS].values(figure), measured[against].values(figure), strict=True)
    return median(ours / theirs for ours, theirs in pairs)


def _bar_line(row: Row, bar: Bar, measured: Measured) -> str:
    value, unit = _value(bar, measured), "x" if bar.against else ""
    reached = "aim" if bar.is_reached(value, bar.aim) else "must"
    cells = [
        f"{row.key}: {bar.figure}",
        shown(median(measured[OURS].values(bar.figure))),
        bar.against or "",
        f"{value:.2f}x" if bar.against else "",
        f"{shown(bar.must)}{unit}",
        f"{shown(bar.aim)}{unit}",
        reached if bar.is_reached(value, bar.must) else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _verdict(bar: Bar, measured: Measured) -> str:
    """A bar, and whether it is reached."""
    value, unit = _value(bar, measured), f"x {bar.against}" if bar.against else ""
    verdicts = [
        f"{name} {shown(limit)}: {'reached' if bar.is_reached(value, limit) else 'not reached'}"
        for name, limit in (("must", bar.must), ("aim", bar.aim))
    ]
    return f"{bar.figure}: **{shown(value)}{unit}**; {', '.join(verdicts)}."


def shown(value: float) -> str:
    """As exact as it deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
