"""The stand-in cloud as a whole: TaurusDB and IAM on one loopback port, behind one door."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.sandbox.cloud.controls import Controls
from bot.sandbox.cloud.door import HOST, Door
from bot.sandbox.cloud.iam import Iam
from bot.sandbox.cloud.journal import Journal
from bot.sandbox.cloud.mishaps import Mishaps
from bot.sandbox.cloud.reception import Reception
from bot.sandbox.cloud.region import Region

PROJECT_ID = "0483b6b16e954cb88930a360d2c4e663"
REGION_NAME = "cn-north-4"
_TICK_SECONDS = 0.2  # how often jobs are looked at for those who wait for a change


class StandInCloud(Controls):
    """A TaurusDB and an IAM that behave, remember, and go wrong when told to."""

    def __init__(
        self, port: int = 0, clock: Callable[[], float] = time.time, log_path: Path | str | None = None
    ) -> None:
        self.clock = clock
        self.iam = Iam(clock, PROJECT_ID, REGION_NAME)
        self.ready_token = self.iam.issue()
        region, mishaps = Region(clock), Mishaps()
        journal = Journal(Path(log_path) if log_path is not None else None)
        reception = Reception(region, self.iam, mishaps, journal)
        super().__init__(region, mishaps, journal, reception)
        self._door = Door(reception, port)
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._door.open()
        self._ticking = asyncio.create_task(self._tick(), name="stand-in cloud's jobs")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._door.shut()
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):  # that is how it ends
                await self._ticking

    @property
    def endpoint(self) -> str:
        """Where TaurusDB is."""
        return f"http://{HOST}:{self._door.port}"

    @property
    def iam_url(self) -> str:
        """Where IAM is."""
        return f"{self.endpoint}/v3"

    @property
    def project_id(self) -> str:
        """The one project."""
        return self.iam.project_id

    @property
    def domain(self) -> str:
        """The account's name."""
        return self.iam.domain

    @property
    def user(self) -> str:
        """The IAM user's name."""
        return self.iam.user

    @property
    def password(self) -> str:
        """The IAM user's password."""
        return self.iam.password

    @property
    def access_key(self) -> str:
        """The one access key."""
        return self.iam.access_key

    @property
    def secret_key(self) -> str:
        """Its secret key."""
        return self.iam.secret_key

    @property
    def security_token(self) -> str:
        """What may be sent (and then must be right and signed) as X-Security-Token."""
        return self.iam.security_token

    @property
    def sign_ins(self) -> int:
        """How often a password was tried at IAM."""
        return self.iam.sign_ins

    def revoke_tokens(self) -> None:
        """End every token, the ready one too."""
        self.iam.revoke_tokens()

    def token_lives_for(self, seconds: float) -> None:
        """Let the tokens issued from now on live this long."""
        self.iam.token_life = seconds

    def change_password(self, password: str) -> None:
        """Change the password; that ends every token."""
        self.iam.password = password
        self.iam.revoke_tokens()

    async def refuse_connections(self) -> None:
        """Shut the port and cut every connection."""
        await self._door.shut()
        self._journal.changed()

    async def accept_connections(self) -> None:
        """Open the same port again."""
        await self._door.open()
        self._journal.changed()

    async def _tick(self) -> None:
        """Tell of jobs that have moved by the clock alone."""
        seen: object = None
        while True:
            now = [(job.id, self.region.standing(job)) for job in self.region.live_jobs()]
            if now != seen:
                seen = now
                self._journal.changed()
            await asyncio.sleep(_TICK_SECONDS)
