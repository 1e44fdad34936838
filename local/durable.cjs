// Preloaded into node beside tether.cjs: Azurite answers only when all that it has changed is on disk. By itself it saves
// its index every five seconds, so kill -9 would take back what it has confirmed, which Azure Storage never does.
const { renameSync, writeFileSync } = require("node:fs");
const { ServerResponse } = require("node:http");
const Loki = require("node:module").createRequire(process.argv[1])("lokijs");

const databases = new Set();

// All that changed, as it is at one moment; extents first, for an index that names one which is not there would break
// its whole service.
function save() {
  const dirty = [...databases].filter((database) => database.autosaveDirty());
  dirty.sort((a, b) => b.filename.includes("extent") - a.filename.includes("extent"));
  for (const database of dirty) {
    const draft = `${database.filename}~`;
    database.autosaveClearFlags();
    writeFileSync(draft, database.serialize());
    renameSync(draft, database.filename);
  }
}

Loki.prototype.saveDatabaseInternal = function (callback) {
  databases.add(this);
  save();
  callback?.();
};

const end = ServerResponse.prototype.end;
ServerResponse.prototype.end = function (...rest) {
  save(); // what cannot be saved is not confirmed: the process ends
  return end.apply(this, rest);
};
