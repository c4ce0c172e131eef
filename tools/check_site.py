"""Open every page of the built site in a headless Chromium and tell what is wrong with it.

python tools/check_site.py site [--pictures FOLDER] [--only PART]

Without a browser: links and their anchors, images, files that are named and not there. In the browser, in light, in dark and as wide
as a phone: messages of the console, requests to other hosts, contrast, the other rules of WCAG 2 AA (by axe-core), and whether
something is wider than the screen. Pictures of the pages go into a folder.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import http.server
import shutil
import sys
import threading
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

PHONE, DESK = 390, 1280
TABS = 1  # pages open at a time; more of them wait for each other's pictures


class Links(HTMLParser):
    """What a page points to, and the anchors that it offers."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("id", "name"):
            if value := given.get(name):
                self.anchors.add(value)
        for name in ("href", "src"):
            if value := given.get(name):
                self.targets.add(value)


def broken_links(site: Path, pages: list[Path]) -> dict[str, list[str]]:
    """By page, the links to files and anchors of the site that are not there."""
    links = {}
    for page in pages:
        links[page] = parser = Links()
        parser.feed(page.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = defaultdict(list)
    for page, parser in links.items():
        here = "/" + str(page.relative_to(site))
        for target in sorted(parser.targets):
            parts = urlsplit(urljoin(here, target))
            if parts.scheme or parts.netloc or page.name == "404.html":
                continue
            file = site / unquote(parts.path).lstrip("/")
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file():
                found[here].append(f"links to {target}, which is not there")
            elif parts.fragment and file in links and unquote(parts.fragment) not in links[file].anchors | {"__skip"}:
                found[here].append(f"links to {target}, which has no such place")
    return found


def serve(site: Path) -> str:
    """Serve the site from this process; the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http.server.ThreadingHTTPServer.request_queue_size = 100
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


painting = asyncio.Lock()  # Chromium mixes up the pictures of two tabs that are taken at once


class Tab:
    """A tab of the browser, in which one page after the other is looked at.

    Attributes:
        said: What the present page has said by itself.
    """

    def __init__(self, tab: Any, base: str, scripts: str, pictures: Path | None) -> None:
        self.tab, self.base, self.scripts, self.pictures = tab, base, scripts, pictures
        self.said: list[str] = []
        tab.on("console", lambda m: self.said.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: self.said.append(f"script: {error}"))
        tab.on("requestfailed", lambda r: self.said.append(f"gets no {r.url}"))
        tab.on("request", self.asks)

    def asks(self, request: Any) -> None:
        """The page wants something; from somewhere else?"""
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.said.append(f"asks {request.url}")

    async def look(self, path: str) -> list[str]:
        """What is wrong with one page."""
        tab = self.tab
        self.said = said = []
        await tab.set_viewport_size({"width": DESK, "height": 900})
        await tab.goto(self.base + path, timeout=120_000)
        await tab.add_style_tag(content="* { transition: none !important }")  # colours would fade over
        await tab.evaluate(self.scripts)
        said += await tab.evaluate("site.brokenImages()")
        await tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        said += [f"light, {line}" for line in await tab.evaluate("site.contrast()")]
        if "reference/" not in path:  # the same template over and over
            said += await tab.evaluate("site.rules()")
        await self.take(path, "light")
        await tab.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")  # as the button for dark does
        said += [f"dark, {line}" for line in await tab.evaluate("site.contrast()")]
        await tab.set_viewport_size({"width": PHONE, "height": 844})
        said += [f"phone, {line}" for line in await tab.evaluate("site.tooWide()")]
        await self.take(path, "dark-phone")
        return said

    async def take(self, path: str, kind: str) -> None:
        """A picture of a page, from top to bottom; of the reference only the first screens of its chapters."""
        if self.pictures and ("reference/" not in path or path.count("/") < 3):
            name = path.removesuffix("index.html").strip("/").replace("/", "_") or "home"
            async with painting:
                await self.tab.screenshot(path=self.pictures / f"{name}-{kind}.png", full_page="reference/" not in path)


async def look_at_all(site: Path, paths: list[str], pictures: Path | None) -> dict[str, list[str]]:
    """What is wrong, by page."""
    import axe_playwright_python
    from playwright.async_api import async_playwright

    axe = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (axe, Path(__file__).with_suffix(".js")))
    base, found, left = serve(site), {}, iter(paths)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])

        async def work() -> None:
            context = await browser.new_context()  # one each: tabs that share a cache wait for each other
            tab = Tab(await context.new_page(), base, scripts, pictures)
            for path in left:
                found[path] = await tab.look(path)

        await asyncio.gather(*(work() for _ in range(TABS)))
        await browser.close()
    return found


def chromium() -> str | None:
    """Chromium as Debian and others install it; None for the one that `playwright install chromium` brings."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main() -> int:
    """Look at all pages; the exit status says whether something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--only", default="", help="look only at pages whose path holds this")
    given = parser.parse_args()
    pages = sorted(given.site.rglob("*.html"))
    if not pages:
        parser.error(f"no pages in {given.site}")
    found = broken_links(given.site, pages)
    if given.pictures:
        shutil.rmtree(given.pictures, ignore_errors=True)
        given.pictures.mkdir(parents=True)
    paths = [str(page.relative_to(given.site)) for page in pages if page.name != "404.html" and given.only in str(page)]
    for path, said in asyncio.run(look_at_all(given.site, paths, given.pictures)).items():
        found["/" + path] = [*found.get("/" + path, []), *said]
    for path, said in sorted(found.items()):
        for line in dict.fromkeys(said):
            print(f"{path}: {line}")
    wrong = sum(map(bool, found.values()))
    print(f"{len(paths)} pages opened, {wrong} with something wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
