"""A stand-in for Slack on loopback, used by the tests and by the sandbox."""

from bot.sandbox.slack.interactions import Delivery
from bot.sandbox.slack.server import StandInSlack
from bot.sandbox.slack.state import Call, Channel, Ephemeral, Message, Person, buttons, text_of

__all__ = ["Call", "Channel", "Delivery", "Ephemeral", "Message", "Person", "StandInSlack", "buttons", "text_of"]
