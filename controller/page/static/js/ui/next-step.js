/** @import {Batch, Vessel, Waiting} from "../types.js" */
import { html } from "../lib.js";
import { columns } from "../live/store.js";
import { conditionText } from "../format.js";
import { PromptPanel } from "./prompt.js";
import { Icon } from "./icon.js";

/** What happens next, and who has to do it: an open prompt first, then what the recipe waits for. @param {{batch: Batch, vessel: Vessel}} props */
export function NextStep({ batch, vessel }) {
  const first = batch.prompts[0];
  const titles = namesOf(vessel.name, batch);
  return html`
    <div class="next">
      ${batch.held_reason ? html`<p class="held"><${Icon} name="hold" /><span>${batch.held_reason}</span></p>` : null}
      ${first ? html`<${PromptPanel} key=${first.id} batch=${batch} prompt=${first} more=${batch.prompts.length - 1} />` : null}
      ${batch.waiting_for.length > 0 ? html`
        <ul class="waiting" aria-label="Waiting for">
          ${batch.waiting_for.map((w) => html`<${Condition} key=${w.when} waiting=${w} titles=${titles} batch=${batch} />`)}
        </ul>` : null}
    </div>`;
}

/** @type {Record<string, string>} */
const ENDS = { hold: "Hold", end: "End of the batch" };
/** What a condition's truth is called. @type {Record<string, string>} */
export const TRUTHS = { true: "Met", false: "Not yet", unknown: "Unknown" };

/** @param {{waiting: Waiting, titles: Map<string, string>, batch: Batch}} props */
function Condition({ waiting, titles, batch }) {
  const target = batch.operations.find((o) => o.name === waiting.then)?.title ?? ENDS[waiting.then] ?? waiting.then;
  return html`
    <li class="condition" data-truth=${waiting.truth} title=${[waiting.when, waiting.because].filter(Boolean).join("\n")}>
      <span class="truth">${TRUTHS[waiting.truth]}</span>
      <span class="live num">${conditionText(waiting.live || waiting.when, titles)}</span>
      <span class="then"><${Icon} name="chevron" />${target}</span>
    </li>`;
}

/**
 * @param {string} vessel
 * @param {Batch} batch
 */
function namesOf(vessel, batch) {
  const tags = columns.value.filter((c) => c.vessel === vessel && c.kind === "tag");
  return new Map([
    ...tags.map((c) => /** @type {[string, string]} */ ([c.name, c.title || c.name])),
    ...Object.entries(batch.formula).map(([name, f]) => /** @type {[string, string]} */ ([name, f.title])),
    ["elapsed", "Elapsed"],
  ]);
}
