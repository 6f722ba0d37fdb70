"""Taking requests in, deciding on them, and the queue of marked calls."""

from __future__ import annotations

from typing import Final

REQUESTING: Final[dict[str, str]] = {
    "the form cannot be taken in as it is (Article 9(1))": "この請求書は受け付けられません（要綱第9条第1項）",
    "correct what is named above; nothing was changed": "上に示した欄を直してください。何も変更していません",
    "fill in the form of `tsuwaroku request template` and name it with --file FILE": (
        "`tsuwaroku request template` のひな形に記入し、--file FILE で指定してください"
    ),
    "is too long for a form": "請求書としては大きすぎるファイルです",
    "there is no such directory": "このディレクトリはありません",
    "make it, or name another with --out": "作成するか、--out で別のディレクトリを指定してください",
    "this key does not open the words of this request": "この鍵では、この請求の内容を開けません",
    "use the key of the manager, or one that was appointed when it was submitted": (
        "管理責任者の鍵か、受付のときに指名されていた管理取扱者の鍵を使ってください"
    ),
    # calls that are gone
    "this call was kept until {} (Article 8(1)) and can no longer be provided": (
        "この通話の保存期間は {0} までで（要綱第8条第1項）、もう提供できません"
    ),
    "this call was not recorded: nobody pressed the button, and its key was thrown away at its end": (
        "この通話はボタンが押されなかったため、終了時に録音の鍵が破棄されています"
    ),
    "this call was erased on {}: its hold ended on {} (Article 8(1), proviso)": (
        "この通話は {0} に消去されました。保存延長が {1} に満了したためです（要綱第8条第1項ただし書）"
    ),
    "this call was erased on {}: by the time the box was powered on, its days were over (Article 8(1))": (
        "この通話は {0} に消去されました。装置の稼働時間から、保存期間の満了が確実なためです（要綱第8条第1項）"
    ),
    "this call was erased on {}: its days ended on {} (Article 8(1))": (
        "この通話は {0} に消去されました。保存期間が {1} に満了したためです（要綱第8条第1項）"
    ),
    "tell whoever asked for it; `tsuwaroku erase-log` is the proof of an erasure": (
        "請求した所属に伝えてください。消去の証明は `tsuwaroku erase-log` で確認できます"
    ),
    # rules
    "a request names {} calls at most": "一つの請求の通話は {0} 件までです",
    "narrow the stretch of time that is asked for": "請求する通話日時の範囲を狭めてください",
    "this call is of a line that is not yours to see": "この通話は、担当する回線のものではありません",
    "there is no such request": "この番号の請求はありません",
    "a request is withdrawn by whoever submitted it, or by the manager": (
        "請求を取り下げられるのは、受け付けた本人か管理責任者です"
    ),
    "ask one of them": "いずれかに依頼してください",
    "whoever submitted a request does not decide on it (Article 9(2))": (
        "受け付けた本人は、その請求の決定をすることができません（要綱第9条第2項）"
    ),
    "the manager or the deputy decides, whichever did not submit it": (
        "管理責任者と職務代理者のうち、受け付けていない方が決定してください"
    ),
    "this request was approved on {}": "この請求は {0} に承認されています",
    "this request was refused on {}": "この請求は {0} に不承認となっています",
    "this request was withdrawn on {}": "この請求は {0} に取り下げられています",
    "that stands; if need be, hand in a new request": "変更はできません。必要なときは新しく請求してください",
    "no call is named that could be provided": "提供できる通話が指定されていません",
    "refuse the request with a reason; one that names calls can be handed in anew": (
        "理由を付けて不承認とし、必要なら通話を特定した請求を改めて受け付けてください"
    ),
    "a call is named that the request does not ask for (Article 9(1))": (
        "請求にない通話が指定されています（要綱第9条第1項）"
    ),
    "`tsuwaroku request show` lists its calls; for others a request of their own is needed": (
        "`tsuwaroku request show` で対象の通話を確かめてください。ほかの通話には別の請求が必要です"
    ),
    "these calls are of your own extension alone": "自分の内線の通話だけの請求は、自分では決定できません",
    "the other of manager and deputy decides": "管理責任者と職務代理者のうち、もう一方が決定してください",
    "the media cannot be due on {}": "媒体の返却期限を {0} にすることはできません",
    "name a day from today on, within {} years (Article 9(4))": (
        "今日から {0} 年以内の日を指定してください（要綱第9条第4項）"
    ),
    "write the name alone": "氏名だけを書いてください",
    # the queue
    "no call is named, or too many": "通話が指定されていないか、多すぎます",
    "name one call; its parts go with it": "通話を1件指定してください。分割された部分も一緒に扱います",
    "this call has no mark that stands": "この通話には有効な印がありません",
    "`tsuwaroku queue` lists the marked calls": "`tsuwaroku queue` で印の付いた通話を確かめてください",
    "this call is kept by a hold": "この通話は保存延長中です",
    "end the hold first: `tsuwaroku release-hold`": "先に `tsuwaroku release-hold` で保存延長を解除してください",
    "this call is named in the open request {}": "この通話は手続き中の請求（{0}）の対象です",
    "decide on the request first": "先にその請求を決定してください",
    "this call was let go already": "この通話の消去はすでに認められています",
    "nothing to do: it lapses on its last day": "操作は不要です。保存期限に消去されます",
    "call #{} until {} ({} in all)": "通話 #{0} は {1} まで。全 {2} 件",
    "request {} until {} ({} in all)": "請求 {0} の通話は {1} まで。全 {2} 件",
}
