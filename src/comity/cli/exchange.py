"""What imports and exports say, to people and as JSON, and with which exit code. Shared by the commands of both."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import typer

from comity.cli.output import complain, print_json, told
from comity.interop.remarks import Problem, Remark, RemarkKind

__all__ = ["report"]

_EXAMPLES = 3
"""So many remarks of a kind are shown to people."""
_SHOWN = 20
"""So many problems."""


def report(
    headline: str,
    counts: Mapping[str, object],
    remarks: Sequence[Remark],
    problems: Sequence[Problem],
    *,
    as_json: bool,
    hint: str = "",
) -> None:
    """Say what was done, what there is to know of it, and what was left out; leave with 1 where anything was."""
    kinds = Counter(remark.kind for remark in remarks)
    if as_json:
        said = {"reported": dict(kinds.most_common()), "remarks": [asdict(remark) for remark in remarks]}
        print_json({**counts, **said, "problems": [asdict(problem) for problem in problems]})
    else:
        told(
            f"{headline}: {', '.join(f'{number} {what}' for what, number in counts.items() if isinstance(number, int))}."
        )
        _tell(remarks, kinds)
        if hint:
            told(f"\n{hint}", style="bold")
    if problems:
        more = [f"... and {len(problems) - _SHOWN:,} more; --json shows all"] if len(problems) > _SHOWN else []
        rows = len({problem.where for problem in problems})
        complain("\n".join([f"{rows:,} left out:", *map(str, problems[:_SHOWN]), *more]))
        raise typer.Exit(1)


def _tell(remarks: Sequence[Remark], kinds: Mapping[RemarkKind, int]) -> None:
    for kind, number in sorted(kinds.items(), key=lambda item: -item[1]):
        told(f"\n{kind.replace('_', ' ')}: {number}", style="bold")
        for remark in [remark for remark in remarks if remark.kind == kind][:_EXAMPLES]:
            told(f"  {remark.where}: {remark.message}")
        if number > _EXAMPLES:
            told(f"  and {number - _EXAMPLES} more; --json shows all", style="dim")
