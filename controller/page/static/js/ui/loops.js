/** @import {Vessel, Loop} from "../types.js" */
import { html } from "../lib.js";
import { cellAt, columns, link, live, now, traces } from "../live/store.js";
import { conditionText, readout, span, unitText } from "../format.js";
import { show } from "../dialogs/host.js";
import { LoopDialog } from "../dialogs/loop.js";
import { SetpointDialog } from "../dialogs/setpoint.js";
import { Bar } from "./bar.js";
import { Icon } from "./icon.js";
import { Sparkline } from "./sparkline.js";
import { Value } from "./value.js";

/** Every loop in its own place: the same place on every vessel. @param {{vessel: Vessel}} props */
export function LoopTable({ vessel }) {
  return html`
    <div class="loops" style=${{ "--loops": vessel.loops.length }}>
      <div class="loops-head" aria-hidden="true">
        <span>Loop</span><span class="col-bar">Position in limits</span><span class="right">Value</span><span class="right">Setpoint</span>
        <span class="right">Output</span><span class="col-trend right">Last ${link.value.state === "connecting" ? "" : span(traces.span)}</span>
      </div>
      ${vessel.loops.map((loop) => html`<${LoopRow} key=${loop.name} vessel=${vessel.name} loop=${loop} />`)}
    </div>`;
}

/** Commanded modes, then those that a loop can only be found in. @type {Record<string, string>} */
export const MODES = {
  auto: "Auto", manual: "Manual", off: "Off", cascade: "Cascade", remote: "Remote", out_of_service: "Out of service",
  tracking: "Tracking", held: "Held",
};

/** The mode a loop is in: what overrides it, what it lacks, or who holds it. @param {{loop: Loop}} props */
function Mode({ loop }) {
  const forced = loop.held_by === "interlock";
  const kept = loop.actual !== loop.mode;
  const word = MODES[loop.actual] ?? loop.actual;
  const untouched = loop.actual === "off" && loop.revision === 0;
  const who = untouched || loop.held_by === loop.mode ? "" : ` · ${loop.held_by}`;
  const text = forced ? "Interlock" : kept || loop.unasked ? `${word}, ${loop.mode_reason}` : `${word}${who}`;
  return html`
    <span class="mode" data-forced=${forced ? "" : null} data-kept=${!forced && kept ? "" : null} data-unasked=${!forced && !kept && loop.unasked ? "" : null}
      title=${loop.mode_reason}>${forced ? html`<${Icon} name="lock" />` : loop.unasked && !kept ? html`<${Icon} name="hand" />` : null}<span>${conditionText(text, NO_NAMES)}</span></span>`;
}

/** @type {Map<string, string>} */
const NO_NAMES = new Map();

/** @param {{vessel: string, loop: Loop}} props */
function LoopRow({ vessel, loop }) {
  const col = loop.pv ?? loop.sp;
  return html`
    <div class="loop" data-loop=${loop.name}>
      <button class="loop-name" onClick=${() => show(LoopDialog, { vessel, loop: loop.name })}>
        <span class="spoken">${vessel}, trend and mode of</span>
        <span class="title">${loop.title}</span>
        <${Mode} loop=${loop} />
      </button>
      <${Bar} loop=${loop} />
      ${loop.pv === null ? html`<span class="value large none"><span class="figure">–</span><span class="age">no sensor</span></span>` : html`<${Value} col=${loop.pv} size="large" />`}
      <button class="setpoint" disabled=${!live.value} onClick=${() => show(SetpointDialog, { vessel, loop: loop.name })}>
        <span class="spoken">Change the setpoint of ${vessel} ${loop.title}, now</span><${Plain} col=${loop.sp} /></button>
      <div class="output"><${Plain} col=${loop.op} limited=${loop.limited} /></div>
      <${Sparkline} col=${col} sp=${loop.sp} low=${loop.sp_low} high=${loop.sp_high} label=${`${loop.title}, recent trend`} />
    </div>`;
}

/** A setpoint or output: ours, not measured, but it has a quality as well. @param {{col: number, limited?: Loop["limited"]}} props */
function Plain({ col, limited = null }) {
  const column = columns.value[col];
  const shown = readout(cellAt(col).value, column, now.value.process);
  const mark = shown.quality === "bad" ? html`<span class="mark">?</span>` : null;
  return html`<span class="plain num" data-quality=${shown.quality}>${shown.text}${mark}
    <span class="unit">${limited ? html`<b>${limited === "high" ? "max" : "min"}</b> ` : null}${unitText(column?.unit ?? "")}</span></span>`;
}
