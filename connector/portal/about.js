/* What people say about a video: title, description, tags, metadata; shown, edited, and saved if nobody was faster. */

import { ApiError, call } from "./api.js";
import { announce, h, iconButton } from "./dom.js";

/** A form. `saved(video)` is told what is stored now, also when that was stored by somebody else. */
export function aboutForm(video, etag, saved) {
  let version = etag;
  const title = h("input", { id: "about-title", maxlength: 256 });
  const description = h("textarea", { id: "about-description", rows: 3, maxlength: 4096 });
  const tags = h("ul", { class: "tags editable" });
  const tag = h("input", { id: "about-tag", maxlength: 64, placeholder: "New tag", onkeydown: enter(addTag) });
  const facts = h("div", { class: "facts" });
  const note = h("p", { class: "form-note", role: "status" });
  const save = h("button", { class: "primary" }, "Save");
  const form = h("form", { class: "about", onsubmit: submit },
    h("label", { for: "about-title" }, "Title"), title,
    h("label", { for: "about-description" }, "Description"), description,
    h("label", { for: "about-tag" }, "Tags"), tags,
    h("div", { class: "row" }, tag, h("button", { type: "button", onclick: addTag }, "Add tag")),
    h("h3", {}, "Metadata"), facts,
    h("div", { class: "row" },
      h("button", { type: "button", onclick: () => addFact("", "").focus() }, "Add a field"), h("span", { class: "spring" }), save),
    note);

  function fill(from) {
    title.value = from.Title;
    description.value = from.Description;
    tags.replaceChildren(...from.Tags.map(chip));
    facts.replaceChildren();
    for (const [name, value] of Object.entries(from.Metadata)) addFact(name, value);
  }

  function chip(text) {
    const item = h("li", { class: "tag", "data-tag": text }, text);
    item.append(iconButton("close", `Remove tag ${text}`, () => { item.remove(); tag.focus(); }));
    return item;
  }

  function addTag() {
    const text = tag.value.trim();
    if (text && ![...tags.children].some((item) => item.dataset.tag === text)) tags.append(chip(text));
    tag.value = "";
    tag.focus();
  }

  function addFact(name, value) {
    const key = h("input", { class: "fact-name", "aria-label": "Name", placeholder: "Name", maxlength: 64 });
    const text = h("input", { class: "fact-value", "aria-label": "Value", placeholder: "Value", maxlength: 256 });
    [key.value, text.value] = [name, value];
    const row = h("div", { class: "row" }, key, text);
    row.append(iconButton("close", "Remove the field", () => { row.remove(); save.focus(); }));
    facts.append(row);
    return key;
  }

  const values = () => ({
    Title: title.value,
    Description: description.value,
    Tags: [...tags.children].map((item) => item.dataset.tag),
    Metadata: Object.fromEntries([...facts.children]
      .map((row) => [row.querySelector(".fact-name").value.trim(), row.querySelector(".fact-value").value])
      .filter(([name]) => name)),
  });

  function say(text, bad = false) {
    note.textContent = text;
    note.classList.toggle("bad", bad);
  }

  async function submit(event) {
    event.preventDefault();
    addTag(); // one that was typed and not added
    save.disabled = true;
    say("");
    try {
      const body = values();
      ({ etag: version } = await call("PUT", `Videos/${video.Id}`, { body, etag: version }));
      saved({ ...video, ...body });
      say("Saved.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 412) await reload();
      else say(error.message, true);
    } finally {
      save.disabled = false;
      save.focus();
    }
  }

  async function reload() {
    const { answer, etag: fresh } = await call("GET", `Videos/${video.Id}`);
    version = fresh;
    fill(answer);
    saved(answer);
    say("Not saved: somebody else changed this video. The form now shows their version.", true);
    announce("Not saved");
  }

  fill(video);
  return form;
}

function enter(action) {
  return (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    action();
  };
}
