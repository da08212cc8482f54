"""`python -m tests.bench [figure …] [--quick] [--write]`: every figure of bot/docs/figures.md, measured here."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module

from tests.bench.app_process import ROOT
from tests.bench.scale import FULL, QUICK, Scale
from tests.bench.table import Row, machine, table, write

FIGURES = ("ack", "flow", "start", "outage", "cloud", "live")


async def measure(figures: Sequence[str], scale: Scale) -> list[Row]:
    """One figure after the other, so that none disturbs the next."""
    rows: list[Row] = []
    for name in figures:
        print(f"{name} …", file=sys.stderr, flush=True)
        figure_rows: list[Row] = await import_module(f"tests.bench.figures.{name}").measure(scale)
        for row in figure_rows:
            print(f"  {row}", file=sys.stderr, flush=True)
        rows += figure_rows
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a promise is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []], metavar="figure", help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a first look, not for the table")
    parser.add_argument("--write", action="store_true", help="put the table between the markers of bot/docs/figures.md")
    options = parser.parse_args(arguments)
    rows = asyncio.run(measure(options.figures or FIGURES, QUICK if options.quick else FULL))
    print(f"{table(rows)}\n\n{machine()}")
    if options.write:
        write(ROOT / "bot" / "docs" / "figures.md", rows)
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
