/** @import {Column, Loop} from "../types.js" */
import { ask } from "../api.js";
import { columns, now, site, state, traces } from "./store.js";

const SEED_POINTS = 180;

/** @typedef {[number[], (number|null)[], (number|null)[], (number|null)[]]} Series UTC seconds, value, setpoint, output */

/** A column's name in the record. @param {Column|undefined} column */
function keyOf(column) {
  if (!column) return "";
  return `${column.vessel}.${column.name}${column.kind === "tag" ? "" : `.${column.kind}`}`;
}

/**
 * A loop's recent past from the record; null when it cannot be read.
 * @param {string} vessel
 * @param {Loop} loop
 * @param {number} minutes
 * @param {number} points
 * @returns {Promise<Series|null>}
 */
export async function recorded(vessel, loop, minutes, points) {
  const pv = loop.pv === null ? null : columns.peek()[loop.pv]?.name;
  const names = [`${vessel}.${pv ?? `${loop.name}.sp`}`, `${vessel}.${loop.name}.sp`, `${vessel}.${loop.name}.op`];
  const end = now.peek().ms / 1000;
  const query = new URLSearchParams([...new Set(names)].map((name) => ["tag", name]));
  query.append("start", String(end - minutes * 60));
  query.append("end", String(end));
  query.append("points", String(points));
  const answer = await ask("GET", `history?${query}`);
  if (!answer.ok) return null;
  const found = names.map((name) => answer.doc.series.find((/** @type {any} */ s) => s.tag === name));
  const times = found[0]?.time ?? [];
  const read = (/** @type {any} */ one) => times.map((/** @type {number} */ _, /** @type {number} */ i) => (one && one.quality[i] < 2 ? one.value[i] ?? null : null));
  return [times, pv ? read(found[0]) : times.map(() => null), read(found[1]), read(found[2])];
}

/**
 * Fill the small trends from the record, once, so that a page that was just opened already knows the past.
 */
export async function seedTraces() {
  const speed = site.peek()?.speed ?? 1;
  const indices = [...new Set(state.peek().vessels.flatMap((v) => v.loops.flatMap((l) => [l.pv ?? l.sp, l.sp])))];
  const names = indices.map((i) => keyOf(columns.peek()[i]));
  const { ms, process } = now.peek();
  const query = new URLSearchParams(names.map((name) => ["tag", name]));
  query.append("start", String(ms / 1000 - traces.span / speed));
  query.append("end", String(ms / 1000));
  query.append("points", String(SEED_POINTS));
  const answer = await ask("GET", `history?${query}`);
  if (!answer.ok) return;
  for (const series of answer.doc.series) {
    const index = indices[names.indexOf(series.tag)];
    if (index === undefined) continue;
    const at = series.time.map((/** @type {number} */ t) => process - (ms / 1000 - t) * speed);
    traces.seed(index, at, series.value.map((/** @type {number|null} */ v, /** @type {number} */ i) => (series.quality[i] < 2 ? v : null)));
  }
}
