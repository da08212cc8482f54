"""The request card: the one message in the channel, with buttons while it is open and its status afterwards."""

from slack_sdk.models.blocks import Block, ConfirmObject

from bot.core.actions import Action
from bot.core.instances import Instance, instance_details, name_message
from bot.core.messages import Code, Message, Person, Time
from bot.core.permissions import ConfirmBy
from bot.core.replies import earlier_request
from bot.core.upgrade import State, Upgrade
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import (
    MRKDWN,
    MessageView,
    actions,
    button,
    confirm_dialog,
    context,
    header,
    message_view,
    section,
)

STATE_EMOJI = {
    State.SUBMITTING: ":hourglass_flowing_sand:",
    State.IN_PROGRESS: ":arrows_counterclockwise:",
    State.UNKNOWN: ":grey_question:",
    State.UNRESOLVED: ":grey_question:",
    State.COMPLETED: ":white_check_mark:",
    State.FAILED: ":x:",
    State.CANCELED: ":no_entry_sign:",
    State.WITHDRAWN: ":no_entry_sign:",
    State.EXPIRED: ":zzz:",
    State.REJECTED: ":no_entry:",
    State.NOT_SENT: ":no_entry:",
}
WARNINGS = (Message("warning_restart"), Message("warning_no_rollback"), Message("warning_sync_tasks"))


def request_card(upgrade: Upgrade, translator: Translator, confirmers: ConfirmBy) -> MessageView:
    """The card of an upgrade as the row is; only an open request has buttons."""
    title = translator.render(Message("card_title"))
    summary = translator.render(
        Message("request_summary", requester=Person(upgrade.requested_by), instance=Code(upgrade.instance_id)),
        MRKDWN,
    )
    modes = [translator.render(mode, MRKDWN) for mode in _modes(upgrade)]
    request = section("\n".join([summary, *(f"*{mode}*" for mode in modes)]))
    details = [translator.render(message, MRKDWN) for message in _instance_messages(upgrade)]
    instance_block = [section("\n".join(details))] if details else []
    if upgrade.state is State.REQUESTED:
        earlier = [earlier_request(upgrade.earlier_unresolved)] if upgrade.earlier_unresolved else []
        warnings = [translator.render(warning, MRKDWN) for warning in (*earlier, *WARNINGS)]
        terms = [translator.render(term, MRKDWN) for term in _confirmation_terms(upgrade, confirmers)]
        return message_view(
            "\n".join([summary, *modes, *details, *warnings, *terms]),
            header(title),
            request,
            *instance_block,
            section("\n".join(f"• {warning}" for warning in warnings)),
            context(*terms),
            _buttons(upgrade, translator),
        )
    status = translator.render(status_line(upgrade), MRKDWN)
    return message_view(
        "\n".join([summary, *modes, *details, status]),
        header(title),
        request,
        *instance_block,
        section(f"{STATE_EMOJI[upgrade.state]} {status}"),
    )


def status_line(upgrade: Upgrade) -> Message:
    """What became of a decided request."""
    if upgrade.state is State.EXPIRED:
        return Message("card_expired", at=Time(upgrade.expires_at))
    if upgrade.decided_by is None:
        return Message("card_closed")
    by, job = Person(upgrade.decided_by), Code(upgrade.job_id or "")
    match upgrade.state:
        case State.SUBMITTING:
            return Message("card_submitting", by=by)
        case State.IN_PROGRESS:
            return Message("card_in_progress", by=by, job=job)
        case State.COMPLETED:
            return Message("card_completed", by=by, job=job)
        case State.FAILED:
            return Message("card_failed", by=by, job=job)
        case State.CANCELED:
            return Message("card_canceled", by=by, job=job)
        case State.REJECTED:
            if upgrade.is_unexplained_conflict:
                return Message("card_rejected_unchecked", by=by)
            return Message("card_rejected", by=by)
        case State.NOT_SENT:
            return Message("card_not_sent", by=by)
        case State.UNKNOWN:
            return Message("card_unknown", by=by)
        case State.UNRESOLVED:
            return Message("card_unresolved", by=by)
        case _:
            return Message("card_withdrawn", by=by)


def _modes(upgrade: Upgrade) -> list[Message]:
    """When it happens, and whether the validation is skipped."""
    modes = [Message("mode_window") if upgrade.delay else Message("mode_immediate")]
    return [*modes, Message("validation_skipped")] if upgrade.skip_validate else modes


def _instance_messages(upgrade: Upgrade) -> tuple[Message, ...]:
    """What the cloud says of the instance, on an open request; afterwards its name is enough."""
    instance = Instance.from_json(upgrade.instance_snapshot) if upgrade.instance_snapshot else None
    if upgrade.state is not State.REQUESTED:
        name = name_message(instance) if instance else None
        return (name,) if name else ()
    if instance is None:
        return (Message("instance_not_described"),) if upgrade.instance_snapshot else ()
    return instance_details(instance, upgrade.delay, upgrade.requested_at)


def _confirmation_terms(upgrade: Upgrade, confirmers: ConfirmBy) -> tuple[Message, Message]:
    """Until when it can be confirmed, and by whom."""
    until = Message("confirmable_until", until=Time(upgrade.expires_at))
    requester = Person(upgrade.requested_by)
    match confirmers:
        case ConfirmBy.REQUESTER:
            return until, Message("confirmers_requester", requester=requester)
        case ConfirmBy.ANYONE:
            return until, Message("confirmers_anyone")
        case ConfirmBy.ANOTHER:
            return until, Message("confirmers_another", requester=requester)


def _buttons(upgrade: Upgrade, translator: Translator) -> Block:
    return actions(
        button(
            translator,
            Message("confirm_button"),
            Action.CONFIRM,
            upgrade.id,
            style="danger",
            confirm=_dialog(upgrade, translator),
        ),
        button(translator, Message("cancel_button"), Action.CANCEL, upgrade.id),
        button(translator, Message("translate_button"), Action.TRANSLATE, upgrade.id),
    )


def _dialog(upgrade: Upgrade, translator: Translator) -> ConfirmObject:
    """Slack's confirmation dialog, in stronger words when the validation is skipped."""
    instance = Code(upgrade.instance_id)
    text = (
        Message("dialog_window", instance=instance) if upgrade.delay else Message("dialog_immediate", instance=instance)
    )
    title, ok = Message("dialog_title"), Message("dialog_ok")
    if upgrade.skip_validate:
        text = Message("dialog_skip_validate", text=text)
        title, ok = Message("dialog_title_skip_validate"), Message("dialog_ok_skip_validate")
    return confirm_dialog(translator, title, text, ok, Message("dialog_deny"))
