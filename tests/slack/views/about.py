"""Instances as the cloud describes them, and the private pages about them: cases of the views."""

from dataclasses import replace

from bot.core.doubts import doubt, not_in_project
from bot.core.instances import Instance, Listing
from bot.core.pages import Doubted, NothingListed, NotListed, Page, page_of
from bot.core.recount import HistoryTold, NoHistory, NothingLives, StatusTold, recounted
from bot.core.scheduled import (
    CancelScheduledBefore,
    CancelScheduledDone,
    CancelScheduledNotDone,
    CancelScheduledTooLate,
    CancelScheduledUnclear,
    OnlyRequesterCancels,
)
from bot.core.sentence import Code, Person, Sentence
from bot.core.upgrade import State, Upgrade

USAGE = "/starrocks-upgrade <instance_id> [--delay] [--skip-validate]"
ORDERS = Instance(
    "590031445ef845bb912d7fc8243db80cin17",
    "sr-orders",
    status="normal",
    version="3.1.15",
    has_newer=True,
    nodes=3,
    window_start="02:00",
    window_end="06:00",
    running=(),
)
BUSY = replace(ORDERS, id="b" * 32 + "in17", name="订单分析", running=("RESTARTING", "RESIZE_FLAVOR"))
LATEST = replace(ORDERS, id="c" * 32 + "in17", name="sr-reports", version="3.1.18", has_newer=False)
ABNORMAL = replace(ORDERS, id="d" * 32 + "in17", name="sr-archive", status="abnormal")
CREATING = replace(ORDERS, status="creating", nodes=None)
FROZEN = replace(ORDERS, status="Frozen", running=None, version="", has_newer=None)
FAILED = replace(ORDERS, status="createfail")
LISTED = replace(ORDERS, has_newer=None, is_detailed=False)
UNNAMED = Instance("e" * 32 + "in17")
ALL = (ORDERS, BUSY, LATEST, ABNORMAL, UNNAMED)

DESCRIBED = {
    "orders": ORDERS,
    "busy": BUSY,
    "latest": LATEST,
    "abnormal": ABNORMAL,
    "creating": CREATING,
    "createfail": FAILED,
    "frozen": FROZEN,
    "listed": LISTED,
}


def pages() -> dict[str, Page]:
    """The private answers that have buttons."""
    command = Code(f"{ORDERS.id} --delay")
    doubts: dict[str, Sentence | None] = {name: doubt(one) for name, one in DESCRIBED.items()}
    doubts["missing"] = not_in_project("f" * 32 + "in17", [])
    doubts["near"] = not_in_project(f"{ORDERS.id[:-5]}0in17", [ORDERS, UNNAMED])
    found: dict[str, Page] = {f"doubt-{name}": Doubted(said, command) for name, said in doubts.items() if said}
    found["list"] = page_of(Listing(ALL, True, True), 0, USAGE)
    found["list-so-far"] = page_of(Listing(ALL * 3, True, False), 1, USAGE)
    return found


def told(upgrade: Upgrade) -> dict[str, Sentence]:
    """The private answers that are sentences alone; `upgrade` is any."""
    rows = [replace(upgrade, state=state, about=ORDERS.written() if state is State.ASKED else "") for state in State]
    links = [f"https://example.slack.com/archives/C0INCIDENT/p{n}" for n in range(len(rows))]
    return {
        "history": HistoryTold(recounted(rows, links)),
        "no-history": NoHistory(),
        "status": StatusTold(recounted(rows[:1], links[:1])),
        "nothing-lives": NothingLives(),
        "nothing-listed": NothingListed(),
        "not-listed": NotListed(Code("/starrocks-upgrade <instance_id>")),
        "cancel-done": CancelScheduledDone(),
        "cancel-before": CancelScheduledBefore(),
        "cancel-too-late": CancelScheduledTooLate(),
        "cancel-not-done": CancelScheduledNotDone(Code("403 APIGW.0302")),
        "cancel-unclear": CancelScheduledUnclear(Code("504 APIGW.0201")),
        "cancel-only-requester": OnlyRequesterCancels(Person("U0SRE")),
    }
