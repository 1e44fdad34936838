/*
 * Uploads a file of any size to a SAS URL in blocks (Put Block, Put Block List of the Blob service), several at a time.
 * A cut network is waited for. Memory does not grow with the file: the browser reads each block when it sends it.
 */

const BLOCK = 8 * 1024 * 1024;
const MAX_BLOCKS = 50_000;
const AT_A_TIME = 4;
const LONGEST_PAUSE_MS = 20_000;
const STALLED_MS = 60_000;

/** Storage does not take it; the message is for people. */
class Refused extends Error {}

/** Storage was not reached, or is busy: worth another try. */
class Interrupted extends Error {}

/** The SAS is not good (any more). */
class Expired extends Error {}

/** Bytes of a block of a file of `size` bytes; the last one may be shorter. */
export function blockLength(size) {
  return Math.max(BLOCK, Math.ceil(size / MAX_BLOCKS));
}

/**
 * Uploads and commits. `address()` answers a good SAS URL; `has(i)` whether storage confirmed block i before;
 * `confirmed(i)`, `moved(bytes so far)` and `waiting(whether the network is waited for)` are told. Throws an Error for
 * people, or the signal's reason.
 */
export async function upload(file, { address, has, confirmed, moved, waiting, signal }) {
  const length = blockLength(file.size);
  const count = Math.ceil(file.size / length);
  const sizeOf = (index) => Math.min(length, file.size - index * length);
  const missing = [...Array(count).keys()].filter((index) => !has(index));
  const moving = new Map(); // block → bytes that left
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  let settled = 0;
  for (let index = 0; index < count; index += 1) if (has(index)) settled += sizeOf(index);
  const tell = () => moved(settled + [...moving.values()].reduce((sum, sent) => sum + sent, 0));
  let uri = await address();

  /** Tries until it works. An expired URL is renewed, once in a row. */
  const persistently = async (attempt) => {
    for (let tried = 0, renewed = false; ; tried += 1) {
      const used = uri;
      try {
        await attempt(used);
        waiting(false);
        return;
      } catch (error) {
        stop.throwIfAborted();
        if (error instanceof Expired && !renewed) {
          if (uri === used) uri = await address();
          renewed = true;
        } else if (error instanceof Interrupted) {
          await readable(file);
          waiting(true);
          await backOff(tried, stop);
        } else {
          throw error;
        }
      }
    }
  };

  const work = async () => {
    while (missing.length) {
      const index = missing.shift();
      const block = file.slice(index * length, index * length + length);
      const progress = (sent) => { moving.set(index, sent); tell(); };
      await persistently((to) => put(`${to}&comp=block&blockid=${encodeURIComponent(blockId(index))}`, block, { progress, signal: stop }));
      moving.delete(index);
      settled += sizeOf(index);
      confirmed(index);
      tell();
    }
  };

  tell();
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    const list = [...Array(count).keys()].map((index) => `<Latest>${blockId(index)}</Latest>`).join("");
    const body = `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
    await persistently((to) => put(`${to}&comp=blocklist`, body, { signal: stop }));
  } catch (error) {
    failed.abort(); // the other blocks are of no use
    throw error;
  }
}

/** All ids of a blob's blocks have one length. */
const blockId = (index) => btoa(String(index).padStart(6, "0"));

/** One PUT. XMLHttpRequest, since fetch does not tell how much has left. */
function put(url, body, { progress = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled;
    const watch = () => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED_MS);
    };
    const abort = () => request.abort();
    request.upload.addEventListener("progress", ({ loaded }) => { watch(); progress(loaded); });
    request.addEventListener("loadend", () => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", abort);
      const { status } = request;
      if (status >= 200 && status < 300) resolve();
      else {
        progress(0);
        if (status === 0 || status === 408 || status === 429 || status >= 500) reject(new Interrupted());
        else if (status === 403) reject(new Expired("Storage refused the upload (403). The upload URL may have expired."));
        else reject(new Refused(`Storage refused the upload (${status}).`));
      }
    });
    signal.addEventListener("abort", abort);
    request.open("PUT", url);
    request.send(body);
    watch();
  });
}

/** A file that changed or went away looks like a cut network. Throws Refused. */
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Refused("The file can no longer be read. It was changed, moved or removed.");
  }
}

/** Waits longer each time; the network coming back ends the wait at once. Throws the signal's reason. */
async function backOff(tried, signal) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(LONGEST_PAUSE_MS, 500 * 2 ** tried) * (0.75 + Math.random() / 2));
    const go = () => { clearTimeout(timer); resolve(); };
    addEventListener("online", go, { once: true });
    signal.addEventListener("abort", go, { once: true });
  });
  signal.throwIfAborted();
}
