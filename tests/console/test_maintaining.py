"""`status`, `plan`, `config`: what a technician sees."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.console.support import FakeKeeper, Run, live_status
from tsuwaroku.config import Config, parse
from tsuwaroku.console.example import example_toml
from tsuwaroku.service.check import missing_card
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.layout import Store

LINE = '[[line]]\nid = "1"\n'
USB = '[[board.card]]\nname = "usb"\nchannels = 4\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[store]\npath = "{tmp_path}/store"\nring_size = "64 MiB"\naccept_shorter = true\n{LINE}')
    return path


def test_status_of_a_running_service(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = msgspec.json.encode(live_status(4))
    with FakeKeeper(tmp_path / "run" / "keeper.sock", {"/v1/status": (200, answer)}):
        ran = run("status", "--store", tmp_path, "--json")
        shown = run("status", "--store", tmp_path)
        monkeypatch.setenv("LANG", "ja_JP.UTF-8")
        japanese = run("status", "--store", tmp_path)
    assert (ran.code, ran.err, ran.json) == (0, "", msgspec.json.decode(answer))
    assert shown.code == 0
    assert "nothing has reached the disk for more than 2 s → check the SSD's connection" in shown.out
    assert "ディスクへの書き込みが2秒以上止まっています" in japanese.out


def test_status_without_a_service_ends_with_12(run: Run, tmp_path: Path) -> None:
    ran = run("status", "--store", tmp_path, "--json")
    assert (ran.code, ran.out) == (12, "")
    assert "systemctl start tsuwaroku" in ran.err


def test_status_goes_to_the_configured_socket(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.sock"
    file = tmp_path / "config.toml"
    file.write_text(f'[service]\nsocket = "{path}"\n{LINE}')
    with FakeKeeper(path, {"/v1/status": (200, msgspec.json.encode(live_status(1)))}) as keeper:
        assert run("--config", file, "status", "--json").code == 0
    assert keeper.asked == [("GET", "/v1/status", None)]


def test_plan(run: Run, config: Path) -> None:
    ran = run("--config", config, "plan", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["lines"], ran.json["days"], ran.json["slots"]) == (1, 30, 256)
    assert (ran.json["sufficient"], ran.json["ssd_bytes"]) == (False, None)
    fits = run("--config", config, "plan", "--ssd", "1 GiB", "--json").json
    assert (fits["ssd_bytes"], fits["fits_ssd"]) == (2**30, True)
    shown = run("--config", config, "plan", "--ssd", "1 MiB")
    assert "The ring is too small for the guarantee" in shown.out
    assert "it does NOT fit" in shown.out


def test_plan_says_what_a_store_in_use_has_measured(run: Run, own: Path, tmp_path: Path) -> None:
    config = tmp_path / "plan.toml"
    config.write_text(f'[store]\npath = "{own}"\n[[line]]\nid = "1"\n', encoding="utf-8")
    later = Catalogue(own / "catalogue")
    for day in later.days():  # a day earlier than it was
        entries = later.for_day(day)
        for entry in entries:
            entry.public.date = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        later.replace_day(day, [])
        later.replace_day(entries[0].public.date, entries)
    figures = run("--config", config, "plan", "--tbw", "1 TiB", "--json").json
    assert figures["measured"]["days"] >= 1
    assert figures["measured"]["octets_a_day"] > 0
    assert figures["free_slots"] > 0
    assert figures["wear_a_year"] == round(figures["written_per_year_bytes"] / 2**40, 4)
    shown = run("--config", config, "plan", "--tbw", "1 TiB").out
    assert [
        word for word in ("Measured on this site", "Forecast", "warranted writes", "on hold") if word not in shown
    ] == []
    assert run("--config", config, "plan", "--tbw", "much").code == 3


def test_plan_with_a_bad_size_ends_with_3(run: Run, config: Path) -> None:
    ran = run("--config", config, "plan", "--ssd", "much")
    assert (ran.code, ran.err.splitlines()[0]) == (3, "Configuration: --ssd: 'much' is not a size")


def test_config_check(run: Run, config: Path) -> None:
    ran = run("config", "check", config, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert {finding["severity"] for finding in ran.json} <= {"ok", "warning"}
    assert run("--config", config, "config", "check", "--json").json == ran.json
    assert run("config", "check", config).code == 0


def test_config_check_of_a_ring_that_is_too_small_ends_with_3(run: Run, config: Path) -> None:
    config.write_text(config.read_text().replace("accept_shorter = true", ""))
    ran = run("config", "check", config, "--json")
    assert ran.code == 3
    assert [finding["place"] for finding in ran.json if finding["severity"] == "error"] == ["store.ring_size"]
    assert ran.err.startswith(f"Configuration: {config}: 1 of the findings")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"colour = 1\n{LINE}", "colour"),
        (f'{LINE}hook = "GPIO5"\n[[line]]\nid = "2"\nring = "GPIO5"\n', "both use the contact GPIO5"),
        (f"{LINE}{LINE}", "two lines have the id 1"),
        ("[board\n", "is not valid TOML"),
        ("line = []\n", "names no line"),
        (f'{LINE}card = "usb"\n', "card = 'usb' is no card of the board"),
        (f"{USB}{LINE}", "no line is on the card usb"),
        (f'{USB}{USB}{LINE}card = "usb"\n', "two cards are named usb"),
        (
            f'{USB}{LINE}card = "usb"\nport = 1\n[[line]]\nid = "2"\ncard = "usb"\nport = 1\n',
            "lines 1 and 2 both use the port usb:1",
        ),
    ],
)
def test_a_bad_configuration_ends_with_3_and_names_the_place(run: Run, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    ran = run("config", "check", file, "--json")
    assert (ran.code, ran.out) == (3, "")
    assert str(file) in ran.err
    assert message in ran.err


def test_one_port_on_two_cards_is_two_lines() -> None:
    text = f'{USB}{LINE}card = "usb"\nport = 1\n[[line]]\nid = "2"\nport = 1\n'
    assert [(line.card, line.port) for line in parse(text).line] == [("usb", 1), ("", 1)]


@pytest.mark.parametrize(
    ("capture", "card"),
    [
        ("nosuch", "nosuch"),
        ("hw:nosuch,0", "nosuch"),
        ("plughw:CARD=nosuch,DEV=0", "nosuch"),
        ("null", None),
        ("hw:0", None),
    ],
)
def test_config_check_names_a_card_that_is_not_there(capture: str, card: str | None) -> None:
    finding = missing_card(capture, "board.card.usb.capture")
    if card is None:
        assert finding is None
    else:
        assert finding is not None
        assert finding.place == "board.card.usb.capture"
        assert finding.text.startswith(f"the sound card {card} is not there; cards present: ")
        assert finding.remedy == "plug the card in, or name another in board.card.usb.capture"


@pytest.mark.parametrize("language", ["C.UTF-8", "ja_JP.UTF-8"])
def test_the_example_loads_and_names_every_key(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", language)
    text = example_toml()
    assert parse(text) == parse(LINE)  # as it stands it changes nothing
    uncommented = "\n".join(line.removeprefix("#") if line[:2] != "# " else line for line in text.splitlines())
    tree = tomllib.loads(uncommented)
    assert missing_keys(tree, Config) == []
    assert msgspec.convert(tree, Config).line[0].port == 1  # every sample value is of its key's type


def missing_keys(tree: Any, kind: Any, place: str = "") -> list[str]:
    """Keys of the structs that the tree lacks, depth first."""
    missing = []
    for field in msgspec.structs.fields(kind):
        here = f"{place}.{field.encode_name}"
        if field.encode_name not in tree:
            missing.append(here)
            continue
        value = tree[field.encode_name]
        inner = [one for one in (field.type, *getattr(field.type, "__args__", ())) if hasattr(one, "__struct_fields__")]
        for one in inner:
            missing += missing_keys(value[0] if isinstance(value, list) else value, one, here)
    return missing


def test_the_example_is_what_the_verb_prints(run: Run) -> None:
    assert run("config", "example") == (0, example_toml(), "")


def test_a_store_is_not_made_by_looking(run: Run, config: Path, tmp_path: Path) -> None:
    run("--config", config, "config", "check")
    run("--config", config, "plan")
    assert run("--config", config, "calls").code == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml"]
    Store.create(tmp_path / "store", slots=256, retention_days=30, demonstration=False).close()
    assert run("--config", config, "calls", "--json").json == []
