"""The lines that say what went in: used + skipped = found, and how many labels each class has."""

from __future__ import annotations

from ilk.data import Dataset

SHOWN_CLASSES = 6


def data_line(dataset: Dataset, skipped_at: str = "") -> str:
    """One line: how many files were found, used and skipped."""
    where = f" ({skipped_at})" if skipped_at and dataset.skipped else ""
    line = (
        f"Data    {dataset.source}  {dataset.found:,} found = {len(dataset):,} used + {len(dataset.skipped):,} skipped"
    )
    ignored = f", {dataset.ignored:,} other files ignored" if dataset.ignored else ""
    return line + where + ignored


def labels_line(dataset: Dataset) -> str:
    """One line: how many labels, in which classes, and how many images without one."""
    counts = sorted(dataset.counts().items(), key=lambda item: -item[1])
    equal = len({count for _, count in counts}) == 1
    shown = [name if equal else f"{name} {count:,}" for name, count in counts]
    if len(shown) > SHOWN_CLASSES:
        shown = [*shown[: SHOWN_CLASSES - 2], "…", shown[-1]]
    labeled = sum(count for _, count in counts)
    each = f"{counts[0][1]:,} each: " if equal else ""
    in_classes = f" in {len(counts):,} classes ({each}{', '.join(shown)})" if counts else ""
    return f"Labels  {labeled:,} labeled{in_classes}, {len(dataset) - labeled:,} unlabeled"


def facts(dataset: Dataset) -> dict[str, object]:
    """The same as JSON can hold it."""
    _, channels, height, width = dataset.images.shape
    return {
        "source": dataset.source,
        "found": dataset.found,
        "used": len(dataset),
        "skipped": len(dataset.skipped),
        "ignored": dataset.ignored,
        "labeled": len(dataset.labeled),
        "unlabeled": len(dataset) - len(dataset.labeled),
        "classes": dataset.counts(),
        "height": height,
        "width": width,
        "channels": channels,
        "notes": list(dataset.notes),
    }
