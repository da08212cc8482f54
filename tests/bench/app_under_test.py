"""The apps that are compared: the bot, the bot with its storage in memory, and a bare Bolt app in two forms."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.app_process import BOT, AppProcess, start_app
from tests.bench.load_generator import LoadGenerator, run_load_generator
from tests.bench.stub_services import StubServices, run_stub_services

BARE_BOLT = ("-m", "tests.bench.apps.bare_bolt")
COMMANDS = {
    "bot": BOT,
    "bot_in_memory": ("-m", "tests.bench.apps.bot_in_memory"),
    "bolt_as_documented": (*BARE_BOLT, "documented"),
    "bolt_fastest": (*BARE_BOLT, "fastest"),
}


@dataclass(frozen=True, slots=True)
class AppUnderTest:
    """An app, the stub services that it talks to, and its load generator."""

    process: AppProcess
    services: StubServices
    load: LoadGenerator


@asynccontextmanager
async def run_app(name: str, **settings: str) -> AsyncIterator[AppUnderTest]:
    """Start it on a fresh database in a folder of its own, and send it a first command."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        services = await stack.enter_async_context(run_stub_services())
        environ = {**services.environ(), "DATABASE_URL": f"sqlite:///{folder}/bot.db", **settings}
        process = await stack.enter_async_context(start_app(COMMANDS[name], environ, folder))
        load = await stack.enter_async_context(run_load_generator(services, process.port))
        await load.help()
        yield AppUnderTest(process, services, load)
