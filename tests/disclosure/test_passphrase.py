"""The passphrase of a medium."""

from __future__ import annotations

import re

import pytest

from tsuwaroku.disclosure import passphrase
from tsuwaroku.disclosure.passphrase import accept, generate
from tsuwaroku.errors import SecretError


def test_a_generated_one_is_six_groups_to_be_read_out_and_never_the_same() -> None:
    made = {generate() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        assert re.fullmatch(r"([kstnhmrgzdbp][aiueo]){2}(-([kstnhmrgzdbp][aiueo]){2}){5}", one)
        assert not re.search("si|ti|tu|hu|zi|di|du", one)  # spelt in two ways
        assert accept(one) == one


def test_a_generated_one_has_the_bits_that_are_promised() -> None:
    assert len(passphrase._SPELT) == len(set(passphrase._SPELT)) == 53  # 12 of them: 68.7 bits


def test_width_and_composition_do_not_count() -> None:
    assert accept("ｋａｓｕ－ｍｉｔｏ－ｒｅｎｏ") == accept(" kasu-mito-reno\n") == "kasu-mito-reno"
    assert accept("ひみつのか\u3099ぎたば１２３４") == accept("ひみつのがぎたば1234") == "ひみつのがぎたば1234"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "fewer than 12"),
        ("kasu-mito-r", "fewer than 12"),
        ("            ", "fewer than 12"),
        ("031234567801234", "only digits"),
        ("２０２６１１２３２０２６", "only digits"),
        ("aaaaaaaaaaaaaaa", "repeats"),
        ("abcabcabcabcabc", "repeats"),
        ("ABCabcABCabcABC", "repeats"),
        ("abcdefghijklmno", "repeats"),
        ("kasu-mito\x00-reno", "cannot be typed"),
        ("kasu-mito\u200b-reno", "cannot be typed"),
    ],
)
def test_a_weak_one_is_refused_with_a_remedy(given: str, why: str) -> None:
    with pytest.raises(SecretError, match=why) as told:
        accept(given)
    assert "proposed" in told.value.remedy
    assert given == "" or given not in str(told.value)
