"""One run: a person asks and confirms, the process is killed at a moment, another one has to set everything right."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from bot.core.upgrade import State, Upgrade
from bot.store import open_store
from tests.crash.bench import Bench
from tests.crash.judging import judge
from tests.crash.process import BotProcess
from tests.crash.steps import ENDED, Step
from tests.house import CHANNEL

TELL_SECONDS = 15.0  # from the start on, so says the promise
FIND_SECONDS = 90.0
STEP_SECONDS = 40.0
END_SECONDS = 60.0
T = TypeVar("T")


@dataclass(slots=True)
class Trap:
    """Kills a process at the very moment a step is seen: the answer that is on its way reaches nobody."""

    bench: Bench
    step: Step
    process: BotProcess
    sprung: bool = False

    def look(self) -> None:
        """Called at every change in the stand-ins."""
        if not self.sprung and self.step.seen(self.bench):
            self.sprung = True
            if self.step.delay:
                asyncio.get_running_loop().call_later(self.step.delay, self.process.kill)
            else:
                self.process.kill()


@dataclass(slots=True)
class Run:
    """One life, one death, and the life after it."""

    bench: Bench
    step: Step
    patient: bool  # waits for what comes again instead of pressing the first button there is
    waits_for_the_end: bool = False  # also of the two minutes of looking for what was never sent
    posted: int = 0  # questions in the channel when the process died

    async def play(self) -> None:
        """Everything from the command to the verdict."""
        bench = self.bench
        bench.overrides |= dict(self.step.settings)
        process = await bench.launch()
        await self._die(process)
        bench.slack.heal()
        bench.cloud.heal()
        left = await self._left()
        self.posted = len(bench.questions())
        again = await bench.launch()
        await self._set_right(again, left)
        await judge(bench)
        again.terminate()
        assert await again.ended() == 0

    async def _die(self, process: BotProcess) -> None:
        """Live as people do until the trap springs."""
        self.step.arrange(self.bench)
        trap = Trap(self.bench, self.step, process)
        with ExitStack() as stack:
            stack.callback(self.bench.slack.on_change(trap.look))
            stack.callback(self.bench.cloud.on_change(trap.look))
            person = asyncio.create_task(self._person(trap), name="person")
            try:
                await self.bench.until(lambda: not process.is_alive, STEP_SECONDS)
            except AssertionError:
                raise AssertionError(f"the step was never seen\n{self.bench.account()}") from None
            finally:
                process.kill()
                await person
        assert await process.ended() == -9

    async def _person(self, trap: Trap) -> None:
        bench = self.bench
        trap.look()
        if (await bench.slack.command("sre", CHANNEL, bench.instance())).acked:
            bench.acked.append("command")
            trap.look()
        await bench.until(lambda: bench.open_questions() or not trap.process.is_alive, STEP_SECONDS)
        asked = bench.open_questions() if self.step.confirms and trap.process.is_alive else []
        if asked and (await bench.slack.click("sre", asked[0], "confirm_upgrade")).acked:
            bench.acked.append("click")
            trap.look()

    async def _left(self) -> Upgrade | None:
        """What the dead process had written down; it decides what people have to do, not what is judged."""
        store = await open_store(self.bench.store_url)
        try:
            return next(iter(await store.history(None, 1)), None)
        finally:
            await store.close()

    async def _set_right(self, process: BotProcess, left: Upgrade | None) -> None:
        """Wait for what is promised, and do what a person would."""
        bench = self.bench
        if left is None:
            await bench.ask(bench.instance())
        elif not self.step.confirms:
            await self._within(TELL_SECONDS, process, lambda: bench.questions() and not bench.open_questions())
            return
        if left is None or left.state is State.ASKED:
            await self._confirm(process, left)
        elif left.state is State.SENDING:
            await self._within(TELL_SECONDS, process, lambda: bench.has_told("unknown"))
            if not any(call.took_effect for call in bench.sent()):
                if self.waits_for_the_end:
                    await bench.until(lambda: bench.has_told("probably not started"), 150)
                return
            found = bench.sent()[0].job_id or "?"
            await self._within(FIND_SECONDS, process, lambda: bench.has_told(found))
        else:
            await self._within(TELL_SECONDS, process, lambda: bench.has_told(left.job_id or "?"))
        job = bench.sent()[0].job_id or "?"
        patience = TELL_SECONDS if left is not None and left.state is State.COMPLETED else END_SECONDS
        await self._within(patience, process, lambda: bench.has_told(*ENDED, job) and bench.shows("completed"))

    async def _confirm(self, process: BotProcess, left: Upgrade | None) -> None:
        """Press the button of a question; a patient person waits for the one that is posted again."""
        bench = self.bench
        lost = left is not None and left.message_ts is None
        enough = self.posted + 1 if lost and self.patient else 1
        await self._within(TELL_SECONDS, process, lambda: len(bench.open_questions()) >= enough)
        for question in bench.open_questions():
            await bench.slack.click("sre", question, "confirm_upgrade")
        await bench.until(bench.sent)

    async def _within(self, seconds: float, process: BotProcess, condition: Callable[[], T]) -> None:
        """Wait for it for so long after the start."""
        try:
            await self.bench.slack.until(condition, max(seconds - process.age, 0.1))
        except AssertionError:
            raise AssertionError(f"not {seconds} s after the start\n{self.bench.account()}") from None
