"""The same path as one scikit-learn object: images and a few labels in, a classifier and transformer out."""

from __future__ import annotations

from ilk.estimator.neighbor_embedding import NeighborEmbedding

__all__ = ["NeighborEmbedding"]
