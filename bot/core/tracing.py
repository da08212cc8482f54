"""Which upgrade the running code is at work on: the log's correlation id, carried by the task itself."""

from contextvars import ContextVar

UPGRADE: ContextVar[str] = ContextVar("upgrade", default="")
