/* Uploads a file of any size to a SAS URL in blocks (Put Block, Put Block List of the Blob service). */

const BLOCK = 8 * 1024 * 1024;
const MAX_BLOCKS = 50_000;
const TRIES = 5;

/** `progress` hears the share that is sent, 0 to 1. Throws an Error for people when storage refuses. */
export async function upload(uri, file, progress) {
  const length = Math.max(BLOCK, Math.ceil(file.size / MAX_BLOCKS));
  const ids = [];
  for (let start = 0; start < file.size; start += length) {
    const id = btoa(String(ids.length).padStart(6, "0"));
    await put(`${uri}&comp=block&blockid=${encodeURIComponent(id)}`, file.slice(start, start + length));
    ids.push(id);
    progress(Math.min(1, (start + length) / file.size));
  }
  const blocks = ids.map((id) => `<Latest>${id}</Latest>`).join("");
  await put(`${uri}&comp=blocklist`, `<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks}</BlockList>`);
}

async function put(url, body) {
  for (let tried = 1; ; tried += 1) {
    try {
      const response = await fetch(url, { method: "PUT", body });
      if (response.ok) return;
      if (response.status < 500 && response.status !== 408 && response.status !== 429) {
        throw new Refused(`Storage refused the upload (${response.status}).`);
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    if (tried === TRIES) throw new Error("The upload was interrupted: storage cannot be reached.");
    await new Promise((resolve) => { setTimeout(resolve, 500 * 2 ** tried); });
  }
}

class Refused extends Error {}
