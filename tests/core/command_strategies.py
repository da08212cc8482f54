"""Commands as people and their keyboards may write them: strategies for hypothesis."""

from hypothesis import strategies as st

from bot.core.command import UpgradeCommand
from bot.core.tokenizer import DASHES, FLAG_PREFIXES, FLAGS, LETTER_DASHES, QUOTES

IDS = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32).flatmap(
    lambda digits: st.sampled_from(["in17", "IN17", "In17"]).map(lambda engine: digits + engine)
)
BRACKETS = "[](){}<>【】「」『』（）〔〕《》〈〉［］｛｝＜＞⟨⟩｟｠"
MARKS = "*_~|│•"
RUNS = st.one_of(
    st.text(DASHES, min_size=1, max_size=4),
    st.text(LETTER_DASHES, min_size=1, max_size=2),
    st.sampled_from(FLAG_PREFIXES),
)
GAPS = st.one_of(
    st.text(" \t\n\xa0\u2003\u3000", min_size=1, max_size=3), st.sampled_from([", ", ",", "，", "；", "、", "。", "; "])
)
NOTHING = st.text("\u00ad\u200b\u200d\u2060\ufeff", max_size=2)
WRAPS = st.text(QUOTES + BRACKETS + MARKS + "\u200b", max_size=2)
ALPHABET = st.characters(exclude_categories=[])  # lone surrogates and all


@st.composite
def full_width(draw: st.DrawFn, text: str) -> str:
    """A text with some of its letters and digits in full width."""
    wide = draw(st.booleans())
    return "".join(chr(ord(one) + 0xFEE0) if wide and one.isascii() and one.isalnum() else one for one in text)


@st.composite
def spelled_flags(draw: st.DrawFn, name: str) -> str:
    """A flag as some keyboard writes it."""
    inner = st.one_of(st.sampled_from(DASHES), st.sampled_from(["_", "", " ", " - ", "- ", "—", "ー"]))
    dashed = "".join(draw(inner) if letter == "-" else letter for letter in name)
    cased = draw(st.sampled_from([dashed, dashed.upper(), dashed.title()]))
    hidden = "".join(letter + draw(NOTHING) for letter in draw(full_width(cased)))
    run = draw(RUNS)
    blank = draw(st.sampled_from(["", "", " "])) if run not in FLAG_PREFIXES else ""
    return draw(WRAPS) + run + blank + hidden + draw(WRAPS)


@st.composite
def spelled_commands(draw: st.DrawFn) -> tuple[str, UpgradeCommand]:
    """A command in some spelling, and what it says."""
    instance = draw(IDS)
    wanted = draw(st.lists(st.sampled_from(FLAGS), max_size=5))
    spelled_id = draw(WRAPS) + draw(full_width(instance)) + draw(st.sampled_from(["", ".", ":", "！"])) + draw(WRAPS)
    words = [draw(spelled_flags(flag)) for flag in wanted] + [spelled_id]
    text = "".join(word + draw(GAPS) for word in draw(st.permutations(words)))
    return text, UpgradeCommand(instance.lower(), delay="delay" in wanted, skip_validate="skip-validate" in wanted)


@st.composite
def decorated_flags(draw: st.DrawFn) -> tuple[str, str]:
    """A flag with any signs around it, and the flag."""
    flag = draw(st.sampled_from(FLAGS))
    signs = st.text(st.characters(categories=["P", "S", "Zs", "Cf"]), max_size=3)
    return draw(signs) + "--" + flag + draw(signs), flag


NEGATIONS = st.sampled_from(
    [
        "--no-{}",
        "—no—{}",
        "--no_{}",
        "--NO-{}",
        "--no{}",
        "--not-{}",
        "--non-{}",
        "--dont-{}",
        "--don’t-{}",
        "--do-not-{}",
        "--without-{}",
        "--never-{}",
        "--disable-{}",
        "--un{}",
        "--{}-off",
        "--{}-false",
        "--{}=false",
        "--{}=No",
        "--{}:off",
        "--{} = 0",
        "--{}= never",
        "--{} false",
        "--{} OFF",
        "{}=false",
        "{} no",
        "no {}",
        "not --{}",
        "without {}",
        "--no --{}",
        "不 --{}",
        "no-{}",
    ]
)
FRAGMENTS = st.one_of(
    IDS,
    st.sampled_from(FLAGS).flatmap(spelled_flags),
    st.sampled_from(
        ["delay", "skip", "validate", "--validate", "--now", "=", "=true", "true", "no", "--", "-", "help"]
    ),
    st.sampled_from(
        ["--Delay", "--skip_validate", "--delay=1", "--dealy", "--delay--skip-validate", "0in07", "<@U1>", "\0"]
    ),
    st.text(ALPHABET, max_size=12),
)
MESSES = st.one_of(
    st.text(ALPHABET, max_size=80),
    st.lists(FRAGMENTS, max_size=7).map(" ".join),
    st.lists(FRAGMENTS, max_size=5).map("".join),
)


@st.composite
def negated_commands(draw: st.DrawFn) -> tuple[str, str]:
    """A command that says no to a flag, perhaps yes as well, and the flag."""
    flag = draw(st.sampled_from(FLAGS))
    more = draw(st.lists(st.sampled_from(["--delay", "--skip-validate", "--dealy"]), max_size=3))
    words = draw(st.permutations([draw(IDS), *more, draw(NEGATIONS).format(flag)]))
    return " ".join(words), flag
