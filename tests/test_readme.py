"""The README, .env.example and the code say the same: commands, settings, files."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.__main__ import main
from bot.core.upgrade import State
from bot.environment import SettingsError
from bot.settings import SECRET_VARIABLES, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")

TRY = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/python -m bot sandbox"
TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/python -m pytest"

NETWORK = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"}
NOT_OURS = {*NETWORK, "AF_INET", "AF_INET6", "AF_UNIX"} | set(State.__members__)
MADE_BY_THE_READER = {".env", "Dockerfile"}
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
SUFFIXES = {".py", ".toml", ".yml", ".md", ".example", ".json"}

REQUIRED = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "HW_REGION_NAME": "cn-north-4",
    "HW_PROJECT_ID": "0" * 32,
    "HW_DOMAIN_NAME": "account",
    "HW_USER_NAME": "bot",
    "HW_USER_PASSWORD": "password",
    "ALLOWED_CHANNELS": "*",
    "ALLOWED_USERS": "*",
}


class Watched(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def names_in_the_code() -> set[str]:
    """Every setting that is read, whichever way of signing in is chosen; without the `_FILE` forms."""
    asked: set[str] = set()
    for chosen in ({}, REQUIRED, {"HW_ACCESS_KEY": "a"}, {"HW_AUTH_TOKEN": "t"}):
        environ = Watched(chosen)
        try:
            Settings.read(environ)
        except SettingsError:
            assert chosen is not REQUIRED
        asked |= environ.asked
    asked = {name for name in asked if name.upper() not in NETWORK}
    return {name for name in asked if name.removesuffix("_FILE") not in SECRET_VARIABLES or name in SECRET_VARIABLES}


def rows_of_settings() -> dict[str, str]:
    """The README's table of settings: name -> what stands under "default" for it."""
    chapter = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    defaults: dict[str, str] = {}
    for line in chapter.splitlines():
        if line.startswith("| `"):
            _, names, default, *_ = (cell.strip() for cell in line.split("|"))
            row = re.findall(r"`(\w+)`", names)
            each = default.split(", ") if len(default.split(", ")) == len(row) else [default] * len(row)
            defaults |= dict(zip(row, each, strict=True))
    return defaults


def names_in_the_example() -> list[str]:
    return re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE)


def example(*, uncommented: bool) -> dict[str, str]:
    """The example as a `.env`; `uncommented` with every setting that it shows commented out."""
    text = re.sub(r"^#([A-Z][A-Z0-9_]*=)", r"\1", EXAMPLE, flags=re.MULTILINE) if uncommented else EXAMPLE
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value}


def quoted() -> set[str]:
    """What stands between back-ticks, and where links and pictures lead, without the code blocks."""
    prose = re.sub(r"^ *```.*?^ *```", "", README, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose)) | set(re.findall(r"\]\(([^)#][^)]*)\)", prose))


def files_named() -> set[str]:
    """What in the README is a file or folder of this repository."""
    tops = {"bot", "tests", ".ci", ".pictures"}
    found = {one for one in quoted() if FILE.fullmatch(one) and one not in MADE_BY_THE_READER}
    return {one for one in found if one.split("/")[0] in tops or Path(one).suffix in SUFFIXES}


@pytest.mark.parametrize("command", [TRY, TEST])
def test_the_two_commands_stand_there_each_on_one_line(command: str) -> None:
    assert README.splitlines().count(command) == 1


def test_the_first_screen_has_the_pictures_and_both_commands() -> None:
    first = README.splitlines()[:32]
    assert {TRY, TEST} <= {*first}
    assert "![" in "\n".join(first[:12])


def test_the_readme_names_the_settings_that_the_code_reads_and_no_other() -> None:
    assert set(rows_of_settings()) == names_in_the_code()


def test_the_example_has_each_setting_once() -> None:
    assert sorted(names_in_the_example()) == sorted(names_in_the_code())


def test_no_text_of_the_readme_names_a_setting_that_is_none() -> None:
    known = names_in_the_code() | {f"{secret}_FILE" for secret in SECRET_VARIABLES} | NOT_OURS
    words = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", README))
    assert words - known == set()


def test_the_example_marks_every_secret_and_holds_none() -> None:
    lines = EXAMPLE.splitlines()
    marked = set()
    for above, line in pairwise(lines):
        found = re.match(r"#?([A-Z][A-Z0-9_]*)=(.*)", line)
        if found and "[secret]" in above:
            marked.add(found[1])
            assert found[1] == "DATABASE_URL" or not found[2]
    assert marked == set(SECRET_VARIABLES)


def test_every_secret_is_named_where_the_readme_speaks_of_files() -> None:
    chapter = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    about_files = chapter.partition("Secrets can come from files")[2]
    assert {secret for secret in SECRET_VARIABLES if f"`{secret}`" in about_files} == set(SECRET_VARIABLES)


def test_the_example_says_what_is_still_to_be_filled_in() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read(example(uncommented=False))
    named = {mistake.partition(":")[0] for mistake in raised.value.mistakes}
    assert {"SLACK_BOT_TOKEN", "HW_PROJECT_ID", "ALLOWED_CHANNELS", "ALLOWED_USERS"} <= named


def test_the_values_in_the_example_are_the_defaults_of_the_code() -> None:
    shown = Settings.read({**example(uncommented=True), **REQUIRED})
    plain = Settings.read(REQUIRED)
    assert shown.port == 3000
    assert replace(shown, port=None) == plain


def test_the_defaults_in_the_readme_are_those_of_the_example() -> None:
    shown = example(uncommented=True)
    for name, default in rows_of_settings().items():
        literal = re.fullmatch(r"`([^`]+)`", default)
        if literal:
            assert literal[1].replace("{region}", "cn-north-4") == shown[name]


def test_every_file_the_readme_names_is_there() -> None:
    named = files_named()
    assert {"manifest.yml", ".env.example", ".ci/run", "bot/app.py", "tests/"} <= named
    missing = {one for one in named if not (ROOT / one).exists()}
    assert {one for one in missing if "/" in one or not next((ROOT / "bot").rglob(one), None)} == set()


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 2
    for picture in pictures:
        content = (ROOT / picture).read_bytes()
        is_animated = picture.endswith(".gif")
        assert content.startswith(b"GIF89a" if is_animated else b"\x89PNG")
        assert len(content) < (1_200_000 if is_animated else 300_000)


def test_every_heading_that_is_linked_to_exists() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_every_subcommand_the_readme_names_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for subcommand in set(re.findall(r"-m bot ([a-z]+)", README)):
        with pytest.raises(SystemExit) as ended:
            main([subcommand, "--help"])
        assert ended.value.code == 0
    assert "sandbox" in capsys.readouterr().out
