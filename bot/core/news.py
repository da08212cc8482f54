"""The sentences of the thread and of private answers: what is told while an upgrade runs and when it has ended."""

from dataclasses import dataclass

from bot.core.reasons import TooLate
from bot.core.sentence import Blank, Code, Person, Sentence

# the job


@dataclass(frozen=True, slots=True)
class JobAccepted(Sentence):
    """The cloud took the upgrade and gave a job id."""

    instance: Code
    job: Code


@dataclass(frozen=True, slots=True)
class JobFound(Sentence):
    """It was unknown, and now there is a job."""

    instance: Code
    job: Code


@dataclass(frozen=True, slots=True)
class JobRuns(Sentence):
    """Which job the progress below belongs to."""

    instance: Code
    job: Code


@dataclass(frozen=True, slots=True)
class JobProgress(Sentence):
    """How far it is, when the cloud says so."""

    bar: str
    percent: int
    status: str


@dataclass(frozen=True, slots=True)
class JobStatus(Sentence):
    """The job's status alone."""

    status: str


@dataclass(frozen=True, slots=True)
class AwaitsWindow(Sentence):
    """A delayed job that waits for the maintenance window."""

    status: str


@dataclass(frozen=True, slots=True)
class AwaitsAuthorization(Sentence):
    """A job that somebody has to authorize in the cloud."""

    status: str


@dataclass(frozen=True, slots=True)
class LookingTrouble(Sentence):
    """Several looks in a row showed nothing; looking goes on."""

    job: Code


# the end


@dataclass(frozen=True, slots=True)
class Both(Sentence):
    """Two people: who asked and who confirmed."""

    asked_by: Person
    confirmed_by: Person


@dataclass(frozen=True, slots=True)
class UpgradeCompleted(Sentence):
    """Done; `people` are the requester and the confirmer."""

    people: Person | Both
    instance: Code
    job: Code
    duration: Sentence


@dataclass(frozen=True, slots=True)
class UpgradeFailed(Sentence):
    """The job failed; `people` are the requester and the confirmer."""

    people: Person | Both
    instance: Code
    job: Code
    duration: Sentence


@dataclass(frozen=True, slots=True)
class UpgradeCanceled(Sentence):
    """The job was canceled in the cloud; `people` are the requester and the confirmer."""

    people: Person | Both
    instance: Code
    job: Code
    duration: Sentence


@dataclass(frozen=True, slots=True)
class FailReason(Sentence):
    """The API's own `fail_reason`."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoFailReason(Sentence):
    """The cloud gave no reason."""


@dataclass(frozen=True, slots=True)
class AfterFailure(Sentence):
    """What to do after a failed job."""


@dataclass(frozen=True, slots=True)
class AfterCancel(Sentence):
    """What to do after a canceled job."""


# to one person alone


@dataclass(frozen=True, slots=True)
class Help(Sentence):
    """How the command is used; `command` is its name in this workspace."""

    command: Code

    def blanks(self) -> dict[str, Blank]:
        """The forms of the command, ready to copy."""
        name = self.command.text
        return {
            "usage": Code(f"{name} <instance_id> [--delay] [--skip-validate]"),
            "delay": Code("--delay"),
            "skip_validate": Code("--skip-validate"),
            "ending": Code("in17"),
            "list": Code(name),
            "status": Code(f"{name} status [instance]"),
            "history": Code(f"{name} history [instance]"),
            "help": Code(f"{name} help"),
        }


@dataclass(frozen=True, slots=True)
class DoctorTold(Sentence):
    """What the doctor found, one check a line (the doctor speaks English)."""

    report: str


@dataclass(frozen=True, slots=True)
class NothingYet(Sentence):
    """Looked again: nothing more is known than before."""


@dataclass(frozen=True, slots=True)
class NothingToCheck(TooLate):
    """The outcome is known meanwhile, or is being looked for already."""


@dataclass(frozen=True, slots=True)
class SomethingWentWrong(Sentence):
    """A mistake of the bot itself; the log has it."""
