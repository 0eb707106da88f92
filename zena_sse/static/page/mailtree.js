/**
 * Builds what may be shown of an HTML mail, node by node, in another document.
 *
 * Only known elements and attributes are made anew, and the result is never written out and parsed again,
 * so that nothing can turn into something else on the way (mXSS). The mail's own tree is moved through with
 * a walker only: a form's properties can be hidden by its fields (`<input name="childNodes">`), a document's
 * by a picture (`<img name="body">`).
 */

const ELEMENTS = words(`
  a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div
  dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s
  samp section small span strike strong style sub sup table tbody td tfoot th thead time tr tt u ul var wbr`);

/** Left out with what is in them, which is no text to read. Of every other element the content is shown. */
const LEFT_OUT = words("audio canvas datalist iframe noembed noframes script select template title video");

const ATTRIBUTES = words(`
  align alt aria-hidden aria-label bgcolor border cellpadding cellspacing class color colspan dir face headers
  height hspace id lang nowrap role rowspan scope size span start style title type valign value vspace width`);

const PROTOCOLS = words("http: https: mailto: tel:");

/**
 * @param {string} html as it came
 * @param {HTMLElement} into in the document that shows it
 * @returns {number} how many pictures were left out, because they would have to be fetched
 */
export function buildMail(html, into) {
  const mail = new DOMParser().parseFromString(html, "text/html"); // runs nothing, loads nothing
  return buildChildren(document.createTreeWalker(mail, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT), into);
}

/**
 * @param {TreeWalker} nodes at the parent
 * @param {HTMLElement} into
 * @returns {number}
 */
function buildChildren(nodes, into) {
  const parent = nodes.currentNode;
  let pictures = 0;
  for (let node = nodes.firstChild(); node; node = nodes.nextSibling()) {
    if (node instanceof Text) into.append(node.data);
    // SVG and MathML are no HTMLElement.
    if (!(node instanceof HTMLElement) || LEFT_OUT.has(node.localName)) continue;
    if (node.localName === "img" && !isCarried(node)) {
      into.append(node.getAttribute("alt") ?? "");
      pictures += isSeen(node) ? 1 : 0;
    } else {
      pictures += buildChildren(nodes, build(node, into));
    }
  }
  nodes.currentNode = parent;
  return pictures;
}

/**
 * @param {HTMLElement} element
 * @param {HTMLElement} into
 * @returns {HTMLElement} where its children go: into itself, if it may be shown
 */
function build(element, into) {
  if (element.localName === "body") copyAttributes(element, into.ownerDocument.body);
  if (!ELEMENTS.has(element.localName)) return into;
  const built = into.ownerDocument.createElement(element.localName);
  copyAttributes(element, built);
  if (built.localName === "img") built.setAttribute("src", source(element));
  if (built.localName === "a") link(built, element.getAttribute("href") ?? "");
  into.append(built);
  return built;
}

/**
 * @param {HTMLElement} from
 * @param {HTMLElement} to
 */
function copyAttributes(from, to) {
  for (const { name, value } of from.attributes) {
    if (ATTRIBUTES.has(name)) to.setAttribute(name, value);
  }
}

/**
 * Links lead out: one without a scheme would lead into our own page.
 *
 * @param {HTMLElement} anchor
 * @param {string} href
 */
function link(anchor, href) {
  const url = URL.canParse(href) ? new URL(href) : null;
  if (!url || !PROTOCOLS.has(url.protocol)) return;
  anchor.setAttribute("href", url.href);
  anchor.setAttribute("target", "_blank");
  anchor.setAttribute("rel", "noopener noreferrer");
}

/** @param {HTMLElement} picture */
function source(picture) {
  return (picture.getAttribute("src") ?? "").trim();
}

/**
 * Whether a picture came with the mail.
 *
 * @param {HTMLElement} picture
 */
function isCarried(picture) {
  return /^data:image\//i.test(source(picture));
}

/**
 * Whether a picture is there to be seen; those that count readers have a side of one pixel.
 *
 * @param {HTMLElement} picture
 */
function isSeen(picture) {
  return !["width", "height"].some((side) => /^[01](px)?$/.test(picture.getAttribute(side) ?? ""));
}

/**
 * @param {string} text
 * @returns {Set<string>}
 */
function words(text) {
  return new Set(text.trim().split(/\s+/));
}
