"""What a command says when it refuses, in one sentence, and the exit code that goes with it."""

from __future__ import annotations

import difflib
import errno
import re

import typer

from ilk.errors import IlkError

INTERRUPTED = 130
OUT_OF_MEMORY = "Out of memory. Give fewer images, or a smaller --size."
MEANT = {
    **dict.fromkeys(("train", "learn", "run"), "fit"),
    **dict.fromkeys(("classify", "label", "infer"), "predict"),
    **dict.fromkeys(("eval", "test", "score"), "evaluate"),
    **dict.fromkeys(("continue", "restart"), "resume"),
    **dict.fromkeys(("find", "query", "similar"), "search"),
    **dict.fromkeys(("validate", "audit", "inspect"), "check"),
    **dict.fromkeys(("plot", "project", "tsne", "umap"), "map"),
    **dict.fromkeys(("visualize", "interpret", "attribute", "why"), "explain"),
    **dict.fromkeys(("summary", "summarize", "info", "profile"), "describe"),
    **dict.fromkeys(("save", "pack", "onnx", "bundle"), "export"),
}
"""Commands of other programs, and ours for the same."""


def refusal_of(error: BaseException) -> tuple[str, int]:  # noqa: PLR0911  (one return per kind)
    """The sentence and the exit code."""
    if isinstance(error, typer.TyperException):
        return _usage(error), 2
    if isinstance(error, IlkError):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "Interrupted.", INTERRUPTED
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk is full: {error.filename or 'writing failed'}. Free some space.", 5
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}. Give a path that you may read and write.", 1
    out_of_memory = isinstance(error, RuntimeError) and re.search("out of memory|allocate memory", str(error))
    if isinstance(error, MemoryError) or out_of_memory:  # Python's own, or torch's
        return OUT_OF_MEMORY, 5
    return f"{type(error).__name__}: {error}. This is a fault of Ilk; --debug shows where.", 1


def reader_has_left(error: BaseException) -> bool:
    """Whether a help page met a closed pipe, as in `ilk --help | head -1`; typer makes that an exit with code 1."""
    return isinstance(error, BrokenPipeError) or (
        isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)
    )


def _usage(error: typer.TyperException) -> str:
    """A usage error in one sentence that ends with where help is."""
    text = _unknown_option(error) or getattr(error, "format_message", lambda: str(error))()
    text = text.removeprefix("Invalid value: ")
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    if "extra argument" in text:
        text += " Put a path or value that holds a space in quotes."
    unknown = re.fullmatch("No such command '(.+)'\\..*", text)
    if unknown and unknown[1] in MEANT:
        text = f"No such command '{unknown[1]}'. Did you mean '{MEANT[unknown[1]]}'?"
    context = getattr(error, "ctx", None)
    return text + (f" See: {context.command_path} --help" if context else "")


def _unknown_option(error: typer.TyperException) -> str:
    """The sentence about an option that there is not, with the nearest one; empty for another error."""
    wrong = getattr(error, "option_name", None) if type(error).__name__ == "NoSuchOption" else None
    if wrong is None:
        return ""
    context = getattr(error, "ctx", None)
    known = [name for parameter in context.command.params for name in parameter.opts] if context else []
    names = [name.removeprefix("--") for name in known if name.startswith("--")]
    near = difflib.get_close_matches(wrong.lstrip("-"), names, n=1)
    return f"No such option: {wrong}." + (f" Did you mean --{near[0]}?" if near else "")
