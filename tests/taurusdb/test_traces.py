"""Which job is ours, among those that are listed."""

import pytest

from bot.taurusdb.traces import Trace, best, moment_of, under_parent
from tests.taurusdb.asking import NOON


def test_jobs_of_the_taurusdb_instance_itself_are_left_out() -> None:
    parent = "9a7d3c1b2e4f4a5b8c6d7e8f90a1b2c3in07"
    traces = [
        Trace("1", parent, NOON, "UpgradeGaussDBforMySQLDatabaseVersion"),
        Trace("2", parent, NOON + 1, "Whatever"),
        Trace("3", parent, NOON + 2, "UpgradeGaussDBforMySQLStarRocksVersion"),
    ]
    assert [trace.job_id for trace in under_parent(traces, parent, NOON)] == ["3", "2"]
    assert [trace.job_id for trace in under_parent(traces, None, NOON)] == ["3", "2"]


def test_the_first_job_after_the_sending_is_ours() -> None:
    traces = [
        Trace("later", "in17", NOON + 30, ""),
        Trace("ours", "in17", NOON + 1, ""),
        Trace("within the tolerance", "in17", NOON - 4, ""),
        Trace("older", "in17", NOON - 6, ""),
        Trace("another's", "another in17", NOON + 1, ""),
    ]
    assert best(traces, "in17", NOON) == "ours"
    assert best(traces[2:], "in17", NOON) == "within the tolerance"
    assert best(traces[3:], "in17", NOON) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T12:00:00+0000", NOON),
        ("2026-11-23T20:00:00+0800", NOON),
        ("2026-11-23T12:00:00Z", NOON),
        ("2026-11-23T12:00:00", NOON),
        ("1795435200", NOON),
        (1795435200000, NOON),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_times_are_read_in_every_form_they_come_in(text: object, at: float | None) -> None:
    assert moment_of(text) == at
