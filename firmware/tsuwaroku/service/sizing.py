"""How much ring a guarantee needs (DESIGN.md, The ring)."""

from __future__ import annotations

# A FLAC frame that cannot be compressed is stored verbatim: 16 octets a millisecond at 8 kHz S16,
# and about 1 % of framing; sealing adds 17 octets a chunk and 256 an extent; padding ends on 4 KiB.
WORST_OCTETS_A_SECOND = 20 * 1024
DAYS_KEPT_BEYOND = 2  # 30 days by calendar are 32 of audio: the day of the call, and the minutes before erasure
MARGIN = 0.05
USABLE_OF_SSD = 0.95  # the rest is for journals, catalogue, audit log and the file system itself
WRITTEN = 2.1
"""Octets written for each octet of the ring in use: the call once (measured: 1.00), its erasure once, and the rest:
catalogue 2 KB and a day's file every 256 calls, audit log, lease and table, under a tenth together (scripts/bench)."""
