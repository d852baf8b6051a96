import { html, useState } from "../lib.js";
import { cellAt, columns, live } from "../live/store.js";
import { checkNumber } from "../entry.js";
import { amount, unitText } from "../format.js";
import { Bar } from "../ui/bar.js";
import { MODES } from "../ui/loops.js";
import { Value } from "../ui/value.js";
import { close, Dialog, show } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, loopOf, useCommand, useReason } from "./parts.js";
import { SetpointDialog } from "./setpoint.js";
import { Trend } from "./trend.js";

/** One loop: its trend, who holds it, its mode and, by hand, its output. @param {{vessel: string, loop: string}} props */
export function LoopDialog({ vessel, loop: name }) {
  const loop = loopOf(vessel, name);
  if (!loop) return null;
  return html`
    <${Dialog} title=${loop.title} about=${vessel} wide=${true}>
      <${Trend} vessel=${vessel} loop=${loop} />
      <div class="face">
        <div class="face-values">
          <div><span class="caption">Value</span>${loop.pv === null ? html`<span class="hint">no sensor</span>` : html`<${Value} col=${loop.pv} size="large" />`}</div>
          <div><span class="caption">Setpoint</span><${Value} col=${loop.sp} size="large" quiet=${true} /></div>
          <div><span class="caption">Output</span><${Value} col=${loop.op} size="large" quiet=${true} /></div>
          <button class="primary" disabled=${!live.value} onClick=${() => show(SetpointDialog, { vessel, loop: name })}>Change setpoint</button>
        </div>
        <${Bar} loop=${loop} />
        <p class="hint">Mode <b>${MODES[loop.mode] ?? loop.mode}</b>, held by <b>${loop.held_by}</b>${loop.mode_reason ? `: ${loop.mode_reason}` : ""}.</p>
      </div>
      <${ModeForm} vessel=${vessel} loop=${loop} />
    </${Dialog}>`;
}

/** @param {{vessel: string, loop: import("../types.js").Loop}} props */
function ModeForm({ vessel, loop }) {
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
      <fieldset class="modes"><legend class="caption">Mode</legend>
        ${loop.modes.map((m) => html`<button type="button" class="segment" key=${m} aria-pressed=${(mode || loop.mode) === m ? "true" : "false"}
          disabled=${!live.value} onClick=${() => setMode(m === loop.mode ? "" : m)}>${MODES[m] ?? m}</button>`)}
      </fieldset>
      ${byHand ? html`<label class="inline"><span>Output by hand, ${amount(loop.op_low, 0, "1")} to ${amount(loop.op_high, 0, loop.op_unit)}</span>
        <span class="field" data-wrong=${text !== "" && entered.error ? "" : null}><input class="num" type="text" inputmode="decimal" size="6" autocomplete="off" value=${text}
          placeholder=${cellAt(loop.op).value.value?.toFixed(columns.value[loop.op]?.decimals ?? 1) ?? ""} onInput=${(/** @type {any} */ e) => setText(e.target.value)} /><span class="unit">${unitText(loop.op_unit)}</span></span></label>
        ${text !== "" && entered.error ? html`<p class="entry-error" role="alert">${entered.error}</p>` : null}` : null}
      ${asked ? html`<${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy} />` : null}
      <${Offline} />
      <${Stages} progress=${progress} readsBack=${readsBack} />
      <footer class="dialog-foot">
        <button type="button" class="secondary" onClick=${close}>Close</button>
        ${asked ? html`<button type="submit" class="primary" disabled=${!live.value || busy || !given || (mode === "" && Boolean(entered.error))}>
          ${mode ? `${MODES[loop.mode] ?? loop.mode} → ${MODES[mode] ?? mode}` : `Output ${entered.error ? "" : amount(entered.value, 1, loop.op_unit)}`}</button>` : null}
      </footer>
    </form>`;
}
