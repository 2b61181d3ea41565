"""Runs the experiment, or goes on with it, and writes what came of it beside this file: `record.json`, `results.md` and the plots.

    python experiments/pi-cpu/run.py nano smollm2-135m

Both at once by default, a core each. What is made on the way lies in `build/pi-cpu` (`COMITY_EXPERIMENTS` names another folder), with the
whole records. Nothing that is done is done again, so that after a
kill the same command goes on.
"""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import altair as alt

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORK = Path(os.environ.get("COMITY_EXPERIMENTS", ROOT / "build" / "pi-cpu"))
POLICIES = ("base", "sr", "bc", "bcsr")
PAIRS = ("sr_minus_base", "bc_minus_base", "bcsr_minus_bc", "bcsr_minus_base")
MEASURES = {
    "reward": "reward",
    "agreed": "agreement",
    "pareto": "pareto",
    "malformed": "format_failures",
    "failed": "failed",
}


def main(wanted: list[str]) -> None:
    """Run the plans that are wanted, and tell of all that there are."""
    started = [start(name) for name in wanted]
    if [one for one in started if one.wait()]:
        sys.exit("not all is done; what is done is kept, and the same command goes on")
    done = {name: WORK / name / "record.json" for name in ("nano", "smollm2-135m")}
    records = {name: json.loads(path.read_text("utf-8")) for name, path in done.items() if path.is_file()}
    summary = {name: summed(record) for name, record in records.items()}
    (HERE / "record.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (HERE / "results.md").write_text(table(summary), "utf-8")
    for name, of in summary.items():
        plot(of).save(HERE / f"{name}.svg")


def start(name: str) -> subprocess.Popen[bytes]:
    """One plan on one core: two threads of a small model mostly wait for each other, and the other plan has the other core."""
    command = [sys.executable, "-m", "comity", "train", str(HERE / f"{name}.toml")]
    where = ["--into", str(WORK / name), "--store", str(WORK / f"{name}.db")]
    return subprocess.Popen([*command, *where], cwd=ROOT, env={"OMP_NUM_THREADS": "1", **os.environ})


def summed(record: dict) -> dict:  # type: ignore[type-arg]
    """The four policies' means and their differences, with the lineage of each, out of a training record."""
    settings = list(record["results"]["base"]["games"])
    return {
        "code_version": record["code_version"],
        "plan": record["plan"],
        "seeds": record["seeds"],
        "tasks": {name: of["count"] for name, of in record["tasks"].items()},
        "means": {
            s: {name: means(of["games"][s]) for name, of in record["results"].items() if s in of["games"]}
            for s in settings
        },
        "costs": {name: of["costs"] for name, of in record["results"].items() if of["costs"]},
        "paired": {pair: paired(record["differences"][pair]) for pair in PAIRS if pair in record["differences"]},
        "policies": {
            name: {seed: shortened(one) for seed, one in by.items()} for name, by in record["policies"].items()
        },
    }


def shortened(lineage: dict) -> dict:  # type: ignore[type-arg]
    """A policy's lineage without the seats that it learned from, a line each: their number and hash. They stand in the whole record."""
    rows = lineage["learned_from"]
    learned = {"seats": len(rows), "sha256": sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()}
    return {**{key: value for key, value in lineage.items() if key != "learned_from_columns"}, "learned_from": learned}


def means(of: dict) -> dict:  # type: ignore[type-arg]
    return {told: of[name] for name, told in MEASURES.items()} | {
        "episodes": of["episodes"],
        "words_a_turn": of["words"],
    }


def paired(of: dict) -> dict:  # type: ignore[type-arg]
    """By setting or question set, and by measure: mean, low and high."""
    keys = ("mean", "low", "high", "before", "after", "pairs", "clustered_by", "equivalent", "margin", "per_seed")
    return {
        where: {MEASURES.get(m, m): {key: one[key] for key in keys} for m, one in measures.items()}
        for where, measures in of.items()
    }


def table(summary: dict) -> str:  # type: ignore[type-arg]
    """What the README shows."""
    lines: list[str] = []
    for name, of in summary.items():
        for setting, policies in of["means"].items():
            lines += [
                f"**{name}, {setting}**",
                "",
                "| policy | episodes | " + " | ".join(MEASURES.values()) + " | words a turn |",
                "|---" * (len(MEASURES) + 3) + "|",
            ]
            for label, row in policies.items():
                lines.append(
                    f"| {label} | {row['episodes']} | "
                    + " | ".join(number(row[told]) for told in MEASURES.values())
                    + f" | {number(row['words_a_turn'])} |"
                )
            lines.append("")
        lines += [f"**{name}: differences**", "", "| | measure | mean | 95 % | clustered by |", "|---|---|---|---|---|"]
        for pair, where in of["paired"].items():
            for setting, measures in where.items():
                for measure, one in measures.items():
                    same = " (equivalent)" if one["equivalent"] else ""
                    lines.append(
                        f"| {pair} | {setting}: {measure} | {one['mean']:+.3f}{same} | [{number(one['low'])}, {number(one['high'])}] | {one['clustered_by']} |"
                    )
        lines.append("")
    return "\n".join(lines)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def plot(of: dict) -> alt.FacetChart:  # type: ignore[type-arg]
    """The reward of everybody in each setting; where several seeds were trained, the differences from the base of each."""
    rows = [
        {"setting": s, "policy": name, "reward": row["reward"]}
        for s, by in of["means"].items()
        for name, row in by.items()
    ]
    order = list(dict.fromkeys(row["policy"] for row in rows))
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("policy:N", sort=order, title=None),
            y=alt.Y("reward:Q", title="reward, 0 to 10"),
            color=alt.Color("policy:N", sort=order, legend=None),
        )
    )
    return bars.properties(width=220, height=160).facet(facet=alt.Facet("setting:N", title=None), columns=2)


if __name__ == "__main__":
    main(sys.argv[1:] or ["nano", "smollm2-135m"])
