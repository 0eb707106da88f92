"""Measures the server side by side with its peers, in paired rounds on one machine.

make bench                                           everything, and benchmarks/RESULTS.md
make bench BENCH="--rows spread,fan --only ours,ws"  a part of it, on the terminal
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.contenders import HERE, OURS, Failed
from benchmarks.machine import describe
from benchmarks.report import Measured, Rounds, Run, report, row_section, shown
from benchmarks.table import Row, table


class Options(argparse.Namespace):
    """The command line."""

    rows: str | None
    only: str | None
    rounds: int
    quick: bool
    server_core: int
    load_core: int
    made: Path

    @property
    def is_everything(self) -> bool:
        """Whether no part was left out."""
        return not (self.rows or self.only or self.quick)


def read_options() -> Options:
    """Parse the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--rows", help="some only, by comma: " + " ".join(row.key for row in table()))
    parser.add_argument("--only", help="some servers only, by comma")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="one round, not warmed up, ours and the bars' rivals"
    )
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--made", type=Path, default=HERE.parent / ".make/bench", help="what make has built")
    options = parser.parse_args(namespace=Options())
    if options.quick:
        options.rounds = 1
    return options


def choose_rows(options: Options) -> list[Row]:
    """The rows that were asked for, each with the contenders that were."""
    keys = options.rows.split(",") if options.rows else [row.key for row in table()]
    if unknown := set(keys) - {row.key for row in table()}:
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}")
    chosen = []
    for row in table():
        rivals = {OURS, *(bar.against for bar in row.bars)} if options.quick else set(row.contenders)
        wanted = set(options.only.split(",")) if options.only else rivals
        contenders = [name for name in row.contenders if name in wanted]
        if row.key in keys and contenders:
            chosen.append(row._replace(contenders=contenders))
    return chosen


def run_row(bench: Bench, row: Row, rounds: int, *, warm_up: bool) -> Measured:
    """All rounds of a row, the contenders taking turns. Raises `Failed`."""
    measured = {name: Rounds([], []) for name in row.contenders}
    with ExitStack() as row_long:
        servers = (
            {} if row.fresh else {name: row_long.enter_context(bench.serving(name)) for name in measured}
        )
        for number in range(0 if warm_up and not row.fresh else 1, rounds + 1):
            for name, taken in measured.items():
                with ExitStack() as round_long:
                    server = servers.get(name) or round_long.enter_context(bench.serving(name))
                    figures = row.measure(bench, server, row.key)
                (taken.counted if number else taken.warm_up).append(figures)
                said = ", ".join(f"{shown(value)} {figure}" for figure, value in figures.items())
                print(
                    f"{row.key}, {f'round {number}' if number else 'warm-up'}, {name}: {said}",
                    file=sys.stderr,
                )
    return measured


def measure_writes(directory: Path) -> str:
    """What `writes.py` prints."""
    command = [sys.executable, str(HERE / "writes.py"), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Run what was asked for; write RESULTS.md when that was everything."""
    options = read_options()
    rows = choose_rows(options)
    began = time.monotonic()
    results: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.made) as directory:
        scratch = Path(directory)
        bench = Bench(options.made.resolve(), scratch.resolve(), options.server_core, options.load_core)
        for row in rows:
            try:
                results[row.key] = run_row(bench, row, options.rounds, warm_up=not options.quick)
            except Failed as error:
                raise SystemExit(f"{row.key}: {error}") from None
            print(row_section(row, results[row.key]), end="\n\n", flush=True)
        if options.is_everything:
            machine, writes = describe(scratch), measure_writes(scratch)
            minutes, day = (time.monotonic() - began) / 60, datetime.now(UTC).date()
            run = Run(day, minutes, options.rounds, machine, bench.commands, writes)
            (HERE / "RESULTS.md").write_text(report(rows, results, run))


if __name__ == "__main__":
    main()
