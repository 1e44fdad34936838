/* How fast something moves, of late. */

const WINDOW_MS = 8000;

/** `at(total)` notes a total; `perSecond` is the mean over the last seconds, 0 while unknown. */
export function speedometer() {
  let samples = [];
  return {
    at(total, now = performance.now()) {
      samples = [...samples.filter(({ time }) => now - time < WINDOW_MS), { time: now, total }];
    },
    get perSecond() {
      const [first, last] = [samples[0], samples.at(-1)];
      const seconds = samples.length > 1 ? (last.time - first.time) / 1000 : 0;
      return seconds > 0.2 ? Math.max(0, (last.total - first.total) / seconds) : 0;
    },
  };
}
