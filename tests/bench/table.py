"""The figures as a table: a row, whether its promise is met, and bot/docs/figures.md between the markers."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
HEAD = "| What | The bot | Compared with | Ratio | Promise |\n|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `is_met` is None where nothing was promised."""

    label: str
    bot: str
    baseline: str = "–"
    ratio: float | None = None
    promise: str = "–"
    is_met: bool | None = None

    def __str__(self) -> str:
        mark = {True: " ✓", False: " ✗ missed", None: ""}[self.is_met]
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f} ×"
        return f"| {self.label} | {self.bot} | {self.baseline} | {ratio} | {self.promise}{mark} |"


def at_most(label: str, bot: str, baseline: str, ratio: float, limit: float) -> Row:
    """A row whose ratio may not be above the limit."""
    return Row(label, bot, baseline, ratio, f"≤ {limit:g} ×", round(ratio, 2) <= limit)


def at_least(label: str, bot: str, baseline: str, ratio: float, limit: float) -> Row:
    """A row whose ratio may not be below the limit."""
    return Row(label, bot, baseline, ratio, f"≥ {limit:g} ×", round(ratio, 2) >= limit)


def ratio_of(bot: Iterable[float], baseline: Iterable[float]) -> float:
    """The median of the rounds' own ratios: what slows the whole machine for a while slows both sides of a round."""
    return median(ours / theirs for ours, theirs in zip(bot, baseline, strict=True))


def table(rows: Iterable[Row]) -> str:
    """All rows, in Markdown."""
    return "\n".join([HEAD, *map(str, rows)])


def machine(load: float) -> str:
    """The machine and the date of the measurement; `load` is the load average before it."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    day = datetime.now(UTC).date().isoformat()
    return (
        f"Measured {day}: {os.cpu_count()} × {model}, {memory / 2**20:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load average before the start {load:.1f}."
    )


def write(readme: Path, rows: Iterable[Row], load: float) -> None:
    """Put the table between the two markers; ValueError when they are not there."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme.name} has no {BEGIN} … {END}")
    readme.write_text(f"{before}{BEGIN}\n{table(rows)}\n\n{machine(load)}\n{END}{after}", encoding="utf-8")


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
