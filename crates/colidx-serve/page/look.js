// How the page looks: dark or light, and below its head.

import { at } from "./dom.js";

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

theme(localStorage.getItem("colidx-theme"));
