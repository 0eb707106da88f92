/** A form for any command, made from its schema in the contract; it is posted as it stands, and its answer shown. */

import { h } from "../page/dom.js";
import { commandCurl } from "./curl.js";
import { pretty } from "./entry.js";

/** @typedef {{properties?: Record<string, any>, required?: string[], description?: string}} Schema */

const SHOWN = 20;

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} sent
 * @param {(text: string) => void} copy
 */
export async function commandForm(form, sent, copy) {
  const schemas = await commandSchemas();
  const select = h("select", { "aria-label": "Command", name: "type" });
  for (const type of Object.keys(schemas)) select.append(h("option", { value: type }, type));
  const fields = h("div");
  const key = h("input", { name: "key", placeholder: "none", autocomplete: "off", spellcheck: false });
  const curl = h("button", { type: "button", onclick: () => copy(commandCurl(location.origin, command())) }, "Copy as curl");
  form.append(select, fields, labelled("Idempotency-Key", key), h("div", { class: "tools" }, h("button", {}, "Post"), curl));

  function showFields() {
    const { properties = {}, required = [], description = "" } = schemas[select.value];
    const inputs = Object.keys(properties).map((name) =>
      labelled(name, h("input", { name, required: required.includes(name), autocomplete: "off" })),
    );
    fields.replaceChildren(h("p", { class: "quiet" }, description.split("\n")[0]), ...inputs);
  }

  /** What is in the form, as a request; a field that is empty is left out. */
  function command() {
    const inputs = [...fields.querySelectorAll("input")].filter((input) => input.value);
    const payload = Object.fromEntries(inputs.map(({ name, value }) => [name, value]));
    return { type: select.value, key: key.value, body: JSON.stringify(payload) };
  }

  select.addEventListener("change", showFields);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wish = command();
    const item = h("li", {}, `${wish.type} …`);
    sent.prepend(item);
    while (sent.childElementCount > SHOWN) sent.lastElementChild?.remove();
    item.replaceChildren(...(await post(wish)));
  });
  showFields();
}

/** Posted by hand, and not by the client: the status and the headers are what one wants to see. */
async function post(/** @type {{type: string, key: string, body: string}} */ { type, key, body }) {
  const headers = { "Content-Type": "application/json", ...(key && { "Idempotency-Key": key }) };
  try {
    const response = await fetch(`/commands/${type}`, { method: "POST", headers, body });
    const replayed = response.headers.get("Idempotent-Replayed") ? ", replayed" : "";
    return [h("b", {}, `${type} ${response.status}${replayed}`), h("pre", {}, shown(await response.text()))];
  } catch {
    return [h("b", {}, `${type}: no answer`)];
  }
}

/** A proxy answers in other ways than JSON. @param {string} text */
function shown(text) {
  try {
    return pretty(text);
  } catch {
    return text;
  }
}

/** @returns {Promise<Record<string, Schema>>} by the type of the command */
async function commandSchemas() {
  const { paths, components } = await (await fetch("/openapi.json")).json();
  /** @type {Record<string, Schema>} */
  const found = {};
  for (const [path, { post: operation }] of Object.entries(/** @type {Record<string, any>} */ (paths))) {
    const schema = operation?.requestBody?.content?.["application/json"]?.schema;
    const type = /^\/commands\/([a-z.]+)$/.exec(path)?.[1];
    if (type && schema) found[type] = schema.$ref ? components.schemas[schema.$ref.split("/").at(-1)] : schema;
  }
  return found;
}

/** @param {string} name @param {HTMLElement} input */
const labelled = (name, input) => h("label", {}, name, input);
