"""Slack's side: the bot token, its scopes, the clock."""

from collections.abc import Callable

from bot.checkup.check import Note, failed, passed, skipped, warned
from bot.core.policy import Rules
from bot.core.reasons import SlackRefused, Undelivered
from bot.settings import SlackSettings
from bot.slack.api import DEAD_TOKEN, SlackApi
from bot.slack.probing import Token, examine_token

MOST_SKEW_SECONDS = 300  # Slack's requests are refused when they are older; the cloud's patience is longer
SCOPES = {
    "commands": "the slash command",
    "chat:write": "the question, its edits, the thread",
    "users:read": "a person's language, and whether they are a guest",
    "usergroups:read": "the members of user groups",
    "im:write": "the way to the requester when the channel is gone",
    "channels:read": "looking at public channels, here",
    "groups:read": "looking at private channels, here",
}
"""Every scope of the manifest, and what it is for."""
DISPENSABLE = {"im:write", "channels:read", "groups:read"}
INSTALL = "add it under OAuth & Permissions (see manifest.yml) and install the app again"


async def check_token(
    note: Note, slack: SlackSettings, rules: Rules, api: SlackApi, clock: Callable[[], float]
) -> bool:
    """The bot token and what it may; False when Slack does not take it."""
    try:
        token = await examine_token(api)
    except SlackRefused as refused:
        note(failed("slack.token", f"auth.test answers {refused.error}", "check SLACK_API_URL and SLACK_BOT_TOKEN"))
    except Undelivered as away:
        if api.watch.dead.is_set():
            remedy = "SLACK_BOT_TOKEN: install the app (again) and copy its Bot User OAuth Token, xoxb-…"
            note(failed("slack.token", f"Slack answers {api.watch.error}", remedy))
        else:
            remedy = "check the way to Slack: network, HTTPS_PROXY, SLACK_API_URL"
            note(failed("slack.token", f"no answer from {slack.api_url} ({away})", remedy))
    else:
        _check_identity(note, token)
        _check_scopes(note, token, needs_groups=bool(rules.groups_that_matter()))
        _check_clock(note, token, clock(), in_http_mode=slack.app_token is None)
        return True
    note(skipped("slack.scopes", "the bot token does not work"))
    return False


def _check_identity(note: Note, token: Token) -> None:
    """Whose the token is."""
    seen = f"@{token.user} in {token.team} ({token.team_id})"
    if token.is_for_organisation:
        remedy = "install the app in one workspace and use that token"
        note(warned("slack.token", f"{seen}, for a whole organisation: the bot works for one workspace", remedy))
    else:
        note(passed("slack.token", seen))


def _check_scopes(note: Note, token: Token, *, needs_groups: bool) -> None:
    """Each scope of the manifest against those of the token."""
    if token.scopes is None:
        remedy = "compare OAuth & Permissions with manifest.yml; a proxy before Slack may have dropped the header"
        note(warned("slack.scopes", "Slack did not say which scopes the token has", remedy))
        return
    for scope, purpose in SCOPES.items():
        name = f"slack.scope.{scope}"
        if scope in token.scopes:
            note(passed(name, purpose))
        elif scope in DISPENSABLE or (scope == "usergroups:read" and not needs_groups):
            note(warned(name, f"missing: {purpose}", f"{scope}: {INSTALL}"))
        else:
            note(failed(name, f"missing: {purpose}", f"{scope}: {INSTALL}"))


def _check_clock(note: Note, token: Token, now: float, *, in_http_mode: bool) -> None:
    """This machine's clock against Slack's."""
    if token.date is None:
        return
    ahead = now - token.date
    seen = f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} Slack's"
    if abs(ahead) <= MOST_SKEW_SECONDS:
        note(passed("slack.clock", seen))
    elif in_http_mode:
        note(failed("slack.clock", seen, "set the clock (NTP): Slack's signatures are refused after 5 minutes"))
    else:
        note(warned("slack.clock", seen, "set the clock (NTP): times in messages would be wrong"))


def dead_token_remedy(error: str) -> str:
    """What to do about an app token that Slack refuses."""
    if error in DEAD_TOKEN or error == "not_allowed_token_type":
        return "SLACK_APP_TOKEN: make an App-Level Token with connections:write (Basic Information), xapp-…"
    if error == "missing_scope":
        return "SLACK_APP_TOKEN: give it the scope connections:write"
    return "switch Socket Mode on in the app's settings, or check SLACK_APP_TOKEN"
