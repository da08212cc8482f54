"""A stand-in for TaurusDB and IAM on loopback, used by the tests and by the sandbox."""

from bot.sandbox.taurusdb.api import OPERATIONS
from bot.sandbox.taurusdb.faults import FAULTS
from bot.sandbox.taurusdb.jobs import SPEEDS, JobPlan, ManualClock
from bot.sandbox.taurusdb.recorder import Call, UpgradeCall
from bot.sandbox.taurusdb.server import StandInCloud
from bot.sandbox.taurusdb.state import Action

__all__ = [
    "FAULTS",
    "OPERATIONS",
    "SPEEDS",
    "Action",
    "Call",
    "JobPlan",
    "ManualClock",
    "StandInCloud",
    "UpgradeCall",
]
