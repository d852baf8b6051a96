/** @import {Cause, Parts, Tuning, Why} from "../types.js" */
import { html } from "../lib.js";
import { link, live, now } from "../live/store.js";
import { useWhy } from "../live/why.js";
import { amount, clock, conditionText, fixed, unitText } from "../format.js";
import { Icon } from "../ui/icon.js";
import { TRUTHS } from "../ui/next-step.js";
import { GuardDialog } from "./guard.js";
import { show } from "./host.js";

/** Older than this, in s, the reasons are not those of now. */
const OLD_S = 4;
/** Below this part of the output's span a part is none. */
const NOTHING = 1e-6;
/** @type {Map<string, string>} */
const NO_NAMES = new Map();

/** @type {Record<string, string>} */
const KINDS = {
  interlock: "Interlock", dose_guard: "Dose guard", unreachable: "Not reached", disobeyed: "Does not obey", refused: "Refused", rate: "On its way", range: "At its end",
  no_value: "No value", not_followed: "Not followed", mode: "Mode", limit: "At its limit", slave_held: "Slave held", slave_limited: "Slave at limit",
  resuming: "Comes back", parts: "Controller", gap: "Gap", schedule: "Schedule", ratio: "Ratio", dose: "Dose", reached: "Reached",
  instrument: "Instrument", ramp: "Ramp", setpoint_limit: "Setpoint limit", master: "Master", program: "Program", setpoint: "Setpoint",
};
const OVERRULES = new Set(["interlock", "dose_guard", "unreachable", "disobeyed", "refused", "no_value", "not_followed"]);

/** Why this output: the chain of reasons from the actuator back to the setpoint, live. @param {{vessel: string, loop: string}} props */
export function WhySection({ vessel, loop }) {
  const { why, failed } = useWhy(vessel, loop);
  if (!why) return html`<p class="hint">${failed ? "The reasons for this output cannot be read." : "Asking why this output …"}</p>`;
  const old = link.value.state === "lost" || now.value.ms / 1000 - why.time > OLD_S;
  return html`
    <section class="why" aria-label="Why this output?" data-old=${old ? "" : null}>
      <header class="why-head"><h3>Why this output?</h3><span class="hint num">${old ? `as of ${clock(why.time)}${failed ? ", newer reasons cannot be read" : ""}` : ""}</span></header>
      <ol class="reasons">${why.reasons.map((cause, i) => html`<${Reason} key=${`${cause.kind}-${i}`} vessel=${vessel} cause=${cause} why=${why} />`)}</ol>
      ${why.tuning ? html`<${TuningFacts} tuning=${why.tuning} why=${why} />` : null}
    </section>`;
}

/** @param {{vessel: string, cause: Cause, why: Why}} props */
function Reason({ vessel, cause, why }) {
  return html`
    <li data-kind=${cause.kind} data-overrules=${OVERRULES.has(cause.kind) ? "" : null}>
      <span class="caption">${KINDS[cause.kind] ?? cause.kind}</span><span>${sentence(cause.text)}</span>
      ${cause.conditions.map((one) => html`
        <span class="condition" data-truth=${one.truth} key=${one.live}><span class="truth">${TRUTHS[one.truth]}</span>
          <span class="live num">${conditionText(one.live, NO_NAMES)}</span><span class="then"><${Icon} name="chevron" />${one.then}</span></span>`)}
      ${cause.kind === "dose_guard" ? html`<button type="button" class="secondary reset" disabled=${!live.value}
        onClick=${() => show(GuardDialog, { vessel, output: String(cause.numbers.output), text: sentence(cause.text) })}>Reset dose guard</button>` : null}
      ${cause.kind === "parts" && why.parts ? html`<${PartBars} parts=${why.parts} unit=${why.op_unit} />` : null}
    </li>`;
}

/** A reason's text with units and signs as people write them. @param {string} text */
function sentence(text) {
  return conditionText(text, NO_NAMES).replaceAll(/(^|\s)-(?=\d)/g, "$1\u2212");
}

/** The parts of a controller's output on one scale, and what they add up to within the limits. @param {{parts: Parts, unit: string}} props */
function PartBars({ parts, unit }) {
  const span = parts.high - parts.low;
  const rows = /** @type {[string, number][]} */ ([
    ["Proportional", parts.p], ["Integral", parts.i], ["Derivative", parts.d], ["Feed-forward", parts.ff], ["Held back", parts.held_back],
  ]).filter(([name, value]) => name === "Proportional" || name === "Integral" || Math.abs(value) > NOTHING * span);
  const values = [0, parts.low, parts.high, parts.wanted, ...rows.map(([, value]) => value)];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const at = (/** @type {number} */ value) => (100 * (value - low)) / (high - low || 1);
  const fill = (/** @type {number} */ value) => ({ left: `${Math.min(at(0), at(value))}%`, width: `${Math.abs(at(value) - at(0))}%` });
  return html`
    <div class="parts">
      ${[...rows, /** @type {[string, number]} */ (["Wanted", parts.wanted])].map(([name, value]) => html`
        <span class=${name === "Wanted" ? "sum" : ""} key=${name}>${name}</span>
        <span class="part-track" aria-hidden="true"><span class="part-fill" style=${fill(value)}></span><span class="part-zero" style=${{ left: `${at(0)}%` }}></span>
          ${name === "Wanted" ? html`<span class="part-limits" style=${{ left: `${at(parts.low)}%`, width: `${at(parts.high) - at(parts.low)}%` }}></span>` : null}</span>
        <span class="num">${amount(value, 1, unit)}</span>`)}
    </div>`;
}

/** The tuning in force. @param {{tuning: Tuning, why: Why}} props */
function TuningFacts({ tuning, why }) {
  const { gain, integral_time: integral, derivative_time: derivative, gap, schedule } = tuning;
  const facts = [
    ["Gain", `${Number(gain.toPrecision(4))} ${unitText(why.op_unit)} per ${unitText(why.unit)}`],
    ["Integral time", integral === null ? "none" : seconds(integral)],
    ["Derivative time", derivative === 0 ? "none" : seconds(derivative)],
    ...(gap > 0 ? [["Gap", `${Number(gap.toPrecision(3))} ${unitText(why.unit)} each side`]] : []),
    ...(schedule ? [["Scheduled by", `${schedule.signal}${schedule.at === null ? ", not known yet" : ` at ${Number(schedule.at.toPrecision(3))} ${unitText(schedule.unit)}`}`]] : []),
  ];
  return html`<dl class="facts">${facts.map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd class="num">${text}</dd></div>`)}</dl>`;
}

/** @param {number} value */
function seconds(value) {
  return `${fixed(value, value < 10 ? 1 : 0)} s`;
}
