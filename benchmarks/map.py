"""The map page in headless Chromium: time until it is ready, and the pace of panning and zooming, in frames.

The points are drawn at random unless a page is named. The bar: 60,000 points at 30 frames per second or more. A frame
counts when the map was drawn in it; where there is no graphics card WebGL runs in software, on the processor's cores.

    python benchmarks/map.py
    python benchmarks/map.py --page runs/pets/map.html --seconds 5
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ilk.maps import MapContent, render_page

FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking")

# Turns the wheel and drags by turns; resolves to the times of the frames.
SCRIPT = """
async ([seconds, what]) => {
  const canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect();
  const middle = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
  const send = (Kind, type, more) =>
    canvas.dispatchEvent(new Kind(type, { bubbles: true, cancelable: true, ...middle, ...more }));
  send(MouseEvent, "mouseenter", {});
  send(MouseEvent, "mousemove", {});
  if (what === "pan") send(MouseEvent, "mousedown", { buttons: 1 });
  const times = [], begin = performance.now();
  for (let i = 0; performance.now() - begin < seconds * 1000; i++) {
    if (what === "zoom") send(WheelEvent, "wheel", { deltaY: Math.sin(i / 20) > 0 ? -20 : 20 });
    else {
      const [dx, dy] = [150 * Math.sin(i / 15), 90 * Math.cos(i / 15)];
      send(MouseEvent, "mousemove", { buttons: 1, clientX: middle.clientX + dx, clientY: middle.clientY + dy });
    }
    await new Promise(requestAnimationFrame);
    times.push(performance.now());
  }
  send(MouseEvent, "mouseup", {});
  return times;
}
"""


def main() -> None:
    settings = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        page = settings.page or Path(folder) / "map.html"
        if settings.page is None:
            page.write_text(render_page(random_content(settings.points, settings.seed)), "utf-8")
        print(f"page       {page.stat().st_size / 1e6:.1f} MB")
        measure(page, settings.seconds)


def random_content(points: int, seed: int) -> MapContent:
    draws = np.random.default_rng(seed)
    group = draws.integers(0, 10, points)
    spots = draws.normal(size=(10, 2))[group] * 3 + draws.normal(size=(points, 2)) * 0.5
    labeled = np.flatnonzero(np.arange(points) % 600 == 0)
    return MapContent(
        title="benchmark",
        positions=spots,
        names=[f"{i:06d}.png" for i in range(points)],
        targets=np.where(np.isin(np.arange(points), labeled), group, -1),
        answers=group,
        confidence=draws.uniform(size=points),
        status=["sure"] * points,
        classes=[f"class {c}" for c in range(10)],
        neighbors=draws.choice(labeled, (points, 3)),
        distances=draws.uniform(size=(points, 3)),
        images=draws.integers(0, 255, (points, 1, 16, 16)).astype(np.uint8),
    )


def measure(page: Path, seconds: float) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        tab.goto(page.resolve().as_uri())
        tab.wait_for_function("window.ilkMap.ready", timeout=120_000)
        print(f"ready      {time.perf_counter() - begin:.2f} s, {tab.evaluate('ilkMap.count'):,} points")
        for what in ("pan", "zoom"):
            before = tab.evaluate("ilkMap.view()")
            frames = np.diff(tab.evaluate(SCRIPT, [seconds, what]))
            if tab.evaluate("ilkMap.view()") == before:
                sys.exit(f"The map did not {what}.")
            median = statistics.median(frames)
            slow = float(np.quantile(frames, 0.95))
            print(f"{what:<10} {1000 / median:.0f} frames/s (median {median:.1f} ms, 95% under {slow:.1f} ms)")
        browser.close()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, help="a map.html; random points unless said")
    parser.add_argument("--points", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
