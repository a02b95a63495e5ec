"""A real browser, headless, in which a test looks at a page at several widths and as printed."""

from __future__ import annotations

import json
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PRINTED = 688  # pixels of the width of A4 within its margins
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr")

# Of each frame: what is wider than the page, words on two lines, what is closed, what was loaded.
_MEASURE = """
const look = (frame) => {
  const doc = frame.contentDocument, view = frame.contentWindow, broken = [], closed = [];
  const walker = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, box = node.parentElement;
    if (["SCRIPT", "STYLE", "TITLE"].includes(box.tagName.toUpperCase())) continue;
    if (box.closest("details") && !box.closest("summary") && !box.closest("svg")
        && node.textContent.trim() && !box.checkVisibility()) closed.push(node.textContent);
    for (const word of node.textContent.matchAll(/\\S+/g)) {
      const range = doc.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = new Set([...range.getClientRects()].filter((r) => r.width).map((r) => r.top));
      if (tops.size > 1 && !/^[^\\d]*[\\u2013-][^\\d]*$/.test(word[0])) broken.push(word[0]);
    }
  }
  return {
    overflow: doc.documentElement.scrollWidth - doc.documentElement.clientWidth,
    broken, closed,
    loaded: view.performance.getEntriesByType("resource").map((entry) => entry.name),
  };
};
"""


def browser() -> str:
    """Return the program; without one, the test is skipped."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or pytest.skip("no Chromium in PATH")


def looked_at(page: str, folder: Path, widths: list[int], script: str = "") -> dict[str, Any]:
    """Show a page in frames of these widths, and one as printed; return what is found in each.

    `script` may act on ``frames`` (by width, and "print"), and add to ``found``. What the console
    says is an error.
    """
    printed = page.replace("@media print", "@media all").replace("@media screen", "@media print")
    frames = "".join(
        f'<iframe id="{name}" srcdoc="{escape(text)}" style="width:{width}px"></iframe>'
        for name, width, text in (*((w, w, page) for w in widths), ("print", PRINTED, printed))
    )
    act = f"""addEventListener("load", () => {{
      const found = {{}}, frames = {{}};
      for (const frame of document.querySelectorAll("iframe")) {{
        frames[frame.id] = frame; found[frame.id] = look(frame); }}
      {script}
      const result = document.createElement("pre");
      result.id = "result"; result.textContent = JSON.stringify(found);
      document.body.replaceChildren(result); }});"""
    place = folder / "frames.html"
    body = f"<!DOCTYPE html><meta charset=utf-8><body>{frames}<script>{_MEASURE}{act}</script>"
    place.write_text(body, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [browser(), *_FLAGS, profile, "--dump-dom", "--virtual-time-budget=10000", place.as_uri()],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert said == []
    _, _, result = done.stdout.partition('<pre id="result">')
    return dict(json.loads(unescape(result.partition("</pre>")[0])))
