// Preloaded into node: ends the process when the parent's end of stdin closes, so that Azurite never outlives a killed
// parent. It begins with SIGTERM, because Azurite then saves its data. A process that does not listen for SIGTERM yet
// ends at once.
function end() {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), 5000).unref();
}
process.stdin.on("end", end).on("error", end).resume();
process.stdin.unref();
