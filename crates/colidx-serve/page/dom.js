// Elements.

export const at = (id) => document.getElementById(id);

// An element. Children that are strings become text, never markup.
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
