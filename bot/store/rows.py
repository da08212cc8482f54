"""Rows and values: an `Upgrade` or `AuditEntry` as the columns of a row, and back. The same for both databases."""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, TypeVar

from bot.core.audit import AuditEntry
from bot.core.sentence import Language
from bot.core.upgrade import News, State, Upgrade

Row = TypeVar("Row", Upgrade, AuditEntry)
UPGRADE_COLUMNS = tuple(field.name for field in fields(Upgrade))


def clean(text: str) -> str:
    """Text that every database takes: PostgreSQL has no NUL, UTF-8 no lone surrogate; answers of the cloud may."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def cleaned(upgrade: Upgrade) -> Upgrade:
    """The upgrade exactly as it will be read again."""
    return with_clean_texts(upgrade, UPGRADE_COLUMNS)


def with_clean_texts(row: Row, columns: Iterable[str]) -> Row:
    """The row with the texts in these columns as every database takes them."""
    texts = {name: value for name in columns if type(value := getattr(row, name)) is str}
    dirty: dict[str, Any] = {name: clean(text) for name, text in texts.items() if clean(text) != text}
    return replace(row, **dirty) if dirty else row


def upgrade_values(upgrade: Upgrade) -> list[Any]:
    """The values of a row, in the order of `UPGRADE_COLUMNS`."""
    return [_WRITE.get(name, _as_it_is)(getattr(upgrade, name)) for name in UPGRADE_COLUMNS]


def upgrade_of(values: Iterable[Any]) -> Upgrade:
    """The upgrade in a row whose columns are `UPGRADE_COLUMNS`."""
    return Upgrade(*(read(value) for read, value in zip(_READ, values, strict=True)))


def _as_it_is(value: Any) -> Any:
    return value


def _joined(untold: tuple[News, ...]) -> str:
    return ",".join(untold)


def _split(untold: str) -> tuple[News, ...]:
    return tuple(News(one) for one in untold.split(",") if one)


_WRITE: dict[str, Callable[[Any], Any]] = {"language": str, "state": str, "untold": _joined}
_READERS: dict[str, Callable[[Any], Any]] = {
    "delay": bool,  # SQLite gives 0 and 1
    "skip_validate": bool,
    "language": Language,
    "state": State,
    "untold": _split,
}
_READ = tuple(_READERS.get(name, _as_it_is) for name in UPGRADE_COLUMNS)
