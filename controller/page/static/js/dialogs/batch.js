import { html } from "../lib.js";
import { live, state } from "../live/store.js";
import { COMMANDS } from "../ui/batch-buttons.js";
import { close, Dialog } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, useCommand, useReason } from "./parts.js";

/** A command to a batch: what it does, why, then once more yes. @param {{batch: string, verb: string}} props */
export function BatchDialog({ batch: id, verb }) {
  const { reason, setReason, given } = useReason();
  const run = useCommand(false);
  const batch = state.value.batches.find((b) => b.id === id);
  const command = COMMANDS[verb];
  if (!batch || !command) return null;
  const progress = run.progress.value;
  const done = isDone(progress, false);
  const busy = isBusy(progress) && !done;
  const able = batch.allowed.includes(verb);
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    run.send("POST", `batches/${encodeURIComponent(id)}/${verb}`, { reason: reason.trim() });
  };
  return html`
    <${Dialog} title=${`${command.label} batch`} about=${batch.vessel}>
      <form class="form" onSubmit=${send}>
        <dl class="facts">
          <div><dt>Batch</dt><dd class="num">${batch.id}</dd></div>
          <div><dt>Recipe</dt><dd>${batch.title}</dd></div>
          <div><dt>State</dt><dd>${batch.state}, ${batch.operation_title || "not begun"}</dd></div>
        </dl>
        <p class="effect">${command.effect}</p>
        ${able || busy || done ? null : html`<p class="entry-error" role="alert">Not possible while the batch is ${batch.state}.</p>`}
        <${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy || done} />
        <${Offline} />
        <${Stages} progress=${progress} readsBack=${false} />
        <footer class="dialog-foot">
          <button type="button" class="secondary" onClick=${close}>${done ? "Close" : "Cancel"}</button>
          ${done ? null : html`<button type="submit" class="primary" disabled=${!live.value || busy || !given || !able}>${command.label} ${batch.vessel}</button>`}
        </footer>
      </form>
    </${Dialog}>`;
}
