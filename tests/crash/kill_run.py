"""One run: a person asks and confirms, the process is killed at a moment, another one has to set everything right."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from bot.core.upgrade import State, Upgrade
from bot.storage.opening import open_storage
from tests.crash.assertions import assert_outcome
from tests.crash.kill_points import ENDED, KillPoint
from tests.crash.process import BotProcess
from tests.crash.process_driver import ProcessDriver
from tests.driver import CHANNEL

TELL_SECONDS = 15.0  # from the start on, so says the promise
FIND_SECONDS = 90.0
STEP_SECONDS = 40.0
END_SECONDS = 60.0
T = TypeVar("T")


@dataclass(slots=True)
class Killer:
    """Kills a process at the very moment a step is seen: the answer that is on its way reaches nobody."""

    driver: ProcessDriver
    kill_point: KillPoint
    process: BotProcess
    has_killed: bool = False

    def check(self) -> None:
        """Called at every change in the stand-ins."""
        if not self.has_killed and self.kill_point.seen(self.driver):
            self.has_killed = True
            if self.kill_point.delay:
                asyncio.get_running_loop().call_later(self.kill_point.delay, self.process.kill)
            else:
                self.process.kill()


@dataclass(slots=True)
class Run:
    """One life, one death, and the life after it."""

    driver: ProcessDriver
    kill_point: KillPoint
    patient: bool  # waits for what comes again instead of pressing the first button there is
    waits_for_the_end: bool = False  # also of the two minutes of looking for what was never sent
    posted: int = 0  # cards in the channel when the process died

    async def play(self) -> None:
        """Everything from the command to the verdict."""
        driver = self.driver
        driver.overrides |= dict(self.kill_point.settings)
        process = await driver.launch()
        await self._die(process)
        driver.slack.clear_faults()
        driver.cloud.clear_faults()
        left = await self._left()
        self.posted = len(driver.cards())
        again = await driver.launch()
        await self._set_right(again, left)
        await assert_outcome(driver)
        again.terminate()
        assert await again.ended() == 0

    async def _die(self, process: BotProcess) -> None:
        """Live as people do until the killer springs."""
        self.kill_point.arrange(self.driver)
        killer = Killer(self.driver, self.kill_point, process)
        with ExitStack() as stack:
            stack.callback(self.driver.slack.on_change(killer.check))
            stack.callback(self.driver.cloud.on_change(killer.check))
            person = asyncio.create_task(self._person(killer), name="person")
            try:
                await self.driver.until(lambda: not process.is_alive, STEP_SECONDS)
            except AssertionError:
                raise AssertionError(f"the step was never seen\n{self.driver.account()}") from None
            finally:
                process.kill()
                await person
        assert await process.ended() == -9

    async def _person(self, killer: Killer) -> None:
        driver = self.driver
        killer.check()
        if (await driver.slack.command("sre", CHANNEL, driver.instance())).acked:
            driver.acked.append("command")
            killer.check()
        await driver.until(lambda: driver.open_cards() or not killer.process.is_alive, STEP_SECONDS)
        asked = driver.open_cards() if self.kill_point.confirms and killer.process.is_alive else []
        if asked and (await driver.slack.click("sre", asked[0], "confirm_upgrade")).acked:
            driver.acked.append("click")
            killer.check()

    async def _left(self) -> Upgrade | None:
        """What the dead process had written down; it decides what people have to do, not what is judged."""
        storage = await open_storage(self.driver.database_url)
        try:
            return next(iter(await storage.latest(None, 1)), None)
        finally:
            await storage.close()

    async def _set_right(self, process: BotProcess, left: Upgrade | None) -> None:
        """Wait for what is promised, and do what a person would."""
        driver = self.driver
        if left is None:
            await driver.request(driver.instance())
        elif not self.kill_point.confirms:
            await self._within(TELL_SECONDS, process, lambda: driver.cards() and not driver.open_cards())
            return
        if left is None or left.state is State.REQUESTED:
            await self._confirm(process, left)
        elif left.state is State.SUBMITTING:
            await self._within(TELL_SECONDS, process, lambda: driver.has_reply("unknown"))
            if not any(call.took_effect for call in driver.sent()):
                if self.waits_for_the_end:
                    await driver.until(lambda: driver.has_reply("probably not started"), 150)
                return
            found = driver.sent()[0].job_id or "?"
            await self._within(FIND_SECONDS, process, lambda: driver.has_reply(found))
        else:
            await self._within(TELL_SECONDS, process, lambda: driver.has_reply(left.job_id or "?"))
        job = driver.sent()[0].job_id or "?"
        patience = TELL_SECONDS if left is not None and left.state is State.COMPLETED else END_SECONDS
        await self._within(patience, process, lambda: driver.has_reply(*ENDED, job) and driver.shows("completed"))

    async def _confirm(self, process: BotProcess, left: Upgrade | None) -> None:
        """Press the button of a card; a patient person waits for the one that is posted again."""
        driver = self.driver
        lost = left is not None and left.message_ts is None
        enough = self.posted + 1 if lost and self.patient else 1
        await self._within(TELL_SECONDS, process, lambda: len(driver.open_cards()) >= enough)
        for card in driver.open_cards():
            await driver.slack.click("sre", card, "confirm_upgrade")
        await driver.until(driver.sent)

    async def _within(self, seconds: float, process: BotProcess, condition: Callable[[], T]) -> None:
        """Wait for it for so long after the start."""
        try:
            await self.driver.slack.until(condition, max(seconds - process.age, 0.1))
        except AssertionError:
            raise AssertionError(f"not {seconds} s after the start\n{self.driver.account()}") from None
