"""Episodes as JSON lines: nothing of the record is lost."""

import json
from pathlib import Path

from comity.interop.jsonl import write_jsonl
from comity.world.episodes import Episode
from comity.world.outcomes import Outcome
from comity.world.scorecards import Scorecard
from interop.keeping import ACCEPT, PROPOSE, card, kept, say


def test_a_line_holds_the_whole_episode_its_outcome_and_scorecards(tmp_path: Path) -> None:
    ended = kept(PROPOSE, ACCEPT, cards=(card("c1", 7, None), card("c2", 3, 4, model="m3")))
    going_on = kept(say("\ud800 Zoë"), id_="e2")
    written = write_jsonl([ended, going_on], tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").split("\n")[:-1]]
    for line, was in zip(lines, (ended, going_on), strict=True):
        outcome, cards, licence = (line.pop(name) for name in ("outcome", "scorecards", "row_licence"))
        assert Episode.model_validate(line) == was.episode
        assert (Outcome.model_validate(outcome) if outcome else None) == was.outcome
        assert tuple(Scorecard.model_validate(each) for each in cards) == was.cards
        assert licence == "Apache-2.0"
    assert written.rows == {"episodes": 2}
