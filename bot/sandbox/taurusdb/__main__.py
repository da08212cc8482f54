"""`python -m bot.sandbox.taurusdb --port 0 --log FILE`: the stand-in in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

from bot.sandbox.taurusdb.server import StandInCloud


async def serve(port: int, log_path: str | None) -> None:
    """Print the endpoints and credentials as one line of JSON, then serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    async with StandInCloud(port, log_path=log_path) as cloud:
        names = ("endpoint", "iam_url", "project_id", "domain", "user", "password")
        print(json.dumps({name: getattr(cloud, name) for name in names}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox.taurusdb", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--log", metavar="FILE", help="append each upgrade that arrives to this file, as JSON lines")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.log))
