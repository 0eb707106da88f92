"""HTML mail as a reader sees it: plain lines, quotes marked with `>` as in plain mail."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

BLOCKS = (
    "address,article,aside,center,dd,div,dl,dt,fieldset,footer,form,h1,h2,h3,h4,h5,h6,header,hr,li,main,nav,"
    "ol,section,table,tr,ul"
)
INVISIBLE = ["head", "script", "style", "title", "template", "noscript", "object", "svg"]
# What a reader never sees is there for machines: tracking, filters, and lately instructions to models.
HIDDEN = '[hidden],[style*="display:none" i],[style*="display: none" i]'
# A bare <blockquote> is often just an indentation; these are the marks that mail clients put on quotes.
QUOTES = 'blockquote[type="cite" i],blockquote.gmail_quote,.gmail_quote blockquote,.yahoo_quoted blockquote'

# Stand-ins put into the tree for what white space must not swallow; clean text contains none of them.
EDGE, BREAK, PARAGRAPH, OPEN, CLOSE, CELL = "\x01", "\x02", "\x03", "\x04", "\x05", "\x06"
MARKS = re.compile(f"([{EDGE}-{CELL}])")
SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
# Every node costs about a microsecond; a newsletter has some thousand.
NODE_LIMIT = 20_000
# Building the tree is quadratic in its depth: 25,000 nested <div> take 0.6 s. Honest mail is below 100.
DEPTH_LIMIT = 1000
# Tags that need no end, or cost nothing when they lack it.
FLAT = "a|b|big|br|col|dd|dt|em|font|hr|i|img|input|li|link|meta|o:p|option|p|small|span|strong|td|th|tr|tt|u"
NESTING = re.compile(rf"<(/?)(?!(?:{FLAT})[\s/>])[a-z]", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")


def text_of(html: str) -> str:
    """The visible text: one line for each block or <br>, inline tags leave no trace."""
    html = MARKS.sub("", html)
    if _is_bomb(html):
        return _lines(TAG.sub(BREAK, html))
    tree = LexborHTMLParser(html)
    tree.strip_tags(INVISIBLE)
    for node in tree.css(HIDDEN)[:NODE_LIMIT]:
        node.decompose()
    if tree.body is None:
        return ""
    _mark(tree)
    return _lines(tree.body.text())


def _is_bomb(html: str) -> bool:
    depth = 0
    for tag in NESTING.finditer(html):
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        if depth > DEPTH_LIMIT:
            return True
    return False


def _mark(tree: LexborHTMLParser) -> None:
    for node in tree.css("pre")[:NODE_LIMIT]:
        node.replace_with(PARAGRAPH + node.text().replace("\n", BREAK) + PARAGRAPH)
    for node in tree.css("br")[:NODE_LIMIT]:
        node.replace_with(BREAK)
    quotes = {node.mem_id: node for node in tree.css(QUOTES)}  # one that matches twice is listed twice
    for node in list(quotes.values())[:NODE_LIMIT]:
        _surround(node, OPEN, CLOSE)
    for selector, mark in (("p,blockquote", PARAGRAPH), (BLOCKS, EDGE), ("td,th", CELL)):
        for node in tree.css(selector)[:NODE_LIMIT]:
            _surround(node, mark, mark)


def _surround(node: LexborNode, before: str, after: str) -> None:
    node.insert_before(before)
    node.insert_after(after)


def _lines(text: str) -> str:
    lines: list[str] = []
    line, depth = "", 0
    for piece in MARKS.split(SPACE.sub(" ", text) + EDGE):
        if piece == CELL:
            line += " "
        elif MARKS.fullmatch(piece) is None:
            line += piece
        else:
            if line.strip() or piece == BREAK:
                lines.append(("> " * depth + " ".join(line.split())).strip())
            line = ""
            if piece == PARAGRAPH and lines and lines[-1].strip("> "):
                lines.append(("> " * depth).strip())
            while piece == CLOSE and lines and not lines[-1].strip("> "):
                lines.pop()
            depth = max(0, depth + (piece == OPEN) - (piece == CLOSE))
    return "\n".join(lines).strip("\n")
