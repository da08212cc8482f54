"""Logs: events with fields, as text for people or one JSON object a line; the libraries' too, no secret in any."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from bot.core.tracing import UPGRADE
from bot.hiding import Hiding

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Their DEBUG and INFO lines carry tokens, tickets and whole bodies.
TALKATIVE = ("httpx", "httpcore", "aiohttp", "slack_sdk", "slack_bolt", "asyncio", "asyncpg")


class Lines(logging.Formatter):
    """What both forms share: the fields of an event, and secrets kept out of every part of it."""

    def __init__(self, hide: Hiding) -> None:
        super().__init__()
        self.hide = hide

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What was given as `extra`, and the upgrade that this task has in hand: one id from the command to the end."""
        given = {name: value for name, value in vars(record).items() if name not in STANDARD}
        if UPGRADE.get():
            given = {"upgrade": UPGRADE.get(), **given}
        return {name: self._plain(value) for name, value in given.items()}

    def traceback(self, record: logging.LogRecord) -> str:
        """The traceback and the stack, if there are any."""
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        return self.hide("\n".join(parts))

    def _plain(self, value: object) -> object:
        """A value that can be written: numbers and booleans as they are, all else as text."""
        return value if value is None or isinstance(value, bool | int | float) else self.hide(str(value))


class JsonLines(Lines):
    """One JSON object a line: UTC time, level, logger, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": self.hide(record.getMessage()),
        }
        line = {**line, **self.fields(record), **line}  # nothing given as extra takes the place of these four
        if traceback := self.traceback(record):
            line["traceback"] = traceback
        return json.dumps(line, ensure_ascii=False)


class TextLines(Lines):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        more = " ".join(f"{name}={_quoted(value)}" for name, value in self.fields(record).items())
        event = self.hide(record.getMessage()).replace("\n", " ")
        line = f"{at} {record.levelname:7} {event} {more}".rstrip()
        traceback = self.traceback(record)
        return f"{line}\n{traceback}" if traceback else line


def _quoted(value: object) -> str:
    """A field's value; one with blanks or controls is quoted, so that nothing in it can pass for a field or a line."""
    text = str(value)
    plain = text.isprintable() and not any(letter in text for letter in ' "=')
    return text if plain and text else json.dumps(text, ensure_ascii=False)


class LineHandler(logging.StreamHandler[Any]):
    """Writes lines; one that cannot be made is itself told in a line, not in a bare traceback."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line was lost, and whose."""
        lost = logging.makeLogRecord(
            {"name": "bot.logs", "levelname": "ERROR", "msg": "log.lost", "of": record.name, "line": record.lineno}
        )
        with suppress(OSError, ValueError):  # nobody reads any more: there is nobody left to tell
            self.stream.write(self.format(lost) + self.terminator)


def set_up(level: str, style: str, secrets: Iterable[str] = ()) -> None:
    """Send every logger, warning and unhandled error of this process through one handler on stderr."""
    hide = Hiding(secrets)
    handler = LineHandler(sys.stderr)
    handler.setFormatter(JsonLines(hide) if style == "json" else TextLines(hide))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    sys.excepthook = _failed
    sys.unraisablehook = lambda what: _failed(what.exc_type, what.exc_value, what.exc_traceback, "ignored")
    threading.excepthook = lambda what: _failed(what.exc_type, what.exc_value, what.exc_traceback, "thread")


def _failed(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, where: str = "process"
) -> None:
    """An error that nobody handled."""
    logging.getLogger("bot").critical(f"{where}.failed", exc_info=(kind, error or kind(), trace))
