// The search page: what is typed, what is found, and what is open beside it. All of it stands in
// the address, so that it can be shared.

import { ask, useKey, Failure } from "./api.js";
import { at, make } from "./dom.js";
import { exportJsonl, exportTsv } from "./export.js";
import { hit } from "./hits.js";
import { light, strongest } from "./marks.js";
import { showMatrix } from "./matrix.js";
import { showFacets, showProblem } from "./narrow.js";
import "./look.js";
import { Picture, gridOf, imageOf, lightMatches, linkOf } from "./picture.js";
import { readVectors } from "./vectors.js";

const PAUSE = 120;
const STEP = 10;
const MOST = 100;
const MIDDLE = 50;

const [form, index, query, filter, exact, weight, status, hits, more, panel, view] =
  ["form", "index", "query", "filter", "exact", "weight", "status", "hits", "more", "panel", "view"].map(at);
const WAYS = ["vectors", "words", "hybrid"];

// What stands in the address.
const state = {
  index: "", q: "", filter: "", by: "vectors", mix: MIDDLE, k: STEP, exact: false, doc: "", view: "document",
};
let indexes = [];
// Query vectors from a file, which no address can hold.
let vectors;
let answer;
let chosen = -1;
let running;
let timer;
let came;

// --- The address -------------------------------------------------------------------------------

function readAddress() {
  const given = new URLSearchParams(location.search);
  state.index = given.get("index") ?? "";
  state.q = given.get("q") ?? "";
  state.filter = given.get("filter") ?? "";
  state.by = WAYS.includes(given.get("by")) ? given.get("by") : "";
  const mix = Number.parseInt(given.get("mix"), 10);
  state.mix = mix >= 0 && mix <= 100 ? mix : MIDDLE;
  state.k = Math.min(Math.max(Number.parseInt(given.get("k"), 10) || STEP, 1), MOST);
  state.exact = given.get("exact") === "1";
  state.doc = given.get("doc") ?? "";
  state.view = given.get("view") === "matrix" ? "matrix" : "document";
}

function writeAddress(push) {
  const given = new URLSearchParams();
  if (indexes.length > 1 || state.index !== indexes[0]?.name) given.set("index", state.index);
  if (state.q) given.set("q", state.q);
  if (state.filter) given.set("filter", state.filter);
  if (state.by !== usual()) given.set("by", state.by);
  if (state.by === "hybrid" && state.mix !== MIDDLE) given.set("mix", state.mix);
  if (state.k !== STEP) given.set("k", state.k);
  if (state.exact) given.set("exact", "1");
  if (state.doc) given.set("doc", state.doc);
  if (state.doc && state.view === "matrix") given.set("view", "matrix");
  const text = given.toString();
  const address = text ? `?${text}` : location.pathname;
  if (push) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  document.title = state.q ? `${state.q} · colidx` : "colidx";
}

const current = () => indexes.find((one) => one.name === state.index);

// An index without a checkpoint is asked by its words, or with vectors from a file.
const usual = () => current()?.text === false && current().words ? "words" : "vectors";
const asksWithFile = () => current()?.text === false && state.by === "vectors";

// The weight of vectors for a place of the slider. Those that matter crowd near 1, where BM25 and
// MaxSim come to the same order; the engine's own is in the middle.
function weightAt(mix) {
  const words = 0.035 ** (mix / MIDDLE);
  return mix === 100 ? 1 : Number((1 - Number(words.toPrecision(2))).toFixed(6));
}

// Where the image of a document is, if the service has images.
const imagePath = (key) => current()?.images ? path(`images/${encodeURIComponent(key)}`) : undefined;
const path = (rest) => `/v1/indexes/${encodeURIComponent(state.index)}/${rest}`;

// --- Searching ---------------------------------------------------------------------------------

function say(text, failed = false) {
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => search(), PAUSE);
}

// Searches for what is typed. An answer that comes after a newer question is dropped, and the
// service stops working on it.
async function search() {
  clearTimeout(timer);
  running?.abort();
  const control = running = new AbortController();
  // What is typed is not what is asked then.
  if (asksWithFile()) query.value = "";
  state.q = query.value.trim();
  state.filter = filter.value.trim();
  writeAddress(false);
  const nothing = asksWithFile() ? !vectors : state.q === "";
  at("welcome").hidden = !nothing;
  showFacets(path, current()?.generation, state.filter, narrow);
  if (nothing) {
    show(undefined);
    say(summary());
    await checkFilter(control);
    return;
  }
  const request = {
    k: state.k, by: state.by, exact: state.exact && state.by !== "words",
    with: ["title", "text", "metadata"],
  };
  if (asksWithFile()) Object.assign(request, { vectors: vectors.vectors, explain: true });
  else Object.assign(request, { query: state.q, with: [...request.with, "highlights"] });
  if (state.filter) request.filter = state.filter;
  if (state.by === "hybrid" && state.mix !== MIDDLE) request.weight = weightAt(state.mix);
  try {
    const found = await ask(path("search"), request, control.signal);
    if (control === running) {
      for (const hit of found.hits) hit.highlights ??= { title: [], text: [] };
      showProblem(undefined);
      show(found);
    }
  } catch (error) {
    if (error.name !== "AbortError" && control === running) failed(error);
  }
}

// Without a query the filter is tried by counting what it leaves.
async function checkFilter(control) {
  if (!state.filter) return void showProblem(undefined);
  try {
    const { documents } = await ask(path("facets"), { fields: [], filter: state.filter }, control.signal);
    if (control !== running) return;
    showProblem(undefined);
    say(`${documents.toLocaleString("en")} of ${summary()} match the filter`);
  } catch (error) {
    if (error.name !== "AbortError" && control === running) failed(error);
  }
}

// What a facet makes of the filter.
function narrow(text) {
  filter.value = text;
  state.k = STEP;
  search();
}

function failed(error) {
  if (error instanceof Failure && error.status === 401) return void askForKey(error);
  if (showProblem(error)) {
    // The hits stay, as the filter is still being written.
    say("The filter cannot be used yet.", true);
    return;
  }
  show(undefined);
  say(error.message, true);
  if (error.status === 429 || error.status === 503) timer = setTimeout(() => search(), 1000);
}

function show(found) {
  answer = found;
  chosen = -1;
  hits.replaceChildren(...(found?.hits ?? []).map((one, number) => {
    const item = hit(one, (what) => open(number, what), imagePath(one.key));
    item.addEventListener("focusin", () => choose(number, false));
    return item;
  }));
  at("export").hidden = !found?.hits.length;
  more.hidden = !found || found.hits.length < state.k || state.k >= MOST;
  const steps = ["encode_ms", "centroid_ms", "candidate_ms", "partial_ms", "exact_ms"];
  const times = found && state.by !== "words" ? steps.map((step) => found.stats[step]) : [];
  const all = times.reduce((sum, time) => sum + time, 0) || 1;
  at("stages").replaceChildren(...times.map((time) => {
    const bar = make("i");
    bar.style.flex = String(time / all);
    return bar;
  }));
  if (!found) return;
  const names = ["encode", "centroids", "candidates", "partial", "exact"];
  const parts = times.map((time, n) => `${names[n]} ${time.toFixed(1)}`);
  const time = (found.stats.encode_ms + found.stats.search_ms).toFixed(1);
  const number = found.hits.length === 1 ? "1 hit" : `${found.hits.length} hits`;
  const cut = found.query?.truncated ? " · the query was cut, it is too long" : "";
  say(`${number} in ${time} ms${parts.length ? `: ${parts.join(", ")}` : ""}${cut}`);
  const shown = found.hits.findIndex((hit) => hit.key === state.doc);
  if (shown >= 0) choose(shown, false);
}

function choose(number, focus = true) {
  const items = [...hits.children];
  if (!items[number]) return;
  items.forEach((item, n) => item.setAttribute("aria-current", String(n === number)));
  chosen = number;
  if (focus) {
    items[number].querySelector("h2 button").focus({ preventScroll: true });
    items[number].scrollIntoView({ block: "nearest" });
  }
}

// --- The panel ---------------------------------------------------------------------------------

function open(number, what) {
  const found = answer?.hits[number];
  if (!found) return;
  choose(number, false);
  came = hits.children[number].querySelector("h2 button");
  state.doc = found.key;
  state.view = what;
  writeAddress(true);
  return showPanel(true);
}

function close() {
  if (panel.hidden) return false;
  panel.hidden = true;
  state.doc = "";
  writeAddress(true);
  (came?.isConnected ? came : query).focus();
  return true;
}

async function showPanel(focus) {
  panel.hidden = state.doc === "";
  if (panel.hidden) return;
  const key = state.doc;
  for (const name of ["document", "matrix"]) {
    const tab = at(`tab-${name}`);
    tab.setAttribute("aria-selected", String(state.view === name));
    tab.tabIndex = state.view === name ? 0 : -1;
  }
  view.setAttribute("aria-labelledby", `tab-${state.view}`);
  at("panel-key").textContent = key;
  head("", key);
  if (focus) panel.focus();
  try {
    if (state.view === "matrix") await showWhy(key);
    else await showDocument(key);
    panel.scrollTop = 0;
  } catch (error) {
    view.replaceChildren(make("p", { textContent: error.message }));
    if (error.status === 401) askForKey(error);
  }
}

// What stands over the panel: the key alone where there is no title.
function head(title, key) {
  at("panel-title").textContent = title || key;
  at("panel-key").hidden = !title;
}

async function showDocument(key) {
  const found = answer?.hits.find((hit) => hit.key === key);
  const whole = found ?? await ask(path(`documents/${encodeURIComponent(key)}`));
  if (state.doc !== key) return;
  head(whole.title, key);
  const text = make("div", { className: "whole", textContent: whole.text });
  if (found) light(text, whole.text, found.highlights.text, strongest(found.highlights));
  view.replaceChildren(text);
  const picture = pictureOf(key, whole.metadata);
  if (picture) {
    if (found?.explain) {
      picture.grid = gridOf(whole.metadata, found.token_vectors);
      lightMatches(picture, found.explain);
    }
    view.prepend(picture.element);
  }
  const link = linkOf(whole.metadata);
  if (link) view.prepend(make("p", {}, make("a", { href: link, rel: "noopener noreferrer", target: "_blank", textContent: link })));
  if (whole.metadata) {
    view.append(make("pre", { textContent: JSON.stringify(whole.metadata, null, 2) }));
  }
}

// The image of a document, which comes when it has been loaded.
function pictureOf(key, metadata) {
  const image = imagePath(key);
  if (!image || !imageOf(metadata)) return undefined;
  const picture = new Picture(image, `Image of ${key}`);
  picture.load().catch((error) =>
    picture.element.replaceWith(make("p", { className: "hint", textContent: error.message })));
  return picture;
}

async function showWhy(key) {
  const found = answer?.hits.find((hit) => hit.key === key);
  if (found) head(found.title, key);
  const query = asksWithFile() ? vectors && { vectors: vectors.vectors } : state.q && { query: state.q };
  if (!query) {
    view.replaceChildren(make("p", { textContent: "Search for something first." }));
    return;
  }
  const matrix = await ask(path("explain"), { ...query, key });
  const { metadata } = found ?? await ask(path(`documents/${encodeURIComponent(key)}`));
  if (state.doc !== key || state.view !== "matrix") return;
  showMatrix(view, matrix, { metadata, picture: pictureOf(key, metadata), names: vectors?.tokens });
}

// --- Keys --------------------------------------------------------------------------------------

function askForKey(error) {
  const dialog = at("ask");
  at("ask-error").textContent = sessionStorage.getItem("colidx-key") ? error.message : "";
  if (!dialog.open) dialog.showModal();
}

at("ask").addEventListener("close", () => {
  useKey(at("key").value);
  at("key").value = "";
  start();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || at("ask").open) return;
  if (event.key === "Escape") {
    // By itself the key would empty the field.
    event.preventDefault();
    if (!close()) document.activeElement.blur();
    return;
  }
  if (event.target === query) {
    if (event.key === "ArrowDown") choose(0);
    else return;
    event.preventDefault();
    return;
  }
  if (event.target.matches("input, select, textarea")) return;
  const onButton = event.target.matches("button, a");
  const act = {
    "/": () => { query.focus(); query.select(); },
    f: () => { filter.focus(); filter.select(); },
    j: () => next(1),
    k: () => next(-1),
    m: () => open(chosen, "matrix"),
    Enter: onButton ? undefined : () => open(chosen, "document"),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// The next hit; where the panel is open it shows that one.
function next(step) {
  const number = Math.min(Math.max(chosen + step, 0), hits.children.length - 1);
  choose(number, panel.hidden);
  if (!panel.hidden) open(number, state.view);
}

// --- Controls ----------------------------------------------------------------------------------

query.addEventListener("input", () => {
  state.k = STEP;
  if (asksWithFile()) {
    state.by = "words";
    showWay();
  }
  later();
});
at("vectors-open").addEventListener("click", () => at("vectors-file").click());
at("vectors-file").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  // The same file can be chosen again when it has changed.
  const read = file && readVectors(file);
  target.value = "";
  try {
    if (!read) return;
    vectors = await read;
  } catch (error) {
    return say(error.message, true);
  }
  Object.assign(state, { k: STEP, by: "vectors" });
  showWay();
  await search();
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await search();
  choose(0);
});
filter.addEventListener("input", () => { state.k = STEP; later(); });
index.addEventListener("change", () => {
  Object.assign(state, { index: index.value, doc: "" });
  state.by = usual();
  panel.hidden = true;
  filter.value = "";
  showWay();
  search();
});
for (const way of form.elements.by) {
  way.addEventListener("change", () => { state.by = way.value; showWay(); search(); });
}
weight.addEventListener("input", () => { state.mix = Number(weight.value); showWay(); later(); });
weight.addEventListener("dblclick", () => { state.mix = MIDDLE; showWay(); search(); });
at("export-jsonl").addEventListener("click", () => exportJsonl(state.q, answer.hits));
at("export-tsv").addEventListener("click", () => exportTsv(answer.hits));
exact.addEventListener("change", () => { state.exact = exact.checked; search(); });
more.addEventListener("click", async () => {
  const before = state.k;
  state.filter = given.get("filter") ?? "";
  state.by = WAYS.includes(given.get("by")) ? given.get("by") : "";
  const mix = Number.parseInt(given.get("mix"), 10);
  state.mix = mix >= 0 && mix <= 100 ? mix : MIDDLE;
  state.k = Math.min(state.k + STEP, MOST);
  await search();
  choose(before);
});
at("close").addEventListener("click", close);
for (const name of ["document", "matrix"]) {
  at(`tab-${name}`).addEventListener("click", () => {
    state.view = name;
    writeAddress(false);
    showPanel(false);
  });
  at(`tab-${name}`).addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = at(name === "document" ? "tab-matrix" : "tab-document");
    other.click();
    other.focus();
  });
}
addEventListener("popstate", () => { readAddress(); apply(); });

// Shows what is searched by.
function showWay() {
  form.elements.by.value = state.by;
  at("mix").hidden = state.by !== "hybrid";
  exact.disabled = state.by === "words";
  weight.value = state.mix;
  const shown = String(weightAt(state.mix));
  at("weight-is").textContent = `vectors ${shown}`;
  weight.setAttribute("aria-valuetext", `vectors ${shown} of 1`);
  const now = current();
  for (const way of form.elements.by) {
    way.disabled = (way.value === "hybrid" && now?.text === false) || (way.value !== "vectors" && !now?.words);
  }
  at("vectors").hidden = now?.text !== false;
  at("vectors-open").textContent = vectors
    ? `${vectors.name} · ${vectors.vectors.length} vectors` : "Open query vectors…";
  query.disabled = now?.text === false && !now.words;
  query.placeholder = query.disabled ? "This index has no words; open query vectors"
    : asksWithFile() ? "Search by words instead" : "Search";
}

// --- Start -------------------------------------------------------------------------------------

function summary() {
  const now = current();
  if (!now) return "";
  const count = now.documents.toLocaleString("en");
  if (now.text === null) return `${count} documents; the checkpoint is being opened`;
  if (asksWithFile()) return `${count} documents; open a file of query vectors, .npy or JSON`;
  if (!now.text) return `${count} documents; asked by words or with query vectors, as it has no checkpoint`;
  return `${count} documents`;
}

// Shows what the address says.
async function apply() {
  state.index ||= indexes[0]?.name ?? "";
  index.value = state.index;
  query.value = state.q;
  filter.value = state.filter;
  if (indexes.length > 0 && !current()) {
    // A shared address names it; hits of another index would be none of its hits.
    index.hidden = false;
    failed(new Error(`There is no index ${state.index} here. Choose one.`));
    return;
  }
  exact.checked = state.exact;
  state.by ||= usual();
  showWay();
  await search();
  showPanel(false);
}

async function start() {
  at("facets").open = matchMedia("(min-width: 1100px)").matches;
  readAddress();
  query.value = state.q;
  try {
    ({ indexes } = await ask("/v1/indexes"));
  } catch (error) {
    failed(error);
    return;
  }
  // Those that can be asked with text come first.
  indexes.sort((a, b) => Number(b.text !== false) - Number(a.text !== false));
  index.replaceChildren(...indexes.map(({ name }) => make("option", { value: name, textContent: name })));
  index.hidden = indexes.length < 2;
  await apply();
}

start();
