/*
 * One face for every player. `open` loads `url` into a new <video> and answers
 *   video         the element
 *   renditions()  [{id, width, height, bandwidth}], highest first; empty when the player does not let one choose
 *   choose(id)    play that one from now on; null: the player chooses
 *   playing()     the rendition that plays, or null when it is not known
 *   throughput()  bits per second, as the player measured the network; 0 when it does not tell
 *   destroy()
 */

import { API, PUBLIC_API, VENDOR } from "./addresses.js";
import { dashJsInterceptor, hlsJsSetup, shakaFilter, videoJsHook } from "./protection.js";

/** Where keys may come from: the API that serves this page, also by its public address, which manifests name. */
const KEYS = { api: [API, PUBLIC_API] };
const HLS_TYPE = "application/vnd.apple.mpegurl";

/** `kind` is the endpoint type of the API. */
export const CHOICES = [
  { id: "hls.js-HLS", player: "hls.js", kind: "HLS", label: "hls.js · HLS", open: openHlsJs },
  { id: "shaka-HLS", player: "Shaka", kind: "HLS", label: "Shaka · HLS", open: openShaka },
  { id: "shaka-DASH", player: "Shaka", kind: "DASH", label: "Shaka · DASH", open: openShaka },
  { id: "dash.js-DASH", player: "dash.js", kind: "DASH", label: "dash.js · DASH", open: openDashJs },
  { id: "dash.js-Streaming", player: "dash.js", kind: "Streaming", label: "dash.js · Smooth", open: openDashJs },
  { id: "video.js-HLS", player: "video.js", kind: "HLS", label: "video.js · HLS", open: openVideoJs },
  { id: "native-Progressive", player: "Browser", kind: "Progressive", label: "Browser · MP4", open: openNative, native: true },
  { id: "native-HLS", player: "Browser", kind: "HLS", label: "Browser · HLS", open: openNative, native: true },
];

/** What this browser can play of what the video has, or has so far. */
export function choicesFor(isProtected, growing) {
  // Chromium's own HLS player never begins with encrypted CMAF, and does not say so; nor with what grows.
  const itself = document.createElement("video").canPlayType(HLS_TYPE) !== "" && !((isProtected || growing) && navigator.userAgentData);
  const sources = "MediaSource" in window || "ManagedMediaSource" in window;
  return CHOICES.filter(({ kind, native }) =>
    native ? (kind === "HLS" ? itself : !isProtected) : sources);
}

/** `token` answers the present token of a protected video; null for a clear one. `failed(text)` hears what stops it. */
export async function open(choice, stage, url, token, failed) {
  const video = document.createElement("video");
  video.playsInline = true;
  video.preload = "auto";
  stage.prepend(video);
  video.addEventListener("error", () => { if (video.error) failed(video.error.message || `code ${video.error.code}`); });
  try {
    return { video, ...(await choice.open(video, url, token, failed)) };
  } catch (error) {
    video.remove();
    throw error;
  }
}

const loaded = new Map();

/** Runs a player's script, once. */
function script(name) {
  if (!loaded.has(name)) {
    loaded.set(name, new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = new URL(name, VENDOR);
      element.addEventListener("load", resolve);
      element.addEventListener("error", () => {
        loaded.delete(name);
        reject(new Error("The player could not be loaded."));
      });
      document.head.append(element);
    }));
  }
  return loaded.get(name);
}

const highestFirst = (a, b) => b.bandwidth - a.bandwidth;

/** Without a worker: workers come from blob URLs, and CMAF needs no remuxing. */
export async function openHlsJs(video, url, token, failed) {
  await script("hls.min.js");
  const hls = new Hls({ enableWorker: false, ...(token && { xhrSetup: hlsJsSetup(token, KEYS) }) });
  hls.on(Hls.Events.ERROR, (_, { fatal, details, response }) => {
    if (fatal) failed(`${details}${response?.code ? ` (${response.code})` : ""}`);
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  const rendition = ({ width, height, bitrate }, id) => ({ id, width, height, bandwidth: bitrate });
  return {
    renditions: () => hls.levels.map(rendition).sort(highestFirst),
    choose: (id) => { hls.currentLevel = id ?? -1; },
    playing: () => (hls.levels[hls.currentLevel] ? rendition(hls.levels[hls.currentLevel], hls.currentLevel) : null),
    throughput: () => hls.bandwidthEstimate || 0,
    destroy: () => hls.destroy(),
  };
}

async function openShaka(video, url, token, failed) {
  await script("shaka-player.compiled.js");
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  player.addEventListener("error", ({ detail }) => { if (detail.severity === 2) failed(`Shaka error ${detail.code}`); });
  if (token) player.getNetworkingEngine().registerRequestFilter(shakaFilter(token, KEYS));
  await player.attach(video);
  // Of a video that grows it would begin near the end, or where the manifest says; and go no nearer to the end than that.
  player.configure("manifest.dash.ignoreSuggestedPresentationDelay", true);
  player.load(url, 0).catch(({ code }) => {
    if (code !== shaka.util.Error.Code.LOAD_INTERRUPTED && code !== shaka.util.Error.Code.OBJECT_DESTROYED) failed(`Shaka error ${code}`);
  });
  const rendition = ({ id, width, height, bandwidth }) => ({ id, width, height, bandwidth });
  return {
    renditions: () => player.getVariantTracks().filter(({ height }) => height).map(rendition).sort(highestFirst),
    choose: (id) => {
      player.configure("abr.enabled", id === null);
      if (id !== null) player.selectVariantTrack(player.getVariantTracks().find((track) => track.id === id), true);
    },
    playing: () => player.getVariantTracks().filter(({ active }) => active).map(rendition)[0] ?? null,
    throughput: () => player.getStats().estimatedBandwidth || 0,
    destroy: () => player.destroy(),
  };
}

async function openDashJs(video, url, token, failed) {
  await script("dash.all.min.js");
  await script("dash.mss.min.js"); // Smooth Streaming is an addition of its own
  const player = dashjs.MediaPlayer().create();
  const { ERROR, PLAYBACK_ERROR } = dashjs.MediaPlayer.events;
  player.on(ERROR, ({ error }) => failed(error.message ?? String(error)));
  player.on(PLAYBACK_ERROR, ({ error }) => failed(error?.message ?? String(error)));
  player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
  player.initialize(video, null, false);
  if (token) player.addResponseInterceptor(dashJsInterceptor(token, KEYS));
  player.attachSource(url);
  const rendition = ({ id, width, height, bandwidth }) => ({ id, width, height, bandwidth });
  return {
    renditions: () => player.getRepresentationsByType("video").map(rendition).sort(highestFirst),
    choose: (id) => {
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: id === null } } } });
      if (id !== null) player.setRepresentationForTypeById("video", id, true);
    },
    playing: () => {
      const now = player.getCurrentRepresentationForType("video");
      return now ? rendition(now) : null;
    },
    throughput: () => 1000 * (player.getAverageThroughput("video") || 0),
    destroy: () => player.destroy(),
  };
}

async function openVideoJs(video, url, token, failed) {
  window.VIDEOJS_NO_DYNAMIC_STYLE = true; // it would write <style>, which this page does not allow
  await script("video.min.js");
  // Of its own face nothing is wanted: the page has one.
  const player = videojs(video, { children: ["mediaLoader"], controls: false, html5: { vhs: { overrideNative: true } } });
  player.on("error", () => failed(player.error()?.message ?? "error"));
  if (token) player.on("xhr-hooks-ready", () => player.tech({}).vhs.xhr.onRequest(videoJsHook(token, KEYS)));
  player.src({ src: url, type: HLS_TYPE });
  const levels = () => [...player.qualityLevels().levels_];
  const rendition = ({ id, width, height, bitrate }) => ({ id, width, height, bandwidth: bitrate });
  return {
    renditions: () => levels().map(rendition).sort(highestFirst),
    choose: (id) => levels().forEach((level) => { level.enabled = id === null || level.id === id; }),
    playing: () => {
      const now = levels()[player.qualityLevels().selectedIndex];
      return now ? rendition(now) : null;
    },
    throughput: () => player.tech({})?.vhs?.systemBandwidth || 0,
    destroy: () => player.dispose(),
  };
}

function openNative(video, url) {
  video.src = url;
  return {
    renditions: () => [],
    choose: () => {},
    playing: () => null,
    throughput: () => 0,
    destroy: () => {
      video.removeAttribute("src");
      video.load();
    },
  };
}
