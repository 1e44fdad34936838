/* The addresses of the API. */

/** Where this page came from: this file is {api}/portal/addresses.js. */
export const API = new URL("..", import.meta.url);

/** The address that players and other pages are given (PUBLIC_URL), which may be another name of the same API. */
export const PUBLIC_API = new URL(`${document.querySelector('meta[name="public-api"]').content || API.href.slice(0, -1)}/`);
