"""Who takes part: the bot, the bot on a store that forgets, and a bare Bolt app in its two forms."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.counterpart import Counterpart, counterpart
from tests.bench.people import People, people
from tests.bench.processes import BOT, Contender, contender

BARE = ("-m", "tests.bench.contenders.bare")
COMMANDS = {
    "bot": BOT,
    "forgetful": ("-m", "tests.bench.contenders.forgetful"),
    "documented": (*BARE, "documented"),
    "fastest": (*BARE, "fastest"),
}


@dataclass(frozen=True, slots=True)
class Rival:
    """A contender, its own Slack and cloud, and the people at its door."""

    contender: Contender
    other: Counterpart
    people: People


@asynccontextmanager
async def rival(name: str, **settings: str) -> AsyncIterator[Rival]:
    """Start it on a fresh database in a folder of its own; the first command is behind it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        other = await stack.enter_async_context(counterpart())
        environ = {**other.environ(), "DATABASE_URL": f"sqlite:///{folder}/bot.db", **settings}
        one = await stack.enter_async_context(contender(COMMANDS[name], environ, folder))
        crowd = await stack.enter_async_context(people(other, one.port))
        await crowd.help()
        yield Rival(one, other, crowd)
