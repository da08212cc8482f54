"""What the tests of the HTTP door share: real commands to spoil, the reasons in the log, and that nothing happened."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.house import CHANNEL, House, buttons
from tests.slack.posting import Poster


async def command(home: House, text: str = "", **changes: str) -> dict[str, Any]:
    """A real command's payload that was never delivered."""
    delivery = await home.slack.command("third", CHANNEL, "help")
    known = home.slack.people["sre"]
    return {
        **delivery.payload,
        "user_id": known.id,
        "team_id": known.team_id,
        "text": text or home.instance(),
        "trigger_id": f"made.up.{time.monotonic_ns()}",
        **changes,
    }


def reasons(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Why something was refused at the door."""
    return {str(vars(record).get("why")) for record in caplog.records if record.getMessage() == "door.refused"}


async def nothing_happened(home: House, poster: Poster) -> None:
    """The bot has done nothing so far, and does what it is asked now."""
    assert not home.slack.messages(CHANNEL)
    assert not home.cloud.upgrades
    assert await poster.is_well()
    assert buttons(await home.ask(home.instance("sr-metrics"), person="dba"))


class _Tracebacks(logging.Handler):
    """Keeps what was logged with a traceback, and nothing of the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note it, in letters that every terminal takes."""
        if record.exc_info:
            self.found.append(ascii(logging.Formatter().format(record)))


@contextmanager
def only_tracebacks() -> Iterator[list[str]]:
    """The tracebacks of a while whose log would else be hostile itself: no other handler sees it."""
    root, handler = logging.getLogger(), _Tracebacks()
    before, root.handlers = root.handlers, [handler]
    try:
        yield handler.found
    finally:
        root.handlers = before
