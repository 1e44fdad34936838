/* The two questions that the page asks: who are you, and are you sure. */

import { $ } from "./dom.js";

/** The answer of a modal dialog: the value of the button that closed it, "" when it was left. */
function answerOf(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

// A button that submits would be the one that Enter presses.
$("sign-in-cancel").addEventListener("click", () => $("sign-in").close());

/** A Functions key, or a token; "" when nothing was given. `refused`: the one before was not accepted. */
export async function askForCredential(wantsToken, refused) {
  const [dialog, field] = [$("sign-in"), $("credential")];
  $("credential-label").textContent = wantsToken ? "Access token" : "Key";
  $("sign-in-text").textContent = wantsToken
    ? "This API requires an access token from Microsoft Entra. Paste one. It is kept until you close this tab."
    : "This API requires a Functions key. Paste it. It is kept until you close this tab.";
  $("sign-in-refused").hidden = !refused;
  field.value = "";
  const answer = await answerOf(dialog);
  const given = field.value.trim();
  field.value = "";
  return answer === "ok" ? given : "";
}

/** Whether the answer was yes. */
export async function confirmed(title, text, yes, no = "Keep") {
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  $("confirm-no").textContent = no;
  return (await answerOf($("confirm"))) === "ok";
}
