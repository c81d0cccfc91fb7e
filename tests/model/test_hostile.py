"""Models made to harm: each is refused fast, in little memory, without running or touching anything else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from ilk.model.bundle import save_bundle
from tests.model.whole_model import FILES, cpu_weights, reseal, rewrite, safetensors, small_bundle

ROOT = Path(__file__).resolve().parents[2]
SECONDS, MEMORY = 1.0, 100 * 2**20
WEIGHTS, NAMES = "weights.safetensors", "reference_names.jsonl"


def sealed(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    reseal(folder)


def listed(folder: Path, name: str) -> None:
    """Let the checksums list another name for the weights, with the right size and SHA-256."""
    path = folder / "checksums.json"
    path.write_text(path.read_text().replace(WEIGHTS, name))


def sparse(folder: Path, name: str, header: bytes, size: int) -> None:
    """A file as large as it says that takes no room on disk, listed with its size; its SHA-256 nobody has."""
    path = folder / name
    path.write_bytes(header)
    os.truncate(path, len(header) + size)
    listing = folder / "checksums.json"
    recorded = json.loads(listing.read_text())
    recorded["files"][name]["bytes"] = len(header) + size
    listing.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n")


def pickle_renamed(folder: Path) -> None:
    torch.save(cpu_weights(), folder / WEIGHTS)  # a pickle in a zip archive
    reseal(folder)


def old_pickle_renamed(folder: Path) -> None:
    torch.save(cpu_weights(), folder / WEIGHTS, _use_new_zipfile_serialization=False)
    reseal(folder)


def long_header(folder: Path) -> None:
    sealed(folder, WEIGHTS, safetensors(b'{"a": ' + b" " * 100 * 2**20 + b"{}}"))


def wide_header(folder: Path) -> None:
    entries = {f"{number:07d}": ("U8", [0], [0, 0]) for number in range(7_000)}
    sealed(folder, WEIGHTS, safetensors(entries))


def zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / WEIGHTS, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(200 * 2**20))
    reseal(folder)


def path_outside(folder: Path) -> None:
    listed(folder, "../../canary.safetensors")


def absolute_path(folder: Path) -> None:
    listed(folder, str(folder.parent / "canary.safetensors"))


def link(folder: Path) -> None:
    (folder.parent / "canary").write_bytes((folder / WEIGHTS).read_bytes())
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to(folder.parent / "canary")


def listing_is_a_link(folder: Path) -> None:
    (folder / "checksums.json").rename(folder.parent / "canary")
    (folder / "checksums.json").symlink_to(folder.parent / "canary")


def pipe(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)


def deep_header(folder: Path) -> None:
    sealed(folder, WEIGHTS, safetensors(b'{"a":' * 50_000 + b"1" + b"}" * 50_000))


def deep_description(folder: Path) -> None:
    sealed(folder, "model.json", b"[" * 10_000_000)


def long_description(folder: Path) -> None:
    sealed(folder, "model.json", b" " * (2**24 + 1))


def many_values(folder: Path) -> None:
    sealed(folder, "model.json", b'{"a":[' + b"[]," * 5_000_000 + b"[]]}")


def names_in_one_object(folder: Path) -> None:
    sealed(folder, NAMES, b'"a"\n"b",[],{},"c"\n"d"\n')


def names_nested(folder: Path) -> None:
    sealed(folder, NAMES, b'"a"\n"b"\n' + b"[" * 10_000 + b"\n")


def names_without_end(folder: Path) -> None:
    sealed(folder, NAMES, b'"a"\n"b"\n"c\n')


def names_not_utf8(folder: Path) -> None:
    sealed(folder, NAMES, b'"a"\n"b"\n"\xff"\n')


def names_too_few(folder: Path) -> None:
    sealed(folder, NAMES, b'"a"\n"\\n\\n\\n"\n')


def names_too_many(folder: Path) -> None:
    sealed(folder, NAMES, b'""\n' * 8000)


def millions_of_empty_names(folder: Path) -> None:
    sealed(folder, NAMES, b'""\n' * 10_000_000)


def references_without_names(folder: Path) -> None:
    """Three million labeled images whose numbers take no room on disk, named in as few bytes as names can take."""
    count = 3 * 10**6
    end = count * 2 * 4
    rows = {"embeddings": ("F32", [count, 2], [0, end]), "targets": ("I64", [count], [end, end + count * 8])}
    sealed(folder, NAMES, b'""\n' * count)
    sparse(folder, "references.safetensors", safetensors(rows), end + count * 8)


def sparse_names(folder: Path) -> None:
    count = 10**6
    end = count * 2 * 4
    rows = {"embeddings": ("F32", [count, 2], [0, end]), "targets": ("I64", [count], [end, end + count * 8])}
    sparse(folder, "references.safetensors", safetensors(rows), end + count * 8)
    sparse(folder, NAMES, b"", 2**26)


def deep_listing(folder: Path) -> None:
    (folder / "checksums.json").write_bytes(b'{"files":' * 5000 + b"1" + b"}" * 5000)


def long_listing(folder: Path) -> None:
    (folder / "checksums.json").write_bytes(b" " * 100 * 2**20)


def description_twice(folder: Path) -> None:
    text = (folder / "model.json").read_text("utf-8")
    sealed(folder, "model.json", text.replace('"k": 1', '"k": 1, "k": 3').encode())


def listing_twice(folder: Path) -> None:
    path = folder / "checksums.json"
    path.write_text(path.read_text().replace('"files"', '"files": {},\n  "files"'))


def tensor_twice(folder: Path) -> None:
    sealed(folder, WEIGHTS, safetensors(b'{"a": {}, "a": {}}'))


def not_finite(folder: Path) -> None:
    sealed(folder, WEIGHTS, save(cpu_weights(embedding__bias=torch.tensor([0.0, torch.nan]))))


def overlapping(folder: Path) -> None:
    rows = {"a": ("F32", [2**20], [0, 2**22]), "b": ("F32", [2**20], [0, 2**22])}
    sealed(folder, WEIGHTS, safetensors(rows, bytes(2**22)))


def huge_shape(folder: Path) -> None:
    sealed(folder, WEIGHTS, safetensors({"a": ("F32", [2**40], [0, 2**42])}))


def sparse_weights(folder: Path) -> None:
    sparse(folder, WEIGHTS, safetensors({"features.0.weight": ("U8", [2**31], [0, 2**31])}), 2**31)


def sparse_references(folder: Path) -> None:
    """A hundred million dimensions, which the network would need a last layer for."""
    dim = 10**8
    end = 3 * dim * 4
    header = safetensors({"embeddings": ("F32", [3, dim], [0, end]), "targets": ("I64", [3], [end, end + 24])})
    sparse(folder, "references.safetensors", header, end + 24)


def absurd_size(folder: Path) -> None:
    sparse(folder, WEIGHTS, b"", 2**40)


def many_channels(folder: Path) -> None:
    rewrite(folder, channels=2**62)


def wrong_type(folder: Path) -> None:
    sealed(folder, WEIGHTS, save(cpu_weights(embedding__bias=torch.zeros(2, dtype=torch.float64))))


def newer(folder: Path) -> None:
    rewrite(folder, format=4)


def newer_with_more_files(folder: Path) -> None:
    (folder / "calibration.safetensors").write_bytes(b"?")
    rewrite(folder, format=4)


def many_files(folder: Path) -> None:
    for number in range(2000):
        (folder / f"{number}.bin").touch()


HOSTILE = {
    pickle_renamed: "no safetensors file",
    old_pickle_renamed: "no safetensors file",
    long_header: "no safetensors file",
    wide_header: "no part of it|is not there",
    zip_bomb: "no safetensors file",
    path_outside: "no model of Ilk's has",
    absolute_path: "no model of Ilk's has",
    link: "is a link",
    listing_is_a_link: "is a link",
    pipe: "no plain file",
    deep_header: "is damaged",
    deep_description: "is damaged",
    long_description: "is larger than",
    many_values: "more than 1,000,000 values",
    names_in_one_object: "one JSON string",
    names_nested: "one JSON string",
    names_without_end: "one JSON string",
    names_not_utf8: "is damaged",
    names_too_few: "2 lines for 3 labeled",
    names_too_many: "8,000 lines for 3 labeled",
    millions_of_empty_names: "8,192 each are allowed",
    references_without_names: "SHA-256 is not the recorded one",
    sparse_names: "SHA-256 is not the recorded one",
    deep_listing: "is damaged",
    long_listing: "longer than",
    description_twice: "a key comes twice",
    listing_twice: "a key comes twice",
    tensor_twice: "a key comes twice",
    not_finite: "not finite",
    overlapping: "does not begin where another ends",
    huge_shape: "do not fill it",
    sparse_weights: "must be F32",
    sparse_references: "self.test",
    absurd_size: "4,294,967,296 bytes are allowed",
    many_channels: "self.test",
    wrong_type: "but is F64",
    newer: "Update Ilk",
    newer_with_more_files: "Update Ilk",
    many_files: "no part of this model",
}

WATCHED = """
import json, sys, time
from pathlib import Path
import torch
from ilk.errors import ModelError
from ilk.model.bundle import load_bundle
RUNS = ("exec", "compile", "import", "socket", "subprocess", "os.system", "os.exec", "os.posix_spawn", "os.fork",
        "ctypes", "pickle", "marshal", "code.__new__")
WRITES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "shutil",
          "tempfile")
seen, watching = [], False
def peak():
    # The most memory that this process itself held since it was last asked; getrusage would begin with its parent's.
    try:
        with open("/proc/self/status") as status:
            (line,) = (line for line in status if line.startswith("VmHWM"))
        with open("/proc/self/clear_refs", "w") as reset:
            reset.write("5")
    except OSError:
        return 0
    return int(line.split()[1]) * 1024
def hook(name, arguments):
    if not watching:
        return
    if name.startswith(RUNS + WRITES):
        seen.append([name, repr(arguments)[:200]])
    if name == "open":
        path, mode, _ = arguments
        # PyTorch reads its own sources where it notes down who asked for a seed; reading them is not running them.
        inside = str(path).startswith(str(folder)) or str(path).endswith(".py")
        if mode not in ("r", "rb", None) or not inside:
            seen.append([name, repr(arguments)[:200]])
sys.addaudithook(hook)
for line in sys.stdin:
    peak()
    folder, before, begun = Path(line.strip()), peak(), time.perf_counter()
    watching = True
    try:
        load_bundle(folder)
        said, code = "", 0
    except ModelError as error:
        said, code = str(error), error.exit_code
    watching = False
    seconds = time.perf_counter() - begun
    grown = peak() - before
    print(json.dumps([code, said, seconds, grown, seen]))
    seen = []
"""


def watched(*folders: Path) -> list[tuple[int, str, float, int, list]]:
    """Each model loaded in a process of its own kind: exit code, words, seconds, bytes of memory, what it did."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        input="\n".join(map(str, folders)),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, float, int, list]]:
    """A whole model first and last, between them every hostile one, each in a folder of its own."""
    place = tmp_path_factory.mktemp("hostile")
    folders = {}
    for name, spoil in {"whole": None, **{made.__name__: made for made in HOSTILE}, "whole again": None}.items():
        folder = folders[name] = place / name.replace(" ", "-") / "model"
        folder.parent.mkdir()
        save_bundle(folder, small_bundle())
        assert sorted(os.listdir(folder)) == list(FILES)
        if spoil:
            spoil(folder)
    before = sorted(place.rglob("*"))
    told = dict(zip(folders, watched(*folders.values()), strict=True))
    assert sorted(place.rglob("*")) == before
    return told


@pytest.mark.parametrize("name", ["whole", "whole again"])
def test_loading_a_whole_model_runs_imports_and_writes_nothing(outcomes, name):
    code, said, seconds, _, seen = outcomes[name]
    assert (code, said, seen) == (0, "", [])
    assert seconds < SECONDS


@pytest.mark.parametrize("spoil", HOSTILE, ids=lambda spoil: spoil.__name__)
def test_a_hostile_model_is_refused(outcomes, spoil):
    code, said, seconds, grown, seen = outcomes[spoil.__name__]
    assert code == 4
    assert re.search(HOSTILE[spoil], said), said
    assert len(said) < 1000
    assert seen == []
    assert seconds < SECONDS
    assert grown < MEMORY


def test_the_watch_sees_what_it_watches_for(tmp_path, monkeypatch):
    """A reader that imports, runs and writes is caught; else the tests above could not fail."""
    save_bundle(tmp_path / "model", small_bundle())
    bad = "import colorsys; exec('1'); open(__import__('os').devnull, 'w').close(); time.sleep(1); b'1' * 2**28"
    monkeypatch.setattr(sys.modules[__name__], "WATCHED", WATCHED.replace("load_bundle(folder)\n", bad + "\n"))
    ((_, _, seconds, grown, seen),) = watched(tmp_path / "model")
    assert seconds > SECONDS
    if sys.platform == "linux":
        assert grown > MEMORY
    assert {"import", "exec", "open"} <= {name for name, _ in seen}
