/*
 * The player for an <iframe>. What it plays follows from the page's own address; a token comes in the fragment
 * (#token=…), which browsers send to nobody. hls.js sends it in a header; a browser that plays HLS by itself cannot,
 * and gets the playlists that the API renders for the token, as do videos in private containers.
 */

import { openHlsJs } from "./players.js";

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

function fail(text) {
  reason.textContent = `This video cannot be played: ${text}`;
  reason.hidden = false;
}

video.addEventListener("error", () => { if (video.error) fail(video.error.message || `code ${video.error.code}`); });
if (!hls && !token) {
  fail("its address lacks the token.");
} else if ("MediaSource" in window || "ManagedMediaSource" in window) {
  openHlsJs(video, hls || tokened, token && (() => token), fail).catch((error) => fail(error.message));
} else {
  video.src = tokened ?? hls;
}
addEventListener("hashchange", () => location.reload()); // the frame was given another token
