// Preloaded into node beside tether.cjs: Azurite responds only when all its changes are on disk. By default it saves its
// index every five seconds, so that confirmed writes are lost when it is killed. Azure Storage never loses those.
const { renameSync, writeFileSync } = require("node:fs");
const { ServerResponse } = require("node:http");
const Loki = require("node:module").createRequire(process.argv[1])("lokijs");

const databases = new Set();

// Saves all changes in one go. Extents come first: an index that names a missing extent would break its whole service.
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
  save(); // An exception ends the process, so that nothing is confirmed that could not be saved.
  return end.apply(this, rest);
};
