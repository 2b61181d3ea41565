"""Where rows come from, in words and back, and under which licence."""

import pytest

from comity.interop.licences import licence_of, named_source, origins_of, together


@pytest.mark.parametrize(
    "origins",
    [
        [],
        ["sotopia-pi:dump.rdb", "sotopia:data_gen/redis_json_data.json"],
        ["sotopia-lab/sotopia-rl:example.jsonl@26480b4047"],
        ["SOTOPIA release (arXiv 2310.11667)"],
        ["sotopia"],
    ],
)
def test_origins_are_put_in_words_and_had_back(origins: list[str]) -> None:
    assert origins_of(named_source(origins)) == origins


def test_the_words() -> None:
    assert named_source(["sotopia-pi:dump.rdb"]) == "SOTOPIA-π (arXiv 2403.08715): dump.rdb"


def test_licences_by_origin() -> None:
    assert licence_of(["microsoft/social-reasoning-bench:x"]) == "MIT"
    assert licence_of(["sotopia:x", "sotopia-pi:y"]) == "Apache-2.0 AND MIT"
    assert licence_of(["sotopia:x", "unheard-of:y"]) == ""
    assert licence_of([]) == ""


def test_what_is_made_of_several_is_under_all_and_unknown_where_one_is() -> None:
    assert together(["MIT", "CC-BY-SA-4.0 AND MIT"]) == "CC-BY-SA-4.0 AND MIT"
    assert together(["MIT", ""]) == ""
    assert together([]) == ""
