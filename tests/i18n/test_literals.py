"""People read only what stands in the catalogues: no sentence is written down anywhere else in the bot."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot

BOT = Path(bot.__file__).parent
SPEAKING = [*BOT.glob("workflow/*.py"), *BOT.glob("slack/**/*.py"), BOT / "app.py"]
WORDS = re.compile(r"[A-Za-z]{2,}[,.;:!?…]? +[A-Za-z]{2,}|[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
SHOWN = {"text", "title", "label", "confirm", "deny", "fallback", "placeholder", "alt_text"}  # what Slack shows
LOGGERS = {"log", "logger", "logging"}


def sentences(source: str, everywhere: bool) -> Iterator[str]:
    """The literal sentences in a module; of adapters only those that go where Slack shows them."""
    tree = ast.parse(source)
    silent = set(_silent(tree))
    shown = set(_shown(tree))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and WORDS.search(node.value)):
            continue
        if id(node) in shown or (everywhere and id(node) not in silent):
            yield f"{node.lineno}: {node.value}"


def _silent(tree: ast.AST) -> Iterator[int]:
    """Docstrings, annotations, and what is only logged or raised."""
    for node in ast.walk(tree):
        quiet: list[ast.AST] = []
        match node:
            case ast.Expr(value=ast.Constant() as docstring):
                quiet = [docstring]
            case ast.Raise() | ast.Assert():
                quiet = [node]
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in LOGGERS:
                quiet = [node]
            case ast.FunctionDef(returns=annotation) | ast.AsyncFunctionDef(returns=annotation) if annotation:
                quiet = [annotation]
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation) if annotation:
                quiet = [annotation]
        yield from (id(inner) for one in quiet for inner in ast.walk(one))


def _shown(tree: ast.AST) -> Iterator[int]:
    """What is passed by a name under which Slack shows it: `text=…`, `{"text": …}`."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=name, value=value) if name in SHOWN:
                yield from (id(inner) for inner in ast.walk(value))
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in SHOWN:
                        yield from (id(inner) for inner in ast.walk(value))


def _speaks(path: Path) -> bool:
    """Whether everything in this file is for people; the other adapters also speak to operators and machines."""
    return path.parent.name in ("workflow", "blocks") or path.stem in ("publisher", "bolt_app")


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: str(path.relative_to(BOT)))
def test_no_sentence_stands_outside_the_catalogues(path: Path) -> None:
    assert list(sentences(path.read_text(encoding="utf-8"), everywhere=_speaks(path))) == []


@pytest.mark.parametrize(
    "source",
    [
        "section('Nothing was done')",
        "ephemeral.send(f'Job {job} is running now')",
        "Button(text='升级')",
        "{'text': 'Try again'}",
    ],
)
def test_a_literal_sentence_is_found(source: str) -> None:
    assert list(sentences(source, everywhere=True))


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring of words."""',
        "log.warning('not for people')",
        "raise ValueError('not for people')",
        "def f(one: 'Upgrade | None') -> 'Words or None': ...",
        "call('chat.postMessage')",
    ],
)
def test_what_nobody_reads_in_slack_is_left_alone(source: str) -> None:
    assert not list(sentences(source, everywhere=True))
