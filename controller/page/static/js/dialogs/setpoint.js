import { html, useState } from "../lib.js";
import { cellAt, columns, live } from "../live/store.js";
import { checkNumber, steps } from "../entry.js";
import { amount, fixed, unitText } from "../format.js";
import { place } from "../ui/bar.js";
import { Value } from "../ui/value.js";
import { close, Dialog } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, loopOf, useCommand, useReason } from "./parts.js";

/** Current → new, within the limits, with a reason; a large step is asked for twice. @param {{vessel: string, loop: string}} props */
export function SetpointDialog({ vessel, loop: name }) {
  const loop = loopOf(vessel, name);
  const column = loop ? columns.value[loop.sp] : undefined;
  const current = loop ? cellAt(loop.sp).value.value : null;
  const decimals = (loop && columns.value[loop.pv ?? loop.sp]?.decimals) ?? 2;
  const [text, setText] = useState(() => (current === null ? "" : current.toFixed(decimals)));
  const [asked, setAsked] = useState(false);
  const { reason, setReason, given } = useReason();
  const run = useCommand(true);
  if (!loop || !column) return null;
  const progress = run.progress.value;
  const busy = isBusy(progress);
  const done = isDone(progress, true);
  const entered = checkNumber(text, loop.sp_low, loop.sp_high, column.unit, decimals);
  const step = current === null || entered.error ? 0 : entered.value - current;
  const large = loop.confirm_step !== null && loop.confirm_step !== undefined && Math.abs(step) > loop.confirm_step;
  const change = (/** @type {string} */ next) => {
    setText(next);
    setAsked(false);
  };
  const send = () => {
    if (large && !asked) {
      setAsked(true);
      return;
    }
    const body = { value: entered.value, unit: column.unit, reason: reason.trim(), expected_revision: loop.revision };
    run.send("PUT", `vessels/${encodeURIComponent(vessel)}/loops/${encodeURIComponent(name)}/setpoint`, body);
  };
  const same = !entered.error && step === 0;
  return html`
    <${Dialog} title=${`${loop.title} setpoint`} about=${vessel}>
      <form class="form" onSubmit=${(/** @type {Event} */ e) => { e.preventDefault(); send(); }}>
        <div class="change">
          <div class="change-side"><span class="caption">Setpoint now</span><span class="big num">${fixed(current, decimals)}<span class="unit">${unitText(column.unit)}</span></span></div>
          <span class="arrow" aria-hidden="true">→</span>
          <div class="change-side"><label class="caption" for="new-setpoint">New setpoint</label>
            <${NumberField} text=${text} onText=${change} unit=${column.unit} wrong=${Boolean(entered.error)} disabled=${busy || done} /></div>
        </div>
        <${StepButtons} loop=${loop} value=${entered.value} decimals=${decimals} onText=${change} disabled=${busy || done} />
        <${Range} loop=${loop} current=${current} next=${entered.error ? null : entered.value} decimals=${decimals} unit=${column.unit} />
        ${loop.pv === null ? null : html`<div class="beside"><span class="caption">Value now</span><${Value} col=${loop.pv} /></div>`}
        ${entered.error ? html`<p class="entry-error" id="entry-error" role="alert">${entered.error}</p>` : null}
        ${loop.held_by === "recipe" ? html`<p class="hint">The recipe set this loop and may set it again.</p>` : null}
        ${loop.held_by === "cascade" ? html`<p class="hint">Another loop sets this one; change its mode first.</p>` : null}
        <${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy || done} />
        ${asked && large && progress.stage === "idle" ? html`<p class="second" role="alert">A large step: <b class="num">${step > 0 ? "+" : ""}${amount(step, decimals, column.unit)}</b>. Confirm once more.</p>` : null}
        <${Offline} />
        <${Stages} progress=${progress} readsBack=${true} decimals=${decimals} unit=${column.unit} />
        <footer class="dialog-foot">
          <button type="button" class="secondary" onClick=${close}>${done || busy ? "Close" : "Cancel"}</button>
          ${done ? null : html`<button type="submit" class="primary" disabled=${!live.value || busy || Boolean(entered.error) || same || !given}>
            ${asked && large ? `Yes, set ${amount(entered.value, decimals, column.unit)}` : entered.error || same ? "Set" : `Set ${amount(entered.value, decimals, column.unit)}`}</button>`}
        </footer>
        ${!given && !entered.error && !same && !busy && !done ? html`<p class="hint end">A reason is still needed.</p>` : null}
      </form>
    </${Dialog}>`;
}

/** @param {{text: string, onText: (t: string) => void, unit: string, wrong: boolean, disabled: boolean}} props */
function NumberField({ text, onText, unit, wrong, disabled }) {
  return html`
    <span class="field big" data-wrong=${wrong ? "" : null}>
      <input id="new-setpoint" class="num" type="text" data-first onFocus=${(/** @type {any} */ e) => e.target.select()} inputmode="decimal" autocomplete="off" size="6" value=${text} disabled=${disabled}
        aria-invalid=${wrong ? "true" : "false"} aria-describedby=${wrong ? "entry-error" : null} onInput=${(/** @type {any} */ e) => onText(e.target.value)} />
      <span class="unit">${unitText(unit)}</span>
    </span>`;
}

/** @param {{loop: import("../types.js").Loop, value: number, decimals: number, onText: (t: string) => void, disabled: boolean}} props */
function StepButtons({ loop, value, decimals, onText, disabled }) {
  const { small, large } = steps(loop.sp_low, loop.sp_high, decimals);
  return html`
    <div class="step-buttons" role="group" aria-label="Step">
      ${[-large, -small, small, large].map((by) => {
        const next = Number((value + by).toFixed(decimals));
        const able = Number.isFinite(next) && next >= loop.sp_low && next <= loop.sp_high;
        return html`<button type="button" class="secondary num" key=${by} disabled=${disabled || !able} onClick=${() => onText(next.toFixed(decimals))}>${by > 0 ? "+" : "\u2212"}${Math.abs(by)}</button>`;
      })}
    </div>`;
}

/** @param {{loop: import("../types.js").Loop, current: number|null, next: number|null, decimals: number, unit: string}} props */
function Range({ loop, current, next, decimals, unit }) {
  const { sp_low: low, sp_high: high } = loop;
  return html`
    <div class="range">
      <div class="track"><span class="limits"></span>
        ${current === null ? null : html`<span class="sp-mark old" style=${{ left: `${place(current, low, high)}%` }}></span>`}
        ${next === null ? null : html`<span class="sp-mark" style=${{ left: `${place(next, low, high)}%` }}></span>`}
      </div>
      <div class="range-ends num"><span>${amount(low, decimals, unit)}</span><span>allowed</span><span>${amount(high, decimals, unit)}</span></div>
    </div>`;
}
