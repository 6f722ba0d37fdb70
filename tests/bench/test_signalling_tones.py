"""That the signalling bench measures what it says, at sizes too small to mean anything."""

from __future__ import annotations

import pytest

from tests.bench import peersignals, signalling_tones, speech
from tests.signalling.sounds import key, line, rhythm, silence


def test_every_figure_with_its_target() -> None:
    found = {one.key: one for one in signalling_tones.signals(count=16, numbers=4)}
    targets = {name: one.target for name, one in found.items() if one.target is not None}
    kinds = ("tone_busy", "tone_ring_back", "tone_dial")
    assert targets == {"dtmf": 0.0, "dtmf_dial": 1.0, "pulses": 0.0, **dict.fromkeys(kinds, 1.0)}
    assert [name for name in targets if found[name].median > 0] == []
    assert {f"{name}_spandsp" for name in ("dtmf", "dtmf_dial", *kinds)} <= set(found)
    assert found["dtmf_spandsp"].median > 0


@pytest.mark.parametrize(("sent", "got", "per_cent"), [("1234", "1234", 0), ("1234", "12934", 0), ("1234", "13", 50)])
def test_what_is_missed(sent: str, got: str, per_cent: float) -> None:
    assert signalling_tones.missed(sent, got) == per_cent


def test_peers_hear_what_is_easy() -> None:
    keys = line(
        silence(0.2), *(part for name in "159D" for part in (key(name, 100, -10.0), silence(0.1))), silence(0.3)
    )
    assert peersignals.spandsp_dtmf(keys) == "159D"
    if peersignals.has_multimon():
        assert peersignals.multimon_dtmf(keys) == "159D"
    assert set(peersignals.super_tone(line(silence(0.5), rhythm(*(0.5, 0.5) * 4), silence(1.0)))) == {"busy"}


@pytest.mark.skipif(not speech.available(), reason="espeak-ng is not installed")
def test_talk_is_as_long_as_asked_for_and_loud() -> None:
    pieces = list(speech.spoken(1, 90))
    assert sum(piece.size for piece in pieces) == 90 * 8000
    assert max(int(abs(piece.astype(int)).max()) for piece in pieces) > 3000
