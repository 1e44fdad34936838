/* The player of a video's page, under the page's own controls, in any of the players and protocols there are. */

import { controls } from "./controls.js";
import { h } from "./dom.js";
import { choicesFor, open } from "./players.js";
import { statistics } from "./statistics.js";

const STATISTICS_MS = 500;
const PREFERRED = "video-connector.player";

/**
 * For the video that `access` (see access.js) opens: the `stage` to be put into the page, the `chooser` of players, and
 *   begin()          loads the preferred player
 *   decorate(known)  what comes with a video that is ready: {poster, storyboard}, one or both
 *   refresh()        `access` leads to more or less than before; what plays goes on
 * All ends when `signal` is aborted.
 */
export function player(video, access, signal) {
  const isProtected = video.ContentProtectionMode !== "None";
  const error = h("p", { class: "stage-error", role: "alert", hidden: true });
  const stage = h("div", { class: `stage${video.Width ? "" : " sound"}`, role: "group", "aria-label": "Player" }, error);
  const bar = controls(stage);
  stage.append(bar.bar);
  if (video.Width) stage.style.aspectRatio = `${video.Width} / ${video.Height}`;

  const select = h("select", { id: "choice" });
  const numbers = h("dl", { class: "numbers" });
  const chooser = h("section", { class: "panel" },
    h("h2", {}, "Player"),
    h("div", { class: "row choice" }, h("label", { for: "choice" }, "Player and protocol"), select),
    h("h3", {}, "Statistics"), numbers);
  let choices = [];
  let poster = null;
  let face = null;
  let turn = 0;

  function refresh() {
    choices = choicesFor(isProtected, access.growing).filter(({ kind }) => kind in access.urls);
    const wanted = select.value || localStorage.getItem(PREFERRED);
    select.replaceChildren(...choices.map(({ id, label }) => h("option", { value: id }, label)));
    if (choices.some(({ id }) => id === wanted)) select.value = wanted;
    bar.growing = access.growing;
  }

  /** Puts the chosen player in the place of the one before, where that one was. */
  async function load() {
    const mine = ++turn;
    const choice = choices.find(({ id }) => id === select.value);
    const before = face && { time: face.video.currentTime, playing: !face.video.paused, muted: face.video.muted, volume: face.video.volume };
    await drop();
    error.hidden = true;
    try {
      const url = choice.native && isProtected ? await access.nativeUrl(choice.kind) : access.urls[choice.kind];
      const opened = await open(choice, stage, url, isProtected ? () => access.token.Token : null, (text) => { if (mine === turn) fail(text); });
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
    error.textContent = `Playback stopped: ${text}`;
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
  refresh();
  return {
    stage,
    chooser,
    begin: load,
    refresh,
    decorate(known) {
      poster = known.poster ?? poster;
      if (face && poster) face.video.poster = poster;
      bar.storyboard = known.storyboard ?? bar.storyboard;
    },
  };
}

async function discard({ video, destroy }) {
  video.pause();
  await destroy();
  video.remove();
}
