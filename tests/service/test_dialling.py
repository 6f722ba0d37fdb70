"""What was dialled, in how many attempts, and which end pressed keys in a talk."""

from __future__ import annotations

from tsuwaroku.clock import NS
from tsuwaroku.service.dialling import Dialling


def dial(call: Dialling, keys: str, at_s: float, level: float | None = -10.0, apart_s: float = 0.2) -> None:
    for n, key in enumerate(keys):
        call.digit(key, round((at_s + n * apart_s) * NS), level)


def pressed(call: Dialling) -> list[tuple[str, str | None]]:
    return [(one.keys, one.by) for one in call.in_call]


def test_before_the_answer_everything_is_dialled_by_this_end() -> None:
    call = Dialling()
    assert (call.text, call.number) == (None, None)
    dial(call, "03", 1, None)
    dial(call, "12", 3)
    assert (call.text, call.number, pressed(call)) == ("0312", "0312", [])


def test_a_flash_begins_another_attempt() -> None:
    call = Dialling()
    call.flash(NS)
    dial(call, "0399", 2)
    call.flash(5 * NS)
    call.flash(6 * NS)
    assert (call.text, call.number) == ("0399", None)
    dial(call, "119", 7)
    assert (call.text, call.number) == ("0399,119", "119")
    assert {"0399", "119", "0399119"} <= set(call.tried)


def test_lost_sound_makes_a_number_uncertain_once() -> None:
    call = Dialling()
    dial(call, "03", 1)
    call.lost()
    call.lost()
    dial(call, "4", 3)
    assert call.number == "03?4"
    call.answered()
    call.lost()
    assert call.number == "03?4"


def test_an_end_is_told_by_its_level_where_there_is_one_to_compare_with() -> None:
    call = Dialling()
    dial(call, "12", 1, -10.0)
    call.answered()
    dial(call, "3", 10, -12.0)
    dial(call, "4", 12, -22.0)
    dial(call, "5", 14, -16.5)
    dial(call, "6", 16, None)
    assert pressed(call) == [("3", "near"), ("4", "far"), ("5", None), ("6", "near")]
    inbound = Dialling()
    inbound.answered()
    dial(inbound, "12", 10, -10.0)
    dial(inbound, "3", 30, -10.0)
    assert pressed(inbound) == [("12", None), ("3", None)]


def test_after_a_flash_this_end_dials_and_is_known_from_then_on() -> None:
    call = Dialling()
    call.answered()
    dial(call, "1", 5, -20.0)
    call.flash(10 * NS)
    dial(call, "5678", 19, -12.0, 0.9)  # the last of them more than 10 s after the flash
    dial(call, "9", 60, -24.0)
    assert pressed(call) == [("1", None), ("5678", "near"), ("9", "far")]
    assert "5678" in call.tried
    assert "56789" not in call.tried


def test_an_answer_taken_back_makes_them_dialled() -> None:
    call = Dialling()
    dial(call, "0", 1)
    call.answered()
    dial(call, "312", 8)
    call.unanswered()
    assert (call.text, pressed(call)) == ("0312", [])
    dial(call, "3", 12)
    assert call.number == "03123"


def test_the_next_part_goes_on_with_what_was_dialled() -> None:
    call = Dialling()
    dial(call, "119", 1)
    call.answered()
    part = call.next_part()
    assert (part.number, pressed(part)) == ("119", [])
    dial(part, "1", 5)
    assert pressed(part) == [("1", "near")]
    assert call.number == "119"


def test_a_number_broken_up_by_a_pause_shows_in_what_was_tried() -> None:
    call = Dialling()
    dial(call, "11", 1)
    call.answered()
    dial(call, "9", 7)
    assert "119" in call.tried
