"""August 2026 to March 2027: requests of every kind, calls that leave the house, a dismissal, the power, the winter."""

from __future__ import annotations

from datetime import date

from tests.scenarios.office_year.acts import FORBIDDEN, REFUSED, Office, Talk
from tests.scenarios.office_year.people import DAIRI, HANA, JIRO, KANRI, MIKI

LATE = {"media_overdue": "M-02"}
"""The lost medium stays an alarm."""


def who_may_decide(o: Office) -> None:
    """The deputy decides on the manager's own request, and on calls at her telephone. Withheld numbers; その他."""
    e1, own = o.calls("2026-08-03 10:00", Talk("1"), Talk("4"))
    (withheld,) = o.calls("2026-08-03 11:00", Talk("1", number=""))
    day = o.today
    o.box.go("2026-08-05 09:00")
    fifth = o.request(KANRI, day, found=1, unknown=1)
    o.box(KANRI, "request", "approve", fifth, "--yes", code=FORBIDDEN)
    o.book.refused(KANRI.user, "request.decide", fifth)
    o.approve(DAIRI, fifth)
    sixth = o.request(HANA, day, found=1, near_number="内線204", department="管財課")
    for verb in ("approve", "refuse"):
        more = ("--yes",) if verb == "approve" else ("--reason", "不要")
        o.box(KANRI, "request", verb, sixth, *more, code=FORBIDDEN)
        o.book.refused(KANRI.user, "request.decide", sixth)
    o.refuse(DAIRI, sixth, "本人の通話のみであり、目的に当たらないため")
    # Both calls of that extension are meant where nobody knows the number; one of them is provided.
    seventh = o.request(
        HANA,
        day,
        found=2,
        reasons=["その他"],
        purpose="研修の検討",
        serves="接遇",
        far_number="不明（非通知のため）",
    )
    o.box(KANRI, "request", "approve", seventh, "--call", f"#{own}", "--yes", code=REFUSED)
    o.book.refused(KANRI.user, "request.decide", seventh)
    for wrong in ("平成40年9月1日", "2026-08-04"):
        o.box(KANRI, "request", "approve", seventh, "--yes", "--return-by", wrong, code=REFUSED)
        o.book.refused(KANRI.user, "request.decide", seventh)
    o.approve(KANRI, seventh, only=(e1,))
    assert o.box(KANRI, "request", "show", seventh, "--json").json["request"]["calls"] == [o.id(e1)]
    assert o.opens(HANA) >= {e1, own, withheld}


def a_handler_of_one_line(o: Office) -> tuple[int, int]:
    """Finds and asks for the calls of her line, and for no other's; her form names its fields as the paper does."""
    f1, f2 = o.calls("2026-09-07 10:00", Talk("1", press=True), Talk("2"))
    day = o.today
    o.box.go("2026-09-08 09:00")
    told = o.refused_request(JIRO, day, o.id(f1), code=FORBIDDEN, named=("--call", o.id(f1)), near_number="内線202")
    assert "回線" in told.err
    eighth = o.request(JIRO, day, found=1, near_number="内線202", department="税務課")
    o.approve(KANRI, eighth)
    for who, name, to, due in (
        ("head", "M-04", "税務課長 板柳 五郎", date(2026, 10, 8)),
        ("personnel", "M-05", "人事課長 大鰐 四郎", date(2026, 9, 28)),
    ):
        o.copied(KANRI, eighth, who, name)
        o.hand_over(JIRO, name, to, due)
    o.box.go("2026-09-25 09:00")
    for name in ("M-04", "M-05"):
        o.take_back(JIRO, name, "税務課 板柳 五郎")
        o.wipe(DAIRI, name)
        o.destroy(DAIRI, name, "裁断")
    return f1, f2


def outside(o: Office, f1: int, f2: int, gone: int) -> None:
    """The police ask; an emergency is approved afterwards; a caller asks for her own; a request by law is refused."""
    police = {"recipient": "青葉警察署", "purpose": "威力業務妨害の捜査", "basis": "刑事訴訟法第197条第2項"}
    letter = {"reference": "青葉警察署 捜査第123号"}
    given = [part for name, text in police.items() for part in (f"--{name}", text)]
    for case, call, more in (
        ("investigation", f1, []),  # no 照会文書番号
        ("investigation", gone, ["--reference", "捜査第123号"]),
        ("investigation", f1, ["--reference", "捜査第123号", "--way", "copy"]),  # Article 8(3)
        ("curiosity", f1, []),
    ):
        o.box(HANA, "disclose", "new", "--case", case, "--call", o.id(call), *given, *more, code=REFUSED)
        o.book.refused(HANA.user, "disclose")
    first = o.disclose(HANA, "investigation", f1, police | letter)
    assert first == "D2026-001"
    o.box(HANA, "disclose", "done", first, "--to", "青葉警察署 巡査部長", code=REFUSED)
    o.book.refused(HANA.user, "disclose", first)
    decided = ("--decided-by", "青葉市長", "--decision", "管第45号")
    o.box(HANA, "disclose", "decide", first, "--approve", *decided, code=FORBIDDEN)
    o.book.refused(HANA.user, "disclose.decide", f"/v1/disclosures/{first}/decision")
    o.box(KANRI, "disclose", "decide", first, "--approve", *decided, "--on", "平成40年9月1日", code=REFUSED)
    o.book.refused(KANRI.user, "disclose.decide", first)
    o.decide(KANRI, first, approved=True, decision="管第45号")
    o.disclosed(HANA, first, "青葉警察署 巡査部長 鶴田 六郎")
    emergency = {"recipient": "青葉消防署", "purpose": "通報者の所在の確認"}
    second = o.disclose(KANRI, "emergency", f2, emergency, approve_by=date(2026, 10, 1))
    o.disclosed(HANA, second, "青葉消防署 指令室")
    o.let_lapse(KANRI, f1)
    o.box.go("2026-10-01 09:00")
    assert o.alarms() == LATE
    o.box.go("2026-10-02 09:00")
    assert o.alarms() == LATE | {"disclosure_overdue": second}
    o.box(KANRI, "disclose", "decide", second, "--approve", *decided, code=REFUSED)
    o.book.refused(KANRI.user, "disclose.decide", second)
    o.decide(DAIRI, second, approved=True, decision="管第51号")
    assert o.alarms() == LATE
    own = {"recipient": "開示請求者", "purpose": "本人の通話の確認", "basis": "個人情報の保護に関する法律第76条第1項"}
    third = o.disclose(HANA, "own_data", f1, own | {"way": "copy", "copy-basis": "同法第87条第1項"})
    o.decide(KANRI, third, approved=True, decision="管第52号")
    o.disclosed(HANA, third, "開示請求者", medium="CD-R 1枚")
    law = {"recipient": "税務署", "purpose": "照会", "basis": "国税通則法第74条の2", "reference": "照会第7号"}
    fourth = o.disclose(HANA, "law", f2, law)
    o.decide(KANRI, fourth, approved=False, reason="照会の根拠が通話記録に及ばないため")


def a_handler_leaves(o: Office) -> None:
    """Of the calls after her dismissal she opens none, of those before all; another hears earlier ones once the manager
    has wrapped them for her."""
    (before,) = o.calls("2026-10-14 10:00", Talk("1"))
    o.box.go("2026-10-15 17:00")
    o.dismiss(KANRI, HANA, "人事異動のため")
    (after,) = o.calls("2026-10-19 10:00", Talk("1"))
    hers = o.opens_apart(HANA)
    assert before in hers
    assert after not in hers
    o.box(HANA, "queue", code=FORBIDDEN)
    o.book.refused(HANA.user, "queue", "/v1/queue")
    o.appoint(KANRI, MIKI, "深浦 美紀", title="主事")
    (later,) = o.calls("2026-10-20 10:00", Talk("3"))
    assert o.opens(MIKI) == {later}
    o.rewrap(KANRI, MIKI)
    assert o.opens(MIKI) == o.opens(KANRI) >= {before, after, later}


def power(o: Office) -> None:
    """The keeper is killed and the power goes: a recorder goes on alone, nothing of what was written is lost, and the
    next number is the next one. A keeper that dies in an erasure ends it at its next start."""
    (dark,) = o.calls("2026-11-09 16:00", Talk("2", press=True), power_cut_s=5 * 3600)
    assert dark in o.opens(KANRI)
    assert o.queue()[dark][0] == "waiting"
    o.box.go("2026-11-10 09:00")
    ninth = o.request(JIRO, date(2026, 11, 9), found=1, near_number="内線202")
    assert ninth == "2026-009"
    o.box.kill()
    o.box.start()
    o.approve(KANRI, ninth, return_by=date(2026, 12, 28))
    o.hold(KANRI, dark, date(2027, 2, 26))
    released, kept = o.calls("2026-11-16 10:00", Talk("1", press=True), Talk("3", press=True))
    o.hold(KANRI, released, date(2027, 3, 31))
    o.let_lapse(KANRI, kept)
    o.box.go("2026-12-16 23:50")
    o.box.clock.by(15 * 60)
    o.box.dies_in_the_erasure()
    o.box.go("2026-12-21 09:00")
    o.release(KANRI, released)
    assert released not in o.opens(KANRI)


def winter(o: Office) -> None:
    """A handful of calls each month; one request more is refused, one waits for the next fiscal year."""
    for month, day in ((12, 22), (1, 12), (1, 25), (2, 8), (2, 22), (3, 8)):
        year = 2026 if month == 12 else 2027
        numbers = o.calls(f"{year}-{month:02}-{day:02} 10:00", Talk("1"), Talk("2"), Talk("3", press=day == 8))
        if day == 8:
            o.let_lapse(DAIRI, numbers[2])
    o.box.go("2027-03-09 09:00")
    tenth = o.request(MIKI, date(2027, 3, 8), found=1, near_number="内線203", department="福祉課")
    assert tenth == "2026-010"
    o.refuse(DAIRI, tenth, "請求の理由が要綱第1条の目的に当たらないため")
