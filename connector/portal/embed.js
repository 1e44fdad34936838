/*
 * The player for an <iframe>. What it plays follows from the page's own address; a token comes in the fragment
 * (#token=…), which browsers send to nobody. hls.js sends it in a header; a browser that plays HLS by itself cannot,
 * and gets the playlists that the API renders for the token, as do videos in private containers.
 */

import { pause } from "./dom.js";
import { openHlsJs } from "./players.js";

const SOONEST_MS = 2_000;
const LATEST_MS = 60_000;

const { hls, rendered, poster } = document.querySelector("main").dataset;
const reason = document.getElementById("reason");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const tokened = token && `${rendered}?token=${encodeURIComponent(token)}`;

const video = document.createElement("video");
video.controls = true;
video.playsInline = true;
video.setAttribute("aria-label", "Video");
if (!token) video.poster = poster; // a protected video's is private
document.querySelector("main").prepend(video);

function show(text) {
  reason.textContent = text;
  reason.hidden = false;
}

/** The playlist is not there before something can be played, nor without a network. Without a container, Azurite says 403. */
async function missing() {
  try {
    const answer = await fetch(hls || tokened, { cache: "no-store" });
    return answer.status === 404 || (answer.status === 403 && (Boolean(hls) || (await answer.json()).code === "NotPlayable"));
  } catch {
    return true;
  }
}

let failed = false;

/** A video that is not there yet is waited for: then the page begins anew. */
async function fail(text) {
  if (failed) return;
  failed = true;
  if (!(await missing())) {
    show(`This video cannot be played: ${text}`);
    return;
  }
  video.controls = false; // there is nothing to play
  reason.classList.add("waiting");
  show("This video is not available at the moment. Playback starts here when it becomes available.");
  let ms = SOONEST_MS;
  do {
    await pause(ms);
    ms = Math.min(2 * ms, LATEST_MS);
  } while (await missing());
  location.reload();
}

video.addEventListener("error", () => { if (video.error) fail(video.error.message || `code ${video.error.code}`); });
if (!hls && !token) {
  show("This video cannot be played, because its URL has no token.");
} else if ("MediaSource" in window || "ManagedMediaSource" in window) {
  openHlsJs(video, hls || tokened, token && (() => token), fail).catch((error) => fail(error.message));
} else {
  video.src = tokened ?? hls;
}
addEventListener("hashchange", () => location.reload()); // the frame was given another token
