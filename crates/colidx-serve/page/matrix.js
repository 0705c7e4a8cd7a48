// The late interaction as a picture: query tokens by document tokens, and what can be read off it.

import { make } from "./dom.js";
import { gridOf } from "./picture.js";

const ROW = 18;

// From dark to bright, readable without telling red from green.
const STOPS = [[24, 20, 66], [64, 67, 135], [41, 120, 142], [53, 183, 121], [253, 231, 37]];

function color(share) {
  const at = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  const mix = (n) => Math.round(STOPS[low][n] + (at - low) * (STOPS[low + 1][n] - STOPS[low][n]));
  return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`;
}

// How a token is shown: markers have no text of their own.
const shown = (token, at) => token.text || `[${at}]`;

// How a vector of a page is shown.
function patch(picture, vector) {
  const grid = picture?.grid;
  if (!grid || vector < grid.first || vector >= grid.end) return "";
  const at = vector - grid.first;
  return `patch ${Math.floor(at / grid.columns) + 1}, ${at % grid.columns + 1}`;
}

// Shows an answer of /explain in `element`, and over the document's `picture` if there is one.
// `names` are those of the query's tokens, where the service does not know them.
export function showMatrix(element, answer, { metadata, picture, names = [] }) {
  if (answer.document_tokens.length === 0) {
    const [first = []] = answer.similarities;
    if (picture) picture.grid = gridOf(metadata, first.length);
    answer.document_tokens = first.map((_, vector) => ({ text: patch(picture, vector) }));
    answer.query_tokens = answer.similarities.map((_, row) => names[row] ?? `vector ${row + 1}`);
    answer.untold = true;
  }
  new Matrix(element, answer, picture).draw();
}

class Matrix {
  constructor(element, { query_tokens, document_tokens, similarities, score, untold }, picture) {
    Object.assign(this, { untold, picture });
    this.rows = query_tokens;
    this.columns = document_tokens;
    this.values = similarities;
    this.score = score;
    this.best = similarities.map((row) => row.indexOf(Math.max(...row)));
    const all = similarities.flat();
    this.low = all.reduce((a, b) => Math.min(a, b), Infinity);
    this.high = all.reduce((a, b) => Math.max(a, b), -Infinity);
    this.at = [0, Math.max(0, this.best[0] ?? 0)];
    this.selected = undefined;
    this.build(element);
  }

  build(element) {
    const hint = make("p", { className: "hint" },
      "Each row is a token of the query, each column one of the document. The brightest cell of "
      + `a row, framed, is what it gives; together ${this.score.toFixed(3)}. Choose a row to `
      + `light the ${this.picture?.grid ? "page" : "document"} by it.`);
    this.cell = make("p", { className: "cell" });
    this.cell.setAttribute("role", "status");
    this.canvas = make("canvas", { tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label",
      `Similarities of ${this.rows.length} query tokens to ${this.columns.length} document tokens. `
      + "Arrow keys move from cell to cell; the table below has the best of each row.");
    this.labels = make("ul", { className: "rows" }, ...this.rows.map((text, row) => this.label(text, row)));
    this.scroll = make("div", { className: "scroll" }, this.canvas);
    const grid = make("div", { className: "grid" }, this.labels, this.scroll);
    this.tokens = make("p", { className: "tokens" });
    this.spans = this.untold ? [] : this.columns.map((token, column) => this.span(token, column));
    this.spans.forEach((span, column) => this.tokens.append(this.gap(column), span));
    const parts = [hint, this.cell, grid, this.scale(), this.table()];
    if (!this.untold) parts.splice(4, 0, this.tokens);
    if (this.picture) parts.splice(4, 0, this.picture.element);
    element.replaceChildren(...parts);
    if (this.picture?.grid) {
      for (const name of ["pointermove", "pointerdown"]) {
        this.picture.element.addEventListener(name, (event) => this.pointAtPatch(event));
      }
    }
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  label(text, row) {
    const button = make("button", { type: "button", textContent: text, title: text });
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.select(this.selected === row ? undefined : row));
    const item = make("li", { className: text === "[MASK]" ? "expansion" : "" }, button);
    item.style.height = `${ROW}px`;
    return item;
  }

  span(token, column) {
    const span = make("span", { textContent: shown(token, column).trim() });
    span.addEventListener("pointerenter", () => this.move(this.rowFor(column), column));
    return span;
  }

  // White space between two tokens, where the document has some.
  gap(column) {
    const [before, token] = [this.columns[column - 1], this.columns[column]];
    if (!before || token.part === undefined || before.part !== token.part) return " ";
    const size = new TextEncoder().encode(before.text).length;
    return token.start > before.start + size || token.text !== token.text.trimStart() ? " " : "";
  }

  // The query token that a document token means most to.
  rowFor(column) {
    if (this.selected !== undefined) return this.selected;
    let most = 0;
    this.values.forEach((row, at) => { if (row[column] > this.values[most][column]) most = at; });
    return most;
  }

  scale() {
    const bar = make("canvas", { width: 64, height: 1 });
    bar.setAttribute("aria-hidden", "true");
    const context = bar.getContext("2d");
    for (let x = 0; x < 64; x++) {
      context.fillStyle = color(x / 63);
      context.fillRect(x, 0, 1, 1);
    }
    return make("div", { className: "scale" }, this.low.toFixed(2), bar, this.high.toFixed(2));
  }

  table() {
    const head = make("tr", {}, ...["Query token", "Matched", "Score"].map((text) => {
      const cell = make("th", { textContent: text, scope: "col" });
      return cell;
    }));
    const rows = this.rows.map((text, row) => {
      const column = this.best[row];
      const token = this.columns[column];
      const cells = [text, token ? shown(token, column) : "", this.values[row]?.[column]?.toFixed(3) ?? ""];
      return make("tr", {}, ...cells.map((textContent) => make("td", { textContent })));
    });
    const caption = make("caption", { textContent: "What each token of the query matched best" });
    return make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...rows));
  }

  draw() {
    const room = this.scroll.clientWidth || 400;
    this.width = Math.max(5, Math.min(26, Math.floor(room / Math.max(1, this.columns.length))));
    const [width, height] = [this.columns.length * this.width, this.rows.length * ROW];
    const ratio = Math.min(window.devicePixelRatio || 1, 16_000 / Math.max(1, width));
    Object.assign(this.canvas, { width: Math.ceil(width * ratio), height: Math.ceil(height * ratio) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.context = this.canvas.getContext("2d");
    this.context.scale(ratio, ratio);
    this.paint();
    this.light();
  }

  paint() {
    const { context, width } = this;
    const range = this.high - this.low || 1;
    context.clearRect(0, 0, this.columns.length * width, this.rows.length * ROW);
    this.values.forEach((row, y) => {
      const dim = this.selected !== undefined && this.selected !== y;
      context.globalAlpha = dim ? 0.35 : 1;
      row.forEach((value, x) => {
        context.fillStyle = color((value - this.low) / range);
        context.fillRect(x * width, y * ROW, width, ROW);
      });
      context.strokeStyle = "#fff";
      context.lineWidth = 1.5;
      context.strokeRect(this.best[y] * width + 0.75, y * ROW + 0.75, width - 1.5, ROW - 1.5);
    });
    context.globalAlpha = 1;
    const [y, x] = this.at;
    context.strokeStyle = "#ff3366";
    context.lineWidth = 2;
    context.strokeRect(x * width + 1, y * ROW + 1, width - 2, ROW - 2);
    this.tell();
  }

  tell() {
    const [row, column] = this.at;
    const value = this.values[row]?.[column];
    if (value === undefined) return;
    const bold = (textContent) => make("b", { textContent });
    const best = column === this.best[row] ? ", the best of its row" : "";
    this.cell.replaceChildren(
      bold(this.rows[row]), " × ", bold(shown(this.columns[column], column)),
      ` = ${value.toFixed(3)}${best}`);
    this.spans.forEach((span, at) => span.classList.toggle("at", at === column));
    this.picture?.mark(column);
  }

  // Lights the document by the chosen row, or by what each token gives to the score.
  light() {
    const strengths = this.columns.map((_, column) => {
      if (this.selected !== undefined) return this.values[this.selected][column];
      const given = this.best.filter((best) => best === column).length;
      return given === 0 ? this.low : this.low + (this.high - this.low) * Math.min(1, 0.35 + 0.2 * given);
    });
    const [low, high] = [Math.min(...strengths), Math.max(...strengths)];
    this.spans.forEach((span, column) => {
      const share = high > low ? (strengths[column] - low) / (high - low) : 0;
      span.style.setProperty("--strength", (0.8 * share ** 2).toFixed(3));
    });
    this.lightPicture();
    [...this.labels.querySelectorAll("button")].forEach((button, row) =>
      button.setAttribute("aria-pressed", String(row === this.selected)));
  }

  // Lights the page by the chosen row, or by the sum of all, and frames what gives to the score.
  lightPicture() {
    if (!this.picture?.grid) return;
    const row = this.selected;
    const values = row === undefined
      ? this.columns.map((_, column) => this.values.reduce((sum, row) => sum + row[column], 0))
      : this.values[row];
    this.picture.light(values, row === undefined ? this.best : [this.best[row]]);
  }

  pointAtPatch(event) {
    const column = this.picture.vectorAt(event);
    this.move(this.rowFor(column), column);
    this.follow();
  }

  select(row) {
    this.selected = row;
    if (row !== undefined) this.at = [row, this.best[row]];
    this.paint();
    this.light();
    this.follow();
  }

  move(row, column) {
    const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);
    this.at = [clamp(row, this.rows.length), clamp(column, this.columns.length)];
    this.paint();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    this.move(Math.floor(y / ROW), Math.floor(x / this.width));
  }

  key(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (step) this.move(this.at[0] + step[0], this.at[1] + step[1]);
    else if (event.key === "Home") this.move(this.at[0], this.best[this.at[0]]);
    else if (event.key === "Enter") this.select(this.selected === this.at[0] ? undefined : this.at[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.follow();
  }

  // Keeps the cell in sight.
  follow() {
    const x = this.at[1] * this.width;
    const { scrollLeft, clientWidth } = this.scroll;
    if (x < scrollLeft || x + this.width > scrollLeft + clientWidth) {
      this.scroll.scrollLeft = x - clientWidth / 2;
    }
  }
}
