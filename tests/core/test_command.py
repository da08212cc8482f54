"""What is a command: however the keyboard spells it, and nothing more than what is there."""

import sys
import unicodedata

import pytest

from bot.core.command import HelpCommand, UpgradeCommand
from bot.core.tokenizer import DASHES, LETTER_DASHES, QUOTES, read_words
from tests.core.command_examples import ANOTHER, ID, parse

BOTH = UpgradeCommand(ID, delay=True, skip_validate=True)
DELAYED = UpgradeCommand(ID, delay=True)
BLANKS = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2007\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
ZERO_WIDTH = (
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2061\u2066\u2069\ufe0f\ufeff\U000e0020"
)


def hexa(characters: str) -> list[str]:
    """How a character is named in a test's id."""
    return [f"U+{ord(one):04X}" for one in characters]


def test_an_id_alone_is_an_upgrade_at_once_with_validation() -> None:
    assert parse(ID) == UpgradeCommand(ID, delay=False, skip_validate=False)


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("skip_validate", [False, True])
def test_a_command_written_out_is_read_as_the_same_command(delay: bool, skip_validate: bool) -> None:
    command = UpgradeCommand(ID, delay=delay, skip_validate=skip_validate)
    assert parse(command.text) == command


def test_an_id_in_upper_case_is_sent_in_lower_case() -> None:
    assert parse(ID.upper()) == parse(ID.swapcase()) == UpgradeCommand(ID)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (f"{ID} --delay", DELAYED),
        (f"--delay {ID}", DELAYED),
        (f"{ID} --skip-validate", UpgradeCommand(ID, skip_validate=True)),
        (f"--skip-validate {ID}", UpgradeCommand(ID, skip_validate=True)),
        (f"{ID} --delay --skip-validate", BOTH),
        (f"{ID} --skip-validate --delay", BOTH),
        (f"--delay {ID} --skip-validate", BOTH),
        (f"--skip-validate {ID} --delay", BOTH),
        (f"--delay --skip-validate {ID}", BOTH),
        (f"--skip-validate --delay {ID}", BOTH),
    ],
)
def test_flags_come_in_any_order(text: str, command: UpgradeCommand) -> None:
    assert parse(text) == command


def test_the_same_flag_twice_counts_once() -> None:
    assert parse(f"--delay {ID} --delay —delay") == DELAYED
    assert parse(f"--skip-validate {ID} -skip–validate --delay") == BOTH


def test_every_dash_of_unicode_is_known() -> None:
    of_unicode = {chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Pd"}
    assert of_unicode | set("−─━➖⁻﹘﹣") <= set(DASHES)


@pytest.mark.parametrize("dash", DASHES, ids=hexa(DASHES))
def test_any_run_of_any_dash_begins_a_flag(dash: str) -> None:
    for length in (1, 2, 3, 7):
        assert parse(f"{ID} {dash * length}delay") == DELAYED
        assert parse(f"{dash * length}skip-validate {ID}") == UpgradeCommand(ID, skip_validate=True)


@pytest.mark.parametrize("dash", DASHES, ids=hexa(DASHES))
def test_any_dash_stands_inside_skip_validate(dash: str) -> None:
    assert parse(f"{ID} --skip{dash}validate —delay") == BOTH


@pytest.mark.parametrize("text", ["-—delay", "—-delay", "――delay", "－－delay", "−‐‑‒–—―delay"])
def test_a_run_may_mix_its_dashes(text: str) -> None:
    assert parse(f"{ID} {text}") == DELAYED


@pytest.mark.parametrize("blank", BLANKS, ids=hexa(BLANKS))
def test_every_blank_separates_words(blank: str) -> None:
    assert parse(f"{blank}{ID}{blank * 3}--delay{blank}--skip-validate{blank}") == BOTH
    assert [word.text for word in read_words(f"a{blank}b")] == ["a", "b"]


@pytest.mark.parametrize("nothing", ZERO_WIDTH, ids=hexa(ZERO_WIDTH))
def test_zero_width_characters_are_dropped_wherever_they_are(nothing: str) -> None:
    assert parse(f"{nothing}{ID[:5]}{nothing}{ID[5:]}{nothing} {nothing}--del{nothing}ay{nothing}") == DELAYED
    assert parse(f"{ID} {nothing} -{nothing}-delay") == DELAYED


@pytest.mark.parametrize("quote", QUOTES, ids=hexa(QUOTES))
def test_quotes_around_words_are_dropped(quote: str) -> None:
    assert parse(f"{quote}{ID}{quote} {quote}--delay{quote}") == DELAYED
    assert parse(f"{quote * 3}{ID} --delay{quote * 3}") == DELAYED
    assert parse(f"{ID} {quote} --delay {quote * 2}") == DELAYED


@pytest.mark.parametrize(
    "text",
    [
        "“{}” —delay",
        "‘{}’ ‘—delay’",
        "„{}“ –delay",
        "«{}» --delay",
        "「{}」 ——delay",
        "＂{}＂\u3000－－delay",
        "`{}` `--delay`",
        "```{} --delay```",
        "“‘{}’” --delay",
        "\u200b“\u200b{}\u200b”\u200b --delay",
    ],
)
def test_quotes_as_keyboards_pair_them_are_dropped(text: str) -> None:
    assert parse(text.format(ID)) == DELAYED


@pytest.mark.parametrize(
    "text", ["help", "HELP", "--help", "—help", "-h", "h", "?", "？", "“help”", "\u3000help\u200b"]
)
def test_a_question_for_help_is_answered_with_help(text: str) -> None:
    assert parse(text) == HelpCommand()


@pytest.mark.parametrize("dash", LETTER_DASHES, ids=hexa(LETTER_DASHES))
def test_letters_that_look_like_dashes_are_dashes_beside_a_flag(dash: str) -> None:
    assert parse(f"{ID} {dash}delay {dash * 2}skip{dash}validate") == BOTH


@pytest.mark.parametrize(
    "text",
    [
        "{id} [--delay]",
        "{id} (--delay)",
        "{id} <--delay>",
        "{id}[--delay]",
        "【{id}】 【--delay】",
        "（{id}）「--delay」",
        "〔{id}〕 ⟨--delay⟩",
        "*{id}* *--delay*",
        "~{id}~ ~--delay~",
        "_{id} --delay_",
        "*~_`{id}`_~* --*delay*",
        "| {id} | --delay |",
        "• {id} --delay.",
        "{id}, --delay,",
        "{id}，--delay。",
        "{id}; --delay!",
        "{id}、--delay",
        "ID: {id} --delay",
        "实例ID：{id} --delay",
        "instance_id={id} --delay",
        "{id} +delay",
        "{id} /delay",
        "{id} --Delay",
        "{id} --DELAY",
        "{id} －－ｄｅｌａｙ",
        "{id} --𝐝𝐞𝐥𝐚𝐲",
        "{id} -- delay",
        "{id} — delay",
        "{id}--delay",
        "{id}——delay",
        "https://console.huaweicloud.com/gaussdb/?region=cn-north-4#/htap/{id}/basic --delay",
        "<https://console.example/{id}|https://console.example/{id}> --delay",
        "/v3/0123/instances/590031445ef845bb912d7fc8243db80cin07/starrocks/{id} --delay",
        "https://console.example/%2F{id}%2F --delay",
    ],
)
def test_what_surrounds_an_id_or_a_flag_is_dropped(text: str) -> None:
    assert parse(text.format(id=ID)) == DELAYED


@pytest.mark.parametrize(
    "flag",
    [
        "--skip validate",
        "--skip - validate",
        "-- skip - validate",
        "— skip — validate",
        "--skip -validate",
        "--skip_validate",
        "--skipvalidate",
        "--Skip-Validate",
        "[--skip-validate]",
        "+skip-validate",
        "━skip─validate",
    ],
)
def test_blanks_and_other_signs_inside_a_flag_are_dropped(flag: str) -> None:
    assert parse(f"{ID} {flag}") == parse(f"{flag} {ID}") == UpgradeCommand(ID, skip_validate=True)
    assert parse(f"--delay {flag} {ID}") == BOTH


def test_full_width_letters_and_digits_of_an_id_are_that_id() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in ID)
    assert parse(wide) == parse(wide.upper()) == UpgradeCommand(ID)


@pytest.mark.parametrize("text", [f"help {ID}", f"{ID} --help", "help --delay", "help help", "helpme"])
def test_help_with_anything_else_is_no_question_for_help(text: str) -> None:
    assert not isinstance(parse(text), HelpCommand | UpgradeCommand)


def test_dashes_inside_an_id_are_never_rewritten() -> None:
    for dash in DASHES:
        assert not isinstance(parse(f"{ID[:8]}{dash}{ID[8:]}"), UpgradeCommand)
        assert not isinstance(parse(f"{dash}{ID}"), UpgradeCommand)


@pytest.mark.parametrize("text", ["ın17", "İn17", "𝐢n17", "in১৭", "in①⑦", "in¹⁷"])
def test_letters_that_only_look_alike_make_no_id(text: str) -> None:
    assert not isinstance(parse(ID[:32] + text), UpgradeCommand)
    assert not isinstance(parse("⁵" + ID[1:]), UpgradeCommand)


def test_an_id_beside_other_letters_is_not_that_id() -> None:
    for text in (f"{ID}0", f"0{ID}", f"x-{ID}", f"{ID}\u0301", f"https://x/{ID}0", f"{ID}/{ANOTHER}", f"x={ID}"):
        assert not isinstance(parse(text), UpgradeCommand), text
