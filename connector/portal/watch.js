/* The page of one video: the encode while it lasts, with a player as soon as there is something to play; then all else. */

import { aboutForm } from "./about.js";
import { accessTo } from "./access.js";
import { call, get } from "./api.js";
import { confirmed } from "./dialogs.js";
import { announce, complain, h } from "./dom.js";
import { encodeView, follow } from "./encode.js";
import { bytes, called, clock, day } from "./format.js";
import * as library from "./library.js";
import { player } from "./player.js";
import { copyable, embedAddress, snippets } from "./share.js";
import { loadStoryboard } from "./storyboard.js";

/** Shows the video in `place` until `signal` is aborted. Throws ApiError. */
export async function show(id, place, signal) {
  const first = await call("GET", `Videos/${id}`);
  signal.throwIfAborted();
  let { answer: video, etag } = first;
  const heading = h("h1", { tabindex: -1 }, called(video));
  const body = h("div");
  place.replaceChildren(h("p", {}, h("a", { class: "back", href: "#" }, "← All videos")), heading, body);
  document.title = `${called(video)} · Video connector`;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);

  const encode = encodeView();
  const steps = h("section", { class: "panel" }, h("h2", {}, "Encode"), encode.view);
  let status = await get(`Videos/${id}/Status`);
  signal.throwIfAborted();
  encode.show(status);
  let early = null;
  if (status.Status === "AwaitingUpload" || status.Status === "Processing") {
    body.replaceChildren(steps, end(video));
    const tell = (now) => {
      encode.show(now);
      if (now.Status === "Processing" && now.Playable) early ??= beginning(id, body, signal);
    };
    tell(status);
    status = await follow(id, tell, signal);
    early = await early;
    ({ answer: video, etag } = await call("GET", `Videos/${id}`));
    signal.throwIfAborted();
    announce(status.Message);
  }
  const renamed = (now) => {
    heading.textContent = called(now);
    document.title = `${called(now)} · Video connector`;
    library.changed(id);
  };
  const about = h("section", { class: "panel" }, h("h2", {}, "About"), aboutForm(video, etag, renamed));
  if (status.Status === "Failed") {
    early?.stop();
    body.replaceChildren(h("p", { class: "reason", role: "alert" }, status.Message), about, steps, end(video));
    return;
  }
  const [access, thumbnails] = await Promise.all([opened(video, early), get(`Videos/${id}/Thumbnails`)]);
  signal.throwIfAborted();
  const screen = early?.screen ?? player(video, access, signal);
  if (early) screen.refresh();
  else body.replaceChildren(screen.stage);
  // The stage stays where it is: a player that is moved stops.
  const focused = document.activeElement;
  while (screen.stage.nextSibling) screen.stage.nextSibling.remove();
  body.append(factsOf(video),
    h("div", { class: "panels" },
      h("div", {}, screen.chooser, about, end(video)),
      h("div", {}, sharing(video, access), stills(thumbnails), steps)));
  if (focused.isConnected) focused.focus({ preventScroll: true });
  screen.decorate({ poster: thumbnails.find(({ Kind }) => Kind === "Poster")?.Url });
  if (video.Width) storyboardOf(`Videos/${id}`).then((storyboard) => screen.decorate({ storyboard }));
  if (!early) screen.begin();
}

/** Puts a player of what is finished so far above what `body` shows. Null if it cannot be played after all. */
async function beginning(id, body, signal) {
  const stopped = new AbortController();
  try {
    const video = await get(`Videos/${id}`);
    const access = await accessTo(video, true);
    signal.throwIfAborted();
    const screen = player(video, access, AbortSignal.any([signal, stopped.signal]));
    body.prepend(screen.stage);
    body.append(screen.chooser);
    screen.begin();
    announce("The finished part can be watched now");
    return { access, screen, stop: () => stopped.abort() };
  } catch {
    return null; // then when it is ready
  }
}

/** The access to a video that is ready. A player that already runs keeps the access that it has. */
async function opened(video, early) {
  if (!early) return accessTo(video, false);
  await early.access.complete();
  return early.access;
}

function factsOf(video) {
  const facts = [
    video.Width ? `${video.Width} × ${video.Height}, ${video.FrameRate} fps` : "Audio only",
    clock(video.Duration), bytes(video.Size), `published ${day(video.Created)}`, video.Title ? video.FileName : null,
    video.ContentProtectionMode === "None" ? null : "protected",
  ];
  return h("p", { class: "quiet video-facts" }, facts.filter(Boolean).join(" · "));
}

/** Null without one: then the seek bar shows times only. */
async function storyboardOf(path) {
  try {
    const [cues, image] = await Promise.all(["storyboard.vtt", "storyboard"].map((name) => address(`${path}/Thumbnails/${name}`)));
    return await loadStoryboard(cues, image);
  } catch {
    return null;
  }
}

/** Where something lies in storage. */
async function address(path) {
  return (await get(path, { redirect: "false" })).Url;
}

function sharing(video, access) {
  const names = { HLS: "HLS", DASH: "DASH", Streaming: "Smooth Streaming", Progressive: "MP4" };
  const section = h("section", { class: "panel" });
  async function renew() {
    await access.renew();
    draw();
    section.querySelector(".renew").focus();
    announce("Token renewed");
  }
  function draw() {
    const { urls, token, viewing } = access;
    section.replaceChildren(...[
      h("h2", {}, "Share"),
      ...Object.entries(urls).map(([kind, url]) => copyable(names[kind], url)),
      copyable("Embed page", embedAddress(video.Id, viewing)),
      token && copyable("Token", token.Token),
      token && h("div", { class: "row end" },
        h("span", { class: "quiet" }, `valid until ${new Date(token.ExpiresOn * 1000).toLocaleTimeString()}`),
        h("button", { type: "button", class: "renew", onclick: () => renew().catch((error) => complain(error.message)) }, "New token")),
      h("h3", {}, "Code"),
      ...snippets(video.Id, urls, viewing, Boolean(token)).map(([name, text]) => copyable(name, text, { code: true })),
    ].filter(Boolean));
  }
  draw();
  return section;
}

function stills(thumbnails) {
  const indexed = thumbnails.filter(({ Kind }) => Kind === "Indexed");
  const pictures = indexed.map(({ Url, Index, Width, Height }) =>
    h("li", {}, h("a", { href: Url, target: "_blank", rel: "noopener" },
      h("img", { src: Url, alt: `Thumbnail ${Index}`, loading: "lazy", width: Width, height: Height }))));
  return h("section", { class: "panel", hidden: !indexed.length }, h("h2", {}, "Thumbnails"), h("ul", { class: "stills" }, ...pictures));
}

/** Download and delete. */
function end(video) {
  const path = `Videos/${video.Id}`;
  async function remove() {
    const text = `${called(video)} and everything stored for it will be deleted: the upload, the media, the images and the keys.`;
    if (!(await confirmed("Delete this video?", text, "Delete"))) return;
    try {
      await call("DELETE", path);
      library.removed(video.Id);
      location.hash = "";
      announce(`${called(video)} deleted`);
    } catch (error) {
      complain(error.message);
    }
  }
  return h("section", { class: "panel" },
    h("h2", {}, "Original"),
    h("div", { class: "row" },
      video.Size ? h("button", { type: "button", onclick: () => download(video).catch((error) => complain(error.message)) }, `Download (${bytes(video.Size)})`) : null,
      h("span", { class: "spring" }),
      h("button", { type: "button", class: "danger", onclick: remove }, "Delete video")));
}

async function download(video) {
  const url = await address(`Videos/${video.Id}/Source`);
  h("a", { href: url, download: video.FileName }).click();
}
