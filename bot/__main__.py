"""The command line: run the bot (default), or `sandbox`, `doctor`, `audit`, `store copy`."""

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Sequence

from bot.logs import Redactor, configure_logging
from bot.settings import Settings, SettingsError, env_file_warning, read_environment, secrets_in

log = logging.getLogger("bot")
EXIT_BAD_SETTINGS = 2
EXIT_INVALID_TOKEN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; the process's exit code. What is not run is not imported."""
    options = _argument_parser().parse_args(arguments)
    match options.command:
        case "sandbox":
            from bot.sandbox.run import run_sandbox

            return run_sandbox(options.port)
        case "doctor":
            from bot.doctor.runner import run_doctor

            return run_doctor(read_environment(), as_json=options.json)
        case "audit":
            from bot.audit_cli import run_audit

            return run_audit(read_environment(), options)
        case "store":
            from bot.copy_cli import run_copy

            return run_copy(read_environment(), options.to)
    return _run_bot()


def _run_bot() -> int:
    environ = read_environment()
    try:
        settings = Settings.read(environ)
    except SettingsError as error:
        return _report_mistakes(error, as_json=environ.get("LOG_FORMAT", "").strip().lower() == "json")
    configure_logging(settings.log_level, settings.log_format, secrets_in(settings))
    if warning := env_file_warning():
        log.warning("settings.exposed", extra={"reason": warning})
    from bot.app import run
    from bot.slack.client import InvalidToken

    try:
        # What was built until here lives as long as the process: no garbage collection has to scan it again.
        asyncio.run(run(settings, on_ready=lambda _: gc.freeze()))
    except SettingsError as error:  # what only the database itself could tell
        return _report_mistakes(error, as_json=settings.log_format == "json")
    except InvalidToken as error:
        log.critical(str(error))
        return EXIT_INVALID_TOKEN
    return 0


def _report_mistakes(error: SettingsError, *, as_json: bool) -> int:
    """Every mistake in a line of its own, as an object where the log's lines are objects."""
    if as_json:
        configure_logging("INFO", "json")
    for mistake in error.mistakes:
        if as_json:
            log.critical("settings.wrong", extra={"mistake": mistake})
        else:
            print(Redactor()(mistake), file=sys.stderr)
    return EXIT_BAD_SETTINGS


def _argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="starrocks-upgrade-bot", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="{sandbox,doctor,audit,store}")
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
    copy = store.add_subparsers(dest="action", required=True).add_parser("copy", help="copy everything to another one")
    copy.add_argument("--to", required=True, help="the database to fill, e.g. postgresql://…")
    return parser


if __name__ == "__main__":
    sys.exit(main())
