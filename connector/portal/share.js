/* What to copy: addresses, calls, and code for one's own pages. */

import { API, PUBLIC_API } from "./addresses.js";
import { announce, h } from "./dom.js";

/** A text with a button that copies it. */
export function copyable(name, text, { code = false } = {}) {
  const field = h(code ? "pre" : "div", { class: "copyable-text", tabindex: code ? 0 : null, role: code ? "region" : null,
    "aria-label": code ? name : null }, text);
  const button = h("button", { type: "button", "aria-label": `Copy ${name}`, onclick: copy }, "Copy");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      announce(`${name} copied`);
    } catch {
      getSelection().selectAllChildren(field); // pages without https may not write: the user can
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }
  return h("div", { class: "copyable" }, h("span", { class: "copyable-name" }, name), field, button);
}

const quoted = (text) => `"${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"`;

/** The page for an <iframe>. The token stands in the fragment: no server is told, and no log keeps it. */
export function embedAddress(id, token) {
  return `${new URL(`portal/embed/${id}`, API)}${token ? `#token=${token}` : ""}`;
}

/** [name, text] of each snippet. `urls` by kind; `token` as in the address of the embedded page. */
export function snippets(id, urls, token, isProtected) {
  const api = API.href.replace(/\/$/, "");
  const frame = `<iframe src=${quoted(embedAddress(id, token))} width="640" height="360"\n`
    + '  allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>';
  const helper = isProtected ? `import { hlsJsSetup } from "${new URL("portal/protection.js", PUBLIC_API)}";\n\n` : "";
  const setup = isProtected ? "{ xhrSetup: hlsJsSetup(token) }" : "";
  const player = `${helper}const hls = new Hls(${setup}); // hls.js\nhls.loadSource("${urls.HLS}");\nhls.attachMedia(document.querySelector("video"));`;
  const calls = [
    `curl ${api}/Videos/${id}`,
    `curl "${api}/Videos/${id}/PlaybackEndpoint?endpointType=HLS"`,
    isProtected ? `curl ${api}/Videos/${id}/AuthorizationToken` : "",
    `curl -L -o picture.jpg "${api}/Videos/${id}/Thumbnails/at?time=0&format=jpg"`,
  ];
  return [["Embed", frame], ["Player", player], ["curl", calls.filter(Boolean).join("\n")]];
}
