"""The benchmark runs, with hardly anything to do; what it measures here means nothing."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.app_under_test import run_app
from tests.bench.figures import ack, flow
from tests.bench.live_upgrades import insert_live_upgrades, job_id_of
from tests.bench.quiet import MAX_LOAD, BusyMachine, OtherProcesses, check_load, own_seconds
from tests.bench.scale import SMOKE
from tests.bench.table import BEGIN, END, Row, at_least, at_most, ratio_of, table, write


async def test_acks_are_measured_against_both_forms_of_bolt() -> None:
    rows = await ack.measure(SMOKE)
    assert all(row.ratio for row in rows)
    assert [row.promise.split(" ×")[0] for row in rows] == ["≤ 1.2", "≤ 1.5", "–"]


@pytest.mark.parametrize("name", ["bot", "bot_in_memory", "bolt_fastest"])
async def test_a_flow_goes_from_the_command_to_the_job_id(name: str) -> None:
    async with run_app(name) as app:
        assert await flow.flows_per_second(app, in_flight=2, count=3) > 0
        assert app.services.calls["upgrade"] == 3
        assert app.process.memory().rss > 10


async def test_live_upgrades_are_polled_and_nothing_is_posted(tmp_path: Path) -> None:
    await insert_live_upgrades(tmp_path / "bot.db", 4, poll_seconds=0.1)
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/bot.db", "JOB_POLL_SECONDS": "0.1"}
    async with run_app("bot", **settings) as app:
        calls = app.services.calls
        posted = calls["chat.update"] + calls["chat.postMessage"]
        await app.services.until(lambda: calls["job"] >= 8)
        assert calls["chat.update"] + calls["chat.postMessage"] == posted
    assert job_id_of(1) != job_id_of(2)


def test_figures_are_not_taken_on_a_machine_that_has_something_to_do() -> None:
    check_load(MAX_LOAD)
    with pytest.raises(BusyMachine, match="load average"):
        check_load(MAX_LOAD + 0.01)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        others = OtherProcesses()
        with suppress(subprocess.TimeoutExpired):
            other.wait(0.5)
        with pytest.raises(BusyMachine, match="while ack was measured"):
            others.check("ack")
        other.kill()


def test_what_the_bench_itself_starts_is_not_something_else() -> None:
    before = own_seconds()
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert own_seconds() - before >= 0.3


def test_a_ratio_on_the_wrong_side_of_its_limit_is_a_missed_promise() -> None:
    assert at_most("x", "1", "1", 1.3, 1.3).is_met
    assert not at_most("x", "1", "1", 1.31, 1.3).is_met
    assert at_least("x", "1", "1", 0.75, 0.75).is_met
    assert not at_least("x", "1", "1", 0.74, 0.75).is_met


def test_a_round_that_was_disturbed_does_not_move_the_ratio() -> None:
    assert ratio_of([1.0, 10.0, 1.0], [1.0, 1.0, 1.0]) == 1.0


def test_the_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    rows = [Row("speed", "fast")]
    write(readme, rows, load=0.1)
    written = readme.read_text(encoding="utf-8")
    assert table(rows) in written
    assert "old" not in written
    assert written.startswith(f"before\n{BEGIN}\n")
    assert written.endswith(f"{END}\nafter\n")


def test_a_readme_without_markers_is_left_as_it_is(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="figures"):
        write(readme, [], load=0.1)
    assert readme.read_text(encoding="utf-8") == "nothing\n"
