/* Elements without markup: whatever comes from outside is only ever text. */

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

/**
 * An element. Attributes named `on…` are listeners; `false`, `null` and `undefined` leave one out; `true` sets an empty
 * one. Children are elements or text.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** One of the symbols in the page; what it means must be said beside it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button with a symbol, and its meaning for those who do not see it. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes },
    icon(name));
}

/** Sets a button's symbol and meaning. */
export function become(button, name, label) {
  if (button.title === label) return;
  button.replaceChildren(icon(name));
  button.setAttribute("aria-label", label);
  button.title = label;
}

/** Says something to those who listen, without moving them. */
export function announce(text) {
  $("announcement").textContent = text;
}

/** Shows an error at the top of the page until the next one, or until it is dismissed; nothing hides it. */
export function complain(text = "") {
  $("message-text").textContent = text;
  $("message").hidden = !text;
}

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
