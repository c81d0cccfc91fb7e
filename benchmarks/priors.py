"""Prior knowledge of the classes (the paper's §5.3): is the error lower with it, at the same budget and labels?

Four ways of one recipe on each subset: without it; `targets`, where the one-hot target of a query gives a little to the
classes of the same group; `groups`, where the entropy asks nothing of an unlabeled image within a group; and both. The
groups are CIFAR-10's animals and vehicles, the alphabets of Omniglot (the part of a class's name before its slash), or
those of a table with label,group. Each row is kept as soon as it is there; each difference is of the same subset.

    python benchmarks/priors.py --data ../shared/data/cifar10 --labels-per-class 40 --time 600
    python benchmarks/priors.py --data ../shared/data/omniglot --files background.parquet --labels-per-class 5
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from laboratory.contestants import Budget, recipe_of, trained
from laboratory.figure import draw
from laboratory.images import fingerprint, read_images
from laboratory.rows import Row, key_of, mean_and_sd, rows_of, save, table

from ilk.data import Dataset, hide_labels
from ilk.errors import DivergedError, IlkError
from ilk.objectives import similar_classes
from ilk.recipes import group_distances, group_numbers
from ilk.recipes.default import choose_network
from ilk.shapes import Groups

WAYS = ("without", "targets", "groups", "both")
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
VEHICLES = ("airplane", "automobile", "ship", "truck")


def main() -> None:
    given = parse_arguments()
    seen, asked = read_images(
        given.data, files=given.files, size=given.size, train_images=given.images, test_images=given.test_images
    )
    groups = group_numbers(seen.classes, groups_of(seen, given.groups))
    fixed = ("labels_per_class", "epochs", "time", "augment", "network", "size", "images", "test_images", "softness")
    budget: dict[str, object] = {"data": Path(seen.source).stem, "content": fingerprint(seen, asked)}
    budget["recipe"] = given.recipe
    budget |= {name: getattr(given, name) for name in fixed} | {"groups": groups.tolist()}
    rows = rows_of(given.out, budget)
    print("command:", "python", *sys.argv)
    print(f"budget: {budget}; {len(seen.classes)} classes in {int(groups.max()) + 1} groups", flush=True)
    for subset in given.subsets:
        for way in given.ways:
            if (key := key_of(way, subset, given.seed)) not in rows:
                rows[key] = row_of(way, subset, seen, asked, groups, given)
                save(given.out, budget, rows)
                print(f"{key}: {rows[key]}", flush=True)
    print(table(rows, WAYS))
    print(differences(rows))
    title = f"{budget['data']}, {given.labels_per_class} labels per class, {given.recipe}: prior knowledge of classes"
    print("figure:", *draw(rows, WAYS, given.out, title))


def groups_of(dataset: Dataset, table_of_groups: Path | None) -> dict[str, str]:
    """Class to group: of the table, of CIFAR-10, or by what stands before the slash of a class's name."""
    if table_of_groups is not None:
        from ilk.data.groups_table import read_groups

        return read_groups(table_of_groups)
    numbers = "cifar" in dataset.source.lower() and set(dataset.classes) <= set(map(str, range(len(CIFAR))))
    if numbers or set(dataset.classes) <= set(CIFAR):
        words = {name: CIFAR[int(name)] if name.isdigit() else name for name in dataset.classes}
        return {name: "vehicle" if word in VEHICLES else "animal" for name, word in words.items()}
    if all("/" in name for name in dataset.classes):
        return {name: name.partition("/")[0] for name in dataset.classes}
    sys.exit("What groups do these classes form? Give a table with the columns label,group by --groups.")


def row_of(way: str, subset: int, seen: Dataset, asked: Dataset, groups: Groups, given: argparse.Namespace) -> Row:
    """One run, or the reason why it has no error."""
    few = hide_labels(seen, per_class=given.labels_per_class, subset=subset)
    network = choose_network(given.network)
    budget = Budget(given.epochs, given.time, given.augment, network, given.device, looks=0)
    recipe = recipe_of(given.recipe, budget, given.seed)
    targets = similar_classes(group_distances(groups), given.softness) if way in ("targets", "both") else None
    known = groups if way in ("groups", "both") else None
    row: Row = {"contestant": way, "subset": subset, "seed": given.seed, "device": given.device}
    try:
        return row | trained(few, asked, recipe, budget, class_targets=targets, groups=known)
    except DivergedError as error:
        return row | {"note": str(error)}


def differences(rows: dict[str, Row]) -> str:
    """How much lower each way's error is than that of the run without, on the same subset and seed."""
    done = [row for row in rows.values() if "note" not in row]
    errors = {way: {(row["subset"], row["seed"]): 100 * row["errors"] / row["n"] for row in done
                    if row["contestant"] == way} for way in WAYS}  # fmt: skip
    lines = []
    for way in WAYS[1:]:
        lower = [errors["without"][run] - error for run, error in errors[way].items() if run in errors["without"]]
        if lower:
            better = sum(difference > 0 for difference in lower)
            lines.append(f"- {way}: lower by {mean_and_sd(lower)} points, on {better} of {len(lower)} subsets")
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = f"{os.environ.get('ILK_DATA', '../shared/data')}/cifar10"
    parser.add_argument("--data", nargs="+", default=[data])
    parser.add_argument("--files", help="pattern of the files to use")
    parser.add_argument("--groups", type=Path, metavar="F", help="table with label,group")
    parser.add_argument("--size", type=int, help="side of the images in pixels")
    parser.add_argument("--images", type=int, help="learn from so many only")
    parser.add_argument("--test-images", type=int, help="ask about so many only")
    parser.add_argument("--labels-per-class", type=int, default=40)
    parser.add_argument("--recipe", default="default", help="as for accuracy.py, with its changed settings")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--softness", type=float, default=0.25, help="of the targets: towards 0 they are one-hot")
    parser.add_argument("--subsets", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seed", type=int, default=0)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--time", type=float, help="seconds of a run; ten minutes unless said")
    length.add_argument("--epochs", type=float, help="passes over the images")
    parser.add_argument("--augment", choices=("affine", "none"), default="none")
    parser.add_argument("--network", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("runs/priors.json"))
    given = parser.parse_args()
    if min(*given.subsets, given.seed) < 0 or not given.softness > 0:
        parser.error("--subsets and --seed must be at least 0, and --softness above 0")
    return given


if __name__ == "__main__":
    try:
        main()
    except IlkError as error:
        sys.exit(str(error))
