/** @import {Loop} from "../types.js" */
/** @import {Progress} from "../command.js" */
import { html, useRef, useState } from "../lib.js";
import { live, state } from "../live/store.js";
import { CommandRun } from "../command.js";
import { amount } from "../format.js";
import { Icon } from "../ui/icon.js";

/**
 * A loop as it is now; it may change while its dialog is open.
 * @param {string} vessel
 * @param {string} name
 * @returns {Loop|undefined}
 */
export function loopOf(vessel, name) {
  return state.value.vessels.find((v) => v.name === vessel)?.loops.find((l) => l.name === name);
}

/** @param {boolean} readsBack @returns {CommandRun} */
export function useCommand(readsBack) {
  const run = useRef(/** @type {CommandRun|null} */ (null));
  run.current ??= new CommandRun(readsBack);
  return run.current;
}

const REASONS = ["Process adjustment", "Operating instruction", "Investigation"];

/** Why: typed, or one of the usual reasons at one touch. @param {{reason: string, onReason: (text: string) => void, disabled: boolean}} props */
export function ReasonField({ reason, onReason, disabled }) {
  return html`
    <div class="reason">
      <label><span>Reason, goes on record</span>
        <input type="text" maxlength="500" value=${reason} disabled=${disabled} autocomplete="off"
          onInput=${(/** @type {any} */ e) => onReason(e.target.value)} /></label>
      <div class="chips">${REASONS.map((text) => html`
        <button type="button" class="chip" disabled=${disabled} aria-pressed=${reason === text ? "true" : "false"} onClick=${() => onReason(text)}>${text}</button>`)}</div>
    </div>`;
}

export function useReason() {
  const [reason, setReason] = useState("");
  return { reason, setReason, given: /[\p{L}\p{N}]/u.test(reason) };
}

/** @type {Record<string, number>} */
const REACHED = { idle: 0, sent: 1, accepted: 2, applied: 3, read_back: 4 };

/**
 * The stages of a command, as they happen.
 * @param {{progress: Progress, readsBack: boolean, decimals?: number, unit?: string}} props `unit` of what was sent
 */
export function Stages({ progress, readsBack, decimals = 2, unit = "" }) {
  const { stage, journal, title, detail, errors, readBack } = progress;
  if (stage === "idle") return null;
  if (stage === "refused" || stage === "unknown") {
    return html`<div class="outcome" role="status" data-stage=${stage}><b>${title}</b><p>${detail}</p>
      ${errors.length > 0 && !detail.includes(errors[0] ?? "") ? html`<ul>${errors.map((e) => html`<li>${e}</li>`)}</ul>` : null}</div>`;
  }
  const reached = REACHED[stage] ?? 0;
  const last = readsBack ? ["Read back", readBack ? `${readBack.unit === unit ? "" : "output "}${amount(readBack.value, decimals, readBack.unit)}` : "waiting for the device", 4]
    : ["Applied", reached >= 3 ? "by the scan" : "waiting for the scan", 3];
  const steps = /** @type {[string, string, number][]} */ ([
    ["Sent", "", 1], ["Accepted", journal ? `journal ${journal}` : "waiting for the journal", 2], last,
  ]);
  return html`
    <ol class="stages" role="status">
      ${steps.map(([name, note, at]) => html`
        <li data-reached=${reached >= at ? "" : null}><span class="dot">${reached >= at ? html`<${Icon} name="check" />` : null}</span><b>${name}</b><span class="num">${note}</span></li>`)}
    </ol>`;
}

/** Why a dialog cannot send now; null when it can. */
export function Offline() {
  return live.value ? null : html`<p class="outcome" role="status"><b>No connection to the supervisor.</b> Nothing is sent, now or later.</p>`;
}

/** @param {Progress} progress */
export function isBusy(progress) {
  return progress.stage === "sent" || progress.stage === "accepted" || progress.stage === "applied";
}

/** @param {Progress} progress @param {boolean} readsBack */
export function isDone(progress, readsBack) {
  return progress.stage === "read_back" || (!readsBack && progress.stage === "applied");
}
