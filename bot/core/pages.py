"""Private answers with buttons: a doubt that can be overruled, and the list of instances, ten a page."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.facts import RunsNow, StatusNow, runs, status_of, version_of
from bot.core.instances import Instance, Listing, by_usefulness
from bot.core.naming import called
from bot.core.sentence import Code, Sentence
from bot.core.upgrade import Upgrade

PAGE = 10


@dataclass(frozen=True, slots=True)
class InstancesListed(Sentence):
    """The head of the list: which of how many."""

    first: int
    last: int
    total: int
    usage: Code


@dataclass(frozen=True, slots=True)
class ListedSoFar(Sentence):
    """The cloud has not described all of them yet."""


@dataclass(frozen=True, slots=True)
class NothingListed(Sentence):
    """The project has no StarRocks instance."""


@dataclass(frozen=True, slots=True)
class NotListed(Sentence):
    """The cloud did not list the instances in time, or may not; what to type instead."""

    corrected: Code


@dataclass(frozen=True, slots=True)
class ListedInstance(Sentence):
    """One instance of the list, a fact a line."""

    instance: Sentence
    facts: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class UpgradeNowButton(Sentence):
    """The label of the button that asks for an upgrade at once."""


@dataclass(frozen=True, slots=True)
class UpgradeInWindowButton(Sentence):
    """The label of the button that asks for an upgrade in the maintenance window."""


@dataclass(frozen=True, slots=True)
class NextPageButton(Sentence):
    """The label of the button that shows the next ten."""


@dataclass(frozen=True, slots=True)
class TranslateButton(Sentence):
    """The label of the button that shows the question in the other language: named in that language."""


@dataclass(frozen=True, slots=True)
class Page:
    """A private answer that is more than a sentence."""


@dataclass(frozen=True, slots=True)
class Doubted(Page):
    """A doubt, and the command that asks all the same."""

    doubt: Sentence
    command: Code


@dataclass(frozen=True, slots=True)
class Row:
    """An instance of the list, and the id its buttons ask for."""

    told: Sentence
    instance_id: str


@dataclass(frozen=True, slots=True)
class InstancesPage(Page):
    """Ten instances; `next_page` counts from 0, empty when this is the last one."""

    head: Sentence
    rows: tuple[Row, ...]
    tail: tuple[Sentence, ...]
    next_page: str = ""


@dataclass(frozen=True, slots=True)
class Translated(Page):
    """A question in the language it was not asked in."""

    upgrade: Upgrade


NOTHING_NEW: Mapping[str, Instance] = {}


def shown(listing: Listing, number: int) -> tuple[int, list[Instance]]:
    """Where a page begins, and its instances, those that can be upgraded first; the last page instead of none."""
    instances = by_usefulness(listing.instances)
    first = min(max(number, 0) * PAGE, max(len(instances) - 1, 0) // PAGE * PAGE)
    return first, instances[first : first + PAGE]


def page_of(listing: Listing, number: int, usage: str, anew: Mapping[str, Instance] = NOTHING_NEW) -> InstancesPage:
    """One page of the list; `anew` are those of its instances that have been read again since."""
    first, instances = shown(listing, number)
    last, total = first + len(instances), len(listing.instances)
    return InstancesPage(
        head=InstancesListed(first + 1, last, total, Code(usage)),
        rows=tuple(Row(_listed(anew.get(one.id, one)), one.id) for one in instances),
        tail=() if listing.is_complete and listing.is_settled else (ListedSoFar(),),
        next_page=str(first // PAGE + 1) if last < total else "",
    )


def _listed(instance: Instance) -> Sentence:
    status = None if instance.is_fit else StatusNow(status_of(instance))
    running = RunsNow(runs(instance)) if instance.is_busy else None
    facts = tuple(fact for fact in (version_of(instance), status, running) if fact is not None)
    return ListedInstance(called(instance), facts) if facts else called(instance)
