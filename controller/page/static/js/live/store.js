/** @import {Snapshot, Delta, Message, Cell, Column, State, Site} from "../types.js" */
import { batch, computed, signal } from "../lib.js";
import { toMs } from "../format.js";
import { listen } from "./client.js";
import { Traces } from "./traces.js";

const LOST_MS = 3000;
const WATCH_MS = 250;
/** @type {Cell} */
const UNREAD = { value: null, quality: 2, reason: "not_read", age: null, good: null, goodAt: null };

/** @type {import("../../vendor/signals.js").Signal<Site|null>} */
export const site = signal(null);
/** @type {import("../../vendor/signals.js").Signal<Column[]>} */
export const columns = signal([]);
/** @type {import("../../vendor/signals.js").Signal<State>} */
export const state = signal({ vessels: [], batches: [], alarms: [], connections: [], waiting_calibrations: [] });
/** Server time in ms since 1970, and process time in s, of the newest scan. */
export const now = signal({ ms: 0, process: 0 });
/** "lost" while the server is silent; `at` is the wall time in ms when it was last heard. */
export const link = signal({ state: /** @type {"connecting"|"live"|"lost"} */ ("connecting"), at: Date.now(), silentS: 0 });
/** Commands are possible: the page hears the supervisor. */
export const live = computed(() => link.value.state === "live");
export const traces = new Traces();

/** @type {import("../../vendor/signals.js").Signal<Cell>[]} */
let cells = [];
let heard = Date.now();

/**
 * The signal of one column; an unread cell for a column that does not exist.
 * @param {number|null|undefined} index
 */
export function cellAt(index) {
  return (index !== null && index !== undefined && cells[index]) || unread;
}
const unread = signal(UNREAD);

/**
 * @param {string} vessel
 * @param {"tag"|"sp"|"op"} kind
 * @param {string} name
 */
export function columnIndex(vessel, kind, name) {
  return columns.value.findIndex((c) => c.vessel === vessel && c.kind === kind && c.name === name);
}

/** @param {Snapshot} doc */
function takeSnapshot(doc) {
  if (JSON.stringify(doc.columns) !== JSON.stringify(columns.value)) {
    cells = doc.columns.map(() => signal(UNREAD));
    columns.value = doc.columns;
    traces.reset(doc.columns, doc.site.speed);
  }
  site.value = doc.site;
  const { vessels, batches, alarms, connections, waiting_calibrations } = doc;
  state.value = { vessels, batches, alarms, connections, waiting_calibrations };
  setTime(doc);
  doc.columns.forEach((_, i) => put(i, doc.values[i] ?? null, doc.quality[i] ?? 2, doc.reason[i] ?? "", doc.age[i] ?? null));
  traces.sample(doc.process_s, cells);
}

/** @param {Delta} doc */
function takeDelta(doc) {
  setTime(doc);
  for (const [index, value, quality, reason, age] of doc.v) put(index, value, quality, reason, age);
  if (Object.keys(doc.state).length > 0) state.value = { ...state.value, ...doc.state };
  traces.sample(doc.process_s, cells);
}

/**
 * The wall time of a moment of process time, in UTC seconds.
 * @param {number} process
 */
export function wallTime(process) {
  return now.value.ms / 1000 - (now.value.process - process) / (site.value?.speed || 1);
}

/** @param {{time: string|number, process_s: number}} doc */
function setTime(doc) {
  now.value = { ms: toMs(doc.time), process: doc.process_s };
}

/**
 * @param {number} index
 * @param {number|null} value
 * @param {0|1|2} quality
 * @param {string} reason
 * @param {number|null} age
 */
function put(index, value, quality, reason, age) {
  const cell = cells[index];
  if (!cell) return;
  const usable = quality < 2 && value !== null;
  const { good, goodAt } = cell.peek();
  cell.value = {
    value, quality, reason, age,
    good: usable ? value : good,
    goodAt: usable ? now.peek().process - (age ?? 0) : goodAt,
  };
}

/** @param {Message} message */
function hear(message) {
  heard = Date.now();
  batch(() => {
    if (message.type === "snapshot") takeSnapshot(message.doc);
    else if (message.type === "delta" && columns.peek().length > 0) takeDelta(message.doc);
    if (columns.peek().length > 0 && link.peek().state !== "live") link.value = { state: "live", at: heard, silentS: 0 };
  });
}

/** The page's own watchdog: an EventSource of a frozen server looks alive for minutes. */
function watch() {
  const silent = Date.now() - heard;
  if (silent <= LOST_MS) return;
  const silentS = Math.floor(silent / 1000);
  if (link.peek().state !== "lost" || link.peek().silentS !== silentS) link.value = { state: "lost", at: heard, silentS };
}

/** Begin to listen; once per page. */
export function start() {
  const refresh = listen(hear);
  setInterval(watch, WATCH_MS);
  document.addEventListener("visibilitychange", () => {
    watch();
    if (!document.hidden && link.peek().state === "lost") refresh();
  });
}
