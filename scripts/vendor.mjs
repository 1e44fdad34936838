// Copies what the pages need from npm into connector/portal/vendor/, from where the app serves it: no page loads
// anything from another host. Run after `npm ci`; `make setup` and the deployment do.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FILES = [
  "dashjs/dist/modern/umd/dash.all.min.js",
  "dashjs/dist/modern/umd/dash.mss.min.js",
  "hls.js/dist/hls.min.js",
  "shaka-player/dist/shaka-player.compiled.js",
  "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui-dist/swagger-ui.css",
  "video.js/dist/video-js.min.css",
  "video.js/dist/video.min.js",
];

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const vendor = join(project, "connector", "portal", "vendor");
await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
for (const file of FILES) {
  await copyFile(join(project, "node_modules", file), join(vendor, basename(file)));
}
