"""The plans of the experiments that are in the repository can be read and pass their guard."""

from pathlib import Path

import pytest

from comity.store import Store
from comity.train.plan import load_train_plan
from comity.train.tasks import choose_tasks
from comity.train.work import Work

PLANS = sorted((Path(__file__).parents[2] / "experiments").glob("*/*.toml"))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_nothing_that_is_tested_on_was_learned_from(path: Path, tmp_path: Path) -> None:
    plan = load_train_plan(path)
    assert sum(plan.tasks.test.fresh.values()) >= 100
    few = {
        name: split.model_copy(update={"fresh": dict.fromkeys(split.fresh, 12)}) for name, split in plan.tasks if split
    }
    plan = plan.model_copy(update={"tasks": plan.tasks.model_copy(update=few)})
    with Store.open(str(tmp_path / "c.db")) as store:
        chosen = choose_tasks(plan, Work(tmp_path, note=print), store, path.parent)
    assert {len(of.tasks) for of in chosen.values()} == {12}
    assert all("held-out@" in partner.model for partner in plan.test.partners.values())
