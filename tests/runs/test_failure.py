"""An error that ends a run says what to do next, by what is really there, and train.log has it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.errors import DataError, DivergedError, IlkError, InterruptedRunError, ResourceError, UsageError
from ilk.runs.failure import explain_failure
from ilk.storage.run import Run, create_run

NOTHING_YET = "No checkpoint was saved yet. Begin again with: ilk resume "


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "run", overwrite=False, config={})


def cannot_write() -> UsageError:
    error = UsageError("x cannot be written.")
    error.__cause__ = PermissionError(13, "Permission denied")
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (InterruptedRunError("Stopped after step 3."), InterruptedRunError, "Go on with: ilk resume "),
        (ResourceError("The disk is full."), ResourceError, NOTHING_YET),
        (KeyboardInterrupt(), InterruptedRunError, f"Stopped at once. {NOTHING_YET}"),
        (MemoryError(), ResourceError, f"(`size`). {NOTHING_YET}"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), ResourceError, f"(`size`). {NOTHING_YET}"),
        (cannot_write(), UsageError, NOTHING_YET),
    ],
)
def test_the_way_on_is_said_and_logged(run: Run, error: BaseException, kind: type[IlkError], words: str) -> None:
    with pytest.raises(kind) as caught, explain_failure(run):
        raise error
    assert words in str(caught.value)
    assert str(run.path) in str(caught.value)
    assert f"Stopped {caught.value}" in run.log.read_text("utf-8")


def test_a_run_that_diverged_is_not_to_be_resumed(run: Run) -> None:
    """It would meet the same end."""
    with pytest.raises(DivergedError, match="a smaller `learning_rate`") as caught, explain_failure(run):
        raise DivergedError("At step 9, the loss is not a finite number.")
    assert "ilk resume" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [UsageError("no such layer"), DataError("no image"), ZeroDivisionError(), RuntimeError()]
)
def test_what_no_resume_would_mend_passes_as_it_is(run: Run, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explain_failure(run):
        raise error
    assert caught.value is error
    assert not run.log.exists()


def test_a_folder_that_vanished_is_said_to_have(run: Run) -> None:
    run.config.unlink()
    with pytest.raises(ResourceError, match="has vanished"), explain_failure(run):
        raise cannot_write()
