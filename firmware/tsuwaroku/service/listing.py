"""The catalogue as the keeper keeps it: which calls it has. A day that cannot be read is put aside, and made again."""

from __future__ import annotations

from collections.abc import Callable

from tsuwaroku.errors import StoreError
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry


class Listing:
    """`put_aside(day, why)` is told of a day whose file was damaged: its calls are to be listed again from the ring.

    A month of calls is known by their ids alone, so that seeing whether one is listed reads nothing.
    """

    def __init__(self, catalogue: Catalogue, put_aside: Callable[[str, str], None]) -> None:
        self.catalogue = catalogue
        self._put_aside = put_aside
        self.known: dict[bytes, bool] = {}  # call -> whether its slots hold its wrapped key
        self.marked: set[bytes] = set()  # calls in which the button was pressed; they may be gone by now

    def read(self) -> None:
        """Every day anew. Raises StoreError where one can neither be read nor be put aside."""
        self.known, self.marked = {}, set()
        for day in self.catalogue.days():
            for entry in self.day(day):
                self.took(entry.call_id, entry)

    def day(self, day: str) -> list[CatalogueEntry]:
        """The calls of a day. Raises StoreError as `read` does."""
        try:
            entries = self.catalogue.for_day(day)
        except StoreError as error:
            self.catalogue.set_aside(day)
            self._put_aside(day, str(error))
            return []
        if self.catalogue.spoilt:
            self.catalogue.fold()
            self._put_aside(day, "a line of new.jsonl was damaged")
        return entries

    def put(self, call_id: bytes, entry: CatalogueEntry) -> None:
        """Durable on return. Raises StoreError where the disk does not take it."""
        try:
            self.catalogue.put(entry)
        except StoreError:
            self.day(entry.public.date)  # was it damage? then the day begins anew
            self.catalogue.put(entry)
        self.took(call_id, entry)

    def took(self, call_id: bytes, entry: CatalogueEntry) -> None:
        """The catalogue has this entry now."""
        self.known[call_id] = bool(entry.wraps)
        if entry.public.marks:
            self.marked.add(call_id)
