/** @import {Batch, Operation} from "../types.js" */
import { html } from "../lib.js";
import { elapsed } from "../format.js";
import { Icon } from "./icon.js";

/** Where the recipe is: what is done, what runs and for how long, what is to come. @param {{batch: Batch}} props */
export function RecipeStrip({ batch }) {
  const active = batch.operations.findIndex((operation) => operation.state === "active");
  return html`
    <ol class="recipe-strip" aria-label="Operations">
      ${batch.operations.map((operation, i) => html`<${Step} key=${operation.name} operation=${operation} batch=${batch} skipped=${operation.state === "pending" && i < active} />`)}
    </ol>`;
}

/** @param {{operation: Operation, batch: Batch, skipped: boolean}} props */
function Step({ operation, batch, skipped }) {
  const active = operation.state === "active";
  return html`
    <li class="step" data-state=${skipped ? "skipped" : operation.state} aria-current=${active ? "step" : null} title=${skipped ? `${operation.title}: not part of this batch` : operation.title}>
      ${operation.state === "done" ? html`<${Icon} name="check" />` : null}
      <span class="step-title">${operation.title}</span>
      ${active ? html`<span class="num step-time">${elapsed(batch.operation_elapsed_s)}</span>` : null}
    </li>`;
}
