"""The page of a copy, opened from a file by a real browser, as a clerk does."""

from __future__ import annotations

import base64
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.disclosure import browser
from tests.disclosure.browser import Page
from tests.disclosure.copies import CALLER, NUMBER, PASSPHRASE, RATE, Call, copied, package, talk
from tsuwaroku.disclosure import page as product

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(
        browser.program() is None and not os.environ.get("CI"), reason="no Chromium: scripts/setup --dev installs it"
    ),
]
STATE = "tsuwarokuState()"


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two calls, the first with a gap; each minute in a file of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "FILE_OCTETS", 1000)
        calls = [Call([talk(62, 1), talk(5, 2)], gap_s=4), Call([talk(8, 3)], number=2)]
        return copied(tmp_path_factory.mktemp("medium") / "媒体 copy#1", package(*calls))


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with Page(tmp_path / "profile") as page:
        yield page


def enter(page: Page, passphrase: str) -> None:
    page.run("document.querySelector('#passphrase').value = ''")
    page.click("#passphrase")
    page.type(passphrase)
    page.click("#open")


def unlock(page: Page, medium: Path) -> None:
    page.goto(medium / "open.html")
    enter(page, PASSPHRASE)
    page.until("!document.querySelector('#room').hidden")


def jump(page: Page, second: float) -> None:
    page.run(f"(e => {{ e.value = {second * RATE}; e.oninput(); }})(document.querySelector('#place'))")


def test_before_the_passphrase_nothing_personal_is_shown_and_what_must_be_known_is(page: Page, medium: Path) -> None:
    page.goto(medium / "open.html")
    shown = page.text("body")
    for told in ("試験市", "媒体 03", "令和8年12月25日（金）", "管財課（内線 2201）", "第9条第3項", "税務課長"):
        assert told in shown
    assert NUMBER not in page.run("document.documentElement.outerHTML")
    assert page.run("document.querySelector('#room').hidden")
    assert page.failures == []


@pytest.mark.usefixtures("full_strength")
def test_at_full_strength_it_opens_too(page: Page, tmp_path: Path) -> None:
    unlock(page, copied(tmp_path / "copy", package(Call([talk(1, 1)]))))
    assert page.text("#clock") == "0:00 / 0:01"


def test_a_wrong_passphrase_says_so_and_the_right_one_opens(page: Page, medium: Path) -> None:
    page.goto(medium / "open.html")
    enter(page, "kasu-mito-reno-pago-zaba-dokE")
    page.until("document.querySelector('#said').classList.contains('bad')")
    assert page.text("#said").startswith("パスフレーズが違います")
    assert page.requests == [(medium / "open.html").as_uri()]  # nothing was read for it
    enter(page, " ｋａｓｕ－ｍｉｔｏーreno−pago-zaba-doke ")  # by another input method
    page.until("!document.querySelector('#room').hidden")
    assert page.run("document.querySelector('#said').hidden")
    facts = page.text("#facts")
    for told in (
        NUMBER,
        CALLER,
        "令和8年11月23日（月） 09時30分02秒",
        "音声で告知、回線上で確認",
        "1か所、計4.00秒（取りこぼし）",
    ):
        assert told in facts
    assert "業務の公正かつ適正な執行" in page.text("#copy")
    assert page.run("document.querySelectorAll('#calls button').length") == 2
    assert page.failures == []


def test_it_plays_and_what_it_plays_is_what_was_captured(page: Page, medium: Path) -> None:
    unlock(page, medium)
    page.click("#play")
    page.until(f"{STATE}.loud > 0.02")
    first = page.run(STATE)
    page.until(f"{STATE}.time > {first['time'] + 0.5} && {STATE}.position > {first['position'] + RATE // 2}")
    assert (first["playing"], first["proven"]) == (True, [True])
    assert "1サンプルも違わない" in page.text("#proof")
    page.click("#play")
    halted = page.run(STATE)
    assert not halted["playing"]
    assert page.run(f"new Promise(r => setTimeout(r, 300)).then(() => {STATE}.position)") == halted["position"]
    page.click("#marks button")  # three seconds before it
    assert page.run(STATE)["position"] == 3 * RATE
    assert [page.run("document.querySelector('#marks').children.length"), page.text("#clock")] == [3, "0:03 / 1:11"]
    assert page.failures == []


def test_it_plays_on_over_a_gap_and_stops_at_the_end(page: Page, medium: Path) -> None:
    unlock(page, medium)
    jump(page, 61)
    page.click("#play")
    page.until(f"{STATE}.position > {66.3 * RATE}")  # 1 s of sound, 2 s of the gap, then the next run
    jump(page, 70.4)
    page.until(f"!{STATE}.playing")
    assert page.run(STATE)["position"] == 71 * RATE
    assert page.run(STATE)["proven"] == [True, True]
    page.click("#calls button:last-child")
    assert page.text("#clock") == "0:00 / 0:08"
    page.click("#play")
    page.until(f"{STATE}.position > 0 && {STATE}.loud > 0.02")
    assert page.failures == []


def test_a_damaged_piece_is_told_and_costs_itself_alone(page: Page, medium: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "copy"
    shutil.copytree(medium, spoilt)
    path = spoilt / "data/page/0002.js"  # the two seconds after the first minute
    octets = bytearray(path.read_bytes())
    octets[500] = ord("A") if octets[500] != ord("A") else ord("B")
    path.write_bytes(octets)
    unlock(page, spoilt)
    jump(page, 59)
    page.click("#play")
    page.until("!document.querySelector('#said').hidden")
    assert "data/page/0002.js の内容が壊れています" in page.text("#said")
    assert "管理責任者に連絡" in page.text("#said")
    page.until(f"{STATE}.position > {66.2 * RATE} && {STATE}.loud > 0.02")
    path.unlink()
    page.goto(spoilt / "open.html")
    enter(page, PASSPHRASE)
    page.until("!document.querySelector('#room').hidden")
    jump(page, 60.5)
    page.click("#play")
    page.until("!document.querySelector('#said').hidden")
    assert "data/page/0002.js を読み込めません" in page.text("#said")


def test_damaged_facts_are_no_wrong_passphrase(page: Page, medium: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "copy"
    shutil.copytree(medium, spoilt)
    (spoilt / "data/page/0000.js").write_bytes(b"tsuwaroku(0,[")
    page.goto(spoilt / "open.html")
    enter(page, PASSPHRASE)
    page.until("document.querySelector('#said').classList.contains('bad')")
    assert "内容が壊れています" in page.text("#said")
    assert page.run("document.querySelector('#room').hidden")


def test_it_can_neither_ask_the_network_nor_save(page: Page, medium: Path) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{server.server_port}"
    try:
        unlock(page, medium)
        ways = (
            f"fetch('{there}/fetch')",
            f"fetch('{(medium / 'data/call.7z').as_uri()}')",
            f"new Promise((y, n) => {{ const s = document.createElement('script'); s.src = '{there}/script';"
            " s.onload = y; s.onerror = n; document.head.append(s); })",
            f"new Promise((y, n) => {{ const i = new Image(); i.src = '{there}/image';"
            " i.onload = y; i.onerror = n; })",
            f"new Promise((y, n) => {{ const w = new WebSocket('{there.replace('http', 'ws')}/socket');"
            " w.onopen = y; w.onerror = n; })",
        )
        for way in ways:
            assert page.run(f"{way}.then(() => 'went', () => 'refused')") == "refused", way
        page.run(f"navigator.sendBeacon('{there}/beacon', 'x')")
        page.run("(f => { document.body.append(f); f.submit(); })(Object.assign(document.createElement('form'),"
                 f" {{action: '{there}/form'}}))")  # fmt: skip
        page.run("new Promise(r => setTimeout(r, 300))")
        assert asked == []
        assert page.run("document.querySelectorAll('a, audio, video, [download], iframe, object').length") == 0
    finally:
        server.shutdown()
        server.server_close()


def test_the_picture_has_waveform_gap_and_marks(page: Page, medium: Path) -> None:
    unlock(page, medium)
    width = page.run("document.querySelector('#wave').width")
    octets = page.run(
        "(c => btoa(Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data,"
        " v => String.fromCharCode(v)).join('')))(document.querySelector('#wave'))"
    )
    pixels = np.frombuffer(base64.b64decode(octets), np.uint8).reshape(-1, width, 4)[..., :3].astype(int)

    def where(colour: tuple[int, int, int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        columns: np.ndarray[tuple[int], np.dtype[np.int64]] = np.flatnonzero((abs(pixels - colour).sum(2) < 12).any(0))
        return columns

    wave, mark, notice = where((0x2F, 0x66, 0x90)), where((0xC2, 0x2F, 0x2F)), where((0xB2, 0x6A, 0x00))
    gap = range(int(62.2 / 71 * width), int(65.8 / 71 * width))
    assert len(wave) > 0.8 * width
    assert not set(gap) & set(wave.tolist())
    assert abs(mark.mean() - 6 / 71 * width) < 3  # at_s 2.0, and the sound begins 4 s before the answer
    assert abs(notice.mean() - 5.5 / 71 * width) < 3
    picture = page.picture()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
