"""The command line: run the bot (default), or `sandbox`, `doctor`, `audit`."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from bot.environment import environment, exposed_file
from bot.hiding import Hiding, secrets_in
from bot.logs import set_up
from bot.settings import Settings, SettingsError

log = logging.getLogger("bot")
BAD_SETTINGS = 2
DEAD_TOKEN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; the process's exit code. What is not run is not imported."""
    options = _parser().parse_args(arguments)
    match options.what:
        case "sandbox":
            from bot.sandbox.running import run_sandbox

            return run_sandbox(options.port)
        case "doctor":
            from bot.operating.doctor import run_doctor

            return run_doctor(environment(), as_json=options.json)
        case "audit":
            from bot.operating.audit import run_audit

            return run_audit(environment(), options)
        case "store":
            from bot.operating.copying import run_copy

            return run_copy(environment(), options.to)
    return _run()


def _run() -> int:
    """Run the bot to its end."""
    environ = environment()
    try:
        settings = Settings.read(environ)
    except SettingsError as error:
        return _bad_settings(error, in_json=environ.get("LOG_FORMAT", "").strip().lower() == "json")
    set_up(settings.log_level, settings.log_format, secrets_in(settings))
    if exposed := exposed_file():
        log.warning("settings.exposed", extra={"why": exposed})
    from bot.slack.api import DeadToken
    from bot.wiring import run

    try:
        asyncio.run(run(settings))
    except DeadToken as dead:
        log.critical(str(dead))
        return DEAD_TOKEN
    return 0


def _bad_settings(error: SettingsError, *, in_json: bool) -> int:
    """Every mistake in a line of its own, which is an object where the log's lines are."""
    if in_json:
        set_up("INFO", "json")
    for mistake in error.mistakes:
        if in_json:
            log.critical("settings.wrong", extra={"mistake": mistake})
        else:
            print(Hiding()(mistake), file=sys.stderr)
    return BAD_SETTINGS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="starrocks-upgrade-bot", description=__doc__)
    commands = parser.add_subparsers(dest="what", metavar="{sandbox,doctor,audit,store}")
    sandbox = commands.add_parser("sandbox", help="try the bot against a stand-in Slack and a stand-in TaurusDB")
    sandbox.add_argument("--port", type=int, default=8765, help="the page's port on 127.0.0.1 (8765)")
    doctor = commands.add_parser("doctor", help="check settings, tokens, channels and the cloud; nothing is changed")
    doctor.add_argument("--json", action="store_true", help="one JSON object, for machines")
    audit = commands.add_parser("audit", help="read the audit trail")
    audit.add_argument("--verify", action="store_true", help="check the chain; exit 1 when a row is not what it was")
    audit.add_argument("--instance", default="", help="only this instance id")
    audit.add_argument("--user", default="", help="only this Slack user id")
    audit.add_argument("--since", default="", help="only from this time on (ISO 8601, UTC unless it says otherwise)")
    audit.add_argument("--format", choices=["table", "json", "csv"], default="table")
    store = commands.add_parser("store", help="move the database")
    copy = store.add_subparsers(dest="deed", required=True).add_parser("copy", help="copy everything to another one")
    copy.add_argument("--to", required=True, help="the database to fill, e.g. postgresql://…")
    return parser


if __name__ == "__main__":
    sys.exit(main())
