"""What every test shares: shapes checked at run time, the folder of real images, few threads, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jaxtyping import install_import_hook

# Before torch reads it: threads that wait by spinning starve one another where the cores are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Before anything imports ilk: every annotated shape is then checked on every call.
install_import_hook("ilk", "beartype.beartype")

import torch  # noqa: E402  (after the hook, so that nothing can bring ilk in ahead of it)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real image sets, or a skip that says how to name it."""
    folder = (ROOT / os.environ.get("ILK_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real data is absent: there is no folder {folder}; ILK_DATA names the one that holds mnist/")
    return folder


CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",  # WebGL in software, wherever there is no graphics card
    "--enable-unsafe-swiftshader",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium: the system's, else Playwright's own, else a skip that says how to get one."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is absent: make setup")
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync.sync_playwright() as playwright:
        path = system or playwright.chromium.executable_path
        if not os.path.exists(path):
            pytest.skip("no Chromium is here: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@dataclass
class Watched:
    """A browser page, and what it did that a self-contained page must not do.

    Args:
        page: of Playwright.
        requests: addresses that it asked for, beside the file itself and data: and blob: addresses.
        complaints: errors and warnings on its console, and exceptions.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: Path) -> None:
        """Open a file as a user would, by a double click."""
        address = path.resolve().as_uri()

        def note(request: Request) -> None:
            if request.url.split("#")[0] != address and not request.url.startswith(("data:", "blob:")):
                self.requests.append(request.url)

        def complain(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(message.text)

        self.page.on("request", note)
        self.page.on("console", complain)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """A fresh page without a network, at desktop width; its set_viewport_size makes it a phone."""
    context = chromium.new_context(offline=True, viewport={"width": 1280, "height": 900})
    yield Watched(context.new_page())
    context.close()
