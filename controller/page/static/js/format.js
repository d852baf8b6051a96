/** @import {Cell, Column} from "./types.js" */

/** @type {Record<string, string>} */
const UNITS = {
  Cel: "°C", "[pH]": "pH", "{rev}/min": "rpm", "10*6/mL": "10⁶/mL", "mL/h/10*9": "mL/h/10⁹", "1": "", "{rev}": "rev",
};
/** @type {Record<string, string>} */
const REASONS = {
  ok: "", simulated: "", override: "Overridden", stale: "No new value", range: "Not credible", rate: "Changes too fast",
  frozen: "Does not move", device: "Instrument fault", link: "No connection", not_read: "Not read yet",
  model: "Cannot be calculated now", no_sample: "No sample yet",
  settling: "Not sure yet: seen for too short a time",
};
/** Why there is no value yet when nothing is wrong. */
const UNREAD = ["not_read", "no_sample"];
const MINUS = "\u2212";
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/**
 * A UCUM code as people write it.
 * @param {string} ucum
 */
export function unitText(ucum) {
  return UNITS[ucum] ?? withUnits(ucum);
}

/**
 * A text in which UCUM codes stand.
 * @param {string} text
 */
function withUnits(text) {
  return text
    .replaceAll("{rev}/min", "rpm").replaceAll("[pH]", "pH").replaceAll(/\bCel\b/g, "°C")
    .replaceAll("10*6", "10⁶").replaceAll("10*9", "10⁹").replaceAll(/[{}]/g, "");
}

/**
 * A number that is not a measurement (a limit, a setpoint under edit): fixed decimals, always a point.
 * @param {number|null|undefined} value
 * @param {number} decimals
 */
export function fixed(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", MINUS);
}

/**
 * Number and unit of a limit or a setpoint.
 * @param {number|null|undefined} value
 * @param {number} decimals
 * @param {string} unit
 */
export function amount(value, decimals, unit) {
  return `${fixed(value, decimals)} ${unitText(unit)}`.trim();
}

/**
 * What to show for a cell. The only way from a measured value to text: the quality comes with it.
 * @param {Cell} cell
 * @param {Column|undefined} column
 * @param {number} process process time in s
 * @returns {{text: string, quality: "good"|"uncertain"|"bad"|"unread", why: string, age: string}}
 */
export function readout(cell, column, process) {
  const decimals = column?.decimals ?? 2;
  if (cell.quality === 2 || cell.value === null) {
    if (cell.good === null) return { text: "–", quality: UNREAD.includes(cell.reason) ? "unread" : "bad", why: reasonText(cell), age: "" };
    return { text: fixed(cell.good, decimals), quality: "bad", why: reasonText(cell), age: span(process - (cell.goodAt ?? process)) };
  }
  const quality = cell.quality === 1 ? "uncertain" : "good";
  return { text: fixed(cell.value, decimals), quality, why: reasonText(cell), age: cell.age === null ? "" : span(cell.age) };
}

/** @param {Cell} cell */
function reasonText(cell) {
  if (cell.reason === "model" && cell.quality === 1) return "Calculated, but not surely";
  return REASONS[cell.reason] ?? cell.reason;
}

/**
 * A short span such as an age: `3 s`, `12 min`, `5 h`, `2 d`.
 * @param {number} seconds
 */
export function span(seconds) {
  const s = Math.max(0, seconds);
  if (s < 2 * MINUTE) return `${Math.round(s)} s`;
  if (s < 2 * HOUR) return `${Math.round(s / MINUTE)} min`;
  return s < 2 * DAY ? `${Math.round(s / HOUR)} h` : `${Math.round(s / DAY)} d`;
}

/**
 * An elapsed time: `04:12:33`, `3 d 04:12`.
 * @param {number|null|undefined} seconds
 */
export function elapsed(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const clock = `${two(Math.floor((s % DAY) / HOUR))}:${two(Math.floor((s % HOUR) / MINUTE))}`;
  return s >= DAY ? `${Math.floor(s / DAY)} d ${clock}` : `${clock}:${two(s % MINUTE)}`;
}

/**
 * Milliseconds since 1970 of a time that the server gave in seconds or as ISO 8601.
 * @param {string|number} time
 */
export function toMs(time) {
  return typeof time === "number" ? time * 1000 : Date.parse(time);
}

/**
 * Local time of day; with the date when it was another day.
 * @param {string|number} time
 */
export function clock(time) {
  const at = new Date(toMs(time));
  if (Number.isNaN(at.getTime())) return "–";
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `;
  return `${day}${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The browser's offset from UTC now, as `+02:00`. */
export function offset() {
  const minutes = -new Date().getTimezoneOffset();
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${minutes < 0 ? MINUS : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/**
 * A condition with its live values, as a sentence rather than as code.
 * @param {string} text
 * @param {Map<string, string>} titles of names
 */
export function conditionText(text, titles) {
  return withUnits(text.replaceAll(/\b[a-z][a-z0-9_]*\b/g, (name) => titles.get(name) ?? name))
    .replaceAll(/\babs\(([^()]*)\)/g, "|$1|").replaceAll(" - ", ` ${MINUS} `)
    .replaceAll(">=", "≥").replaceAll("<=", "≤");
}

/**
 * A calibration in a line: its id, when it was found, and until when it is valid.
 * @param {import("./types.js").Calibration} calibration
 * @param {number} ms the time now
 */
export function calibrationText({ id, date, expires }, ms) {
  const expired = expires !== "" && Date.parse(expires) <= ms;
  const until = expires === "" ? "" : ` · ${expired ? "expired" : "until"} ${expires.slice(0, 10)}`;
  return { text: `Calibration: ${id}, ${date.slice(0, 10)}${until}`, expired };
}

/**
 * A calibration that is stored and not in force yet, in a line.
 * @param {import("./types.js").WaitingCalibration} waiting
 */
export function waitingText({ name, id, in_force: now }) {
  return `Calibration of ${name}: ${id || "none"}; until then ${now || "none"}`;
}
