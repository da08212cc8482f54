"""`python -m bot doctor` as a process: what it prints, its exit code, its time, and what it keeps to itself."""

import asyncio
import json
import os
import pty
import time
from pathlib import Path

import pytest
import yaml

from bot.checkup.check import Check, Verdict
from bot.checkup.examination import examine
from bot.checkup.report import BRIEF_CHARACTERS, BriefDoctor, in_brief, in_text
from bot.checkup.slack import SCOPES
from bot.settings import Settings
from tests.operating.bench import Bench, failing


async def test_a_bot_that_can_work_is_exit_code_0(at: Bench) -> None:
    ran = await at.run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert "The bot can work." in ran.out
    assert "\x1b" not in ran.out


async def test_one_failure_is_exit_code_1_and_its_remedy_stands_below_it(at: Bench) -> None:
    at.slack.revoke_token()
    ran = await at.run("doctor")
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    failure = next(number for number, line in enumerate(lines) if line.startswith("fail"))
    assert lines[failure + 1].strip().startswith("-> SLACK_BOT_TOKEN:")
    assert "The bot cannot work like this." in ran.out


async def test_a_warning_alone_is_exit_code_0(at: Bench) -> None:
    ran = await at.run("doctor", environ=at.environ(ALLOWED_CHANNELS="*", ALLOWED_USERS="*"))
    assert ran.code == 0
    assert "1 warn" in ran.out


async def test_bad_settings_are_all_told_and_are_exit_code_2(at: Bench) -> None:
    ran = await at.run("doctor", environ=at.environ(SLACK_BOT_TOKEN="", HW_PROJECT_ID="short", PORT="many"))
    assert ran.code == 2
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == ["PORT", "SLACK_BOT_TOKEN", "HW_PROJECT_ID"]
    assert "nothing else was looked at" in ran.out


async def test_machines_get_one_object(at: Bench) -> None:
    ran = await at.run("doctor", "--json", environ=at.environ(ALLOWED_CHANNELS="C0NOWHERE"))
    told = json.loads(ran.out)
    assert (ran.code, told["can_work"]) == (1, False)
    wrong = next(check for check in told["checks"] if check["verdict"] == "fail")
    assert set(wrong) == {"name", "verdict", "seen", "remedy"}
    assert wrong["name"] == "slack.channel.C0NOWHERE"


async def test_machines_get_bad_settings_too(at: Bench) -> None:
    ran = await at.run("doctor", "--json", environ=at.environ(HW_REGION_NAME=""))
    told = json.loads(ran.out)
    assert (ran.code, told["can_work"]) == (2, False)
    assert [check["name"] for check in told["checks"]] == ["settings.HW_REGION_NAME"]


async def test_a_terminal_gets_colours_unless_it_does_not_want_them(at: Bench) -> None:
    assert "\x1b[32mpass" in await _on_a_terminal(at)
    assert "\x1b" not in await _on_a_terminal(at, NO_COLOR="1")


async def test_a_file_that_everyone_can_read(at: Bench) -> None:
    file = at.folder / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in at.environ().items()))
    file.chmod(0o644)
    ran = await at.run("doctor", environ={"IGNORED": ""})
    assert ran.code == 0
    assert "warn    settings.file: .env can be read by every user of this machine" in ran.out
    file.chmod(0o600)
    assert "settings.file" not in (await at.run("doctor", environ={"IGNORED": ""})).out


async def test_no_secret_is_printed_whatever_is_wrong(at: Bench) -> None:
    secret = {
        "SLACK_BOT_TOKEN": at.slack.bot_token,
        "SLACK_APP_TOKEN": at.slack.app_token,
        "HW_USER_PASSWORD": "a-wrong-password",
        "DATABASE_URL": "postgresql://bot:database-password@127.0.0.1:9/bot",
    }
    at.slack.revoke_token()
    at.slack.revoke_app_token()
    for style in ((), ("--json",)):
        ran = await at.run("doctor", *style, environ=at.environ(**secret))
        assert ran.code == 1
        for value in (*list(secret.values())[:3], "database-password"):
            assert value not in ran.out + ran.err


async def test_silence_everywhere_ends_in_time(at: Bench) -> None:
    at.slack.fail("*", "hang", times=None)
    at.cloud.choose_mishap("hang", operation="token", times=9)
    began = time.monotonic()
    ran = await at.run("doctor")
    assert time.monotonic() - began < 30
    assert ran.code == 1
    assert "Traceback" not in ran.err


async def test_what_takes_too_long_says_so_and_the_rest_is_told(at: Bench) -> None:
    at.slack.fail("*", "hang", times=None)
    checks = await examine(Settings.read(at.environ()), patience_seconds=1.0)
    found = {check.name: check for check in checks}
    assert failing(found) == {"slack.time", "door.time"}
    assert found["cloud.sign_in"].verdict is Verdict.PASS


async def test_a_running_bot_does_not_open_a_second_socket(at: Bench) -> None:
    doctor = BriefDoctor(Settings.read(at.environ()))
    assert (await doctor.tell()).startswith("The bot can work.")
    assert "apps.connections.open" not in {call.method for call in at.slack.calls}


async def test_asking_again_and_again_tries_a_wrong_password_once_a_minute(at: Bench) -> None:
    now = [0.0]
    doctor = BriefDoctor(Settings.read(at.environ(HW_USER_PASSWORD="wrong-password")), clock=lambda: now[0])
    told = await asyncio.gather(*(doctor.tell() for _ in range(5)))
    assert len(set(told)) == 1
    assert at.cloud.sign_ins == 1
    now[0] = 61.0
    await doctor.tell()
    assert at.cloud.sign_ins == 2


def test_the_brief_form_tells_failures_first_and_stays_short() -> None:
    fine = Check("settings", Verdict.PASS, "fine")
    warning = Check("slack.channel.C1", Verdict.WARN, "a word", "do this")
    bad = [Check(f"slack.channel.C{n}", Verdict.FAIL, "the bot is not in it", "invite it") for n in range(99)]
    brief = in_brief([fine, warning, *bad])
    assert brief.index("fail slack.channel.C0") < brief.index("fail slack.channel.C1")
    assert len(brief) < BRIEF_CHARACTERS + 60
    assert "more: run `python -m bot doctor`" in brief
    assert "warn slack.channel.C1: a word -> do this" in in_brief([fine, warning])


def test_what_was_seen_cannot_move_the_cursor() -> None:
    assert "\x1b" not in in_text([Check("a", Verdict.PASS, "\x1b[2J\r\n")], coloured=False)


def test_the_scopes_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8"))
    assert list(SCOPES) == manifest["oauth_config"]["scopes"]["bot"]


async def _on_a_terminal(at: Bench, **more: str) -> str:
    """What the doctor prints on a terminal."""
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *at.command("doctor"), cwd=at.folder, env=at.process_environ({**at.environ(), "TERM": "xterm", **more}),
            stdout=theirs, stderr=theirs,
        )  # fmt: skip
        async with asyncio.timeout(40):
            await process.wait()
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.fixture(autouse=True)
def _its_own_folder(monkeypatch: pytest.MonkeyPatch, at: Bench) -> None:
    """No `.env` of the project is read."""
    monkeypatch.chdir(at.folder)
