"""The command line: run the bot (default), or `sandbox`, `doctor`, `audit`, `store copy`."""

import errno
import os
import signal
import sys

# Whatever takes time to import, also `typing`, is imported below, after the signals have their handlers.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from bot.environment import SettingsError

PROGRAM = "starrocks-upgrade-bot"
EXIT_OK = 0
EXIT_NO_OUTPUT = 1
EXIT_BAD_SETTINGS = 2
EXIT_INVALID_TOKEN = 3
EXIT_SIGNAL = 128  # and the signal's number, as shells count it
NO_HOME = "/nonexistent"
COMMANDS_WITH_A_RESULT = {"doctor", "audit", "store"}


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run what the arguments say; the process's exit code. What is not run is not imported."""
    if arguments is None:  # the process is this program's alone
        _end_quietly_on_signals(sys.argv[1:])
        _open_closed_streams()
    try:
        try:
            code = _run_command(_argument_parser().parse_args(arguments))
        finally:  # also after --help
            sys.stdout.flush()
    except KeyboardInterrupt:  # a second Ctrl-C while the loop closes
        return EXIT_SIGNAL + signal.SIGINT
    except BrokenPipeError:  # the reader has closed the pipe (`| head`)
        _discard_output()
        return EXIT_SIGNAL + signal.SIGPIPE
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _discard_output()
        print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
        return EXIT_NO_OUTPUT
    return code


def _discard_output() -> None:
    """Python would try once more to write at its end, and print a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """What the shell has closed (`>&-`) leads nowhere; otherwise the first file that is opened would take its place."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process lives
            setattr(sys, name, stream)


def _end_quietly_on_signals(arguments: "Sequence[str]") -> None:
    """Until the bot handles signals itself, also while modules are imported: nothing has begun that has to be ended."""
    has_result = bool(COMMANDS_WITH_A_RESULT & set(arguments[:1]))

    def end(number: int, _: "FrameType | None") -> None:
        os._exit(EXIT_SIGNAL + number if has_result else EXIT_OK)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _run_command(options: "argparse.Namespace") -> int:
    from bot.environment import SettingsError, read_environment
    from bot.network import CannotListen
    from bot.settings import Settings

    for stream in (sys.stdout, sys.stderr):  # of any encoding: what it does not have is escaped
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    if os.path.expanduser("~") == "~":  # a user without a home: slack_sdk looks for it while it is imported
        os.environ["HOME"] = NO_HOME
    environ: Mapping[str, str] = os.environ
    try:
        if options.command == "sandbox":
            return _run_sandbox(options.port)
        environ = read_environment()
        match options.command:
            case "doctor":
                settings = Settings.read(environ)
                from bot.doctor.runner import run_doctor

                return run_doctor(settings, environ, as_json=options.json)
            case "audit":
                from bot.audit_cli import run_audit

                return run_audit(environ, options)
            case "store":
                from bot.copy_cli import run_copy

                return run_copy(environ, options.to)
        return _run_bot(environ)
    except (CannotListen, SettingsError) as error:
        mistakes = error if isinstance(error, SettingsError) else SettingsError([str(error)])
        if options.command == "doctor":
            from bot.doctor.report import unreadable_settings

            print(unreadable_settings(mistakes.mistakes, as_json=options.json))
        return _report_mistakes(mistakes, environ)


def _run_bot(environ: "Mapping[str, str]") -> int:
    import asyncio
    import gc
    import logging

    from bot.environment import env_file_warning
    from bot.logs import configure_logging
    from bot.settings import Settings, secrets_in

    settings = Settings.read(environ)
    configure_logging(settings.log_level, settings.log_format, secrets_in(settings))
    log = logging.getLogger("bot")
    if warning := env_file_warning():
        log.warning("settings.exposed", extra={"reason": warning})
    for hint in settings.hints:
        log.warning("settings.unknown", extra={"reason": hint})
    from bot.app import run
    from bot.slack.client import InvalidToken

    try:
        # What was built until here lives as long as the process: no garbage collection has to scan it again.
        asyncio.run(run(settings, on_ready=lambda _: gc.freeze()))
    except InvalidToken as error:
        log.critical(str(error))
        return EXIT_INVALID_TOKEN
    return EXIT_OK


def _run_sandbox(port: int) -> int:
    from bot.environment import SettingsError
    from bot.network import check_key_log

    mistakes: list[str] = []
    check_key_log(os.environ, lambda name, reason: mistakes.append(f"{name}: {reason}"))
    if mistakes:
        raise SettingsError(mistakes)
    from bot.sandbox.run import run_sandbox

    return run_sandbox(port)


def _report_mistakes(error: "SettingsError", environ: "Mapping[str, str]") -> int:
    """Every mistake in a line of its own, as an object where the log's lines are objects."""
    import logging

    from bot.logs import Redactor, configure_logging

    if environ.get("LOG_FORMAT", "").strip().lower() != "json":
        for line in (*error.mistakes, *error.hints):
            print(Redactor()(line), file=sys.stderr)
        return EXIT_BAD_SETTINGS
    configure_logging("INFO", "json")
    log = logging.getLogger("bot")
    for mistake in error.mistakes:
        log.critical("settings.wrong", extra={"mistake": mistake})
    for hint in error.hints:
        log.warning("settings.unknown", extra={"reason": hint})
    return EXIT_BAD_SETTINGS


def _port(text: str) -> int:
    """A TCP port, 0 for any free one."""
    import argparse

    if not text.isascii() or not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("should be a number from 0 to 65535")
    return int(text)


def _argument_parser() -> "argparse.ArgumentParser":
    import argparse

    from bot import __version__

    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="{sandbox,doctor,audit,store}")
    sandbox = commands.add_parser("sandbox", help="try the bot against a stand-in Slack and a stand-in TaurusDB")
    sandbox.add_argument("--port", type=_port, default=8765, help="the page's port on 127.0.0.1 (8765)")
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
