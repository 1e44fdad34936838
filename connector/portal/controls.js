/* The bar under the picture, the same for every player, with small pictures on the seek bar. */

import { become, h, iconButton } from "./dom.js";
import { bitrate, clock } from "./format.js";

const STEP = 5; // seconds

/**
 * `bar` and `preview` for the stage; `attach(face)` puts a player behind them, `detach()` takes it away; `storyboard`
 * may be set once it is there, `growing` tells that the video's length is not its last.
 */
export function controls(stage) {
  let face = null;
  let listening = new AbortController();
  let begun = false; // there is a first picture: before, players go where they want to
  let impatient = false; // play was pressed while the player was still being loaded
  let chosen = null; // the rendition's height, so that it outlives a change of player
  const handle = { storyboard: null, growing: false };

  const play = iconButton("play", "Play", toggle, { class: "icon-button play" });
  const mute = iconButton("sound", "Mute", () => { if (face) face.video.muted = !face.video.muted; });
  const full = iconButton("full", "Full screen", fullScreen);
  const seek = h("input", { type: "range", class: "seek", min: 0, max: 0, step: 0.1, value: 0, "aria-label": "Seek" });
  const volume = h("input", { type: "range", class: "volume", min: 0, max: 1, step: 0.05, value: 1, "aria-label": "Volume" });
  const time = h("span", { class: "time" }, "0:00 / 0:00");
  const quality = h("select", { class: "quality", "aria-label": "Quality", onchange: () => choose(quality.value) });
  const tile = h("div", { class: "tile" });
  const tileTime = h("span");
  const preview = h("div", { class: "preview", hidden: true, "aria-hidden": "true" }, tile, tileTime);
  const bar = h("div", { class: "controls" },
    h("div", { class: "seek-row" }, preview, seek),
    play, mute, volume, time, h("div", { class: "right" }, quality, full));

  function toggle() {
    if (!face) impatient = true;
    else if (face.video.paused) face.video.play().catch(() => {}); // a pause before the first picture is no failure
    else face.video.pause();
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen();
    else face?.video.webkitEnterFullscreen?.(); // iPhones know only this
  }

  function choose(value) {
    const wanted = face.renditions().find(({ id }) => String(id) === value);
    chosen = wanted?.height ?? null;
    face.choose(wanted?.id ?? null);
    update();
  }

  /** The menu follows what the player knows, which it learns late. */
  function menu() {
    const renditions = face.renditions();
    const now = face.playing();
    const options = [["", `Auto${now?.height && !chosen ? ` (${now.height}p)` : ""}`],
      ...renditions.map(({ id, height, bandwidth }) => [String(id), `${height}p · ${bitrate(bandwidth)}`])];
    quality.hidden = renditions.length < 2;
    if (quality.options.length === options.length && options.every(([id], i) => quality.options[i].value === id)) {
      quality.options[0].textContent = options[0][1];
      return;
    }
    quality.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
    const kept = renditions.find(({ height }) => height === chosen);
    quality.value = kept ? String(kept.id) : "";
    if (kept) face.choose(kept.id);
  }

  function update() {
    if (!face) return;
    const { video } = face;
    begun ||= video.readyState >= 2;
    const duration = begun ? lengthOf(video) : 0;
    seek.max = duration;
    if (!seek.matches(":active")) seek.value = video.currentTime;
    seek.style.setProperty("--played", `${duration ? (100 * seek.value) / duration : 0}%`);
    seek.setAttribute("aria-valuetext", `${clock(seek.value)} of ${clock(duration)}${handle.growing ? " so far" : ""}`);
    time.textContent = `${clock(video.currentTime)} / ${clock(duration)}${handle.growing ? "+" : ""}`;
    become(play, video.paused ? "play" : "pause", video.paused ? "Play" : "Pause");
    become(mute, video.muted || !video.volume ? "muted" : "sound", video.muted ? "Unmute" : "Mute");
    volume.value = video.muted ? 0 : video.volume;
    volume.style.setProperty("--played", `${100 * volume.value}%`);
    stage.classList.toggle("paused", video.paused);
    stage.classList.toggle("busy", !video.paused && video.readyState < 3 && !video.ended);
    menu();
  }

  function showPreview(at) {
    const found = handle.storyboard?.tileAt(at);
    const duration = Number(seek.max);
    if (!duration) return;
    tile.hidden = !found;
    if (found) {
      tile.style.width = `${found.width}px`;
      tile.style.height = `${found.height}px`;
      tile.style.background = `url("${found.url}") -${found.x}px -${found.y}px`;
    }
    tileTime.textContent = clock(at);
    preview.hidden = false;
    const half = preview.offsetWidth / 2;
    const wide = seek.clientWidth;
    preview.style.left = `${Math.min(Math.max((wide * at) / duration, half), Math.max(half, wide - half))}px`;
  }

  seek.addEventListener("input", () => {
    if (face) face.video.currentTime = Number(seek.value);
    showPreview(Number(seek.value));
  });
  seek.addEventListener("pointermove", ({ clientX }) => {
    const { left, width } = seek.getBoundingClientRect();
    showPreview(Math.min(1, Math.max(0, (clientX - left) / width)) * Number(seek.max));
  });
  for (const end of ["pointerleave", "blur"]) seek.addEventListener(end, () => { preview.hidden = true; });
  volume.addEventListener("input", () => {
    if (!face) return;
    face.video.volume = Number(volume.value);
    face.video.muted = false;
  });

  /** Keys of players, while the focus is inside the stage and no control wants them. */
  stage.addEventListener("keydown", (event) => {
    if (!face || event.ctrlKey || event.metaKey || event.altKey) return;
    const range = event.target.matches("input, select");
    const keys = {
      k: toggle,
      f: fullScreen,
      m: () => mute.click(),
      ArrowLeft: () => { face.video.currentTime -= STEP; },
      ArrowRight: () => { face.video.currentTime += STEP; },
    };
    if (!(event.key in keys) || (range && event.key.startsWith("Arrow")) || event.target.matches("select")) return;
    event.preventDefault();
    keys[event.key]();
  });

  return Object.assign(handle, {
    bar,
    attach(player) {
      handle.detach();
      face = player;
      begun = false;
      listening = new AbortController();
      const { signal } = listening;
      const events = ["timeupdate", "durationchange", "loadedmetadata", "loadeddata", "resize", "play", "pause", "playing", "waiting",
        "seeking", "seeked", "ended", "volumechange", "canplay"];
      for (const name of events) face.video.addEventListener(name, update, { signal });
      face.video.addEventListener("click", toggle, { signal });
      if (impatient) toggle();
      impatient = false;
      update();
    },
    detach() {
      listening.abort();
      face = null;
      quality.replaceChildren();
      quality.hidden = true;
    },
  });
}

/** Seconds; so far, of what has no end yet. */
function lengthOf({ duration, seekable, currentTime }) {
  if (Number.isFinite(duration)) return duration;
  const end = seekable.length ? seekable.end(seekable.length - 1) : 0;
  return Math.max(Number.isFinite(end) ? end : 0, currentTime);
}
