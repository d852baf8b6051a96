import { html, useState } from "../lib.js";
import { live } from "../live/store.js";
import { close, Dialog } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, useCommand, useReason } from "./parts.js";

/**
 * Let a dose guard go: what it holds and why, what a reset does, a reason, then once more yes.
 * @param {{vessel: string, output: string, text: string}} props `text` is what the guard says
 */
export function GuardDialog({ vessel, output, text }) {
  const [asked, setAsked] = useState(false);
  const { reason, setReason, given } = useReason();
  const run = useCommand(false);
  const progress = run.progress.value;
  const done = isDone(progress, false);
  const busy = isBusy(progress) && !done;
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!asked) {
      setAsked(true);
      return;
    }
    run.send("POST", `vessels/${encodeURIComponent(vessel)}/outputs/${encodeURIComponent(output)}/guard/reset`, { reason: reason.trim() });
  };
  return html`
    <${Dialog} title="Reset dose guard" about=${vessel}>
      <form class="form" onSubmit=${send}>
        <p>${text}.</p>
        <p class="effect">What was given is counted anew from zero: as much may be given again. Compare the probe with a sample first.</p>
        <${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy || done} />
        ${asked && progress.stage === "idle" ? html`<p class="second" role="alert">The guard stands between a failed probe and the culture. Confirm once more.</p>` : null}
        <${Offline} />
        <${Stages} progress=${progress} readsBack=${false} />
        <footer class="dialog-foot">
          <button type="button" class="secondary" onClick=${close}>${done || busy ? "Close" : "Cancel"}</button>
          ${done ? null : html`<button type="submit" class="primary" disabled=${!live.value || busy || !given}>${asked ? "Yes, count anew" : "Reset dose guard"}</button>`}
        </footer>
      </form>
    </${Dialog}>`;
}
