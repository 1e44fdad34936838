/* The storyboard: small pictures of a whole video in one image; WebVTT tells which part of it shows which time. */

const CUE = /(\d+):(\d\d):(\d\d\.\d{3}) --> .*\n.*#xywh=(\d+),(\d+),(\d+),(\d+)/g;

/**
 * From the addresses of the WebVTT file and of its image: `tileAt(time)` answers {url, x, y, width, height}, or
 * undefined. Throws when they cannot be had.
 */
export async function loadStoryboard(cues, image) {
  const answer = await fetch(cues);
  if (!answer.ok) throw new Error("no storyboard");
  const tiles = [...(await answer.text()).matchAll(CUE)].map((cue) => {
    const [hours, minutes, seconds, x, y, width, height] = cue.slice(1).map(Number);
    return { start: hours * 3600 + minutes * 60 + seconds, url: image, x, y, width, height };
  });
  new Image().src = image; // to have it when it is wanted
  return { tileAt: (time) => tiles.findLast(({ start }) => start <= time) };
}
