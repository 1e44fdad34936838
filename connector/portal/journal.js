/*
 * Uploads that are under way, remembered by this browser, so that a reloaded page can continue them. Nothing secret:
 * where to upload to, the API tells again.
 */

const PREFIX = "video-connector.upload.";

/** Every remembered upload: {id, name, size, modified, blocks}; `blocks` has a "1" for each that storage confirmed. */
export function remembered() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map(read).filter(Boolean);
}

/** The upload of this very file, if one broke off. */
export function unfinished(file) {
  return remembered().find(({ name, size, modified }) =>
    name === file.name && size === file.size && modified === file.lastModified);
}

export function begin(id, file) {
  return write({ id, name: file.name, size: file.size, modified: file.lastModified, blocks: "" });
}

/** Notes that storage has block `index`. */
export function note(entry, index) {
  const blocks = entry.blocks.padEnd(index + 1, "0");
  entry.blocks = `${blocks.slice(0, index)}1${blocks.slice(index + 1)}`;
  write(entry);
}

export function forget(id) {
  localStorage.removeItem(PREFIX + id);
}

function write(entry) {
  try {
    localStorage.setItem(PREFIX + entry.id, JSON.stringify(entry));
  } catch {
    // No room, or not allowed: the upload goes on, and cannot be continued after a reload.
  }
  return entry;
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}
