/* The page: the library with what is being published, or one video. The address's fragment tells which: #{id}. */

import { $, complain, h } from "./dom.js";
import * as library from "./library.js";
import * as publish from "./publish.js";
import { show } from "./watch.js";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

let left = new AbortController();
let begun = false;

async function go() {
  const id = location.hash.slice(1);
  const isVideo = ID.test(id);
  left.abort();
  left = new AbortController();
  complain();
  $("home").hidden = isVideo;
  $("video").hidden = !isVideo;
  $("video").replaceChildren();
  if (!isVideo) {
    document.title = "Video connector";
    if (begun) $("library-title").focus();
    begin();
    return;
  }
  const { signal } = left;
  try {
    await show(id, $("video"), signal);
  } catch (error) {
    if (signal.aborted) return;
    $("video").replaceChildren(h("a", { class: "back", href: "#" }, "← All videos"));
    complain(error.status === 404 ? "There is no such video. It may have been deleted." : error.message);
  }
}

/** The library is filled when it is first seen. */
function begin() {
  if (begun) return;
  begun = true;
  library.start();
}

$("dismiss").addEventListener("click", () => complain());
addEventListener("hashchange", go);
publish.start();
go();
