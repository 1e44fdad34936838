/* Numbers as people read them. */

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  const power = count < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(power > 1 ? 1 : 0)} ${UNITS[power]}`;
}

export function bitrate(bitsPerSecond) {
  return bitsPerSecond >= 1e6 ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}

/** 75 → 1:15, 3675 → 1:01:15 */
export function clock(seconds) {
  const whole = Number.isFinite(seconds) ? Math.floor(seconds) : 0;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** How long something still takes. */
export function remaining(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

/** 90 → 1.5 min */
export function length(seconds) {
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Of amounts that may be far below a cent: two digits that are no leading zeros. */
export function money(amount, currency) {
  const digits = amount > 0 && amount < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
  return amount.toLocaleString(undefined, { style: "currency", currency, currencyDisplay: "code", minimumFractionDigits: 0, ...digits });
}

export function day(moment) {
  return new Date(moment).toLocaleDateString(undefined, { dateStyle: "medium" });
}

/** What a video is called: its title, or else its file's name. */
export function called(video) {
  return video.Title || video.FileName;
}
