"""What the public notice of Article 5 says of the configuration, and which of it was published last."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from tsuwaroku.config import Config, LineConfig, NoticeKind, OfficeConfig
from tsuwaroku.disclosure.notice_page import Place, PublicNotice, YearFigures, drafted
from tsuwaroku.records.acts import Act, ActVerb, detail_of
from tsuwaroku.records.readable import PublishedDetail
from tsuwaroku.records.retention import Period, configured
from tsuwaroku.service.lines import ever_recorded

DOMAIN = b"tsuwaroku notice 1\0"


class PublishedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All of the configuration that the page says. `notices`: kinds in use, sorted."""

    office: OfficeConfig
    places: tuple[Place, ...]
    period: Period
    notices: tuple[NoticeKind, ...]

    def digest(self) -> str:
        """SHA-256 in hex: other facts, another digest. What papers alone say of the office is no part of it."""
        office = self.office
        said = (office.city, office.ordinance, office.manager, office.contact)
        return hashlib.sha256(
            DOMAIN + msgspec.json.encode((said, self.places, self.period, self.notices), order="sorted")
        ).hexdigest()

    def notice(self, posted_on: date, years: Sequence[YearFigures] = ()) -> PublicNotice:
        """The page's contents."""
        return drafted(self.office, self.places, self.period, self.notices, posted_on, years)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that was posted. `by`: the account that approved it."""

    digest: str
    posted_on: date
    by: str
    at: str


def published_facts(config: Config) -> PublishedFacts:
    """A line that never records is not named: a caller of a counselling line must not find it here, and there is no
    device's doing to publish."""
    lines = [line for line in config.line if ever_recorded(line)]
    counts = Counter(_where(config.station, line) for line in lines)
    kinds = {
        getattr(line.notice, direction).kind for line in lines for direction in ("inbound", "outbound", "internal")
    }
    return PublishedFacts(
        office=config.office,
        places=tuple(Place(where, count) for where, count in counts.items()),
        period=configured(config.store),
        notices=tuple(sorted(kinds)),
    )


def last_published(acts: Iterable[Act]) -> Published | None:
    """What was published last, as far as it was recorded."""
    last: Published | None = None
    for act in acts:
        if act.verb is ActVerb.NOTICE_PUBLISHED and (said := detail_of(act, PublishedDetail)) is not None:
            last = Published(digest=said.digest, posted_on=said.posted_on, by=act.actor, at=act.at)
    return last


def _where(station: str, line: LineConfig) -> str:
    return " ".join(part for part in (station, line.department) if part) or "市役所庁舎"
