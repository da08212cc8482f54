"""DATABASE_URL as people write it: what libpq reads is read, anything else is named in a line without the password."""

import os
import string
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.environment import SettingsError
from bot.settings import read_database_url
from bot.storage.opening import open_storage
from bot.storage.postgres import PostgresStorage
from bot.storage.urls import PostgresUrl, check_url
from tests.postgres_server import PostgresServer
from tests.storage.examples import new_entry, new_upgrade, run_sql


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql:///bot", ()),
        ("postgres://host/bot", (("host", 5432),)),
        ("postgres://u:p@host:1/bot", (("host", 1),)),
        ("postgresql://u@[::1]:6/bot", (("::1", 6),)),
        ("postgresql://u@[fe80::1%25eth0]/bot", (("fe80::1%eth0", 5432),)),
        ("postgresql://u@a:1,b,[::2]:3/bot", (("a", 1), ("b", 5432), ("::2", 3))),
        ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/bot", (("/var/run/postgresql", 5432),)),
        ("postgresql://u@/bot?host=/var/run/postgresql&port=5433", (("/var/run/postgresql", 5433),)),
        ("postgresql:///bot?host=a,b&port=1,2", (("a", 1), ("b", 2))),
        ("postgresql:///bot?host=a,b&port=7", (("a", 7), ("b", 7))),
    ],
)
def test_hosts(url: str, hosts: tuple[tuple[str, int], ...]) -> None:
    assert PostgresUrl.parse(url).hosts == hosts


@given(password=st.text(string.printable + "密码é\U0001f600", min_size=1))
def test_a_password_of_any_characters_can_be_quoted(password: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in password.encode())
    assert PostgresUrl.parse(f"postgresql://bot:{quoted}@host/bot").password == password
    assert PostgresUrl.parse(f"postgresql://host/bot?user=bot&password={quoted}").password == password


def test_parameters_of_libpq() -> None:
    url = PostgresUrl.parse(
        "postgresql://u:p@host/bot?connect_timeout=3&application_name=my+bot&options=-c%20work_mem%3D1MB&keepalives=1"
        "&keepalives_idle=30&channel_binding=prefer&sslmode=require&target_session_attrs=primary&gssencmode=disable"
    )
    assert url.connect_seconds == 3
    assert url.server_settings == {"application_name": "my+bot", "options": "-c work_mem=1MB"}
    assert url.session_attribute == "primary"
    assert url.driver_url == "postgresql://?sslmode=require"
    assert PostgresUrl.parse("postgresql://host/bot?connect_timeout=1").connect_seconds == 2
    assert PostgresUrl.parse("postgresql://a,b/bot").session_attribute == "read-write"
    assert PostgresUrl.parse("postgresql://u@host/bot?sslrootcert=system").uses_system_cas


@pytest.mark.parametrize("character", "#/?[]@%")
def test_a_character_of_the_password_that_is_not_quoted(character: str) -> None:
    for password in (f"Hd7{character}Kw9", f"{character}HdKw", f"12{character}3z=Kw"):
        with pytest.raises(SettingsError) as raised:
            read_database_url({"DATABASE_URL": f"postgresql://bot:{password}@host/bot"})
        (mistake,) = raised.value.mistakes
        assert mistake.startswith("DATABASE_URL: ")
        assert "%23" in mistake
        assert not any(part in mistake for part in ("Hd", "Kw", "12", "3z"))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:secret@host:port/bot", "a port"),
        ("postgresql://u:secret@host:0/bot", "a port"),
        ("postgresql://u:secret@host:65536/bot", "a port"),
        ("postgresql://u:secret@::1/bot", "IPv6"),
        ("postgresql://u:secret@[::1/bot", "IPv6"),
        ("postgresql://u:secret@a,b/bot?port=1,2,3", "2 hosts and 3 ports"),
        ("postgresql://u:secret@host/bot?sslmode=verify_full", "sslmode is one of"),
        ("postgresql://u:secret@host/bot?sslmode=verify-full&sslrootcert=/nowhere.pem", "sslrootcert names no file"),
        ("postgresql://u:secret@host/bot?channel_binding=require", "channel_binding"),
        ("postgresql://u:secret@host/bot?connect_timeout=soon", "connect_timeout"),
        ("postgresql://u:secret@host/bot?client_encoding=latin1", "client_encoding"),
        ("postgresql://u:secret@host/bot?target_session_attrs=master", "target_session_attrs"),
        ("postgresql://u:secret@host/bot?pool_size=5", "the parameter pool_size is not known"),
        ("postgresql://u:secret@host/bot?pool_size", "name=value"),
        ("postgresql://u:secret word@host/bot", "blank"),
        ("postgresql://u:secret%00@host/bot", "%00"),
        ("postgresql://u:secret%e9@host/bot", "not UTF-8"),
        (
            f"postgresql://u:secret@host/bot?sslrootcert={__file__}",
            "sslrootcert names a file that holds no certificate",
        ),
        (f"postgresql://u:secret@host/bot?sslcrl={__file__}", "sslcrl names a file that holds no certificate"),
        (f"postgresql://u:secret@host/bot?sslcert={__file__}&sslkey={__file__}", "sslcert and sslkey"),
    ],
)
def test_a_url_that_cannot_be_read(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        check_url(url)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_pipe_as_a_root_certificate_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="sslrootcert names no file that can be read"):
        check_url(f"postgresql://host/bot?sslmode=verify-full&sslrootcert={tmp_path}/pipe")


async def test_a_service_file_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "services").write_text("host=127.0.0.1\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with pytest.raises(ValueError, match="the driver cannot use it: File contains no section headers"):
        await open_storage("postgresql:///?service=bot")


async def test_a_password_with_every_special_character_signs_in(postgres_url: str) -> None:
    password = "a#b/c?d[e]f@g:h%i j+k&l=密"
    role = "quoted_password"
    await run_sql(postgres_url, f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{password}'")
    quoted = "".join(f"%{byte:02x}" for byte in password.encode())
    host_part = postgres_url.rpartition("@")[2]
    await (await open_storage(f"postgres://{role}:{quoted}@{host_part}?connect_timeout=9&keepalives_idle=5")).close()
    await run_sql(postgres_url, f"REASSIGN OWNED BY {role} TO postgres", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "form", ["postgresql://{user}@/{name}?host={folder}&port={port}", "postgresql://{user}@{quoted}:{port}/{name}"]
)
async def test_a_unix_socket(postgres_server: PostgresServer, postgres_url: str, form: str) -> None:
    folder = str(postgres_server.folder)
    url = form.format(
        user=f"postgres:{postgres_server.password}",
        name=postgres_url.rpartition("/")[2],
        folder=folder,
        quoted=folder.replace("/", "%2F"),
        port=postgres_server.port,
    )
    await (await open_storage(f"{url}{'&' if '?' in url else '?'}sslmode=verify-full")).close()  # a socket has no TLS


async def test_of_several_hosts_the_one_that_can_be_written(
    postgres_server: PostgresServer, own_server: PostgresServer, postgres_url: str
) -> None:
    name = postgres_url.rpartition("/")[2]
    standby_url = own_server.create(name)
    await run_sql(
        standby_url,
        f"ALTER DATABASE {name} SET default_transaction_read_only = on",
        "SET default_transaction_read_only = off",
        f"ALTER USER postgres PASSWORD '{postgres_server.password}'",
    )
    hosts = f"127.0.0.1:1,127.0.0.1:{own_server.port},127.0.0.1:{postgres_server.port}"
    storage = await open_storage(f"postgresql://postgres:{postgres_server.password}@{hosts}/{name}")
    assert await storage.add(new_upgrade(1), new_entry())
    await storage.close()
    assert await run_sql(postgres_url, "SELECT id FROM upgrades") == [("upgrade-1",)]


async def test_the_name_of_the_application_and_options_reach_the_server(postgres_url: str) -> None:
    storage = await PostgresStorage.open(f"{postgres_url}?application_name=my%20bot&options=-c%20work_mem%3D99MB")

    async def job(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> tuple[str, str]:
        return await connection.fetchval("SHOW application_name"), await connection.fetchval("SHOW work_mem")

    assert await storage.pool.run(job) == ("my bot", "99MB")
    await storage.close()
