"""`python -m bot sandbox`: the bot in Socket Mode between a stand-in Slack and a stand-in TaurusDB, with a web page."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bot.app import run, stop_on_signal
from bot.environment import SettingsError
from bot.logs import configure_logging
from bot.network import CannotListen, try_to_listen
from bot.sandbox.slack import StandInSlack
from bot.sandbox.slack.state import Channel
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.server import HOST, WebServer
from bot.settings import Settings

CONNECT_SECONDS = 20


def run_sandbox(port: int) -> int:
    """Run until Ctrl-C; the exit code. It listens on loopback only and leaves no files behind.

    Raises `SettingsError` when there is no place for the page or for the database.
    """
    configure_logging("WARNING", "text")
    try:
        try_to_listen(HOST, port)
        folder = tempfile.TemporaryDirectory(prefix="starrocks-upgrade-sandbox-")
    except CannotListen as error:
        raise SettingsError([f"--port: {error.reason}"]) from error
    except OSError as error:
        raise SettingsError([f"TMPDIR: no folder for temporary files: {error.strerror}"]) from error
    with folder:
        return asyncio.run(_serve(port, Path(folder.name)))


def sandbox_settings(slack: StandInSlack, cloud: StandInCloud, folder: Path) -> Mapping[str, str]:
    """The environment variables that connect a bot to these two stand-ins; its database is in `folder`."""
    projects = ", ".join(f"{region}:{project_id}" for project_id, region in cloud.projects.items())
    one = {"HW_REGION_NAME": cloud.projects[cloud.project_id], "HW_PROJECT_ID": cloud.project_id}
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        **({"HW_PROJECTS": projects} if len(cloud.projects) > 1 else one),
        "HW_DOMAIN_NAME": cloud.domain,
        "HW_USER_NAME": cloud.user,
        "HW_USER_PASSWORD": cloud.password,
        "HW_AUTH_URL": cloud.iam_url,
        "TAURUSDB_ENDPOINT": cloud.endpoint,
        "DATABASE_URL": f"sqlite:///{folder / 'sandbox.db'}",
        "ALLOWED_CHANNELS": "*",
        "ALLOWED_USERS": f"{slack.people['sre'].id},{slack.people['dba'].id},{slack.people['third'].id}",
        "CONFIRM_BY": "anyone",
        "CONFIRM_TTL_SECONDS": "120",
        "JOB_POLL_SECONDS": "1",
    }


async def _serve(port: int, folder: Path) -> int:
    stop = stop_on_signal()
    async with StandInSlack() as slack, StandInCloud() as cloud:
        slack.limit_rates()
        cloud.add_example_project()
        cloud.windows_by_calendar = True
        cloud.foreign_tasks.clear()  # what others do is put on an instance in the page
        reports = slack.add_channel(Channel("C0REPORTS1", "upgrade-reports"))
        # Patterns, so that a renamed channel may fall out of them; Slack names a private channel only to its members.
        allowed = f"#db-ops*,#inc*,#archived,{slack.channels['no-bot'].id},{reports.id}"
        settings = Settings.read(
            {**sandbox_settings(slack, cloud, folder), "REPORT_CHANNEL": reports.id, "ALLOWED_CHANNELS": allowed}
        )
        bot = asyncio.create_task(run(settings, stop), name="bot")
        connected = asyncio.create_task(slack.connected(timeout=CONNECT_SECONDS), name="connected")
        try:
            await asyncio.wait({bot, connected}, return_when=asyncio.FIRST_COMPLETED)
            if not bot.done():  # it was not stopped while it connected
                await connected
                async with WebServer(slack, cloud, port) as server:
                    print(f"The sandbox is at {server.url} (Ctrl-C ends it)", flush=True)
                    await stop.wait()
        finally:
            stop.set()
            connected.cancel()
            await bot
    return 0
