"""`comity generate review`: a person reads candidates and accepts, edits or rejects them, at a terminal or by a script."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from comity.cli.output import print_json, told
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
    """Decide about candidates. Those that are accepted become files of a library in the same folder."""
    by_script = listing or accept or reject
    if as_json and not by_script:
        raise typer.BadParameter("goes with --list, --accept or --reject", param_hint="--json")
    with Journal.open(folder) as journal:
        made = Review(journal, Remembering(minilm()) if embed else None)
        if not by_script:
            _Sitting(made).through([each for each in made.candidates if each.state in _wanted(rejected)])
            return
        decided = [*_accept(made, accept or ()), *(made.reject(made.candidate(id_), reason) for id_ in reject or ())]
        shown = made.candidates if listing else decided
        if as_json:
            print_json([candidate_record(each) for each in shown])
        else:
            for each in shown:
                told(_line(each))


def _wanted(rejected: bool) -> tuple[str, ...]:
    return ("passed", "rejected") if rejected else ("passed",)


def _accept(made: Review, ids: Sequence[str]) -> Iterator[Candidate]:
    for id_ in ids:
        if id_ == "all":
            yield from (made.accept(each) for each in made.candidates if each.state == "passed")
        else:
            yield made.accept(made.candidate(id_))


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
        self._texts: dict[str, str] = {}
        """What a person wrote that could not be read, by candidate: nobody writes it twice."""

    def through(self, candidates: Sequence[Candidate]) -> None:
        """Show one after the other, until all are decided about or the person has had enough."""
        if not candidates:
            told(
                "Nothing waits for a decision. --list shows all candidates, --rejected goes through those that were rejected."
            )
        for number, candidate in enumerate(candidates, 1):
            told(f"\n[{number} of {len(candidates)}]", style="dim")
            if not self._decide(candidate):
                break

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
        text = _in_editor(self._texts.get(candidate.id) or self._made.text(candidate))
        self._texts[candidate.id] = text
        edited = self._made.edit(candidate, text)
        del self._texts[candidate.id]
        return edited

    def _read(self, prompt: str) -> str:
        """A line; the end of the input is as good as quitting."""
        told(prompt, end="", style="bold")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            told("")
            raise typer.Exit
        return line.strip()


def _in_editor(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with TemporaryDirectory() as made:
        file = Path(made) / "candidate.toml"
        file.write_text(text, "utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unacceptable(f"the editor {editor!r} did not work ({error}); set EDITOR to another") from error
        return file.read_text("utf-8")


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
