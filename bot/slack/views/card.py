"""The one message in the channel: the question with its buttons, later what became of it."""

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject, PlainTextObject

from bot.core import card as states
from bot.core import facts, pages, question
from bot.core.instances import Instance
from bot.core.policy import ConfirmBy
from bot.core.sentence import Code, Moment, Person, Sentence
from bot.core.upgrade import State, Upgrade
from bot.locales.catalog import Words
from bot.slack.markup import DIALOG, MRKDWN
from bot.slack.views.view import View, context, header, section, view

SIGNS = {
    State.SENDING: ":hourglass_flowing_sand:",
    State.FOLLOWING: ":arrows_counterclockwise:",
    State.UNKNOWN: ":grey_question:",
    State.UNRESOLVED: ":grey_question:",
    State.COMPLETED: ":white_check_mark:",
    State.FAILED: ":x:",
    State.CANCELED: ":no_entry_sign:",
    State.WITHDRAWN: ":no_entry_sign:",
    State.EXPIRED: ":zzz:",
    State.REFUSED: ":no_entry:",
    State.NOT_SENT: ":no_entry:",
}


def card(upgrade: Upgrade, words: Words, who: ConfirmBy) -> View:
    """The message as the upgrade stands; only an open question has buttons, `who` says who may press Confirm."""
    title = words.say(question.CardTitle())
    asks = _say(words, _asks(upgrade))
    modes = [_say(words, mode) for mode in _modes(upgrade)]
    request = section("\n".join([asks, *(f"*{mode}*" for mode in modes)]))
    told = [_say(words, fact) for fact in _facts(upgrade)]
    described = [section("\n".join(told))] if told else []
    if upgrade.state is State.ASKED:
        warnings = [_say(words, warning) for warning in WARNINGS]
        terms = [_say(words, term) for term in _terms(upgrade, who)]
        return view(
            "\n".join([asks, *modes, *told, *warnings, *terms]),
            header(title),
            request,
            *described,
            section("\n".join(f"• {warning}" for warning in warnings)),
            context(*terms),
            _buttons(upgrade, words),
        )
    result = _say(words, outcome(upgrade))
    sign = SIGNS[upgrade.state]
    return view(
        "\n".join([asks, *modes, *told, result]), header(title), request, *described, section(f"{sign} {result}")
    )


WARNINGS: tuple[Sentence, ...] = (question.Restarts(), question.NoRollback(), question.SyncTasksFirst())


def outcome(upgrade: Upgrade) -> Sentence:
    """What became of a decided question."""
    by = Person(upgrade.decided_by) if upgrade.decided_by else None
    if upgrade.state is State.EXPIRED:
        return states.NowExpired(Moment(upgrade.expires_at))
    if by is None:
        return states.NowClosed()
    job = Code(upgrade.job_id or "")
    match upgrade.state:
        case State.SENDING:
            return states.NowSending(by)
        case State.FOLLOWING:
            return states.NowFollowed(by, job)
        case State.COMPLETED:
            return states.NowCompleted(by, job)
        case State.FAILED:
            return states.NowFailed(by, job)
        case State.CANCELED:
            return states.NowCanceled(by, job)
        case State.REFUSED:
            return states.NowRefused(by)
        case State.NOT_SENT:
            return states.NowNotSent(by)
        case State.UNKNOWN:
            return states.NowUnknown(by)
        case State.UNRESOLVED:
            return states.NowUnresolved(by)
        case _:
            return states.NowWithdrawn(by)


def _asks(upgrade: Upgrade) -> Sentence:
    return question.Asks(Person(upgrade.asked_by), Code(upgrade.instance_id))


def _modes(upgrade: Upgrade) -> list[Sentence]:
    """When it happens, and that the validation is skipped."""
    modes: list[Sentence] = [question.InWindow() if upgrade.delay else question.AtOnce()]
    return [*modes, question.ValidationSkipped()] if upgrade.skip_validate else modes


def _facts(upgrade: Upgrade) -> tuple[Sentence, ...]:
    """What the cloud says of the instance, on an open question; afterwards its name is enough."""
    instance = Instance.read(upgrade.about) if upgrade.about else None
    if upgrade.state is not State.ASKED:
        return (facts.InstanceNamed(instance.name),) if instance and instance.name else ()
    if instance is None:
        return (facts.NotDescribed(),) if upgrade.about else ()
    return facts.facts_of(instance, upgrade.delay, upgrade.asked_at)


def _terms(upgrade: Upgrade, who: ConfirmBy) -> tuple[Sentence, Sentence]:
    """Until when it can be confirmed, and by whom."""
    asked_by = Person(upgrade.asked_by)
    by: dict[ConfirmBy, Sentence] = {
        ConfirmBy.REQUESTER: question.RequesterConfirms(asked_by),
        ConfirmBy.ANYONE: question.AnyoneConfirms(),
        ConfirmBy.ANOTHER: question.AnotherConfirms(asked_by),
    }
    return question.ConfirmableUntil(Moment(upgrade.expires_at)), by[who]


def _buttons(upgrade: Upgrade, words: Words) -> Block:
    """Confirm, which asks a second time, and Cancel."""
    confirm = ButtonElement(
        text=words.say(question.ConfirmButton()),
        action_id="confirm_upgrade",
        value=upgrade.id,
        style="danger",
        confirm=_dialog(upgrade, words),
    )
    cancel = ButtonElement(text=words.say(question.CancelButton()), action_id="cancel_upgrade", value=upgrade.id)
    translate = ButtonElement(text=words.say(pages.TranslateButton()), action_id="translate", value=upgrade.id)
    return ActionsBlock(elements=[confirm, cancel, translate])


def _dialog(upgrade: Upgrade, words: Words) -> ConfirmObject:
    """Slack's second question, in stronger words when the validation is skipped."""
    instance = Code(upgrade.instance_id)
    text: Sentence = question.DialogInWindow(instance) if upgrade.delay else question.DialogAtOnce(instance)
    title: Sentence = question.DialogTitle()
    ok: Sentence = question.DialogOk()
    if upgrade.skip_validate:
        text, title, ok = question.DialogSkipping(text), question.DialogTitleSkipping(), question.DialogOkSkipping()
    return ConfirmObject(
        title=words.say(title),
        text=PlainTextObject(text=words.say(text, DIALOG)),
        confirm=words.say(ok),
        deny=words.say(question.DialogDeny()),
        style="danger",
    )


def _say(words: Words, sentence: Sentence) -> str:
    return words.say(sentence, MRKDWN)
