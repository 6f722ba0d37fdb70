"""The form of Article 9(1): everything wrong with it is said at once, and nothing right is refused."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tsuwaroku.clock import JST
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.request import (
    FIELDS,
    Aim,
    Answer,
    Problem,
    Reason,
    RequestForm,
    article_ja,
    asked_span,
    normalised,
    problems,
)
from tsuwaroku.records.request_file import (
    AIM_LABELS,
    LABELS,
    REASON_LABELS,
    TEMPLATE,
    from_answers,
    from_mapping,
    from_toml,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=JST)
FORM = RequestForm(
    department="市民課",
    head="青森 花子",
    begin="令和8年11月23日 14時5分",
    end="令和８年１１月２３日　１４：３０",
    reasons=("courtesy", "fairness"),
    far_number=Answer("０３－１２３４－５６７８"),
    far_name=Answer(unknown="名乗らなかったため"),
    near_number=Answer("内線 ２０１"),
    near_person=Answer("市民課 弘前 太郎"),
)


def told(form: RequestForm) -> list[tuple[str, str]]:
    return [(problem.field, problem.message) for problem in problems(form, NOW)]


def test_a_sound_form_has_no_problem() -> None:
    assert problems(FORM, NOW) == []


def test_an_empty_form_says_all_of_it_at_once() -> None:
    assert told(RequestForm()) == [
        ("department", "the department that asks is missing"),
        ("head", "the head of the department is missing"),
        ("begin", "the time of the call is missing"),
        ("end", "the time of the call is missing"),
        ("reasons", "no reason for the request is ticked"),
        ("far_number", "this field is empty"),
        ("far_name", "this field is empty"),
        ("near_number", "this field is empty"),
        ("near_person", "this field is empty"),
    ]


BAD = [
    ({"begin": "平成38年11月23日 14時"}, "begin", "平成38年: 平成 ended on 平成31年4月30日, before that day"),
    ({"begin": "令和0年11月23日 14時"}, "begin", "令和0年 does not exist: an era begins with its first year, 元年"),
    ({"begin": "11月23日 14時"}, "begin", "'11月23日 14時' is not a date with a time"),
    ({"end": "令和8年11月23日 14時4分"}, "end", "the end lies before the beginning"),
    ({"end": "令和8年11月24日 9時1分"}, "end", "the time lies ahead"),
    ({"reasons": ("other",), "serves": "courtesy"}, "purpose", "その他 is ticked and the purpose not stated"),
    ({"reasons": ("other",), "purpose": "研修"}, "serves", "which purpose of Article 1 this serves is not stated"),
    ({"reasons": ("other",), "purpose": "査定", "serves": "appraisal"}, "serves", "this is no purpose of Article 1"),
    ({"purpose": "研修"}, "purpose", "a purpose is stated and その他 not ticked"),
    ({"reasons": ("curiosity",)}, "reasons", "this is none of the form's reasons"),
    ({"far_number": Answer("代表")}, "far_number", "this is no telephone number"),
    ({"near_number": Answer("12-3456")}, "near_number", "the number lacks its area code"),
    ({"far_name": Answer(unknown="")}, "far_name", "不明 needs its reason"),
    ({"far_name": Answer(unknown="　")}, "far_name", "不明 needs its reason"),
    ({"far_name": Answer("青森 花子", "聞き取れず")}, "far_name", "it is 不明 and has a value"),
    ({"far_name": Answer("　")}, "far_name", "this field is empty"),
    ({"head": "花" * 101}, "head", "the text is longer than 100 letters"),
    ({"notes": "あ" * 1001}, "notes", "the text is longer than 1000 letters"),
    ({"head": "花\x00子"}, "head", "there is a sign in it that no paper can show"),
    ({"head": "花\ud800子"}, "head", "there is a sign in it that no paper can show"),
    ({"head": "花\u202e子"}, "head", "there is a sign in it that no paper can show"),
    ({"head": "花\ue000子"}, "head", "there is a sign in it that no paper can show"),  # a town's own 外字
    ({"far_name": Answer(unknown="\x1b[2J")}, "far_name", "there is a sign in it that no paper can show"),
]


@pytest.mark.parametrize(("change", "field", "message"), BAD)
def test_one_thing_wrong_is_one_problem(change: dict[str, object], field: str, message: str) -> None:
    form = replace(FORM, **change)
    assert told(form) == [(field, message)]
    assert all(problem.remedy for problem in problems(form, NOW))


def test_what_the_ordinance_asks_for_names_its_article() -> None:
    asked = problems(replace(FORM, far_name=Answer(unknown=""), begin="", reasons=()), NOW)
    assert [problem.article for problem in asked] == ["9(1)"] * 3
    assert problems(replace(FORM, end="14時"), NOW)[0].article == ""


def test_a_form_that_knows_nobody_is_no_request() -> None:
    nobody = Answer(unknown="分からない")
    form = replace(FORM, far_number=nobody, far_name=nobody, near_number=nobody, near_person=nobody)
    assert told(form) == [("far_number", "nothing is known of either party: every call of that time would be meant")]
    assert told(replace(form, near_person=Answer("弘前 太郎"))) == []


@pytest.mark.parametrize("name", ["神\ufa19", "葛\U000e0100城", "𠮷野家", "髙﨑 辻󠄀", "José", "青森\u3000花子"])
def test_names_are_kept_letter_for_letter(name: str) -> None:
    form = normalised(replace(FORM, head=f" {name}\u3000", far_name=Answer(f"{name}\n")))
    assert (form.head, form.far_name.value) == (name, name)
    assert problems(form, NOW) == []


def test_the_normal_form() -> None:
    form = normalised(replace(FORM, reasons=("fairness", "courtesy"), serves="courtesy", notes=" 一\n二 "))
    assert form == RequestForm(
        department="市民課",
        head="青森 花子",
        begin="2026-11-23T14:05:00+09:00",
        end="2026-11-23T14:30:00+09:00",
        reasons=("courtesy", "fairness"),
        far_number=Answer("0312345678"),
        far_name=Answer(unknown="名乗らなかったため"),
        near_number=Answer("内線201"),
        near_person=Answer("市民課 弘前 太郎"),
        notes="一\n二",
    )
    assert normalised(form) == form
    assert problems(form, NOW) == []


def test_what_cannot_be_read_has_no_normal_form() -> None:
    for change in ({"begin": "昨日"}, {"far_number": Answer("代表")}):
        with pytest.raises(RefusedError) as caught:
            normalised(replace(FORM, **change))
        assert [caught.value.where] == list(change)


def test_the_minute_that_is_written_as_the_end_is_meant_whole() -> None:
    assert [moment.isoformat() for moment in asked_span(FORM)] == [
        "2026-11-23T14:05:00+09:00",
        "2026-11-23T14:31:00+09:00",
    ]
    assert asked_span(normalised(FORM)) == asked_span(FORM)


def test_answers_are_printed() -> None:
    assert [str(Answer("a")), str(Answer(unknown="b")), str(Answer(unknown=""))] == ["a", "不明（b）", "不明"]


def test_articles_in_japanese() -> None:
    assert [article_ja(text) for text in ("9(1)", "7(2)-4", "10-3", "5", "", "x")] == [
        "第9条第1項", "第7条第2項第4号", "第10条第3号", "第5条", "", ""
    ]  # fmt: skip


# -- files and answers


def filled(**answers: str) -> str:
    """The template with some of its fields filled in, as a clerk would."""
    lines = []
    for line in TEMPLATE.splitlines():
        field = line.split(" = ")[0]
        lines.append(f"{field} = {answers[field]}" if field in answers else line)
    return "\n".join(lines)


ANSWERED = {
    "department": '"市民課"',
    "head": '"青森 花子"',
    "begin": '"令和8年11月23日 14時5分"',
    "end": "2026-11-23T14:30:00",
    "reasons": '["接遇", "公正"]',
    "far_number": '"03-1234-5678"',
    "far_name": '"不明（名乗らなかったため）"',
    "near_number": "201",
    "near_person": '"市民課 弘前 太郎"',
}


def test_the_template_has_every_field_and_is_empty() -> None:
    assert from_toml(TEMPLATE) == RequestForm()
    assert [line.split(" = ")[0] for line in TEMPLATE.splitlines() if " = " in line and line[0] != "#"] == list(FIELDS)


def test_the_template_filled_in() -> None:
    form = from_toml("\ufeff" + filled(**ANSWERED).replace("\n", "\r\n"), "request.toml")
    assert problems(form, NOW) == []
    assert normalised(form) == normalised(FORM)


def test_every_word_of_the_template_is_understood() -> None:
    form = from_toml(filled(**ANSWERED | {"reasons": '["その他"]', "purpose": '"研修"', "serves": '"圧力"'}))
    assert (form.reasons, form.purpose, form.serves) == (("other",), "研修", "pressure")
    assert problems(form, NOW) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("不明", ""), ("不明（非通知）", "非通知"), ("不明(非通知)", "非通知"), ("不明：非通知", "非通知"),
     ("不明 非通知", "非通知"), ("不明、非通知", "非通知"), (" 不明（ 非通知 ） ", "非通知"),
     ("不明瞭", None), ("氏名不明", None), ("", None)],
)  # fmt: skip
def test_unknown_and_why(text: str, unknown: str | None) -> None:
    assert from_answers([("far_name", text)]).far_name == Answer("" if unknown is not None else text, unknown)


def test_answers_by_label_or_field() -> None:
    answers = {
        "department": "市民課",
        "head": "青森 花子",
        "begin": FORM.begin,
        "end": FORM.end,
        "far_number": "0312345678",
        "far_name": "不明（名乗らなかったため）",
        "near_number": "内線201",
        "near_person": "市民課 弘前 太郎",
    }
    pairs = [(LABELS[field], answer) for field, answer in answers.items()]
    form = from_answers([*pairs, ("reasons", "公正"), ("reasons", REASON_LABELS["courtesy"])])
    assert normalised(form) == normalised(FORM)
    assert from_answers([("通話日時(始め)", "x")]).begin == "x"
    assert from_answers([("serves", AIM_LABELS["fairness"])]).serves == Aim.FAIRNESS
    assert from_answers([("reasons", "接遇、その他")]).reasons == (Reason.COURTESY, Reason.OTHER)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head = ", "the form cannot be read: "),
        ('名前 = "x"', "the form cannot be read: "),
        ('name = "x"', "'name' is no field of the form"),
        ('head = "a"\n"所属長名" = "b"', "所属長名 is answered twice"),
        ("head = true", "所属長名 is not a text"),
        ("head = ['a']", "所属長名 is not a text"),
        ("far_name = { because = 'x' }", "通話相手先の氏名 is not a text"),
        ("reasons = [{}]", "通話記録請求理由 is not a text"),
    ],
)
def test_a_file_that_is_no_form(text: str, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        from_toml(text, "request.toml")
    assert caught.value.message.startswith(message)
    assert caught.value.where == "request.toml"
    assert caught.value.remedy


def test_answers_that_are_no_form() -> None:
    for pairs in ([("head", "a"), ("head", "b")], [("頭\x1b[2J", "a")]):
        with pytest.raises(RefusedError):
            from_answers(pairs)


ANY_TEXT = st.text(max_size=40)
ANY_ANSWER = st.builds(Answer, ANY_TEXT, st.none() | ANY_TEXT)
ANY_FORM = st.builds(
    RequestForm,
    **dict.fromkeys(
        ("department", "head", "content", "begin", "end", "purpose", "serves", "notes", "remarks"), ANY_TEXT
    ),
    **dict.fromkeys(("far_number", "far_name", "near_number", "near_person"), ANY_ANSWER),
    reasons=st.lists(st.sampled_from(list(Reason)) | ANY_TEXT).map(tuple),
)


@given(ANY_FORM)
def test_no_form_breaks_the_check(form: RequestForm) -> None:
    found = problems(form, NOW)
    assert {problem.field for problem in found} <= set(FIELDS)
    assert all(isinstance(problem, Problem) and problem.message and problem.remedy for problem in found)


@given(st.builds(replace, st.just(FORM), head=ANY_TEXT, notes=ANY_TEXT, far_name=ANY_ANSWER, remarks=ANY_TEXT))
def test_the_normal_form_is_normal(form: RequestForm) -> None:
    once = normalised(form)
    assert normalised(once) == once
    assert from_mapping(msgspec.to_builtins(once)) == once
