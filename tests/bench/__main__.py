"""`python -m tests.bench [figure …] [--quick] [--write]`: every figure of bot/docs/figures.md, measured here."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tests.bench.app_process import ROOT
from tests.bench.quiet import BusyMachine, OtherProcesses, check_load
from tests.bench.scale import FULL, QUICK, Scale
from tests.bench.table import Row, machine, table, write

FIGURES = ("ack", "flow", "start", "outage", "cloud", "live")


async def measure(figures: Sequence[str], scale: Scale, *, is_quiet: bool) -> list[Row]:
    """One figure after the other, so that none disturbs the next. `is_quiet`: raise `BusyMachine` when others do."""
    rows: list[Row] = []
    for name in figures:
        print(f"{name} …", file=sys.stderr, flush=True)
        others = OtherProcesses()
        figure_rows: list[Row] = await import_module(f"tests.bench.figures.{name}").measure(scale)
        if is_quiet:
            others.check(name)
        for row in figure_rows:
            print(f"  {row}", file=sys.stderr, flush=True)
        rows += figure_rows
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a promise is missed, 2 when the machine is too busy for figures to write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []], metavar="figure", help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a first look, not for the table")
    parser.add_argument("--write", action="store_true", help="put the table between the markers of bot/docs/figures.md")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    try:
        if options.write:
            check_load(load)
        scale = QUICK if options.quick else FULL
        rows = asyncio.run(measure(options.figures or FIGURES, scale, is_quiet=options.write))
    except BusyMachine as busy:
        print(f"{busy}: the figures would not be the bot's; nothing is written.", file=sys.stderr)
        return 2
    print(f"{table(rows)}\n\n{machine(load)}")
    if options.write:
        write(ROOT / "bot" / "docs" / "figures.md", rows, load)
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
