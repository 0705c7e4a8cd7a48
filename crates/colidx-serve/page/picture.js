// The image that a document names, and over it the patches that its vectors were made of.

import { load } from "./api.js";
import { make } from "./dom.js";

// Pixels across that are kept of an image.
const WIDTH = 1400;
const SMALL = 320;

// Fields of a document that are drawn rather than listed.
export const drawn = (path) => /^(image|patches)(\.|$)/.test(path);

// The name of a document's image: a file of the service, not an address elsewhere.
export function imageOf(metadata) {
  const name = metadata?.image;
  return typeof name === "string" && name !== "" && !linkOf(metadata) ? name : undefined;
}

// An image of another site. It is not loaded, as that site would learn who reads what.
export function linkOf(metadata) {
  const name = metadata?.image;
  return typeof name === "string" && /^https?:\/\//i.test(name) ? name : undefined;
}

// Where patches lie: `rows` of `columns` vectors, one after the other, from vector `first` on. Where a
// document has fewer vectors than that they were pooled, and are no longer those of patches.
export function gridOf(metadata, vectors) {
  const { rows, columns, first = 0 } = metadata?.patches ?? {};
  const whole = (value, least) => Number.isInteger(value) && value >= least && value <= 4096;
  if (!whole(rows, 1) || !whole(columns, 1) || !whole(first, 0)) return undefined;
  const end = first + rows * columns;
  return end <= vectors ? { rows, columns, first, end } : undefined;
}

// An image whose patches can be lit.
export class Picture {
  constructor(address, alt, grid, small = false) {
    Object.assign(this, { address, grid, small, shares: [], best: [], marked: undefined });
    this.element = make("canvas", { className: small ? "picture small" : "picture", width: 3, height: 4 });
    this.element.setAttribute("role", "img");
    this.element.setAttribute("aria-label", alt);
  }

  async load() {
    const blob = await load(this.address);
    const whole = await createImageBitmap(blob);
    const resizeWidth = Math.min(whole.width, this.small ? SMALL : WIDTH);
    this.bitmap = resizeWidth === whole.width
      ? whole : await createImageBitmap(whole, { resizeWidth, resizeQuality: "high" });
    Object.assign(this.element, { width: this.bitmap.width, height: this.bitmap.height });
    this.paint();
  }

  // Lights patches by `values`, one a vector of the document, and frames the `best` vectors.
  light(values, best) {
    const patches = this.grid ? values.slice(this.grid.first, this.grid.end) : [];
    const low = patches.reduce((a, b) => Math.min(a, b), Infinity);
    const high = patches.reduce((a, b) => Math.max(a, b), -Infinity);
    this.shares = patches.map((value) => high > low ? ((value - low) / (high - low)) ** 2 : 0);
    this.best = [...new Set(best)];
    this.paint();
  }

  // Frames one more vector.
  mark(vector) {
    this.marked = vector;
    this.paint();
  }

  // The vector of the patch at a place of the screen.
  vectorAt({ clientX, clientY }) {
    const { grid } = this;
    const box = this.element.getBoundingClientRect();
    const part = (at, size, count) => Math.min(Math.max(Math.floor(at / size * count), 0), count - 1);
    const row = part(clientY - box.top, box.height, grid.rows);
    const column = part(clientX - box.left, box.width, grid.columns);
    return grid.first + row * grid.columns + column;
  }

  // The place of a vector's patch on the canvas; nothing for what is no patch.
  place(vector) {
    const { grid, element: { width, height } } = this;
    const patch = vector - grid.first;
    if (patch < 0 || vector >= grid.end) return undefined;
    const [wide, high] = [width / grid.columns, height / grid.rows];
    return [patch % grid.columns * wide, Math.floor(patch / grid.columns) * high, wide, high];
  }

  paint() {
    if (!this.bitmap) return;
    const context = this.element.getContext("2d");
    context.globalAlpha = 1;
    context.drawImage(this.bitmap, 0, 0);
    if (!this.grid) return;
    context.fillStyle = "#f5a800";
    this.shares.forEach((share, patch) => {
      context.globalAlpha = 0.65 * share;
      context.fillRect(...this.place(this.grid.first + patch));
    });
    context.globalAlpha = 1;
    const line = Math.max(1, this.element.width / 350);
    for (const vector of this.best) this.frame(context, vector, "#a4161a", line);
    if (this.marked !== undefined) this.frame(context, this.marked, "#1d4e89", 2 * line);
  }

  frame(context, vector, color, line) {
    const place = this.place(vector);
    if (!place) return;
    const [x, y, wide, high] = place;
    Object.assign(context, { strokeStyle: color, lineWidth: line });
    context.strokeRect(x + line / 2, y + line / 2, wide - line, high - line);
  }
}

// Loads pictures when they come into sight.
const waiting = new Map();
const sight = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    sight.unobserve(target);
    // What cannot be shown leaves no gap; the document says why.
    waiting.get(target).load().catch(() => target.closest("button")?.remove());
    waiting.delete(target);
  }
}, { rootMargin: "300px" });

export function loadInSight(picture) {
  waiting.set(picture.element, picture);
  sight.observe(picture.element);
}

// Lights what a query's vectors matched, by what each patch gives to the score.
export function lightMatches(picture, matches) {
  if (!picture.grid) return;
  const given = new Array(picture.grid.end).fill(0);
  for (const { document_index: vector, score } of matches) {
    if (vector < given.length) given[vector] += Math.max(0, score);
  }
  picture.light(given, matches.map((match) => match.document_index));
}
