"""Logs: events with fields, as text for people or one JSON object a line; the libraries' lines too."""

import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: UTC time, level, logger, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        more = " ".join(f"{name}={value}" for name, value in fields(record).items())
        line = f"{at} {record.levelname:7} {record.getMessage()} {more}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def set_up(level: str, style: str) -> None:
    """Send every logger, warning and unhandled error of this process through one handler on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    for name in ("httpx", "httpcore", "aiohttp.access", "slack_sdk", "slack_bolt", "asyncio"):
        # The libraries' DEBUG lines carry tokens, tickets and whole bodies.
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    sys.excepthook = lambda kind, error, trace: logging.getLogger("bot").critical(
        "process.failed", exc_info=(kind, error, trace)
    )
