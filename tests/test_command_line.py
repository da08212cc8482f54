"""`python -m bot` as an operator meets it: a mistake is a line that names its cause, code 2, never a traceback."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot import __version__
from bot.environment import misspelt_names
from bot.storage.opening import open_storage
from tests.command_line import Result, command_line, process_environ, run_command
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver, run_processes
from tests.test_settings import GOOD

NOWHERE = {**GOOD, "SLACK_API_URL": "http://127.0.0.1:1/api/"}
TOKEN = "SLACK_BOT_TOKEN=xoxb-bot-token-value\n"


def one_line(result: Result, *words: str) -> None:
    """The process ended with code 2 and one line, which has these words."""
    lines = result.stderr.splitlines()
    assert (result.exit_code, len(lines)) == (2, 1), result
    assert [word for word in words if word not in lines[0]] == [], lines


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def test_the_version(tmp_path: Path) -> None:
    result = await run_command(tmp_path, {}, "--version")
    assert (result.exit_code, result.stdout) == (0, f"starrocks-upgrade-bot {__version__}\n")


# the .env file


@pytest.mark.parametrize(
    "content",
    [
        f"# 令牌\n{TOKEN}".encode("gbk"),
        TOKEN.encode("utf-16"),
        TOKEN.encode("utf-16-le"),
        TOKEN.encode("utf-32"),
    ],
    ids=["gbk", "utf-16", "utf-16 without a mark", "utf-32"],
)
async def test_an_env_file_in_another_encoding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    one_line(await run_command(tmp_path, {}), ".env: ", "UTF-8")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
async def test_an_env_file_in_utf_8(tmp_path: Path, mark: bytes, ending: str) -> None:
    lines = ["# 注释", *(f"{name}={value}" for name, value in {**NOWHERE, "PORT": "no"}.items()), ""]
    (tmp_path / ".env").write_bytes(mark + ending.join(lines).encode())
    one_line(await run_command(tmp_path, {}), "PORT: should be a number")


async def test_an_env_file_with_a_line_that_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{TOKEN}this is no setting\n")
    one_line(await run_command(tmp_path, {}), ".env: line 2")


async def test_an_env_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    for command in ((), ("audit",), ("store", "copy", "--to", "sqlite:///other.db")):
        one_line(await run_command(tmp_path, {}, *command), ".env: is a folder")
    one_line(await run_command(tmp_path, {}, "doctor"), ".env: is a folder")


async def test_an_env_file_that_is_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to("was-here")
    one_line(await run_command(tmp_path, NOWHERE), ".env: cannot be read: No such file")


async def test_a_pipe_as_an_env_file_is_waited_for_a_moment(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    silent = asyncio.create_task(run_command(tmp_path, {}))
    one_line(await silent, ".env: nothing could be read")
    talking = asyncio.create_task(run_command(tmp_path, NOWHERE, "doctor"))
    await asyncio.to_thread((tmp_path / ".env").write_text, "PORT=no\n")
    one_line(await talking, "PORT: should be a number")


async def start_without_privileges(
    folder: Path, settings: Mapping[str, str], *shell: str, arguments: Sequence[str] = ()
) -> asyncio.subprocess.Process:
    """Start it from a shell, bound by permissions even where the tests are run by root."""
    drop = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    return await asyncio.create_subprocess_exec(
        *drop,
        *("sh", "-c", f'{" && ".join(shell)} && exec "$@"', "sh", *command_line(*arguments)),
        cwd=folder,
        env=process_environ(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run_without_privileges(
    folder: Path, settings: Mapping[str, str], *shell: str, arguments: Sequence[str] = ()
) -> Result:
    """The same, run to its end."""
    process = await start_without_privileges(folder, settings, *shell, arguments=arguments)
    stdout, stderr = await process.communicate()
    return Result(process.returncode or 0, stdout.decode(), stderr.decode())


async def test_an_env_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(TOKEN)
    one_line(await run_without_privileges(tmp_path, {}, "chmod 0 .env"), ".env: cannot be read: Permission denied")


async def test_a_working_directory_that_is_closed_or_gone(tmp_path: Path) -> None:
    closed = await run_without_privileges(tmp_path, NOWHERE, "mkdir closed", "cd closed", "chmod 0 .")
    one_line(closed, ".env: cannot be read: Permission denied")
    (tmp_path / "closed").chmod(0o700)
    gone = await run_without_privileges(tmp_path, NOWHERE, "mkdir gone", "cd gone", "rmdir ../gone")
    one_line(gone, "working directory: ")


# settings


async def test_quotes_that_docker_keeps_are_named(tmp_path: Path) -> None:
    result = await run_command(tmp_path, {**NOWHERE, "SLACK_BOT_TOKEN": '"xoxb-1"', "PORT": "'3000'"})
    assert result.exit_code == 2
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["PORT", "SLACK_BOT_TOKEN"]
    assert result.stderr.count("quotes") == 2


async def test_quotes_in_an_env_file_are_its_own(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_APP_TOKEN=\"xapp-1\"\nPORT='no'\n")
    result = await run_command(tmp_path, {name: value for name, value in NOWHERE.items() if name != "SLACK_APP_TOKEN"})
    one_line(result, "PORT: should be a number")


OURS = {*GOOD, "SLACK_SIGNING_SECRET", "TAURUSDB_ENDPOINT", "CONFIRM_TTL_SECONDS", "LOG_FORMAT", "DATABASE_URL", "PORT"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLCK_BOT_TOKEN", "SLACK_BOT_TOKEN"),
        ("slack_bot_token", "SLACK_BOT_TOKEN"),
        ("HW_REGION", "HW_REGION_NAME"),
        ("HW_PASSWORD", "HW_USER_PASSWORD"),
        ("TAURUSDB_ENDPONT", "TAURUSDB_ENDPOINT"),
        ("ALLOWED_USER", "ALLOWED_USERS"),
        ("CONFIRM_TTL", "CONFIRM_TTL_SECONDS"),
        ("LOG_FROMAT", "LOG_FORMAT"),
        ("HW_USERNAME", "HW_USER_NAME"),
        ("SLACK_BOTTOKEN", "SLACK_BOT_TOKEN"),
        *((foreign, "") for foreign in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_API_TOKEN", "SLACK_TEAM_ID")),
        *((foreign, "") for foreign in ("SLACK_WEBHOOK_URL", "HW_USER_ID", "HW_ENTERPRISE_PROJECT_ID", "HW_CLOUD")),
        *((foreign, "") for foreign in ("DATABASE_HOST", "ALLOWED_HOSTS", "LOG_DIR", "LOGLEVEL", "port", "POST")),
    ],
)
def test_a_name_that_looks_misspelt(name: str, meant: str) -> None:
    assert dict(misspelt_names({name, *GOOD}, OURS)) == ({name: meant} if meant else {})


async def test_a_misspelt_name_is_told_at_the_start_and_by_the_doctor(tmp_path: Path) -> None:
    hint = "SLACK_BOT_TOKN: unknown name, did you mean SLACK_BOT_TOKEN?"
    wrong = {**NOWHERE, "SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKN": "xoxb-1"}
    result = await run_command(tmp_path, wrong)
    assert result.stderr.splitlines() == ["SLACK_BOT_TOKEN: required (xoxb-…)", hint]
    right = {**NOWHERE, "SLACK_BOT_TOKN": "xoxb-1"}
    result = await run_command(tmp_path, right, "doctor")
    assert f"warn    settings.unknown_name.SLACK_BOT_TOKN: {hint}" in result.stdout
    process = await BotProcess.start({**right, "LOG_FORMAT": "json"}, tmp_path)
    try:
        await process.until_logged("settings.unknown")
        assert next(process.events("settings.unknown"))["reason"] == hint
    finally:
        await process.close()


@pytest.mark.parametrize("command", [(), ("doctor",), ("sandbox", "--port", "0")], ids=["run", "doctor", "sandbox"])
async def test_a_key_log_that_cannot_be_written(tmp_path: Path, command: tuple[str, ...]) -> None:
    settings = {**NOWHERE, "SSLKEYLOGFILE": str(tmp_path / "nowhere" / "keys")}
    one_line(await run_command(tmp_path, settings, *command), "SSLKEYLOGFILE: cannot be written")


@pytest.mark.parametrize(
    ("host", "words"),
    [("no.such.host.invalid", "does not resolve"), ("203.0.113.9", "no address of this machine"), ("a..b", "resolve")],
)
async def test_a_host_that_it_cannot_listen_on(tmp_path: Path, host: str, words: str) -> None:
    one_line(await run_command(tmp_path, {**NOWHERE, "HOST": host, "PORT": "0"}), "HOST: ", words)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_a_port_that_is_taken(tmp_path: Path, taken_port: int, log_format: str) -> None:
    settings = {**NOWHERE, "PORT": str(taken_port), "LOG_FORMAT": log_format}
    result = await run_command(tmp_path, settings)
    one_line(result, f"PORT: {taken_port}", "taken")
    if log_format == "json":
        assert json.loads(result.stderr)["event"] == "settings.wrong"


async def test_the_port_of_the_sandbox(tmp_path: Path, taken_port: int) -> None:
    one_line(await run_command(tmp_path, {}, "sandbox", "--port", str(taken_port)), f"--port: {taken_port}", "taken")
    for port in ("65536", "-1", "http"):
        result = await run_command(tmp_path, {}, "sandbox", f"--port={port}")
        assert (result.exit_code, "0 to 65535" in result.stderr, "Traceback" in result.stderr) == (2, True, False)


async def test_a_database_in_a_folder_that_is_missing(tmp_path: Path) -> None:
    settings = {**NOWHERE, "DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/bot.db"}
    one_line(await run_command(tmp_path, settings), "DATABASE_URL: there is no folder", "nowhere")


async def test_a_database_whose_name_no_file_can_have(tmp_path: Path) -> None:
    settings = {**NOWHERE, "DATABASE_URL": f"sqlite:///{'x' * 300}.db"}
    one_line(await run_command(tmp_path, settings), "DATABASE_URL: no file can have this name")
    for command in (("audit",), ("store", "copy", "--to", "sqlite:///other.db")):
        one_line(await run_command(tmp_path, settings, *command), "no file can have this name")
    assert "Traceback" not in (await run_command(tmp_path, settings, "doctor")).stderr


async def test_what_can_never_be_the_database(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no database, but long enough to be taken for one " * 40)
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE things (id integer)")
    for name, words in {
        "folder": "is no file",
        "pipe": "is no file",
        "text": "is no SQLite database",
        "other": "has tables of another program",
    }.items():
        result = await run_command(tmp_path, {**NOWHERE, "DATABASE_URL": f"sqlite:///{name}"})
        lines = [line for line in result.stderr.splitlines() if "start.waiting part=slack" not in line]
        assert (result.exit_code, len(lines)) == (2, 1), result
        assert lines[0].startswith("DATABASE_URL: ")
        assert words in lines[0]


# while it runs


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[ProcessDriver]:
    async with run_processes(tmp_path) as driver:
        yield driver


PLACES = {
    "full disk": "mkdir -p place; ulimit -f 0",
    "read-only": "mkdir -p -m 555 place",
    "closed": "mkdir -p -m 0 place",
    "below a closed one": "chmod 700 place 2>&-; mkdir -p place/below; chmod 0 place",
    "file that is read-only": "mkdir -p place; touch place/bot.db; chmod 444 place/bot.db",
    "link to nothing": "mkdir -p place; ln -sf nowhere place/bot.db",
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_place_that_cannot_be_written_now_is_waited_for_and_the_doctor_fails(
    tmp_path: Path, driver: ProcessDriver, place: str
) -> None:
    (tmp_path / "disk").mkdir()
    file = "place/below/bot.db" if "below" in place else "place/bot.db"
    settings, shell = driver.settings(DATABASE_URL=f"sqlite:///{file}"), PLACES[place]
    doctor = await run_without_privileges(tmp_path / "disk", settings, shell, arguments=("doctor",))
    assert (doctor.exit_code, doctor.stderr) == (1, "")
    assert "fail    database.connection: " in doctor.stdout
    process = await start_without_privileges(tmp_path / "disk", settings, shell)
    assert process.stderr is not None
    line = json.loads(await asyncio.wait_for(process.stderr.readline(), 30))
    process.terminate()
    rest = (await process.communicate())[1].decode()
    assert (line["event"], process.returncode) == ("start.waiting", 0)
    assert "SQLite" in line["reason"]
    assert "Traceback" not in rest


async def test_it_can_be_stopped_while_a_server_is_silent(
    tmp_path: Path, driver: ProcessDriver, taken_port: int
) -> None:
    silent = f"postgresql://bot:word@127.0.0.1:{taken_port}/bot?connect_timeout=600"
    process = await BotProcess.start(driver.settings(DATABASE_URL=silent, PORT="0"), tmp_path)
    try:
        await process.until_logged("http.listening")
        process.terminate()
        assert await process.ended() == 0
    finally:
        await process.close()


@pytest.mark.parametrize(
    ("arguments", "target", "code"),
    [("doctor", "> /dev/full", 1), ("--help", "> /dev/full", 1), ("doctor", "| true", 141)],
)
async def test_output_that_cannot_be_written(tmp_path: Path, arguments: str, target: str, code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'{{ "$@"; echo "code $?" >&2; }} {target}', "sh", *command_line(arguments)),
        cwd=tmp_path,
        env=process_environ(NOWHERE),
        stderr=asyncio.subprocess.PIPE,
    )
    lines = (await process.communicate())[1].decode().splitlines()
    assert lines[-1] == f"code {code}"
    assert len(lines) <= 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
async def test_streams_that_are_closed(tmp_path: Path, closed: str) -> None:
    """The exit codes stay, and no file takes the place of a stream: what is written there would be written into it."""
    environ = process_environ({**NOWHERE, "DATABASE_URL": "sqlite:///bot.db"})
    await (await open_storage(f"sqlite:///{tmp_path}/bot.db")).close()
    codes = {"doctor": 1, "audit": 0, "audit --verify": 0, "store copy --to sqlite:///copy.db": 0, "": 2}
    for arguments, code in codes.items():
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'exec "$@" {closed}', "sh", *command_line(*arguments.split())),
            cwd=tmp_path,
            env=environ if arguments else {**environ, "PORT": "no", "LOG_FORMAT": "json"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        assert (process.returncode, b"Traceback" in stdout + stderr) == (code, False), arguments


IMPORTED = [
    *(("", module) for module in ("bot.environment", "aiohttp.client", "slack_sdk.web.async_client", "bot.app")),
    ("sandbox --port 0", "bot.slack.socket_mode"),  # the last one, before it connects
]


@pytest.mark.parametrize(("arguments", "module"), IMPORTED)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_while_it_is_still_importing(
    tmp_path: Path, arguments: str, module: str, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *command_line(*arguments.split()),
        cwd=tmp_path,
        env=process_environ({**NOWHERE, "PYTHONPROFILEIMPORTTIME": "1"}),  # says on stderr what has been imported
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while (line := await process.stderr.readline()).decode().rpartition("|")[2].strip() != module:
            assert line, "it has ended"
        process.send_signal(number)
        rest = (await process.communicate())[1].decode()
    assert process.returncode == 0
    assert "Traceback" not in rest


async def test_a_user_without_a_home(tmp_path: Path, driver: ProcessDriver) -> None:
    """Neither HOME nor an entry of this user where homes are looked up."""
    nobody = "import pwd\n\ndef getpwuid(uid):\n    raise KeyError(uid)\n\npwd.getpwuid = getpwuid\n"
    (tmp_path / "sitecustomize.py").write_text(nobody)
    environ = process_environ(driver.settings())
    process = await asyncio.create_subprocess_exec(
        *command_line(),
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": f"{tmp_path}:{environ['PYTHONPATH']}"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while b"bot.ready" not in (line := await process.stderr.readline()):
            assert line, "it has ended"
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def test_the_first_command_of_the_readme_works_with_a_proxy_that_is_dead(tmp_path: Path) -> None:
    dead = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1", "https_proxy": "socks5://nowhere"}
    process = await asyncio.create_subprocess_exec(
        *command_line("sandbox", "--port", "0"),
        cwd=tmp_path,
        env=process_environ(dead),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(40):
        assert b"The sandbox is at http://127.0.0.1:" in await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert (await process.communicate())[1] == b""
    assert process.returncode == 0


ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "gbk": {"PYTHONIOENCODING": "gbk"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
async def test_the_doctor_on_a_terminal_of_another_encoding(tmp_path: Path, encoding: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command_line("doctor"),
        cwd=tmp_path,
        env=process_environ({**NOWHERE, "DATABASE_URL": f"sqlite:///{tmp_path}/数据–ü.db", **encoding}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert (process.returncode, stderr) == (1, b"")
    assert b"The bot cannot work until the failed checks pass." in stdout
