/** @import {Loop} from "../types.js" */
import { html, useState } from "../lib.js";
import { cellAt, columns, live } from "../live/store.js";
import { checkNumber } from "../entry.js";
import { amount, unitText } from "../format.js";
import { MODES } from "../ui/loops.js";
import { close } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, useCommand, useReason } from "./parts.js";

/** For whoever works on the loop: not beside what is used every day. */
const SELDOM = "out_of_service";

/** Change a loop's mode and, by hand, its output. @param {{vessel: string, loop: Loop}} props */
export function ModeForm({ vessel, loop }) {
  const [mode, setMode] = useState("");
  const [text, setText] = useState("");
  const { reason, setReason, given } = useReason();
  const readsBack = false;
  const run = useCommand(readsBack);
  const progress = run.progress.value;
  const busy = isBusy(progress) && !isDone(progress, readsBack);
  const byHand = loop.mode === "manual" && mode === "";
  const entered = checkNumber(text, loop.op_low, loop.op_high, loop.op_unit, 2);
  const asked = mode !== "" || (byHand && text !== "");
  const path = `vessels/${encodeURIComponent(vessel)}/loops/${encodeURIComponent(loop.name)}`;
  const send = () => {
    const why = { reason: reason.trim(), expected_revision: loop.revision };
    if (mode) run.send("PUT", `${path}/mode`, { mode, ...why });
    else run.send("PUT", `${path}/output`, { value: entered.value, unit: loop.op_unit, ...why });
    setMode("");
  };
  return html`
    <form class="form" onSubmit=${(/** @type {Event} */ e) => { e.preventDefault(); send(); }}>
      <${Modes} loop=${loop} chosen=${mode || loop.mode} onMode=${(/** @type {string} */ m) => setMode(m === loop.mode && m !== "off" && !loop.unasked ? "" : m)} />
      ${byHand ? html`<label class="inline"><span>Output by hand, ${amount(loop.op_low, 0, "1")} to ${amount(loop.op_high, 0, loop.op_unit)}</span>
        <span class="field" data-wrong=${text !== "" && entered.error ? "" : null}><input class="num" type="text" inputmode="decimal" size="6" autocomplete="off" value=${text}
          placeholder=${cellAt(loop.op).value.value?.toFixed(columns.value[loop.op]?.decimals ?? 1) ?? ""} onInput=${(/** @type {any} */ e) => setText(e.target.value)} /><span class="unit">${unitText(loop.op_unit)}</span></span></label>
        ${text !== "" && entered.error ? html`<p class="entry-error" role="alert">${entered.error}</p>` : null}` : null}
      ${mode === SELDOM ? html`<p class="hint">The outputs go to their safe values until the loop is set to off. Say what is being worked on.</p>` : null}
      ${asked ? html`<${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy} />` : null}
      <${Offline} />
      <${Stages} progress=${progress} readsBack=${readsBack} />
      ${asked ? html`<footer class="dialog-foot">
        <button type="button" class="secondary" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" disabled=${!live.value || busy || !given || (mode === "" && Boolean(entered.error))}>
          ${mode === loop.mode ? `Keep ${MODES[mode] ?? mode}` : mode ? `${MODES[loop.mode] ?? loop.mode} → ${MODES[mode] ?? mode}` : `Output ${entered.error ? "" : amount(entered.value, 1, loop.op_unit)}`}</button>
      </footer>` : null}
    </form>`;
}

/** One button for each mode; those that would be refused say why. @param {{loop: Loop, chosen: string, onMode: (mode: string) => void}} props */
function Modes({ loop, chosen, onMode }) {
  const [more, setMore] = useState(false);
  const shown = loop.modes.filter((m) => m !== SELDOM || more || loop.mode === SELDOM);
  const barred = shown.filter((m) => loop.barred[m]);
  return html`
    <fieldset class="modes"><legend class="caption">Mode</legend>
      ${shown.map((m) => html`<button type="button" class="segment" key=${m} aria-pressed=${chosen === m ? "true" : "false"}
        disabled=${!live.value || Boolean(loop.barred[m])} title=${loop.barred[m] ?? ""} onClick=${() => onMode(m)}>${MODES[m] ?? m}</button>`)}
      ${shown.length < loop.modes.length ? html`<button type="button" class="quiet" aria-expanded="false" onClick=${() => setMore(true)}>More</button>` : null}
    </fieldset>
    ${barred.length > 0 ? html`<div class="barred hint">${[...new Set(barred.map((m) => loop.barred[m]))].map((text) => html`<span key=${text}>${text}.</span>`)}</div>` : null}`;
}
