"""Every documented answer of the cloud is explained in both languages, by its status and its code together."""

import pytest

from bot.core.messages import Language, Term, Vocabulary
from bot.i18n.catalog import Catalog, Translator

CATALOG = Catalog()
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
    *(
        (400, f"DBS.{code}")
        for code in ("201014", "200086", "280449", "280404", "200001", "200004", "280204", "290000")
    ),
    *((403, f"DBS.{code}") for code in ("200044", "201003", "280015", "200010", "200604", "280056", "212033")),
    *(
        (404, f"DBS.{code}")
        for code in ("200002", "200045", "200408", "200602", "201028", "290005", "290011", "290013")
    ),
    *((409, f"DBS.{code}") for code in ("200011", "201202", "212006", "201205", "280406", "200316")),
    *((500, f"DBS.{code}") for code in ("108000", "108002", "108005", "200005", "200208", "213002", "213004")),
    *((500, f"DBS.{code}") for code in ("290006", "290015")),
    *((500, f"APIGW.{code}") for code in ("0601", "0605", "0606", "0608", "0609", "0611", "0705")),
    *((400, f"APIGW.{code}") for code in ("0201", "0602", "0106")),
    (401, "APIGW.0305"),
    *((403, f"APIGW.{code}") for code in ("0401", "0402", "0404", "0801")),
    (404, "APIGW.0103"),
]
EVERY_LANGUAGE = pytest.mark.parametrize(
    "translator",
    [CATALOG.translator(language) for language in Language],
    ids=lambda translator: translator.language.value,
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
    assert "无需升级" in translator.error_text("rejected", 400, "DBS.05000008").meaning
    assert "提交工单" in translator.error_text("rejected", 400, "DBS.05000012").next
    assert "正在进行其他操作" in translator.error_text("rejected", 409, "DBS.200019").meaning


@EVERY_LANGUAGE
def test_a_code_with_another_status_is_not_taken_for_the_documented_one(translator: Translator) -> None:
    assert translator.error_text("unknown", 500, "DBS.200022") == translator.cloud_errors["5xx"]


@EVERY_LANGUAGE
def test_a_code_is_found_within_the_family_of_its_status(translator: Translator) -> None:
    found = translator.error_text("rejected", 404, "DBS.200022")
    assert found == translator.cloud_errors["400 DBS.200022"]
    assert translator.error_text("unknown", 503, "DBS.05000000").meaning == (
        translator.cloud_errors["500 DBS.05000000"].meaning
    )


@EVERY_LANGUAGE
@pytest.mark.parametrize(
    ("status", "code"), [(429, ""), (429, "APIGW.0308"), (403, ""), (409, "DBS.200019"), (200, "")]
)
def test_an_unknown_outcome_never_advises_to_run_the_command_again(
    translator: Translator, status: int, code: str
) -> None:
    assert translator.error_text("unknown", status, code).next == translator.cloud_errors["unknown"].next


@EVERY_LANGUAGE
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_server_error_without_an_entry_of_its_own_is_called_one(translator: Translator, status: int) -> None:
    error = translator.error_text("unknown", status, "")
    assert error == translator.cloud_errors["5xx"]
    assert ("server error" if translator.language is Language.EN else "服务器错误") in error.meaning


@EVERY_LANGUAGE
def test_a_404_has_its_own_default(translator: Translator) -> None:
    assert translator.error_text("rejected", 404, "") == translator.cloud_errors["404"]


@EVERY_LANGUAGE
def test_a_failed_sign_in_names_its_settings_whatever_iam_answered(translator: Translator) -> None:
    for status, code in ((401, "Unauthorized"), (403, "IAM.0011"), (None, ""), (401, "APIGW.0301")):
        text = translator.error_text("sign_in", status, code)
        assert all(name in text.next for name in ("HW_AUTH_URL", "HW_USER_NAME", "HW_PROJECT_ID"))
        assert "TAURUSDB_ENDPOINT" not in text.next


@EVERY_LANGUAGE
def test_an_unknown_code_is_explained_by_its_status(translator: Translator) -> None:
    assert translator.error_text("rejected", 403, "PDP.0001") == translator.cloud_errors["403"]


@EVERY_LANGUAGE
@pytest.mark.parametrize("outcome", ["rejected", "not_sent", "unknown"])
def test_what_nobody_documented_is_explained_by_what_became_of_it(translator: Translator, outcome: str) -> None:
    assert translator.error_text(outcome, 418, "NEW.1") == translator.cloud_errors[outcome]


@EVERY_LANGUAGE
def test_an_undocumented_job_status_is_shown_as_the_api_says_it(translator: Translator) -> None:
    assert translator.term(Term(Vocabulary.JOB_STATUS, "Paused")) == "Paused"
    assert translator.term(Term(Vocabulary.JOB_STATUS, "RUNNING")) in ("Running", "执行中")
