"""The estimator: parameters in the constructor, what was learned in attributes that end in an underscore."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ilk.data import UNLABELED, Dataset
from ilk.errors import ModelError, NoLabelsError, UsageError
from ilk.estimator.images import countable, images_of, rows_of
from ilk.estimator.labels import kind_of, labels_of, number_classes, typed
from ilk.estimator.parameters import require_neighbors, settings_of, sides_of
from ilk.estimator.saved import read_estimator, write_estimator
from ilk.estimator.training import train, warn_of_collapse
from ilk.model.space import Space
from ilk.neighbors import Answers
from ilk.recipes import FitResult
from ilk.shapes import Vectors
from ilk.training import Record


class NeighborEmbedding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):
    """A classifier and transformer of images that learns from a few labels and many images without one.

    X: n paths, Pillow images, uint8 arrays or tensors, or one uint8 array (n, h, w[, 1 or 3]) or tensor (n[, 1 or 3],
    h, w). y: n texts or n whole numbers; −1, None, NaN and "" mean unlabeled, the text "-1" is a class.

    Args:
        time_limit: seconds for `fit`, unless `epochs` is given; how far it comes then depends on the machine.
        random_state: seed of everything random; a RandomState gives the next seed, None a fresh one.
        epochs: passes over the images; the same seed then gives the same bits on the same machine.
        network: a name of `ilk.networks.NETWORKS`, or "auto".
        size: pixels, a side or (height, width); None: 28 if the median longer side is at most 28, else 32.
        augment: "affine" or "none".
        device: "auto", "cpu", "cuda" or "cuda:N"; a fitted model answers on the CPU.
        n_neighbors: how many neighbors vote; None: 1, 3 or 5, by leave-one-out on the labels.
        max_pixels: an image with more is refused.
        checkpoint: a folder in which `fit` saves its state every minute, when Ctrl-C stops it, and at its end; the
            same `fit` then resumes from there, bit for bit, or returns at once if it had ended. None saves nothing.
        verbose: 1 prints one line per record of the training.
    Attributes:
        `classes_`, `space_`, `history_` (a record per epoch), `random_state_` (the seed; None of a run), `references_`
        (where the labeled images are in X); of each image of X: `embedding_`, `transduction_` (its label, or the
        predicted class), `confidence_` (the probability of that class), `status_` ("sure", "check" or "unlike").
    """

    classes_: np.ndarray
    space_: Space
    random_state_: int | None
    history_: list[Record]
    references_: np.ndarray
    embedding_: Vectors
    transduction_: np.ndarray
    confidence_: np.ndarray
    status_: np.ndarray

    def __init__(
        self,
        time_limit: Any = 600,
        random_state: Any = 0,
        epochs: Any = None,
        network: Any = "auto",
        size: Any = None,
        augment: Any = "affine",
        device: Any = "auto",
        n_neighbors: Any = None,
        max_pixels: Any = 100_000_000,
        verbose: Any = 0,
        checkpoint: Any = None,
    ) -> None:
        self.time_limit = time_limit
        self.random_state = random_state
        self.epochs = epochs
        self.network = network
        self.size = size
        self.augment = augment
        self.device = device
        self.n_neighbors = n_neighbors
        self.max_pixels = max_pixels
        self.verbose = verbose
        self.checkpoint = checkpoint

    def fit(self, X: Any, y: Any = None) -> NeighborEmbedding:
        """Learn from all images of X and the labels that y holds; an error leaves the object as it was.

        Raises:
            UsageError: no y, a setting that cannot be meant, or another number of labels than images.
            DataError: no labels, one class only, labels of two kinds, or images that cannot be used, by name.
            ShapeError: an array that holds no images, such as a table of features.
            DivergedError: the loss stopped being a finite number.
            InterruptedRunError: with `checkpoint`, Ctrl-C stopped it after a step; a second one stops at once.
        """
        started = time.monotonic()
        given = self.get_params(deep=False)
        settings = settings_of(given)
        classes, targets = number_classes(labels_of(y))
        dataset = images_of(X, size=sides_of(self.size), max_pixels=int(self.max_pixels), targets=targets)
        dataset = replace(dataset, classes=tuple(str(name) for name in classes))
        require_neighbors(self.n_neighbors, len(dataset.labeled))
        fitted, settings = train(dataset, settings, given, started)
        warn_of_collapse(fitted)
        self.__dict__.update(self._learned(dataset, fitted, classes, settings.seed))
        return self

    def _answers(self, X: Any, neighbors: int = 1) -> Answers:
        points = self._points(X)
        return self.space_.classifier.predict(points, neighbors=neighbors)

    def _learned(self, dataset: Dataset, fitted: FitResult, classes: np.ndarray, seed: int) -> dict[str, Any]:
        """Every learned attribute, to be set at once: an interrupt leaves all of them or none."""
        space = fitted.space
        if self.n_neighbors is not None:
            space = replace(space, classifier=replace(space.classifier, k=int(self.n_neighbors)))
        answers = space.classifier.predict(fitted.points)
        numbers = np.where(dataset.targets == UNLABELED, answers.label, dataset.targets)
        return {
            "classes_": classes,
            "space_": space,
            "random_state_": seed,
            "history_": fitted.history,
            "references_": dataset.labeled,
            "embedding_": fitted.points,
            "transduction_": classes[numbers],
            "confidence_": np.take_along_axis(answers.probabilities, numbers[:, None], axis=1)[:, 0],
            "status_": answers.status,
        }

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return `embedding_`, shape (n, dim); raises like `fit()`."""
        return self.fit(X, y).embedding_

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return `transduction_`, shape (n,): the class of every image of X; raises like `fit()`."""
        return self.fit(X, y).transduction_

    def transform(self, X: Any) -> np.ndarray:
        """The point of each image, shape (n, dim), float32, any scale.

        Raises:
            DataError: an image that cannot be used, by its name; ChannelsError for gray or color ones.
            ShapeError: an array that holds no images.
            NotFittedError: of scikit-learn, before `fit()`.
        """
        return self._points(X)

    def _points(self, X: Any) -> Vectors:
        check_is_fitted(self)
        dataset = images_of(X, size=self.space_.size, max_pixels=int(self.max_pixels))
        return self.space_.embed(self.space_.adapt(dataset).images)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each image by the vote of its nearest labeled images, shape (n,); raises like `transform()`."""
        numbers = self._answers(X).label
        return self.classes_[numbers]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (n, classes), columns as in `classes_`; rows sum to 1.

        By the mean distance to each class's nearest labeled images; where these disagree with the vote of
        `predict()`, the largest is another class. Far from all labels one class still gets nearly 1: see
        `predict_status()`. Raises like `transform()`.
        """
        return self._answers(X).probabilities

    def predict_status(self, X: Any) -> np.ndarray:
        """For each image "sure", "check" (look at it) or "unlike" (far from all labels); raises like `transform()`."""
        return self._answers(X).status

    def kneighbors(self, X: Any, n_neighbors: int = 5, return_distance: bool = True) -> Any:
        """The labeled images nearest to each image, nearest first.

        Args:
            X: n images.
            n_neighbors: how many, from 1 to the number of labeled images.
            return_distance: False leaves the distances out.
        Returns:
            distances, Euclidean, in the unit of the embedding, and positions in the X of `fit()`, both of shape
            (n, n_neighbors); for a run of `ilk fit`, positions in `space_.reference_names`.
        Raises:
            UsageError: more neighbors than labeled images, or fewer than 1; beside those of `transform()`.
        """
        check_is_fitted(self)
        if not 1 <= n_neighbors <= len(self.references_):
            raise UsageError(
                f"n_neighbors {n_neighbors}: allowed are 1 to {len(self.references_)}, the labeled images."
            )
        answers = self._answers(X, n_neighbors)
        positions = self.references_[answers.neighbors]
        return (answers.distances, positions) if return_distance else positions

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The fraction of the labeled images of X whose class `predict()` gives; unlabeled ones do not count.

        Raises:
            NoLabelsError: no image has a label; beside those of `transform()`.
            UsageError: another number of labels than images.
        """
        check_is_fitted(self)
        labels = labels_of(y)
        images = countable(X)
        if len(images) != len(labels):
            raise UsageError(f"y has {len(labels)} labels for {len(images)} images. Give one for each.")
        rows = [row for row, label in enumerate(labels) if label is not None]
        if not rows:
            raise NoLabelsError("y holds no label, so there is nothing to compare with. Give some labeled images.")
        right = self.predict(rows_of(images, rows)).astype(str) == [str(labels[row]) for row in rows]
        weights = None if sample_weight is None else np.asarray(sample_weight)[rows]
        return float(np.average(right, weights=weights))

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the model as a folder of safetensors and JSON with checksums, without pickle.

        `load()` reads it, and so does `ilk predict PATH DATA`. What belongs to the images of `fit()` stays behind:
        `embedding_`, `transduction_`, `confidence_`, `status_`.

        Args:
            path: a new or empty folder.
            overwrite: replace a model that `save()` wrote there; an error leaves the earlier one.
        Raises:
            RunExistsError: there is something else, or `overwrite` is False.
            UsageError: the place cannot be written to, or a parameter is no JSON value.
            ResourceError: the disk is full.
        """
        check_is_fitted(self)
        parameters = self.get_params(deep=False)
        if isinstance(self.random_state, np.random.RandomState):
            parameters["random_state"] = self.random_state_
        about = {
            "parameters": parameters,
            "labels": kind_of(self.classes_),
            "history": self.history_,
            "random_state": self.random_state_,
        }
        write_estimator(Path(path), self.space_, self.references_, about, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> NeighborEmbedding:
        """A model that `save()` or `ilk fit` wrote, with the same answers; its files are verified and run no code.

        Args:
            path: the folder given to `save()`, a run folder, or its folder `model`; classes of a run are texts.
        Raises:
            ModelError: a file is missing, damaged or of an unknown format.
        """
        space, references, about = read_estimator(Path(path))
        try:
            model = cls(**about["parameters"])
            model.size = tuple(model.size) if isinstance(model.size, list) else model.size
            model.classes_ = typed(space.classes, about["labels"])
            model.history_, model.random_state_ = list(about["history"]), about["random_state"]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"The estimator in {path} cannot be used: {error!r}. Save it again.") from error
        model.space_, model.references_ = space, references
        return model

    @property
    def _n_features_out(self) -> int:
        return self.space_.classifier.points.shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "space_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.non_deterministic = self.epochs is None or self.random_state is None
        return tags
