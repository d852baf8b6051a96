/** @import {Batch, Operation} from "../types.js" */
import { html } from "../lib.js";
import { elapsed } from "../format.js";
import { Icon } from "./icon.js";

/** Where the recipe is: what is done, what runs and for how long, what is to come. @param {{batch: Batch}} props */
export function RecipeStrip({ batch }) {
  return html`
    <ol class="recipe-strip" aria-label="Operations">
      ${batch.operations.map((operation) => html`<${Step} key=${operation.name} operation=${operation} batch=${batch} />`)}
    </ol>`;
}

/** @param {{operation: Operation, batch: Batch}} props */
function Step({ operation, batch }) {
  const active = operation.state === "active";
  return html`
    <li class="step" data-state=${operation.state} aria-current=${active ? "step" : null} title=${operation.title}>
      ${operation.state === "done" ? html`<${Icon} name="check" />` : null}
      <span class="step-title">${operation.title}</span>
      ${active ? html`<span class="num step-time">${elapsed(batch.operation_elapsed_s)}</span>` : null}
    </li>`;
}
