/** @import {Vessel, Batch} from "../types.js" */
import { html } from "../lib.js";
import { site, state } from "../live/store.js";
import { elapsed } from "../format.js";
import { BatchButtons, NewBatchButton } from "./batch-buttons.js";
import { Icon, PriorityMark } from "./icon.js";
import { LoopTable } from "./loops.js";
import { Measured } from "./measured.js";
import { NextStep } from "./next-step.js";
import { RecipeStrip } from "./recipe-strip.js";

/**
 * The batch that a vessel shows: the newest of it.
 * @param {string} vessel
 * @returns {Batch|null}
 */
export function batchOf(vessel) {
  return state.value.batches.filter((b) => b.vessel === vessel).at(-1) ?? null;
}

/** Everything about one vessel; the parts lie on rows that all vessels share. @param {{vessel: Vessel}} props */
export function VesselCard({ vessel }) {
  const batch = batchOf(vessel.name);
  return html`
    <section class="vessel" aria-label=${vessel.name} data-vessel=${vessel.name}>
      <${Head} vessel=${vessel} batch=${batch} />
      ${batch ? html`<${RecipeStrip} batch=${batch} />` : html`<p class="no-batch">No batch on this vessel.</p>`}
      ${batch ? html`<${NextStep} batch=${batch} vessel=${vessel} />` : html`<div></div>`}
      <${LoopTable} vessel=${vessel} />
      <${Measured} vessel=${vessel} />
    </section>`;
}

/** @param {{vessel: Vessel, batch: Batch|null}} props */
function Head({ vessel, batch }) {
  return html`
    <div class="head">
      <div class="who">
        <h2>${worst(vessel.name)}${vessel.name}${vessel.simulated ?? site.value?.simulated ? html`<span class="simulated">Simulated</span>` : null}</h2>
        ${batch ? html`<p class="batch-line" title=${`${batch.title} ${batch.version}`}><b>${batch.id}</b> <span>${batch.title}</span></p>`
          : html`<p class="batch-line">${vessel.title}</p>`}
      </div>
      ${batch ? html`<${BatchState} batch=${batch} />` : null}
      ${batch && !ENDED.has(batch.state) ? html`<${BatchButtons} batch=${batch} />` : html`<${NewBatchButton} vessel=${vessel} batch=${batch} />`}
    </div>`;
}

/** The mark of the vessel's worst alarm. @param {string} vessel */
function worst(vessel) {
  const own = state.value.alarms.filter((a) => a.vessel === vessel && a.state === "active").map((a) => a.priority);
  return own.length > 0 ? html`<${PriorityMark} priority=${Math.min(...own)} />` : null;
}

const ENDED = new Set(["Complete", "Stopped", "Aborted"]);

/** @type {Record<string, string>} */
const STATE_ICONS = {
  Idle: "clock", Running: "start", Held: "hold", Holding: "hold", Restarting: "restart", Paused: "pause", Pausing: "pause",
  Stopping: "stop", Stopped: "stop", Aborting: "abort", Aborted: "abort", Complete: "check",
};

/** @param {{batch: Batch}} props */
function BatchState({ batch }) {
  const running = batch.state === "Running";
  return html`
    <div class="batch-state" data-state=${batch.state} data-running=${running ? "" : null} title=${batch.held_reason}>
      <span class="state-name"><${Icon} name=${STATE_ICONS[batch.state] ?? "clock"} />${batch.state}</span>
      <span class="num elapsed" title="Elapsed process time of the batch">${elapsed(batch.elapsed_s)}</span>
    </div>`;
}
