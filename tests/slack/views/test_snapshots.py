"""Every view in both languages against the text that was read and approved; SNAPSHOTS=write writes them anew."""

import os
from pathlib import Path

import pytest

from bot.core.sentence import Language
from bot.locales.catalog import Catalog
from tests.slack.views.cases import every_view
from tests.slack.views.reading import readable

FOLDER = Path(__file__).parent / "snapshots"
VIEWS = every_view()


def everything(language: Language, kind: str) -> str:
    words = Catalog.load().words(language)
    return "\n".join(f"##### {name}\n{readable(make(words))}" for name, make in VIEWS.items() if name.startswith(kind))


@pytest.mark.parametrize("kind", ["card", "thread", "page", "private"])
@pytest.mark.parametrize("language", list(Language))
def test_every_view_reads_as_it_was_approved(language: Language, kind: str) -> None:
    path = FOLDER / f"{kind}.{language.value}.txt"
    now = everything(language, kind)
    if os.environ.get("SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")
