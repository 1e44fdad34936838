/* The page of one video: the encode while it lasts, then the player and all that belongs to it. */

import { call, get } from "./api.js";
import { aboutForm } from "./about.js";
import { controls } from "./controls.js";
import { confirmed } from "./dialogs.js";
import { announce, complain, h } from "./dom.js";
import { encodeView, follow } from "./encode.js";
import { bytes, called, clock, day } from "./format.js";
import * as library from "./library.js";
import { choicesFor, open } from "./players.js";
import { copyable, embedAddress, snippets } from "./share.js";
import { statistics } from "./statistics.js";
import { loadStoryboard } from "./storyboard.js";

const STATISTICS_MS = 500;
const PREFERRED = "video-connector.player";

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
  let status = await get(`Videos/${id}/Status`);
  signal.throwIfAborted();
  encode.show(status);
  if (status.Status === "AwaitingUpload" || status.Status === "Processing") {
    body.replaceChildren(h("section", { class: "panel" }, h("h2", {}, "Encode"), encode.view), end(video));
    status = await follow(id, encode.show, signal);
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
  const steps = h("section", { class: "panel" }, h("h2", {}, "Encode"), encode.view);
  if (status.Status === "Failed") {
    body.replaceChildren(h("p", { class: "reason", role: "alert" }, status.Message), about, steps, end(video));
    return;
  }
  const parts = await player(video, signal);
  signal.throwIfAborted();
  body.replaceChildren(parts.stage, factsOf(video),
    h("div", { class: "panels" },
      h("div", {}, parts.chooser, about, end(video)),
      h("div", {}, parts.share, parts.thumbnails, steps)));
  parts.begin();
}

function factsOf(video) {
  const facts = [
    video.Width ? `${video.Width} × ${video.Height}, ${video.FrameRate} fps` : "Sound only",
    clock(video.Duration), bytes(video.Size), `published ${day(video.Created)}`, video.Title ? video.FileName : null,
    video.ContentProtectionMode === "None" ? null : "protected",
  ];
  return h("p", { class: "quiet video-facts" }, facts.filter(Boolean).join(" · "));
}

async function player(video, signal) {
  const isProtected = video.ContentProtectionMode !== "None";
  const path = `Videos/${video.Id}`;
  const kinds = ["HLS", "DASH", "Streaming", ...(isProtected ? [] : ["Progressive"])];
  const [thumbnails, first, ...endpoints] = await Promise.all([
    get(`${path}/Thumbnails`),
    isProtected ? get(`${path}/AuthorizationToken`) : null,
    ...kinds.map((endpointType) => get(`${path}/PlaybackEndpoint`, { endpointType })),
  ]);
  const urls = Object.fromEntries(endpoints.map(({ Type, PlaybackUrl }) => [Type, PlaybackUrl]));
  let token = first;
  const viewing = () => token?.Token ?? new URL(urls.HLS).searchParams.get("token");

  const error = h("p", { class: "stage-error", role: "alert", hidden: true });
  const stage = h("div", { class: `stage${video.Width ? "" : " sound"}`, role: "group", "aria-label": "Player" }, error);
  const bar = controls(stage);
  stage.append(bar.bar);
  if (video.Width) stage.style.aspectRatio = `${video.Width} / ${video.Height}`;
  const poster = thumbnails.find(({ Kind }) => Kind === "Poster")?.Url;

  const choices = choicesFor(isProtected);
  const select = h("select", { id: "choice" }, ...choices.map(({ id, label }) => h("option", { value: id }, label)));
  const preferred = localStorage.getItem(PREFERRED);
  if (choices.some(({ id }) => id === preferred)) select.value = preferred;
  const numbers = h("dl", { class: "numbers" });
  const chooser = h("section", { class: "panel" },
    h("h2", {}, "Player"),
    h("div", { class: "row choice" }, h("label", { for: "choice" }, "Player and protocol"), select),
    h("h3", {}, "Statistics"), numbers);

  let face = null;
  let turn = 0;

  /** Puts the chosen player in the place of the one before, where that one was. */
  async function load() {
    const mine = ++turn;
    const choice = choices.find(({ id }) => id === select.value);
    const before = face && { time: face.video.currentTime, playing: !face.video.paused, muted: face.video.muted, volume: face.video.volume };
    await drop();
    error.hidden = true;
    try {
      const url = choice.native && isProtected
        ? (await get(`${path}/PlaybackEndpoint`, { endpointType: choice.kind, token: token.Token })).PlaybackUrl
        : urls[choice.kind];
      const opened = await open(choice, stage, url, isProtected ? () => token.Token : null, (text) => { if (mine === turn) fail(text); });
      if (mine !== turn || signal.aborted) {
        await discard(opened);
        return;
      }
      face = { ...opened, choice };
    } catch (problem) {
      if (mine === turn) fail(problem.message);
      return;
    }
    if (poster) face.video.poster = poster;
    bar.attach(face);
    if (before) {
      Object.assign(face.video, { muted: before.muted, volume: before.volume });
      const back = () => {
        if (before.time) face.video.currentTime = before.time;
        if (before.playing) face.video.play().catch(() => {});
      };
      if (face.video.readyState >= 2) back();
      else face.video.addEventListener("loadeddata", back, { once: true });
    }
  }

  async function drop() {
    bar.detach();
    const old = face;
    face = null;
    if (old) await discard(old);
  }

  function fail(text) {
    error.textContent = `This player cannot go on: ${text}`;
    error.hidden = false;
  }

  select.addEventListener("change", () => {
    localStorage.setItem(PREFERRED, select.value);
    load();
  });
  const timer = setInterval(() => {
    if (face && !document.hidden) {
      numbers.replaceChildren(...statistics(face, face.choice).map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))));
    }
  }, STATISTICS_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    turn += 1;
    drop();
  });
  if (video.Width) storyboardOf(path).then((board) => { bar.storyboard = board; });

  const share = h("section", { class: "panel" });
  const draw = () => share.replaceChildren(...sharing(video, urls, viewing(), token, renew));
  async function renew() {
    token = await get(`${path}/AuthorizationToken`);
    draw();
    share.querySelector(".renew").focus();
    announce("The token is new");
  }
  draw();
  return { stage, chooser, share, thumbnails: stills(thumbnails), begin: load };
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

async function discard({ video, destroy }) {
  video.pause();
  await destroy();
  video.remove();
}

function sharing(video, urls, viewing, token, renew) {
  const names = { HLS: "HLS", DASH: "DASH", Streaming: "Smooth Streaming", Progressive: "MP4" };
  return [
    h("h2", {}, "Share"),
    ...Object.entries(urls).map(([kind, url]) => copyable(names[kind], url)),
    copyable("Embed page", embedAddress(video.Id, viewing)),
    token && copyable("Token", token.Token),
    token && h("div", { class: "row end" },
      h("span", { class: "quiet" }, `valid until ${new Date(token.ExpiresOn * 1000).toLocaleTimeString()}`),
      h("button", { type: "button", class: "renew", onclick: () => renew().catch((error) => complain(error.message)) }, "New token")),
    h("h3", {}, "Code"),
    ...snippets(video.Id, urls, viewing, Boolean(token)).map(([name, text]) => copyable(name, text, { code: true })),
  ].filter(Boolean);
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
    const text = `${called(video)} and everything stored for it will be gone: the upload, the media, the pictures and its keys.`;
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
