"""Call scripts: what they mean, and that each fault is told with its place and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.support import wav_bytes
from tsuwaroku.clock import NS
from tsuwaroku.errors import ScriptError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.render import CallLine, RawLine
from tsuwaroku.exchange.script import load_script

MS = 1_000_000
CALL = '[[call]]\nline = "1"\nat = 2.0\ndirection = "inbound"\n'
OUT = '[[call]]\nline = "1"\nat = 2.0\ndirection = "outbound"\n'
RAW = '[[raw]]\nline = "2"\naudio = "pair.wav"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "pair.wav").write_bytes(wav_bytes())
    (tmp_path / "outside.wav").write_bytes(wav_bytes())
    (folder / "cut.wav").write_bytes(wav_bytes()[:-3])
    (folder / "header.wav").write_bytes(wav_bytes()[:30])
    (folder / "none.wav").write_bytes(wav_bytes(samples=0))
    (folder / "wide.wav").write_bytes(wav_bytes(rate=16000))
    (folder / "stereo.wav").write_bytes(wav_bytes(channels=2))
    (folder / "bytes.wav").write_bytes(wav_bytes(width=1))
    (folder / "text.wav").write_text("not a sound")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "link.wav").symlink_to(tmp_path / "outside.wav")
    (folder / "loop.wav").symlink_to("loop.wav")
    return folder


def written(folder: Path, text: str) -> Path:
    path = folder / "script.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_format(folder: Path) -> None:
    text = """
        [[call]]
        line = "1"
        at = 2.0
        direction = "inbound"
        caller_id = { standard = "jclip", number = "0312345678" }
        rings = 2
        talk = 30.0
        far = "pair.wav"
        near = "pair.wav"
        press = [12.5]

        [[raw]]
        line = "2"
        audio = "pair.wav"
        contacts = [[0.0, "hook", "on"], [1.0, "ring", "on"], [2.0, "ring", "off"],
                    [3.4, "hook", "off"], [33.0, "hook", "on"]]
        press = [20.0]
    """
    script = load_script(written(folder, text))
    assert script.lines == ("1", "2")
    assert script.notes == ("[[raw]] 1: its sound ends at 0.1 s, its contacts go on to 33.0 s",)
    rung, raw = script.sources()
    assert (type(rung), type(raw)) == (CallLine, RawLine)
    assert (rung.mixes_notice, raw.mixes_notice) == (True, False)
    assert raw.events(0, 100 * NS) == [
        ContactEdge("2", Contact.HOOK, False, 0),
        ContactEdge("2", Contact.RING, True, NS),
        ContactEdge("2", Contact.RING, False, 2 * NS),
        ContactEdge("2", Contact.HOOK, True, 3_400 * MS),
        ButtonPressed("2", 20 * NS),
        ContactEdge("2", Contact.HOOK, False, 33 * NS),
    ]
    assert (raw.read(0, 9000), raw.ends_ns()) == (bytes(1600), 33 * NS)
    call = script.timelines("1")[0]
    # Two CARs, the primary answer at 3.7 s with 0.516 s of data after 0.3 s, a second's pause, two rings, the hand.
    opened_ns = 3_700 * MS + 300 * MS + 315_750_000 + 200 * MS
    assert call.primary_ns == (3_700 * MS, opened_ns)
    answered_ns = opened_ns + (1_000 + 4_000 + 800) * MS
    assert (call.answered_ns, call.ended_ns) == (answered_ns, answered_ns + 30 * NS)
    presses = [event for event in call.events if isinstance(event, ButtonPressed)]
    assert presses == [ButtonPressed("1", answered_ns + 12_500 * MS)]
    assert script.duration_s == call.last_ns / NS > 40.3


def test_decimal_times_come_out_to_the_nanosecond(folder: Path) -> None:
    text = RAW + 'contacts = [[86399.999999999, "hook", "off"]]\npress = [0.1, 4.000000003]\n'
    events = load_script(written(folder, text)).sources()[0].events(0, 10**15)
    assert [event.mono_ns for event in events] == [100 * MS, 4 * NS + 3, 86_400 * NS - 1]


def test_defaults_and_calls_nobody_answers(folder: Path) -> None:
    """No talk, or answer = false: missed, or given up."""
    text = CALL + CALL.replace("2.0", "40.0") + "answer = false\n" + CALL.replace("2.0", "60.0") + "talk = 0\n"
    calls = load_script(written(folder, text)).timelines("1")
    assert [(call.answered_ns, call.ended_ns) for call in calls] == [
        (6_800 * MS, 26_800 * MS),
        (None, 44 * NS),
        (None, 64 * NS),
    ]


def test_lines_are_in_order_of_appearance_and_calls_in_order_of_time(folder: Path) -> None:
    text = RAW + CALL.replace('"1"', '"9"') + CALL.replace("2.0", "50") + CALL
    script = load_script(written(folder, text))
    assert script.lines == ("2", "9", "1")
    assert [source.line for source in script.sources()] == ["2", "9", "1"]
    assert [call.plan.at_ns for call in script.timelines("1")] == [2 * NS, 50 * NS]


def test_each_call_has_sources_of_its_own(folder: Path) -> None:
    script = load_script(written(folder, CALL))
    one, two = script.sources()[0], script.sources()[0]
    assert one.events(0, 60 * NS) == two.events(0, 60 * NS) != []


def test_a_call_that_may_run_into_the_one_before_is_noted(folder: Path) -> None:
    out = OUT.replace("2.0", "28.0") + 'dial = "117"\n'
    late = CALL.replace("2.0", "28.0") + CALL.replace("2.0", "60.0") + "answer = false\n" + CALL.replace("2.0", "69")
    assert load_script(written(folder, CALL + out)).notes == (
        "[[call]] 2: so soon after [[call]] 1 that both may look like one call",
    )
    assert load_script(written(folder, late)).notes == (
        "[[call]] 3: so soon after [[call]] 2 that both may look like one call",
    )


FAULTS = {
    # text of the script, what the error says, where
    "": ("is empty", ""),
    "x = = 1": ("is not valid TOML", ""),
    "speed = 2\n" + CALL: ("unknown key 'speed'", ""),
    CALL.replace("[[call]]", "[call]"): ("call is not a list of tables", ""),
    "call = 3": ("call is not a list of tables", ""),
    "call = [1]": ("call is not a list of tables", ""),
    CALL + "[[call]]\n" + CALL[9:] + "tlak = 3\n": ("unknown field `tlak`", "[[call]] 2"),
    "[[call]]\nat = 1\ndirection = 'inbound'": ("missing required field `line`", "[[call]] 1"),
    CALL.replace('"1"', '"a b"'): ("line: Expected `str` matching", "[[call]] 1"),
    CALL.replace("inbound", "sideways"): ("direction: Invalid enum value 'sideways'", "[[call]] 1"),
    CALL.replace("2.0", "-1.0"): ("at: -1.0 is not a time", "[[call]] 1"),
    CALL.replace("2.0", "nan"): ("at: nan is not a time", "[[call]] 1"),
    CALL.replace("2.0", "inf"): ("at: inf is not a time", "[[call]] 1"),
    CALL.replace("2.0", "1e12"): ("at: 1000000000000.0 is not a time", "[[call]] 1"),
    CALL.replace("2.0", '"soon"'): ("at: Expected `float`, got `str`", "[[call]] 1"),
    CALL.replace("2.0", "true"): ("at: Expected `float`, got `bool`", "[[call]] 1"),
    CALL.replace("2.0", "07:30:00"): ("at: Expected `float`, got `time`", "[[call]] 1"),
    CALL + "talk = -3": ("talk: -3.0 is not a time", "[[call]] 1"),
    CALL + "talk = 0.1": ("talk: 0.1 s is no answer", "[[call]] 1"),
    CALL + "talk = 9\nanswer = false": ("talk: nobody answers", "[[call]] 1"),
    CALL + "rings = 0": ("rings: a line that does not ring", "[[call]] 1"),
    CALL + "rings = -1": ("rings: Expected `int` >= 0", "[[call]] 1"),
    CALL + "rings = 1.5": ("rings: Expected `int`, got `float`", "[[call]] 1"),
    CALL + "press = [3, 2]": ("press[2]: 2.0 is not after 3.0", "[[call]] 1"),
    CALL + "press = [3, 3]": ("press[2]: 3.0 is not after 3.0", "[[call]] 1"),
    CALL + "press = [3, nan]": ("press[2]: nan is not a time", "[[call]] 1"),
    CALL + 'press = [1, "x"]': ("press[2]: Expected `float`, got `str`", "[[call]] 1"),
    CALL + "answer = false\npress = [1]": ("nobody answers", "[[call]] 1"),
    CALL + "answer = false\nflash = [1]": ("nobody answers", "[[call]] 1"),
    CALL + "talk = 5\nflash = [4.5]": ("flash: a flash of 0.6 s does not fit", "[[call]] 1"),
    CALL + "flash = [0.1]": ("flash: a flash of 0.6 s does not fit", "[[call]] 1"),
    CALL + "flash = [3, 4]": ("flash[2]: 4.0 is not after 3.0 by more than 1.2 s", "[[call]] 1"),
    CALL + 'dial = "1"': ("dial: an inbound call dials nothing", "[[call]] 1"),
    CALL + 'dialling = "dtmf"': ("dial: an inbound call dials nothing", "[[call]] 1"),
    OUT: ("dial: an outbound call needs a number", "[[call]] 1"),
    OUT + 'dial = "03-1234"': ("dial: '03-1234' cannot be dialled", "[[call]] 1"),
    OUT + 'dial = "１１９"': ("dial: '１１９' cannot be dialled", "[[call]] 1"),
    OUT + 'dial = "12#"\ndialling = "pulse10"': ("dial: '12#' cannot be pulsed", "[[call]] 1"),
    OUT + 'dial = "12"\ndialling = "morse"': ("dialling: Invalid enum value 'morse'", "[[call]] 1"),
    OUT.replace("outbound", "internal") + 'dialling = "dtmf"': ("dialling: nothing is dialled", "[[call]] 1"),
    OUT + 'dial = "12"\ncaller_id = {standard = "jclip", number = "1"}': ("caller_id: only a call that", "[[call]] 1"),
    CALL + 'caller_id = {standard = "morse", number = "1"}': ("caller_id.standard: Invalid enum value", "[[call]] 1"),
    CALL + 'caller_id = {standard = "jclip"}': ("caller_id: give a number, or the reason", "[[call]] 1"),
    CALL + 'caller_id = {standard = "jclip", number = "1", absence = "withheld"}': ("caller_id: give", "[[call]] 1"),
    CALL + 'caller_id = {standard = "jclip", number = "1-2"}': ("caller_id.number: Expected", "[[call]] 1"),
    CALL + 'caller_id = {kind = "jclip"}': ("caller_id: Object contains unknown field `kind`", "[[call]] 1"),
    CALL + 'caller_id = {standard = "jclip", octets = "9Z"}': ("caller_id: octets are up to 200", "[[call]] 1"),
    CALL + 'caller_id = {standard = "dtmf", octets = "90"}': ("caller_id: octets are up to 200", "[[call]] 1"),
    CALL + 'caller_id = {standard = "jclip", octets = "90", corrupt = true}': ("caller_id: octets say", "[[call]] 1"),
    CALL + 'caller_id = {standard = "etsi", absence = "payphone"}': (
        "caller_id: etsi has no word for payphone",
        "[[call]] 1",
    ),
    CALL + 'caller_id = {standard = "bellcore_sdmf", number = "1", name = "N"}': (
        "caller_id: bellcore_sdmf sends neither",
        "[[call]] 1",
    ),
    CALL + 'caller_id = {standard = "jclip", number = "1", when = "before"}': (
        "caller_id: jclip is sent",
        "[[call]] 1",
    ),
    CALL + 'caller_id = {standard = "etsi", number = "1", primary = false}': ("caller_id: only jclip", "[[call]] 1"),
    CALL + 'caller_id = {standard = "jclip", number = "1", primary = false, fsk = false}': (
        "caller_id: without a primary answer",
        "[[call]] 1",
    ),
    CALL + 'answer = false\ncaller_id = {standard = "jclip", number = "1", fsk = false}': (
        "caller_id: a primary answer without data",
        "[[call]] 1",
    ),
    CALL + 'caller_id = {standard = "jclip", number = "1", name = "市民"}': ("caller_id.name: Expected", "[[call]] 1"),
    CALL + 'rings = 0\ncaller_id = {standard = "etsi", number = "1"}': ("rings: a line that does not", "[[call]] 1"),
    CALL + 'rings = 0\ncaller_id = {standard = "jclip", number = "1"}': ("rings: nobody answers", "[[call]] 1"),
    CALL + 'waiting = [2]\nwaiting_id = {standard = "etsi"}': ("caller_id: give a number", "[[call]] 1: waiting_id"),
    CALL + 'waiting_id = {standard = "etsi", number = "1"}': ("waiting_id: no call is waiting", "[[call]] 1"),
    CALL + 'waiting = [2]\nwaiting_id = {standard = "jclip", number = "1", fsk = false}': (
        "waiting_id: in a call there is no",
        "[[call]] 1",
    ),
    CALL + 'answer = false\nend_tones = [["busy", 3]]': ("end_tones: a line that is not", "[[call]] 1"),
    CALL + 'end_tones = [["engaged", 3]]': ("end_tones[1][1]: Invalid enum value 'engaged'", "[[call]] 1"),
    CALL + 'end_tones = [["busy", 0]]': ("end_tones[1][2]: Expected `float` > 0", "[[call]] 1"),
    CALL + 'keys = [[2, "1x"]]': ("keys[1][2]: Expected `str` matching", "[[call]] 1"),
    CALL + 'keys = [[2, "12345678"], [3, "1"]]': ("what happens in the talk at 2.0 s lasts until 3.600", "[[call]] 1"),
    CALL + 'talk = 3\nfar_dtmf = [[2, "123456"]]': ("what happens in the talk at 2.0 s lasts", "[[call]] 1"),
    CALL + 'talk = 9\nflash = [2]\nflash_dial = ["12345678901234567890"]': (
        "what happens in the talk at 2.0 s lasts",
        "[[call]] 1",
    ),
    CALL + "breaks = [[2, 0.001]]": ("breaks[1][2]: Expected `float` >= 0.005", "[[call]] 1"),
    CALL + "breaks = [[2, 0.3], [2.1, 0.3]]": ("what happens in the talk at 2.0 s lasts until 2.300", "[[call]] 1"),
    CALL + 'answer = false\nkeys = [[1, "1"]]': ("nobody answers", "[[call]] 1"),
    CALL + 'flash_dial = ["1"]': ("flash_dial: more to dial than flashes", "[[call]] 1"),
    CALL + 'flash = [2]\nflash_dial = ["1a"]': ("flash_dial[1]: Expected `str` matching", "[[call]] 1"),
    CALL + 'redial = "1"': ("redial: nothing was dialled before", "[[call]] 1"),
    OUT + 'dial = "12"\nredial = "1#"\ndialling = "pulse20"': ("dial: '1#' cannot be pulsed", "[[call]] 1"),
    OUT + "answer = false": ("dial: an outbound call needs a number", "[[call]] 1"),
    CALL + "impair = {noise = 3}": ("impair: Object contains unknown field `noise`", "[[call]] 1"),
    CALL + "impair = {noise_dbm0 = 30}": ("impair.noise_dbm0: Expected `float` <= 3.0", "[[call]] 1"),
    CALL + "impair = {noise_dbm0 = nan}": ("impair.noise_dbm0: Expected `float`", "[[call]] 1"),
    CALL + "pulse = {rate = 100}": ("pulse.rate: Expected `float` <= 25.0", "[[call]] 1"),
    CALL + 'pbx = {outside = "x"}': ("pbx.outside: Expected `str` matching", "[[call]] 1"),
    CALL + 'stuck_hook = "half"': ("stuck_hook: Invalid enum value 'half'", "[[call]] 1"),
    CALL + '[[line]]\nline = "2"': ("line: '2' has no [[call]]", "[[line]] 1"),
    CALL + '[[line]]\nline = "1"\n[[line]]\nline = "1"': ("line: '1' has two", "[[line]] 2"),
    CALL + '[[line]]\nline = "1"\nhook_volts = 3': ("feed: the line's voltage is not given", "[[line]] 1"),
    CALL + '[[line]]\nline = "1"\nfeed = -1': ("feed: Expected `float` >= 0.0", "[[line]] 1"),
    RAW + '[[line]]\nline = "2"': ("line: '2' has no [[call]]", "[[line]] 1"),
    '[[line]]\nline = "2"': ("is empty", ""),
    CALL + CALL.replace("2.0", "26.8"): ("at: line '1' is still busy with [[call]] 1 until 26.800 s", "[[call]] 2"),
    CALL.replace("2.0", "10") + CALL: ("at: line '1' is still busy with [[call]] 2 until 26.800 s", "[[call]] 1"),
    CALL + RAW.replace('"2"', '"1"'): ("line: '1' is already taken by [[call]] 1", "[[raw]] 1"),
    RAW.replace('"2"', '"1"') + CALL: ("line: '1' is already taken by [[raw]] 1", "[[call]] 1"),
    RAW + RAW: ("line: '2' is already taken by [[raw]] 1", "[[raw]] 2"),
    RAW + 'contacts = [[1.0, "hook", "off"], [0.5, "hook", "on"]]': ("contacts[2]: 0.5 is earlier", "[[raw]] 1"),
    RAW + 'contacts = [[1.0, "hook", "off"], [1.0, "hook", "on"]]': ("contacts[2]: 1.0 has two edges", "[[raw]] 1"),
    RAW + 'contacts = [[-1.0, "hook", "off"]]': ("contacts[1]: -1.0 is not a time", "[[raw]] 1"),
    RAW + 'contacts = [[1.0, "hoop", "off"]]': ("contacts[1][2]: Invalid enum value 'hoop'", "[[raw]] 1"),
    RAW + 'contacts = [[1.0, "hook"]]': ("contacts[1]: Expected `array` of length 3", "[[raw]] 1"),
    RAW + "press = [2, 1]": ("press[2]: 1.0 is not after 2.0", "[[raw]] 1"),
    RAW + "talk = 2": ("unknown field `talk`", "[[raw]] 1"),
    RAW.replace("pair", "gone"): ("gone.wav cannot be read (No such file or directory)", "[[raw]] 1: audio"),
    RAW.replace("pair.wav", ""): ("cannot be read (Is a directory)", "[[raw]] 1: audio"),
    RAW.replace("pair", "cut"): ("cut.wav is cut short: 798 samples of the 800", "[[raw]] 1: audio"),
    RAW.replace("pair", "header"): ("header.wav is not a PCM WAV file", "[[raw]] 1: audio"),
    RAW.replace("pair", "none"): ("none.wav has no samples", "[[raw]] 1: audio"),
    RAW.replace("pair", "wide"): ("wide.wav is 16000 Hz, 16 bits, 1 channel:", "[[raw]] 1: audio"),
    RAW.replace("pair", "stereo"): ("stereo.wav is 8000 Hz, 16 bits, 2 channels:", "[[raw]] 1: audio"),
    RAW.replace("pair", "bytes"): ("bytes.wav is 8000 Hz, 8 bits, 1 channel:", "[[raw]] 1: audio"),
    RAW.replace("pair", "text"): ("text.wav is not a PCM WAV file", "[[raw]] 1: audio"),
    RAW.replace("pair", "empty"): ("empty.wav is not a PCM WAV file", "[[raw]] 1: audio"),
    RAW.replace("pair", "../outside"): ("audio: '../outside.wav' is not in the script's folder", "[[raw]] 1"),
    RAW.replace("pair.wav", "/etc/passwd"): ("audio: '/etc/passwd' is not in the script's folder", "[[raw]] 1"),
    RAW.replace("pair", "link"): ("audio: 'link.wav' is not in the script's folder", "[[raw]] 1"),
    RAW.replace("pair", "loop"): ("audio: 'loop.wav' is not in the script's folder", "[[raw]] 1"),
    RAW.replace("pair.wav", "a\\u0000.wav"): ("audio: 'a\\x00.wav' is not in the script's folder", "[[raw]] 1"),
    CALL + 'far = "gone.wav"': ("gone.wav cannot be read", "[[call]] 1: far"),
    CALL + 'near = "wide.wav"': ("wide.wav is 16000 Hz", "[[call]] 1: near"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_every_fault_names_its_place_and_a_remedy(folder: Path, text: str) -> None:
    message, place = FAULTS[text]
    path = written(folder, text)
    before = sorted(folder.iterdir())
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    error = caught.value
    assert message in error.message
    assert error.where == (f"{path}: {place}" if place else str(path))
    assert error.remedy
    assert error.exit_code == 4
    assert sorted(folder.iterdir()) == before


def test_scripts_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000)
    found = []
    for name in ("gone.toml", ".", "latin.toml", "deep.toml"):
        with pytest.raises(ScriptError) as caught:
            load_script(tmp_path / name)
        found.append(caught.value.message.partition(":")[0])
    assert found == [
        "cannot be read (No such file or directory)",
        "cannot be read (Is a directory)",
        "is not UTF-8 text",
        "is not valid TOML",
    ]


def test_a_sound_file_that_vanishes_or_shrinks_while_it_plays(folder: Path) -> None:
    sources = [load_script(written(folder, RAW)).sources()[0] for _ in range(2)]
    assert sources[0].read(0, 10) == bytes(20)
    with (folder / "pair.wav").open("r+b") as file:
        file.truncate(44 + 2 * 100 + 1)
    assert len(sources[0].read(90, 20)) == 20
    (folder / "pair.wav").unlink()
    with pytest.raises(ScriptError, match="cannot be read any more"):
        sources[1].read(0, 10)


TOML_VALUES = st.one_of(
    st.sampled_from(["nan", "inf", "-1", "0", "2.5", "true", "''", "'1'", "'inbound'", "'pair.wav'", "[]", "[1, 2]"]),
    st.sampled_from(["[[1.0, '12']]", "[['busy', 2.0]]", "['5678']", "{standard = 'jclip', number = '117'}", "'off'"]),
    st.sampled_from(["{rate = 9.5}", "{on_ms = 60}", "{outside = '0'}", "{noise_dbm0 = -40, dead = true}", "48"]),
    st.sampled_from(["{}", "[[1.0, 'hook', 'off']]", "1e400", "99999999999999999999", "2026-01-01", "'dtmf'", "'12'"]),
)
KEYS = ["line", "at", "direction", "dial", "dialling", "caller_id", "rings", "talk", "answer", "far", "near"]
KEYS += ["press", "flash", "audio", "contacts", "mix_notice", "x", "flash_dial", "redial", "keys", "far_dtmf"]
KEYS += [
    "breaks",
    "waiting",
    "waiting_id",
    "end_tones",
    "stuck_hook",
    "pulse",
    "keypad",
    "pbx",
    "impair",
    "feed",
    "loop_volts",
]


@settings(max_examples=300, deadline=None)
@given(
    tables=st.lists(
        st.tuples(st.sampled_from(["call", "raw", "line"]), st.dictionaries(st.sampled_from(KEYS), TOML_VALUES)),
        max_size=3,
    )
)
def test_any_script_either_loads_or_raises_a_script_error(
    tmp_path_factory: pytest.TempPathFactory, tables: list[tuple[str, dict[str, str]]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "pair.wav").write_bytes(wav_bytes(samples=20))
    start = {
        "call": {"line": "'1'", "at": "1", "direction": "'inbound'"},
        "raw": {"line": "'2'", "audio": "'pair.wav'"},
        "line": {"line": "'1'"},
    }
    text = ""
    for kind, values in tables:
        text += f"[[{kind}]]\n" + "".join(f"{key} = {value}\n" for key, value in (start[kind] | values).items())
    path = written(folder, text)
    fault = fault_of(path)
    if fault is None:
        sources = load_script(path).sources()
        assert [source.line for source in sources] == list(load_script(path).lines) != []
        for source in sources:
            assert source.events(0, 30 * NS) == sorted(source.events(0, 30 * NS), key=lambda event: event.mono_ns)
            assert len(source.read(0, 4 * 8000) or b"") in (40, 64_000)
    else:
        assert (fault.where.startswith(str(folder)), bool(fault.remedy)) == (True, True)


def fault_of(path: Path) -> ScriptError | None:
    try:
        load_script(path)
    except ScriptError as error:
        return error
    return None
