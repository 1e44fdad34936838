/* The library: a grid of videos, newest first, searched by the server and loaded as far as one scrolls. */

import { get } from "./api.js";
import { $, announce, complain, h, icon } from "./dom.js";
import { called, clock, day } from "./format.js";

const PAGE = 24;
const REFRESH_MS = 3000;
const SEARCH_MS = 300;
const MOST_REFRESHED = 8;
const BADGES = { AwaitingUpload: "Waiting for upload", Processing: "Encoding", Failed: "Failed" };

let next = null;
let search = 0; // which one: an answer that comes late belongs to none
let loading = false;

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    showPoster(target);
  }
}, { rootMargin: "200px" });

/** Wires the page up and shows the first page. */
export function start() {
  let timer;
  const form = $("search");
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(reload, SEARCH_MS);
  };
  form.addEventListener("input", later);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    reload();
  });
  $("more").addEventListener("click", () => load());
  new IntersectionObserver(([{ isIntersecting }]) => { if (isIntersecting && next) load(); }).observe($("more"));
  setInterval(refresh, REFRESH_MS);
  return reload();
}

async function reload() {
  search += 1;
  next = null;
  loading = false;
  $("grid").replaceChildren();
  await load();
}

/** Shows the next page. Pages may come empty before the last one. */
async function load() {
  if (loading) return;
  loading = true;
  const mine = search;
  const focused = document.activeElement === $("more");
  const before = $("grid").childElementCount;
  const query = { top: PAGE, namePrefix: $("name-prefix").value, tag: $("tag").value.trim(), status: $("status").value };
  try {
    do {
      const page = await get("Videos", { ...query, continuationToken: next });
      if (mine !== search) return;
      $("grid").append(...page.Items.filter((video) => !cardOf(video.Id)).map(cardFor));
      next = page.ContinuationToken;
    } while (next && $("grid").childElementCount === before);
  } catch (error) {
    complain(error.message);
  } finally {
    if (mine === search) {
      loading = false;
      settle();
      if (focused) $("grid").children[before]?.querySelector("a").focus();
    }
  }
}

function settle() {
  const count = $("grid").childElementCount;
  const searching = $("name-prefix").value || $("tag").value.trim() || $("status").value;
  $("more").hidden = !next;
  $("empty").hidden = count > 0 || Boolean(next);
  $("empty").textContent = searching ? "No video matches." : "No videos yet. Publish the first one above.";
  if (searching) announce(`${count}${next ? " or more" : ""} found`);
}

const cardOf = (id) => $("grid").querySelector(`[data-id="${id}"]`);

function cardFor(video) {
  const name = called(video);
  const picture = h("div", { class: "poster" }, icon(video.Status === "Completed" && !video.Width ? "sound" : "film"));
  if (video.Duration) picture.append(h("span", { class: "on-poster duration" }, clock(video.Duration)));
  if (video.ContentProtectionMode !== "None") {
    picture.append(h("span", { class: "on-poster lock", title: "Protected" }, icon("lock"), h("span", { class: "hidden" }, "Protected")));
  }
  const badge = BADGES[video.Status] && h("span", { class: `badge ${video.Status}` }, BADGES[video.Status]);
  const facts = [video.Height ? `${video.Height}p` : "", day(video.Created)].filter(Boolean).join(" · ");
  const card = h("li", { class: "card", "data-id": video.Id, "data-status": video.Status },
    h("a", { href: `#${video.Id}` },
      picture,
      h("span", { class: "card-title" }, name),
      h("span", { class: "quiet card-facts" }, badge, h("span", {}, facts)),
    ),
    video.Tags.length ? h("ul", { class: "tags", "aria-label": "Tags" }, ...video.Tags.map(tagButton)) : null);
  if (video.Status === "Completed" && video.Width) seen.observe(card);
  return card;
}

function tagButton(tag) {
  const only = () => {
    $("tag").value = tag;
    reload();
    $("tag").focus();
  };
  return h("li", {}, h("button", { type: "button", class: "tag", title: `Show only videos tagged ${tag}`, onclick: only }, tag));
}

async function showPoster(card) {
  try {
    const poster = (await get(`Videos/${card.dataset.id}/Thumbnails`)).find(({ Kind }) => Kind === "Poster");
    if (poster) card.querySelector(".poster").prepend(h("img", { src: poster.Url, alt: "", width: poster.Width, height: poster.Height }));
  } catch {
    // it was deleted meanwhile, or nobody answers: the symbol stays
  }
}

/** What is not final yet is asked after, while somebody looks. */
async function refresh() {
  if (document.hidden || $("home").hidden) return;
  const cards = [...$("grid").querySelectorAll('[data-status="Processing"]')].slice(0, MOST_REFRESHED);
  await Promise.all(cards.map(async (card) => {
    try {
      const status = await get(`Videos/${card.dataset.id}/Status`);
      if (status.Status === "Processing") card.querySelector(".badge").textContent = `Encoding ${status.Progress} %`;
      else await changed(card.dataset.id);
    } catch {
      // the next time, then
    }
  }));
}

/** A video is new or not what it was: its card is made anew. */
export async function changed(id) {
  let video;
  try {
    video = await get(`Videos/${id}`);
  } catch (error) {
    if (error.status === 404) removed(id);
    return;
  }
  const old = cardOf(id);
  const focused = old?.contains(document.activeElement);
  const card = cardFor(video);
  if (old) old.replaceWith(card);
  else if (!$("name-prefix").value && !$("tag").value && !$("status").value) $("grid").prepend(card);
  if (focused) card.querySelector("a").focus();
  settle();
}

export function removed(id) {
  cardOf(id)?.remove();
  settle();
}
