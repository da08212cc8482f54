"""Commands as people and their keyboards may write them: strategies for hypothesis."""

from hypothesis import strategies as st

from bot.core.command import UpgradeCommand
from bot.core.tokenizer import DASHES, FLAGS, QUOTES

IDS = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32).flatmap(
    lambda digits: st.sampled_from(["in17", "IN17", "In17"]).map(lambda engine: digits + engine)
)
RUNS = st.text(DASHES, min_size=1, max_size=4)
GAPS = st.text(" \t\n\xa0\u2003\u3000", min_size=1, max_size=3)
NOTHING = st.text("\u00ad\u200b\u200d\u2060\ufeff", max_size=2)
WRAPS = st.text(QUOTES + "\u200b", max_size=2)
ALPHABET = st.characters(exclude_categories=[])  # lone surrogates and all


@st.composite
def spelled_flags(draw: st.DrawFn, name: str) -> str:
    """A flag as some keyboard writes it."""
    dashed = "".join(draw(st.sampled_from(DASHES)) if letter == "-" else letter for letter in name)
    hidden = "".join(letter + draw(NOTHING) for letter in dashed)
    return draw(WRAPS) + draw(RUNS) + hidden + draw(WRAPS)


@st.composite
def spelled_commands(draw: st.DrawFn) -> tuple[str, UpgradeCommand]:
    """A command in some spelling, and what it says."""
    instance = draw(IDS)
    wanted = draw(st.lists(st.sampled_from(FLAGS), max_size=5))
    words = [draw(spelled_flags(flag)) for flag in wanted] + [draw(WRAPS) + instance + draw(WRAPS)]
    text = "".join(word + draw(GAPS) for word in draw(st.permutations(words)))
    return text, UpgradeCommand(instance.lower(), delay="delay" in wanted, skip_validate="skip-validate" in wanted)


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
