"""What README and docs show works as shown. Where a page names a model that is not here, a scripted one stands in and the test says so."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mock_server import mock_server

from comity.evaluate.rubric import load_rubric
from comity.run.plan import Plan
from comity.train.plan import load_train_plan

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
JUDGING = (ROOT / "docs" / "judging.md").read_text("utf-8")
RUNNING = (ROOT / "docs" / "running.md").read_text("utf-8")
REPORT = (ROOT / "docs" / "report.md").read_text("utf-8")
SOTOPIA = ROOT.parent / "shared" / "data" / "sotopia"
PEOPLE = ROOT.parent / "shared" / "data" / "sotopia_human_eval"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.S | re.M)


def commands(block: str) -> list[list[str]]:
    """The command lines of a shell block, without their comments."""
    return [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]


def comity(words: list[str], folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a `comity` command line as written, in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "comity", *words[1:]],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def run_python(code: str, folder: Path) -> str:
    """Run a Python block in a folder of its own and give back what it printed."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_of_the_readme_plays_and_judges_an_episode(tmp_path: Path) -> None:
    (code,) = blocks(README, "python")
    printed = run_python(code.replace("local:qwen2.5-coder-1.5b", "scripted:demo"), tmp_path)
    assert "Priya Raman" in printed
    assert "'saver': 0.7" in printed


@pytest.mark.embedded
def test_the_python_of_the_readme_runs_with_a_real_model(
    tmp_path: Path, smollm2_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_MODELS_DIR", str(smollm2_directory))
    (code,) = blocks(README, "python")
    small = code.replace("qwen2.5-coder-1.5b", "smollm2-135m")
    few = small.replace("seed=1)", "seed=1, limits=comity.Limits(turns=2))")  # of the scenario's twelve
    assert few != small != code
    printed = run_python(few, tmp_path)
    assert "Priya Raman" in printed
    assert "'saver'" in printed


def test_the_commands_of_the_readme_work_in_the_order_shown(tmp_path: Path) -> None:
    block = next(block for block in blocks(README, "sh") if "comity show last" in block)
    seen: list[str] = []
    for words in commands(block):
        if "PATH" in words:
            if not SOTOPIA.is_dir():
                continue  # said by test_the_import_of_the_readme_reads_the_released_profiles
            words = [str(SOTOPIA) if word == "PATH" else word for word in words]
        if words[1] == "play":
            words += ["--models", "scripted:demo"]
        done = comity(words, tmp_path, stdin="I will wear a second jumper.\n/leave\n")
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        seen.append(words[1])
    assert {"list", "simulate", "show", "score", "play", "doctor"} <= set(seen)


@pytest.mark.skipif(not SOTOPIA.is_dir(), reason="the released SOTOPIA profiles are not beside the repository")
def test_the_import_of_the_readme_reads_the_released_profiles(tmp_path: Path) -> None:
    assert "450" in comity(["comity", "import", "sotopia", str(SOTOPIA)], tmp_path).stdout


def test_every_make_command_of_the_readme_is_in_the_makefile() -> None:
    named = set(re.findall(r"make (\w+)", "\n".join(blocks(README, "sh")) + "\n".join(re.findall(r"`[^`]*`", README))))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M))
    assert {"demo", "test", "check", "bench"} <= named <= targets


def test_the_rubric_of_the_judging_page_scores_as_shown(tmp_path: Path) -> None:
    rubric, _ = blocks(JUDGING, "toml")
    (tmp_path / "mediation.toml").write_text(rubric, "utf-8")
    assert [d.id for d in load_rubric(tmp_path / "mediation.toml").dimensions] == ["CALM", "FAIR"]
    assert comity(shlex.split("comity simulate --models scripted:demo"), tmp_path).returncode == 0
    (words,) = commands(next(block for block in blocks(JUDGING, "sh") if "mediation.toml" in block))
    done = comity(words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "CALM" in done.stdout


def test_the_panel_of_the_judging_page_reads_as_shown_and_asks_nobody_twice(tmp_path: Path) -> None:
    assert comity(shlex.split("comity simulate --models scripted:demo"), tmp_path).returncode == 0
    block = next(block for block in blocks(JUDGING, "sh") if "--swap-seats" in block)
    with mock_server() as server:
        model = re.compile(r"^http://localhost:\d+/v1")
        first, second = (
            comity([model.sub(server.url, word).replace("openai:gpt-4o", "scripted:demo") for word in words], tmp_path)
            for words in map(shlex.split, block.replace("\\\n", "").splitlines())
        )
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "Mean of 3 judges by 6 readings" in first.stdout
    (panel,) = json.loads(second.stdout)["panel"].values()
    assert (panel["how"], len(panel["read_before"]), panel["failed"]) == ("median", 6, [])


def test_the_judge_of_the_judging_page_has_four_readings() -> None:
    _, judges = blocks(JUDGING, "toml")
    (said,) = Plan.model_validate({"name": "p", "policies": {"a": {"model": "m"}}, **tomllib.loads(judges)}).judges
    assert (said.repeats, said.mask_names, said.swap_seats) == (2, True, True)


def test_the_plan_of_the_running_page_is_the_example_and_runs_as_shown(tmp_path: Path) -> None:
    (plan,) = blocks(RUNNING, "toml")
    assert (ROOT / "examples" / "pilot.toml").read_text("utf-8").partition("\n")[2] == plan
    (tmp_path / "pilot.toml").write_text(plan, "utf-8")
    for words in commands(next(block for block in blocks(RUNNING, "sh") if "--dry-run" in block)):
        done = comity(words, tmp_path)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    assert "The gas bill" in done.stdout


def test_the_python_of_the_running_page_plays_the_plan(tmp_path: Path) -> None:
    (plan,), (code,) = blocks(RUNNING, "toml"), blocks(RUNNING, "python")
    (tmp_path / "pilot.toml").write_text(plan, "utf-8")
    printed = run_python(code, tmp_path)
    assert "60 of 60" in printed
    assert "turn_limit" in printed


def test_the_run_of_the_readme_works_as_shown_and_is_analysed(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "pilot.toml").write_bytes((ROOT / "examples" / "pilot.toml").read_bytes())
    run, analysis = (
        next(block for block in blocks(README, "sh") if said in block) for said in ("pilot.toml", "compare")
    )
    seen: list[str] = []
    for words in commands(run) + commands(analysis):
        if "PATH" in words:
            if not PEOPLE.is_dir():
                continue  # said by the tests of docs/agreement.md
            words = [str(PEOPLE) if word == "PATH" else word for word in words]
        done = comity(words, tmp_path)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        seen.append(words[1])
    assert {"run", "list", "compare", "report"} <= set(seen)
    assert (tmp_path / "report-pilot" / "report.html").is_file()


@pytest.mark.skipif(not SOTOPIA.is_dir(), reason="the released SOTOPIA profiles are not beside the repository")
def test_the_papers_protocol_of_the_running_page_plays_its_140_points_with_scripted_models(tmp_path: Path) -> None:
    block = next(block for block in blocks(RUNNING, "sh") if "sotopia-hard" in block)
    model = re.compile(r"^((?:\w+=)?)(http|openai:)\S+$")
    for words in commands(block):
        words = [str(SOTOPIA) if word == "PATH" else model.sub(r"\1scripted:demo", word) for word in words]
        done = comity(words, tmp_path)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    assert "Run sotopia-hard: 70 tasks, " in done.stdout
    assert "not comparable" in done.stdout


def test_the_commands_of_the_report_page_work_as_shown(tmp_path: Path) -> None:
    (plan,) = blocks(RUNNING, "toml")
    (tmp_path / "pilot.toml").write_text(plan, "utf-8")
    shown = [line for block in blocks(REPORT, "sh") for line in block.splitlines()]
    assert [line.split()[1] for line in shown] == ["run", *["report"] * 3, "agreement", "report", *["compare"] * 2]
    for line in shown:
        command, _, file = line.partition("#")[0].partition(">")
        if "DATA" in command and not SOTOPIA.is_dir():
            continue  # said by test_the_import_of_the_readme_reads_the_released_profiles
        if "people.json" in command and not (tmp_path / "people.json").is_file():
            continue
        done = comity(shlex.split(command.replace("DATA", str(SOTOPIA.parent))), tmp_path)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        if file:
            (tmp_path / file.strip()).write_text(done.stdout, "utf-8")
    files = set(re.findall(r"^\| `([\w.]+)`", REPORT, flags=re.M)) | {"means.svg"}
    for folder in ("report-pilot", "elsewhere"):
        assert files <= {each.name for each in (tmp_path / folder).iterdir()}


def test_every_field_of_a_plan_is_named_on_the_running_page() -> None:
    missing = [field for field in Plan.model_fields if not re.search(rf"\b{field}\b", RUNNING)]
    assert missing == []


def test_every_file_that_the_pages_link_to_is_there() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_training_plans_that_are_shown_can_be_read_and_the_example_says_what_it_would_do(tmp_path: Path) -> None:
    training = (ROOT / "docs" / "training.md").read_text("utf-8")
    (plan,) = blocks(training, "toml")
    (tmp_path / "shown.toml").write_text(plan, "utf-8")
    shown = load_train_plan(tmp_path / "shown.toml")
    assert (shown.steps["bc"].fit.method, shown.steps["bcsr"].rounds) == ("qlora", 2)
    block = next(block for block in blocks(README, "sh") if "comity train" in block)
    assert commands(block)[0] == commands(blocks(training, "sh")[0])[1]
    words = [str(ROOT / word) if word.startswith("examples/") else word for word in commands(block)[0]]
    done = comity(words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sr: base learns from its own play; filter sr" in done.stdout
