"""What `config check` finds beyond the file itself: board, announcement, store, ring size."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tsuwaroku.config import Config
from tsuwaroku.errors import TsuwarokuError
from tsuwaroku.hal import hats
from tsuwaroku.hal.alsa import load_alsa
from tsuwaroku.notice.level import check_level
from tsuwaroku.records.retention import configured
from tsuwaroku.service.announcement import load_announcement
from tsuwaroku.service.plan import plan, refuse_below_guarantee
from tsuwaroku.service.setup import device_key_path
from tsuwaroku.signalling.spandsp import check_library
from tsuwaroku.store.layout import Store


class Finding(msgspec.Struct, frozen=True):
    """`severity`: "error" (the service will not start or not record), "warning", or "ok"."""

    severity: str
    place: str
    text: str
    remedy: str = ""


def check_config(config: Config) -> list[Finding]:
    """Every part is looked at, whatever the others say."""
    found: list[Finding] = []
    for place, look in (
        ("store.retention", _retention),
        ("board", _board),
        ("libspandsp2", _library),
        ("announcement", _announcement),
        ("store", _store),
        ("store.ring_size", _ring),
    ):
        try:
            found += look(config)
        except TsuwarokuError as error:
            found.append(Finding("error", error.where or place, error.message, error.remedy))
    return found


def _retention(config: Config) -> list[Finding]:
    configured(config.store)
    return []


def _board(config: Config) -> list[Finding]:
    if config.board.kind == "virtual":
        return [Finding("warning", "board", "the board is simulated", "name the HAT in board.kind on a real box")]
    described = hats.resolve(config)
    missing = [missing_card(card.capture, f"{card.table}.capture") for card in described.cards]
    if any(missing):
        return [finding for finding in missing if finding is not None]
    captures = ", ".join(card.capture for card in described.cards)
    return [Finding("ok", "board", f"{described.name}: {len(described.lines)} lines, {captures}")]


def missing_card(pcm: str, place: str = "board.capture") -> Finding | None:
    """What is wrong where a PCM names a card (`CARD=name`, `hw:name`, the name alone) that is not there.

    It is not opened: it may be in use.
    """
    named = re.search(r"CARD=([^,]+)|^(?:plug)?hw:(?!CARD=)([^,0-9][^,]*)", pcm)
    alsa = load_alsa()
    present = alsa.cards()
    if named is not None:
        card = named[1] or named[2]
    elif ":" in pcm or pcm in alsa.pcms():
        return None
    else:
        card = pcm
    if card in present:
        return None
    text = f"the sound card {card} is not there; cards present: {', '.join(present) or 'none'}"
    return Finding("error", place, text, f"plug the card in, or name another in {place}")


def _library(config: Config) -> list[Finding]:
    check_library()
    return []


def _announcement(config: Config) -> list[Finding]:
    pcm = load_announcement(config.announcement, config.board.rate)
    problems = check_level(pcm, config.board.rate, config.announcement.level_dbm0)
    if not problems:
        return [Finding("ok", "announcement", f"{len(pcm) / config.board.rate:.1f} s")]
    return [Finding("warning", "announcement", text, "make the recording anew at this level") for text in problems]


def _store(config: Config) -> list[Finding]:
    path = Path(config.store.path)
    if not _made(config):
        return [
            Finding("warning", str(path), "there is no store yet", "make keys and store with `tsuwaroku keys init`")
        ]
    store = Store.open(path, device_key_path=device_key_path(config), need_device=True)
    store.close()
    return [Finding("ok", str(path), f"{store.info.slots} slots, {len(store.recipients.to_wrap())} recipients")]


def _made(config: Config) -> bool:
    return (Path(config.store.path) / "store.json").exists()


def _ring(config: Config) -> list[Finding]:
    """The one there is, or else the one that would be made."""
    sized = plan(config)
    if _made(config):
        store = Store.open(Path(config.store.path), device_key_path=device_key_path(config))
        store.close()
        sized = plan(config, slots=store.info.slots)
    refuse_below_guarantee(config, sized)
    if not sized.sufficient:
        return [
            Finding(
                "warning",
                "store.ring_size",
                f"accept_shorter: keeps {sized.kept_days} of {sized.days} days at the worst rate",
                "make the ring larger",
            )
        ]
    return [Finding("ok", "store.ring_size", f"{sized.configured_bytes / 2**30:.1f} GiB for {sized.days} days")]
