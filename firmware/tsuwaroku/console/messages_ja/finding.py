"""Japanese of what finding, listening and passphrases refuse."""

from __future__ import annotations

from typing import Final

FINDING: Final[dict[str, str]] = {
    "there is no line {}": "回線 {0} はありません",
    "lines there are: {}": "ある回線: {0}",
    "there is no extension {}": "内線 {0} はありません",
    "extensions there are: {}": "ある内線: {0}",
    "there is no department {}": "部署「{0}」はありません",
    "departments there are: {}": "ある部署: {0}",
    "nobody says here which lines are whose": "どの回線がどの部署のものか、ここでは分かりません",
    "name the box's configuration with --config FILE, or ask the service; --line takes a line's id": (
        "--config FILE で装置の設定ファイルを指定するか、サービスに接続してください。回線は --line でも指定できます"
    ),
}
