"""The keeper's routes about staff and keys, from the side of the console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tsuwaroku.console.client import KeeperClient
from tsuwaroku.service.rewrapping import Lacking, LogLacking, Rewrapped, RewrapRequest, Taken, WordsLacking
from tsuwaroku.service.staffing import AppointRequest, DismissRequest, Done, RecoveryRequest, StaffSeen, SucceedRequest

if TYPE_CHECKING:
    from tsuwaroku.store.acts import Resealed


class StaffClient(KeeperClient):
    """Every method raises what the keeper answers, and ServiceError where it does not."""

    def staff(self) -> StaffSeen:
        """Who is and was appointed."""
        return self._decode(self._ask("GET", "/v1/staff"), StaffSeen)

    def appoint(self, asked: AppointRequest, *, deputy: bool) -> Done:
        """Durable on return, as all that follow."""
        return self._done("/v1/staff/deputies" if deputy else "/v1/staff/handlers", asked)

    def dismiss(self, asked: DismissRequest) -> Done:
        """One appointment, or all of an account."""
        return self._done("/v1/staff/dismissals", asked)

    def succeed(self, asked: SucceedRequest) -> Done:
        """The new manager's key; no numbers where it was the manager's already."""
        return self._done("/v1/staff/succession", asked)

    def replace_recovery(self, asked: RecoveryRequest) -> Done:
        """The new recovery key; no numbers where it was that already."""
        return self._done("/v1/staff/recovery", asked)

    def lacking(self, key: str, day: str = "", *, again: bool = False) -> Lacking:
        """The calls of a day that a recipient cannot open; with `again` those too for which something was sent."""
        more = "&again=true" if again else ""
        return self._decode(self._ask("GET", f"/v1/wraps?key={key}&day={day}{more}"), Lacking)

    def rewrap(self, key: str, wraps: Sequence[Rewrapped]) -> int:
        """How many were new."""
        body = msgspec.to_builtins(RewrapRequest(key, list(wraps)))
        return self._decode(self._ask("POST", "/v1/wraps", body), Taken).taken

    def words_lacking(self, key: str) -> WordsLacking:
        """Acts whose words a recipient cannot open."""
        return self._decode(self._ask("GET", f"/v1/words?key={key}"), WordsLacking)

    def log_words(self, key: str, day: str = "") -> LogLacking:
        """Entries of a day of the audit log, no acts, whose words a recipient cannot open."""
        return self._decode(self._ask("GET", f"/v1/words/log?key={key}&day={day}"), LogLacking)

    def reseal(self, key: str, words: Sequence[Resealed], day: str = "") -> int:
        """How many were new. `day`: of the log's file, for entries that are no acts."""
        body: dict[str, Any] = {"key": key, "words": [msgspec.to_builtins(one) for one in words], "day": day}
        return self._decode(self._ask("POST", "/v1/words", body), Taken).taken

    def _done(self, path: str, asked: msgspec.Struct) -> Done:
        return self._decode(self._post(path, asked), Done)
