/** @import {Vessel} from "../types.js" */
import { html } from "../lib.js";
import { columns } from "../live/store.js";
import { show } from "../dialogs/host.js";
import { ValuesDialog } from "../dialogs/values.js";
import { Value } from "./value.js";

const PLACES = 6;
/** What operators look for first; other tags follow in the order of the vessel class. */
const FIRST = ["viable_density", "viability", "volume", "feed_total", "base_total", "pressure"];

/**
 * The tags of a vessel that no loop shows, most wanted first.
 * @param {Vessel} vessel
 * @returns {number[]} columns
 */
export function measuredColumns(vessel) {
  const shown = new Set(vessel.loops.map((l) => l.pv));
  const rank = (/** @type {string} */ name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return columns.value.map((_, i) => i)
    .filter((i) => columns.value[i]?.vessel === vessel.name && columns.value[i]?.kind === "tag" && !shown.has(i))
    .sort((a, b) => rank(columns.value[a]?.name ?? "") - rank(columns.value[b]?.name ?? ""));
}

/** The other measurements, the most wanted six; all of them on a click. @param {{vessel: Vessel}} props */
export function Measured({ vessel }) {
  return html`
    <button class="measured" onClick=${() => show(ValuesDialog, { vessel: vessel.name })}>
      <span class="spoken">All values of ${vessel.name}</span>
      ${measuredColumns(vessel).slice(0, PLACES).map((col) => html`
        <span class="tile" key=${col}><span class="tile-title">${columns.value[col]?.title || columns.value[col]?.name}</span><${Value} col=${col} /></span>`)}
    </button>`;
}
