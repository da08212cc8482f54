"""The settings beyond their form: what is allowed, but seldom meant."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.checkup.check import Note, passed, warned
from bot.settings import Settings
from bot.sign_in import TokenSignIn


def check_settings(note: Note, settings: Settings) -> None:
    """They can be read, or nobody would be here."""
    mode = "Socket Mode" if settings.slack.app_token else "HTTP mode"
    note(passed("settings", f"all of them can be read; {mode}, region {settings.cloud.region}"))
    rules = settings.rules
    if rules.users.everything and rules.channels.everything:
        seen = "everyone of the workspace may use the bot, in every channel"
        note(warned("settings.allowed", seen, "name ids in ALLOWED_USERS, ALLOWED_USERGROUPS or ALLOWED_CHANNELS"))
    if isinstance(settings.cloud.sign_in, TokenSignIn):
        seen = "HW_AUTH_TOKEN is a token that ends 24 hours after it was made"
        note(warned("settings.sign_in", seen, "set HW_DOMAIN_NAME, HW_USER_NAME and HW_USER_PASSWORD, or AK/SK"))
    addresses = {
        "SLACK_API_URL": settings.slack.api_url,
        "TAURUSDB_ENDPOINT": settings.cloud.endpoint,
        "HW_AUTH_URL": settings.cloud.auth_url,
    }
    for name, address in addresses.items():
        if is_in_the_open(address):
            note(
                warned(f"settings.{name}", "secrets are sent over http, which anyone on the way can read", "use https")
            )


def is_in_the_open(address: str) -> bool:
    """Whether what is sent there leaves this machine unencrypted."""
    parts = urlsplit(address)
    if parts.scheme != "http":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname != "localhost"
