/** @import {Batch, Vessel} from "../types.js" */
import { html } from "../lib.js";
import { live } from "../live/store.js";
import { BatchDialog } from "../dialogs/batch.js";
import { show } from "../dialogs/host.js";
import { NewBatchDialog } from "../dialogs/new-batch.js";
import { Icon } from "./icon.js";

/** Four places that never move; in each, the command of it that the present state allows. */
const PLACES = [["hold", "restart", "start"], ["pause", "resume"], ["stop"], ["abort"]];

/** What each command does, for its dialog. @type {Record<string, {label: string, effect: string}>} */
export const COMMANDS = {
  start: { label: "Start", effect: "The recipe begins with its first operation." },
  hold: { label: "Hold", effect: "The feeds stop and the recipe stands still. Everything else goes on being controlled." },
  restart: { label: "Restart", effect: "The operation's setpoints are put in force again, then the recipe goes on where it was held." },
  pause: { label: "Pause", effect: "The recipe rests as soon as nothing is in the middle of something. Loops go on controlling." },
  resume: { label: "Resume", effect: "The recipe goes on." },
  stop: { label: "Stop", effect: "The feeds stop first, then every loop of the recipe is switched off: outputs go to their safe values. The batch cannot be continued." },
  abort: { label: "Abort", effect: "Every loop of the recipe is switched off at once: outputs go to their safe values. The batch cannot be continued." },
  reset: { label: "Reset", effect: "The ended batch is set back to Idle, from where it can be started again." },
};

/** @param {{batch: Batch}} props */
export function BatchButtons({ batch }) {
  const off = !live.value;
  return html`
    <div class="commands" role="group" aria-label=${`Commands of batch ${batch.id}`}>
      ${PLACES.map((verbs) => {
        const verb = verbs.find((v) => batch.allowed.includes(v)) ?? verbs[0] ?? "";
        const able = batch.allowed.includes(verb);
        const why = off ? "No connection to the supervisor" : able ? "" : `Not possible while ${batch.state}`;
        return html`
          <button class="command" key=${verbs[0]} data-verb=${verb} disabled=${off || !able} title=${why}
            onClick=${() => show(BatchDialog, { batch: batch.id, verb })}>
            <${Icon} name=${verb} /><span>${COMMANDS[verb]?.label}</span>
          </button>`;
      })}
    </div>`;
}

/** @param {{vessel: Vessel, batch: Batch|null}} props */
export function NewBatchButton({ vessel, batch }) {
  return html`
    <div class="commands">
      ${batch?.allowed.includes("reset") ? html`
        <button class="command" data-verb="reset" disabled=${!live.value} onClick=${() => show(BatchDialog, { batch: batch.id, verb: "reset" })}>
          <${Icon} name="reset" /><span>Reset</span></button>` : null}
      <button class="command wide" disabled=${!live.value} onClick=${() => show(NewBatchDialog, { vessel: vessel.name, vesselClass: vessel.class })}>
        <${Icon} name="add" /><span>New batch</span>
      </button>
    </div>`;
}
