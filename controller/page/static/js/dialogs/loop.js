/** @import {Loop} from "../types.js" */
import { html } from "../lib.js";
import { cellAt, columns, live } from "../live/store.js";
import { amount, conditionText, fixed, unitText } from "../format.js";
import { Bar } from "../ui/bar.js";
import { MODES } from "../ui/loops.js";
import { Value } from "../ui/value.js";
import { Dialog, show } from "./host.js";
import { ModeForm } from "./mode.js";
import { loopOf } from "./parts.js";
import { SetpointDialog } from "./setpoint.js";
import { Trend } from "./trend.js";
import { WhySection } from "./why.js";

/** One loop: its trend, its faceplate, why its output is at its value, its mode and, by hand, its output. @param {{vessel: string, loop: string}} props */
export function LoopDialog({ vessel, loop: name }) {
  const loop = loopOf(vessel, name);
  if (!loop) return null;
  return html`
    <${Dialog} title=${loop.title} about=${vessel} wide=${true}>
      <${Trend} vessel=${vessel} loop=${loop} />
      <${Face} vessel=${vessel} loop=${loop} />
      <${ModeForm} vessel=${vessel} loop=${loop} />
      <${WhySection} vessel=${vessel} loop=${name} />
    </${Dialog}>`;
}

/** Value, setpoint and output with their limits on one bar, and the mode. @param {{vessel: string, loop: Loop}} props */
function Face({ vessel, loop }) {
  const column = columns.value[loop.pv ?? loop.sp];
  const decimals = column?.decimals ?? 2;
  const sp = columns.value[loop.sp];
  const barred = loop.barred.setpoint;
  return html`
    <div class="face">
      <div class="face-values">
        <div><span class="caption">Value</span>${loop.pv === null ? html`<span class="hint">no sensor</span>` : html`<${Value} col=${loop.pv} size="large" />`}${deviation(loop, decimals)}</div>
        <div><span class="caption">Setpoint</span><${Value} col=${loop.sp} size="large" quiet=${true} /><span class="limits-note num">${fixed(loop.sp_low, sp?.decimals ?? 1)} to ${amount(loop.sp_high, sp?.decimals ?? 1, sp?.unit ?? "")}</span></div>
        <div><span class="caption">Output</span><${Value} col=${loop.op} size="large" quiet=${true} /><span class="limits-note num">${loop.limited ? html`<b>at ${loop.limited === "high" ? "maximum" : "minimum"}</b>, ` : ""}${fixed(loop.op_low, 0)} to ${amount(loop.op_high, 0, loop.op_unit)}</span></div>
        <button class="primary" disabled=${!live.value || Boolean(barred)} title=${barred ?? ""} onClick=${() => show(SetpointDialog, { vessel, loop: loop.name })}>Change setpoint</button>
      </div>
      <${Bar} loop=${loop} />
      <${ModeLine} loop=${loop} />
      ${barred ? html`<p class="hint">${barred}.</p>` : null}
    </div>`;
}

/** The commanded mode and who holds the loop; the actual one with its reason where it is another. @param {{loop: Loop}} props */
function ModeLine({ loop }) {
  const kept = loop.actual !== loop.mode;
  const reason = conditionText(loop.mode_reason, new Map());
  return html`
    <p class="face-mode"><span>Mode <b>${MODES[loop.mode] ?? loop.mode}</b>, held by <b>${loop.held_by}</b>${kept || !reason ? "" : `: ${reason}`}</span>
      ${loop.unasked ? html`<span class="unasked">Nobody asked for this mode: choose one</span>` : null}
      ${kept ? html`<span><span class="actual">${MODES[loop.actual] ?? loop.actual}</span> ${reason}</span>` : null}</p>`;
}

/** How far the value is from the setpoint, while it is known. @param {Loop} loop @param {number} decimals */
function deviation(loop, decimals) {
  const pv = loop.pv === null ? null : cellAt(loop.pv).value;
  const sp = cellAt(loop.sp).value.value;
  if (!pv || pv.quality === 2 || pv.value === null || sp === null) return null;
  const off = pv.value - sp;
  const column = columns.value[loop.pv ?? loop.sp];
  return html`<span class="limits-note num">${off > 0 ? "+" : ""}${fixed(off, decimals)} ${unitText(column?.unit ?? "")} from setpoint</span>`;
}
