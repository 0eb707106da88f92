"""The examples of docs/howto/client.md run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.sites import MIA, Site
from zena_sse.contract.events import ThreadNew

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "client.md"

# React as scripts used to be: what the examples import is a module that hands it on.
REACT_PAGE = """
<!doctype html>
<title>Threads</title>
<div id="root"></div>
<script src="/example/react.js"></script>
<script src="/example/react-dom.js"></script>
<script type="importmap">{"imports": {"react": "/example/react-module.js"}}</script>
<script type="module">
  import { Threads } from "/example/threads.js";
  const root = ReactDOM.createRoot(document.getElementById("root"));
  root.render(React.createElement(React.StrictMode, null, React.createElement(Threads)));
</script>
"""
REACT_MODULE = "export const useSyncExternalStore = React.useSyncExternalStore;"


def examples(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", HOWTO.read_text(), re.MULTILINE | re.DOTALL)


def serve(context: BrowserContext, site: Site, files: dict[str, str]) -> None:
    """Have the site answer with these too."""
    for name, body in files.items():
        kind = "text/html" if name.endswith(".html") else "text/javascript"
        context.route(
            f"{site.url}/example/{name}",
            lambda route, _request, body=body, kind=kind: route.fulfill(body=body, content_type=kind),
        )


def compiled(jsx: dict[str, str], directory: Path) -> dict[str, str]:
    """JSX as browsers take it."""
    compiler = shutil.which("tsc")
    assert compiler
    for name, text in jsx.items():
        (directory / name).with_suffix(".jsx").write_text(text)
    sources = [str(path) for path in directory.glob("*.jsx")]
    options = ["--allowJs", "--jsx", "react", "--target", "es2022", "--module", "es2022", "--noCheck"]
    done = subprocess.run(
        [compiler, *options, "--outDir", str(directory / "out"), *sources], capture_output=True, check=False
    )
    assert (directory / "out").is_dir(), done.stdout
    return {name: (directory / "out" / name).read_text() for name in jsx}


def shows_and_follows(page: Page, site: Site) -> None:
    """The page shows the mailbox, hears what is new, and has a thread marked as viewed."""
    expect(page.get_by_role("status")).to_have_text("live")
    assert page.get_by_role("listitem").count() > 50
    now = datetime.now(UTC)
    site.publish(ThreadNew("t-new", "a", "Offer for 12 Hill Road", "Anna Berg", now))
    expect(page.get_by_role("button", name="Offer for 12 Hill Road")).to_be_visible()
    first = site.get("/snapshot", MIA).json()["threads"][0]
    page.get_by_role("button", name=first["subject"], exact=True).first.click()
    viewed = page.evaluate(
        """(id) => new Promise((resolve) => {
          const look = async () => {
            const thread = await (await fetch(`/threads/${id}`)).json();
            thread.viewedAt ? resolve(thread.viewedAt) : setTimeout(look, 50);
          };
          look();
        })""",
        first["threadId"],
    )
    assert abs(datetime.fromisoformat(viewed) - now) < timedelta(minutes=1)


def test_the_plain_page_runs(site: Site, context: BrowserContext) -> None:
    [page_text] = examples("html")
    serve(context, site, {"page.html": page_text})
    shows_and_follows(site.open(context, "/example/page.html"), site)


@pytest.mark.needs("react", "tsc")
def test_the_react_hook_runs(site: Site, context: BrowserContext, tmp_path: Path) -> None:
    hook, component = examples("jsx")
    modules = Path(os.environ["ZENA_REACT"])
    files = {
        "page.html": REACT_PAGE,
        "react-module.js": REACT_MODULE,
        "react.js": (modules / "react/umd/react.development.js").read_text(),
        "react-dom.js": (modules / "react-dom/umd/react-dom.development.js").read_text(),
    }
    files |= compiled({"use-zena.js": hook, "threads.js": component}, tmp_path)
    serve(context, site, files)
    shows_and_follows(site.open(context, "/example/page.html"), site)
