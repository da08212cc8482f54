"""The buttons by their `action_id`, and the origin of a command or a click."""

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """Every button of the bot; the value is the `action_id` that Slack sends and the views set."""

    CONFIRM = "confirm_upgrade"
    CANCEL = "cancel_upgrade"
    TRANSLATE = "translate_card"
    SEARCH_AGAIN = "search_again"
    CANCEL_SCHEDULED = "cancel_scheduled"
    REQUEST_NOW = "request_now"
    REQUEST_DELAYED = "request_delayed"
    REQUEST_ANYWAY = "request_anyway"
    REQUEST_AGAIN = "request_again"
    REQUEST_IN_PROJECT = "request_in_project"
    LIST_PAGE = "list_page"


COMMAND_ACTIONS = frozenset(
    {
        Action.REQUEST_NOW,
        Action.REQUEST_DELAYED,
        Action.REQUEST_ANYWAY,
        Action.REQUEST_AGAIN,
        Action.REQUEST_IN_PROJECT,
        Action.LIST_PAGE,
    }
)
"""Buttons that stand for a typed command: their value is its text (after the project and a blank), or a list's page.

The value of every other button is the id of the upgrade.
"""

THREAD_ACTIONS = frozenset({Action.SEARCH_AGAIN, Action.CANCEL_SCHEDULED})
"""Buttons under a message of the thread, not under the request card."""


EFFECTIVE_ACTIONS = frozenset({Action.CONFIRM, Action.CANCEL_SCHEDULED})
"""Buttons that change something in the cloud: only for people of whom Slack says who they are."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who typed or clicked, and where; `response_url` answers this person alone, empty if Slack gave none.

    `team_id` is the person's own team, `app_team_id` the one that a click names beside it: in an Enterprise Grid the
    app's. Any id of a team or organisation may be missing in Slack's payload, and is then empty.
    `channel_name` is Slack's: `privategroup`, `directmessage` or `mpdm-…` for what has no name of its own.
    """

    user_id: str
    team_id: str
    channel_id: str
    app_team_id: str = ""
    enterprise_id: str = ""
    response_url: str = field(default="", repr=False)  # whoever has it can write in Slack
    thread_ts: str = ""  # of a click in a thread: private replies belong there
    channel_name: str = ""

    @property
    def is_direct_message(self) -> bool:
        """Whether it is a conversation of a few people, to which no bot can be invited."""
        return self.channel_id.startswith("D") or self.channel_name.startswith("mpdm-")


@dataclass(frozen=True, slots=True)
class Click:
    """A button pressed under the message `message_ts`.

    `delivery_id` is the same when Slack delivers the click again, empty when the payload does not identify it.
    """

    origin: Origin
    action: Action
    value: str
    message_ts: str = ""
    trigger_id: str = ""
    is_on_private_copy: bool = False  # the message is one that only this person sees
    delivery_id: str = ""
