/* The addresses of the API. */

/** Where this page came from: this file is {api}/portal/addresses.js. */
export const API = new URL("..", import.meta.url);

/** The players' scripts. Their version is in the path, so that browsers may keep them. */
export const VENDOR = new URL(`vendor/${meta("vendor")}/`, import.meta.url);

/** The address that players and other pages are given (PUBLIC_URL), which may be another name of the same API. */
export const PUBLIC_API = new URL(`${meta("public-api") || API.href.slice(0, -1)}/`);

function meta(name) {
  return document.querySelector(`meta[name="${name}"]`).content;
}
