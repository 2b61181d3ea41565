"""The commands and the code of docs/interop.md work as shown on the released data, and say what the page shows."""

import re
import shlex
from pathlib import Path

import pytest
from cli.command import Comity

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "interop.md").read_text(encoding="utf-8")
DATA = ROOT.parent / "shared" / "data"
BLOCKS = re.findall(r"^```sh\n(.*?)^```\n\n```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the released data is not in shared/data beside the repository"
)


def test_the_commands_say_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMITY_STORE", raising=False)
    comity = Comity(monkeypatch, capsys)
    assert len(BLOCKS) == PAGE.count("```sh") == 5
    for commands, shown in BLOCKS:
        for line in commands.splitlines():
            done = comity(*shlex.split(line.replace("PATH", str(DATA)))[1:])
            assert (done.code, done.err) == (0, ""), line
        assert done.out.startswith(shown)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["profiles", "sets"]


def test_the_code_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    ((code, shown),) = re.findall(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(code.replace("PATH", str(DATA)), "docs/interop.md", "exec"), {})
    assert capsys.readouterr().out == shown
