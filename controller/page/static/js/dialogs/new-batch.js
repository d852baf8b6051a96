import { html, useEffect, useState } from "../lib.js";
import { ask } from "../api.js";
import { live } from "../live/store.js";
import { unitText } from "../format.js";
import { checkNumber } from "../entry.js";
import { close, Dialog } from "./host.js";
import { Offline, ReasonField, Stages, isBusy, isDone, useCommand, useReason } from "./parts.js";

/**
 * @typedef {{name: string, version: string, title: string, vessel_class: string,
 *   formula: Record<string, {title: string, unit: string, value: number, low: number, high: number}>}} Recipe
 */

/** A batch from a recipe that fits the vessel; it is made Idle and started on the vessel. @param {{vessel: string, vesselClass: string}} props */
export function NewBatchDialog({ vessel, vesselClass }) {
  const [recipes, setRecipes] = useState(/** @type {Recipe[]} */ ([]));
  const [chosen, setChosen] = useState("");
  const [texts, setTexts] = useState(/** @type {Map<string, string>} */ (new Map()));
  const { reason, setReason, given } = useReason();
  const run = useCommand(false);
  useEffect(() => {
    ask("GET", "recipes").then((answer) => {
      if (answer.ok) setRecipes(answer.doc.recipes.filter((/** @type {Recipe} */ r) => r.vessel_class === vesselClass));
    });
  }, [vesselClass]);
  const progress = run.progress.value;
  const done = isDone(progress, false);
  const busy = isBusy(progress) && !done;
  const recipe = recipes.find((r) => r.name === chosen);
  const entries = Object.entries(recipe?.formula ?? {}).map(([name, f]) => ({ name, f, text: texts.get(name) ?? String(f.value) }));
  const wrong = entries.some((e) => checkNumber(e.text, e.f.low, e.f.high, e.f.unit, 2).error);
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    const formula = Object.fromEntries(entries.filter((e) => Number(e.text) !== e.f.value).map((e) => [e.name, `${e.text.trim()} ${e.f.unit}`]));
    run.send("POST", "batches", { vessel, recipe: chosen, formula, reason: reason.trim() });
  };
  return html`
    <${Dialog} title="New batch" about=${vessel} wide=${true}>
      <form class="form" onSubmit=${send}>
        <fieldset class="modes"><legend class="caption">Recipe</legend>
          ${recipes.map((r) => html`<button type="button" class="segment" key=${r.name} aria-pressed=${r.name === chosen ? "true" : "false"} onClick=${() => setChosen(r.name)}>${r.title} <span class="num">${r.version}</span></button>`)}
          ${recipes.length === 0 ? html`<p class="hint">No recipe here fits this vessel.</p>` : null}
        </fieldset>
        <div class="formula">
          ${entries.map(({ name, f, text }) => {
            const { error } = checkNumber(text, f.low, f.high, f.unit, 2);
            return html`<label key=${name}><span>${f.title}</span><span class="field" data-wrong=${error ? "" : null}>
              <input class="num" type="text" inputmode="decimal" autocomplete="off" size="8" value=${text} disabled=${busy || done} aria-invalid=${error ? "true" : "false"}
                onInput=${(/** @type {any} */ e) => setTexts(new Map(texts).set(name, e.target.value))} /><span class="unit">${unitText(f.unit)}</span></span>
              ${error ? html`<span class="entry-error">${error}</span>` : null}</label>`;
          })}
        </div>
        <${ReasonField} reason=${reason} onReason=${setReason} disabled=${busy || done} />
        <${Offline} />
        <${Stages} progress=${progress} readsBack=${false} />
        <footer class="dialog-foot">
          <button type="button" class="secondary" onClick=${close}>${done ? "Close" : "Cancel"}</button>
          ${done ? null : html`<button type="submit" class="primary" disabled=${!live.value || busy || !given || !recipe || wrong}>Make batch</button>`}
        </footer>
      </form>
    </${Dialog}>`;
}
