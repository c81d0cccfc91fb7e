"""The laboratory: errors over several subsets of labels and several seeds, of our recipes, the paper's, and floors.

The last epoch of a run counts, k is chosen on its labels, and the test images are asked about once, after the end; what
the best epoch on them would have been worth is printed as a gap, and chooses nothing. Every row is kept in the file
--out as soon as it is there, and a run that has not come to its end beside it, once a minute and where --stage says; so
a benchmark that was stopped goes on where it was, bit for bit. OUT.png and OUT.svg show the rows.

Recipes: default; mnist-100 and cifar10-4000, with readings behind a plus (mnist-100+euclidean, mnist-100+released);
any of these with changed settings (default,temperature=4,sets=2); cross-entropy on the labels alone, on the network of
the default; label-spreading and self-training of scikit-learn, on the pixels.

    python benchmarks/accuracy.py --data ../shared/data/mnist --recipe default cross-entropy --subsets 0 1 2 --time 600
    python benchmarks/accuracy.py --data digits --epochs 20 --recipe default label-spreading
    python benchmarks/accuracy.py --data ../shared/data/cifar10 --pack cifar10.npz --parts 4
    python benchmarks/accuracy.py --data cifar10-*.npz --labels-per-class 400 --recipe cifar10-4000 --stage 420

A pack is read without FAISS, pyarrow, typer and rich: where PyTorch, NumPy, Pillow, safetensors and jaxtyping are; the
default then spreads no labels over alike images unless scikit-learn is there too, and says so. Of --time the default
keeps some seconds for what follows in `ilk fit`: compare steps, not seconds, or give --epochs. --threads 1 leaves room
for a second benchmark beside this one.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import torch
from laboratory.contestants import Budget, require_contestant, run
from laboratory.figure import draw, published
from laboratory.images import fingerprint, pack, read_images
from laboratory.rows import Row, key_of, rows_of, save, table
from laboratory.stages import Sitting

from ilk.data import Dataset, hide_labels
from ilk.errors import DivergedError, IlkError, InterruptedRunError
from ilk.recipes.default import choose_network


def main() -> None:
    given = parse_arguments()
    if given.threads:
        torch.set_num_threads(given.threads)
    for name in given.recipe:
        require_contestant(name, given_budget(given))
    seen, asked = read_images(
        given.data,
        files=given.files,
        size=given.size,
        train_images=given.images,
        test_images=given.test_images,
    )
    print(f"data: {seen.source}, {len(seen):,} images to learn from, {len(asked):,} to be asked about", flush=True)
    if given.pack:
        print("packed:", *pack(seen, asked, given.pack, given.parts))
        return
    kept = budget_of(given, seen, asked)
    rows = rows_of(given.out, kept)
    print("command:", "python", *sys.argv)
    print(f"budget: {kept}; {torch.get_num_threads()} threads, torch {torch.__version__}", flush=True)
    sitting, stopped = Sitting(given.out.with_suffix(".unfinished"), given.stage, kept), None
    try:
        for subset, seed, name in product(given.subsets, given.seeds, given.recipe):
            if (key := key_of(name, subset, seed)) not in rows:
                row = row_of(name, subset, seed, seen, asked, given, sitting)
                rows |= rows_of(given.out, kept) | {key: row}  # another program may have added some
                save(given.out, kept, rows)
                sitting.done(key)
                print(f"{key}: {row}", flush=True)
    except InterruptedRunError as stop:
        stopped = stop
        print(f"{key}: {stop} The same command goes on.")
    report(given, rows, seen)
    if stopped is not None:
        sys.exit(stopped.exit_code)


def given_budget(given: argparse.Namespace) -> Budget:
    """What is the same for all contestants."""
    return Budget(given.epochs, given.time, given.augment, choose_network(given.network), given.device, given.gap)


def budget_of(given: argparse.Namespace, seen: Dataset, asked: Dataset) -> dict[str, object]:
    """What must not change from one row to the next."""
    fixed = ("labels_per_class", "epochs", "time", "augment", "network", "size", "images", "test_images", "gap")
    data = {"data": Path(seen.source).stem, "content": fingerprint(seen, asked)}
    return data | {name: getattr(given, name) for name in fixed}


def row_of(
    name: str, subset: int, seed: int, seen: Dataset, asked: Dataset, given: argparse.Namespace, sitting: Sitting
) -> Row:
    """One run, or the reason why it has no error."""
    few = hide_labels(seen, per_class=given.labels_per_class, subset=subset)
    row: Row = {"contestant": name, "subset": subset, "seed": seed, "device": given.device}
    try:
        return row | run(name, few, asked, given_budget(given), seed, sitting, key_of(name, subset, seed))
    except DivergedError as error:
        return row | {"note": str(error)}


def report(given: argparse.Namespace, rows: dict[str, Row], seen: Dataset) -> None:
    """The table of all rows of the file, and the figure."""
    names = list(dict.fromkeys(row["contestant"] for row in rows.values()))
    print(table(rows, names))
    if find_spec("matplotlib") is None:  # as on a machine for training; the rows can be drawn elsewhere
        print("no figure: matplotlib is not here")
        return
    title = f"{Path(seen.source).stem}, {given.labels_per_class} labels per class, augmentation {given.augment}"
    references = published(seen.source, given.labels_per_class) if given.augment == "none" or given.published else []
    print("figure:", *draw(rows, names, given.out, title, references))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = f"{os.environ.get('ILK_DATA', '../shared/data')}/mnist"
    parser.add_argument("--data", nargs="+", default=[data], help="as for `ilk fit`, 'digits', or the parts of a pack")
    parser.add_argument("--files", help="pattern of the files to use")
    parser.add_argument("--size", type=int, help="side of the images in pixels")
    parser.add_argument("--images", type=int, help="learn from so many only")
    parser.add_argument("--test-images", type=int, help="ask about so many only")
    parser.add_argument("--labels-per-class", type=int, default=10)
    parser.add_argument("--recipe", nargs="+", default=["default"], metavar="NAME")
    parser.add_argument("--subsets", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--time", type=float, help="seconds of a run; ten minutes for the default")
    length.add_argument("--epochs", type=float, help="passes over the images")
    parser.add_argument("--augment", choices=("affine", "none"), default="none")
    parser.add_argument("--network", default="auto", help="of the default and of cross-entropy")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="of PyTorch")
    parser.add_argument("--gap", type=int, default=10, help="records at which the test error is taken for the gap")
    parser.add_argument(
        "--stage",
        type=float,
        metavar="SECONDS",
        help="end then, with status 130; again, it goes on",
    )
    parser.add_argument("--published", action="store_true", help="show published figures beside augmented runs too")
    parser.add_argument("--out", type=Path, default=Path("runs/accuracy.json"))
    parser.add_argument(
        "--pack", type=Path, metavar="OUT.npz", help="write the images for a machine with little, and end"
    )
    parser.add_argument("--parts", type=int, default=1, help="of the pack")
    given = parser.parse_args()
    require_numbers(parser, given)
    return given


def require_numbers(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what no row could come of, before any is begun."""
    least = {"threads": 1, "images": 1, "test_images": 1, "labels_per_class": 1, "parts": 1, "gap": 0}
    for name, value in least.items():
        if getattr(given, name) is not None and getattr(given, name) < value:
            parser.error(f"--{name.replace('_', '-')} must be at least {value}, not {getattr(given, name)}")
    for name in ("epochs", "time", "stage"):
        if getattr(given, name) is not None and not 0 < getattr(given, name) < math.inf:
            parser.error(f"--{name} must be above 0, not {getattr(given, name)}")
    if min(*given.subsets, *given.seeds, 0) < 0:
        parser.error("--subsets and --seeds must be at least 0")
    if given.out.suffix != ".json" or given.out.is_dir():
        parser.error(f"--out {given.out} must be a file whose name ends in .json; the figures take its name")
    ours = any(name.split(",")[0] == "default" for name in given.recipe)
    if given.stage is not None and (given.time is not None or (given.epochs is None and ours)):
        parser.error("--stage needs a length in --epochs, or the paper's own: seconds are counted in one sitting")


if __name__ == "__main__":
    try:
        main()
    except IlkError as error:
        sys.exit(str(error))
