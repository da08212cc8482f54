"""The stand-in TaurusDB and IAM: one HTTP server on loopback, for the tests and for the sandbox page."""

from bot.sandbox.cloud.clock import HandClock
from bot.sandbox.cloud.instances import Action, Instance
from bot.sandbox.cloud.jobs import SPEEDS, Job, Standing
from bot.sandbox.cloud.journal import Call, UpgradeCall
from bot.sandbox.cloud.mishaps import MISHAPS, Mishap
from bot.sandbox.cloud.operations import OPERATIONS
from bot.sandbox.cloud.server import StandInCloud

__all__ = [
    "MISHAPS",
    "OPERATIONS",
    "SPEEDS",
    "Action",
    "Call",
    "HandClock",
    "Instance",
    "Job",
    "Mishap",
    "StandInCloud",
    "Standing",
    "UpgradeCall",
]
