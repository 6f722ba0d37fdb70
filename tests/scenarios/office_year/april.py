"""April 2027: another manager, another fiscal year."""

from __future__ import annotations

from datetime import date

from tests.scenarios.office_year.acts import FORBIDDEN, Office, Talk
from tests.scenarios.office_year.book import numbered
from tests.scenarios.office_year.copies import on_a_pc
from tests.scenarios.office_year.people import DAIRI, KANRI, KANRI_MOVED, MIKI, SHINNIN


def the_change(o: Office) -> None:
    """The successor begins without her predecessor, from the recovery sheet: earlier calls and words are hers, too, and
    the predecessor's key opens no later call. The deputy's year is over."""
    (march,) = o.calls("2027-03-29 10:00", Talk("1"))
    o.box.go("2027-03-31 09:00")
    waiting = o.request(MIKI, date(2027, 3, 29), found=1)
    assert waiting == "2026-011"
    o.box.go("2027-04-01 09:00")
    o.box(DAIRI, "request", "approve", waiting, "--yes", code=FORBIDDEN)
    o.book.refused(DAIRI.user, "request.read", f"/v1/requests/{waiting}")
    o.succeed(SHINNIN, "藤崎 七恵", "人第1号", ("--key", o.box.folder / "recovery.txt"))
    o.box(KANRI_MOVED, "publish", code=FORBIDDEN)
    o.book.refused(KANRI.user, "publish", "/v1/notice")
    (spring,) = o.calls("2027-04-05 10:00", Talk("2", press=True))
    assert o.opens(SHINNIN) >= {march, spring}
    before = o.opens_apart(KANRI_MOVED)
    assert march in before
    assert spring not in before
    o.hold(SHINNIN, spring, date(2027, 9, 30))
    o.play(SHINNIN, march)


def the_new_year(o: Office) -> None:
    """Numbers begin again; the request of the old year is decided and copied by the new manager."""
    o.approve(SHINNIN, "2026-011", return_by=date(2027, 6, 30))
    for who, name, filesystem in (("head", "M-06", "fat32"), ("personnel", "M-07", "exfat")):
        o.register(SHINNIN, name, "--filesystem", filesystem)
        o.export(SHINNIN, "2026-011", who, name)
        on_a_pc(o, name, "2026-011", 1)
    o.hand_over(MIKI, "M-06", "市民課長 五所 一郎", date(2027, 6, 30))
    o.box.go("2027-04-06 09:00")
    first = o.request(MIKI, date(2027, 4, 5), found=1, near_number="内線202", department="税務課")
    assert (first, numbered(first)) == ("2027-001", "令和9年度 第1号")
    own = {"recipient": "開示請求者", "purpose": "本人の通話の確認", "basis": "個人情報の保護に関する法律第76条第1項"}
    assert o.disclose(MIKI, "own_data", max(o.book.calls), own) == "D2027-001"
    o.publish(SHINNIN)
    o.box.go("2027-04-12 09:00")
    o.approve(SHINNIN, first)
    o.box.go("2027-04-20 09:00")
    assert o.alarms() == {"media_overdue": "M-02"}
