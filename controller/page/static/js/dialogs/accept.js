import { html, useState } from "../lib.js";
import { live } from "../live/store.js";
import { close, Dialog } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, useCommand, useReason } from "./parts.js";

/**
 * Write to another instrument: by what it is seen, what that leads to, a reason, then once more yes.
 * @param {{connection: string, stranger: string}} props
 */
export function AcceptDialog({ connection, stranger }) {
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
    run.send("POST", `connections/${encodeURIComponent(connection)}/accept`, { instrument: stranger, reason: reason.trim() });
  };
  return html`
    <${Dialog} title="Accept instrument" about=${connection}>
      <form class="form" onSubmit=${send}>
        <p>Another instrument answers: ${stranger}.</p>
        <p class="effect">It is set as control wants it from then on. Make sure that it is the one at this place, and calibrated.</p>
        <${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy || done} />
        ${asked && progress.stage === "idle" ? html`<p class="second" role="alert">What is meant for one vessel may go into another. Confirm once more.</p>` : null}
        <${Offline} />
        <${Stages} progress=${progress} readsBack=${false} />
        <footer class="dialog-foot">
          <button type="button" class="secondary" onClick=${close}>${done || busy ? "Close" : "Cancel"}</button>
          ${done ? null : html`<button type="submit" class="primary" disabled=${!live.value || busy || !given}>${asked ? "Yes, write to it" : "Accept instrument"}</button>`}
        </footer>
      </form>
    </${Dialog}>`;
}
