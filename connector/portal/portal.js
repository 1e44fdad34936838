/* The page: upload a file straight to storage, watch the encode, play the result. Text from outside is only ever text. */

import { hlsJsSetup } from "./protection.js";
import { upload } from "./upload.js";

const API = new URL("..", import.meta.url); // this file is {api}/portal/portal.js
const ENDPOINTS = ["HLS", "DASH", "Streaming", "Progressive"];
const RECENT = "video-connector.recent";
const $ = (id) => document.getElementById(id);

let hls = null;

async function call(method, path, body) {
  const init = { method, headers: {} };
  if (body) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  const key = sessionStorage.getItem("video-connector.key");
  if (key) init.headers["x-functions-key"] = key;
  const response = await fetch(new URL(path, API), init);
  if (response.status === 401 && !key) {
    const given = prompt("This API asks for its key:");
    if (given) {
      sessionStorage.setItem("video-connector.key", given);
      return call(method, path, body);
    }
  }
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Error(answer?.message ?? `The API answered ${response.status}.`);
  return answer;
}

function say(text, bad = false) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", bad);
}

async function publish(file) {
  say("");
  $("watch").hidden = true;
  $("work").hidden = false;
  $("tasks").replaceChildren();
  try {
    const video = await call("POST", "Videos", { OriginalFileName: file.name });
    remember(video.Id, file.name);
    $("work-name").textContent = `Uploading ${file.name}`;
    await upload(video.UploadUri, file, (share) => { $("progress").value = 100 * share; });
    await call("POST", `Videos/${video.Id}/MarkComplete`);
    await follow(video.Id, file.name);
  } catch (error) {
    $("work").hidden = true;
    say(error.message, true);
  }
}

async function follow(id, name) {
  $("work").hidden = false;
  for (;;) {
    const status = await call("GET", `Videos/${id}/Status`);
    $("work-name").textContent = `${name}: ${status.Message}`;
    $("progress").value = status.Progress;
    $("tasks").replaceChildren(...status.Steps.filter((s) => s.Name.includes("-")).map(cell));
    if (status.Status === "Failed") throw new Error(status.Message);
    if (status.Status === "Completed") break;
    await new Promise((resolve) => { setTimeout(resolve, 500); });
  }
  $("work").hidden = true;
  await play(id);
}

function cell(step) {
  const item = document.createElement("li");
  const [kind, index] = step.Name.split("-");
  item.textContent = `${kind} ${Number(index) + 1}${step.Finished ? ` · ${step.Seconds.toFixed(1)} s` : ""}`;
  item.classList.toggle("done", Boolean(step.Finished));
  return item;
}

async function play(id) {
  const video = await call("GET", `Videos/${id}`);
  const isProtected = video.ContentProtectionMode !== "None";
  const kinds = ENDPOINTS.filter((kind) => !(isProtected && kind === "Progressive"));
  const addresses = await Promise.all(
    kinds.map((kind) => call("GET", `Videos/${id}/PlaybackEndpoint?endpointType=${kind}`)));
  const thumbnails = await call("GET", `Videos/${id}/Thumbnails`);
  $("watch").hidden = false;
  $("facts").textContent = [
    video.FileName,
    video.Width ? `${video.Width} × ${video.Height}, ${video.FrameRate} fps` : "sound only",
    `${video.Duration} s`,
  ].join(" · ");
  $("addresses").replaceChildren(...addresses.flatMap(({ Type, PlaybackUrl }) => [entry("dt", Type), entry("dd", PlaybackUrl)]));
  const player = $("player");
  player.poster = thumbnails[0]?.Url ?? "";
  hls?.destroy();
  hls = null;
  if (Hls.isSupported()) {
    const setup = isProtected ? { xhrSetup: hlsJsSetup((await call("GET", `Videos/${id}/AuthorizationToken`)).Token) } : {};
    hls = new Hls({ enableWorker: false, ...setup });
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) say(`The player stopped: ${data.details}.`, true); });
    hls.loadSource(addresses[0].PlaybackUrl);
    hls.attachMedia(player);
  } else {
    player.src = addresses[0].PlaybackUrl; // Safari plays HLS itself
  }
  history.replaceState(null, "", `#${id}`);
}

function entry(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT)) ?? [];
  } catch {
    return [];
  }
}

function remember(id, name) {
  store([{ id, name }, ...recent().filter((video) => video.id !== id)].slice(0, 50));
}

function store(videos) {
  localStorage.setItem(RECENT, JSON.stringify(videos));
  list();
}

function list() {
  $("recent").replaceChildren(...recent().map(({ id, name }) => {
    const item = document.createElement("li");
    const open = entry("button", name);
    open.type = "button";
    open.addEventListener("click", () => show(id, name));
    const remove = entry("button", "Delete");
    remove.type = "button";
    remove.setAttribute("aria-label", `Delete ${name}`);
    remove.addEventListener("click", () => discard(id, name));
    item.append(open, remove);
    return item;
  }));
}

async function show(id, name) {
  say("");
  try {
    await follow(id, name);
  } catch (error) {
    $("work").hidden = true;
    say(error.message, true);
  }
}

async function discard(id, name) {
  if (!confirm(`Delete ${name} and everything stored for it?`)) return;
  try {
    await call("DELETE", `Videos/${id}`);
  } catch (error) {
    say(error.message, true);
  }
  store(recent().filter((video) => video.id !== id));
}

$("file").addEventListener("change", ({ target }) => {
  if (target.files[0]) publish(target.files[0]);
  target.value = "";
});
$("drop").addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files[0]) publish(event.dataTransfer.files[0]);
});

list();
const wanted = location.hash.slice(1);
if (/^[0-9a-f-]{36}$/i.test(wanted)) show(wanted, recent().find((video) => video.id === wanted)?.name ?? "Video");
