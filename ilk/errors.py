"""Every exception that a caller may catch, drawn as one tree.

    IlkError                    exit 1
    ├── UsageError              exit 2   settings that cannot be meant
    │   ├── RunExistsError               the run folder is already there
    │   └── ShapeError                   an array of the wrong shape or type
    ├── DataError               exit 3   images or labels that cannot be used
    │   ├── NoImagesError
    │   ├── NoLabelsError
    │   ├── OneClassError
    │   ├── TooFewLabelsError            a class holds fewer labels than requested
    │   ├── LabelsFileError              a labels file that contradicts itself or its folder
    │   └── ChannelsError                gray images for a color model, or the reverse
    ├── ModelError              exit 4   a saved model or checkpoint that is not whole
    ├── ResourceError           exit 5   out of disk or memory
    ├── DivergedError           exit 6   the loss or a gradient is no longer a finite number
    └── InterruptedRunError     exit 130 stopped by the user; the run can go on

A message says what happened, where (file and line, or image), what is allowed, and what mends it.
"""

from __future__ import annotations


class IlkError(Exception):
    """The root of all errors that Ilk raises on purpose; `exit_code` is what the command line returns for it."""

    exit_code: int = 1


class UsageError(IlkError, ValueError):
    """Settings that cannot be meant: an unknown name, a number out of its range, options that exclude each other."""

    exit_code = 2


class RunExistsError(UsageError):
    """The run folder is already there and `overwrite` was not set, or it is not an Ilk run."""


class ShapeError(UsageError):
    """An array or tensor whose shape or type is not the one that the function needs."""


class DataError(IlkError, ValueError):
    """Images or labels that cannot be used as they are."""

    exit_code = 3


class NoImagesError(DataError):
    """No image could be found, or none could be decoded."""


class NoLabelsError(DataError):
    """Not a single image has a label."""


class OneClassError(DataError):
    """All labels name the same class, so there is nothing to tell apart."""


class TooFewLabelsError(DataError):
    """A class has fewer labels than requested."""


class LabelsFileError(DataError):
    """A labels file that cannot be read, contradicts itself, or leaves its folder."""


class ChannelsError(DataError):
    """Gray images for a model of color images, or the reverse."""


class ModelError(IlkError):
    """A saved model or checkpoint is damaged, incomplete, or of an unknown version; nothing of it was used."""

    exit_code = 4


class ResourceError(IlkError):
    """Out of disk space or memory; what was saved before is kept."""

    exit_code = 5


class DivergedError(IlkError):
    """The loss or a gradient stopped being a finite number; the last good state is kept."""

    exit_code = 6


class InterruptedRunError(IlkError):
    """The user stopped the run; its state is saved and `ilk resume` goes on."""

    exit_code = 130
