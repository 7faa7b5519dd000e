"""Open pages in headless Chromium and say what a reader would meet: widths, pictures, requests, errors.

One start of the browser for all views: a host page holds every page in a frame of its own width and colour
scheme, and its script writes what it finds into the DOM, which Chromium prints.
"""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

FLAGS = (  # of every start, here and in the tests of the book
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
_LOOKING = (
    "--headless",
    "--allow-file-access-from-files",  # the host may look into its frames
    "--enable-logging=stderr",
    "--log-level=0",
    "--window-size=1400,1000",
)
_SCRIPT = """
const act = (page, view) => { %ACT% };
const ratio = (a, b) => {
  const light = text => {
    const part = text.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, view = frame.contentWindow;
    const root = page.documentElement, images = [...page.images];
    const style = view.getComputedStyle(page.body);
    return {
      width: view.innerWidth,
      dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
      too_wide: root.scrollWidth - root.clientWidth,
      images: images.length,
      broken: images.filter(i => !i.complete || i.naturalWidth === 0).map(i => i.alt || "no alt"),
      without_alt: images.filter(i => !i.alt.trim()).map(i => i.outerHTML.slice(0, 80)),
      scripts: page.scripts.length,
      requests: view.performance.getEntriesByType("resource").map(entry => entry.name),
      contrast: ratio(style.color, style.backgroundColor),
      headings: [...page.querySelectorAll("h2")].map(h => h.textContent),
      acted: act(page, view) ?? null,
    };
  });
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
"""


def chromium():
    """The browser's path, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def look_at(views, folder: Path, act: str = ""):
    """What is found in each view (page, width, "light" or "dark"), and what the browser's console says.

    `act` is the body of a JavaScript function of `page` (the document) and `view` (its window) that does what
    a reader would do, and returns what came of it: plain data, found again as "acted".
    """
    frames = "\n".join(
        f'<iframe src="{Path(page).resolve().as_uri()}" width="{width}" height="900" '
        f'style="border: 0; color-scheme: {scheme}"></iframe>'
        for page, width, scheme in views
    )
    host = folder / "host.html"
    host.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,"><title>host</title>'
        f"<body>{frames}<script>{_SCRIPT.replace('%ACT%', act)}</script>",
        encoding="utf-8",
    )
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [chromium(), *FLAGS, *_LOOKING, profile, "--dump-dom", host.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match, f"the browser gave no findings: {done.stdout[-500:]} {done.stderr[-2000:]}"
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return json.loads(html.unescape(match[1])), console
