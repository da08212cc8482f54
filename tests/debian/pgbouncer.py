"""PgBouncer, as Debian packages it, in front of the tests' PostgreSQL server; what has a default keeps it."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.postgres_server import PostgresServer, free_port

ANSWER_SECONDS = 20.0


class PgBouncer:
    """One PgBouncer; all its databases are those of the server behind it."""

    def __init__(self, server: PostgresServer, pool_mode: str, **settings: str) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise RuntimeError("apt-get install pgbouncer")
        self._program = program
        self._server = server
        self.settings = {"pool_mode": pool_mode, **settings}
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # it refuses to run as root
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self.port = free_port()

    async def __aenter__(self) -> "PgBouncer":
        self._process = process = self._start()
        async with asyncio.timeout(ANSWER_SECONDS):
            while not await self._answers():
                if process.poll() is not None:
                    raise RuntimeError(self.log())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(ANSWER_SECONDS)
        shutil.rmtree(self.folder)

    def url(self, database: str, host: str = "127.0.0.1") -> str:
        """The address of one of the server's databases, through PgBouncer."""
        return f"postgresql://postgres:{self._server.password}@{host}:{self.port}/{database}"

    def log(self) -> str:
        """What it has written."""
        return (self.folder / "log").read_text(errors="replace")

    def _start(self) -> "subprocess.Popen[bytes]":
        users, configuration = self.folder / "users.txt", self.folder / "pgbouncer.ini"
        users.write_text(f'"postgres" "{self._server.password}"\n')
        configuration.write_text(
            _ini("databases", {"*": f"host=127.0.0.1 port={self._server.port}"})
            + _ini(
                "pgbouncer",
                {
                    "listen_addr": "127.0.0.1",
                    "listen_port": str(self.port),
                    "unix_socket_dir": "",
                    "auth_type": "scram-sha-256",
                    "auth_file": str(users),
                    **self.settings,
                },
            )
        )
        if self._account:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        with open(self.folder / "log", "wb") as log:
            return subprocess.Popen(
                [self._program, configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._account and self._account.pw_uid,
                group=self._account and self._account.pw_gid,
                extra_groups=[] if self._account else None,
            )

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and a certificate that signs itself, for the host `name`; who trusts it gives it as `sslrootcert`."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    new_key = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate)
    subprocess.run(["openssl", "req", "-x509", "-days", "2", *subject, *new_key], check=True, capture_output=True)
    key.chmod(0o644)  # another account's process reads it
    return key, certificate


def _ini(section: str, values: Mapping[str, str]) -> str:
    return "\n".join([f"[{section}]", *(f"{name} = {value}" for name, value in values.items()), ""])
