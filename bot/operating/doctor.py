"""`python -m bot doctor`: what the examination found, for operators (in English) or for machines (JSON)."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from bot.checkup.check import can_work, failed, warned
from bot.checkup.examination import examine
from bot.checkup.report import in_json, in_text
from bot.environment import exposed_file
from bot.hiding import Hiding
from bot.settings import Settings, SettingsError

FINE, NOT_FINE, BAD_SETTINGS = 0, 1, 2


def run_doctor(environ: Mapping[str, str], *, as_json: bool) -> int:
    """Look at everything, print what was found; 0 only if the bot can work, 2 when the settings cannot be read."""
    try:
        settings = Settings.read(environ)
    except SettingsError as error:
        return _bad_settings(error, as_json=as_json)
    checks = list(asyncio.run(examine(settings)))
    if exposed := exposed_file():
        checks.insert(1, warned("settings.file", exposed, "chmod 600 .env"))
    print(in_json(checks) if as_json else in_text(checks, coloured=may_colour(sys.stdout, environ)))
    return FINE if can_work(checks) else NOT_FINE


def may_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Only on a terminal, and not when NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _bad_settings(error: SettingsError, *, as_json: bool) -> int:
    """Every mistake, as at the start; with them nothing else can be looked at."""
    hide = Hiding()
    mistakes = [hide(mistake) for mistake in error.mistakes]
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if as_json:
        remedy = "the README's chapter Settings explains each variable"
        print(in_json([failed(f"settings.{mistake.partition(':')[0]}", mistake, remedy) for mistake in mistakes]))
    else:
        print("The settings cannot be read, so nothing else was looked at: mend the lines above (README, Settings).")
    return BAD_SETTINGS
