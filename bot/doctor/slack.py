"""Checks of Slack's Web API: the bot token, its scopes, the clock, and every channel, user group and user of the rules.

Only methods that read are called, so whether the bot may post in a channel is not checked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from functools import partial

from aiohttp import ClientError

from bot.core.errors import SlackError, SlackRejected, SlackUnavailable
from bot.core.permissions import Rules, channel_name
from bot.doctor.causes import explain
from bot.doctor.report import Check, CheckStatus, Reporter, failed, passed, skipped, warned
from bot.settings import Settings
from bot.slack.client import InvalidToken, SlackClient, TokenRefused, is_org_wide
from bot.slack.payloads import Payload, id_field, text_field

MAX_CLOCK_SKEW_SECONDS = 300  # older requests of Slack are refused; the cloud tolerates more
MAX_CONCURRENT_CALLS = 4  # Slack limits these methods to 20, 50 and 100 calls a minute
PAGE_CHANNELS = 1000  # Slack's largest page
MAX_PAGES = 10
MAX_NAMED = 5  # channels named for a pattern
UNKNOWN_CHANNEL_ERRORS = {"channel_not_found", "invalid_arguments", "method_not_supported_for_channel_type"}
INSTALL_REMEDY = "add it under OAuth & Permissions (see manifest.yml) and install the app again"

SCOPES = {
    "commands": "the slash command",
    "chat:write": "the request card, its edits, the thread",
    "users:read": "a person's language, and whether they are a guest",
    "usergroups:read": "the members of user groups",
    "im:write": "the way to the requester when the channel is gone",
    "channels:read": "the names of public channels, and looking at them here",
    "channels:join": "joining a public channel that is allowed; without it the bot has to be invited",
    "groups:read": "the same for private channels",
}
"""Every scope of the manifest, and what it is for."""
OPTIONAL_SCOPES = {"im:write", "channels:read", "channels:join", "groups:read"}


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What `auth.test` says of a bot token; `scopes` and `date` (UNIX seconds) are None when Slack does not say."""

    team: str
    team_id: str
    user: str
    is_org_wide: bool
    scopes: frozenset[str] | None
    date: float | None


async def check_slack(report: Reporter, settings: Settings, client: SlackClient, clock: Callable[[], float]) -> None:
    """Check the token, then what can only be asked with a valid one."""
    try:
        token = await _read_token(client)
    except InvalidToken as error:
        remedy = "SLACK_BOT_TOKEN: install the app (again) and copy its Bot User OAuth Token, xoxb-…"
        report(failed("slack.token", f"Slack answers {error.error}", remedy))
    except SlackRejected as error:
        report(failed("slack.token", f"auth.test answers {error.error}", "check SLACK_API_URL and SLACK_BOT_TOKEN"))
    except SlackUnavailable as error:
        url = settings.slack.api_url
        if isinstance(error.__cause__, OSError | ClientError):  # OSError includes TimeoutError
            problem, remedy = await explain(error, url, settings.network, "SLACK_API_URL")
        else:
            problem, remedy = "no answer of Slack's", "check the way to Slack: network, HTTPS_PROXY, SLACK_API_URL"
        report(failed("slack.token", f"{url}: {problem} ({error.reason})", remedy))
    else:
        _check_identity(report, token)
        _check_scopes(report, token, settings.rules)
        _check_clock(report, token, clock(), http_mode=settings.slack.app_token is None)
        await _check_rules(report, settings.rules, client, token.scopes or frozenset())
        if settings.report_channel:
            check = await _check_channel(client, settings.report_channel, can_join=False, setting="REPORT_CHANNEL")
            # It holds up nothing else.
            is_failed = check.status is CheckStatus.FAIL
            check = replace(check, name="slack.report_channel")
            report(replace(check, status=CheckStatus.WARN) if is_failed else check)
        return
    report(skipped("slack.scopes", "the bot token does not work"))
    report(skipped("slack.channels", "the bot token does not work"))


async def _read_token(client: SlackClient) -> TokenInfo:
    """Call `auth.test`; the scopes are in a header of its response.

    Raises `InvalidToken`, `SlackRejected` or `SlackUnavailable`.
    """
    try:
        data, response_headers = await client.request("auth.test")
    except TokenRefused as refused:
        raise InvalidToken("SLACK_BOT_TOKEN", refused.error) from refused
    headers = {name.lower(): value for name, value in response_headers.items()}
    scopes = headers.get("x-oauth-scopes")
    return TokenInfo(
        team=text_field(data, "team"),
        team_id=text_field(data, "team_id"),
        user=text_field(data, "user"),
        is_org_wide=is_org_wide(data),
        scopes=None if scopes is None else frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        date=_parse_http_date(headers.get("date", "")),
    )


def _parse_http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _check_identity(report: Reporter, token: TokenInfo) -> None:
    detail = f"@{token.user} in {token.team} ({token.team_id})"
    if token.is_org_wide:
        remedy = "SLACK_BOT_TOKEN: install the app in one workspace and use that token"
        detail = f"{detail}, for a whole organisation: the bot works for one workspace and would refuse everybody"
        report(failed("slack.token", detail, remedy))
    else:
        report(passed("slack.token", detail))


def _check_scopes(report: Reporter, token: TokenInfo, rules: Rules) -> None:
    optional = OPTIONAL_SCOPES - ({"channels:read"} if rules.channel_names else set())
    if not rules.all_usergroups():
        optional |= {"usergroups:read"}
    if token.scopes is None:
        remedy = "compare OAuth & Permissions with manifest.yml; a proxy before Slack may have dropped the header"
        report(warned("slack.scopes", "Slack did not say which scopes the token has", remedy))
        return
    for scope, purpose in SCOPES.items():
        name = f"slack.scope.{scope}"
        if scope in token.scopes:
            report(passed(name, purpose))
        elif scope in optional:
            report(warned(name, f"missing: {purpose}", f"{scope}: {INSTALL_REMEDY}"))
        else:
            report(failed(name, f"missing: {purpose}", f"{scope}: {INSTALL_REMEDY}"))


def _check_clock(report: Reporter, token: TokenInfo, now: float, *, http_mode: bool) -> None:
    """Only in HTTP mode does Slack sign its requests with the time."""
    if token.date is None:
        return
    skew = now - token.date
    detail = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Slack's"
    if abs(skew) <= MAX_CLOCK_SKEW_SECONDS:
        report(passed("slack.clock", detail))
    elif http_mode:
        report(failed("slack.clock", detail, "set the clock (NTP): Slack's signatures are refused after 5 minutes"))
    else:
        report(warned("slack.clock", detail, "set the clock (NTP): times in messages would be wrong"))


async def _check_rules(report: Reporter, rules: Rules, client: SlackClient, scopes: frozenset[str]) -> None:
    """Every id and every name of the rules."""
    can_join = "channels:join" in scopes
    if rules.channels.is_everything:
        detail = "ALLOWED_CHANNELS is *: the bot has to be invited wherever it is to work"
        if can_join:
            detail = "ALLOWED_CHANNELS is *: the bot joins public channels, to private ones it has to be invited"
        report(skipped("slack.channels", detail))
    if rules.users.is_everything:
        report(skipped("slack.users", "ALLOWED_USERS is *: nobody is named"))
    user_ids = rules.users.ids | rules.skip_validate_users.ids
    channels = await _list_channels(client, scopes) if rules.channel_names else []
    checks: list[Callable[[], Awaitable[Check]]] = [
        *(partial(_check_channel, client, channel_id, can_join) for channel_id in sorted(rules.channels.ids)),
        *(partial(_check_channel_name, channels, name, can_join) for name in sorted(rules.channel_names)),
        *(partial(_check_usergroup, client, group_id) for group_id in sorted(rules.all_usergroups())),
        *(partial(_check_user, client, user_id) for user_id in sorted(user_ids)),
    ]
    slots = asyncio.Semaphore(MAX_CONCURRENT_CALLS)
    channel_checks: list[Check] = []

    async def run(check: Callable[[], Awaitable[Check]]) -> None:
        async with slots:
            result = await check()
        (channel_checks.append if result.name.startswith("slack.channel.") else report)(result)

    try:
        await asyncio.gather(*(run(check) for check in checks))
    finally:  # also when the time is over
        works_somewhere = any(check.status is CheckStatus.PASS for check in channel_checks)
        for check in channel_checks:
            is_minor = works_somewhere and check.status is CheckStatus.FAIL
            report(replace(check, status=CheckStatus.WARN) if is_minor else check)


async def _check_channel(
    client: SlackClient, channel_id: str, can_join: bool, setting: str = "ALLOWED_CHANNELS"
) -> Check:
    """Exists, is open, and the bot is a member or can become one."""
    name = f"slack.channel.{channel_id}"
    try:
        data = await client.read("conversations.info", channel=channel_id)
    except SlackRejected as error:
        if error.error == "missing_scope" and channel_id.startswith("D"):
            return skipped(name, "direct messages cannot be looked at with the bot's scopes")
        if error.error == "missing_scope":
            return warned(name, "the token may not look at it", "add channels:read and groups:read, install again")
        if error.error in UNKNOWN_CHANNEL_ERRORS:
            detail = "there is no such channel, or it is private and the bot is not in it"
            return failed(name, detail, f"invite the bot there (/invite), or correct {channel_id} in {setting}")
        return failed(name, f"Slack answers {error.error}", f"check {channel_id} in {setting}")
    except SlackUnavailable as error:
        return _no_answer(name, error.reason)
    channel = data.get("channel")
    if not isinstance(channel, dict):
        return _no_answer(name, "an answer without a channel")
    label = f"#{text_field(channel, 'name') or channel_id}"
    if channel.get("is_archived"):
        return failed(name, f"{label} is archived", f"unarchive it, or take {channel_id} out of {setting}")
    if not (channel.get("is_member") or channel.get("is_im")):
        if can_join and not channel.get("is_private"):
            return passed(name, f"the bot joins {label} at the first request")
        return warned(name, f"the bot is not in {label}", f"in {label}, type /invite and the bot's name")
    if channel.get("is_read_only") or channel.get("is_frozen"):
        remedy = f"let the bot post there, or take {channel_id} out of {setting}"
        return failed(name, f"{label} is read-only", remedy)
    return passed(name, f"the bot is in {label}")


async def _list_channels(client: SlackClient, scopes: frozenset[str]) -> Sequence[Payload] | SlackError:
    """The channels that the bot can find and that are not archived, at most `MAX_PAGES`; or why there is no list.

    https://docs.slack.dev/reference/methods/conversations.list
    """
    types = "public_channel,private_channel" if "groups:read" in scopes else "public_channel"
    channels: list[Payload] = []
    cursor = ""
    try:
        for _ in range(MAX_PAGES):
            arguments = {"types": types, "exclude_archived": "true", "limit": PAGE_CHANNELS, "cursor": cursor}
            data = await client.read("conversations.list", **arguments)
            page = data.get("channels")
            channels += [channel for channel in page if isinstance(channel, dict)] if isinstance(page, list) else []
            cursor = text_field(data.get("response_metadata"), "next_cursor")
            if not cursor:
                break
    except SlackError as error:
        return error
    return channels


async def _check_channel_name(channels: Sequence[Payload] | SlackError, pattern: str, can_join: bool) -> Check:
    """Which channels have such a name, and whether the bot is in them or can become a member."""
    name = f"slack.channel.#{pattern}"
    if isinstance(channels, SlackRejected):
        return warned(name, f"Slack answers {channels.error}", "add channels:read and groups:read, install again")
    if isinstance(channels, SlackError):
        return _no_answer(name, str(channels))
    found = [channel for channel in channels if fnmatchcase(channel_name(text_field(channel, "name")), pattern)]
    labels = ", ".join(f"#{text_field(channel, 'name')} ({id_field(channel, 'id')})" for channel in found[:MAX_NAMED])
    if len(found) > MAX_NAMED:
        labels += f" and {len(found) - MAX_NAMED} more"
    if not found and "*" in pattern:
        return warned(name, "no open channel has such a name now", f"check #{pattern} in ALLOWED_CHANNELS")
    if not found:
        detail = "there is no open channel of that name, or it is private and the bot is not in it"
        return failed(name, detail, f"invite the bot there (/invite), or correct #{pattern} in ALLOWED_CHANNELS")
    if all(channel.get("is_member") or (can_join and not channel.get("is_private")) for channel in found):
        return passed(name, f"{labels}: the bot is there, or joins at the first request")
    return warned(
        name, f"the bot is not in all of {labels}", "add channels:join, or type /invite and the bot's name there"
    )


async def _check_usergroup(client: SlackClient, group_id: str) -> Check:
    """Exists and has members."""
    name = f"slack.usergroup.{group_id}"
    remedy = f"correct {group_id} in ALLOWED_USERGROUPS or SKIP_VALIDATE_USERGROUPS"
    try:
        data = await client.read("usergroups.users.list", usergroup=group_id)
    except SlackRejected as error:
        match error.error:
            case "missing_scope":
                return failed(name, "the token may not look at it", "add usergroups:read and install the app again")
            case "plan_upgrade_required":
                detail = "this workspace's plan has no user groups"
                return failed(name, detail, "name people in ALLOWED_USERS instead")
            case "no_such_subteam":
                return failed(name, "there is no such user group", remedy)
        return failed(name, f"Slack answers {error.error}", remedy)
    except SlackUnavailable as error:
        return _no_answer(name, error.reason)
    members = data.get("users")
    count = len(members) if isinstance(members, list) else 0
    return passed(name, f"{count} member(s)") if count else warned(name, "it has no members", remedy)


async def _check_user(client: SlackClient, user_id: str) -> Check:
    """Exists and is not deactivated."""
    name = f"slack.user.{user_id}"
    remedy = f"correct {user_id} in ALLOWED_USERS or SKIP_VALIDATE_USERS"
    try:
        data = await client.read("users.info", user=user_id)
    except SlackRejected as error:
        if error.error == "missing_scope":
            return warned(name, "the token may not look at them", "add users:read and install the app again")
        return warned(name, f"Slack answers {error.error}", remedy)
    except SlackUnavailable as error:
        return _no_answer(name, error.reason)
    user = data.get("user")
    if isinstance(user, dict) and user.get("deleted"):
        return warned(name, "this account is deactivated", remedy)
    return passed(name, "known in this workspace")


def _no_answer(name: str, reason: str) -> Check:
    return warned(name, f"Slack did not say: {reason}", "run the doctor again in a minute")
