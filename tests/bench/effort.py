"""How much is measured: enough to be sure, little for a look, next to nothing for the test that it runs at all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Rounds are interleaved between the contenders; `share` scales what is done in one."""

    rounds: int
    share: float

    def many(self, full: int) -> int:
        """So many, scaled; at least one."""
        return max(1, round(full * self.share))

    def seconds(self, full: float) -> float:
        """So long, scaled."""
        return max(0.2, full * self.share)


FULL = Effort(rounds=7, share=1.0)
QUICK = Effort(rounds=3, share=0.25)
TINY = Effort(rounds=1, share=0.01)
