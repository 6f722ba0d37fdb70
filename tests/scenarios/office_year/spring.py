"""April to July 2026: the office opens, people are appointed, calls come, some are marked, the first requests."""

from __future__ import annotations

from datetime import date

from tests.scenarios.office_year.acts import FORBIDDEN, NOT_FOUND, REFUSED, Office, Talk
from tests.scenarios.office_year.people import DAIRI, GISHI, HANA, JIRO, KANRI
from tsuwaroku.records.appointments import Post

DEPUTY_UNTIL = date(2027, 3, 31)


def appointments(o: Office) -> None:
    """The notice is posted; two handlers, one of them for the tax lines alone, and a deputy for the fiscal year."""
    o.publish(KANRI)
    o.appoint(KANRI, HANA, "青森 花子", title="主事")
    o.appoint(KANRI, JIRO, "弘前 次郎", title="主事", lines="2")
    o.appoint(KANRI, DAIRI, "十和田 一郎", title="管財課長補佐", until=DEPUTY_UNTIL, deputy=True)
    # Nobody appoints but the manager, and she not herself; nor anybody twice, nor with a day that never was.
    ran = o.box(HANA, "appoint", "黒石 次郎", "--user", GISHI.user, "--key-file", o.box.key_of(HANA), code=FORBIDDEN)
    assert "管理責任者" in ran.err
    o.book.refused(HANA.user, "appoint", "/v1/staff/handlers")
    own = ("--user", KANRI.user, "--key-file", o.box.key_of(HANA))
    assert "第4条" in o.box(KANRI, "appoint", "管財課長", *own, code=FORBIDDEN).err
    o.book.refused(KANRI.user, "appoint", KANRI.user)
    for more in ((), ("--from", "平成40年4月1日")):
        o.box(KANRI, "appoint", "青森 花子", "--user", HANA.user, "--key-file", o.box.key_of(HANA), *more, code=REFUSED)
        o.book.refused(KANRI.user, "appoint", HANA.user)
    seen = o.box(KANRI, "staff", "list", *o.box.key(KANRI), "--json").json
    assert [(one["user"], one["post"]) for one in seen] == [
        (HANA.user, Post.HANDLER),
        (JIRO.user, Post.HANDLER),
        (DAIRI.user, Post.DEPUTY),
    ]


def april(o: Office) -> tuple[int, int, int]:
    """Calls and their marks. The queue, and what each of her people sees of it: one is held, one let go, one waits."""
    a1, a2 = o.calls("2026-04-06 10:00", Talk("1", press=True), Talk("2"))
    b1, b2 = o.calls("2026-04-13 14:00", Talk("1"), Talk("2", press=True))
    c1, c2 = o.calls("2026-04-20 11:00", Talk("3", press=True), Talk("4"))
    assert o.opens(KANRI) == o.opens(HANA) == o.opens(DAIRI) == {a1, a2, b1, b2, c1, c2}
    assert o.opens(JIRO) == {a2, b2}
    o.mark(HANA, b1)
    assert o.queue(HANA) == {a1: ("waiting", 16), b1: ("waiting", 23), b2: ("waiting", 23), c1: ("waiting", 30)}
    assert o.queue(JIRO) == {b2: ("waiting", 23)}
    o.mark(HANA, b1, withdraw=1)
    o.play(HANA, a1)
    o.box.go("2026-04-27 09:00")
    o.hold(KANRI, a1, date(2026, 10, 31))
    o.let_lapse(DAIRI, b2)
    assert o.queue() == {a1: ("held", 187), b2: ("passed", 16), c1: ("waiting", 23)}
    # Only manager and deputy hold or let lapse; a held call is not let go.
    o.box(HANA, "hold", f"#{c1}", "--reason", "相談", "--until", "2026-09-30", "--yes", code=FORBIDDEN)
    o.book.refused(HANA.user, "hold", "/v1/holds")
    o.box(HANA, "queue", "pass", f"#{c1}", "--reason", "相談", code=FORBIDDEN)
    o.book.refused(HANA.user, "hold", "/v1/queue/pass")
    o.box(KANRI, "queue", "pass", f"#{a1}", "--reason", "相談", code=REFUSED)
    o.book.refused(KANRI.user, "hold", o.id(a1))
    return a1, b2, c1


def first_request(o: Office, held: int, let_go: int, c1: int) -> str:
    """A marked call that nobody looked at is an alarm with seven days left; a request for it is one, too, until the
    call is held."""
    o.box.go("2026-05-12 09:00")
    assert o.alarms() == {}
    o.box.go("2026-05-13 09:00")
    assert o.alarms() == {"mark_lapses": f"call #{c1} until 2026-05-20 (1 in all)"}
    slug = o.request(HANA, date(2026, 4, 20), found=1, near_number="内線203", department="福祉課", head="平川 三郎")
    assert slug == "2026-001"
    assert o.queue() == {let_go: ("passed", 0), c1: ("requested", 7), held: ("held", 171)}
    assert o.alarms() == {"request_lapses": "request 2026-001 until 2026-05-20 (1 in all)"}
    o.approve(KANRI, slug, return_by=date(2026, 6, 30))
    assert list(o.alarms()) == ["request_lapses"]
    o.hold(DAIRI, c1, date(2026, 12, 25))
    assert o.alarms() == {}
    return slug


def bad_forms(o: Office, day: date) -> None:
    """Every field that is empty, impossible or in the wrong era: nothing is numbered, the attempt is on record."""
    for field, wrong in (
        ("department", {"department": ""}),
        ("far_number", {"far_number": "1234-5678"}),
        ("far_name", {"far_name": "不明"}),
        ("reasons", {"reasons": []}),
        ("purpose", {"reasons": ["その他"], "serves": "圧力"}),
        ("serves", {"reasons": ["その他"], "purpose": "窓口の改善"}),
        ("begin", {"begin": "平成40年5月11日 9時0分"}),
        ("end", {"end": "令和9年5月11日 17時0分"}),
    ):
        told = o.refused_request(HANA, day, field, **wrong).err
        assert "第9条第1項" in told or field in ("far_number", "begin", "end"), told
    assert "一つ" not in o.refused_request(HANA, day, "#999", code=NOT_FOUND, named=("--call", "#999")).err


def may_and_june(o: Office) -> None:
    """Refused, withdrawn, erased while it waited; an approval by a handler."""
    d1, d2 = o.calls("2026-05-18 10:00", Talk("1"), Talk("2", number="0612345678"))
    day = o.today
    o.box.go("2026-05-20 09:00")
    bad_forms(o, day)
    second = o.request(HANA, day, found=1)
    for verb in ("approve", "refuse"):
        more = ("--yes",) if verb == "approve" else ("--reason", "不要")
        assert "管理責任者" in o.box(HANA, "request", verb, second, *more, code=FORBIDDEN).err
        o.book.refused(HANA.user, "request.decide", f"/v1/requests/{second}/{verb}")
    o.refuse(KANRI, second, "通話の内容が請求の理由に当たらないため")
    o.box(KANRI, "request", "approve", second, "--yes", code=REFUSED)
    o.book.refused(KANRI.user, "request.decide", second)
    third = o.request(HANA, day, found=1)
    o.box(JIRO, "request", "withdraw", third, "--reason", "不要", code=FORBIDDEN)
    o.book.refused(JIRO.user, "request.withdraw", third)
    o.withdraw(HANA, third)
    # The fourth waits until its call is gone: an alarm first, then nothing can be approved any more.
    o.box.go("2026-06-10 09:00")
    fourth = o.request(JIRO, day, found=1, near_number="内線202", far_number="06-1234-5678", department="税務課")
    assert o.alarms() == {"request_lapses": f"request {fourth} until 2026-06-17 (1 in all)"}
    o.box.go("2026-06-18 09:00")
    assert o.alarms() == {}
    told = o.box(KANRI, "request", "approve", fourth, "--yes", code=REFUSED).err
    assert "2026-06-18" in told
    assert "第8条第1項" in told
    o.book.refused(KANRI.user, "request.decide", fourth)
    o.refuse(KANRI, fourth, "保存期間の満了により消去済みのため")
    # Asked for anew it is not taken at all, by its id or by its number.
    for named, code in ((o.id(d2), REFUSED), (f"#{d1}", REFUSED)):
        told = o.refused_request(HANA, day, named, code=code, named=("--call", named)).err
        assert "第8条第1項" in told
