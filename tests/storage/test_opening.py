"""From DATABASE_URL to a storage, or to a line that says what is wrong with it and repeats no password."""

import os
import sys
from pathlib import Path

import pytest

from bot.core.ports import Storage
from bot.storage.opening import AnyStorage, open_storage


async def test_three_slashes_name_a_file_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await (await open_storage("sqlite:///a b?%#.db")).close()
    assert os.listdir(tmp_path) == ["a b?%#.db"]


async def test_four_slashes_name_a_file_from_the_root(tmp_path: Path) -> None:
    await (await open_storage(f"sqlite:///{tmp_path}/bot.db")).close()
    assert (tmp_path / "bot.db").exists()


@pytest.mark.parametrize(
    "url",
    ["", "bot.db", "mysql://host/bot", "sqlite:bot.db", "sqlite://", "sqlite://bot.db", "sqlite:///", "sqlite:///a/",
     "sqlite:///:memory:", "postgresql+asyncpg://host/bot"],
)  # fmt: skip
async def test_an_address_that_names_no_database(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///|memory"):
        await open_storage(url)


async def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("bot.storage.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ValueError, match=r"starrocks-upgrade-bot\[postgres\]"):
        await open_storage("postgresql://u:secret@127.0.0.1/bot")


async def test_every_storage_fulfils_the_port_of_the_core(storage: AnyStorage) -> None:
    port: Storage = storage
    await port.ping()
