"""Make docs/pictures/map.png and report.png from a finished run: `python docs/generate_pictures.py runs/demo`.

The report is photographed by the system's Chromium, else by Playwright's own, without a network.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image, ImageChops, ImageOps
from playwright.sync_api import ViewportSize, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
WIDTH = 600
"""Pixels across each picture."""
VIEW = ViewportSize(width=880, height=600)
LEFT_OUT = "nav, footer, section:not(.verdict, .least), .least > .note, .least .cards > li:nth-child(n + 4)"
"""What of the report is not shown: all but the verdict and the first row of the images that deserve a look."""
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def photograph(page: Path) -> Image.Image:
    """The shown parts of a report as a browser draws them, at twice the resolution."""
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(filter(None, browsers), None), args=list(FLAGS))
        context = browser.new_context(offline=True, viewport=VIEW, device_scale_factor=2, color_scheme="light")
        tab = context.new_page()
        tab.goto(page.resolve().as_uri())
        tab.evaluate("left => document.querySelectorAll(left).forEach(part => part.style.display = 'none')", LEFT_OUT)
        picture = tab.screenshot(full_page=True)
        browser.close()
    return Image.open(io.BytesIO(picture)).convert("RGB")


def without_margins(picture: Image.Image) -> Image.Image:
    """What is not white, with a little white around it."""
    picture = picture.convert("RGB")
    box = ImageChops.invert(picture).getbbox()
    return ImageOps.expand(picture.crop(box), picture.width // 50, "white")


def save(picture: Image.Image, name: str) -> None:
    """Write a picture with a palette, a third of the bytes, and say how large it is."""
    path = PICTURES / name
    path.parent.mkdir(exist_ok=True)
    # The octree keeps the rare colors of small marks, which the median cut merges.
    picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {picture.width}×{picture.height}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name a finished run, such as: python docs/generate_pictures.py runs/demo")
    run = Path(sys.argv[1])
    report = photograph(run / "report.html")
    size = (WIDTH, round(WIDTH * report.height / report.width))
    save(report.resize(size, Image.Resampling.LANCZOS), "report.png")
    save(ImageOps.pad(without_margins(Image.open(run / "plots" / "map.png")), size, color="white"), "map.png")
