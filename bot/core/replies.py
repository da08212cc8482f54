"""Private replies with buttons or lists: a preflight warning, the instance list, `history` and `status`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.core.instances import (
    Instance,
    InstanceList,
    PreflightWarning,
    actions_text,
    instance_label,
    status_message,
    upgradable_first,
    version_message,
)
from bot.core.messages import Code, Link, Message, Person, Time
from bot.core.upgrade import EarlierRequest, State, Upgrade

PAGE_SIZE = 10


@dataclass(frozen=True, slots=True)
class PreflightReply:
    """A warning, and the text of the command that requests the upgrade all the same."""

    warning: PreflightWarning
    command: str


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance of the list, and the id that its buttons request."""

    message: Message
    instance_id: str


@dataclass(frozen=True, slots=True)
class InstanceListReply:
    """One page of instances; `next_page` counts from 0, None when this is the last one."""

    header: Message
    rows: tuple[InstanceRow, ...]
    footer: Message | None
    next_page: int | None


@dataclass(frozen=True, slots=True)
class TranslatedCard:
    """A request card in the language that it was not posted in."""

    upgrade: Upgrade


Reply: TypeAlias = Message | PreflightReply | InstanceListReply | TranslatedCard


def unresolved_before(instance_id: str, earlier: EarlierRequest) -> PreflightWarning:
    """An earlier upgrade of the instance may have started, or may still be running."""
    return PreflightWarning("unresolved_before", instance=Code(instance_id), earlier=earlier_request(earlier))


def earlier_request(earlier: EarlierRequest) -> Message:
    """An earlier request whose outcome is unknown, in one line."""
    return Message(
        "earlier_request",
        requester=Person(earlier.requested_by),
        at=Time(earlier.confirmed_at),
        link=Link(earlier.permalink),
    )


def instances_on_page(instances: InstanceList, page: int) -> tuple[int, list[Instance]]:
    """The index of a page's first instance, and its instances; the last page when there are not so many."""
    ordered = upgradable_first(instances.instances)
    first = min(max(page, 0) * PAGE_SIZE, max(len(ordered) - 1, 0) // PAGE_SIZE * PAGE_SIZE)
    return first, ordered[first : first + PAGE_SIZE]


def instance_list_reply(
    instances: InstanceList, page: int, usage: str, refreshed: Mapping[str, Instance]
) -> InstanceListReply:
    """One page of the list; `refreshed` has those of its instances that were read again since, by id."""
    first, on_page = instances_on_page(instances, page)
    last, total = first + len(on_page), len(instances.instances)
    is_whole = instances.is_complete and instances.is_settled
    return InstanceListReply(
        header=Message("instance_list", first=first + 1, last=last, total=total, usage=Code(usage)),
        rows=tuple(InstanceRow(_listed(refreshed.get(instance.id, instance)), instance.id) for instance in on_page),
        footer=None if is_whole else Message("instance_list_incomplete"),
        next_page=first // PAGE_SIZE + 1 if last < total else None,
    )


def _listed(instance: Instance) -> Message:
    details = (
        version_message(instance),
        None if instance.is_normal else Message("instance_status", status=status_message(instance)),
        Message("actions_running", actions=actions_text(instance)) if instance.is_busy else None,
    )
    messages = tuple(message for message in details if message is not None)
    label = instance_label(instance)
    return Message("listed_instance", instance=label, details=messages) if messages else label


STATE_MESSAGES: Mapping[State, Message] = {
    State.REQUESTED: Message("state_requested"),
    State.SUBMITTING: Message("state_submitting"),
    State.IN_PROGRESS: Message("state_in_progress"),
    State.UNKNOWN: Message("state_unknown"),
    State.COMPLETED: Message("state_completed"),
    State.FAILED: Message("state_failed"),
    State.CANCELED: Message("state_canceled"),
    State.WITHDRAWN: Message("state_withdrawn"),
    State.EXPIRED: Message("state_expired"),
    State.REJECTED: Message("state_rejected"),
    State.NOT_SENT: Message("state_not_sent"),
    State.UNRESOLVED: Message("state_unresolved"),
}


def upgrade_lines(upgrades: Sequence[Upgrade], permalinks: Sequence[str]) -> tuple[Message, ...]:
    """One line for each upgrade, for `history` and `status`; `permalinks` lead to their cards, in the same order."""
    return tuple(
        Message(
            "upgrade_line",
            at=Time(upgrade.requested_at),
            instance=_label_of(upgrade),
            requester=Person(upgrade.requested_by),
            state=STATE_MESSAGES[upgrade.state],
            link=Link(permalink),
        )
        for upgrade, permalink in zip(upgrades, permalinks, strict=True)
    )


def _label_of(upgrade: Upgrade) -> Message:
    """The instance as it was named when it was requested."""
    instance = Instance.from_json(upgrade.instance_snapshot)
    return instance_label(instance or Instance(upgrade.instance_id))
