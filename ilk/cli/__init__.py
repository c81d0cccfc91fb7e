"""Ilk from a terminal: one function per command, errors in one sentence, exit codes that scripts can trust."""

from __future__ import annotations

import atexit
import difflib
import errno
import json
import os
import secrets
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence

import typer

from ilk import __version__
from ilk.cli.check import check
from ilk.cli.demo import demo
from ilk.cli.embed import embed
from ilk.cli.evaluate import evaluate
from ilk.cli.fit import fit
from ilk.cli.predict import predict
from ilk.cli.resume import resume
from ilk.cli.search import search
from ilk.errors import IlkError

INTERRUPTED = 130

app = typer.Typer(
    name="ilk",
    help="From a folder of images and a few labels to a classifier, a search and a map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, check, fit, resume, evaluate, predict, embed, search):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="The version, and nothing else.")) -> None:
    if version:
        print(f"ilk {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911  (one return per exit code)
    """Run one command and return its exit code; the console script `ilk`.

    0 ok · 1 unexpected · 2 usage · 3 data · 4 model refused · 5 out of disk or memory · 6 diverged · 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Threads that wait by spinning make a step up to eight times slower where other programs share the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if "MPLCONFIGDIR" not in os.environ:  # else matplotlib keeps its list of fonts in the user's home
        fonts = os.path.join(tempfile.gettempdir(), f"ilk-{secrets.token_hex(8)}")
        os.environ["MPLCONFIGDIR"] = fonts
        atexit.register(shutil.rmtree, fonts, ignore_errors=True)
    try:
        code = app(args=given, prog_name="ilk", standalone_mode=False) or 0
        if code == INTERRUPTED:  # typer has caught a KeyboardInterrupt
            return _refuse(given, "Interrupted.", code, KeyboardInterrupt())
        return code
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.TyperException as error:
        if not given:  # `ilk` alone has printed its help
            return 2
        return _refuse(given, _with_guess(error), 2, error)
    except IlkError as error:
        return _refuse(given, str(error), error.exit_code, error)
    except (KeyboardInterrupt, typer.Abort) as error:
        return _refuse(given, "Interrupted.", INTERRUPTED, error)
    except MemoryError as error:
        return _refuse(given, "Out of memory. Give fewer images, or a smaller --size.", 5, error)
    except BrokenPipeError:
        _hang_up()
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _refuse(given, f"The disk is full: {error.filename or 'writing failed'}. Free some space.", 5, error)
        if isinstance(error, OSError):
            return _refuse(given, f"{error.strerror or error}: {error.filename}", 1, error)
        text = f"{type(error).__name__}: {error}. This is a fault of Ilk; --debug shows where."
        return _refuse(given, text, 1, error)


def _refuse(given: list[str], text: str, code: int, error: BaseException) -> int:
    if "--debug" in given:
        traceback.print_exception(error)
    print(f"error: {text}", file=sys.stderr, flush=True)
    if "--json" in given:
        try:
            print(json.dumps({"error": text, "exit_code": code}, ensure_ascii=False), flush=True)
        except BrokenPipeError:
            _hang_up()
    return code


def _hang_up() -> None:
    """Nobody reads on: let the rest of the output go nowhere, else Python complains once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_guess(error: typer.TyperException) -> str:
    """A usage error in one sentence, with the nearest option where one was mistyped."""
    wrong = getattr(error, "option_name", None) if type(error).__name__ == "NoSuchOption" else None
    if wrong is None:
        text = getattr(error, "format_message", lambda: str(error))()
    else:
        context = getattr(error, "ctx", None)
        known = [name for parameter in context.command.params for name in parameter.opts] if context else []
        names = [name.removeprefix("--") for name in known if name.startswith("--")]
        near = difflib.get_close_matches(wrong.lstrip("-"), names, n=1)
        text = f"No such option: {wrong}." + (f" Did you mean --{near[0]}?" if near else "")
    text = text.removeprefix("Invalid value: ")
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    context = getattr(error, "ctx", None)
    return text + (f" See: {context.command_path} --help" if context else "")
