// Shows /openapi.json for people.

import { make } from "./dom.js";

const description = await (await fetch("/openapi.json")).json();

function resolve(schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? { name, ...description.components.schemas[name] } : schema ?? {};
}

function typeOf(schema) {
  const full = resolve(schema);
  const choices = (full.oneOf ?? full.anyOf)?.filter((one) => one.type !== "null");
  if (full.enum) return full.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (choices) return [...new Set(choices.map(typeOf))].join(" | ");
  if (full.type?.includes?.("array")) return `[${typeOf(full.items)}]`;
  const types = [full.type ?? "any"].flat().filter((type) => type !== "null");
  return types.join(" | ");
}

// The fields of an object, and of the objects in it.
function fields(schema, seen = []) {
  const full = resolve(schema);
  const list = make("ul", { className: "schema" });
  if (full.name && seen.includes(full.name)) return list;
  const below = [...seen, full.name];
  for (const choice of full.oneOf ?? full.anyOf ?? []) list.append(...fields(choice, below).children);
  if (full.type?.includes?.("array")) list.append(...fields(full.items, below).children);
  for (const [name, value] of Object.entries(full.properties ?? {})) {
    const needed = full.required?.includes(name) ? ", needed" : "";
    const usual = value.default === undefined ? "" : `, default ${JSON.stringify(value.default)}`;
    const about = value.description ?? resolve(value).description ?? "";
    const item = make("li", {}, make("code", { textContent: name }), " ",
      make("em", { textContent: typeOf(value) + needed + usual }), about ? ` ${about}` : "");
    const inner = fields(value, below);
    if (inner.children.length) item.append(inner);
    list.append(item);
  }
  return list;
}

function section(title, schema) {
  return [make("h3", { textContent: `${title}: ${typeOf(schema)}` }), fields(schema)];
}

function route(path, method, about) {
  const [first, ...rest] = (about.summary ?? about.description ?? "").split("\n\n");
  const head = make("summary", {}, make("b", { className: "method", textContent: method.toUpperCase() }),
    make("code", { textContent: path }), make("span", { textContent: first }));
  const body = make("div", { className: "body" });
  if (rest.length) body.append(make("p", { textContent: rest.join(" ") }));
  for (const { name, in: where, description: text } of about.parameters ?? []) {
    body.append(make("p", {}, make("code", { textContent: name }), ` (${where}) ${text ?? ""}`));
  }
  const sent = about.requestBody?.content?.["application/json"]?.schema;
  if (sent) body.append(...section("Body", sent));
  const got = about.responses?.["200"]?.content?.["application/json"]?.schema;
  if (got) body.append(...section("Answer", got));
  return make("details", {}, head, body);
}

const routes = document.getElementById("routes");
routes.replaceChildren();
for (const tag of description.tags ?? []) {
  const own = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, about]) => about.tags?.includes(tag.name))
      .map(([method, about]) => route(path, method, about)));
  routes.append(make("h2", { textContent: tag.name }), make("p", { textContent: tag.description }), ...own);
}
