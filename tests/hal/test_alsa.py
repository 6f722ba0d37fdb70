"""Opening a card: what it gave is checked, and what is wrong is said with its remedy."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from tests.contract.fake_alsa import FakeAlsa, FakeCard
from tsuwaroku.config import BoardConfig, Config, LineConfig
from tsuwaroku.errors import BoardError
from tsuwaroku.hal.alsa import CardSpec, device_name, load_alsa, open_pcm
from tsuwaroku.hal.device import DeviceBoard

SPEC = CardSpec("fake", 8000, 2, 160, 4000)


def test_a_card_is_opened_by_name_unconverted_and_a_path_as_it_is() -> None:
    alsa = FakeAlsa()
    assert device_name(alsa, "fake") == "hw:CARD=fake"
    assert device_name(alsa, "null") == "null"
    assert device_name(alsa, "plughw:CARD=fake") == "plughw:CARD=fake"
    _, period, buffer = open_pcm(alsa, SPEC, alsa.PCM_CAPTURE)
    assert (period, buffer) == (160, 4000)
    assert alsa.asked == [
        {
            "type": alsa.PCM_CAPTURE,
            "mode": alsa.PCM_NONBLOCK,
            "device": "hw:CARD=fake",
            "rate": 8000,
            "channels": 2,
            "format": alsa.PCM_FORMAT_S16_LE,
            "periodsize": 160,
            "periods": 25,
        }
    ]


@pytest.mark.parametrize(
    "grants",
    [
        {"period_size": 80},
        {"period_size": 320},
        {"buffer_size": 3200},
        {"buffer_size": 64_000},
    ],
)
def test_a_period_or_buffer_that_is_near_enough_is_taken(grants: dict[str, Any]) -> None:
    card = FakeCard()
    card.grants = grants
    _, period, buffer = open_pcm(FakeAlsa(card), SPEC, 1)
    assert {"period_size": period, "buffer_size": buffer} == {"period_size": 160, "buffer_size": 4000} | grants


@pytest.mark.parametrize(
    ("grants", "message", "remedy"),
    [
        ({"rate": 48000}, "the sound card fake gave rate 48000, not 8000", "board.rate = 48000"),
        ({"channels": 8}, "the sound card fake gave channels 8, not 2", "board.channels = 8"),
        ({"format_name": "S32_LE"}, "the sound card fake gave format S32_LE, not S16_LE", "plughw:CARD=fake"),
        ({"period_size": 400}, "the sound card fake gave a period of 400 samples, not 160", "board.period_ms = 50"),
        ({"period_size": 79}, "the sound card fake gave a period of 79 samples, not 160", "board.period_ms = 10"),
        ({"buffer_size": 3199}, "the sound card fake gave a buffer of 3199 samples, not 4000", "board.buffer_ms = 399"),
    ],
)
def test_another_grant_is_refused(grants: dict[str, Any], message: str, remedy: str) -> None:
    card = FakeCard()
    card.grants = grants
    with pytest.raises(BoardError) as caught:
        open_pcm(FakeAlsa(card), SPEC, 1)
    assert (caught.value.message, caught.value.where) == (message, "board.capture")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Device or resource busy [hw:CARD=fake]", "another program has it"),
        ("Permission denied [hw:CARD=fake]", "group audio"),
        ("No such device [hw:CARD=fake]", "cards present: fake; PCMs: null;"),
    ],
)
def test_a_card_that_does_not_open(monkeypatch: pytest.MonkeyPatch, text: str, remedy: str) -> None:
    alsa = FakeAlsa()

    def refuse(**asked: Any) -> None:
        raise alsa.ALSAAudioError(text)

    monkeypatch.setattr(alsa, "PCM", refuse)
    with pytest.raises(BoardError) as caught:
        open_pcm(alsa, SPEC, 1)
    assert caught.value.message == f"the sound card fake cannot be opened ({text})"
    assert remedy in caught.value.remedy


def test_a_missing_card_is_one_message_and_releases_the_pins(capfd: pytest.CaptureFixture[str]) -> None:
    factory = MockFactory()
    config = Config(
        board=BoardConfig(kind="tsuwa2", meter="none", capture="hw:CARD=nosuch"), line=(LineConfig(id="1", port=1),)
    )
    before = threading.active_count()
    for _ in range(2):  # a second attempt finds every pin free again
        board = DeviceBoard(config, pin_factory=factory, alsa=load_alsa())
        with pytest.raises(BoardError) as caught:
            board.open()
        assert caught.value.message.startswith("the sound card hw:CARD=nosuch cannot be opened (")
        assert "cards present: " in caught.value.remedy
        board.close()
    assert threading.active_count() == before
    assert capfd.readouterr() == ("", "")
