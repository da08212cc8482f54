"""Every documented answer of the cloud is explained in both languages, by its status and its code together."""

import pytest

from bot.core.sentence import Language
from bot.locales.catalog import Catalog, Words

CATALOG = Catalog.load()
DOCUMENTED = [
    (400, "DBS.200022"),
    (400, "DBS.05000008"),
    (400, "DBS.05000012"),
    (400, "DBS.280001"),
    (409, "DBS.200019"),
    (409, "DBS.200047"),
    (409, "DBS.201014"),
    (409, "DBS.201015"),
    (409, "DBS.05000084"),
    (409, "DBS.212033"),
    (500, "DBS.05000000"),
    (401, "APIGW.0301"),
    (401, "APIGW.0307"),
    (403, "APIGW.0302"),
    (403, "APIGW.0306"),
    (403, "APIGW.0310"),
    (403, "APIGW.0802"),
    (404, "APIGW.0101"),
    (429, "APIGW.0308"),
    (502, "APIGW.0201"),
    (504, "APIGW.0201"),
    (502, "APIGW.0610"),
    (503, "APIGW.0613"),
]
EVERY_LANGUAGE = pytest.mark.parametrize("words", CATALOG.languages.values(), ids=lambda words: words.language.value)


@EVERY_LANGUAGE
@pytest.mark.parametrize(("status", "code"), DOCUMENTED)
def test_a_documented_answer_has_words_of_its_own(words: Words, status: int, code: str) -> None:
    assert f"{status} {code}" in words.faults
    advice = words.advice("refused", status, code)
    assert advice.meaning
    assert advice.next


def test_the_cloud_s_own_chinese_words_are_kept() -> None:
    words = CATALOG.words(Language.ZH)
    assert "不需要升级" in words.advice("refused", 400, "DBS.05000008").meaning
    assert "联系华为云客服" in words.advice("refused", 400, "DBS.05000012").next
    assert "正在进行其他操作" in words.advice("refused", 409, "DBS.200019").meaning


@EVERY_LANGUAGE
def test_a_code_with_another_status_is_not_taken_for_the_documented_one(words: Words) -> None:
    assert words.advice("unknown", 500, "DBS.200022") == words.advice("unknown", None, "")


@EVERY_LANGUAGE
def test_an_unknown_code_is_explained_by_its_status(words: Words) -> None:
    assert words.advice("refused", 403, "PDP.0001") == words.faults["403"]


@EVERY_LANGUAGE
@pytest.mark.parametrize("outcome", ["refused", "not_sent", "unknown"])
def test_what_nobody_documented_is_explained_by_what_became_of_it(words: Words, outcome: str) -> None:
    assert words.advice(outcome, 418, "NEW.1") == words.faults[outcome]


@EVERY_LANGUAGE
def test_an_undocumented_job_status_is_shown_as_the_api_says_it(words: Words) -> None:
    assert words.job_status("Paused") == "Paused"
    assert words.job_status("Running") != ""
