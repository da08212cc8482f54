"""Private answers with buttons: a doubt that can be overruled, and the list of instances, ten a page."""

from dataclasses import dataclass

from bot.core.facts import InstancesListed, ListedInstance, ListedSoFar, RunsNow, version_of
from bot.core.instances import Instance, Listing, by_usefulness
from bot.core.sentence import Code, Sentence
from bot.core.upgrade import Upgrade

PAGE = 10


@dataclass(frozen=True, slots=True)
class Page:
    """A private answer that is more than a sentence."""


@dataclass(frozen=True, slots=True)
class Doubted(Page):
    """A doubt, and the command that asks all the same."""

    doubt: Sentence
    command: Code


@dataclass(frozen=True, slots=True)
class InstancesPage(Page):
    """Ten instances; `next_page` counts from 0, empty when this is the last one."""

    head: Sentence
    instances: tuple[ListedInstance, ...]
    tail: tuple[Sentence, ...]
    next_page: str = ""


@dataclass(frozen=True, slots=True)
class Translated(Page):
    """A question in the language it was not asked in."""

    upgrade: Upgrade


def page_of(listing: Listing, number: int, usage: str) -> InstancesPage:
    """One page of the list, those that can be upgraded first."""
    instances = by_usefulness(listing.instances)
    first = min(max(number, 0) * PAGE, max(len(instances) - 1, 0) // PAGE * PAGE)
    shown = instances[first : first + PAGE]
    last = first + len(shown)
    return InstancesPage(
        head=InstancesListed(first + 1, last, len(instances), Code(usage)),
        instances=tuple(_listed(instance) for instance in shown),
        tail=() if listing.is_complete else (ListedSoFar(),),
        next_page=str(first // PAGE + 1) if last < len(instances) else "",
    )


def _listed(instance: Instance) -> ListedInstance:
    running = RunsNow(", ".join(instance.running)) if instance.is_busy else None
    facts = tuple(fact for fact in (version_of(instance), running) if fact is not None)
    return ListedInstance(instance.name, Code(instance.id), facts)
