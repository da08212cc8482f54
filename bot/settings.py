"""The settings, read once from an environment: frozen, and every mistake named at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec

from bot.core.policy import ConfirmBy, Ids, Rules
from bot.core.sentence import Language
from bot.reading import Reading, SettingsError
from bot.secret import Secret
from bot.sign_in import SignIn, read_sign_in
from bot.taurusdb.endpoints import iam_url, taurusdb_endpoint

__all__ = ["CloudSettings", "Settings", "SettingsError", "SlackSettings"]

DATABASE = re.compile(r"sqlite:///(?!:memory:).*[^/]|postgres(ql)?://.+", re.DOTALL)
DEFAULT_DATABASE = "sqlite:///starrocks-upgrade-bot.db"
COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
PROJECT = re.compile(r"[0-9a-zA-Z]{32}")
REGION = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """How Slack is reached; Socket Mode when there is an app token."""

    bot_token: Secret
    app_token: Secret | None
    signing_secret: Secret | None
    api_url: str
    command: str


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """How the cloud is reached; addresses that are not set follow from the region."""

    region: str
    project_id: str
    sign_in: SignIn
    auth_url: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; see the README's table."""

    slack: SlackSettings
    cloud: CloudSettings
    rules: Rules
    database_url: str = field(repr=False)  # there may be a password in it
    host: str
    port: int | None
    confirm_ttl_seconds: float
    job_poll_seconds: float
    default_language: Language
    log_level: str
    log_format: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read them; raises `SettingsError` with one line for every mistake."""
        reading = Reading(environ)
        port = reading.number("PORT", None, least=0, most=65535)
        settings = cls(
            slack=_slack(reading),
            cloud=_cloud(reading),
            rules=_rules(reading),
            database_url=_database(reading),
            host=reading.text("HOST", "127.0.0.1"),
            port=None if port is None else int(port),
            confirm_ttl_seconds=reading.number("CONFIRM_TTL_SECONDS", 600.0, least=1, most=30 * 86400) or 600.0,
            job_poll_seconds=reading.number("JOB_POLL_SECONDS", 10.0, least=0.05, most=3600) or 10.0,
            default_language=Language(reading.choice("DEFAULT_LANGUAGE", "en-us", [one.value for one in Language])),
            log_level=reading.choice(
                "LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], upper=True
            ),
            log_format=reading.choice("LOG_FORMAT", "text", ["text", "json"]),
        )
        reading.finish()
        return settings


def _database(reading: Reading) -> str:
    url = reading.matching("DATABASE_URL", DATABASE, "sqlite:///a-file.db or postgresql://…", DEFAULT_DATABASE)
    if url.startswith("postgres") and find_spec("asyncpg") is None:
        reading.wrong("DATABASE_URL", "postgresql:// needs the extra: pip install 'starrocks-upgrade-bot[postgres]'")
    return url


def _slack(reading: Reading) -> SlackSettings:
    bot_token = reading.secret("SLACK_BOT_TOKEN", "xoxb-", required=True)
    app_token = reading.secret("SLACK_APP_TOKEN", "xapp-")
    signing_secret = reading.secret("SLACK_SIGNING_SECRET", "")
    if app_token is None and signing_secret is None:
        reading.wrong("SLACK_SIGNING_SECRET", "required without SLACK_APP_TOKEN (HTTP mode)")
    return SlackSettings(
        bot_token=bot_token or Secret(""),
        app_token=app_token,
        signing_secret=signing_secret,
        api_url=reading.address("SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/",
        command=reading.matching("SLASH_COMMAND", COMMAND, "a name like /starrocks-upgrade", "/starrocks-upgrade"),
    )


def _cloud(reading: Reading) -> CloudSettings:
    region = reading.matching("HW_REGION_NAME", REGION, "a region like cn-north-4")
    endpoint = reading.address("TAURUSDB_ENDPOINT", "").rstrip("/")
    if not endpoint and REGION.fullmatch(region):
        try:
            endpoint = taurusdb_endpoint(region)
        except ValueError as unknown:
            reading.wrong("HW_REGION_NAME", f"{unknown}; or set TAURUSDB_ENDPOINT")
    return CloudSettings(
        region=region,
        project_id=reading.matching("HW_PROJECT_ID", PROJECT, "32 letters and digits"),
        sign_in=read_sign_in(reading),
        auth_url=reading.address("HW_AUTH_URL", iam_url(region)).rstrip("/"),
        endpoint=endpoint,
    )


def _rules(reading: Reading) -> Rules:
    users = reading.ids("ALLOWED_USERS", "UW", "a user id like U012AB3CD")
    groups = reading.ids("ALLOWED_USERGROUPS", "S", "a user-group id like S012AB3CD")
    if not users and not groups:
        reading.wrong("ALLOWED_USERS", "nobody could use the bot: set ALLOWED_USERS or ALLOWED_USERGROUPS (ids, or *)")
    channels = reading.ids("ALLOWED_CHANNELS", "CGD", "a channel id like C012AB3CD")
    if not channels:
        reading.wrong("ALLOWED_CHANNELS", "required: channel ids, or *")
    skip_groups = reading.ids("SKIP_VALIDATE_USERGROUPS", "S", "a user-group id like S012AB3CD")
    skip_users = reading.ids("SKIP_VALIDATE_USERS", "UW", "a user id like U012AB3CD")
    someone = reading.has("SKIP_VALIDATE_USERS") or reading.has("SKIP_VALIDATE_USERGROUPS")
    confirm_by = reading.choice("CONFIRM_BY", "requester", [one.value for one in ConfirmBy])
    skip_by = reading.choice("CONFIRM_SKIP_VALIDATE_BY", confirm_by, [one.value for one in ConfirmBy])
    return Rules(
        channels=channels,
        users=users,
        usergroups=groups,
        confirm_by=ConfirmBy(confirm_by),
        confirm_skip_validate_by=ConfirmBy(skip_by),
        skip_validate_users=skip_users if someone else Ids(everything=True),
        skip_validate_usergroups=skip_groups,
        instances=reading.instances("ALLOWED_INSTANCES"),
    )
