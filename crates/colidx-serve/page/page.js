// The search page: what is typed, what is found, and what is open beside it. All of it stands in
// the address, so that it can be shared.

import { ask, useKey, Failure } from "./api.js";
import { bestWindow, light, strongest } from "./marks.js";
import { showMatrix } from "./matrix.js";

const PAUSE = 120;
const SNIPPET = 420;
const STEP = 10;
const MOST = 100;

const at = (id) => document.getElementById(id);
const [form, index, query, exact, status, hits, more, panel, view] =
  ["form", "index", "query", "exact", "status", "hits", "more", "panel", "view"].map(at);

// What stands in the address.
const state = { index: "", q: "", k: STEP, exact: false, doc: "", view: "document" };
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
  state.k = Math.min(Math.max(Number.parseInt(given.get("k"), 10) || STEP, 1), MOST);
  state.exact = given.get("exact") === "1";
  state.doc = given.get("doc") ?? "";
  state.view = given.get("view") === "matrix" ? "matrix" : "document";
}

function writeAddress(push) {
  const given = new URLSearchParams();
  if (indexes.length > 1 || state.index !== indexes[0]?.name) given.set("index", state.index);
  if (state.q) given.set("q", state.q);
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
  writeAddress(false);
  at("welcome").hidden = state.q !== "";
  if (state.q === "") {
    show(undefined);
    say(summary());
    return;
  }
  const request = {
    query: state.q, k: state.k, exact: state.exact,
    with: ["title", "text", "metadata", "highlights"],
  };
  try {
    const found = await ask(path("search"), request, control.signal);
    if (control === running) show(found);
  } catch (error) {
    if (error.name !== "AbortError" && control === running) failed(error);
  }
}

function failed(error) {
  if (error instanceof Failure && error.status === 401) return void askForKey(error);
  show(undefined);
  say(error.message, true);
  if (error.status === 429 || error.status === 503) timer = setTimeout(() => search(), 1000);
}

function show(found) {
  answer = found;
  chosen = -1;
  hits.replaceChildren(...(found?.hits ?? []).map(hit));
  more.hidden = !found || found.hits.length < state.k || state.k >= MOST;
  const steps = ["encode_ms", "centroid_ms", "candidate_ms", "partial_ms", "exact_ms"];
  const times = found ? steps.map((step) => found.stats[step]) : [];
  const all = times.reduce((sum, time) => sum + time, 0) || 1;
  at("stages").replaceChildren(...times.map((time) => {
    const bar = make("i");
    bar.style.flex = String(time / all);
    return bar;
  }));
  if (!found) return;
  const [encode, centroids, candidates, partial, scored] = times.map((time) => time.toFixed(1));
  const number = found.hits.length === 1 ? "1 hit" : `${found.hits.length} hits`;
  const cut = found.query?.truncated ? " · the query was cut, it is too long" : "";
  say(`${number} in ${(found.stats.encode_ms + found.stats.search_ms).toFixed(1)} ms: encode ${encode}, `
    + `centroids ${centroids}, candidates ${candidates}, partial ${partial}, exact ${scored}${cut}`);
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
  parts.push(fields(found.metadata));
  const item = make("li", { className: "hit" }, ...parts);
  item.addEventListener("focusin", () => choose(number, false));
  return item;
}

// Further fields of a document, the short ones.
function fields(metadata) {
  const list = make("ul", { className: "fields" });
  if (metadata && typeof metadata === "object") {
    for (const [name, value] of Object.entries(metadata).slice(0, 8)) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      list.append(make("li", { textContent: `${name}: ${text.slice(0, 80)}` }));
    }
  }
  return list;
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
index.addEventListener("change", () => { state.index = index.value; state.doc = ""; panel.hidden = true; search(); });
exact.addEventListener("change", () => { state.exact = exact.checked; search(); });
more.addEventListener("click", async () => {
  const before = state.k;
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

// --- Start -------------------------------------------------------------------------------------

function summary() {
  const now = indexes.find((one) => one.name === state.index);
  if (!now) return "";
  const count = now.documents.toLocaleString("en");
  if (now.text === null) return `${count} documents; the checkpoint is being opened`;
  if (!now.text) return `${count} documents; this index has no checkpoint, search it with vectors at /docs`;
  return `${count} documents`;
}

// Shows what the address says.
async function apply() {
  if (!indexes.some((one) => one.name === state.index)) state.index = indexes[0]?.name ?? "";
  index.value = state.index;
  query.value = state.q;
  exact.checked = state.exact;
  await search();
  showPanel(false);
}

async function start() {
  theme(localStorage.getItem("colidx-theme"));
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
