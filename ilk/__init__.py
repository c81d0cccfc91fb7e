"""Ilk: from a folder of images and a few labels to a classifier, a search and a map.

Images and a few labels go in at the top; a trained space comes out of the middle; answers come out at
the bottom. Data flows down this list, and a module imports only from the lines above its own:

    errors       every exception that a caller may catch, drawn as one tree
    shapes/      the words that the other modules share: Images, Labels, Embeddings, References, Distances
    data/        images and labels in: folders, tables, archives; hiding labels; augmentation
    networks/    images to points: one architecture family per file; build(name, ...) and the table of names
    distances    how far apart: every pair of two sets of points
    sampling     what a training step looks at: queries, references, unlabeled images
    objectives/  what a step minimizes: pure functions, one per file, composed, not inherited
    training/    the loop on one screen, for any method: updates, optimizers by name, schedule, faults, averaging
    storage/     files on disk: a run folder, its tables, checkpoints and lock; atomic, verified, without pickle
    measures/    how good: error with its interval, per class, confusion, calibration; units that are dead
    neighbors/   answers from the space: the index, the classifier, the evidence behind an answer
    model/       the trained model: space, bundle, checksums, self-test, first weights, ONNX
    maps/        the space in two dimensions: projection, picture, interactive page
    insight/     why: receptive fields and costs of any network, deconvolution, occlusion, invariance
    methods/     how a step learns: neighbor embedding, softmax; one file per family
    recipes/     from a data set to a trained space; published results; the table of recipes
    report/      a run as one self-contained page
    runs/        what happens to a run folder, without a terminal: fit, resume, predict, evaluate, map, explain
    estimator/   the same path as one scikit-learn object: NeighborEmbedding
    cli/         the same from a terminal: typer and words only, one file per command
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ilk.estimator import NeighborEmbedding

__all__ = ["NeighborEmbedding", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Loaded when it is asked for: `ilk --help` needs neither torch nor scikit-learn.
    if name == "NeighborEmbedding":
        from ilk.estimator import NeighborEmbedding

        return NeighborEmbedding
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
