"""Runs all checks, for `python -m bot doctor` and for the command `doctor` in Slack."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, TextIO
from urllib.parse import urlsplit

from bot.connections import open_slack
from bot.core.messages import Message
from bot.doctor.cloud import check_cloud
from bot.doctor.connectivity import check_connectivity
from bot.doctor.database import check_database
from bot.doctor.report import Check, Reporter, can_work, failed, passed, to_json, to_message, to_text, warned
from bot.doctor.slack import check_slack
from bot.environment import env_file_warning
from bot.logs import Redactor, configure_logging
from bot.settings import Settings, TokenCredentials, secrets_in

log = logging.getLogger("bot.doctor")
TIMEOUT_SECONDS = 25.0
REPORT_TTL_SECONDS = 60.0
EXIT_CAN_WORK, EXIT_CANNOT_WORK = 0, 1


def run_doctor(settings: Settings, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Run and print all checks; 0 only if the bot can work. Only what no check reports is logged."""
    configure_logging("ERROR", settings.log_format, secrets_in(settings))
    checks = list(asyncio.run(run_checks(settings)))
    if warning := env_file_warning():
        checks.insert(1, warned("settings.env_file", warning, "chmod 600 .env"))
    print(to_json(checks) if as_json else to_text(checks, colored=_use_color(sys.stdout, environ)))
    return EXIT_CAN_WORK if can_work(checks) else EXIT_CANNOT_WORK


class SelfCheck:
    """All checks from within a running bot; a report is kept for a minute.

    Many commands in a row must not lock the IAM user by trying a wrong password each time.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._report: Message | None = None
        self._valid_until = 0.0

    async def report(self) -> Message:
        """The summary, for a private reply."""
        async with self._lock:
            if self._report is None or self._clock() >= self._valid_until:
                self._report = to_message(await run_checks(self._settings, in_running_bot=True))
                self._valid_until = self._clock() + REPORT_TTL_SECONDS
            return self._report


async def run_checks(
    settings: Settings,
    *,
    in_running_bot: bool = False,
    timeout_seconds: float = TIMEOUT_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Sequence[Check]:
    """Run all checks at the same time; never raises, secrets are redacted.

    `in_running_bot`: Slack reaches this process, so no second Socket Mode connection is opened.
    """
    checks: dict[str, list[Check]] = {"settings": [], "slack": [], "connectivity": [], "database": [], "cloud": []}
    check_settings(checks["settings"].append, settings)
    async with open_slack(settings) as client:
        connectivity = check_connectivity(
            checks["connectivity"].append, settings, client, in_running_bot=in_running_bot
        )
        await _run_groups(
            checks,
            {
                "slack": check_slack(checks["slack"].append, settings, client, clock),
                "connectivity": connectivity,
                "database": check_database(checks["database"].append, settings.database_url),
                "cloud": check_cloud(checks["cloud"].append, settings, clock),
            },
            timeout_seconds,
        )
    redact = Redactor(secrets_in(settings))
    return [
        replace(check, detail=redact(check.detail), remedy=redact(check.remedy))
        for group in checks.values()
        for check in group
    ]


async def _run_groups(
    checks: Mapping[str, list[Check]], groups: Mapping[str, Coroutine[Any, Any, None]], timeout_seconds: float
) -> None:
    """Run the groups; one that does not end in time, or raises, gets a failed check that says so."""
    tasks = {asyncio.create_task(group, name=f"check {name}"): name for name, group in groups.items()}
    done, pending = await asyncio.wait(tasks, timeout=timeout_seconds)
    for task in pending:
        task.cancel()
        name, detail = tasks[task], f"not finished after {timeout_seconds:g} s"
        checks[name].append(failed(f"{name}.timeout", detail, "see what is slow above, and run it again"))
    if pending:
        await asyncio.wait(pending)
    for task in done:
        error = task.exception()
        if error is not None:
            name, detail = tasks[task], f"the check itself failed: {type(error).__name__}: {error}"
            log.error("doctor.check_failed", extra={"group": name}, exc_info=error)
            checks[name].append(failed(f"{name}.error", detail, "report it with the log's traceback"))


def check_settings(report: Reporter, settings: Settings) -> None:
    """What is allowed, but seldom intended."""
    mode = "Socket Mode" if settings.slack.app_token else "HTTP mode"
    names = [cloud.region for cloud in settings.clouds]
    regions = f"regions {', '.join(names)}" if settings.has_several_projects else f"region {names[0]}"
    report(passed("settings", f"all of them can be read; {mode}, {regions}"))
    if settings.rules.users.is_everything and settings.rules.channels.is_everything:
        detail = "everyone of the workspace may use the bot, in every channel"
        remedy = "name ids in ALLOWED_USERS, ALLOWED_USERGROUPS or ALLOWED_CHANNELS"
        report(warned("settings.access_policy", detail, remedy))
    for hint in settings.hints:
        name = hint.partition(":")[0]
        report(warned(f"settings.unknown_name.{name}", hint, "correct the name, or unset it"))
    if isinstance(settings.cloud.credentials, TokenCredentials):
        detail = "HW_AUTH_TOKEN is a token that ends 24 hours after it was made"
        remedy = "set HW_DOMAIN_NAME, HW_USER_NAME and HW_USER_PASSWORD, or AK/SK"
        report(warned("settings.credentials", detail, remedy))
    urls = {
        "SLACK_API_URL": [settings.slack.api_url],
        "TAURUSDB_ENDPOINT": [cloud.endpoint for cloud in settings.clouds],
        "HW_AUTH_URL": [cloud.auth_url for cloud in settings.clouds],
    }
    for name, addresses in urls.items():
        if any(map(_is_unencrypted, addresses)):
            detail = "secrets are sent over http, which anyone on the way can read"
            report(warned(f"settings.{name}", detail, "use https"))


def _is_unencrypted(url: str) -> bool:
    """Whether what is sent there leaves this machine unencrypted."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname != "localhost"


def _use_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Only on a terminal, and not when NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
