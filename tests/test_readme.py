"""The README, the pages of bot/docs, .env.example and the code say the same: commands, settings, files."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot import __main__ as program
from bot.__main__ import main
from bot.core.upgrade import State
from bot.doctor.report import passed, to_text
from bot.environment import SettingsError
from bot.metrics import PREFIX, PrometheusMetrics
from bot.settings import SECRET_VARIABLES, Settings
from bot.workflow.transitions import END_LEVELS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "bot" / "docs"
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md")))}
SET_UP = PAGES[DOCS / "set-up.md"]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")

TRY = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/python -m bot sandbox"
TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/python -m pytest"

NETWORK = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"}
NOT_OURS = {"ALL_PROXY", *NETWORK, "AF_INET", "AF_INET6", "AF_UNIX"} | set(State.__members__)
MADE_BY_THE_READER = {".env"}
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
    """The table of settings: name -> what stands under "default" for it."""
    chapter = SET_UP.partition("\n## Settings\n")[2].partition("\n## ")[0]
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


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead, but to other sites."""
    text = prose(page)
    found = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    return [link for link in found if not link.startswith(("http://", "https://"))]


def files_named() -> set[str]:
    """What between the back-ticks of all pages is a file or folder of this repository."""
    tops = {"bot", "tests", ".ci", ".pictures"}
    found = {one for page in PAGES for one in re.findall(r"`([^`\n]+)`", prose(page))}
    found = {one for one in found if FILE.fullmatch(one) and one not in MADE_BY_THE_READER}
    return {one for one in found if one.split("/")[0] in tops or Path(one).suffix in SUFFIXES}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("command", [TRY, TEST])
def test_the_two_commands_stand_there_each_on_one_line(command: str) -> None:
    assert README.splitlines().count(command) == 1


def test_the_first_screen_has_the_pictures_and_both_commands() -> None:
    first = README.splitlines()[:25]
    assert {TRY, TEST} <= {*first}
    assert '<img src=".pictures/card-en.png" width="600"' in "\n".join(first[:12])


def test_the_table_names_the_settings_that_the_code_reads_and_no_other() -> None:
    assert set(rows_of_settings()) == names_in_the_code()


def test_the_example_has_each_setting_once() -> None:
    assert sorted(names_in_the_example()) == sorted(names_in_the_code())


def test_no_page_names_a_setting_that_is_none() -> None:
    known = names_in_the_code() | {f"{secret}_FILE" for secret in SECRET_VARIABLES} | NOT_OURS
    words = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", "\n".join(PAGES.values())))
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


def test_every_secret_is_named_where_the_set_up_speaks_of_files() -> None:
    chapter = SET_UP.partition("\n## Settings\n")[2].partition("\n## ")[0]
    about_files = chapter.partition("Secrets can come from files")[2]
    assert {secret for secret in SECRET_VARIABLES if f"`{secret}`" in about_files} == set(SECRET_VARIABLES)


def test_the_example_says_what_is_still_to_be_filled_in() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read(example(uncommented=False))
    named = {mistake.partition(":")[0] for mistake in raised.value.mistakes}
    assert {"SLACK_BOT_TOKEN", "HW_REGION_NAME", "HW_PROJECT_ID", "ALLOWED_CHANNELS", "ALLOWED_USERS"} <= named


def test_the_values_in_the_example_are_the_defaults_of_the_code() -> None:
    shown = Settings.read({**example(uncommented=True), **REQUIRED})
    plain = Settings.read(REQUIRED)
    assert shown.port == 3000
    assert replace(shown, port=None) == plain


def test_the_defaults_in_the_table_are_those_of_the_example() -> None:
    shown = example(uncommented=True)
    for name, default in rows_of_settings().items():
        literal = re.fullmatch(r"`([^`]+)`", default)
        if literal:
            assert literal[1].replace("{region}", "cn-north-4") == shown[name]


def test_every_file_that_is_named_is_there() -> None:
    named = files_named()
    assert {"bot/core/", "bot/app.py", ".ci/run", "tests/"} <= named
    missing = {one for one in named if not (ROOT / one).exists()}
    assert {one for one in missing if "/" in one or not next((ROOT / "bot").rglob(one), None)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    assert {ROOT / link.partition("#")[0] for link in links(ROOT / "README.md")} >= {*DOCS.glob("*.md")}
    led_to = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    assert {path.resolve() for path in DOCS.iterdir()} <= led_to


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 100


def test_every_picture_of_the_readme_is_small() -> None:
    pictures = {link for link in links(ROOT / "README.md") if link.startswith(".pictures/")}
    assert {".pictures/card-en.png", ".pictures/upgrade.gif"} <= pictures
    for picture in pictures:
        content = (ROOT / picture).read_bytes()
        begins, most = (b"GIF89a", 1_200_000) if picture.endswith(".gif") else (b"\x89PNG", 300_000)
        assert content.startswith(begins)
        assert len(content) < most


def test_the_states_that_are_explained_are_those_of_the_code() -> None:
    life = PAGES[DOCS / "how-it-works.md"].partition("\n## The life of an upgrade\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z_, ]+) \|", life, re.MULTILINE)
    assert {state for row in rows for state in row.split(", ")} == set(State.__members__)


def test_the_metrics_that_are_listed_are_those_that_are_served() -> None:
    served = {family.name for family in PrometheusMetrics()._registry.collect() if family.name.startswith(PREFIX)}
    listed = re.findall(rf"^\| `({PREFIX}_\w+)` \|", PAGES[DOCS / "operations.md"], re.MULTILINE)
    assert sorted(listed) == sorted(served)


def events_in_the_docs(chapter: str) -> list[str]:
    """The events in the first column of a table of bot/docs/operations.md."""
    rows = re.findall(r"^\| (`.*?`) \|", PAGES[DOCS / "operations.md"].partition(chapter)[2], re.MULTILINE)
    return [event for row in rows for event in re.findall(r"`([a-z_.]+)`", row)]


def calls_in_the_code() -> Iterator[ast.Call]:
    """Every call outside the stand-ins."""
    for path in (ROOT / "bot").rglob("*.py"):
        if "sandbox" not in path.relative_to(ROOT).parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def words_in(*nodes: ast.expr) -> set[str]:
    constants = (node for one in nodes for node in ast.walk(one) if isinstance(node, ast.Constant))
    return {node.value for node in constants if isinstance(node.value, str)}


def test_the_log_events_that_are_listed_are_those_of_the_code() -> None:
    logged = {f"upgrade.{state.value}" for state in END_LEVELS}
    for call in calls_in_the_code():
        match call.func:
            case ast.Attribute(value=ast.Name(id="log" | "logger" | "end_log")):
                logged |= words_in(*call.args)
    listed = events_in_the_docs("\n### Log events\n")
    listed = listed[: listed.index("upgrade.failed") + 1]
    assert sorted(listed) == sorted(logged)


def test_the_audit_events_that_are_listed_are_those_of_the_code() -> None:
    recorded = {state.value for state in State} - {State.REQUESTED.value}
    for call in calls_in_the_code():
        match call.func:
            case ast.Attribute(attr="_cancel_entry") | ast.Attribute(value=ast.Name(id="AuditEntry"), attr="of"):
                recorded |= words_in(call.args[2])
            case ast.Name(id="AuditEntry"):
                recorded |= words_in(*(keyword.value for keyword in call.keywords if keyword.arg == "event"))
    assert sorted(events_in_the_docs("\n## Audit\n")) == sorted(recorded)


def test_the_exit_codes_that_are_explained_are_those_of_the_program() -> None:
    codes = {value for name, value in vars(program).items() if name.startswith("EXIT_") and name != "EXIT_SIGNAL"}
    chapter = PAGES[DOCS / "operations.md"].partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", chapter, re.MULTILINE)} == codes
    assert f"{program.EXIT_SIGNAL} and its number" in chapter


def test_the_doctor_says_what_the_set_up_promises() -> None:
    promised = re.search(r"Its last line then begins with `([^`]+)`", README)
    assert promised
    assert to_text([passed("settings", "read")], colored=False).splitlines()[-1].startswith(promised[1])


def test_every_subcommand_that_is_named_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for subcommand in set(re.findall(r"-m bot ([a-z]+)", "\n".join(PAGES.values()))):
        with pytest.raises(SystemExit) as ended:
            main([subcommand, "--help"])
        assert ended.value.code == 0
    assert "sandbox" in capsys.readouterr().out
