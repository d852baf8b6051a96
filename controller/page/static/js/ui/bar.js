/** @import {Loop} from "../types.js" */
import { html } from "../lib.js";
import { cellAt } from "../live/store.js";

const MARGIN = 0.06;

/**
 * Place on the bar in percent; the setpoint limits lie a margin inside its ends, so that a value beyond them shows.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function place(value, low, high) {
  const share = (value - low) / (high - low || 1);
  return 100 * Math.min(1, Math.max(0, MARGIN + share * (1 - 2 * MARGIN)));
}

/** The moving analogue bar: value, setpoint, limits, and the output beneath it. @param {{loop: Loop}} props */
export function Bar({ loop }) {
  const { sp_low: low, sp_high: high } = loop;
  const pv = loop.pv === null ? null : cellAt(loop.pv).value;
  const sp = cellAt(loop.sp).value.value;
  const op = cellAt(loop.op).value.value;
  const value = pv ? pv.value ?? pv.good : null;
  const at = value === null ? null : place(value, low, high);
  const wanted = sp === null ? null : place(sp, low, high);
  const beyond = value !== null && (value < low || value > high);
  return html`
    <div class="bar" data-bad=${pv && (pv.quality === 2 || pv.value === null) ? "" : null} role="img" aria-label=${`${loop.title} between its limits`}>
      <div class="track">
        <span class="limits"></span>
        ${at !== null && wanted !== null ? html`<span class="deviation" style=${{ left: `${Math.min(at, wanted)}%`, width: `${Math.abs(at - wanted)}%` }}></span>` : null}
        ${wanted === null ? null : html`<span class="sp-mark" style=${{ left: `${wanted}%` }}></span>`}
        ${at === null ? null : html`<span class="pv-mark" data-beyond=${beyond ? "" : null} style=${{ left: `${at}%` }}></span>`}
      </div>
      <div class="op-track"><span class="op-fill" data-limited=${loop.limited} style=${opStyle(op, loop.op_low, loop.op_high)}></span></div>
    </div>`;
}

/**
 * The output as a share of its span; an output that runs to both sides fills from its zero.
 * @param {number|null} op
 * @param {number} low
 * @param {number} high
 */
function opStyle(op, low, high) {
  if (op === null || high <= low) return { left: "0%", width: "0%" };
  const share = (/** @type {number} */ v) => (100 * (Math.min(high, Math.max(low, v)) - low)) / (high - low);
  const zero = share(Math.min(high, Math.max(low, 0)));
  return { left: `${Math.min(zero, share(op))}%`, width: `${Math.abs(share(op) - zero)}%` };
}
