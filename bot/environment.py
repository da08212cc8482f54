"""The environment the settings are read from: the process's own, filled up by a `.env` in the working directory."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

FILE = ".env"


def environment(folder: Path = Path()) -> Mapping[str, str]:
    """The environment; a `.env` in the folder fills what it does not set."""
    file = folder / FILE
    if not file.is_file():
        return os.environ
    from dotenv import dotenv_values

    return {**{name: value or "" for name, value in dotenv_values(file, interpolate=False).items()}, **os.environ}


def exposed_file(folder: Path = Path()) -> str:
    """Whose eyes the `.env` is open to, when it is to others than its owner's group; empty when it is not."""
    try:
        mode = os.stat(folder / FILE).st_mode
    except OSError:
        return ""
    return f"{FILE} can be read by every user of this machine (chmod 600 {FILE})" if mode & stat.S_IROTH else ""
