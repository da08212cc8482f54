"""Reading settings: each reader takes a name, checks the value, and notes a mistake instead of raising it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bot.core.policy import Ids
from bot.secret import Secret

INSTANCE = re.compile(r"[0-9a-f]{32}in17")
SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "HW_USER_PASSWORD",
    "HW_SECRET_KEY",
    "HW_SECURITY_TOKEN",
    "HW_AUTH_TOKEN",
    "DATABASE_URL",
)


class SettingsError(Exception):
    """The settings cannot be used; `mistakes` has one line for each, naming the variable."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Reading:
    """One reading of an environment; blanks around values are dropped, an empty value is no value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._mistakes: list[str] = []
        self._from_files = {name: self._file(name) for name in SECRETS if environ.get(f"{name}_FILE", "").strip()}

    def wrong(self, name: str, why: str) -> None:
        """Note a mistake."""
        self._mistakes.append(f"{name}: {why}")

    def finish(self) -> None:
        """Raise what was noted, all at once."""
        if self._mistakes:
            raise SettingsError(self._mistakes)

    def has(self, name: str) -> bool:
        """Whether it is set to anything."""
        return bool(self.text(name, ""))

    def text(self, name: str, default: str) -> str:
        """Any text."""
        return self._from_files.get(name) or self._environ.get(name, "").strip() or default

    def secret(self, name: str, prefix: str, *, required: bool = False) -> Secret | None:
        """A secret, checked by its prefix; what is wrong with it is said without showing it."""
        value = self.text(name, "")
        if not value:
            if required:
                self.wrong(name, f"required ({prefix}…)")
            return None
        if not value.startswith(prefix):
            self.wrong(name, f"should begin with {prefix}")
        if not value.isascii() or not value.isprintable():
            self.wrong(name, "has characters that no such value has")
        return Secret(value)

    def matching(self, name: str, pattern: re.Pattern[str], meant: str, default: str = "") -> str:
        """A text of a given form; required when there is no default."""
        value = self.text(name, default)
        if not value:
            self.wrong(name, f"required: {meant}")
        elif not pattern.fullmatch(value):
            self.wrong(name, f"should be {meant}")
        return value

    def choice(self, name: str, default: str, choices: Sequence[str], *, upper: bool = False) -> str:
        """One of a few words."""
        value = self.text(name, default)
        value = value.upper() if upper else value.lower()
        if value not in choices:
            self.wrong(name, f"should be one of {', '.join(choices)}")
            return default
        return value

    def number(self, name: str, default: float | None, *, least: float, most: float) -> float | None:
        """A number within bounds."""
        value = self.text(name, "")
        if not value:
            return default
        if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value, re.ASCII) or not least <= float(value) <= most:
            self.wrong(name, f"should be a number from {least:g} to {most:g}")
            return default
        return float(value)

    def address(self, name: str, default: str) -> str:
        """An http or https address."""
        value = self.text(name, default)
        if value:
            try:
                parts = urlsplit(value)
                fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
            except ValueError:
                fine = False
            if not fine:
                self.wrong(name, "should be an address like https://host")
        return value

    def ids(self, name: str, prefixes: str, meant: str) -> Ids:
        """Slack ids, separated by commas, or `*`; never names or e-mails."""
        words = [word.strip() for word in self.text(name, "").split(",") if word.strip()]
        if words == ["*"]:
            return Ids(everything=True)
        for word in words:
            if not re.fullmatch(f"[{prefixes}][A-Z0-9]+", word, re.ASCII):
                self.wrong(name, f"{word!r} is no id; {meant}")
        return Ids(frozenset(words))

    def instances(self, name: str) -> Ids:
        """StarRocks ids, or `*`."""
        words = [word.strip().lower() for word in self.text(name, "*").split(",") if word.strip()]
        if words == ["*"]:
            return Ids(everything=True)
        for word in words:
            if not INSTANCE.fullmatch(word):
                self.wrong(name, f"{word!r} is no StarRocks id: 32 hex digits and in17")
        return Ids(frozenset(words))

    def _file(self, name: str) -> str:
        """The content of the file that `NAME_FILE` names (container secrets)."""
        if self._environ.get(name, "").strip():
            self.wrong(name, f"set it or {name}_FILE, not both")
        try:
            return Path(self._environ[f"{name}_FILE"].strip()).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.wrong(f"{name}_FILE", f"cannot be read: {type(error).__name__}")
            return ""
