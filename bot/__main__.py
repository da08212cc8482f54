"""The command line: run the bot (default), or `sandbox`, `doctor`, `audit`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.settings import Settings, SettingsError

BAD_SETTINGS = 2
DEAD_TOKEN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; the process's exit code."""
    options = _parser().parse_args(arguments)
    if options.what == "sandbox":
        from bot.sandbox.running import run_sandbox

        return run_sandbox(options.port)
    try:
        settings = Settings.read(environment())
    except SettingsError as error:
        for mistake in error.mistakes:
            print(mistake, file=sys.stderr)
        return BAD_SETTINGS
    return _run(settings)


def environment() -> Mapping[str, str]:
    """The environment; a `.env` in the working directory fills what it does not set."""
    file = Path(".env")
    if not file.is_file():
        return os.environ
    from dotenv import dotenv_values

    return {**{name: value or "" for name, value in dotenv_values(file).items()}, **os.environ}


def _run(settings: Settings) -> int:
    """Run the bot to its end."""
    from bot.logs import set_up
    from bot.slack.api import DeadToken
    from bot.wiring import run

    set_up(settings.log_level, settings.log_format)
    try:
        asyncio.run(run(settings))
    except DeadToken as dead:
        print(dead, file=sys.stderr)
        return DEAD_TOKEN
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="starrocks-upgrade-bot", description=__doc__)
    commands = parser.add_subparsers(dest="what", metavar="{sandbox,doctor,audit}")
    sandbox = commands.add_parser("sandbox", help="try the bot against a stand-in Slack and a stand-in TaurusDB")
    sandbox.add_argument("--port", type=int, default=8765, help="the page's port on 127.0.0.1 (8765)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
