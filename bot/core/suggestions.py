"""What was probably meant by words that are no command: only ever offered to copy, never carried out.

An offered command keeps every flag that can be recognised, however it is misspelled, and none that the person negated.
A word that is not understood takes the id out of it, unless the upgrade is delayed: nobody copies an upgrade at once
by mistake.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from bot.core.messages import Code
from bot.core.tokenizer import (
    DASHES,
    FLAG_PREFIXES,
    FLAGS,
    LETTER_DASHES,
    OFF_VALUES,
    QUOTES,
    Word,
    embedded_ids,
    exact_flag,
    flag_name,
    id_in,
    is_flag,
    is_label,
    read_option,
)

INSTANCE_PLACEHOLDER = "<instance_id>"
FLAG_SIMILARITY = 0.7
VERB_SIMILARITY = 0.75
TAURUSDB_ID = re.compile(r"[0-9a-z]{16,}in07", re.IGNORECASE | re.ASCII)

_NEGATIONS = r"not|non|no|do-?not|don['’]?t|without|never|disable|un"
_NEGATED = re.compile(rf"(?:{_NEGATIONS}|不|不要|别)-?(?P<after>.+)|(?P<before>.+)-(?:{OFF_VALUES}|not)")
_NEGATION = re.compile(rf"(?:{_NEGATIONS}|不|不要|别|无)", re.IGNORECASE)
_OPPOSITES = {
    "validate": "skip-validate",
    **dict.fromkeys(("now", "immediate", "immediately", "at-once", "立即", "马上", "立刻"), "delay"),
}
_DELAY_WORDS = """
d later window in-window ops-window maintenance maintenance-window off-peak offpeak schedule scheduled defer deferred
postpone postponed not-now wait tonight 延时 延迟 延后 推迟 定时 稍后 以后 晚点 今晚 延时升级 延迟升级 定时升级
窗口 维护窗口 时间窗 可维护时间段 维护时间 维护时间段 可维护时间段内升级
"""
_SKIP_VALIDATE_WORDS = """
no-validate no-validation novalidate without-validation skip-check skip-checks skip-verify skip-verification
skip-precheck 跳过 跳过校验 跳过升级校验 不校验 免校验
"""
_SYNONYMS = dict.fromkeys(_DELAY_WORDS.split(), "delay") | dict.fromkeys(_SKIP_VALIDATE_WORDS.split(), "skip-validate")
_PUNCTUATION = ",;.!&+/|，；。、"
_RUN_TOGETHER = re.compile(rf"(?:[-{_PUNCTUATION}]*(?:{'|'.join(FLAGS)}))+[-{_PUNCTUATION}]*")
_PIECE = re.compile(r"(?<![^\W_])(?:delay|skip[\W_]*validate)(?![^\W_])")
_NEGATED_PIECE = re.compile(
    rf"(?<![^\W_])(?:{_NEGATIONS}|不|不要|别|无)[\W_]*(?:delay|skip)|(?:delay|validate)[\W_]*(?:{OFF_VALUES})\b"
)
_NAME_LIKE = re.compile(r"\w*(?:-\w+)*-?")

VERBS = ("list", "status", "history", "doctor", "help")
_VERB_WORDS = {
    "list": "ls all show instances 列表 实例 实例列表 查看",
    "status": "stat state progress open running 状态 进度 进行中",
    "history": "hist log logs past 历史 记录 历史记录",
    "doctor": "doc check diagnose 自检 检查 诊断",
    "help": "usage man manual 帮助 说明 用法",
}
_VERB_SYNONYMS = {word: verb for verb, words in _VERB_WORDS.items() for word in words.split()}
_CANCEL_WORDS = """
cancel cancelled canceled cancellation stop abort kill terminate revoke withdraw undo revert rollback roll-back halt
unschedule pause
"""
_CANCEL = frozenset(_CANCEL_WORDS.split())
_CANCEL_ZH = ("取消", "停止", "终止", "中止", "撤销", "撤回", "回滚", "回退", "中断", "暂停")


@lru_cache(maxsize=1024)
def closest_flag(name: str) -> str | None:
    """The one flag that was probably meant by this name, or None."""
    normalized = _normalized(name).removeprefix("is-")  # the API's own name for it is is_skip_validate
    if normalized in _SYNONYMS:
        return _SYNONYMS[normalized]
    if _NEGATED.fullmatch(normalized):
        return None  # who writes no must not be offered yes
    for flag in FLAGS:
        if is_abbreviation(normalized, flag):
            return flag
    if len(normalized) < 3:
        return None
    # The beginning has to be similar as well: `--strict-validate` is the opposite of `--skip-validate`.
    candidates = [
        flag
        for flag in FLAGS
        if len(normalized) <= 2 * len(flag) and get_close_matches(normalized[:4], [flag[:4]], 1, FLAG_SIMILARITY)
    ]
    return next(iter(get_close_matches(normalized, candidates, n=1, cutoff=FLAG_SIMILARITY)), None)


def is_abbreviation(name: str, flag: str) -> bool:
    """Whether it is the flag but for its case, its dashes, or an end that was left out."""
    normalized = _normalized(name)
    return len(normalized) >= 3 and (flag.startswith(normalized) or exact_flag(normalized) == flag)


def intended_flags(name: str) -> tuple[str, ...]:
    """The flags that were probably meant by one name: several when a blank between them was forgotten."""
    normalized = _normalized(name)
    if _RUN_TOGETHER.fullmatch(normalized):
        return tuple(flag for flag in FLAGS if flag in normalized)
    flag = closest_flag(name)
    return (flag,) if flag else _flags_inside(normalized)


def named_flags(name: str) -> tuple[str, ...]:
    """The flags that a word without dashes names."""
    normalized = _normalized(name)
    if name and name[0] in FLAG_PREFIXES + LETTER_DASHES:
        return intended_flags(name)
    if len(normalized) > 1 and normalized in _SYNONYMS:
        return (_SYNONYMS[normalized],)
    flags = tuple(flag for flag in FLAGS if is_abbreviation(normalized, flag))
    return flags or _flags_inside(normalized)


def _flags_inside(normalized: str) -> tuple[str, ...]:
    """The flags that a word has among other signs: `✅--delay`. What could be the name of an instance has none."""
    if _NAME_LIKE.fullmatch(normalized) or _NEGATED_PIECE.search(normalized):
        return ()
    initials = {piece[0] for piece in _PIECE.findall(normalized)}
    return tuple(flag for flag in FLAGS if flag[0] in initials)


@dataclass(frozen=True, slots=True)
class Meaning:
    """The flags that a word asks for and those it negates; `is_understood`: nothing else in it is left unread."""

    wanted: frozenset[str] = frozenset()
    negated: frozenset[str] = frozenset()
    is_understood: bool = False
    length: int = 1


def meaning(words: Sequence[Word], position: int, *, is_negated: bool, has_id: bool) -> Meaning:
    """What the word at this position, with its value, says of the flags.

    `is_negated`: a negation stands before it. `has_id`: one of the words is the instance, so that a misspelled flag
    without dashes is not taken for a name: `ID dealy`.
    """
    word = words[position]
    if word.is_name or TAURUSDB_ID.fullmatch(word.text) or is_label(words, position) or id_in(words, position):
        return Meaning(is_understood=True)
    option = read_option(words, position)
    is_negated = is_negated or option.is_off
    name = _normalized(option.name)
    negated = _NEGATED.fullmatch(name) if name not in _SYNONYMS else None
    previous = flag_name(words[position - 1].text) if position else ""
    if name in _OPPOSITES and previous != "skip":
        if is_negated and name == "validate":
            return Meaning(length=option.length)  # nobody is offered to skip the validation for two negations
        flags, is_negated = frozenset({_OPPOSITES[name]}), not is_negated
    elif negated:
        flags, is_negated = frozenset(intended_flags(negated["after"] or negated["before"])), True
    else:
        flags = frozenset(intended_flags(option.name) if is_flag(word.text) else named_flags(_unsigned(word.text)))
        if not flags and has_id:
            flags = frozenset(filter(None, [closest_flag(name)]))
    if flags:
        wanted, negated_flags = (frozenset[str](), flags) if is_negated else (flags, frozenset[str]())
        is_understood = option.is_understood and name not in _OPPOSITES  # `now` is no word of the command
        return Meaning(wanted, negated_flags, is_understood, option.length)
    if option.value:
        return Meaning(wanted=frozenset(named_flags(option.value.lstrip(DASHES))))  # `--mode=delay`
    return Meaning()


def suggested_command(command_name: str, words: Sequence[Word], instance_id: str | None = None) -> Code:
    """The command with every part that could be read; the instance stays a placeholder when it cannot be offered."""
    wanted, negated, is_understood = set[str](), set[str](), True
    ids = [id for word in words for id in embedded_ids(word.text)]
    position, is_negated = 0, False
    while position < len(words):
        found = meaning(words, position, is_negated=is_negated, has_id=bool(ids))
        has_flags = bool(found.wanted or found.negated)
        if not has_flags and _NEGATION.fullmatch(_normalized(words[position].text)):
            is_understood = is_understood and not is_negated and position + 1 < len(words)
            position, is_negated = position + 1, True
            continue
        is_understood = is_understood and found.is_understood and (has_flags or not is_negated)
        wanted |= found.wanted
        negated |= found.negated
        position += found.length
        # `--delay no --skip-validate`: whose "no" it is cannot be told, so that neither is offered
        is_negated = found.length > 1 and bool(_NEGATION.fullmatch(words[position - 1].text))
        is_understood = is_understood and not (is_negated and position < len(words))
    flags = [f"--{flag}" for flag in FLAGS if flag in wanted - negated]
    if not is_understood and "--delay" not in flags:
        instance_id = INSTANCE_PLACEHOLDER
    elif instance_id is None:
        instance_id = ids[0] if ids else INSTANCE_PLACEHOLDER
    return Code(" ".join([command_name, instance_id.lower(), *flags]))


# verbs


def intended_verb(word: Word) -> str | None:
    """The verb that was probably meant by this word, or None."""
    name = _normalized(word.text)
    if name in VERBS:
        return name
    if name in _VERB_SYNONYMS:
        return _VERB_SYNONYMS[name]
    if len(name) < 3:
        return None
    candidates = [verb for verb in VERBS if name[0] == verb[0] or sorted(name) == sorted(verb)]
    return next(iter(get_close_matches(name, candidates, n=1, cutoff=VERB_SIMILARITY)), None)


def is_cancellation(word: Word) -> bool:
    """Whether the word asks to cancel something, which no command does."""
    return _is_cancellation(_normalized(word.text))


@lru_cache(maxsize=1024)
def _is_cancellation(name: str) -> bool:
    if name in _CANCEL or name.startswith(_CANCEL_ZH):
        return True
    return len(name) >= 5 and bool(get_close_matches(name, [verb for verb in _CANCEL if verb[0] == name[0]], 1, 0.8))


def _unsigned(text: str) -> str:
    return re.split("[=:]", text, maxsplit=1)[0] or text


def _normalized(name: str) -> str:
    """A name as it is compared: lower case, one kind of dash, half width, no quotes around it."""
    return flag_name(name).strip(QUOTES)
