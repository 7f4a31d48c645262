"""Takes the pictures of README and of the first page, of pages as mebench writes them; faces are drawn ones.

    mkdir -p build && cp -r leaderboards build
    mebench leaderboard build --out build/leaderboards
    mebench run method=linear_spotter dataset=synthetic dataset.subjects=8 dataset.videos=2
    mebench report linear_spotter -o build/report.html
    python docs/pictures.py build/leaderboards/site build/report.html

Needs Playwright and a Chromium of this machine (`CHROMIUM` names another than /usr/bin/chromium).
"""

import io
import os
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, Locator, sync_playwright

DOCS = Path(__file__).resolve().parent
BOARD = "boards/megc2019.html"


def keep(picture: bytes, name: str) -> None:
    """As a small file: pages have few colours."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64).save(DOCS / name, optimize=True)


def box_of(part: Locator) -> FloatRect:
    """Where it stands on the page."""
    box = part.bounding_box()
    assert box is not None, f"{part} is not on the page"
    return box


def main(site: str, report: str) -> None:
    """The board of MEGC 2019 with its sentence and first rows, and the first timeline of a report."""
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 12_000})  # timelines are drawn when seen
        page.goto((Path(site).resolve() / BOARD).as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        title, last = box_of(page.locator("h1")), box_of(page.locator("tbody tr").nth(5))
        bottom = last["y"] + last["height"]
        left, width, height = last["x"] - 16, last["width"] + 32, bottom - title["y"]
        board = page.screenshot(full_page=True, clip={"x": left, "y": title["y"], "width": width, "height": height})
        keep(board, "leaderboard.png")
        page.goto(Path(report).resolve().as_uri())
        page.wait_for_timeout(1000)
        top = box_of(page.get_by_text("Timelines", exact=True).last)
        end = box_of(page.get_by_text("/s001/v02").first)
        height = end["y"] - top["y"] - 12
        timeline = page.screenshot(full_page=True, clip={"x": 0, "y": top["y"] - 8, "width": 1180, "height": height})
        keep(timeline, "timeline.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
