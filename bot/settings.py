"""The settings, read once from the environment and a `.env` file: frozen, and every mistake named at once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias
from unicodedata import category
from urllib.parse import parse_qs, unquote, urlsplit

from bot.core.command import DEFAULT_COMMAND_NAME
from bot.core.messages import Language
from bot.core.permissions import EVERYTHING, ConfirmBy, IdSet, Rules, channel_name
from bot.core.tokenizer import INSTANCE_ID
from bot.environment import SettingsError, misspelt_names, read_file, reason_of, without_quotes
from bot.network import NETWORK_VARIABLES, Network
from bot.storage.urls import check_url
from bot.taurusdb.endpoints import console_url, iam_url, taurusdb_endpoint

DEFAULT_DATABASE_URL = "sqlite:///starrocks-upgrade-bot.db"
DEFAULT_PORT = 3000
# Each can be read from a file instead: NAME_FILE (container secrets).
SECRET_VARIABLES = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "HW_USER_PASSWORD",
    "HW_SECRET_KEY",
    "HW_SECURITY_TOKEN",
    "HW_AUTH_TOKEN",
    "DATABASE_URL",
)
_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
_PROJECT_ID = re.compile(r"[0-9a-zA-Z]{32}")
_REPORT_CHANNEL = re.compile(r"[CG][A-Z0-9]+", re.ASCII)
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]+", re.ASCII)
_CHANNEL_NAME = re.compile(r"[\w*-]{1,80}")  # letters of any script, as in Slack
_OTHER_ID = re.compile(r"[A-Z][A-Z0-9]+|[A-Za-z]0[A-Za-z0-9]{7,}", re.ASCII)  # of something else, or mistyped
_NOT_IN_LINK = re.compile(r"[\s<>|{}]|.{501}")  # what a link in Slack cannot hold, and a placeholder that is not ours
_REGION = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A token, password or key that no `repr`, traceback or log line shows; only `reveal()` does."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """How Slack is reached; Socket Mode when there is an app token."""

    bot_token: Secret
    app_token: Secret | None
    signing_secret: Secret | None
    api_url: str
    command: str


@dataclass(frozen=True, slots=True)
class IamUserCredentials:
    """An IAM user with a password: the bot obtains and renews the token."""

    domain: str
    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class KeyCredentials:
    """AK/SK; `security_token` only with temporary keys."""

    access_key: str
    secret_key: Secret
    security_token: Secret | None


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A ready-made user token."""

    token: Secret


Credentials: TypeAlias = IamUserCredentials | KeyCredentials | TokenCredentials


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """How one project of the cloud is reached; URLs that are not set follow from the region."""

    region: str
    project_id: str
    credentials: Credentials
    auth_url: str
    endpoint: str
    console_url: str  # of the web console, for people; empty when it is not known

    @property
    def project(self) -> str:
        """`region:project_id`, as in HW_PROJECTS."""
        return f"{self.region}:{self.project_id}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; the table in bot/docs/set-up.md explains each variable."""

    slack: SlackSettings
    clouds: tuple[CloudSettings, ...]  # one a project, at least one
    network: Network
    rules: Rules
    database_url: str = field(repr=False)  # there may be a password in it
    host: str
    port: int | None
    confirm_ttl_seconds: float
    job_poll_seconds: float
    drain_seconds: float  # between "not ready" and closing the web server, for load balancers to notice
    default_language: Language
    report_channel: str  # its id, empty when there is none
    log_level: str
    log_format: str
    hints: tuple[str, ...] = ()
    """A line for each name of the environment that is not ours but looks misspelt."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read them; raises `SettingsError` with one line for every mistake."""
        reader = SettingsReader(environ)
        port = reader.number("PORT", None, minimum=0, maximum=65535, is_whole=True)
        network_variables = (*NETWORK_VARIABLES, *map(str.lower, NETWORK_VARIABLES))
        unquoted = {name: reader.check_quotes(name) for name in network_variables if name in environ}
        languages = [language.value for language in Language]
        settings = cls(
            slack=_read_slack(reader),
            clouds=_read_clouds(reader),
            network=Network.read({**environ, **unquoted}, reader.mistake),
            rules=_read_rules(reader),
            database_url=_read_database_url(reader),
            host=reader.text("HOST", "127.0.0.1"),
            port=None if port is None else int(port),
            confirm_ttl_seconds=reader.number("CONFIRM_TTL_SECONDS", 600.0, minimum=1, maximum=30 * 86400) or 600.0,
            job_poll_seconds=reader.number("JOB_POLL_SECONDS", 10.0, minimum=0.05, maximum=3600) or 10.0,
            drain_seconds=reader.number("DRAIN_SECONDS", 0.0, minimum=0, maximum=300) or 0.0,
            default_language=Language(reader.choice("DEFAULT_LANGUAGE", "en-us", languages)),
            report_channel=reader.optional("REPORT_CHANNEL", _REPORT_CHANNEL, "a channel id like C012AB3CD"),
            log_level=reader.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], upper=True),
            log_format=reader.choice("LOG_FORMAT", "text", ["text", "json"]),
        )
        hints = tuple(reader.hints())
        reader.raise_mistakes(hints)
        return replace(settings, hints=hints)

    @property
    def cloud(self) -> CloudSettings:
        """The first project: the way of signing in is the same in all."""
        return self.clouds[0]

    @property
    def has_several_projects(self) -> bool:
        """Whether projects and regions have to be named to people."""
        return len(self.clouds) > 1

    @property
    def serves_http(self) -> bool:
        """Whether there is a web server: in HTTP mode always, in Socket Mode when PORT is set."""
        return self.slack.app_token is None or self.port is not None

    @property
    def listening_port(self) -> int:
        """The web server's port, 0 for any free one."""
        return DEFAULT_PORT if self.port is None else self.port


class SettingsReader:
    """Reads one environment; blanks around values are dropped, an empty value is no value.

    Every method notes a mistake instead of raising it.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._mistakes: list[str] = []
        self._known_names: set[str] = set()
        with_file = (name for name in SECRET_VARIABLES if environ.get(f"{name}_FILE", "").strip())
        self._from_files = {name: self._read_file(name) for name in with_file}

    def mistake(self, name: str, reason: str) -> None:
        """Note a mistake."""
        mistake = f"{name}: {reason}"
        if mistake not in self._mistakes:  # one value may serve several projects
            self._mistakes.append(mistake)

    def raise_mistakes(self, hints: Sequence[str] = ()) -> None:
        """Raise what was noted, all at once, with what may help."""
        if self._mistakes:
            raise SettingsError(self._mistakes, hints)

    def hints(self) -> Iterable[str]:
        """A line for each name that looks like a misspelt one of those that were read until now."""
        known_names = {*self._known_names, *(f"{name}_FILE" for name in SECRET_VARIABLES)}
        for name, meant in misspelt_names(self._environ, known_names):
            yield f"{name}: unknown name, did you mean {meant}?"

    def is_set(self, name: str) -> bool:
        """Whether it is set to anything."""
        return bool(self.text(name, ""))

    def check_quotes(self, name: str) -> str:
        """The value without quotes around it, which are a mistake."""
        value = self._environ.get(name, "").strip()
        unquoted = without_quotes(value)
        if unquoted is not None:
            self.mistake(name, "its value stands in quotes, which `docker run --env-file` keeps: take them away")
        return value if unquoted is None else unquoted

    def text(self, name: str, default: str) -> str:
        """Any text."""
        value = self.check_quotes(name)
        self._known_names.add(name)
        return self._from_files.get(name) or value or default

    def secret(self, name: str, prefix: str, *, required: bool = False) -> Secret | None:
        """A secret, checked by its prefix; mistakes are described without showing it."""
        value = self.text(name, "")
        if not value:
            if required:
                self.mistake(name, f"required ({prefix}…)")
            return None
        if not value.startswith(prefix):
            self.mistake(name, f"should begin with {prefix}")
        if not value.isascii() or not value.isprintable():
            self.mistake(name, "has characters that no such value has")
        return Secret(value)

    def matching(self, name: str, pattern: re.Pattern[str], form: str, default: str = "") -> str:
        """A text of the given form; required when there is no default."""
        value = self.optional(name, pattern, form, default)
        if not value:
            self.mistake(name, f"required: {form}")
        return value

    def optional(self, name: str, pattern: re.Pattern[str], form: str, default: str = "") -> str:
        """A text of the given form, or none."""
        value = self.text(name, default)
        if value and not pattern.fullmatch(value):
            self.mistake(name, f"should be {form}")
        return value

    def choice(self, name: str, default: str, choices: Sequence[str], *, upper: bool = False) -> str:
        """One of a few words."""
        value = self.text(name, default)
        value = value.upper() if upper else value.lower()
        if value not in choices:
            self.mistake(name, f"should be one of {', '.join(choices)}")
            return default
        return value

    def number(
        self, name: str, default: float | None, *, minimum: float, maximum: float, is_whole: bool = False
    ) -> float | None:
        """A number within bounds."""
        value = self.text(name, "")
        if not value:
            return default
        form = r"\d{1,9}" if is_whole else r"\d{1,9}(\.\d{1,6})?"
        if not re.fullmatch(form, value, re.ASCII) or not minimum <= float(value) <= maximum:
            self.mistake(name, f"should be a number from {minimum:g} to {maximum:g}")
            return default
        return float(value)

    def url(self, name: str, default: str, region: str = "") -> str:
        """An http or https URL; `{region}` in it is replaced."""
        value = self.text(name, default).replace("{region}", region or "region")
        if value:
            try:
                parts = urlsplit(value)
                is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
                (parts.hostname or "").encode("idna")  # raises what a resolver would raise later
            except ValueError:
                is_valid = False
            if not is_valid:
                self.mistake(name, "should be an address like https://host")
        return value

    def words(self, name: str, default: str = "") -> list[str]:
        """What stands between commas."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def slack_ids(self, name: str, prefixes: str, form: str) -> IdSet:
        """Slack ids, separated by commas, or `*`; never names or e-mail addresses."""
        pattern = re.compile(f"[{prefixes}][A-Z0-9]+", re.ASCII)
        return self._ids(name, self.words(name), pattern, f"is no id; {form}")

    def channels(self, name: str) -> tuple[IdSet, frozenset[str]]:
        """Channel ids (or `*`), and names or patterns of names in lower case."""
        ids, names, is_everything = set(), set(), False
        for word in self.words(name):
            bare = word.removeprefix("#")
            if word == "*":
                is_everything = True
            elif _CHANNEL_ID.fullmatch(word):
                ids.add(word)
            elif _is_channel_name(bare) and (word != bare or not _OTHER_ID.fullmatch(word)):
                names.add(channel_name(bare))
            else:
                self.mistake(name, f"{word!r} is no channel: ids like C012AB3CD, names like #db-ops or #inc-*, or *")
        return (EVERYTHING, frozenset()) if is_everything else (IdSet(frozenset(ids)), frozenset(names))

    def instance_ids(self, name: str) -> IdSet:
        """StarRocks instance ids, or `*`."""
        words = [word.lower() for word in self.words(name, "*")]
        return self._ids(name, words, INSTANCE_ID, "is no StarRocks id: 32 hex digits and in17")

    def _ids(self, name: str, words: Sequence[str], pattern: re.Pattern[str], mistake: str) -> IdSet:
        if words == ["*"]:
            return EVERYTHING
        for word in words:
            if not pattern.fullmatch(word):
                self.mistake(name, f"{word!r} {mistake}")
        return IdSet(frozenset(words))

    def _read_file(self, name: str) -> str:
        if self._environ.get(name, "").strip():
            self.mistake(name, f"set it or {name}_FILE, not both")
        try:
            if value := read_file(Path(self._environ[f"{name}_FILE"].strip())).decode("utf-8-sig").strip():
                return value
            self.mistake(f"{name}_FILE", "is empty")  # no default may take its place unnoticed
        except UnicodeDecodeError:
            self.mistake(f"{name}_FILE", "is not UTF-8")
        except (OSError, ValueError) as error:
            self.mistake(f"{name}_FILE", reason_of(error))
        return ""


def _is_channel_name(text: str) -> bool:
    """Whether it is a name or a pattern; marks (vowels of Thai, accents) go with the letters before them."""
    return bool(_CHANNEL_NAME.fullmatch("".join(char for char in text if not category(char).startswith("M"))))


def _read_slack(reader: SettingsReader) -> SlackSettings:
    bot_token = reader.secret("SLACK_BOT_TOKEN", "xoxb-", required=True)
    app_token = reader.secret("SLACK_APP_TOKEN", "xapp-")
    signing_secret = reader.secret("SLACK_SIGNING_SECRET", "")
    if app_token is None and signing_secret is None:
        reader.mistake("SLACK_SIGNING_SECRET", "required without SLACK_APP_TOKEN (HTTP mode)")
    return SlackSettings(
        bot_token=bot_token or Secret(""),
        app_token=app_token,
        signing_secret=signing_secret,
        api_url=reader.url("SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/",
        command=reader.matching("SLASH_COMMAND", _COMMAND, f"a name like {DEFAULT_COMMAND_NAME}", DEFAULT_COMMAND_NAME),
    )


def _read_clouds(reader: SettingsReader) -> tuple[CloudSettings, ...]:
    """The projects: those of HW_PROJECTS, or the one of HW_REGION_NAME and HW_PROJECT_ID."""
    credentials = _read_credentials(reader)
    if not reader.is_set("HW_PROJECTS"):
        region = reader.matching("HW_REGION_NAME", _REGION, "a region like cn-north-4")
        project_id = reader.matching("HW_PROJECT_ID", _PROJECT_ID, "32 letters and digits")
        return (_cloud_settings(reader, "HW_REGION_NAME", region, project_id, credentials),)
    for name in ("HW_REGION_NAME", "HW_PROJECT_ID"):
        if reader.is_set(name):
            reader.mistake(name, "set either HW_PROJECTS or HW_REGION_NAME and HW_PROJECT_ID, not both")
    projects = _read_projects(reader)
    if isinstance(credentials, TokenCredentials) and len(projects) > 1:
        reader.mistake("HW_AUTH_TOKEN", "is of one project only: with several in HW_PROJECTS set an IAM user or AK/SK")
    placeholder = (("", ""),)  # there is a mistake then
    return tuple(
        _cloud_settings(reader, "HW_PROJECTS", region, project_id, credentials)
        for region, project_id in projects or placeholder
    )


def _read_projects(reader: SettingsReader) -> list[tuple[str, str]]:
    """Region and project id of each entry of HW_PROJECTS; a project belongs to one region."""
    form = "region:project_id, region:project_id \u2026"
    projects: dict[str, str] = {}
    entries = reader.words("HW_PROJECTS")
    if not entries:
        reader.mistake("HW_PROJECTS", f"names no project: {form}")
    for entry in entries:
        region, colon, project_id = (part.strip() for part in entry.partition(":"))
        if not colon:
            reader.mistake("HW_PROJECTS", f"{entry!r} should be region:project_id")
            continue
        is_region, is_project_id = _REGION.fullmatch(region), _PROJECT_ID.fullmatch(project_id)
        if not is_region:
            reader.mistake("HW_PROJECTS", f"{entry!r}: {region!r} should be a region like cn-north-4")
        if not is_project_id:
            reader.mistake("HW_PROJECTS", f"{entry!r}: {project_id!r} should be 32 letters and digits")
        if is_region and is_project_id:
            if project_id in projects:
                reader.mistake("HW_PROJECTS", f"the project {project_id} is named more than once")
            projects.setdefault(project_id, region)
    return [(region, project_id) for project_id, region in projects.items()]


def _cloud_settings(
    reader: SettingsReader, region_variable: str, region: str, project_id: str, credentials: Credentials
) -> CloudSettings:
    """How one project is reached; `region_variable` is named when its region has no known endpoint."""
    endpoint = reader.url("TAURUSDB_ENDPOINT", "", region).rstrip("/")
    if not endpoint and _REGION.fullmatch(region):
        try:
            endpoint = taurusdb_endpoint(region)
        except ValueError as error:
            reader.mistake(region_variable, f"{error}; or set TAURUSDB_ENDPOINT")
    auth_url = reader.url("HW_AUTH_URL", iam_url(region), region).rstrip("/")
    console = reader.url("CONSOLE_URL", console_url(region), region)
    if _NOT_IN_LINK.search(console):
        reader.mistake("CONSOLE_URL", "should be an address like https://host")
    return CloudSettings(region, project_id, credentials, auth_url, endpoint, console)


def _read_credentials(reader: SettingsReader) -> Credentials:
    """Exactly one way of signing in."""
    variables: dict[str, tuple[str, ...]] = {
        "an IAM user": ("HW_DOMAIN_NAME", "HW_USER_NAME", "HW_USER_PASSWORD"),
        "AK/SK": ("HW_ACCESS_KEY", "HW_SECRET_KEY"),
        "a ready token": ("HW_AUTH_TOKEN",),
    }
    names_set = {name for names in variables.values() for name in names if reader.is_set(name)}
    chosen = {way: names for way, names in variables.items() if names_set & set(names)}
    if not chosen:
        reader.mistake("HW_USER_NAME", "no way of signing in is set: an IAM user, AK/SK or HW_AUTH_TOKEN")
    elif len(chosen) > 1:
        first_names = ", ".join(next(name for name in names if name in names_set) for names in chosen.values())
        reader.mistake(first_names, f"set exactly one way of signing in, not {' and '.join(chosen)}")
    for names in chosen.values() if len(chosen) == 1 else ():
        for name in names:
            if name not in names_set:
                others = ", ".join(other for other in names if other != name)
                reader.mistake(name, f"required together with {others}")
    if reader.is_set("HW_SECURITY_TOKEN") and "AK/SK" not in chosen:
        reader.mistake("HW_SECURITY_TOKEN", "belongs to AK/SK: set HW_ACCESS_KEY and HW_SECRET_KEY")
    if "AK/SK" in chosen:
        secret_key = reader.secret("HW_SECRET_KEY", "") or Secret("")
        security_token = reader.secret("HW_SECURITY_TOKEN", "")
        return KeyCredentials(reader.text("HW_ACCESS_KEY", ""), secret_key, security_token)
    if "a ready token" in chosen:
        return TokenCredentials(reader.secret("HW_AUTH_TOKEN", "") or Secret(""))
    password = reader.secret("HW_USER_PASSWORD", "") or Secret("")
    return IamUserCredentials(reader.text("HW_DOMAIN_NAME", ""), reader.text("HW_USER_NAME", ""), password)


def _read_rules(reader: SettingsReader) -> Rules:
    users = reader.slack_ids("ALLOWED_USERS", "UW", "a user id like U012AB3CD")
    usergroups = reader.slack_ids("ALLOWED_USERGROUPS", "S", "a user-group id like S012AB3CD")
    if not users and not usergroups:
        reader.mistake("ALLOWED_USERS", "nobody could use the bot: set ALLOWED_USERS or ALLOWED_USERGROUPS (ids, or *)")
    channels, channel_names = reader.channels("ALLOWED_CHANNELS")
    if not reader.words("ALLOWED_CHANNELS"):
        reader.mistake("ALLOWED_CHANNELS", "required: channel ids, names or patterns of names, or *")
    skip_usergroups = reader.slack_ids("SKIP_VALIDATE_USERGROUPS", "S", "a user-group id like S012AB3CD")
    skip_users = reader.slack_ids("SKIP_VALIDATE_USERS", "UW", "a user id like U012AB3CD")
    is_limited = reader.is_set("SKIP_VALIDATE_USERS") or reader.is_set("SKIP_VALIDATE_USERGROUPS")
    choices = [choice.value for choice in ConfirmBy]
    confirm_by = reader.choice("CONFIRM_BY", "requester", choices)
    confirm_skip_validate_by = reader.choice("CONFIRM_SKIP_VALIDATE_BY", confirm_by, choices)
    return Rules(
        channels=channels,
        channel_names=channel_names,
        users=users,
        usergroups=usergroups,
        confirm_by=ConfirmBy(confirm_by),
        confirm_skip_validate_by=ConfirmBy(confirm_skip_validate_by),
        skip_validate_users=skip_users if is_limited else EVERYTHING,
        skip_validate_usergroups=skip_usergroups,
        instances=reader.instance_ids("ALLOWED_INSTANCES"),
    )


def _read_database_url(reader: SettingsReader) -> str:
    url = _checked_database_url(reader)
    if url.startswith("postgres") and find_spec("asyncpg") is None:
        reader.mistake("DATABASE_URL", "postgresql:// needs the extra: pip install 'starrocks-upgrade-bot[postgres]'")
    return url


def read_database_url(environ: Mapping[str, str]) -> str:
    """DATABASE_URL alone, for commands that need no other setting. Raises `SettingsError`."""
    reader = SettingsReader({name: value for name, value in environ.items() if name.startswith("DATABASE_URL")})
    url = _checked_database_url(reader)
    reader.raise_mistakes()
    return url


def _checked_database_url(reader: SettingsReader) -> str:
    url = reader.text("DATABASE_URL", DEFAULT_DATABASE_URL)
    try:
        check_url(url)
    except ValueError as error:
        reader.mistake("DATABASE_URL", str(error))
    return url


def secrets_in(value: object) -> Iterable[str]:
    """Every secret in a tree of dataclasses, and the password in every URL that has one, for redaction."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif is_dataclass(value):
        for attribute in fields(value):
            yield from secrets_in(getattr(value, attribute.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from secrets_in(item)
    elif isinstance(value, str) and "://" in value and "@" in value:
        try:
            parts = urlsplit(value)
        except ValueError:
            return
        password = parts.password or ""
        yield from (password, unquote(password), *parse_qs(parts.query).get("password", ()))
