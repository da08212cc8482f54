"""The process's environment and its `.env` file: read with limits, checked for names and quotes that are not meant."""

import os
import stat
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ENV_FILE = ".env"
MAX_FILE_BYTES = 1 << 20
FILE_SECONDS = 5.0  # how long a pipe or a network disk may take
MAX_TYPOS = 2  # of one name: letters wrong, missing, too many or exchanged
MIN_NAME_LENGTH = 12  # of a name that is recognised although its first word is misspelt
FOREIGN_NAMES = {"SLACK_API_TOKEN"}  # of other programs, though one letter away from a name of ours


class SettingsError(Exception):
    """The settings cannot be used; `mistakes` has one line for each, naming the variable, `hints` what may help."""

    def __init__(self, mistakes: Sequence[str], hints: Sequence[str] = ()) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)
        self.hints = tuple(hints)


def read_environment(folder: Path = Path()) -> Mapping[str, str]:
    """The process's environment; a `.env` in the folder fills what it does not set. Raises `SettingsError`.

    An empty value sets nothing: `environment: PORT=${PORT}` of a Compose file must not hide the one in `.env`.
    """
    try:
        Path.cwd()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([f"working directory: {reason}; start in a folder that is there and can be read"]) from None
    file = folder / ENV_FILE
    try:
        if not _exists(file):
            return os.environ
        text = decode_env_file(read_file(file))
    except (OSError, ValueError) as error:
        raise SettingsError([f"{ENV_FILE}: {reason_of(error)}"]) from None
    from_file = parse_env_file(text)
    return {**os.environ, **{name: value for name, value in from_file.items() if not os.environ.get(name, "").strip()}}


def read_file(path: Path) -> bytes:
    """A small file's content. Raises OSError, or ValueError with the reason; a pipe without a writer holds up nothing.

    The thread that waits for such a pipe, or for a network disk that is away, ends with the process.
    """
    if path.is_dir():
        raise ValueError("is a folder, not a file")
    results: list[bytes | OSError] = []

    def read() -> None:
        try:
            with path.open("rb") as file:
                results.append(file.read(MAX_FILE_BYTES + 1))
        except OSError as error:
            results.append(error)

    reader = threading.Thread(target=read, name=f"reads {path.name}", daemon=True)
    reader.start()
    reader.join(FILE_SECONDS)
    if not results:
        raise ValueError(f"nothing could be read from it within {FILE_SECONDS:g} s")
    content = results[0]
    if isinstance(content, OSError):
        raise content
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"is larger than {MAX_FILE_BYTES >> 10} KiB")
    return content


def reason_of(error: OSError | ValueError) -> str:
    """Why a file could not be read, without its content."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or type(error).__name__}"
    return str(error)


def decode_env_file(content: bytes) -> str:
    """UTF-8, with or without a byte order mark; raises ValueError for any other encoding."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text, where = "\0", f" (line {line})"
    else:
        where = ""
    if "\0" in text:  # UTF-16 without its mark is valid UTF-8 as long as all of it is ASCII
        raise ValueError(f"is not UTF-8{where}: save it in the encoding UTF-8, not UTF-16, GBK or another one")
    return text


def parse_env_file(text: str) -> dict[str, str]:
    """The variables. Raises `SettingsError` with the number of the first line that is no `NAME=value`."""
    from io import StringIO

    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise SettingsError([f"{ENV_FILE}: line {binding.original.line} is not NAME=value"])
        if binding.key is not None:
            values[binding.key] = binding.value or ""
    return values


def env_file_warning(folder: Path = Path()) -> str:
    """A warning when every user of the machine can read the `.env`; empty otherwise."""
    try:
        mode = os.stat(folder / ENV_FILE).st_mode
    except OSError:
        return ""
    if not mode & stat.S_IROTH:
        return ""
    return f"{ENV_FILE} can be read by every user of this machine (chmod 600 {ENV_FILE})"


def without_quotes(value: str) -> str | None:
    """The value without the quotes that `docker run --env-file` and systemd's `-E` keep; None when it has none."""
    is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if is_quoted else None


def misspelt_names(environ: Collection[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Names of the environment that are not ours but look like one of ours, each with the one that was meant."""
    first_words = {name.partition("_")[0] for name in known if "_" in name}
    for name in sorted(set(environ) - set(known) - FOREIGN_NAMES):
        is_prefixed = name.upper().partition("_")[0] in first_words
        if "_" in name and (is_prefixed or len(name) >= MIN_NAME_LENGTH):
            meant = [ours for ours in sorted(known) if "_" in ours and _is_meant(name.upper(), ours, is_prefixed)]
            if meant:
                yield name, " or ".join(meant)


def _is_meant(name: str, ours: str, is_prefixed: bool) -> bool:
    """Whether a name is ours with a few typos, or with one word left out (`HW_REGION` for `HW_REGION_NAME`)."""
    words, our_words = name.split("_"), ours.split("_")
    shorter = (our_words[:at] + our_words[at + 1 :] for at in range(1, len(our_words)))
    return (is_prefixed and words in shorter) or _typos(name, ours) <= MAX_TYPOS


def _typos(one: str, other: str) -> int:
    """The edit distance, an exchange of two neighbours counted as one (Damerau and Levenshtein)."""
    if abs(len(one) - len(other)) > MAX_TYPOS:
        return MAX_TYPOS + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, other_letter in enumerate(other, start=1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != other_letter))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == other_letter:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, last = last, current
    return last[-1]


def _exists(file: Path) -> bool:
    """Whether there is such a file, or a link to one that has gone; raises OSError when that cannot be seen."""
    with suppress(FileNotFoundError):
        file.lstat()
        return True
    return False
