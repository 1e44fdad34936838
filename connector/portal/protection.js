/**
 * Lets browser players play protected videos: an ES module without dependencies.
 *
 *     const { Token } = await (await fetch(`${api}/Videos/${id}/AuthorizationToken`)).json();
 *
 *     new Hls({ xhrSetup: hlsJsSetup(Token) })                                        // hls.js
 *     player.getNetworkingEngine().registerRequestFilter(shakaFilter(Token))          // Shaka: HLS and DASH
 *     player.on("xhr-hooks-ready", () => player.tech().vhs.xhr.onRequest(videoJsHook(Token)))   // video.js
 *     player.addResponseInterceptor(dashJsInterceptor(Token))                         // dash.js: DASH and Smooth
 *
 * Everything is encrypted with AES-128-CBC as a whole, init segments too. hls.js, video.js and Shaka decrypt it
 * themselves and only lack the token. dash.js does not know this encryption: the interceptor fetches the key and
 * decrypts, with WebCrypto, which browsers offer on https pages and on localhost only.
 *
 * `token` is the bare JWT, or a function that answers the present one, for pages that renew it. It is sent only to key
 * addresses of the API, whatever other host a manifest names. That API is the one which serves this file. A page that
 * serves a copy, or an API with another public address (PUBLIC_URL), needs `options.api`: an address or several.
 */

const KEY_PATH = /\/keys\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const OWN_API = new URL("..", import.meta.url); // this file is {api}/portal/protection.js
const SEA = "urn:mpeg:dash:schema:sea:2012";

/** For hls.js: the value of its setting `xhrSetup`. */
export function hlsJsSetup(token, options = {}) {
  return (xhr, url) => {
    if (!isKeyAddress(url, options)) return;
    // hls.js opens the request after this, unless it is open; a header can only be set on an open one
    if (xhr.readyState === XMLHttpRequest.UNSENT) xhr.open("GET", url, true);
    xhr.setRequestHeader("Authorization", authorization(token));
  };
}

/** For Shaka Player: a request filter. */
export function shakaFilter(token, options = {}) {
  return (_, request) => {
    if (request.uris.every((uri) => isKeyAddress(uri, options))) request.headers.Authorization = authorization(token);
  };
}

/** For video.js (VHS): a request hook. */
export function videoJsHook(token, options = {}) {
  return (request) => {
    if (!isKeyAddress(request.uri, options)) return request;
    return { ...request, headers: { ...request.headers, Authorization: authorization(token) } };
  };
}

/**
 * For dash.js: a response interceptor; one for each player, registered before a source is attached. It learns key
 * address and IVs from the manifest as it passes. Without a key a response counts as failed, with the status of the
 * key's: dash.js then tries again and at last reports an error.
 */
export function dashJsInterceptor(token, options = {}) {
  let ciphers = new Map();
  return async (response) => {
    const { type, mediaType } = response.request.customData.request;
    const isGood = response.status >= 200 && response.status < 300 && response.data;
    if (!isGood) return response;
    if (type === "MPD") {
      ciphers = ciphersOf(response.data, token, options);
    } else if (type === "InitializationSegment" || type === "MediaSegment") {
      const cipher = ciphers.get(mediaType);
      try {
        if (cipher) response.data = await cipher(response.data);
      } catch (error) {
        // not thrown on: dash.js would wait for this response forever
        response.data = null;
        response.status = error.status ?? 0;
        response.statusText = error.message;
      }
    }
    return response;
  };
}

function isKeyAddress(address, { api = OWN_API }) {
  const url = new URL(address, location.href);
  return KEY_PATH.test(url.pathname) && [api].flat().some((own) => new URL(own, location.href).origin === url.origin);
}

function authorization(token) {
  return `Bearer ${typeof token === "function" ? token() : token}`;
}

/** Decrypting functions by kind of track (video, audio), from the text of a DASH or Smooth manifest. */
function ciphersOf(manifest, token, options) {
  const keys = new Map();
  const keyAt = (address) => {
    if (!keys.has(address)) {
      const key = fetchKey(address, token, options);
      key.catch(() => keys.delete(address)); // the next segment asks again, perhaps with another token
      keys.set(address, key);
    }
    return keys.get(address);
  };
  const ciphers = new Map();
  const periods = new DOMParser().parseFromString(manifest, "text/xml").getElementsByTagNameNS(SEA, "CryptoPeriod");
  for (const period of periods) {
    const track = period.closest("AdaptationSet, StreamIndex");
    const kind = track.getAttribute("contentType") ?? track.getAttribute("Type");
    const iv = Uint8Array.from(period.getAttribute("IV").slice(2).match(/../g), (byte) => parseInt(byte, 16));
    const address = period.getAttribute("keyUriTemplate");
    ciphers.set(kind, async (data) => crypto.subtle.decrypt({ name: "AES-CBC", iv }, await keyAt(address), data));
  }
  return ciphers;
}

async function fetchKey(address, token, options) {
  const headers = isKeyAddress(address, options) ? { Authorization: authorization(token) } : {};
  const answer = await fetch(address, { headers });
  if (!answer.ok) throw Object.assign(new Error("no key"), { status: answer.status });
  return crypto.subtle.importKey("raw", await answer.arrayBuffer(), "AES-CBC", false, ["decrypt"]);
}
