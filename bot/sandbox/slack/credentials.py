"""Who may call the stand-in's Web API: tokens, what they are for, their scopes, and the signing secret."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

ALL_SCOPES: Final = "commands,chat:write,users:read,usergroups:read,channels:read,groups:read,im:write"
NEEDED_SCOPES: Final = {
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "bots.info": "users:read",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.open": "im:write",
}
APP_METHODS: Final = frozenset({"apps.connections.open"})


class SlackRefusal(Exception):
    """A refusal by the Web API: its error code and what else the answer carries."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass(slots=True)
class Credentials:
    """The tokens and the signing secret of the one app that is installed in the stand-in."""

    bot_token: str = field(default_factory=lambda: f"xoxb-stand-in-{secrets.token_hex(8)}")
    app_token: str = field(default_factory=lambda: f"xapp-stand-in-{secrets.token_hex(8)}")
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    scopes: str = ALL_SCOPES
    revoked: set[str] = field(default_factory=set)

    def check(self, method: str, token: str) -> None:
        """Raise SlackRefusal unless this token may call this method."""
        if not token:
            raise SlackRefusal("not_authed")
        if token in self.revoked:
            raise SlackRefusal("token_revoked")
        if token not in (self.bot_token, self.app_token):
            raise SlackRefusal("invalid_auth")
        if (token == self.app_token) != (method in APP_METHODS):
            raise SlackRefusal("not_allowed_token_type")
        if method in NEEDED_SCOPES:
            self.check_scope(NEEDED_SCOPES[method])

    def check_scope(self, needed: str) -> None:
        """Raise SlackRefusal when the app has not been given that scope."""
        if needed not in self.scopes.split(","):
            raise SlackRefusal("missing_scope", needed=needed, provided=self.scopes)
