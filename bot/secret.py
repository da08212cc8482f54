"""A value that hides itself: no `repr`, no traceback, no log line shows it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A token, password or key; only `reveal()` gives it away."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__
