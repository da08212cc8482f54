"""Every documented answer of the cloud is explained in both languages, by its status and its code together."""

import pytest

from bot.core.messages import Language
from bot.i18n.catalog import Catalog, Translator

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
EVERY_LANGUAGE = pytest.mark.parametrize(
    "translator", CATALOG.translators.values(), ids=lambda translator: translator.language.value
)


@EVERY_LANGUAGE
@pytest.mark.parametrize(("status", "code"), DOCUMENTED)
def test_a_documented_answer_has_a_text_of_its_own(translator: Translator, status: int, code: str) -> None:
    assert f"{status} {code}" in translator.cloud_errors
    text = translator.error_text("rejected", status, code)
    assert text.meaning
    assert text.next


def test_the_cloud_s_own_chinese_words_are_kept() -> None:
    translator = CATALOG.translator(Language.ZH)
    assert "不需要升级" in translator.error_text("rejected", 400, "DBS.05000008").meaning
    assert "联系华为云客服" in translator.error_text("rejected", 400, "DBS.05000012").next
    assert "正在进行其他操作" in translator.error_text("rejected", 409, "DBS.200019").meaning


@EVERY_LANGUAGE
def test_a_code_with_another_status_is_not_taken_for_the_documented_one(translator: Translator) -> None:
    assert translator.error_text("unknown", 500, "DBS.200022") == translator.error_text("unknown", None, "")


@EVERY_LANGUAGE
def test_an_unknown_code_is_explained_by_its_status(translator: Translator) -> None:
    assert translator.error_text("rejected", 403, "PDP.0001") == translator.cloud_errors["403"]


@EVERY_LANGUAGE
@pytest.mark.parametrize("outcome", ["rejected", "not_sent", "unknown"])
def test_what_nobody_documented_is_explained_by_what_became_of_it(translator: Translator, outcome: str) -> None:
    assert translator.error_text(outcome, 418, "NEW.1") == translator.cloud_errors[outcome]


@EVERY_LANGUAGE
def test_an_undocumented_job_status_is_shown_as_the_api_says_it(translator: Translator) -> None:
    assert translator.job_status("Paused") == "Paused"
    assert translator.job_status("Running") != ""
