"""Payloads that Slack never sends: real ones with something changed, and whatever hypothesis thinks of."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SEED = 20_251_123
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, "", " ", "x", "\0", "\ud800", "\u202e", "<!channel>", "*", "../..", "%00",
    "' OR 1=1 --", "{{7*7}}", "é" * 500, "A" * 5000, "9" * 5000, "confirm_upgrade", "list_page", "cancel_scheduled",
    "help", "T0EVIL0001", "U0EVIL0001", "http://127.0.0.1:1/", [], {}, [[]], [None], [{}],
    {"id": None}, {"id": {"id": []}},
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(VALUES[:30]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["type", "actions", "user", "channel", "container", "message", "team", "command", "payload"])


def bodies(count: int, commands: dict[str, Any], clicks: list[dict[str, Any]]) -> Iterator[bytes]:
    """So many hostile bodies; the same ones each time."""
    dice = random.Random(SEED)
    imagined = _imagined(count // 10)
    for number in range(count):
        if number % 10 == 0 and imagined:
            yield imagined.pop()
        elif dice.random() < 0.3:
            yield _form(_mutated(commands, dice), dice)
        else:
            yield _spoilt(urlencode({"payload": _json(_mutated(dice.choice(clicks), dice))}).encode(), dice)


def payloads(count: int, commands: dict[str, Any], clicks: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The same for Socket Mode: the envelope's kind, and its payload."""
    dice = random.Random(SEED)
    for _ in range(count):
        if dice.random() < 0.3:
            yield "slash_commands", _mutated(commands, dice)
        else:
            yield "interactive", _mutated(dice.choice(clicks), dice)


def _imagined(count: int) -> list[bytes]:
    """What hypothesis thinks of."""
    found: list[bytes] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.dictionaries(NAMES, JSON, max_size=5) | JSON, st.sampled_from("pfjb"), st.binary(max_size=200))
    def collect(value: Any, kind: str, noise: bytes) -> None:
        if kind == "b":
            found.append(noise)
        elif kind == "j":
            found.append(_json(value).encode(errors="replace"))
        elif kind == "f" and isinstance(value, dict):
            found.append(urlencode({_text(name): _text(one) for name, one in value.items()}).encode())
        else:
            found.append(urlencode({"payload": _json(value)}).encode())

    collect()
    return found


def _mutated(payload: dict[str, Any], dice: random.Random) -> Any:
    """A copy in which one to three places are other than they were."""
    changed: Any = copy.deepcopy(payload)
    for _ in range(dice.randint(1, 3)):
        place = changed
        while isinstance(place, dict | list) and place:
            key: Any = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and dice.random() < 0.7:
                place = inner
                continue
            _change(place, key, dice)
            break
    return changed if dice.random() < 0.97 else dice.choice([changed, [changed], None, "payload", 7])


def _change(place: Any, key: Any, dice: random.Random) -> None:
    """Remove, replace, nest or double one value."""
    how = dice.randrange(5)
    if how == 0:
        del place[key]
    elif how == 1:
        place[key] = [place[key]]
    elif how == 2:
        place[key] = {"id": place[key]}
    else:
        place[key] = copy.deepcopy(dice.choice(VALUES))


def _form(payload: Any, dice: random.Random) -> bytes:
    fields = payload if isinstance(payload, dict) else {"command": _json(payload)}
    return _spoilt(urlencode({_text(name): _text(value) for name, value in fields.items()}).encode(), dice)


def _spoilt(body: bytes, dice: random.Random) -> bytes:
    """Now and then the bytes themselves are broken."""
    if dice.random() > 0.05:
        return body
    cut = dice.randrange(len(body) + 1)
    return body[:cut] + dice.choice([b"", b"\xff\xfe", b"&&==", b"%", b"&payload=", b"[" * 5000]) + body[cut + 3 :]


def _json(value: Any) -> str:
    return json.dumps(value)


def _text(value: Any) -> str:
    said = value if isinstance(value, str) else _json(value)
    return said.encode(errors="replace").decode()
