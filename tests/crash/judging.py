"""The verdict: by the cloud's log and by what people see in Slack."""

import re
from collections import Counter

from bot.store import open_store
from bot.store.verify import verify
from tests.crash.bench import Bench
from tests.house import Message, said

NEWS = {
    "accepted": r"accepted the upgrade|Upgrade of `[^`]*`\. Job ID",
    "found": r"Found it",
    "unknown": r"outcome of the upgrade of \S+ is unknown",
    "completed": r"completed .* after it was confirmed",
    "unresolved": r"is still unknown",
    "refused": r"refused the upgrade",
    "not sent": r"could not be sent",
}


async def judge(bench: Bench) -> None:
    """Whatever happened: sent once at most, told once or twice, nothing left that can still be pressed."""
    told = Counter(kind_of(reply) for reply in bench.replies())
    account = bench.account()
    assert len(bench.sent()) <= 1, f"sent {len(bench.sent())} times\n{account}"
    assert len(bench.questions()) <= 2, f"asked more than twice\n{account}"
    assert max(told.values(), default=0) <= 2, f"told too often: {told}\n{account}"
    assert told["refused"] + told["not sent"] == 0, f"told what is not so: {told}\n{account}"
    if any(call.took_effect for call in bench.sent()):
        assert told["completed"], f"the end was not told\n{account}"
        assert bench.shows("completed"), f"the card is behind\n{account}"
    await _nothing_can_be_pressed(bench)
    await _the_trail_is_whole(bench)


def kind_of(reply: Message) -> str:
    """Which news a message of a thread is."""
    return next((kind for kind, pattern in NEWS.items() if re.search(pattern, said(reply))), said(reply))


async def _nothing_can_be_pressed(bench: Bench) -> None:
    """No decided question has buttons; one that was posted twice loses them when it is pressed, and nothing is sent."""
    sent = len(bench.sent())
    open_still = bench.open_questions()
    assert len(open_still) <= len(bench.questions()) - 1, f"buttons are left\n{bench.account()}"
    for question in open_still:
        await bench.slack.click("sre", question, "confirm_upgrade")
    try:
        await bench.slack.until(lambda: not bench.open_questions(), 5)
    except AssertionError:
        raise AssertionError(f"a lost question keeps its buttons\n{bench.account()}") from None
    assert len(bench.sent()) == sent, f"a lost question sent\n{bench.account()}"


async def _the_trail_is_whole(bench: Bench) -> None:
    store = await open_store(bench.store_url)
    try:
        assert (await verify(store)).is_whole, bench.account()
    finally:
        await store.close()
