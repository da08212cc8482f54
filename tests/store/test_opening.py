"""From DATABASE_URL to a store, or to a line that says what is wrong with it and repeats no password."""

import os
import sys
from pathlib import Path

import pytest

from bot.core.ports import Store
from bot.store import open_store
from bot.store.opening import AnyStore


async def test_three_slashes_name_a_file_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await (await open_store("sqlite:///a b?%#.db")).close()
    assert os.listdir(tmp_path) == ["a b?%#.db"]


async def test_four_slashes_name_a_file_from_the_root(tmp_path: Path) -> None:
    await (await open_store(f"sqlite:///{tmp_path}/bot.db")).close()
    assert (tmp_path / "bot.db").exists()


@pytest.mark.parametrize(
    "url",
    ["", "bot.db", "mysql://host/bot", "sqlite:bot.db", "sqlite://", "sqlite://bot.db", "sqlite:///", "sqlite:///a/",
     "sqlite:///:memory:", "postgresql+asyncpg://host/bot"],
)  # fmt: skip
async def test_an_address_that_no_store_is_behind(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///|memory"):
        await open_store(url)


@pytest.mark.parametrize(
    "url", ["postgresql://u:se#cret@host/bot", "postgresql://u:secret@host:po/bot", "postgresql://u:se[cret@host/b"]
)
async def test_the_password_of_an_unreadable_address_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="%XX") as told:
        await open_store(url)
    assert "se" not in str(told.value).replace("special", "").replace("characters", "")
    assert told.value.__suppress_context__


async def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("bot.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ValueError, match=r"starrocks-upgrade-bot\[postgres\]"):
        await open_store("postgresql://u:secret@127.0.0.1/bot")


async def test_every_store_is_one_to_the_core(store: AnyStore) -> None:
    as_the_core_sees_it: Store = store
    await as_the_core_sees_it.ping()
