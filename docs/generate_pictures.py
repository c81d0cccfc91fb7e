"""Make docs/pictures/map.png and report.png from a finished run: `python docs/generate_pictures.py runs/demo`.

The report is photographed by the system's Chromium, without a network.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parent / "pictures"
SIDE = 600
"""Pixels across a picture in the README."""
COLORS = 128
"""Of the palette: a picture takes a third of the bytes and looks the same."""
VIEW = {"width": 1000, "height": 1000}
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def save(picture: Image.Image, name: str) -> None:
    """Scale a picture to the README's width and write it with a palette."""
    small = picture.convert("RGB").resize(
        (SIDE, round(SIDE * picture.height / picture.width)), Image.Resampling.LANCZOS
    )
    PICTURES.mkdir(exist_ok=True)
    small.quantize(COLORS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)
    print(f"{PICTURES / name}: {small.width}×{small.height}, {(PICTURES / name).stat().st_size / 1000:.0f} kB")


def photograph(page: Path) -> Image.Image:
    """The upper part of a page as a browser shows it, at twice the resolution."""
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(filter(None, browsers), None), args=list(FLAGS))
        context = browser.new_context(offline=True, viewport=VIEW, device_scale_factor=2, color_scheme="light")
        shown = context.new_page()
        shown.goto(page.resolve().as_uri())
        picture = shown.screenshot()
        browser.close()
    return Image.open(io.BytesIO(picture))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name a finished run, such as: python docs/generate_pictures.py runs/demo")
    run = Path(sys.argv[1])
    save(Image.open(run / "plots" / "map.png"), "map.png")
    save(photograph(run / "report.html"), "report.png")
