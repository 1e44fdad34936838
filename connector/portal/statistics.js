/* What a player does at the moment, in numbers. */

import { bitrate } from "./format.js";

/** [name, text] each. */
export function statistics(face, choice) {
  const { video } = face;
  const quality = video.getVideoPlaybackQuality?.();
  const playing = face.playing();
  const throughput = face.throughput();
  return [
    ["Player", choice.label],
    ["Resolution", video.videoWidth ? `${video.videoWidth} × ${video.videoHeight}` : "–"],
    ["Bitrate", playing?.bandwidth ? bitrate(playing.bandwidth) : "–"],
    ["Network", throughput ? bitrate(throughput) : "–"],
    ["Buffer", `${ahead(video).toFixed(1)} s`],
    ["Dropped frames", quality ? `${quality.droppedVideoFrames} of ${quality.totalVideoFrames}` : "–"],
  ];
}

/** Seconds that can be played without the network. */
function ahead({ buffered, currentTime }) {
  for (let i = 0; i < buffered.length; i += 1) {
    if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) return buffered.end(i) - currentTime;
  }
  return 0;
}
