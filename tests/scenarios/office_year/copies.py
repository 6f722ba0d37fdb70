"""The summer of 2026: copies on media, virtual or the kernel bench's, and what becomes of each (Article 9)."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

from tests.disclosure.copies import unpacked
from tests.scenarios.office_year.acts import FORBIDDEN, REFUSED, Office
from tests.scenarios.office_year.box import MEDIUM_PASSPHRASE
from tests.scenarios.office_year.people import HANA, KANRI

PATH = {"begin": "/v1/copies", "new": "/v1/media/registering", "wipe": "/v1/media/wiping"}


def on_a_pc(o: Office, name: str, slug: str, calls: int) -> None:
    """What the recipient finds: a sealed bag with its page; opened with 7-Zip, its own verifier is content."""
    files = o.media.files(name, o.box.folder / f"{name}-{o.today}")
    bag = files / f"通話記録_{slug}"
    assert (bag / "open.html").is_file()
    inner = unpacked(bag, o.box.folder / f"{name}-{o.today}-opened", MEDIUM_PASSPHRASE)
    assert sorted(one.name for one in (inner / "data").iterdir() if one.is_dir()) == [str(n + 1) for n in range(calls)]
    fingerprint = o.box(KANRI, "keys", "show", "--json").json["fingerprint"]
    command = ["/usr/bin/python3", "-I", str(inner / "verify.py"), "--fingerprint", fingerprint]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def nothing_is_copied_yet(o: Office, slug: str) -> None:
    """Onto a medium of nobody's, by a handler, onto one that is registered twice."""
    secret = ("--medium-passphrase-file", o.box.medium_secret)
    o.media.new("M-90")
    told = o.box(KANRI, "export", slug, "--for", "head", *o.box.key(KANRI), *secret, code=REFUSED).err
    assert "第9条第2項" in told
    o.book.refused(KANRI.user, "export", PATH["begin"])
    o.box(HANA, "export", slug, "--for", "head", *o.box.key(HANA), *secret, code=FORBIDDEN)
    o.book.refused(HANA.user, "media.register", "/v1/media/identities")
    o.register(KANRI, "M-01")
    told = o.box(KANRI, "media", "register", "--label", "M-91", "--yes", code=REFUSED).err
    assert "第9条第5項" in told
    o.book.refused(KANRI.user, "media.register", PATH["new"])
    o.media.new("M-92")
    o.box(KANRI, "media", "register", "--label", "M-01", "--yes", code=REFUSED)
    o.book.refused(KANRI.user, "media.register", PATH["new"])


def pulled_and_made(o: Office, slug: str) -> None:
    """Pulled in mid-export: nothing counts, and the approval is there still. Plugged in again it is made, read back
    and opens on a PC; a second one is not made, nor a copy on a medium that was used."""
    o.media.plug("M-01")
    o.media.pulled_in_an_export()
    told = o.export(KANRI, slug, "head", "M-01", fails=True).err
    assert "数えません" in told or "使われて" in told, told
    assert (o.medium("M-01")["state"], o.medium("M-01")["made_on"]) == ("uncounted", None)
    o.box(KANRI, "media", "hand-over", "M-01", "--to", "平川 三郎", code=REFUSED)
    o.book.refused(KANRI.user, "custody", "/v1/media/hand-over")
    o.media.plug("M-01")
    o.export(KANRI, slug, "head", "M-01")
    on_a_pc(o, "M-01", slug, 1)
    o.register(KANRI, "M-02", "--filesystem", "fat32")
    secret = ("--medium-passphrase-file", o.box.medium_secret)
    told = o.box(KANRI, "export", slug, "--for", "head", *o.box.key(KANRI), *secret, code=REFUSED).err
    assert "第9条第2項" in told
    assert "第9条第3項" in told
    o.book.refused(KANRI.user, "export", PATH["begin"])
    o.media.plug("M-01")
    told = o.box(KANRI, "export", slug, "--for", "personnel", *o.box.key(KANRI), *secret, code=REFUSED).err
    assert "第9条第5項" in told
    o.book.refused(KANRI.user, "export", PATH["begin"])
    o.media.plug("M-02")
    o.export(KANRI, slug, "personnel", "M-02")
    on_a_pc(o, "M-02", slug, 1)


def returned_and_destroyed(o: Office, slug: str) -> None:
    """One comes back late, is wiped by the box and destroyed; the other is lost, and a copy more needs an approval."""
    o.hand_over(HANA, "M-01", "平川 三郎", date(2026, 6, 30))
    o.hand_over(KANRI, "M-02", "人事課長 大鰐 四郎", date(2026, 7, 12))
    told = o.box(KANRI, "media", "wipe", "M-01", "--yes", code=REFUSED).err
    assert "第9条第4項" in told
    o.book.refused(KANRI.user, "dispose", PATH["wipe"])
    o.box.go("2026-06-30 09:00")
    assert o.alarms() == {}
    o.box.go("2026-07-02 09:00")
    assert o.alarms() == {"media_overdue": "M-01"}
    for day in ("令和9年7月1日", "平成40年7月1日"):
        o.box(HANA, "media", "return", "M-01", "--by", "平川 三郎", "--on", day, code=REFUSED)
        o.book.refused(HANA.user, "custody", "/v1/media/return")
    o.take_back(HANA, "M-01", "平川 三郎", days_ago=1)
    assert o.alarms() == {}
    people = ("--how", "破砕", "--by", "黒石 次郎")
    for witness in ("平川 三郎", "黒石 次郎"):
        told = o.box(KANRI, "media", "destroy", "M-01", *people, "--witness", witness, code=REFUSED).err
        o.book.refused(KANRI.user, "dispose", "/v1/media/destroy")
        if witness != "黒石 次郎":
            assert "第9条第5項" in told
            o.wipe(KANRI, "M-01")
    o.destroy(KANRI, "M-01")
    o.box.go("2026-07-13 09:00")
    assert o.alarms() == {"media_overdue": "M-02"}
    o.lose(HANA, "M-02", "異動の際に所在不明となった")
    assert o.medium("M-02")["state"] == "lost"
    assert o.alarms() == {"media_overdue": "M-02"}
    o.recopy(KANRI, slug, "personnel")
    o.copied(KANRI, slug, "personnel", "M-03")
    o.hand_over(KANRI, "M-03", "人事課長 大鰐 四郎", date(2026, 8, 2))
    o.box.go("2026-07-31 15:00")
    o.take_back(KANRI, "M-03", "人事課長 大鰐 四郎")
    o.wipe(KANRI, "M-03")
    o.destroy(KANRI, "M-03", "溶解")
    paper = o.box.folder / "M-01.pdf"
    o.box(KANRI, "media", "paper", "M-01", "--out", paper, *o.box.key(KANRI))
    assert Path(paper).read_bytes().startswith(b"%PDF")


def copies(o: Office, slug: str) -> None:
    """All of it, for one approved request."""
    o.box.go("2026-06-22 10:00")
    nothing_is_copied_yet(o, slug)
    pulled_and_made(o, slug)
    returned_and_destroyed(o, slug)
