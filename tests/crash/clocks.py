"""Processes whose clocks are wrong: ahead by some seconds, or stopped together with their machine."""

from dataclasses import dataclass
from pathlib import Path

from tests.crash.process import HOME

# Imported by every Python that has its folder on the path.
PATCH = """
import os, time

ahead, file = float(os.environ["CLOCK_AHEAD"]), os.environ["CLOCK_FILE"]
real = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter")}


def stopped():
    with open(file) as opened:
        return float(opened.read())


time.time = lambda: real["time"]() + ahead - stopped()
time.monotonic = lambda: real["monotonic"]() - stopped()
time.perf_counter = lambda: real["perf_counter"]() - stopped()
"""


@dataclass(frozen=True, slots=True)
class WrongClocks:
    """What makes the clocks of a process wrong."""

    folder: Path
    ahead: float = 0.0

    def settings(self) -> dict[str, str]:
        """The environment of such a process."""
        self.folder.mkdir()
        (self.folder / "sitecustomize.py").write_text(PATCH)
        self.stood_still(0.0)
        return {
            "PYTHONPATH": f"{self.folder}:{HOME}",
            "CLOCK_AHEAD": str(self.ahead),
            "CLOCK_FILE": str(self.folder / "stopped"),
        }

    def stood_still(self, seconds: float) -> None:
        """The clocks stood still for so long; to be said before the process wakes."""
        (self.folder / "new").write_text(str(seconds))
        (self.folder / "new").rename(self.folder / "stopped")
