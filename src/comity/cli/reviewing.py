"""`comity generate review`: a person reads candidates and accepts, edits or rejects them, at a terminal or by a script."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import typer

from comity.cli.output import complain, print_json, told
from comity.generate.acceptance import Unacceptable
from comity.generate.candidates import Candidate
from comity.generate.checks import Remembering
from comity.generate.journal import Journal
from comity.generate.review import Review
from comity.library.embedding import minilm
from comity.world.characters import Character
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = ["candidate_record", "review"]

_KEYS = "[a]ccept, [e]dit, [r]eject, [s]kip, [q]uit"


def review(
    folder: Annotated[Path, typer.Argument(help="The folder that candidates were made into.")],
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Accept this candidate; `all` for all that the rules let through."),
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Reject this candidate; wants --reason.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Show those too that were rejected, with the reasons.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List all candidates and decide nothing.")] = False,
    embed: Annotated[
        bool, typer.Option("--embed", help="Find near-duplicates by meaning too; needs the extra `embed`.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON and nothing else; with --list, --accept or --reject.")
    ] = False,
) -> None:
    """Decide about candidates. Those that are accepted become files of a library in the same folder.

    Of several, one that is refused stops no other; the command exits with 1 then.
    """
    decides = bool(accept or reject)
    if listing and decides:
        raise typer.BadParameter("decides nothing; leave out --accept and --reject", param_hint="--list")
    if as_json and not (listing or decides):
        raise typer.BadParameter("goes with --list, --accept or --reject", param_hint="--json")
    with Journal.open(folder) as journal:
        made = Review(journal, Remembering(minilm()) if embed else None)
        if decides:
            _by_script(made, accept or (), reject or (), reason, as_json=as_json)
        elif not listing:
            _Sitting(made).through([each for each in made.candidates if each.state in _wanted(rejected)])
        elif as_json:
            print_json([candidate_record(each) for each in made.candidates])
        else:
            for each in made.candidates:
                told(_line(each))


def _wanted(rejected: bool) -> tuple[str, ...]:
    return ("passed", "rejected") if rejected else ("passed",)


def _by_script(made: Review, accept: Sequence[str], reject: Sequence[str], reason: str, *, as_json: bool) -> None:
    """Decide about all that are named, and say of each what came of it."""
    decided: list[Candidate] = []
    refused: dict[str, str] = {}
    for id_, decide in _wishes(made, accept, reject, reason):
        try:
            decided.append(decide(made.candidate(id_)))
        except Unacceptable as error:
            refused[id_] = str(error)
    if as_json:
        told_refused = [{"id": id_, "reason": said} for id_, said in refused.items()]
        print_json({"decided": [candidate_record(each) for each in decided], "refused": told_refused})
    else:
        for each in decided:
            told(_line(each))
        for said in refused.values():
            complain(said)
    if refused:
        raise typer.Exit(1)


def _wishes(
    made: Review, accept: Sequence[str], reject: Sequence[str], reason: str
) -> Iterator[tuple[str, Callable[[Candidate], Candidate]]]:
    for id_ in accept:
        every = [each.id for each in made.candidates if each.state == "passed"] if id_ == "all" else [id_]
        yield from ((each, made.accept) for each in every)
    yield from ((id_, lambda candidate: made.reject(candidate, reason)) for id_ in reject)


def candidate_record(candidate: Candidate) -> dict[str, object]:
    """How a candidate stands, with all it came from, as JSON data."""
    answered, draft, decided = candidate.answered, candidate.draft, candidate.decided
    return {
        "id": candidate.id,
        "kind": candidate.kind,
        "state": candidate.state,
        "by": candidate.by,
        "reasons": list(candidate.reasons),
        "findings": [asdict(each) for each in candidate.findings],
        "edited": candidate.edited is not None,
        "files": list(decided.files) if decided else [],
        "record": draft.record.model_dump(mode="json") if draft else None,
        "notes": dict(draft.notes) if draft else {},
        **answered.model_dump(
            mode="json",
            include={"idea", "seed", "policy", "examples", "people", "licence", "calls", "code_version", "at"},
        ),
    }


def _line(candidate: Candidate) -> str:
    by = f" by {candidate.by}" if candidate.by else ""
    reasons = f": {'; '.join(candidate.reasons)}" if candidate.reasons else ""
    return f"{candidate.id}  {candidate.kind}  {candidate.state}{by}  {_name(candidate)}{reasons}"


def _name(candidate: Candidate) -> str:
    match candidate.draft.record if candidate.draft else None:
        case Scenario() as scenario:
            return scenario.title
        case Character() as who:
            return who.name
        case Relationship() as each:
            return f"{' and '.join(each.between)}, {each.kind}"
        case _:
            return f'from "{candidate.answered.idea.text}"'


class _Sitting:
    """A person at a terminal."""

    def __init__(self, made: Review) -> None:
        self._made = made
        self._kept: dict[str, Path] = {}
        """What a person wrote that could not be taken, by candidate: nobody writes it twice."""

    def through(self, candidates: Sequence[Candidate]) -> None:
        """Show one after the other, until all are decided about or the person has had enough."""
        if not candidates:
            told(
                "Nothing waits for a decision. --list shows all candidates, --rejected goes through those that were rejected."
            )
        try:
            for number, candidate in enumerate(candidates, 1):
                told(f"\n[{number} of {len(candidates)}]", style="dim")
                if not self._decide(candidate):
                    break
        finally:
            for id_, file in self._kept.items():
                complain(f"what you wrote of {id_} was not taken and is kept in {file}")

    def _decide(self, candidate: Candidate) -> bool:
        """Whether to go on with the next."""
        _show(candidate)
        while True:
            match self._read(f"{_KEYS}: ").casefold()[:1]:
                case "q":
                    return False
                case "s":
                    return True
                case key if key in ("a", "e", "r"):
                    now = self._do(key, candidate)
                    if now.decided and now is not candidate:
                        told(_line(now), style="bold")
                        return True
                    candidate = now

    def _do(self, key: str, candidate: Candidate) -> Candidate:
        try:
            if key == "a":
                return self._made.accept(candidate)
            if key == "r":
                return self._made.reject(candidate, self._read("Why? "))
            edited = self._edit(candidate)
        except Unacceptable as error:
            told(str(error), style="red")
            return candidate
        _show(edited)
        return edited

    def _edit(self, candidate: Candidate) -> Candidate:
        text = self._made.text(candidate)
        file = self._kept.get(candidate.id) or _written(candidate, text)
        self._kept[candidate.id] = file
        try:
            edited = self._made.edit(candidate, _in_editor(file))
        except Unacceptable as error:
            if self._is_worth_keeping(candidate, file, text):
                raise Unacceptable(f"{error}\nWhat you wrote is kept in {file}; [e]dit opens it again") from error
            raise
        self._drop(candidate, file)
        return edited

    def _is_worth_keeping(self, candidate: Candidate, file: Path, text: str) -> bool:
        kept = file.is_file() and file.read_bytes() != text.encode()
        if not kept:
            self._drop(candidate, file)
        return kept

    def _drop(self, candidate: Candidate, file: Path) -> None:
        shutil.rmtree(file.parent)
        del self._kept[candidate.id]

    def _read(self, prompt: str) -> str:
        """A line; the end of the input is as good as quitting."""
        told(prompt, end="", style="bold")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            told("")
            raise typer.Exit
        return line.strip()


def _written(candidate: Candidate, text: str) -> Path:
    """A file for the editor, which nobody else can read."""
    try:
        file = Path(mkdtemp(prefix="comity-")) / f"{candidate.id}.toml"
        file.write_text(text, "utf-8")
    except OSError as error:
        raise Unacceptable(f"no file for the editor can be written ({error}); make room, or set TMPDIR") from error
    return file


def _in_editor(file: Path) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise Unacceptable(f"the editor {editor!r} did not work ({error}); set EDITOR to another") from error
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Unacceptable(f"the file is not UTF-8 at byte {error.start + 1}; save it as UTF-8") from error
    except OSError as error:
        raise Unacceptable(f"the editor left no file ({error.strerror}); nothing is changed") from error


def _show(candidate: Candidate) -> None:
    """A candidate as a reader would read it, and then where it comes from and what the rules say."""
    answered, draft = candidate.answered, candidate.draft
    match draft.record if draft else None:
        case Scenario() as scenario:
            _show_scenario(scenario)
        case Character() as who:
            _show_character(who)
        case Relationship() as each:
            told(f"\n{' and '.join(each.between)}: {each.kind}\n{each.background}")
        case _:
            told(f"\nNothing could be read: {answered.problem}", style="red")
    for name, text in (draft.notes if draft else {}).items():
        told(f"{name}: {text}", style="dim")
    told(f"\n{candidate.id}, {candidate.state} by {candidate.by}; from the idea: {answered.idea.text}", style="dim")
    shown = f", was shown {', '.join(answered.examples)}" if answered.examples else ""
    told(f"{answered.policy.model}, {answered.policy.style}{shown}", style="dim")
    for finding in candidate.findings:
        told(f"{finding.level}: {finding}", style="red" if finding.level == "error" else "yellow")
    if candidate.decided:
        told(f"rejected: {candidate.decided.reason}", style="red")


def _show_scenario(scenario: Scenario) -> None:
    told(f"\n{scenario.title}", style="bold")
    told(f"{scenario.family}; {', '.join(scenario.relationships) or 'anybody'}\n\n{scenario.setting}\n")
    for seat in scenario.seats:
        told(f"  {seat.role} ({seat.id})", style="bold")
        told(f"    Goal: {seat.goal}\n    Known to nobody else: {seat.extra_info}")


def _show_character(who: Character) -> None:
    told(f"\n{who.name}", style="bold")
    told(
        f"{who.age or 'age unknown'}, {who.gender}, {who.pronouns}, {who.occupation}\n{who.public_info}\n\n{who.personality}"
    )
    factors = [f"{name} {level}" for name, level in who.big_five.model_dump(exclude_none=True).items()]
    told(f"{', '.join([*who.moral_values, *who.schwartz_values, who.decision_style, *factors])}\nSecret: {who.secret}")
