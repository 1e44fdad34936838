/*
 * One face for every player: each entry loads `url` into `video`, with `token` for protected media, and answers
 *   renditions()  [{width, height, bandwidth}], lowest bandwidth first
 *   switchTo(i)   play rendition i from now on, dropping what is buffered of the others
 * and calls report(text, fatal) for each error the player tells of, fatal or not.
 */
"use strict";

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = `/node_modules/${address}`;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`cannot load ${address}`));
    document.head.append(element);
  });
}

/** The helper that the app ships. */
function protection() {
  return import("/portal/protection.js");
}

/** Where the test page gets keys from: the API, which may also be the host of the manifest. */
function keysFor(url) {
  return { api: [url, ...new URLSearchParams(location.search).getAll("api")] };
}

function metadataOf(video) {
  if (video.readyState >= video.HAVE_METADATA) return Promise.resolve();
  return new Promise((resolve, reject) => {
    video.addEventListener("loadedmetadata", resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
  });
}

const byBandwidth = (a, b) => a.bandwidth - b.bandwidth;
const face = ({ width, height, bandwidth }) => ({ width, height, bandwidth });

async function loadHlsJs(video, url, report, token) {
  await script("hls.js/dist/hls.min.js");
  const hls = new Hls(token ? { xhrSetup: (await protection()).hlsJsSetup(token, keysFor(url)) } : {});
  const parsed = new Promise((resolve, reject) => {
    hls.once(Hls.Events.MANIFEST_PARSED, resolve);
    hls.on(Hls.Events.ERROR, (_, data) => {
      // hls.js tells of its own dropped downloads this way too, as after a switch
      if (data.details === Hls.ErrorDetails.INTERNAL_ABORTED) return;
      const text = `${data.details} ${data.reason ?? data.error?.message ?? ""}`;
      report(text, data.fatal);
      if (data.fatal) reject(new Error(text));
    });
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  await parsed;
  const levels = () =>
    hls.levels.map((level, index) => ({ index, width: level.width, height: level.height, bandwidth: level.bitrate })).sort(byBandwidth);
  return {
    renditions: () => levels().map(face),
    switchTo: (i) => { hls.currentLevel = levels()[i].index; },
  };
}

async function loadShaka(video, url, report, token) {
  await script("shaka-player/dist/shaka-player.compiled.js");
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  player.addEventListener("error", ({ detail }) => report(`${detail.code} ${detail.data}`, detail.severity === 2));
  if (token) player.getNetworkingEngine().registerRequestFilter((await protection()).shakaFilter(token, keysFor(url)));
  await player.attach(video);
  await player.load(url);
  const tracks = () => player.getVariantTracks().sort(byBandwidth);
  return {
    renditions: () => tracks().map(face),
    switchTo: (i) => {
      player.configure("abr.enabled", false);
      player.selectVariantTrack(tracks()[i], true);
    },
  };
}

async function loadDashJs(video, url, report, token) {
  await script("dashjs/dist/modern/umd/dash.all.min.js");
  await script("dashjs/dist/modern/umd/dash.mss.min.js"); // Smooth Streaming is an addition of its own
  const player = dashjs.MediaPlayer().create();
  const { ERROR, PLAYBACK_ERROR, STREAM_INITIALIZED } = dashjs.MediaPlayer.events;
  const initialized = new Promise((resolve, reject) => {
    player.on(STREAM_INITIALIZED, resolve);
    player.on(ERROR, ({ error }) => {
      report(`${error.code ?? ""} ${error.message ?? error}`, true);
      reject(new Error(error.message ?? error));
    });
    player.on(PLAYBACK_ERROR, ({ error }) => report(`playback: ${error?.message ?? error}`, true));
  });
  player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_ERROR } });
  player.initialize(video, null, false);
  if (token) player.addResponseInterceptor((await protection()).dashJsInterceptor(token, keysFor(url)));
  player.attachSource(url);
  await initialized;
  const representations = () =>
    player.getRepresentationsByType("video")
      .map(({ id, width, height, bandwidth }) => ({ id, width, height, bandwidth }))
      .sort(byBandwidth);
  return {
    renditions: () => representations().map(face),
    switchTo: (i) => {
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
      player.setRepresentationForTypeById("video", representations()[i].id, true);
    },
  };
}

async function loadVideoJs(video, url, report, token) {
  await script("video.js/dist/video.min.js");
  const player = videojs(video, { html5: { vhs: { overrideNative: true } } });
  player.on("error", () => report(player.error()?.message ?? "error", true));
  if (token) {
    const hook = (await protection()).videoJsHook(token, keysFor(url));
    player.on("xhr-hooks-ready", () => player.tech().vhs.xhr.onRequest(hook));
  }
  player.src({ src: url, type: url.includes(".mpd") ? "application/dash+xml" : "application/vnd.apple.mpegurl" });
  const levels = () => [...Array(player.qualityLevels().length).keys()].map((i) => player.qualityLevels()[i]);
  const sorted = () => levels().sort((a, b) => a.bitrate - b.bitrate);
  return {
    renditions: () => sorted().map(({ width, height, bitrate }) => ({ width, height, bandwidth: bitrate })),
    switchTo: (i) => sorted().forEach((level, at) => { level.enabled = at === i; }),
  };
}

async function loadNative(video, url) {
  video.src = url;
  return { renditions: () => [], switchTo: () => { throw new Error("the browser itself has one rendition"); } };
}

const PLAYERS = {
  "hls.js": loadHlsJs,
  shaka: loadShaka,
  "dash.js": loadDashJs,
  "video.js": loadVideoJs,
  native: loadNative,
};
