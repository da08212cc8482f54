"""Server-sent events: first the whole picture, then only what has changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from bot.sandbox.desk.bell import Bell
from bot.sandbox.desk.items import Item, Items

GATHER_SECONDS: Final = 0.03  # changes that come together are sent together
LOOK_SECONDS: Final = 1.0  # jobs move by the clock alone
BREATHE_AFTER_LOOKS: Final = 15  # then a comment is sent: a line that is dead is found out


async def stream(request: web.Request, picture: Callable[[], Items], bell: Bell) -> web.StreamResponse:
    """Send what one viewer may see until the viewer leaves or the server ends."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    shown: Items = {}
    quiet, first = 0, True
    while not bell.stopped:
        seen = bell.rung
        now = picture()
        change = difference(shown, now, reset=first)
        shown, first = now, False
        try:
            if change is not None:
                await response.write(f"event: change\ndata: {json.dumps(change, ensure_ascii=False)}\n\n".encode())
                quiet = 0
            elif (quiet := quiet + 1) >= BREATHE_AFTER_LOOKS:
                await response.write(b": still here\n\n")
                quiet = 0
        except ConnectionError:  # the viewer has left
            break
        await bell.heard(seen, LOOK_SECONDS)
        await asyncio.sleep(GATHER_SECONDS)
    return response


def difference(
    before: Mapping[str, Item], after: Mapping[str, Item], *, reset: bool = False
) -> dict[str, object] | None:
    """Say how to come from one picture to the next; None when they are the same."""
    put = {key: item for key, item in after.items() if before.get(key) != item}
    gone = [key for key in before if key not in after]
    if not (put or gone or reset):
        return None
    return {"reset": reset, "put": put, "gone": gone}
