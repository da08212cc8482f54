"""`python -m bot …` as a process of its own, run to its end."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bot

PROJECT = Path(bot.__file__).parents[1]
END_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Result:
    """How the process ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


def command_line(*arguments: str) -> tuple[str, ...]:
    """The program and its arguments."""
    return (sys.executable, "-m", "bot", *arguments)


def process_environ(settings: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of such a process: these settings and none of this process's."""
    return {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(PROJECT), **settings}


async def run_command(folder: Path, settings: Mapping[str, str], *arguments: str) -> Result:
    """Run it in a folder, with these settings and nothing on standard input."""
    process = await asyncio.create_subprocess_exec(
        *command_line(*arguments),
        cwd=folder,
        env=process_environ(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(END_SECONDS):
        stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return Result(process.returncode, stdout.decode(), stderr.decode())
