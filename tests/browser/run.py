# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the page about a host (``slipway report``) in Chromium, and look at it as people do.

    tests/sandbox PYTHON tests/browser/run.py DIRECTORY [CHROMIUM]

Pages of hosts without containers, with some that run and with many whose names are as long as names
can be, each on a wide screen, on a phone, and dark. It fails where a page is blank, is wider than
the screen, has a part that is wider than its place, or lacks the name of a container. The
screenshots are in DIRECTORY, for people to look at.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
CHECKOUT = HERE.parents[2]
COLLECTIONS = CHECKOUT / ".build" / "collections"
sys.path[:0] = [str(CHECKOUT / "tests"), str(COLLECTIONS)]

#: Names of screens, and how wide they are in pixels.
SCREENS: Mapping[str, int] = {"wide": 1280, "phone": 390}
#: How high a screenshot is at most, in pixels.
_HIGHEST = 6000
_TIMEOUT_S = 120

#: Shows a page in a frame of a width, as no window of Chromium is as narrow as a phone, and says
#: what is on it. The page's own policy lets no script run in it, so this looks from outside.
_FRAME = """<!DOCTYPE html><meta charset="utf-8"><style>*{margin:0;padding:0;border:0}
iframe{display:block}</style><iframe src="PAGE" width="WIDTH" height="800"></iframe>
<script>
addEventListener("load", () => {
  const frame = document.querySelector("iframe"), shown = frame.contentDocument;
  const root = shown.documentElement, names = [];
  for (const cell of shown.querySelectorAll("td.name")) {
    const box = cell.getBoundingClientRect();
    if (box.width > 0 && box.height > 0 && box.left >= 0 && box.right <= WIDTH)
      names.push(cell.textContent);
  }
  const found = {
    wide: root.scrollWidth, high: root.scrollHeight, text: shown.body.innerText, names: names,
    background: frame.contentWindow.getComputedStyle(shown.body).backgroundColor,
    spilled: [...shown.querySelectorAll("main, section, div, p, h1, h2, ul, li, td")].filter(
      (one) => one.scrollWidth > one.clientWidth + 1 && !one.matches(".map")
    ).map((one) => one.tagName + " " + one.textContent.slice(0, 60)),
  };
  frame.height = root.scrollHeight;
  const said = document.createElement("pre");
  said.id = "found";
  said.hidden = true;
  said.textContent = JSON.stringify(found);
  document.body.append(said);
});
</script>
"""


class Browser:
    """Chromium without a window, in a home of its own."""

    def __init__(self, program: str, home: Path) -> None:
        self._command = [
            program,
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--hide-scrollbars", "--allow-file-access-from-files", "--no-first-run"),
            *(f"--user-data-dir={home}", "--virtual-time-budget=5000"),
        ]

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._command, *words], check=True, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
        return done.stdout

    def looked(self, frame: Path, *words: str) -> dict[str, Any]:
        """What the script of a frame says of its page."""
        printed = self._run(*words, "--dump-dom", f"file://{frame}")
        found = re.search(r'<pre id="found"[^>]*>(.*?)</pre>', printed, re.DOTALL)
        assert found is not None, f"the page was not read: {printed[:500]}"
        said: dict[str, Any] = json.loads(html.unescape(found.group(1)))
        return said

    def screenshot(self, frame: Path, path: Path, size: tuple[int, int], *words: str) -> int:
        """Write one. Returns how many bytes it has."""
        path.unlink(missing_ok=True)
        window = f"--window-size={size[0]},{size[1]}"
        self._run(*words, window, f"--screenshot={path}", f"file://{frame}")
        assert path.read_bytes().startswith(b"\x89PNG"), f"{path} is not a screenshot"
        return path.stat().st_size


def main(directory: Path, program: str) -> int:
    """The exit status; one line for each page on each screen."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        browser = Browser(program, Path(home))
        failed = []
        for name, (document, containers) in pages().items():
            page = directory / f"{name}.html"
            page.write_text(document)
            for screen, width in SCREENS.items():
                wrong = faults(browser, page, screen, width, containers)
                failed += wrong
                print(f"{name}, {screen}: {'; '.join(wrong) or 'as it should be'}", flush=True)
    print(f"the page about a host {'failed' if failed else 'passed'} in a browser", flush=True)
    return bool(failed)


def faults(
    browser: Browser, page: Path, screen: str, width: int, containers: Sequence[str]
) -> list[str]:
    """What is wrong with a page on a screen, light and dark."""
    frame = page.with_name(f"{page.stem}-{screen}.frame.html")
    frame.write_text(_FRAME.replace("PAGE", page.name).replace("WIDTH", str(width)))
    dark = "--blink-settings=preferredColorScheme=0"
    light = "--blink-settings=preferredColorScheme=1"
    found = browser.looked(frame, light)
    wrong = []
    if not found["text"].strip():
        wrong.append("it is blank")
    if found["wide"] > width:
        wrong.append(f"it is {found['wide']} pixels wide")
    if found["spilled"]:
        wrong.append(f"what is in these is wider than they are: {found['spilled'][:3]}")
    lacking = [name for name in containers if name not in found["names"]]
    if lacking:
        wrong.append(f"it does not show the containers {lacking[:3]}")
    if browser.looked(frame, dark)["background"] == found["background"]:
        wrong.append("it is not dark where that is asked for")
    size = (width, min(_HIGHEST, int(found["high"])))
    blank = frame.with_name("blank.frame.html")
    blank.write_text("<!DOCTYPE html><title>nothing</title>")
    nothing = browser.screenshot(blank, page.with_name("blank.png"), size, light)
    for colours, word in (("light", light), ("dark", dark)):
        path = page.with_name(f"{page.stem}-{screen}-{colours}.png")
        if browser.screenshot(frame, path, size, word) < 2 * nothing:
            wrong.append(f"{path.name} is blank")
    frame.unlink()
    return wrong


def pages() -> dict[str, tuple[str, list[str]]]:
    """Pages by their names, each with the containers on it: of no container, of a stack that runs
    on this host, and of many with names that are hard to show.
    """
    import conftest

    conftest._link()
    from browser import hosts

    return hosts.pages(Path(os.environ["SLIPWAY_SANDBOX"]))


if __name__ == "__main__":
    chromium = sys.argv[2] if len(sys.argv) > 2 else "chromium"
    sys.exit(main(Path(sys.argv[1]).absolute(), chromium))
