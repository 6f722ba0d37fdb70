"""That the benchmark measures what it says, at sizes too small to mean anything. Its figures judge nothing here."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import wave
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.bench import fullsize, live, material, peer, signalling, speech
from tests.bench.__main__ import USAGE, measure_signalling, parse, size_of
from tests.bench.child import ROOT, BenchError, run
from tests.bench.counted import Counter
from tests.bench.measure import figure, machine, number
from tests.bench.profiled import AREAS, Shares
from tests.bench.tick import lateness, quantile
from tsuwaroku.exchange.script import load_script
from tsuwaroku.store.flac import decode

SPEED = ["cpu_fast", "cpu_fast_with_store", "cpu_peer", "cpu_ratio", "pace_fast", "lines_fast", "rss_fast"]
DISK = ["call_s", "slots", "committed", "flac", "ratio", "ratio_committed", "padding", "pcm"]
WRITES = ["written_sealed", "written_stored", "written_pcm", "commits", "ring_syncs"]
LINES = 2
PARTS = ["journal", "catalogue", "audit", "rest"]
TARGETS = {"cpu_fast": 4.0, "rss_fast": 120.0, "disk_talk_ratio": 1.5, "disk_noise_ratio": 1.5}
SIGNALLING = {"end_missed", "end_cycles", "end_s", "end_off", "cost_talk", "cost_dialled", "cost_on_hook"}
SIGNALLING |= {f"jclip_{tones}_{snr}db" for tones in ("v23", "bell202") for snr in (20, 15, 12, 10, 8)}
SIGNALLING |= {f"jclip_level{level}" for level in range(-44, 1, 4)} | {"jclip_hum", "jclip_worst", "jclip_vectors"}
SIGNALLING |= {"jclip_lengths_with", "jclip_lengths_without", "jclip_heavy", "mdmf_heavy", "cost_fsk_idle"}
SIGNALLING |= {"dtmf", "dtmf_spandsp", "dtmf_dial", "pulses", "tone_busy", "tone_ring_back", "tone_dial"}
TALK = {"talk_digits", "talk_digits_spandsp", "talk_tones", "cost_both"}
TARGETS |= {"written_sealed": 1.6, "ring_syncs": 1.0}


def bench(tmp_path: Path, *options: str, limit_s: float = 100.0) -> dict[str, dict[str, object]]:
    """The figures of a tiny run, by key."""
    argv = [
        sys.executable,
        "-m",
        "tests.bench",
        "--runs",
        "1",
        "--minutes",
        "0.25",
        "--folder",
        str(tmp_path),
        "--json",
    ]
    done = subprocess.run([*argv, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=limit_s)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert list(document) == ["machine", "size", "figures"]
    return {one["key"]: one for one in document["figures"]}


def test_prints_every_figure_with_its_target(tmp_path: Path) -> None:
    found = bench(tmp_path, "--lines", str(LINES), "--live-seconds", "0")
    disk = [f"disk_{kind}_{name}" for kind in ("talk", "noise") for name in DISK]
    parts = [f"{what}_{part}" for part in PARTS for what in ("written", "syncs")]
    assert list(found) == [*SPEED, *disk, *WRITES, *parts]
    assert {key: one["target"] for key, one in found.items() if one["target"]} == TARGETS
    values = {key: float(str(one["median"])) for key, one in found.items()}
    assert [key for key, value in values.items() if not (math.isfinite(value) and value >= 0)] == []
    assert [key for key in (*SPEED, *disk, *WRITES) if values[key] == 0] == []
    assert values["disk_talk_call_s"] == pytest.approx(15 - material.LEAD_S + 1.8 + 1.5, abs=1)
    check_quotients(values)
    assert list(tmp_path.iterdir()) == []


def check_quotients(values: dict[str, float]) -> None:
    """Each quotient is that of its parts."""
    assert values["lines_fast"] == pytest.approx(3600 / values["cpu_fast"])
    assert values["cpu_ratio"] == pytest.approx(values["cpu_fast"] / values["cpu_peer"])
    assert values["cpu_fast"] < values["cpu_fast_with_store"]
    pcm_mib = 2 * 8000 * 3600 / 2**20
    for kind in ("talk", "noise"):
        slots, committed, flac, ratio, ratio_committed, _, of_pcm = (values[f"disk_{kind}_{n}"] for n in DISK[1:])
        assert committed < slots
        assert ratio == pytest.approx(slots / flac)
        assert ratio_committed == pytest.approx(committed / flac)
        assert of_pcm == pytest.approx(committed / pcm_mib)
    assert 1 < values["disk_talk_ratio_committed"] < 2
    # What stands in the ring was written once; the rest of what was written is catalogue, audit log and lease.
    stored = values["disk_talk_committed"] * 2**20 * values["disk_talk_call_s"] * LINES / 3600
    beside = sum(values[f"written_{part}"] for part in PARTS) * 2**10
    assert values["written_stored"] == pytest.approx(1 + beside / stored)
    assert values["written_pcm"] == pytest.approx(values["written_stored"] * values["disk_talk_pcm"])
    assert values["ring_syncs"] == values["commits"] == pytest.approx(1, abs=0.5)


# A quarter of a minute alone on a machine, and as many times longer as others have its processors.
@pytest.mark.slow
@pytest.mark.timeout(320)
def test_watches_the_service_in_real_time() -> None:
    with TemporaryDirectory() as short:  # the path of a socket has room for 107 octets
        found = bench(Path(short), "--lines", "1", "--live-seconds", "1", "--profile", limit_s=300.0)
    shares = [key for key in found if key.startswith("profile_")]
    areas = ("start-up", "rest", "FLAC", "VAD", "sealing", "disk", "board", "line", "writer", "keeper")
    assert sorted(shares) == sorted(f"profile_{area}" for area in areas)
    values = {key: float(str(one["median"])) for key, one in found.items()}
    assert 0 < values["cpu_recorder"] < values["cpu_both"] < 100
    assert 20 < values["rss_recorder"] < values["rss_pair"] < values["rss_all"]
    assert 0 <= values["tick_p50"] <= values["tick_p99"] <= values["tick_max"]
    # Where a second goes, of a line-hour as the other figures: the runs differ, as does what others do to them.
    assert values["cpu_fast"] / 4 < sum(values[key] for key in shares) < values["cpu_fast"] * 4
    assert [key for key in shares if values[key] <= 0] == []


def test_where_the_cpu_goes_is_asked_of_functions_that_are_there() -> None:
    """One that was moved would be counted nowhere, and the profile is made in a slow test only."""
    places = [place for area in AREAS.values() for place in area]
    assert [name for owner, name in places if not callable(getattr(owner, name, None))] == []


@pytest.mark.slow
def test_what_is_heard_on_a_line_is_measured_at_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of the table, with its target, and all of them in print."""
    scale = signalling.Scale(bursts=1, keys=16, numbers=4, hours=0.01, calls=2, cost_s=10.0)
    monkeypatch.setattr(signalling, "QUICK", scale)
    document = measure_signalling(parse(["signalling", "--quick", "--json"]), tmp_path)
    figures = document["figures"]
    assert document["size"] == asdict(scale)
    assert isinstance(figures, list)
    found = {one["key"]: one for one in figures}
    assert len(found) == len(figures)
    assert set(found) >= SIGNALLING
    assert (set(found) >= TALK) == speech.available()
    assert {key: found[key]["target"] for key in ("end_cycles", "cost_talk", "dtmf_dial")} == {
        "end_cycles": 3.0,
        "cost_talk": 1.5,
        "dtmf_dial": 1.0,
    }
    # What hangs on the machine apart, all of it is met at this size, too.
    wrong = {key for key, one in found.items() if one["met"] is False and not key.startswith("cost_")}
    assert wrong == set()
    assert found["cost_on_hook"]["median"] < found["cost_talk"]["median"]


def test_peers_are_on_the_line_of_what_they_are_beside() -> None:
    ours = figure("dtmf", "keys missed", "%", 0.0, 0.0)
    peers = [figure("dtmf_spandsp", "dtmf_rx", "%", 63.0), figure("dtmf_multimon", "m", "%", 100.0)]
    other = figure("cost_talk", "CPU", "s", 1.0)
    first, second = signalling.table([ours, *peers, other])
    assert first.split() == [
        "keys",
        "missed",
        "0",
        "%",
        "target",
        "0:",
        "met",
        "(spandsp",
        "63,",
        "multimon-ng",
        "100)",
    ]
    assert second.split() == ["CPU", "1", "s"]


def test_wrong_options_are_refused_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (
        ["--no-such"],
        ["--runs", "0"],
        ["--lines", "0"],
        ["--minutes", "0.1", "--live-seconds", "0"],
        ["disk"],
    ):
        with pytest.raises(SystemExit) as refused:
            parse(wrong)
        assert refused.value.code == 2
        assert capsys.readouterr().err.lower().startswith("usage: scripts/bench [ring | signalling] [--quick]")
    assert USAGE.startswith("Usage: scripts/bench ")


def test_sizes() -> None:
    def size(*options: str) -> tuple[int, int, float, float, float]:
        made = size_of(parse(list(options)))
        return made.runs, made.lines, made.seconds, made.call_s, made.live_s

    assert size() == (5, 8, 600.0, 600.0, 30.0)
    assert size("--quick") == (2, 8, 180.0, 180.0, 10.0)
    assert size("--quick", "--runs", "3", "--call-seconds", "90") == (3, 8, 180.0, 90.0, 10.0)
    assert size("ring") == (3, 8, 180.0, 180.0, 0.0)
    assert parse(["ring"]).ring_slots == 1 << 20
    assert size("--minutes", "0.5") == (5, 8, 60.0, 60.0, 30.0)  # the stream outlasts the watching


def test_figure_judges_its_median() -> None:
    assert figure("k", "t", "s", [1.0, 9.0, 4.0], 4.0).met is True
    assert figure("k", "t", "s", [1.0, 9.0, 4.1], 4.0).met is False
    assert figure("k", "t", "s", 1.0).met is None
    assert figure("k", "text", "s", [4.5, 4.25, 5.0], 4.0).line().split() == [
        *("text", "4.50", "s", "(4.25", "to", "5)", "target", "≤4:", "missed")
    ]
    assert [number(value) for value in (0, 0.1234, 1.234, 12.34, 123.4, 12345.0)] == [
        *("0", "0.123", "1.23", "12.3", "123", "12,345")
    ]


def test_machine_has_no_host_name() -> None:
    about = machine()
    assert list(about) == ["cpu", "cores", "memory", "kernel", "python", "load", "date"]
    assert [key for key, text in about.items() if not text or os.uname().nodename in text.split()] == []


def test_material_is_calls_that_the_script_reader_takes(tmp_path: Path) -> None:
    made = material.make(tmp_path, 2, 40.0, 8.0, "talk")
    script = load_script(tmp_path / "script.toml")
    assert (script.lines, script.duration_s, made["calls"]) == (("1", "2"), 40.0, 2 * 2)
    lifted = [[event.mono_ns / 1e9 for event in raw.events if event.mono_ns] for raw in script.raws]
    assert all(times and max(times) < 40.0 for times in lifted)
    levels = []
    for kind in ("talk", "noise"):
        material.make(tmp_path / kind, 1, 12.0, 8.0, kind)
        with wave.open(str(tmp_path / kind / "line1.wav"), "rb") as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert pcm.size == 12 * 8000
        levels.append(20 * np.log10(np.std(pcm[-4000:]) / 32767 * np.sqrt(2)) + 3.14)
    assert levels == pytest.approx([-60, material.NOISE_DBM0], abs=1)  # the talk's end is the idle line


def test_peer_without_a_flac_program_is_lossless_too(tmp_path: Path) -> None:
    material.make(tmp_path, 1, 10.0, 8.0, "talk")
    wav = tmp_path / "line1.wav"
    (tmp_path / "out").mkdir()
    peer.encode_here(tmp_path / "out", [wav])
    octets = (tmp_path / "out" / "line1.flac").read_bytes()
    with wave.open(str(wav), "rb") as file:
        assert decode(b"", octets) == file.readframes(file.getnframes())
    usage, size = peer.encode(tmp_path / "again", [wav])
    assert size == pytest.approx(len(octets), rel=0.02)
    assert usage.cpu_s > 0


def test_child_is_measured_whole() -> None:
    burn = "import time\nx = bytearray(40 << 20)\nwhile time.process_time() < 0.3: pass\nprint('[1]')"
    usage = run(sys.executable, "-c", burn)
    assert usage.json() == [1]
    assert 0.3 <= usage.cpu_s < 1
    assert usage.peak_rss >= 40 << 20
    with pytest.raises(BenchError, match=r"ended with 3: .*trouble"):
        run(sys.executable, "-c", "import sys; print('trouble', file=sys.stderr); sys.exit(3)")


def test_counter_counts_what_goes_into_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pwrite", "write", "fsync", "fdatasync"):
        monkeypatch.setattr(os, name, getattr(os, name))  # put back at the end
    store = tmp_path / "store"
    (store / "ring").mkdir(parents=True)
    counter = Counter(store)
    counter.wrap_os()
    for place, text in ((store / "ring" / "a", b"12345"), (store / "lease", b"123"), (tmp_path / "b", b"1")):
        fd = os.open(place, os.O_CREAT | os.O_WRONLY)
        os.write(fd, text)
        os.pwrite(fd, text, 0)
        os.fdatasync(fd)
        os.close(fd)
    assert counter.counts == {
        "ring": {"octets": 10, "writes": 2, "syncs": 1},
        "rest": {"octets": 6, "writes": 2, "syncs": 1},
    }


def test_shares_take_the_inner_from_the_outer() -> None:
    class Work:
        def outer(self) -> None:
            self.inner()

        def inner(self) -> None:
            sum(range(3_000_000))

    shares = Shares()
    shares.wrap(Work, "outer", "outer")
    shares.wrap(Work, "inner", "inner")
    Work().outer()
    assert shares.seconds["inner"] > 0.01 > shares.seconds["outer"] >= 0


def test_lateness_counts_from_the_step_that_came_soonest() -> None:
    on_time = [1_000_000 + number * 20_000_000 for number in range(5)]
    late = [at + extra for at, extra in zip(on_time, (500_000, 3_000_000, 0, 0, 0), strict=True)]
    assert lateness(late) == [0, 0, 0, 0.5, 3.0]
    assert [quantile([0, 0, 0, 0.5, 3.0], share) for share in (0.5, 0.99)] == [0, 3.0]


def test_cpu_of_another_process_is_read_to_less_than_a_tick() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            while live.cpu_s(child.pid) < 0.05:
                pass
            used = live.cpu_s(child.pid)
        finally:
            child.kill()
    assert 0.05 <= used < 2
    assert round(used * 1000) % 10 or round(used * 1e9) % 10_000_000


@pytest.mark.slow
def test_a_ring_at_full_size_is_measured_at_any_size(tmp_path: Path) -> None:
    found = fullsize.measured(tmp_path, 2048, 1)
    assert [one.key for one in found] == [
        *("start_headers", "start_table", "start_rss", "table_size", "grant", "check", "lap_free", "lap_held"),
        *("list_public", "list_sqlite", "list_first", "list_again"),
        *("verb_1", "verb_2", "verb_3", "verb_4"),
        *("list_public_cpu", "list_first_cpu", "list_again_cpu", "listing", "listing_replaced", "listing_tinydb"),
        *("rebuild", "cut_ours", "cut_tinydb"),
        *("erased_written", "erased_pace", "erased_alone", "erased_beside", "erased_worst"),
        *("journals", "journals_start", "journals_cpu", "journals_rss", "journals_poll"),
    ]
    assert [one.key for one in found if not min(one.values) > 0] == ["cut_ours"]
