"""A stand-in for Slack on loopback: the tests' bench and the sandbox page's workspace."""

from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.gate import Call
from bot.sandbox.slack.messages import Ephemeral, Message, buttons, said
from bot.sandbox.slack.server import StandInSlack
from bot.sandbox.slack.workspace import Channel, Person

__all__ = ["Call", "Channel", "Delivery", "Ephemeral", "Message", "Person", "StandInSlack", "buttons", "said"]
