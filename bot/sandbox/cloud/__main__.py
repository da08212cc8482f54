"""`python -m bot.sandbox.cloud --port 0 --log FILE`: the stand-in cloud in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence

from bot.sandbox.cloud.server import StandInCloud


async def serve(port: int, log: str | None) -> None:
    """Say in one line of JSON where it is and how to sign in, and run until SIGTERM or SIGINT."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    async with StandInCloud(port, log_path=log) as cloud:
        print(
            json.dumps(
                {
                    "endpoint": cloud.endpoint,
                    "iam_url": cloud.iam_url,
                    "project_id": cloud.project_id,
                    "domain": cloud.domain,
                    "user": cloud.user,
                    "password": cloud.password,
                }
            ),
            flush=True,
        )
        await end.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox.cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--log", metavar="FILE", help="write each upgrade that arrives to this file, as JSON lines")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.port, options.log))


if __name__ == "__main__":
    main()
