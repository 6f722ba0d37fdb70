"""The keeper's control interface for papers: disclosures, the public notice, the lines that ledgers are made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import MediumError
from tsuwaroku.service.bookkeeping import Sheet
from tsuwaroku.service.disclosing import DecideRequest, DoneRequest, Listed, OpenRequest, Seen
from tsuwaroku.service.figures import Tally
from tsuwaroku.service.publishing import NoticeSeen, PublishRequest
from tsuwaroku.store.audit import AuditEntry, entry_in

if TYPE_CHECKING:
    from datetime import date


class PapersClient(KeeperClient):
    """Every method raises what the keeper raised, ServiceError where it does not answer."""

    def disclosures(self) -> list[Seen]:
        return self._decode(self._ask("GET", "/v1/disclosures"), Listed).disclosures

    def open_disclosure(self, asked: OpenRequest) -> Seen:
        return self._decode(self._post("/v1/disclosures", asked), Seen)

    def decide_disclosure(self, slug: str, asked: DecideRequest) -> Seen:
        path = f"/v1/disclosures/{quote(slug, safe='')}/decision"
        return self._decode(self._post(path, asked), Seen)

    def carry_out_disclosure(self, slug: str, asked: DoneRequest) -> Seen:
        path = f"/v1/disclosures/{quote(slug, safe='')}/done"
        return self._decode(self._post(path, asked), Seen)

    def notice(self) -> NoticeSeen:
        return self._decode(self._ask("GET", "/v1/notice"), NoticeSeen)

    def publish(self, asked: PublishRequest) -> NoticeSeen:
        return self._decode(self._post("/v1/notice", asked), NoticeSeen)

    def tallies(self) -> list[Tally]:
        return [self._decode(line, Tally) for line in self._ask("GET", "/v1/figures").splitlines()]

    def devices(self) -> Sheet:
        return self._decode(self._ask("GET", "/v1/ledgers/devices"), Sheet)

    def acts(self) -> list[AuditEntry]:
        return _entries(self._ask("GET", "/v1/ledgers/acts"))

    def erasures(self, first: date | None, last: date | None) -> list[AuditEntry]:
        return _entries(self._ask("GET", f"/v1/ledgers/erasures{_range(first, last)}"))

    def audit_lines(self, first: date | None, last: date | None) -> list[AuditEntry]:
        return _entries(self._ask("GET", f"/v1/audit{_range(first, last)}"))


def write_paper(path: Path, octets: bytes) -> None:
    """A paper into a file that was not there before. Raises MediumError."""
    try:
        with path.open("xb") as file:
            file.write(octets)
    except FileExistsError as error:
        raise MediumError(
            "there is a file of that name already", where=str(path), remedy="name another file"
        ) from error
    except OSError as error:
        raise MediumError(
            f"cannot be written ({error.strerror})", where=str(path), remedy="name a file in a directory of yours"
        ) from error


def _entries(content: bytes) -> list[AuditEntry]:
    return [entry for line in content.split(b"\n") if line and (entry := entry_in(line)) is not None]


def _range(first: date | None, last: date | None) -> str:
    given: Iterable[tuple[str, str]] = (
        (name, day.isoformat()) for name, day in (("first", first), ("last", last)) if day is not None
    )
    query = urlencode(list(given))
    return f"?{query}" if query else ""
