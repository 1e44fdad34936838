// Preloaded into node: Azurite 3.35 knows what a user delegation SAS signs up to version 2025-07-05. Later versions sign
// two more lines, the request headers and the query parameters that it demands (here none), before the last five.
// For a snapshot Azurite leaves out the name of the blob, and the snapshot, which is the seventh line from the end:
// https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
const { createHmac } = require("crypto");
const { join } = require("path");

const dist = join(__dirname, "..", "..", "node_modules", "azurite", "dist", "src");
const signatures = require(join(dist, "blob", "authentication", "IBlobSASSignatureValues.js"));
const known = signatures.generateBlobSASSignatureWithUDK;

signatures.generateBlobSASSignatureWithUDK = (values, resource, account, key) => {
  const [signature, text] = known(values, resource === "bs" ? "b" : resource, account, key);
  if (values.version < "2026-04-06") return [signature, text];
  const lines = text.split("\n");
  if (resource === "bs") lines.splice(-8, 2, resource, values.snapshot);
  lines.splice(-5, 0, "", "");
  const longer = lines.join("\n");
  return [createHmac("sha256", key).update(longer, "utf8").digest("base64"), longer];
};
