// The filter box with the error under it, and the facets that write into it.

import { ask } from "./api.js";
import { at, make } from "./dom.js";
import { drawn } from "./picture.js";

const FIELDS = 8;
const VALUES = 8;

const [box, problem, facets, list] = ["filter", "filter-error", "facets", "facet-list"].map(at);

// --- The error ---------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// What is wrong with the filter, under the place where it is wrong. The service counts in bytes.
export function showProblem(failure) {
  const wrong = failure?.code === "invalid_filter";
  box.setAttribute("aria-invalid", String(wrong));
  problem.hidden = !wrong;
  if (!wrong) return false;
  const { problem: text, start, end } = failure.details;
  const bytes = encoder.encode(box.value);
  const [before, there] = [bytes.subarray(0, start), bytes.subarray(start, end)];
  const [from, length] = [[...decoder.decode(before)].length, [...decoder.decode(there)].length];
  const caret = `${" ".repeat(from)}${"^".repeat(Math.max(1, length))}`;
  problem.replaceChildren(
    make("span", { textContent: `${box.value}\n${caret}\n`, ariaHidden: "true" }),
    make("b", { textContent: text }));
  return true;
}

// --- The conditions of a filter ----------------------------------------------------------------

// The filter is a text that people write too, so a facet is on if its condition stands there as
// this page writes it.
const AND = " AND ";

// The conditions that a filter joins by AND, as far as they stand in no brackets and quotes, and
// whether an OR stands between them.
export function split(filter) {
  const parts = [];
  let [from, depth, quote, loose] = [0, 0, "", false];
  for (let at = 0; at < filter.length; at++) {
    const letter = filter[at];
    if (quote) {
      if (letter === quote) quote = "";
    } else if (letter === "'" || letter === '"') {
      quote = letter;
    } else if (letter === "(") {
      depth++;
    } else if (letter === ")") {
      depth--;
    } else if (depth === 0 && /\s/.test(letter)) {
      const word = /^\s+(and|or)\s/i.exec(filter.slice(at));
      if (!word) continue;
      if (word[1].toLowerCase() === "or") loose = true;
      else parts.push(filter.slice(from, at));
      from = at += word[0].length - 1;
    }
  }
  parts.push(filter.slice(from));
  const trimmed = loose ? [filter.trim()] : parts.map((part) => part.trim());
  return { parts: trimmed.filter((part) => part !== ""), loose };
}

export const has = (filter, condition) => split(filter).parts.includes(condition);

// Takes a condition out, or puts it in, in the place of the others of its field.
export function toggled(filter, condition, others) {
  const { parts, loose } = split(filter);
  const kept = parts.filter((part) => part !== condition && !others.includes(part));
  if (kept.length < parts.length && parts.includes(condition)) return kept.join(AND);
  return [...(loose ? [`(${kept[0]})`] : kept), condition].join(AND);
}

// --- Facets ------------------------------------------------------------------------------------

// The fields worth choosing from, by index and commit.
const known = new Map();

async function fieldsOf(path, generation) {
  const name = `${path("")} ${generation}`;
  if (!known.has(name)) {
    const { fields } = await ask(path("fields"));
    // Measured numbers and names of single documents are nothing to choose from.
    const useful = fields.filter(({ path, distinct, documents, strings }) =>
      distinct > 1 && !drawn(path) && (distinct <= 12 || (strings > 0 && distinct * 2 <= documents)));
    useful.sort((a, b) => a.distinct - b.distinct);
    known.set(name, useful.slice(0, FIELDS));
  }
  return known.get(name);
}

let running;

// Counts the values among the documents that the filter leaves. `choose` is told the new filter.
export async function showFacets(path, generation, filter, choose) {
  running?.abort();
  const control = running = new AbortController();
  let fields, counted;
  try {
    fields = await fieldsOf(path, generation);
    if (fields.length > 0) {
      const request = { fields: fields.map(({ path }) => path), most: VALUES };
      if (filter) request.filter = filter;
      counted = await ask(path("facets"), request, control.signal);
    }
  } catch {
    // The search tells what is wrong.
    return;
  }
  if (control !== running) return;
  facets.hidden = !counted;
  const focused = document.activeElement?.dataset?.condition;
  list.replaceChildren(...(counted?.facets ?? []).map((facet, n) =>
    facetOf(facet, fields[n], filter, choose)));
  if (focused === undefined) return;
  [...list.querySelectorAll("button")].find(({ dataset }) => dataset.condition === focused)?.focus();
}

function facetOf({ path, values }, { distinct }, filter, choose) {
  const all = values.map((one) => one.filter);
  const button = (one) => {
    const on = has(filter, one.filter);
    const name = make("span", { className: "value", textContent: String(one.value) || "\u2014" });
    const count = make("span", { className: "count", textContent: one.documents.toLocaleString("en") });
    const element = make("button", { type: "button", title: one.filter }, name, " ", count);
    element.dataset.condition = one.filter;
    element.setAttribute("aria-pressed", String(on));
    element.addEventListener("click", () =>
      choose(toggled(filter, one.filter, all.filter((other) => other !== one.filter))));
    return make("li", {}, element);
  };
  const title = make("h2", { textContent: path });
  const items = make("ul", {}, ...values.map(button));
  const rest = distinct - values.length;
  // How many are left within a filter is not known.
  const hidden = filter !== "" || rest <= 0;
  const more = make("p", { className: "rest", textContent: `and ${rest.toLocaleString("en")} more`, hidden });
  return make("section", { ariaLabel: path }, title, items, more);
}
