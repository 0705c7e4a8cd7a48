// The search page: what is typed, what is found, and what is open beside it. All of it stands in
// the address, so that it can be shared.

import { ask, useKey, Failure } from "./api.js";
import { exportJsonl, exportTsv } from "./export.js";
import { bestWindow, light, strongest } from "./marks.js";
import { showMatrix } from "./matrix.js";
import { showFacets, showProblem } from "./narrow.js";

const PAUSE = 120;
const SNIPPET = 420;
const STEP = 10;
const MOST = 100;
const MIDDLE = 50;

const at = (id) => document.getElementById(id);
const [form, index, query, filter, exact, weight, status, hits, more, panel, view] =
  ["form", "index", "query", "filter", "exact", "weight", "status", "hits", "more", "panel", "view"].map(at);
const WAYS = ["vectors", "words", "hybrid"];

// What stands in the address.
const state = {
  index: "", q: "", filter: "", by: "vectors", mix: MIDDLE, k: STEP, exact: false, doc: "", view: "document",
};
let indexes = [];
let answer;
let chosen = -1;
let running;
let timer;
let came;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

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

// An index without a checkpoint has its words alone.
function usual() {
  return indexes.find((one) => one.name === state.index)?.text === false ? "words" : "vectors";
}

// The weight of vectors for a place of the slider. Those that matter crowd near 1, where BM25 and
// MaxSim come to the same order; the engine's own is in the middle.
function weightAt(mix) {
  const words = 0.035 ** (mix / MIDDLE);
  return mix === 100 ? 1 : Number((1 - Number(words.toPrecision(2))).toFixed(6));
}

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
  state.q = query.value.trim();
  state.filter = filter.value.trim();
  writeAddress(false);
  at("welcome").hidden = state.q !== "";
  const now = indexes.find((one) => one.name === state.index);
  showFacets(path, now?.generation, state.filter, narrow);
  if (state.q === "") {
    show(undefined);
    say(summary());
    await checkFilter(control);
    return;
  }
  const request = {
    query: state.q, k: state.k, by: state.by, exact: state.exact && state.by !== "words",
    with: ["title", "text", "metadata", "highlights"],
  };
  if (state.filter) request.filter = state.filter;
  if (state.by === "hybrid" && state.mix !== MIDDLE) request.weight = weightAt(state.mix);
  try {
    const found = await ask(path("search"), request, control.signal);
    if (control === running) {
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
  hits.replaceChildren(...(found?.hits ?? []).map(hit));
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
  const open = found.hits.findIndex((hit) => hit.key === state.doc);
  if (open >= 0) choose(open, false);
}

// One hit, all of it as text.
function hit(found, number) {
  const most = strongest(found.highlights);
  const title = make("button", { type: "button" });
  if (found.title) light(title, found.title, found.highlights.title, most);
  else title.textContent = found.key;
  title.addEventListener("click", () => open(number, "document"));
  const why = make("button", {
    type: "button", className: "why", textContent: found.score.toFixed(3), title: "Why? (m)",
  });
  why.setAttribute("aria-label", `Score ${found.score.toFixed(3)}. Why?`);
  why.addEventListener("click", () => open(number, "matrix"));
  const snippet = make("p", { className: "snippet" });
  const words = found.highlights.text;
  light(snippet, found.text, words, most, bestWindow(found.text, words, SNIPPET));
  const parts = [make("div", { className: "top" }, make("h2", {}, title), why)];
  if (found.text) parts.push(snippet);
  if (found.title) parts.push(make("p", { className: "key", textContent: found.key }));
  if (found.bm25 !== undefined && found.maxsim !== undefined) {
    const both = `vectors ${found.maxsim.toFixed(3)} · words ${found.bm25.toFixed(3)}`;
    parts.push(make("p", { className: "both", textContent: both }));
  }
  parts.push(fields(found.metadata));
  const item = make("li", { className: "hit" }, ...parts);
  item.addEventListener("focusin", () => choose(number, false));
  return item;
}

// Further fields of a document, the short ones.
function fields(metadata) {
  const items = [];
  if (metadata && typeof metadata === "object") {
    for (const [name, value] of leaves(metadata).slice(0, 8)) {
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
  at("panel-title").textContent = key;
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

async function showDocument(key) {
  const found = answer?.hits.find((hit) => hit.key === key);
  const whole = found ?? await ask(path(`documents/${encodeURIComponent(key)}`));
  if (state.doc !== key) return;
  at("panel-title").textContent = whole.title || key;
  const text = make("div", { className: "whole", textContent: whole.text });
  if (found) light(text, whole.text, found.highlights.text, strongest(found.highlights));
  view.replaceChildren(text);
  if (whole.metadata) {
    view.append(make("pre", { textContent: JSON.stringify(whole.metadata, null, 2) }));
  }
}

async function showWhy(key) {
  const found = answer?.hits.find((hit) => hit.key === key);
  if (found?.title) at("panel-title").textContent = found.title;
  if (!state.q) {
    view.replaceChildren(make("p", { textContent: "Search for something first." }));
    return;
  }
  const matrix = await ask(path("explain"), { query: state.q, key });
  if (state.doc === key && state.view === "matrix") showMatrix(view, matrix);
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

query.addEventListener("input", () => { state.k = STEP; later(); });
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
  const now = indexes.find((one) => one.name === state.index);
  for (const way of form.elements.by) {
    way.disabled = (way.value !== "words" && now?.text === false) || (way.value !== "vectors" && !now?.words);
  }
}

function theme(name) {
  if (name) document.documentElement.dataset.theme = name;
  const dark = name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  at("theme").setAttribute("aria-pressed", String(dark));
  return dark;
}

at("theme").addEventListener("click", () => {
  const name = at("theme").getAttribute("aria-pressed") === "true" ? "light" : "dark";
  localStorage.setItem("colidx-theme", name);
  theme(name);
});

// What is fixed below the head must know how high it is.
new ResizeObserver(([{ borderBoxSize: [{ blockSize }] }]) =>
  document.documentElement.style.setProperty("--head", `${blockSize}px`))
  .observe(document.querySelector("header"));

// --- Start -------------------------------------------------------------------------------------

function summary() {
  const now = indexes.find((one) => one.name === state.index);
  if (!now) return "";
  const count = now.documents.toLocaleString("en");
  if (now.text === null) return `${count} documents; the checkpoint is being opened`;
  if (!now.text) return `${count} documents; this index has no checkpoint, ${now.words ? "its words alone are searched" : "search it with vectors at /docs"}`;
  return `${count} documents`;
}

// Shows what the address says.
async function apply() {
  if (!indexes.some((one) => one.name === state.index)) state.index = indexes[0]?.name ?? "";
  index.value = state.index;
  query.value = state.q;
  filter.value = state.filter;
  exact.checked = state.exact;
  state.by ||= usual();
  showWay();
  await search();
  showPanel(false);
}

async function start() {
  theme(localStorage.getItem("colidx-theme"));
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
