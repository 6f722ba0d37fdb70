"""Which acts the folds cannot read, and so pass over: of another version, or made by hand. They are told by number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from tsuwaroku.records import appointments, disclosures, media, queue, requests, succession
from tsuwaroku.records.acts import Act, ActVerb, Detail, detail_of
from tsuwaroku.records.keyid import is_key


class PublishedDetail(Detail, frozen=True, kw_only=True):
    """Of `notice published`."""

    digest: str
    posted_on: date


class ExpiredDetail(Detail, frozen=True, kw_only=True):
    """Of `words expired`, before any is erased. `year`: fiscal year it was looked in; `ledgers`: with their years;
    `files`: numbers of the entries whose words go, by the day of their file."""

    year: int
    ledgers: dict[str, int]
    files: dict[str, tuple[int, ...]]

    def numbers(self) -> set[int]:
        """All of them."""
        return {number for numbers in self.files.values() for number in numbers}


class ErasedDetail(Detail, frozen=True, kw_only=True):
    """Of `words erased`: they were overwritten, and what is there was read back. `of`: number of `words expired`."""

    of: int
    count: int


DETAILS: Final[dict[ActVerb, type[Detail]]] = {
    ActVerb.APPOINTED: appointments.AppointedDetail,
    ActVerb.DISMISSED: appointments.EndedDetail,
    ActVerb.APPOINTMENT_ENDED: appointments.EndedDetail,
    ActVerb.MANAGER_SUCCEEDED: succession.SucceededDetail,
    ActVerb.RECOVERY_REPLACED: succession.SucceededDetail,
    ActVerb.WORDS_RESEALED: succession.ResealedDetail,
    ActVerb.CALLS_REWRAPPED: succession.RewrappedDetail,
    ActVerb.REQUEST_SUBMITTED: requests.SubmittedDetail,
    ActVerb.REQUEST_APPROVED: requests.ApprovedDetail,
    ActVerb.REQUEST_REFUSED: requests.DecidedDetail,
    ActVerb.REQUEST_WITHDRAWN: requests.DecidedDetail,
    ActVerb.QUEUE_PASSED: queue.PassedDetail,
    ActVerb.MEDIUM_REGISTERED: media.RegisteredDetail,
    ActVerb.COPY_BEGUN: requests.CopyDetail,
    ActVerb.COPY_MADE: requests.CopyDetail,
    ActVerb.COPY_FAILED: requests.CopyDetail,
    ActVerb.MEDIUM_HANDED_OVER: media.HandedDetail,
    ActVerb.RECOPY_APPROVED: requests.RecopyDetail,
    ActVerb.MEDIUM_RETURNED: media.StepDetail,
    ActVerb.MEDIUM_WIPED: media.WipedDetail,
    ActVerb.MEDIUM_DESTROYED: media.DestroyedDetail,
    ActVerb.MEDIUM_LOST: media.StepDetail,
    ActVerb.DISCLOSURE_OPENED: disclosures.OpenedDetail,
    ActVerb.DISCLOSURE_DECIDED: disclosures.DecidedDetail,
    ActVerb.DISCLOSURE_CARRIED_OUT: disclosures.CarriedOutDetail,
    ActVerb.NOTICE_PUBLISHED: PublishedDetail,
    ActVerb.WORDS_EXPIRED: ExpiredDetail,
    ActVerb.WORDS_ERASED: ErasedDetail,
}


def readable(act: Act) -> bool:
    """Whether the folds can go by it."""
    said = detail_of(act, DETAILS[act.verb])
    if isinstance(said, succession.SucceededDetail):
        return is_key(said.public_key, act.subject)
    return said is not None


def unreadable(acts: Iterable[Act]) -> list[int]:
    """Numbers of the entries that every fold passes over."""
    return [act.number for act in acts if not readable(act)]
