"""Malformed payloads, the same ones each time: real ones with something changed, and others that hypothesis makes."""

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


def malformed_bodies(count: int, command: dict[str, Any], clicks: list[dict[str, Any]]) -> Iterator[bytes]:
    """So many bodies of HTTP requests."""
    rng = random.Random(SEED)
    generated = _generated_bodies(count // 10)
    for number in range(count):
        if number % 10 == 0 and generated:
            yield generated.pop()
        elif rng.random() < 0.3:
            yield _form_body(_mutated(command, rng), rng)
        else:
            yield _corrupted(urlencode({"payload": json.dumps(_mutated(rng.choice(clicks), rng))}).encode(), rng)


def malformed_envelopes(count: int, command: dict[str, Any], clicks: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The same for Socket Mode: the envelope's type, and its payload."""
    rng = random.Random(SEED)
    for _ in range(count):
        if rng.random() < 0.3:
            yield "slash_commands", _mutated(command, rng)
        else:
            yield "interactive", _mutated(rng.choice(clicks), rng)


def _generated_bodies(count: int) -> list[bytes]:
    """Bodies that hypothesis makes."""
    bodies: list[bytes] = []

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
            bodies.append(noise)
        elif kind == "j":
            bodies.append(json.dumps(value).encode(errors="replace"))
        elif kind == "f" and isinstance(value, dict):
            bodies.append(urlencode({_as_text(name): _as_text(field) for name, field in value.items()}).encode())
        else:
            bodies.append(urlencode({"payload": json.dumps(value)}).encode())

    collect()
    return bodies


def _mutated(payload: dict[str, Any], rng: random.Random) -> Any:
    """A copy with one to three mutations."""
    mutated: Any = copy.deepcopy(payload)
    for _ in range(rng.randint(1, 3)):
        node = mutated
        while isinstance(node, dict | list) and node:
            key: Any = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            child = node[key]
            if isinstance(child, dict | list) and child and rng.random() < 0.7:
                node = child
                continue
            _mutate(node, key, rng)
            break
    return mutated if rng.random() < 0.97 else rng.choice([mutated, [mutated], None, "payload", 7])


def _mutate(node: Any, key: Any, rng: random.Random) -> None:
    """Remove, nest or replace one value."""
    mutation = rng.randrange(5)
    if mutation == 0:
        del node[key]
    elif mutation == 1:
        node[key] = [node[key]]
    elif mutation == 2:
        node[key] = {"id": node[key]}
    else:
        node[key] = copy.deepcopy(rng.choice(VALUES))


def _form_body(payload: Any, rng: random.Random) -> bytes:
    fields = payload if isinstance(payload, dict) else {"command": json.dumps(payload)}
    return _corrupted(urlencode({_as_text(name): _as_text(value) for name, value in fields.items()}).encode(), rng)


def _corrupted(body: bytes, rng: random.Random) -> bytes:
    """The body, in one of twenty cases with broken bytes."""
    if rng.random() > 0.05:
        return body
    cut = rng.randrange(len(body) + 1)
    return body[:cut] + rng.choice([b"", b"\xff\xfe", b"&&==", b"%", b"&payload=", b"[" * 5000]) + body[cut + 3 :]


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace").decode()
