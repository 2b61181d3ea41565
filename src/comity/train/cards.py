"""Model cards: beside each policy that was made here a README that says what it is, what it learned from and under which licences, what it
gained, what it cost, and what it is not for. The numbers are the record's.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from comity.interop.licences import together
from comity.train.loop import Lineage, Trained
from comity.train.record import placeless
from comity.train.told import Told, markdown, told_results
from comity.train.work import Done

__all__ = ["card_of", "write_cards"]

Json = Mapping[str, JsonValue]


def write_cards(trained: Trained, record: Json) -> list[Path]:
    """Write a card into the folder of each policy that was made here. Raises `OSError`."""
    written: list[Path] = []
    for lineage in trained.lineages:
        if lineage.stages:
            path = lineage.stages[-1].folder / "model" / "README.md"
            path.write_text(card_of(trained, lineage, record), "utf-8")
            written.append(path)
    return written


def card_of(trained: Trained, lineage: Lineage, record: Json) -> str:
    """The card as Markdown, with the header that model hubs read."""
    licence = together(
        [str(s.result.get("licence", "")) for each in trained.ancestors(lineage) for s in _made(each, "examples")]
    )
    fit = lineage.stages[-1].result
    head = [
        "---",
        "library_name: peft" if str(fit.get("kind")) == "lora" else "library_name: transformers",
        f"base_model: {placeless(lineage.begin) or 'none, made here'}",
        "tags: [comity, sotopia-pi, social-simulation]",
        f"license: {licence.lower() if licence and ' ' not in licence else 'other'}",
        "---",
        "",
        f"# {trained.plan.name}: {lineage.name}, seed {lineage.seed}",
        "",
    ]
    parts = [*head, *_about(trained, lineage, licence), *_learned(lineage), *_scores(lineage, record), *_LIMITS]
    return "\n".join(parts) + "\n"


def _about(trained: Trained, lineage: Lineage, licence: str) -> list[str]:
    begin = trained.plan.policy
    return [
        trained.plan.notes or "Made by `comity train`.",
        "",
        f"Play it: `comity simulate --models adapter:PATH`, with the path of this folder. It was trained and measured with the prompt style `{begin.style}` at temperature "
        f"{begin.temperature:g}, {begin.max_tokens} tokens a reply at most; with another style or template it is another policy.",
        "",
        f"Licences of what it learned from: {licence or 'not all known; treat it as not to be passed on'}. The base model's own comes besides.",
        "",
    ]


def _learned(lineage: Lineage) -> list[str]:
    rows = []
    for stage in lineage.stages:
        told = ", ".join(
            f"{key} {_plain(value)}"
            for key, value in stage.result.items()
            if isinstance(value, int | float | str) and value != ""
        )
        rows.append((stage.folder.parent.name, stage.folder.name, told))
    return [markdown(Told("How it came about", ("stage", "folder", "what came of it"), tuple(rows)))]


def _scores(lineage: Lineage, record: Json) -> list[str]:
    tables = told_results(record)
    mine = [
        table
        for table in tables
        if any(row[0] == lineage.name for row in table.rows) or table.title.startswith(f"{lineage.name} minus")
    ]
    return [markdown(table) for table in mine] or ["It has not been evaluated.", ""]


_LIMITS = [
    "## Limits",
    "",
    "It was rewarded for outcomes of scripted or simulated encounters. A reward that grows here does not say that people would rather deal with it; "
    "a judge's opinion of trained models drifts from people's as they are optimised (arXiv 2403.08715). It is for research and play, not for advice, "
    "and not to bargain on anybody's behalf.",
    "",
]


def _made(lineage: Lineage, stage: str) -> list[Done]:
    return [each for each in lineage.stages if each.folder.parent.name == stage]


def _plain(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
