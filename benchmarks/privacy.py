"""What a synthetic database, or its checkpoint, gives away.

python benchmarks/privacy.py entities --models autoregressive ctgan tvae --epochs 8
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def entities(args: argparse.Namespace) -> dict[str, Any]:
    """Count what single persons hold in rows and checkpoints; 0 everywhere is right."""
    from benchmarks.single_entities import measured

    figures: dict[str, Any] = {}
    for name, found in measured(args.models, args.epochs):
        print(f"{name:<24} " + "  ".join(f"{what} {n}" for what, n in found.items()), flush=True)
        figures[name] = found
    return figures


def look_ups(args: argparse.Namespace) -> dict[str, Any]:
    """Count which tables of things and of persons are kept, and which persons come out."""
    from benchmarks.parts.look_ups import kept_tables, salespersons

    figures: dict[str, Any] = kept_tables()
    for name, found in figures.items():
        print(f"{name:<30} {found}", flush=True)
    for name, found in salespersons():
        print(f"{name:<30} {found:>2} of 12 as they were", flush=True)
        figures[name] = found
    return figures


def aliases(args: argparse.Namespace) -> dict[str, Any]:
    """Compare in how many rows columns repeat personal ones, over keys: real, made."""
    from benchmarks.parts.look_ups import aliases as shares

    figures = shares(args.epochs)
    for name, (real, made) in figures.items():
        print(f"{name:<15} {real:7.1%} of the real rows  {made:7.1%} of the made ones", flush=True)
    return dict(figures)


def detection(args: argparse.Namespace) -> dict[str, Any]:
    """Score the search for personal columns on labelled ones of 16 locales."""
    from benchmarks.parts.personal_data import detection as scores

    return _printed(scores())


def membership(args: argparse.Namespace) -> dict[str, Any]:
    """Ask a checkpoint who was in the data; members and others hit equally often is right."""
    from benchmarks.parts.personal_data import membership as hits

    return _printed(hits(args.epochs))


def _printed(rows: Iterable[tuple[str, dict[str, float]]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, found in rows:
        print(f"{name:<24} " + "  ".join(f"{w} {x:.4f}" for w, x in found.items()), flush=True)
        figures[name] = found
    return figures


def memorisation(args: argparse.Namespace) -> dict[str, Any]:
    """Compare learned with held-out rows; see :mod:`benchmarks.parts.memorisation`."""
    from benchmarks.data import Options
    from benchmarks.parts.memorisation import averaged, measured, sources

    figures: dict[str, Any] = {}
    tables = sources(Options(python=args.python))
    cases = [(s, t, m) for s in args.sizes for t in args.tables for m in args.models]
    for size, name, model in cases:
        if 2 * size <= len(tables[name]):
            found = averaged(list(measured(tables[name], size, model, args.most_epochs)))
            cells = "  ".join(f"{k} {m:.3f}±{s:.3f}" for k, (m, s) in found.items())
            print(f"{name:<9} {size:>6,} {model:<15} {cells}", flush=True)
            figures[f"{name}/{size}/{model}"] = found
    return figures


def trust(args: argparse.Namespace) -> dict[str, Any]:
    """Plant canaries and look for them, and measure all figures; see benchmarks/parts/trust.py."""
    from benchmarks.parts.trust import measured

    figures: dict[str, Any] = {}
    for name in args.databases:
        for plant in (True, False):
            for what, found in measured(name, args.scale, args.seed, plant):
                print(f"{name}: {what}: {found}", flush=True)
                key = f"{name}/{what}/{'planted' if plant else 'plain'}"
                figures[key] = json.loads(found.to_json()) if what == "report" else found
    return figures


SECTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "entities": entities,
    "look-ups": look_ups,
    "aliases": aliases,
    "detection": detection,
    "membership": membership,
    "memorisation": memorisation,
    "trust": trust,
}


def main() -> None:
    """Run the sections."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="+", choices=list(SECTIONS))
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--models", nargs="+", default=["autoregressive", "tvae", "ctgan"])
    parser.add_argument("--epochs", type=int, default=8)
    more = parser.add_argument_group("of memorisation")
    more.add_argument("--python", default=sys.executable, help="with statsmodels")
    more.add_argument("--tables", nargs="+", default=["fair", "flights"])
    more.add_argument("--sizes", nargs="+", type=int, default=[200, 1_000, 3_000, 20_000])
    more.add_argument("--most-epochs", type=int, default=300)
    trusted = parser.add_argument_group("of trust")
    trusted.add_argument("--databases", nargs="+", default=["survey", "crm", "flights"])
    trusted.add_argument(
        "--scale", type=float, default=1.0, help="1: 6,000 answers, 4,000 customers"
    )
    trusted.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    figures = {}
    for name in args.sections:
        figures[name] = SECTIONS[name](args)
        if args.json:
            args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
