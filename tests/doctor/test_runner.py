"""`python -m bot doctor` as a process, and the runner: exit codes, output, time limits, secrets, settings."""

import asyncio
import json
import os
import pty
import time

import pytest

from bot.core.messages import Language
from bot.doctor.report import CheckStatus
from bot.doctor.runner import SelfCheck, run_checks
from bot.i18n.catalog import Catalog
from bot.settings import Settings
from tests.command_line import END_SECONDS, command_line, process_environ
from tests.doctor.helpers import Sandbox, failures, problems


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """No `.env` of the project is read."""
    monkeypatch.chdir(sandbox.folder)


async def test_a_bot_that_can_work_is_exit_code_0(sandbox: Sandbox) -> None:
    result = await sandbox.run_doctor()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "The bot can work." in result.stdout
    assert "\x1b" not in result.stdout


async def test_one_failure_is_exit_code_1_and_its_remedy_stands_below_it(sandbox: Sandbox) -> None:
    sandbox.slack.revoke_token()
    result = await sandbox.run_doctor()
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    failure = next(number for number, line in enumerate(lines) if line.startswith("fail"))
    assert lines[failure + 1].strip().startswith("-> SLACK_BOT_TOKEN:")
    assert "The bot cannot work until the failed checks pass." in result.stdout


async def test_a_warning_alone_is_exit_code_0(sandbox: Sandbox) -> None:
    result = await sandbox.run_doctor(environ=sandbox.environ(ALLOWED_CHANNELS="*", ALLOWED_USERS="*"))
    assert result.exit_code == 0
    assert "1 warn" in result.stdout


async def test_bad_settings_are_all_named_and_are_exit_code_2(sandbox: Sandbox) -> None:
    environ = sandbox.environ(SLACK_BOT_TOKEN="", HW_PROJECT_ID="short", PORT="many")
    result = await sandbox.run_doctor(environ=environ)
    variables = [line.partition(":")[0] for line in result.stderr.splitlines()]
    assert result.exit_code == 2
    assert variables == ["PORT", "SLACK_BOT_TOKEN", "HW_PROJECT_ID"]
    assert "nothing else was looked at" in result.stdout


async def test_json_is_one_object(sandbox: Sandbox) -> None:
    result = await sandbox.run_doctor("--json", environ=sandbox.environ(ALLOWED_CHANNELS="C0NOWHERE"))
    report = json.loads(result.stdout)
    assert (result.exit_code, report["can_work"]) == (1, False)
    failure = next(check for check in report["checks"] if check["status"] == "fail")
    assert set(failure) == {"name", "status", "detail", "remedy"}
    assert failure["name"] == "slack.channel.C0NOWHERE"


async def test_json_has_bad_settings_too(sandbox: Sandbox) -> None:
    result = await sandbox.run_doctor("--json", environ=sandbox.environ(HW_REGION_NAME=""))
    report = json.loads(result.stdout)
    assert (result.exit_code, report["can_work"]) == (2, False)
    assert [check["name"] for check in report["checks"]] == ["settings.HW_REGION_NAME"]


async def test_a_terminal_gets_colors_unless_it_does_not_want_them(sandbox: Sandbox) -> None:
    assert "\x1b[32mpass" in await terminal_output(sandbox)
    assert "\x1b" not in await terminal_output(sandbox, NO_COLOR="1")


async def test_an_env_file_that_everyone_can_read(sandbox: Sandbox) -> None:
    file = sandbox.folder / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in sandbox.environ().items()))
    file.chmod(0o644)
    result = await sandbox.run_doctor(environ={})
    assert result.exit_code == 0
    assert "warn    settings.env_file: .env can be read by every user of this machine" in result.stdout
    file.chmod(0o600)
    assert "settings.env_file" not in (await sandbox.run_doctor(environ={})).stdout


async def test_no_secret_is_printed_whatever_is_wrong(sandbox: Sandbox) -> None:
    secrets = {
        "SLACK_BOT_TOKEN": sandbox.slack.bot_token,
        "SLACK_APP_TOKEN": sandbox.slack.app_token,
        "HW_USER_PASSWORD": "a-wrong-password",
        "DATABASE_URL": "postgresql://bot:database-password@127.0.0.1:9/bot",
    }
    sandbox.slack.revoke_token()
    sandbox.slack.revoke_app_token()
    for options in ((), ("--json",)):
        result = await sandbox.run_doctor(*options, environ=sandbox.environ(**secrets))
        assert result.exit_code == 1
        for secret in (*list(secrets.values())[:3], "database-password"):
            assert secret not in result.stdout + result.stderr


@pytest.mark.parametrize("answer", ["text", "html", 407, "drop_before"])
async def test_an_answer_that_is_none_of_slacks_is_a_failed_check(sandbox: Sandbox, answer: str | int) -> None:
    sandbox.slack.fail("*", answer, times=None)
    sandbox.cloud.inject_fault("html", operation="token", times=9)
    result = await sandbox.run_doctor()
    assert (result.exit_code, result.stderr) == (1, "")
    assert "fail    slack.token" in result.stdout
    assert "fail    slack.socket_mode" in result.stdout
    assert "the check itself failed" not in result.stdout


async def test_silence_everywhere_ends_in_time(sandbox: Sandbox) -> None:
    sandbox.slack.fail("*", "hang", times=None)
    sandbox.cloud.inject_fault("hang", operation="token", times=9)
    started_at = time.monotonic()
    result = await sandbox.run_doctor()
    assert time.monotonic() - started_at < 30
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


async def test_a_timeout_is_a_failure_and_leaves_the_other_results(sandbox: Sandbox) -> None:
    sandbox.slack.fail("*", "hang", times=None)
    results = await run_checks(Settings.read(sandbox.environ()), timeout_seconds=1.0)
    checks = {check.name: check for check in results}
    assert failures(checks) == {"slack.timeout", "connectivity.timeout"}
    assert checks["cloud.sign_in"].status is CheckStatus.PASS


async def test_everyone_everywhere_is_a_warning(sandbox: Sandbox) -> None:
    checks = await sandbox.check(ALLOWED_CHANNELS="*", ALLOWED_USERS="*")
    assert problems(checks) == {"settings.access_policy": CheckStatus.WARN}


async def test_a_url_that_would_carry_secrets_unencrypted_is_a_warning(sandbox: Sandbox) -> None:
    checks = await sandbox.check(HW_AUTH_URL="http://nowhere.invalid/v3")
    assert checks["settings.HW_AUTH_URL"].status is CheckStatus.WARN
    assert checks["settings.HW_AUTH_URL"].remedy == "use https"


async def test_a_running_bot_does_not_open_a_second_connection(sandbox: Sandbox) -> None:
    self_check = SelfCheck(Settings.read(sandbox.environ()))
    report = Catalog().translator(Language.EN).render(await self_check.report())
    assert "The bot can work." in report
    assert "apps.connections.open" not in {call.method for call in sandbox.slack.calls}


async def test_many_reports_try_a_wrong_password_once_a_minute(sandbox: Sandbox) -> None:
    now = [0.0]
    settings = Settings.read(sandbox.environ(HW_USER_PASSWORD="wrong-password"))
    self_check = SelfCheck(settings, clock=lambda: now[0])
    reports = await asyncio.gather(*(self_check.report() for _ in range(5)))
    assert len(set(reports)) == 1
    assert sandbox.cloud.sign_ins == 1
    now[0] = 61.0
    await self_check.report()
    assert sandbox.cloud.sign_ins == 2


async def terminal_output(sandbox: Sandbox, **settings: str) -> str:
    """What the doctor prints on a terminal."""
    controller, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *command_line("doctor"),
            cwd=sandbox.folder,
            env=process_environ({**sandbox.environ(), "TERM": "xterm", **settings}),
            stdout=terminal,
            stderr=terminal,
        )
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
        return os.read(controller, 65536).decode()
    finally:
        os.close(controller)
        os.close(terminal)
