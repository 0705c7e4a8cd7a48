// How a hit is shown in the list.

import { make } from "./dom.js";
import { bestWindow, light, strongest } from "./marks.js";
import { Picture, drawn, gridOf, imageOf, lightMatches, loadInSight } from "./picture.js";

const SNIPPET = 420;

// One hit, all of it as text. `open` is told to show its document or matrix. `image` is where its
// image is.
export function hit(found, open, image) {
  const most = strongest(found.highlights);
  const title = make("button", { type: "button" });
  if (found.title) light(title, found.title, found.highlights.title, most);
  else title.textContent = found.key;
  title.addEventListener("click", () => open("document"));
  const why = make("button", {
    type: "button", className: "why", textContent: found.score.toFixed(3), title: "Why? (m)",
  });
  why.setAttribute("aria-label", `Score ${found.score.toFixed(3)}. Why?`);
  why.addEventListener("click", () => open("matrix"));
  const snippet = make("p", { className: "snippet" });
  const words = found.highlights.text;
  light(snippet, found.text, words, most, bestWindow(found.text, words, SNIPPET));
  const parts = [make("div", { className: "top" }, make("h2", {}, title), why)];
  const shown = image && imageOf(found.metadata);
  if (shown) parts.push(thumbnail(found, open, image));
  if (found.text) parts.push(snippet);
  if (found.title) parts.push(make("p", { className: "key", textContent: found.key }));
  if (found.bm25 !== undefined && found.maxsim !== undefined) {
    const both = `vectors ${found.maxsim.toFixed(3)} · words ${found.bm25.toFixed(3)}`;
    parts.push(make("p", { className: "both", textContent: both }));
  }
  parts.push(fields(found.metadata));
  return make("li", { className: "hit" }, ...parts);
}

function thumbnail(found, open, image) {
  const picture = new Picture(image, `Image of ${found.key}`, gridOf(found.metadata, found.token_vectors), true);
  if (found.explain) lightMatches(picture, found.explain);
  const button = make("button", { type: "button", className: "thumbnail" }, picture.element);
  button.setAttribute("aria-label", `Image of ${found.key}. ${found.explain ? "Why?" : "Open"}`);
  button.addEventListener("click", () => open(found.explain ? "matrix" : "document"));
  loadInSight(picture);
  return button;
}

// Further fields of a document, the short ones.
function fields(metadata) {
  const items = [];
  if (metadata && typeof metadata === "object") {
    const listed = leaves(metadata).filter(([name]) => !drawn(name));
    for (const [name, value] of listed.slice(0, 8)) {
      const list = Array.isArray(value) && value.every((one) => typeof one !== "object");
      const text = list ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value);
      if (text) items.push(make("li", { textContent: `${name}: ${text.slice(0, 80)}` }));
    }
  }
  return make("ul", { className: "fields" }, ...items);
}

// Fields of nested objects by their paths.
function leaves(metadata, before = "") {
  return Object.entries(metadata).flatMap(([name, value]) => {
    const nested = value && typeof value === "object" && !Array.isArray(value);
    return nested ? leaves(value, `${before}${name}.`) : [[`${before}${name}`, value]];
  });
}
