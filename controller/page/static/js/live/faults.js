import { computed } from "../lib.js";
import { state } from "./store.js";

/** What instruments say of points that have no value, by vessel and tag: `plc-101, Cooling.OP: no such node`. */
export const faults = computed(() => new Map(state.value.connections.flatMap((c) => (
  c.faults.map((fault) => /** @type {[string, string]} */ ([fault.tag, `${c.name}, ${fault.point}: ${fault.detail}`]))))));

/**
 * What its instrument says of a value that it does not give, or nothing.
 * @param {import("../types.js").Column|undefined} column
 */
export function faultOf(column) {
  return (column?.kind === "tag" && faults.value.get(`${column.vessel}.${column.name}`)) || "";
}
