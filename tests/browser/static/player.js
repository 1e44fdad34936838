/* `harness`: what the tests do with the one video of the page, and what they learn from it. */
"use strict";

/** The promise, but no longer than `limit` ms: the page's side of a test must not hang. */
function within(limit, promise) {
  return Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`nothing within ${limit} ms`)), limit)),
  ]);
}

const LATE_SECONDS = 0.06;

const harness = {
  errors: [], // {text, fatal}
  frames: [], // {time, number} of every picture presented since watch()

  get video() {
    return document.querySelector("video");
  },

  async load(player, url, token, playing) {
    this.video.addEventListener("error", () => this.report(`video: ${this.video.error?.message}`, true));
    this.player = await PLAYERS[player](this.video, url, (text, fatal) => this.report(text, fatal), token);
    if (playing) this.play();
    await metadataOf(this.video);
  },

  /** Does not wait: whether it plays is seen from the time that passes. */
  play() {
    this.video.play().catch((error) => {
      // a pause before the first picture aborts the wish to play, which is no failure
      if (error.name !== "AbortError") this.report(`play: ${error.message}`, true);
    });
  },

  report(text, fatal) {
    this.errors.push({ text, fatal });
  },

  /** The number on the picture shown now, or null. Throws when the media came without CORS. */
  frameNumber() {
    const { video } = this;
    if (!video.videoWidth) return null;
    this.canvas ??= new OffscreenCanvas(320, 180);
    this.context ??= this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    return readFrameNumber(this.context.getImageData(0, 0, this.canvas.width, this.canvas.height));
  },

  /** From now on note each presented picture: its own time in the media, and its number. */
  watch() {
    this.frames = [];
    if (this.watching) return;
    this.watching = true;
    const note = (_, { mediaTime }) => {
      // A busy page hears of a picture when the next is shown already, and would read the number of that one.
      if (this.video.currentTime - mediaTime < LATE_SECONDS) {
        this.frames.push({ time: mediaTime, number: this.frameNumber() });
      }
      this.video.requestVideoFrameCallback(note);
    };
    this.video.requestVideoFrameCallback(note);
  },

  /** [begin, end] of each part that was played without a break. */
  played() {
    const { played } = this.video;
    return [...Array(played.length).keys()].map((i) => [played.start(i), played.end(i)]);
  },

  state() {
    const { currentTime, duration, ended, paused, seeking, videoWidth, videoHeight } = this.video;
    return { currentTime, duration, ended, paused, seeking, videoWidth, videoHeight, number: this.frameNumber() };
  },
};
