"""What an examination found, written down: all of it for a terminal or a machine, what matters for Slack."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from bot.checkup.check import Check, Verdict, can_work
from bot.checkup.examination import examine
from bot.settings import Settings

COLOURS = {Verdict.PASS: "32", Verdict.WARN: "33", Verdict.FAIL: "31", Verdict.SKIPPED: "2"}
BRIEF_CHARACTERS = 1400  # a private answer shows 1500 of one value
REMEMBERED_SECONDS = 60.0


def in_json(checks: Sequence[Check]) -> str:
    """One object: whether the bot can work, and every check."""
    return json.dumps({"can_work": can_work(checks), "checks": [asdict(check) for check in checks]}, indent=2)


def in_text(checks: Sequence[Check], *, coloured: bool) -> str:
    """A line for each check, the remedy of what is wrong below it, and the sum."""
    lines = []
    for check in checks:
        mark = f"{check.verdict.value:7}"
        if coloured:
            mark = f"\x1b[{COLOURS[check.verdict]}m{mark}\x1b[0m"
        lines.append(f"{mark} {check.name}: {_one_line(check.seen)}")
        if check.remedy:
            lines.append(f"        -> {_one_line(check.remedy)}")
    return "\n".join([*lines, "", summed_up(checks)])


def in_brief(checks: Sequence[Check]) -> str:
    """The sum, then only what is wrong, the worst first, as much as a private answer shows."""
    wrong = [check for verdict in (Verdict.FAIL, Verdict.WARN) for check in checks if check.verdict is verdict]
    text = summed_up(checks)
    for number, check in enumerate(wrong):
        line = f" • {check.verdict.value} {check.name}: {_one_line(check.seen)} -> {_one_line(check.remedy)}"
        if len(text) + len(line) > BRIEF_CHARACTERS:
            return f"{text} • and {len(wrong) - number} more: run `python -m bot doctor`"
        text += line
    return text


def summed_up(checks: Sequence[Check]) -> str:
    """Whether the bot can work, and how many checks went how."""
    counts = ", ".join(f"{sum(check.verdict is one for check in checks)} {one.value}" for one in Verdict)
    return f"{'The bot can work.' if can_work(checks) else 'The bot cannot work like this.'} ({counts})"


class BriefDoctor:
    """For `/starrocks-upgrade doctor`, asked of a running bot: an answer is good for a minute.

    People who ask again and again must not lock the IAM user by trying a wrong password again and again.
    """

    def __init__(
        self, settings: Settings, hears: Callable[[], bool] = lambda: True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._hears = hears
        self._clock = clock
        self._asking = asyncio.Lock()
        self._told = ""
        self._until = 0.0

    async def tell(self) -> str:
        """What is wrong, in one text (English: it is for operators)."""
        async with self._asking:
            if not self._told or self._clock() >= self._until:
                self._told = in_brief(await examine(self._settings, socket_hears=self._hears()))
                self._until = self._clock() + REMEMBERED_SECONDS
            return self._told


def _one_line(text: str) -> str:
    """Without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
