"""Logs: events with fields, as text or as one JSON object a line, the libraries' too; secrets are redacted."""

import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from bot.core.upgrade import current_upgrade_id

REDACTED = "…"
MIN_SECRET_LENGTH = 6  # redacting a shorter value would also hide harmless text
STANDARD_FIELDS = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Their DEBUG and INFO lines carry tokens, tickets and whole bodies.
LIBRARY_LOGGERS = ("httpx", "httpcore", "aiohttp", "slack_sdk", "slack_bolt", "asyncio", "asyncpg")
_SECRET_PATTERN = re.compile(
    r"""\b(?:xox[a-z]|xapp|xwfp)-[\w.-]{6,}      # tokens of Slack
      | \bMII[\w+/=-]{60,}                       # user tokens of the cloud: base64 of how they all begin
      | (?<=ticket=)[\w.-]+                      # the single-use URL of a socket
      | (?<=hooks\.slack\.com/)[\w./-]+          # a response_url
      | (?<=Signature=)[0-9a-f]{64}
      | (?<=://)(?!user:password@)[^\s/@:]*:[^\s/@]+(?=@)  # user and password in a URL, not in an example of one
    """,
    re.VERBOSE,
)


class Redactor:
    """Replaces secrets in a text: the known ones by value, others by their form."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long_enough = {secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH}
        self._secrets = sorted(long_enough, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return _SECRET_PATTERN.sub(REDACTED, text)


class EventFormatter(logging.Formatter):
    """What both formats share: the fields of an event, and redaction of every part of it."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self.redact = redact

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What was given as `extra`, and the upgrade that this task works on: one id from the command to the end."""
        extra = {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS}
        if current_upgrade_id.get():
            extra = {"upgrade": current_upgrade_id.get(), **extra}
        return {name: self._serializable(value) for name, value in extra.items()}

    def traceback(self, record: logging.LogRecord) -> str:
        """The traceback and the stack, if there are any."""
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        return self.redact("\n".join(parts))

    def _serializable(self, value: object) -> object:
        """Numbers and booleans as they are, all else as redacted text."""
        return value if value is None or isinstance(value, bool | int | float) else self.redact(str(value))


class JsonFormatter(EventFormatter):
    """One JSON object a line: UTC time, level, logger, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": self.redact(record.getMessage()),
        }
        line = {**line, **self.fields(record), **line}  # nothing given as extra takes the place of these four
        if traceback := self.traceback(record):
            line["traceback"] = traceback
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(EventFormatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = " ".join(f"{name}={_quoted(value)}" for name, value in self.fields(record).items())
        event = self.redact(record.getMessage()).replace("\n", " ")
        line = f"{at} {record.levelname:7} {event} {fields}".rstrip()
        traceback = self.traceback(record)
        return f"{line}\n{traceback}" if traceback else line


def _quoted(value: object) -> str:
    """A field's value; one with blanks or controls is quoted, so that nothing in it can pass for a field or a line."""
    text = str(value)
    is_plain = text.isprintable() and not any(letter in text for letter in ' "=')
    return text if is_plain and text else json.dumps(text, ensure_ascii=False)


class LineHandler(logging.StreamHandler[Any]):
    """Writes lines; one that cannot be formatted is itself reported in a line, not in a bare traceback."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Report that a line was lost, and whose."""
        lost = logging.makeLogRecord(
            {"name": "bot.logs", "levelname": "ERROR", "msg": "log.lost", "of": record.name, "line": record.lineno}
        )
        with suppress(OSError, ValueError):  # nobody reads any more: there is nobody left to tell
            self.stream.write(self.format(lost) + self.terminator)


def configure_logging(level: str, log_format: str, secrets: Iterable[str] = ()) -> None:
    """Send every logger, warning and unhandled exception of this process through one handler on stderr.

    `log_format` is `text` or `json`; `secrets` are redacted wherever they appear.
    """
    redact = Redactor(secrets)
    handler = LineHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(redact) if log_format == "json" else TextFormatter(redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    for name in LIBRARY_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    sys.excepthook = _log_unhandled
    sys.unraisablehook = lambda hook: _log_unhandled(hook.exc_type, hook.exc_value, hook.exc_traceback, "ignored")
    threading.excepthook = lambda hook: _log_unhandled(hook.exc_type, hook.exc_value, hook.exc_traceback, "thread")


def _log_unhandled(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, source: str = "process"
) -> None:
    logging.getLogger("bot").critical(f"{source}.failed", exc_info=(kind, error or kind(), trace))
