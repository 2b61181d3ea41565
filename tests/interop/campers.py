"""A made-up dialogue of CaSiNo: two who need the same things, and agree."""

import copy
from typing import Any

__all__ = ["AGREED", "DEAL", "Row", "campers", "entry"]

Row = dict[str, Any]

PERSON: Row = {
    "value2issue": {"Medium": "Food", "Low": "Water", "High": "Firewood"},
    "value2reason": {"High": "Cold nights", "Medium": "Two children", "Low": "A river"},
    "outcomes": {"points_scored": 18, "satisfaction": "Undecided", "opponent_likeness": "Slightly like"},
    "personality": {
        "svo": "prosocial",
        "big-five": {
            "extraversion": 1.0,
            "agreeableness": 3.0,
            "conscientiousness": 5.0,
            "emotional-stability": 7.0,
            "openness-to-experiences": 5.5,
        },
    },
}
DEAL = {
    "issue2youget": {"Food": "1", "Water": "1", "Firewood": "2"},
    "issue2theyget": {"Food": "2", "Water": "2", "Firewood": "1"},
}


def entry(who: int, text: str, **task_data: object) -> Row:
    return {"text": text, "task_data": task_data, "id": f"mturk_agent_{who}"}


def campers(*logs: Row, points: tuple[int, int] = (17, 19), number: int = 7, **fields: object) -> Row:
    info = {}
    for who, scored in zip(("mturk_agent_1", "mturk_agent_2"), points, strict=True):
        info[who] = copy.deepcopy(PERSON)
        info[who]["outcomes"]["points_scored"] = scored
    return {"dialogue_id": number, "chat_logs": logs, "participant_info": info, "annotations": [], **fields}


AGREED = (
    entry(1, "Hi"),
    entry(2, "Hello"),
    entry(1, "Submit-Deal", **DEAL),
    entry(2, "Accept-Deal", data="accept_deal"),
)
