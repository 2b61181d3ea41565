"""What docs/servers.md shows of Comity is read as it says. The servers' own commands are shown, not run."""

import re
from pathlib import Path

from comity.models.resolve import resolve
from comity.run.plan import load_plan

PAGE = (Path(__file__).parents[1] / "docs" / "servers.md").read_text("utf-8")


def test_the_plan_of_the_page_is_a_plan(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.S | re.M)
    (tmp_path / "shown.toml").write_text(shown, "utf-8")
    plan = load_plan(str(tmp_path / "shown.toml"))
    assert [policy.adapter for policy in plan.policies.values()] == [None, "round1", "round1"]
    assert plan.policies["small"].extra == {"lora": [{"id": 0, "scale": 1.0}]}
    assert plan.endpoints["http://localhost:8080/v1"].in_flight == 8
    assert plan.timeouts.call == 300


def test_every_specification_on_the_page_names_a_server_and_a_model() -> None:
    specs = set(re.findall(r"http://localhost:\d+/v1#[\w./-]+", PAGE))
    assert len(specs) == 3
    for spec in specs:
        found = resolve(spec, {})
        assert f"{found.endpoint}#{found.asked}" == spec


def test_an_adapter_is_asked_for_in_place_of_the_model() -> None:
    base = "http://localhost:30000/v1#Qwen/Qwen2.5-7B-Instruct"
    assert resolve(base, {}, adapter="Qwen/Qwen2.5-7B-Instruct:round1").asked == "Qwen/Qwen2.5-7B-Instruct:round1"
    assert 'adapter = "Qwen/Qwen2.5-7B-Instruct:round1"' in PAGE
