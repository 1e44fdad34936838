/* The API, called as whoever sits here: the key or token is asked for when the API asks, and kept for this tab only. */

import { API } from "./addresses.js";
import { askForCredential } from "./dialogs.js";

const CREDENTIAL = "video-connector.credential";

let asking = null;

/** What went wrong, for people; `status` is 0 when nobody answered. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * The answer's body (null without one) and ETag. `query` leaves out what is empty. Throws ApiError.
 */
export async function call(method, path, { query = {}, body, etag } = {}) {
  const url = new URL(path, API);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  for (;;) {
    const credential = sessionStorage.getItem(CREDENTIAL);
    const response = await send(url, method, body, { ...JSON.parse(credential ?? "{}"), ...(etag && { "If-Match": etag }) });
    if (response.status === 401) {
      // Another call may have asked meanwhile.
      if (credential === sessionStorage.getItem(CREDENTIAL)) await signIn(response, credential !== null);
      continue;
    }
    const answer = await read(response);
    if (!response.ok) throw new ApiError(response.status, answer?.message ?? `The API answered ${response.status}.`);
    return { answer, etag: response.headers.get("ETag") };
  }
}

/** The answer to a GET. */
export async function get(path, query) {
  return (await call("GET", path, { query })).answer;
}

async function send(url, method, body, headers) {
  const init = { method, headers };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(url, init);
  } catch {
    throw new ApiError(0, "The API cannot be reached. Check your connection.");
  }
}

async function read(response) {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // from a proxy on the way: its status says enough
  }
}

/** One dialog for all calls that wait. Throws ApiError when it is closed without an answer. */
async function signIn(response, refused) {
  const wantsToken = /bearer/i.test(response.headers.get("WWW-Authenticate") ?? "");
  asking ??= askForCredential(wantsToken, refused).finally(() => { asking = null; });
  const given = await asking;
  if (!given) throw new ApiError(401, `This API requires ${wantsToken ? "an access token" : "a Functions key"}.`);
  const headers = wantsToken ? { Authorization: `Bearer ${given}` } : { "x-functions-key": given };
  sessionStorage.setItem(CREDENTIAL, JSON.stringify(headers));
}
