"""What `import comity` gives and what it costs."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import comity

PACKAGE = Path(comity.__file__).parent
HEAVY = ["sqlalchemy", "aiohttp", "numpy", "typer", "alembic", "xllamacpp", "anyio", "pydantic", "rich", "asyncio"]

PUBLIC = [
    "__version__",
    "Action",
    "ActionType",
    "Agent",
    "Character",
    "ChatModel",
    "Collection",
    "Episode",
    "Event",
    "HumanAgent",
    "Judge",
    "LLMAgent",
    "LLMJudge",
    "Limits",
    "ModelError",
    "Relationship",
    "Reply",
    "Rubric",
    "Sampling",
    "Scenario",
    "Scorecard",
    "ScriptedAgent",
    "Seat",
    "SeatView",
    "Store",
    "Task",
    "lines",
    "load_library",
    "load_rubric",
    "read_sotopia",
    "replay",
    "resolve",
    "simulate",
    "starter",
    "view",
]


def in_a_fresh_process(code: str) -> object:
    """What the code, run by a new interpreter that finds the package, prints as JSON."""
    head = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_public_names_are_these() -> None:
    assert comity.__all__ == PUBLIC


def test_every_public_name_resolves_and_is_what_it_says() -> None:
    for name in comity.__all__:
        found = getattr(comity, name)
        assert getattr(found, "__name__", name) == name
        assert not isinstance(found, ModuleType)
    assert dir(comity) == sorted(comity.__all__)
    assert comity.LLMAgent.__module__ == "comity.agents.llm"


@pytest.mark.parametrize(
    "first",
    [
        "from comity import simulate",
        "import comity.simulate",
        "from comity.simulate import Sink",
        "import comity; comity.simulate",
        "import comity.run",
    ],
)
def test_simulate_is_the_function_whatever_was_imported_before(first: str) -> None:
    code = f"{first}\nimport comity, json\nfrom comity import simulate\n"
    code += "print(json.dumps([type(comity.simulate).__name__, type(simulate).__name__]))"
    assert in_a_fresh_process(code) == ["function", "function"]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'comity' has no attribute 'simulte'"):
        comity.simulte  # noqa: B018


def test_importing_loads_none_of_the_libraries() -> None:
    code = f"import comity, json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    assert in_a_fresh_process(code) == []


def test_importing_opens_nothing_but_its_own_source_and_the_standard_library() -> None:
    code = """
import json, sysconfig
kinds = {"open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"}
seen = []
sys.addaudithook(lambda event, given: seen.append(f"{event} {given[0]}") if event in kinds else None)
import comity
print(json.dumps([seen, sysconfig.get_path("stdlib")]))
"""
    seen, stdlib = expect_list(in_a_fresh_process(code))
    assert any(str(PACKAGE) in each for each in seen)
    assert [each for each in seen if not each.startswith((f"open {PACKAGE}", f"open {stdlib}"))] == []


def expect_list(value: object) -> list[Any]:
    assert isinstance(value, list)
    return value


def test_importing_reads_nothing_from_the_environment_and_adds_no_log_handler() -> None:
    code = """
import json, logging, os
read, before = [], logging.root.handlers[:]
inner = type(os.environ).__getitem__
type(os.environ).__getitem__ = lambda self, key: (read.append(key), inner(self, key))[1]
os.environ.get("PATH")
import comity
print(json.dumps([read, logging.root.handlers == before, [n for n in logging.root.manager.loggerDict if "comity" in n]]))
"""
    assert in_a_fresh_process(code) == [["PATH"], True, []]


WITHOUT_EXTRAS = """
import contextlib, importlib.abc, importlib.metadata as metadata, io, json, re
from packaging.requirements import Requirement

def plain(name): return re.sub(r"[-_.]+", "-", name).lower()

def needed(name, extras, known):
    for line in metadata.requires(name) or ():
        of = Requirement(line)
        if of.marker is None or any(of.marker.evaluate({"extra": extra}) for extra in (extras or ("",))):
            if plain(of.name) not in known:
                known.add(plain(of.name))
                needed(of.name, tuple(of.extras), known)
    return known

known = needed("comity", ("", "local"), {"comity", "setuptools", "pip"})
brings = metadata.packages_distributions()
others = {package for package, by in brings.items() if not {plain(each) for each in by} & known}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in others:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for module in [each for each in sys.modules if each.partition(".")[0] in others]:
    del sys.modules[module]
sys.meta_path.insert(0, Absent())
from comity.cli import main
sys.argv = ["comity", "train", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main()
print(json.dumps({"help": "--stages" in said.getvalue(), "absent": sorted({"filelock", "torch"} & others)}))
"""


def test_every_command_is_there_without_the_extras() -> None:
    """`make demo` installs the extra `local` alone; what a command needs besides is asked for when it is used."""
    assert in_a_fresh_process(WITHOUT_EXTRAS) == {"help": True, "absent": ["filelock", "torch"]}
