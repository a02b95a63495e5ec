"""The yardstick: how close synthetic databases are to the real ones.

Fits in memory, samples, and prints every score as ``synthetic|floor``, where the floor compares
real rows with other real rows::

    python benchmarks/fidelity.py flights tpch nycflights --model autoregressive --epochs 40
    python benchmarks/fidelity.py structures sklearn --json scores.json
    python benchmarks/fidelity.py final --json final.json  # what nothing is tuned on, at the end
    python benchmarks/fidelity.py jafgen statsmodels --python ~/extras/bin/python

Per table: mean distance of the columns and of their shares of NULLs, of pairs of columns (TVD,
and difference of association), the area under the ROC curve of a classifier of the rows alone,
beside their children's aggregates and beside their parents (0.5 is best), and how well a model
trained on real and on synthetic rows predicts held-out real ones; ``+mix``, the classifier beside
the spread and the mix of children; ``allowed``, the greatest area without columns that privacy
withholds; validity, the share of rows nearer to learned than to held-out rows (0.5 is safe), and
of copies. Per key: orphans, fan-out KS,
pairs of a child's and a parent's column, the variance inside groups, and the classifier of rows
beside their parent, with no parent in two folds; of rows in order: gaps, lag-1 autocorrelation,
changes, runs and steps, the classifier beside the differences to the row before, repeats of
natural keys and numbers of sub-entities; columns by the length of groups. Beside these: joint
fan-outs, pairs some keys apart, broken relations, TPC-H's queries, and the facts of the shapes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.data import DATASETS, FINAL, TUNED, DataSet, Options
from benchmarks.parts.violations import broken_relations
from benchmarks.queries import query_scores, totals
from benchmarks.scores import DatabaseScore, database_score, with_columns
from benchmarks.shapes import SHAPES, STRUCTURES
from benchmarks.structure import Safety, StructureScore, safety, structure_score
from synthohive import PrivacyConfig, Synthesizer

COLLECTIONS = {
    "shapes": SHAPES, "structures": STRUCTURES, "tuned": TUNED, "final": FINAL, "all": DATASETS,
}  # fmt: skip
NAN = float("nan")
VIEWS = {"alone": "AUC", "children": "+children", "parents": "+parents"}


def main() -> None:
    """Run the benchmark on each data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", choices=[*DATASETS, *COLLECTIONS])
    parser.add_argument("--model", default="autoregressive")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--sample-size", type=int, default=50_000)
    parser.add_argument("--scale", type=float, default=0.01, help="of TPC-H")
    parser.add_argument("--size", type=int, default=1_000, help="parents of each shape")
    parser.add_argument("--python", default=sys.executable, help="with jafgen and statsmodels")
    parser.add_argument("--no-relations", action="store_true")
    parser.add_argument("--no-floor", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file for all figures")
    args = parser.parse_args()
    options = Options(args.seed, args.scale, args.size, args.python)
    figures: dict[str, Any] = {}
    for name in _chosen(args.datasets):
        try:
            data = DATASETS[name](options)
        except LookupError as exc:
            print(f"{name}: left out, {exc}\n")
            continue
        figures[name] = run(data, args)
        if args.json:
            args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def _chosen(names: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(COLLECTIONS.get(name, [name])))
    return list(found)


def run(data: DataSet, args: argparse.Namespace) -> dict[str, Any]:
    """Fit, sample, compare and print; return the figures."""
    synthesizer = Synthesizer(data.metadata, PrivacyConfig(detect_pii=False), model=args.model)
    started = time.perf_counter()
    synthesizer.fit(
        data.real,
        seed=args.seed,
        epochs=args.epochs,
        sample_size=args.sample_size,
        relations=not args.no_relations,
        progress=False,
    )
    fitted = time.perf_counter()
    made = synthesizer.sample(seed=args.seed, output_format="arrow")
    sampled = time.perf_counter()
    rows = sum(len(t) for t in made.values())
    print(
        f"{data.name}, {args.model}: fitted in {fitted - started:.0f} s, "
        f"{rows:,} rows in {sampled - fitted:.1f} s",
        flush=True,
    )
    metadata = with_columns(synthesizer.metadata, data.real)
    score = database_score(metadata, data.real, made, data.held_out, explain=True)
    structure = structure_score(metadata, data.real, made, synthesizer.withheld)
    safe = safety(metadata, data.real, made, data.held_out)
    floor, bare = None, None
    if data.floor is not None and not args.no_floor:
        floor = database_score(metadata, *data.floor)
        bare = structure_score(metadata, *data.floor)
        print(f"  floor: {data.note}")
    print_tables(score, floor, structure, bare, safe)
    print_keys(score, floor)
    print_structure(structure, bare)
    broken = broken_relations(synthesizer, made)
    exceptions = broken_relations(synthesizer, data.real)  # what nearly holds has some there, too
    wrong = [(a, b) for a, b in zip(broken, exceptions) if a.broken or b.broken]
    print(f"  relations {len(broken)}, with exceptions {len(wrong)}")
    for one, real in wrong:
        print(f"    {one.table}: {one.relation}: exceptions {one.share:.2%}|{real.share:.2%}")
    figures: dict[str, Any] = {
        "fit_seconds": fitted - started,
        "sample_seconds": sampled - fitted,
        "score": asdict(score),
        "floor": floor and asdict(floor),
        "structure": asdict(structure),
        "structure_floor": bare and asdict(bare),
        "safety": {name: asdict(one) for name, one in safe.items()},
        "withheld": synthesizer.withheld,
        "relations": [asdict(b) for b in broken],
    }
    if data.facts is not None and data.floor is not None:
        figures["facts"] = print_facts(data, made)
    if data.name == "tpch":
        figures["queries"] = print_queries(data, made)
    print(flush=True)
    return figures


def print_tables(
    score: DatabaseScore,
    floor: Optional[DatabaseScore],
    structure: StructureScore,
    bare: Optional[StructureScore],
    safe: dict[str, Safety],
) -> None:
    """Print a line per table, and what told the copy from the real rows."""
    titles = ["column", "nulls", "pair", "assoc", *VIEWS.values(), "+mix"]
    more = ["allowed", "valid", "nearer", "copies"]
    heads = "".join(f"{t:>12}" for t in titles) + "".join(f"{t:>8}" for t in more)
    print(f"  {'table':<14}     rows {heads}  worst column; impossible")
    for name, table in score.tables.items():
        both = [
            [*_numbers(table), structure.mixes.get(name, NAN)],
            [*_numbers(floor.tables[name]), bare.mixes.get(name, NAN)] if floor and bare else None,
        ]
        cells = "".join(f"{_cell(values):>12}" for values in _aside(both[0] or [], both[1]))
        own = safe[name]
        allowed = max(structure.allowed.get(name, table.areas).values(), default=NAN)
        cells += "".join(
            f"{_cell((x, None)):>8}" for x in (allowed, own.validity, own.nearer, own.copies)
        )
        said = "; ".join(filter(None, (table.worst, own.worst)))
        print(f"  {name:<14} {table.rows:>8,} {cells}  {said}")
    for name, table in score.tables.items():
        for one in table.utility:
            print(
                f"    {name}.{one.target} predicted: {one.real:.3f} by real rows, "
                f"{one.synthetic:.3f} by synthetic ones"
            )
    kept = [name for name, table in score.tables.items() if not table.areas]
    if kept:
        print(f"    as in the real data: {', '.join(kept)}")
    for name, table in score.tables.items():
        if table.telling:
            told = ", ".join(f"{t.column} {t.drop:.3f} ({t.alone:.2f})" for t in table.telling)
            print(f"    {name} told by: {told}")


def print_keys(score: DatabaseScore, floor: Optional[DatabaseScore]) -> None:
    """Print a line per key and per two keys to one parent."""
    if not score.keys:
        return
    titles = ["fan-out KS", "pair", "assoc", "within", "AUC"]
    print(f"  {'key':<46} orphans" + "".join(f"{t:>12}" for t in titles))
    for label, key in score.keys.items():
        sides = [key, floor.keys[label]] if floor else [key]
        both = [[s.fan_out, s.pair, s.association, s.within, s.area] for s in sides]
        cells = "".join(f"{_cell(v):>12}" for v in _aside(both[0], both[1] if floor else None))
        worst = "; ".join(filter(None, (key.worst, key.worst_within)))
        print(f"  {label:<46} {key.orphans:>7}{cells}  {worst}")
    for label, gap in score.joint.items():
        print(f"    joint fan-out {_cell((gap, floor.joint[label] if floor else None))}  {label}")


def print_structure(score: StructureScore, floor: Optional[StructureScore]) -> None:
    """Print what rows in order are to each other, and columns by hops and lengths of groups."""
    titles = ["gaps", "lag", "changes", "counts", "runs", "steps", "AUC", "entities", "lengths"]
    if score.series:
        print(f"  {'series':<46} repeats" + "".join(f"{t:>12}" for t in titles))
    for label, one in score.series.items():
        other = floor.series.get(label) if floor else None
        both = [
            [s.gaps, s.lag, s.changes, s.counts, s.runs, s.steps, s.area, s.entities_ks,
             s.lengths_ks]
            for s in (one, other) if s is not None
        ]  # fmt: skip
        cells = "".join(f"{_cell(v):>12}" for v in _aside(both[0], both[1] if other else None))
        by = ", ".join([one.order, *(f"of {name}" for name in one.within)])
        entities = "" if isnan(one.entities[0]) else "; {:.1f}->{:.1f} each".format(*one.entities)
        print(f"  {label + ' by ' + by:<46} {one.repeats:>7.3f}{cells}  {one.worst}{entities}")
    for label, sizes in score.sizes.items():
        if len(sizes) > 1 or max(sizes, default=1) > 1:
            base = floor.sizes.get(label, {}) if floor else {}
            cells = "  ".join(f"{n:,}+ {_cell((x, base.get(n)))}" for n, x in sizes.items())
            print(f"    columns by rows of a group: {cells}  {label}")
    base = floor.hops if floor else {}
    print("    pairs by hops: " + "  ".join(
        f"{n}: {_cell((x, base.get(n)))}" for n, x in score.hops.items()
    ))  # fmt: skip


def print_facts(data: DataSet, made: dict[str, Any]) -> dict[str, Any]:
    """Print the facts of a shape: real, other real, synthetic."""
    assert data.facts is not None
    assert data.floor is not None
    sides = [data.facts(side) for side in (data.real, data.floor[1], made)]
    for name, real in sides[0].items():
        other, copy = sides[1][name], sides[2][name]
        mark = "  <-" if name.startswith("no ") and copy else ""
        print(f"    {name:<36} {real:>9.3f} floor {other:>9.3f}  synthetic {copy:>9.3f}{mark}")
    return dict(zip(("real", "floor", "synthetic"), sides))


def print_queries(data: DataSet, made: dict[str, Any]) -> dict[str, Any]:
    """Print a line per query, and the totals."""
    scores = query_scores(data.real, made)
    for score in scores:
        print(f"    {score}")
    print(f"  queries: {totals(scores)}")
    return {score.name: asdict(score) for score in scores}


def _numbers(table: Any) -> list[float]:
    areas = [table.areas.get(view, float("nan")) for view in VIEWS]
    return [table.column, table.nulls, table.pair, table.association, *areas]


def _aside(a: list[float], b: Optional[list[float]]) -> list[tuple[float, Optional[float]]]:
    return list(zip(a, b if b is not None else [None] * len(a)))


def _cell(values: tuple[float, Optional[float]]) -> str:
    texts = ["-" if v is None or isnan(v) else f"{v:.3f}" for v in values]
    return texts[0] if values[1] is None or texts == ["-", "-"] else "|".join(texts)


if __name__ == "__main__":
    main()
