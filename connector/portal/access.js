/* What opens a video to its players: addresses, and the token of a protected one. */

import { get } from "./api.js";

const GROWING = ["HLS", "DASH"];

/**
 *   urls            by kind; only those that grow while the video does
 *   token           {Token, ExpiresOn} of a protected video; null for a clear one
 *   viewing         the token for a page of its own, if one is needed
 *   growing         whether the video is still being encoded
 *   nativeUrl(kind) for a player that cannot send the token
 *   renew()         another token
 *   complete()      once the video is ready: all addresses. Players go on with those that they have.
 * Throws ApiError.
 */
export async function accessTo(video, growing) {
  const path = `Videos/${video.Id}`;
  const isProtected = video.ContentProtectionMode !== "None";
  const access = {
    urls: {},
    token: null,
    growing,
    get viewing() { return access.token?.Token ?? new URL(access.urls.HLS).searchParams.get("token"); },
    async nativeUrl(kind) { return (await endpoint(kind, access.token.Token)).PlaybackUrl; },
    async renew() { access.token = await get(`${path}/AuthorizationToken`); },
    async complete() {
      access.growing = false;
      access.urls = await all(["HLS", "DASH", "Streaming", ...(isProtected ? [] : ["Progressive"])]);
    },
  };

  function endpoint(endpointType, token) {
    return get(`${path}/PlaybackEndpoint`, { endpointType, token, early: access.growing });
  }

  async function all(kinds) {
    const found = await Promise.all(kinds.map((kind) => endpoint(kind)));
    return Object.fromEntries(found.map(({ Type, PlaybackUrl }) => [Type, PlaybackUrl]));
  }

  await Promise.all([
    isProtected ? access.renew() : null,
    growing ? all(GROWING).then((urls) => { access.urls = urls; }) : access.complete(),
  ]);
  return access;
}
