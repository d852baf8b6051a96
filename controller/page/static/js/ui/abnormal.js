/** @import {Alarm, State, Column} from "../types.js" */
import { computed } from "../lib.js";
import { conditionText } from "../format.js";
import { faultOf } from "../live/faults.js";
import { cellAt, columns, state } from "../live/store.js";

/** @type {Map<string, string>} */
const NO_NAMES = new Map();

/**
 * What is not as it should be, worst first, and how many things were looked at to say so.
 * @typedef {{key: string, priority: number|null, vessel: string, title: string, text: string, alarm: Alarm|null}} Finding
 */

/** @type {import("../../vendor/signals.js").ReadonlySignal<{findings: Finding[], checks: number}>} */
export const abnormal = computed(() => {
  const now = state.value;
  const tags = columns.value.map((column, index) => ({ column, index })).filter(({ column }) => column.kind === "tag");
  const interlocks = now.vessels.flatMap((v) => v.interlocks).length;
  const findings = [
    ...now.alarms.map(alarmFinding).sort((a, b) => rank(a) - rank(b)),
    ...interlockFindings(now),
    ...connectionFindings(now),
    ...loopFindings(now),
    ...tags.flatMap(({ column, index }) => valueFinding(column, index)),
  ];
  const loops = now.vessels.flatMap((v) => v.loops).length;
  return { findings, checks: now.alarms.length + interlocks + now.connections.length + loops + tags.length };
});

/** Active before returned, then by priority. @param {Finding} finding */
function rank(finding) {
  return (finding.alarm?.state === "returned" ? 10 : 0) + (finding.priority ?? 9);
}

/** @param {Alarm} alarm @returns {Finding} */
function alarmFinding(alarm) {
  return {
    key: alarm.id, priority: alarm.priority, vessel: alarm.vessel, title: alarm.title,
    text: alarm.action, alarm,
  };
}

/** @param {State} now @returns {Finding[]} */
function interlockFindings(now) {
  return now.vessels.flatMap((vessel) => vessel.interlocks.filter((i) => i.tripped).map((i) => (
    { key: `${vessel.name}.${i.name}`, priority: null, vessel: vessel.name, title: `Interlock: ${i.title}`, text: conditionText(i.text, NO_NAMES), alarm: null })));
}

/** @param {State} now @returns {Finding[]} */
function connectionFindings(now) {
  return now.connections.filter((c) => c.state.toLowerCase() !== "up").map((c) => (
    { key: c.name, priority: null, vessel: "", title: `${c.name} ${c.state.toLowerCase() === "connecting" ? "is connecting" : "does not answer"}`, text: c.detail, alarm: null }));
}

/** Loops in a mode that nobody asked for, and loops whose output others make. @param {State} now @returns {Finding[]} */
function loopFindings(now) {
  return now.vessels.flatMap((vessel) => vessel.loops.filter((l) => l.unasked || (l.actual === "tracking" && l.held_by !== "interlock")).map((l) => (
    { key: `${vessel.name}.${l.name}-mode`, priority: null, vessel: vessel.name, title: l.actual === "tracking" ? `${l.title} is overruled` : `${l.title} went to ${l.mode} by itself`,
      text: conditionText(l.mode_reason, NO_NAMES), alarm: null })));
}

const EXPECTED = ["not_read", "no_sample", "link", "model"];

/**
 * A value is told of where the fault is: not where it was expected, and not again where it was calculated with.
 * @param {Column} column @param {number} index @returns {Finding[]}
 */
function valueFinding(column, index) {
  const cell = cellAt(index).value;
  if (cell.quality !== 2 || EXPECTED.includes(cell.reason) || column.inputs?.some((name) => isBad(column.vessel, name))) return [];
  const title = `${column.title || column.name} is bad`;
  return [{ key: `value-${index}`, priority: null, vessel: column.vessel, title, text: faultOf(column), alarm: null }];
}

/** @param {string} vessel @param {string} name of a tag */
function isBad(vessel, name) {
  const index = columns.value.findIndex((c) => c.kind === "tag" && c.vessel === vessel && c.name === name);
  return index >= 0 && cellAt(index).value.quality === 2;
}
