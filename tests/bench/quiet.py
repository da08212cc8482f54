"""Whether the machine did nothing else while a figure was measured; figures of a busy one are not written down."""

import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

MAX_LOAD = 0.5  # load average (1 minute) before the first figure
MAX_OTHER_CORES = 0.25  # what other processes may use on average while a figure is measured
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


class BusyMachine(Exception):
    """Something else used the processor."""


def check_load(load: float) -> None:
    """Raise `BusyMachine` for a load average that is too high to begin."""
    if load > MAX_LOAD:
        raise BusyMachine(f"the load average is {load:.2f}, above {MAX_LOAD}")


@dataclass(slots=True)
class OtherProcesses:
    """The CPU time of everything but this process and those that it has started and waited for."""

    _began_at: float = field(default_factory=time.monotonic)
    _began_with: float = field(default_factory=lambda: busy_seconds() - own_seconds())

    def cores(self) -> float:
        """How many cores they used on average since this object was made."""
        seconds = time.monotonic() - self._began_at
        return max(0.0, busy_seconds() - own_seconds() - self._began_with) / max(seconds, TICK_SECONDS)

    def check(self, figure: str) -> None:
        """Raise `BusyMachine` when they used too much while a figure was measured."""
        if (cores := self.cores()) > MAX_OTHER_CORES:
            raise BusyMachine(f"other processes used {cores:.2f} cores while {figure} was measured")


def busy_seconds() -> float:
    """The CPU time of the whole machine since it started, without what the kernel calls idle (proc(5))."""
    all_processors = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]
    user, nice, system, _, _, irq, softirq, *_ = all_processors
    return sum(map(int, (user, nice, system, irq, softirq))) * TICK_SECONDS


def own_seconds() -> float:
    """The CPU time of this process and of those that it has started and waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
