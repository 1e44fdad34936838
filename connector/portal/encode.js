/* The encode as it happens: its stages with their times, and a cell for each task that fills. */

import { get } from "./api.js";
import { h, pause } from "./dom.js";
import { bytes, length, money } from "./format.js";

const FAST_MS = 600;
const SLOW_MS = 2500;
const STAGES = ["Upload", "Probe", "Encode", "Package"];
const FINAL = ["Completed", "Failed"];

/** A view and `show(status)`, which brings it up to date. */
export function encodeView() {
  const bar = h("progress", { max: 100, value: 0, "aria-label": "Progress" });
  const text = h("p", { class: "encode-text" });
  const stages = h("ol", { class: "stages", "aria-label": "Stages" });
  const cells = h("ol", { class: "cells", "aria-label": "Tasks" });
  const cost = h("p", { class: "quiet encode-cost" });
  const confinement = h("p", { class: "quiet encode-confinement" });
  const view = h("div", { class: "encode" }, text, bar, stages, cells, cost, confinement);
  get("health").then(
    (health) => { confinement.textContent = `Media is decoded in processes confined by ${health.Confinement}.`; },
    (error) => { confinement.textContent = error.message; });
  const byName = new Map();

  const show = (status) => {
    const steps = new Map(status.Steps.map((step) => [step.Name, step]));
    text.textContent = `${status.Message}${status.Status === "Processing" ? ` ${status.Progress} %` : ""}`;
    view.classList.toggle("failed", status.Status === "Failed");
    cost.textContent = costs(status);
    bar.value = status.Progress;
    bar.hidden = FINAL.includes(status.Status);
    stages.replaceChildren(...STAGES.map((name) => stage(name, steps.get(name), status.Status === "Failed")));
    for (const [kind, count] of [["chunk", status.Chunks], ["audio", status.AudioTracks], ["split", 0]]) {
      const begun = [...steps.keys()].filter((name) => name.startsWith(`${kind}-`)).length;
      for (let index = 0; index < Math.max(count, begun); index += 1) {
        const name = `${kind}-${String(index).padStart(6, "0")}`;
        if (!byName.has(name)) {
          byName.set(name, cell(kind, index));
          cells.append(byName.get(name).item);
        }
        byName.get(name).show(steps.get(name));
      }
    }
  };
  return { view, show };
}

/** What the encode will take, or has taken. */
function costs({ Status, Estimate, Actual }) {
  const found = Actual ?? (Status === "Failed" ? null : Estimate);
  if (!found) return "";
  const { Seconds, Cost, MonthlyCost, StorageBytes, Currency } = found;
  const [time, once, kept, monthly] = [length(Seconds), money(Cost, Currency), bytes(StorageBytes), money(MonthlyCost, Currency)];
  return Actual
    ? `Processing took ${time} of computing time and cost ${once}. Storing ${kept} costs ${monthly} per month.`
    : `Processing will take about ${time} of computing time and cost ${once}. Storing ${kept} will cost ${monthly} per month.`;
}

function stage(name, step, failed) {
  const state = step?.Finished ? "done" : !step ? "ahead" : failed ? "broken" : "active";
  const time = { done: `${step?.Seconds.toFixed(1)} s`, ahead: "–", broken: "failed", active: "…" }[state];
  return h("li", { class: state }, h("span", {}, name), " ", h("span", { class: "quiet" }, time));
}

function cell(kind, index) {
  const state = h("span", { class: "hidden" });
  const label = kind === "chunk" ? String(index + 1) : `${kind === "audio" ? "♪" : kind} ${index + 1}`;
  const item = h("li", { class: kind }, h("span", { class: "hidden" }, `${kind} `), label, state);
  const show = (step) => {
    const percent = step?.Progress ?? 0;
    const time = step?.Finished ? `${step.Seconds.toFixed(1)} s` : "";
    item.style.setProperty("--done", `${percent}%`);
    item.classList.toggle("done", Boolean(step?.Finished));
    state.textContent = step ? `, ${time || `${percent} %`}` : ", waiting";
    item.title = `${kind} ${index + 1}: ${step ? time || `${percent} %` : "waiting"}${step?.Worker ? `, by ${step.Worker}` : ""}`;
  };
  return { item, show };
}

/**
 * Asks for the status until it is final, and answers that; `show` is told each. A network that is away is waited for.
 * Throws ApiError, or the signal's reason.
 */
export async function follow(id, show, signal) {
  for (let asked = 0; ; asked += 1) {
    let status = null;
    try {
      status = await get(`Videos/${id}/Status`);
    } catch (error) {
      if (error.status > 0 && error.status < 500) throw error;
    }
    signal.throwIfAborted();
    if (status) {
      show(status);
      if (FINAL.includes(status.Status)) return status;
    }
    await pause(asked < 60 ? FAST_MS : SLOW_MS);
    signal.throwIfAborted();
  }
}
