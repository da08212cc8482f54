"""The settings: every mistake at once, secrets from files, and no secret is shown anywhere."""

import traceback
from collections.abc import Mapping
from pathlib import Path

import certifi
import pytest

from bot.core.permissions import ConfirmBy
from bot.environment import SettingsError, env_file_warning, read_environment
from bot.logs import Redactor
from bot.settings import (
    SECRET_VARIABLES,
    IamUserCredentials,
    KeyCredentials,
    Settings,
    TokenCredentials,
    secrets_in,
)

GOOD: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "xoxb-bot-token-value",
    "SLACK_APP_TOKEN": "xapp-app-token-value",
    "HW_REGION_NAME": "cn-north-4",
    "HW_PROJECT_ID": "0483b6b16e954cb88930a360d2c4e663",
    "HW_DOMAIN_NAME": "account",
    "HW_USER_NAME": "bot",
    "HW_USER_PASSWORD": "password-value",
    "ALLOWED_CHANNELS": "C012AB3CD",
    "ALLOWED_USERS": "U012AB3CD",
}
BY_KEY = {"HW_DOMAIN_NAME": "", "HW_USER_NAME": "", "HW_USER_PASSWORD": "", "HW_ACCESS_KEY": "key"}
WRONG_VALUES = (
    ("SLACK_BOT_TOKEN", ""),
    ("SLACK_BOT_TOKEN", "xoxp-a-persons-token"),
    ("SLACK_BOT_TOKEN", "xoxb-with\ttab"),
    ("SLACK_APP_TOKEN", "xoxb-not-an-app-token"),
    ("SLACK_SIGNING_SECRET", "ünprintable"),
    ("SLACK_API_URL", "slack.com/api"),
    ("SLASH_COMMAND", "no slash"),
    ("PORT", "65536"),
    ("PORT", "http"),
    ("PORT", "3000.5"),
    ("HW_REGION_NAME", "mars-1"),
    ("HW_REGION_NAME", "Not A Region"),
    ("HW_REGION_NAME", ""),
    ("HW_PROJECT_ID", ""),
    ("HW_PROJECT_ID", "0483b6b16e954cb88930a360d2c4e66"),
    ("HW_USER_PASSWORD", ""),
    ("HW_AUTH_TOKEN", "a-second-way-of-signing-in"),
    ("HW_SECURITY_TOKEN", "without-a-key"),
    ("HW_AUTH_URL", "ftp://iam"),
    ("TAURUSDB_ENDPOINT", "https://"),
    ("CONSOLE_URL", "console.huaweicloud.com"),
    ("CONSOLE_URL", "https://console.example/?region={Region}"),
    ("CONSOLE_URL", "https://console.example/?region={region}|here"),
    ("CONSOLE_URL", "https://console.example/a b"),
    ("CONSOLE_URL", f"https://console.example/{'a' * 500}"),
    ("DATABASE_URL", "mysql://host/db"),
    ("ALLOWED_CHANNELS", ""),
    ("ALLOWED_CHANNELS", "#"),
    ("ALLOWED_CHANNELS", "##db-ops"),
    ("ALLOWED_CHANNELS", "C012AB3CD, db ops"),
    ("ALLOWED_CHANNELS", "*, db.ops"),
    ("ALLOWED_CHANNELS", "@sam"),
    ("ALLOWED_CHANNELS", "U012AB3CD"),
    ("ALLOWED_CHANNELS", "c012ab3cd"),
    ("ALLOWED_CHANNELS", "https://example.slack.com/archives/C012AB3CD"),
    ("ALLOWED_CHANNELS", f"#{'a' * 81}"),
    ("REPORT_CHANNEL", "#reports"),
    ("REPORT_CHANNEL", "U012AB3CD"),
    ("REPORT_CHANNEL", "*"),
    ("ALLOWED_USERS", "sam@example.com"),
    ("ALLOWED_USERGROUPS", "U012AB3CD"),
    ("ALLOWED_INSTANCES", "590031445ef845bb912d7fc8243db80cin07"),
    ("SKIP_VALIDATE_USERS", "everyone"),
    ("SKIP_VALIDATE_USERGROUPS", "everyone"),
    ("CONFIRM_BY", "nobody"),
    ("CONFIRM_SKIP_VALIDATE_BY", "nobody"),
    ("CONFIRM_TTL_SECONDS", "0"),
    ("CONFIRM_TTL_SECONDS", "ten minutes"),
    ("JOB_POLL_SECONDS", "-1"),
    ("JOB_POLL_SECONDS", "1e3"),
    ("DRAIN_SECONDS", "-1"),
    ("DRAIN_SECONDS", "301"),
    ("DRAIN_SECONDS", "a while"),
    ("DEFAULT_LANGUAGE", "de-de"),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_FORMAT", "xml"),
    ("HTTPS_PROXY", "socks5://127.0.0.1:1080"),
    ("https_proxy", "socks5h://127.0.0.1:1080"),
    ("HTTP_PROXY", "http://user:pass/word@proxy:3128"),
    ("http_proxy", "http://user:12/34@proxy:3128"),
    ("HTTPS_PROXY", "proxy:99999"),
    ("HTTPS_PROXY", '"http://proxy:3128"'),
    ("HTTPS_PROXY", "http://user:\udcff@proxy:3128"),
    ("HTTPS_PROXY", "http://"),
    ("HTTPS_PROXY", "http://two..dots:3128"),
    ("SLACK_API_URL", "https://two..dots/api/"),
    ("SSL_CERT_FILE", "/nowhere/ca.pem"),
    ("SSL_CERT_FILE", "/dev"),
    ("SSL_CERT_FILE", "/dev/null"),
    ("SSL_CERT_FILE", __file__),
    ("SSL_CERT_DIR", "/nowhere"),
    ("SSL_CERT_DIR", str(Path(__file__).parent)),
    ("SSLKEYLOGFILE", "/nowhere/keys"),
    ("SSLKEYLOGFILE", "/dev"),
    ("SLACK_BOT_TOKEN", '"xoxb-in-quotes"'),
    ("ALLOWED_CHANNELS", "'*'"),
    ("PORT", '"3000"'),
)


def mistakes(**overrides: str) -> tuple[str, ...]:
    """The mistakes in the good settings with these changes."""
    with pytest.raises(SettingsError) as raised:
        Settings.read({**GOOD, **overrides})
    return raised.value.mistakes


def test_good_settings_are_read_with_the_defaults_of_the_contract() -> None:
    settings = Settings.read(GOOD)
    assert settings.slack.api_url == "https://slack.com/api/"
    assert settings.slack.command == "/starrocks-upgrade"
    assert settings.cloud.endpoint == "https://gaussdb.cn-north-4.myhuaweicloud.com"
    assert settings.cloud.auth_url == "https://iam.cn-north-4.myhuaweicloud.com/v3"
    assert (settings.host, settings.port) == ("127.0.0.1", None)
    assert settings.database_url == "sqlite:///starrocks-upgrade-bot.db"
    assert (settings.confirm_ttl_seconds, settings.job_poll_seconds, settings.drain_seconds) == (600, 10, 0)
    assert settings.rules.confirm_by is settings.rules.confirm_skip_validate_by is ConfirmBy.REQUESTER
    assert (settings.default_language, settings.log_level, settings.log_format) == ("en-us", "INFO", "text")


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_each_mistake_names_its_variable_in_one_line(name: str, value: str) -> None:
    lines = mistakes(**{name: value})
    assert any(name in line.partition(": ")[0].split(", ") for line in lines)
    assert all("\n" not in line and "pass/word" not in line and "12/34" not in line for line in lines)


def test_every_mistake_is_reported_at_once() -> None:
    wrong = {"SLACK_BOT_TOKEN": "", "HW_PROJECT_ID": "", "PORT": "x", "ALLOWED_USERS": "sam", "LOG_FORMAT": "xml"}
    assert {mistake.partition(":")[0] for mistake in mistakes(**wrong)} == set(wrong)


def test_blanks_around_values_and_empty_values_do_not_count() -> None:
    settings = Settings.read({**GOOD, "SLACK_BOT_TOKEN": "  xoxb-1 \n", "PORT": "  ", "HW_AUTH_TOKEN": " "})
    assert settings.slack.bot_token.reveal() == "xoxb-1"
    assert settings.port is None


def test_http_mode_needs_the_signing_secret() -> None:
    assert mistakes(SLACK_APP_TOKEN="") == ("SLACK_SIGNING_SECRET: required without SLACK_APP_TOKEN (HTTP mode)",)


def test_there_is_exactly_one_way_of_signing_in() -> None:
    assert isinstance(Settings.read(GOOD).cloud.credentials, IamUserCredentials)
    assert isinstance(Settings.read({**GOOD, **BY_KEY, "HW_SECRET_KEY": "secret"}).cloud.credentials, KeyCredentials)
    by_token = {**GOOD, **BY_KEY, "HW_ACCESS_KEY": "", "HW_AUTH_TOKEN": "token"}
    assert isinstance(Settings.read(by_token).cloud.credentials, TokenCredentials)
    assert any("exactly one" in mistake for mistake in mistakes(HW_ACCESS_KEY="key", HW_SECRET_KEY="secret"))
    assert mistakes(**BY_KEY) == ("HW_SECRET_KEY: required together with HW_ACCESS_KEY",)


def test_a_wrong_secret_is_not_shown() -> None:
    assert "s3cret" not in "".join(mistakes(SLACK_BOT_TOKEN="s3cret-value", SLACK_APP_TOKEN="s3cret-too"))


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_every_secret_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    good = {
        "SLACK_BOT_TOKEN": "xoxb-from-a-file",
        "SLACK_APP_TOKEN": "xapp-from-a-file",
        "DATABASE_URL": "sqlite:///from-a-file.db",
    }
    value = good.get(name, "from-a-file")
    (tmp_path / "secret").write_text(f"{value}\n")
    environ = {**GOOD, name: "", f"{name}_FILE": str(tmp_path / "secret")}
    if name in ("HW_SECRET_KEY", "HW_SECURITY_TOKEN"):
        environ |= {**BY_KEY, **({} if name == "HW_SECRET_KEY" else {"HW_SECRET_KEY": "secret-key"})}
    if name == "HW_AUTH_TOKEN":
        environ |= {**BY_KEY, "HW_ACCESS_KEY": ""}
    settings = Settings.read(environ)
    assert value in {settings.database_url, *secrets_in(settings)}


def test_a_secret_from_a_file_that_is_set_as_well_or_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("xoxb-from-a-file")
    both = mistakes(SLACK_BOT_TOKEN_FILE=str(tmp_path / "secret"))
    assert both == ("SLACK_BOT_TOKEN: set it or SLACK_BOT_TOKEN_FILE, not both",)
    missing = mistakes(SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=str(tmp_path / "missing"))
    assert "SLACK_BOT_TOKEN_FILE: cannot be read: No such file or directory" in missing
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").write_text("\n")
    for name in ("SLACK_APP_TOKEN", "DATABASE_URL"):
        empty = mistakes(**{name: "", f"{name}_FILE": str(tmp_path / "empty")})
        assert f"{name}_FILE: is empty" in empty
    not_text = mistakes(SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=str(tmp_path / "bytes"))
    assert "SLACK_BOT_TOKEN_FILE: is not UTF-8" in not_text


def test_no_secret_stands_in_a_repr_or_a_traceback() -> None:
    database = "postgresql://bot:database-password@host/bot"
    settings = Settings.read({**GOOD, "DATABASE_URL": database, "SLACK_SIGNING_SECRET": "signing-value"})
    secrets = {"xoxb-bot-token-value", "xapp-app-token-value", "signing-value", "password-value", "database-password"}
    assert set(secrets_in(settings)) == secrets
    try:
        raise RuntimeError(f"{settings!r} {settings.slack.bot_token} {settings.cloud.credentials}")
    except RuntimeError as error:
        trace = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=True))
        message = trace.partition("RuntimeError: ")[2]
    assert not [secret for secret in secrets if secret in message]


@pytest.mark.parametrize(
    "line",
    [
        "token xoxb-12345678-abc refused",
        "GET wss://host/link/?ticket=abcdefgh-123&app_id=1".replace("&app_id=1", ""),
        "posted to https://hooks.slack.com/commands/T1/2/abcdefgh-123",
        "postgresql://bot:abcdefgh-123@host/bot",
        f"X-Subject-Token: MII{'abcdefgh-123' * 9}",
    ],
)
def test_what_looks_like_a_secret_is_redacted_though_it_is_not_a_known_one(line: str) -> None:
    redacted = Redactor()(line)
    assert "abcdefgh-123" not in redacted
    assert "12345678-abc" not in redacted
    assert Redactor()(redacted) == redacted


def test_the_example_of_a_url_is_no_secret() -> None:
    (mistake,) = mistakes(HTTPS_PROXY="proxy:no")
    assert "http://user:password@host:port" in Redactor()(mistake)


def test_an_env_file_fills_what_the_environment_does_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FROM_BOTH=file\nFROM_FILE=pa$word#1\nEMPTY=\nEMPTY_THERE=file\nBLANK_THERE=file\n")
    monkeypatch.setenv("FROM_BOTH", "environment")
    monkeypatch.setenv("EMPTY_THERE", "")
    monkeypatch.setenv("BLANK_THERE", "  ")
    environ = read_environment(tmp_path)
    assert (environ["FROM_BOTH"], environ["FROM_FILE"], environ["EMPTY"]) == ("environment", "pa$word#1", "")
    assert (environ["EMPTY_THERE"], environ["BLANK_THERE"]) == ("file", "file")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_quotes_around_a_setting_of_the_network_are_named(name: str) -> None:
    good = {"SSL_CERT_FILE": certifi.where(), "SSL_CERT_DIR": str(Path(certifi.where()).parent)}
    (mistake,) = mistakes(**{name: f'"{good.get(name, "http://proxy:1")}"'})
    assert mistake.startswith(f"{name}: its value stands in quotes")


def test_an_env_file_that_everyone_can_read_is_warned_of(tmp_path: Path) -> None:
    assert env_file_warning(tmp_path) == ""
    file = tmp_path / ".env"
    file.touch(0o600)
    assert env_file_warning(tmp_path) == ""
    file.chmod(0o644)
    assert "chmod 600" in env_file_warning(tmp_path)


@pytest.mark.parametrize(
    ("value", "ids", "names"),
    [
        ("C012AB3CD", {"C012AB3CD"}, set()),
        ("#db-ops,C012AB3CD , inc-*", {"C012AB3CD"}, {"db-ops", "inc-*"}),
        ("#INC-*,#C012AB3CD", set(), {"inc-*", "c012ab3cd"}),
        ("#数据库_运维", set(), {"数据库_运维"}),
        ("#เหตุการณ์-*,#घटना", set(), {"เหตุการณ์-*", "घटना"}),
        ("#e\u0301quipe,#ÉQUIPE", set(), {"équipe"}),
        ("#*,C012AB3CD", {"C012AB3CD"}, {"*"}),
        ("**", set(), {"**"}),
    ],
)
def test_channels_are_ids_names_and_patterns(value: str, ids: set[str], names: set[str]) -> None:
    rules = Settings.read({**GOOD, "ALLOWED_CHANNELS": value}).rules
    assert (set(rules.channels.ids), set(rules.channel_names)) == (ids, names)
    assert not rules.channels.is_everything


@pytest.mark.parametrize("value", ["*", "*,#db-ops", "#inc-*,C012AB3CD,*"])
def test_a_star_beside_other_channels_is_everywhere(value: str) -> None:
    rules = Settings.read({**GOOD, "ALLOWED_CHANNELS": value}).rules
    assert (rules.channels.is_everything, rules.channel_names) == (True, frozenset())


@pytest.mark.parametrize(
    "value",
    [
        "inc-?",
        "#inc-[ab]",
        "^inc-.*$",
        "inc *",
        "# inc-*",
        "#inc-* #db",
        "#inc-*，#db",
        "#inc-*;#db",
        "inc–*",
        "<#C1|a>",
    ],
)
def test_a_pattern_has_no_other_sign_than_the_star(value: str) -> None:
    (line,) = mistakes(ALLOWED_CHANNELS=value)
    assert f"ALLOWED_CHANNELS: {value!r} is no channel" in line


def test_every_channel_that_is_none_is_named() -> None:
    lines = mistakes(ALLOWED_CHANNELS="#inc-*,db.ops,U012AB3CD", CONFIRM_BY="nobody")
    assert [line.partition(" is no channel")[0] for line in lines if line.startswith("ALLOWED_CHANNELS")] == [
        "ALLOWED_CHANNELS: 'db.ops'",
        "ALLOWED_CHANNELS: 'U012AB3CD'",
    ]
    assert any(line.startswith("CONFIRM_BY") for line in lines)


ONE_PROJECT = {"HW_REGION_NAME": "", "HW_PROJECT_ID": ""}
SEVERAL = f"cn-north-4:{'a' * 32}, ap-southeast-3:{'b' * 32},"


def test_several_projects_each_with_the_endpoints_of_its_region() -> None:
    settings = Settings.read({**GOOD, **ONE_PROJECT, "HW_PROJECTS": SEVERAL})
    assert [cloud.project for cloud in settings.clouds] == [f"cn-north-4:{'a' * 32}", f"ap-southeast-3:{'b' * 32}"]
    assert [cloud.endpoint for cloud in settings.clouds] == [
        "https://gaussdb.cn-north-4.myhuaweicloud.com",
        "https://gaussdb.ap-southeast-3.myhuaweicloud.com",
    ]
    assert settings.clouds[1].auth_url == "https://iam.ap-southeast-3.myhuaweicloud.com/v3"


def test_the_region_is_filled_into_addresses_also_of_one_project() -> None:
    urls = {"HW_AUTH_URL": "https://iam.{region}.example/v3", "TAURUSDB_ENDPOINT": "http://{region}.example:81/"}
    settings = Settings.read({**GOOD, **ONE_PROJECT, **urls, "HW_PROJECTS": SEVERAL})
    assert settings.clouds[1].auth_url == "https://iam.ap-southeast-3.example/v3"
    assert settings.clouds[0].endpoint == "http://cn-north-4.example:81"
    assert Settings.read({**GOOD, **urls}).cloud.endpoint == "http://cn-north-4.example:81"


def test_the_console_is_that_of_the_region_unless_nobody_knows_it() -> None:
    settings = Settings.read({**GOOD, **ONE_PROJECT, "HW_PROJECTS": SEVERAL})
    assert [cloud.console_url for cloud in settings.clouds] == [
        "https://console.huaweicloud.com/gaussdbformysql/?region=cn-north-4",
        "https://console-intl.huaweicloud.com/gaussdbformysql/?region=ap-southeast-3",
    ]
    own = {**GOOD, "CONSOLE_URL": "https://console.example/{region}/#/tasks"}
    assert Settings.read(own).cloud.console_url == "https://console.example/cn-north-4/#/tasks"
    private = {**GOOD, "HW_REGION_NAME": "my-cloud-1", "TAURUSDB_ENDPOINT": "https://taurusdb.my.cloud"}
    assert Settings.read(private).cloud.console_url == ""


@pytest.mark.parametrize("value", ["ftp://host/{x}", "host/{region} x"])
def test_a_wrong_console_is_one_line(value: str) -> None:
    assert mistakes(CONSOLE_URL=value) == ("CONSOLE_URL: should be an address like https://host",)


@pytest.mark.parametrize(
    "entry",
    [
        "cn-north-4",
        f"cn-north-4={'c' * 32}",
        f"CN-North-4:{'c' * 32}",
        f"cn-north-4:{'c' * 31}",
        f"cn-north-4:{'c' * 32}:x",
        f"cn-north-4:{'c' * 31}é",
        f"cn-north-4:{'a' * 32}",
        f"mars-1:{'c' * 32}",
        f"cn-north-4：{'c' * 32}",
    ],
)
def test_each_wrong_entry_of_the_projects_is_named(entry: str) -> None:
    lines = mistakes(**ONE_PROJECT, HW_PROJECTS=f"{SEVERAL} {entry}", PORT="x")
    assert [line.partition(":")[0] for line in lines] == ["PORT", "HW_PROJECTS"]
    assert entry.partition(":")[0] in lines[1] or entry.partition(":")[2] in lines[1]


def test_all_mistakes_of_the_projects_at_once() -> None:
    lines = mistakes(
        HW_PROJECTS=f"{SEVERAL} x, y:z", HW_AUTH_TOKEN="token", HW_DOMAIN_NAME="", HW_USER_NAME="", HW_USER_PASSWORD=""
    )
    names = [line.partition(":")[0] for line in lines]
    assert sorted(names) == [
        "HW_AUTH_TOKEN",
        "HW_PROJECTS",
        "HW_PROJECTS",
        "HW_PROJECTS",
        "HW_PROJECT_ID",
        "HW_REGION_NAME",
    ]
    assert mistakes(**ONE_PROJECT, HW_PROJECTS=" , ") != ()
