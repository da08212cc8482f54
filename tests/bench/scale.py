"""How much is measured: all of it, a quarter for a first look, or hardly anything for the test that it runs at all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`rounds` are interleaved between the apps; `factor` scales what is done in one."""

    rounds: int
    factor: float

    def count(self, full: int) -> int:
        """A count, scaled; at least 1."""
        return max(1, round(full * self.factor))

    def seconds(self, full: float) -> float:
        """A duration in seconds, scaled; at least 0.2."""
        return max(0.2, full * self.factor)


FULL = Scale(rounds=7, factor=1.0)
QUICK = Scale(rounds=3, factor=0.25)
SMOKE = Scale(rounds=1, factor=0.01)
