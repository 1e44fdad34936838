/* Files become videos: created, uploaded (one file at a time, many blocks at once), completed, and watched. */

import { ApiError, call, get } from "./api.js";
import { confirmed } from "./dialogs.js";
import { $, announce, h } from "./dom.js";
import { encodeView, follow } from "./encode.js";
import { bytes, remaining } from "./format.js";
import * as journal from "./journal.js";
import * as library from "./library.js";
import { speedometer } from "./speed.js";
import { blockLength, upload } from "./upload.js";

let turn = Promise.resolve();
let formats = null;

/** Wires the page up, and shows the uploads that a reload broke off. */
export function start() {
  const [zone, input] = [$("drop"), $("files")];
  input.addEventListener("change", () => {
    publish([...input.files]);
    input.value = "";
  });
  // Anywhere on the page: a file that misses the frame must not replace the page.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    publish([...event.dataTransfer.files]);
  });
  for (const entry of journal.remembered()) brokenOff(entry);
}

function publish(files) {
  for (const file of files) {
    const card = transfer(file.name);
    const before = turn;
    turn = (async () => {
      await before;
      if (!card.signal.aborted) await run(card, file);
    })();
  }
}

/** Never throws: what goes wrong is shown in the card. */
async function run(card, file) {
  try {
    const { id, entry } = await sent(card, file);
    await call("POST", `Videos/${id}/MarkComplete`);
    journal.forget(entry.id);
    library.changed(id);
    watch(card, id); // the next file need not wait for this one's encode
  } catch (error) {
    if (!card.signal.aborted) card.fail(error.message);
  }
}

/** Uploads the file as a new video, or goes on with the one that it was being sent for. */
async function sent(card, file) {
  await supported(file);
  card.signal.throwIfAborted();
  const entry = await resumed(file) ?? await created(file);
  document.querySelector(`[data-broken-off="${entry.id}"]`)?.remove();
  library.changed(entry.id);
  card.created(entry.id);
  const speed = speedometer();
  const already = entry.blocks;
  await upload(file, {
    signal: card.signal,
    address: () => addressOf(entry.id),
    has: (index) => already[index] === "1",
    confirmed: (index) => journal.note(entry, index),
    waiting: card.waiting,
    moved: (total) => {
      speed.at(total);
      card.moved(total, file.size, speed.perSecond);
    },
  });
  return { id: entry.id, entry };
}

/** Throws an Error with the reason that the API would give less kindly. */
async function supported(file) {
  formats ??= (await get("Formats")).map(({ Extension }) => Extension);
  const extension = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
  if (formats.includes(extension)) return;
  throw new Error(`${extension ? `.${extension} files` : "Files without an extension"} are not supported. `
    + `Supported extensions: ${formats.join(", ")}.`);
}

async function resumed(file) {
  const entry = journal.unfinished(file);
  if (!entry) return null;
  try {
    if ((await get(`Videos/${entry.id}`)).UploadUri) return entry;
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  journal.forget(entry.id); // deleted, or its time is over
  return null;
}

async function created(file) {
  const protection = $("protect").checked ? "AES128" : "None";
  const body = { OriginalFileName: file.name, Size: file.size, ContentProtectionMode: protection };
  const { answer } = await call("POST", "Videos", { body });
  return journal.begin(answer.Id, file);
}

async function addressOf(id) {
  const { UploadUri } = await get(`Videos/${id}`);
  if (!UploadUri) throw new Error("This upload has expired. Choose the file again to start a new one.");
  return UploadUri;
}

async function watch(card, id) {
  const encode = encodeView();
  card.encoding(encode.view);
  try {
    const show = (status) => {
      encode.show(status);
      if (status.Playable) card.playable(id);
    };
    const status = await follow(id, show, card.signal);
    library.changed(id);
    if (status.Status === "Failed") card.fail(status.Message);
    else card.done();
  } catch (error) {
    if (!card.signal.aborted) card.fail(error.message);
  }
}

/** The card of one file, and what can happen to it. */
function transfer(name) {
  const stopped = new AbortController();
  let id = null;
  const title = h("h3", {}, name);
  const text = h("p", { class: "transfer-text" }, "Queued");
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${name}` });
  const body = h("div", {}, bar);
  const button = h("button", { type: "button", onclick: cancel }, "Cancel");
  const link = h("a", { class: "button primary" }, "Watch now");
  const card = h("li", { class: "transfer" }, h("div", { class: "transfer-head" }, title, button), text, body);
  $("transfers").prepend(card);

  async function cancel() {
    const sure = !id || await confirmed("Cancel the upload?", `${name} and its uploaded data will be deleted.`, "Cancel upload",
      "Continue uploading");
    if (!sure) return;
    stopped.abort();
    if (id) await discard(id);
    card.remove();
    announce(`Upload of ${name} cancelled`);
    $("files").focus();
  }

  const dismiss = () => {
    button.replaceWith(h("button", { type: "button", onclick: () => { card.remove(); $("files").focus(); } }, "Dismiss"));
  };

  return {
    signal: stopped.signal,
    created(videoId) {
      id = videoId;
    },
    moved(total, size, perSecond) {
      bar.value = size ? total / size : 1;
      const rate = perSecond ? ` · ${bytes(perSecond)}/s · ${remaining((size - total) / perSecond)}` : "";
      text.textContent = `Uploading ${bytes(total)} of ${bytes(size)}${rate}`;
    },
    waiting(is) {
      card.classList.toggle("waiting", is);
      if (is) text.textContent = "Waiting for the network. The upload resumes automatically.";
    },
    encoding(view) {
      button.remove();
      text.remove();
      body.replaceChildren(view);
      announce(`${name} is uploaded and is being encoded`);
    },
    playable(videoId) {
      if (link.isConnected) return;
      link.href = `#${videoId}`;
      title.after(link);
      announce(`${name} can be watched now`);
    },
    done() {
      link.textContent = "Play";
      title.parentElement.append(button);
      dismiss();
      card.classList.add("ready");
      announce(`${name} is ready to play`);
    },
    fail(reason) {
      card.classList.add("failed");
      title.parentElement.append(button);
      dismiss();
      text.remove();
      link.remove();
      body.replaceChildren(h("p", { class: "reason", role: "alert" }, reason));
    },
  };
}

/** The card of an upload that a reload broke off. */
function brokenOff(entry) {
  const share = entry.size ? (entry.blocks.split("1").length - 1) * blockLength(entry.size) / entry.size : 0;
  const again = h("button", { type: "button", class: "primary", onclick: () => $("files").click() }, "Choose file");
  const drop = h("button", { type: "button", onclick: remove }, "Discard");
  const card = h("li", { class: "transfer waiting", "data-broken-off": entry.id },
    h("div", { class: "transfer-head" }, h("h3", {}, entry.name), again, drop),
    h("p", { class: "transfer-text" },
      `Interrupted at ${Math.round(100 * Math.min(1, share))} %. Choose or drop the same file again to resume.`));
  $("transfers").append(card);

  async function remove() {
    await discard(entry.id);
    card.remove();
    $("files").focus();
  }
}

async function discard(id) {
  journal.forget(id);
  try {
    await call("DELETE", `Videos/${id}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // gone already, or left for the timer: uploads that are never completed expire
  }
  library.removed(id);
}
