"""Keeping secrets out of what is written: the known ones by their value, others by the way they look."""

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from urllib.parse import unquote, urlsplit

from bot.secret import Secret

HIDDEN = "…"
SHORTEST = 6  # a shorter value would also hide harmless text
_LOOKS = re.compile(
    r"""\b(?:xox[a-z]|xapp|xwfp)-[\w.-]{6,}      # tokens of Slack
      | \bMII[\w+/=-]{60,}                       # user tokens of the cloud: base64 of how they all begin
      | (?<=ticket=)[\w.-]+                      # the single-use address of a socket
      | (?<=hooks\.slack\.com/)[\w./-]+          # a response_url
      | (?<=Signature=)[0-9a-f]{64}
      | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)          # user and password in an address
    """,
    re.VERBOSE,
)


class Hiding:
    """Replaces secrets in a text; one for the process."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return _LOOKS.sub(HIDDEN, text)


def secrets_in(value: object) -> Iterable[str]:
    """Every secret in a tree of dataclasses, and the password in every address that has one."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif is_dataclass(value):
        for field in fields(value):
            yield from secrets_in(getattr(value, field.name))
    elif isinstance(value, str) and "://" in value and "@" in value:
        try:
            password = urlsplit(value).password or ""
        except ValueError:
            return
        yield from (password, unquote(password))
