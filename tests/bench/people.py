"""What people do, over HTTP as Slack tells it: a command, a click, and the wait for what comes of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlencode

from bot.sandbox.slack.events import signature
from tests.bench.counterpart import CHANNEL, INSTANCE, SECRET, TEAM, Counterpart, Posted, job_of
from tests.bench.wire import Caller

COMMAND = "/starrocks-upgrade"
PATIENCE = 90.0
_numbers = count(1)


@dataclass(slots=True)
class Errand:
    """One upgrade on its way from the command to its job id; times are of `time.perf_counter`."""

    instance_id: str
    asked: "asyncio.Future[Posted]"
    bare: "asyncio.Future[Posted]"
    told: "asyncio.Future[Posted]"
    acks: list[float] = field(default_factory=list)
    clicked_at: float = 0.0
    bare_at: float = 0.0


class People:
    """Drives one contender and listens to what it says."""

    def __init__(self, other: Counterpart, port: int) -> None:
        self._caller = Caller(port, "/slack/events")
        self._by_instance: dict[str, Errand] = {}
        self._by_ts: dict[str, Errand] = {}
        self._helped = asyncio.Event()
        other.heard = self._heard

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()

    async def help(self) -> float:
        """A command that takes one private answer; seconds until it was acknowledged. The next finds an idle app."""
        self._helped.clear()
        seconds = await self._send(_command("help"))
        await asyncio.wait_for(self._helped.wait(), PATIENCE)
        return seconds

    async def errand(self) -> Errand:
        """Type the command, wait for the question, press the button, wait for the job id."""
        errand = await self.ask()
        await self.confirm(errand)
        await asyncio.wait_for(errand.told, PATIENCE)  # RuntimeError when something else is told
        return errand

    async def ask(self) -> Errand:
        """Type the command and wait for the question."""
        loop = asyncio.get_running_loop()
        instance_id = f"{next(_numbers):032x}in17"
        errand = Errand(instance_id, loop.create_future(), loop.create_future(), loop.create_future())
        self._by_instance[instance_id] = errand
        errand.acks.append(await self._send(_command(instance_id)))
        await asyncio.wait_for(errand.asked, PATIENCE)
        return errand

    async def confirm(self, errand: Errand) -> None:
        """Press the button under the question."""
        question = errand.asked.result()
        errand.clicked_at = time.perf_counter()
        errand.acks.append(await self._send(_click(question)))

    async def _send(self, body: bytes) -> float:
        stamped = signature(SECRET, body)
        headers = "".join(f"{name}: {value}\r\n" for name, value in stamped.items())
        began = time.perf_counter()
        status = await self._caller.post(body, headers)
        if status != 200:
            raise RuntimeError(f"not acknowledged: {status}")
        return time.perf_counter() - began

    def _heard(self, posted: Posted) -> None:
        """Somebody's errand goes on."""
        if not posted.ts:
            self._helped.set()
            return
        errand = self._by_ts.get(posted.thread_ts or posted.ts)
        if errand is None:
            self._asked(posted)
        elif posted.is_edit:
            if errand.clicked_at and not errand.bare.done() and b"confirm_upgrade" not in posted.body:
                errand.bare_at = time.perf_counter()
                errand.bare.set_result(posted)
        elif not errand.told.done():
            if job_of(errand.instance_id).encode() in posted.body:
                errand.told.set_result(posted)
            else:
                errand.told.set_exception(RuntimeError(f"no job id: {posted.body!r}"))

    def _asked(self, posted: Posted) -> None:
        """A question, if it names the instance of somebody who waits for one."""
        found = INSTANCE.search(posted.body)
        errand = self._by_instance.pop(found[0].decode(), None) if found and not posted.is_edit else None
        if errand is not None:
            self._by_ts[posted.ts] = errand
            errand.asked.set_result(posted)


@asynccontextmanager
async def people(other: Counterpart, port: int) -> AsyncIterator[People]:
    """People at this contender's door."""
    crowd = People(other, port)
    try:
        yield crowd
    finally:
        await crowd.close()


def _command(text: str) -> bytes:
    fields = {"team_id": TEAM, "channel_id": CHANNEL, "channel_name": "bench", "user_id": "U0SRE", "user_name": "sre"}
    more = {"command": COMMAND, "text": text, "api_app_id": "A0BENCH", "trigger_id": f"trigger-{next(_numbers)}"}
    return urlencode({**fields, **more, "response_url": ""}).encode()


def _click(question: Posted) -> bytes:
    """The payload of the confirming button, with the message as Slack sends it along."""
    message = json.loads(question.body)
    blocks = message.get("blocks") or []
    buttons = [one for block in blocks if block["type"] == "actions" for one in block["elements"]]
    button = next(one for one in buttons if one["action_id"] == "confirm_upgrade")
    payload = {
        "type": "block_actions",
        "user": {"id": "U0SRE", "username": "sre", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "bench"},
        "channel": {"id": CHANNEL, "name": "bench"},
        "container": {"type": "message", "message_ts": question.ts, "channel_id": CHANNEL},
        "message": {"ts": question.ts, "text": message.get("text", ""), "blocks": blocks},
        "api_app_id": "A0BENCH",
        "trigger_id": f"trigger-{next(_numbers)}",
        "actions": [
            {
                "type": "button",
                "action_id": "confirm_upgrade",
                "value": button["value"],
                "action_ts": f"{next(_numbers)}.0",
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()
