/** @import {Batch, Prompt, PromptInput} from "../types.js" */
import { html, useRef, useState } from "../lib.js";
import { live } from "../live/store.js";
import { CommandRun } from "../command.js";
import { amount, unitText } from "../format.js";
import { checkNumber } from "../entry.js";
import { Icon } from "./icon.js";

/** What the recipe asks a person to do, here and now. @param {{batch: Batch, prompt: Prompt, more: number}} props */
export function PromptPanel({ batch, prompt, more }) {
  const [texts, setTexts] = useState(() => new Map(prompt.inputs.map((i) => [i.name, i.default === null ? "" : String(i.default)])));
  const run = useRef(/** @type {CommandRun|null} */ (null));
  run.current ??= new CommandRun(false);
  const { stage, title, detail } = run.current.progress.value;
  const checks = prompt.inputs.map((i) => ({ input: i, ...checkNumber(texts.get(i.name) ?? "", i.low, i.high, i.unit, decimalsOf(i)) }));
  const wrong = checks.find((c) => c.error);
  const busy = stage === "sent" || stage === "accepted" || stage === "applied";
  const confirm = (/** @type {Event} */ event) => {
    event.preventDefault();
    const inputs = Object.fromEntries(checks.map((c) => [c.input.name, { value: c.value, unit: c.input.unit }]));
    const path = `batches/${encodeURIComponent(batch.id)}/prompts/${encodeURIComponent(prompt.id)}`;
    run.current?.send("POST", path, { inputs, reason: "Done as asked" });
  };
  return html`
    <form class="prompt" onSubmit=${confirm} aria-label="The recipe asks">
      <${Icon} name="hand" />
      <p class="prompt-text">${prompt.text}${more > 0 ? html` <span class="detail">+${more} more</span>` : null}
        ${problem(stage, title, detail, wrong?.error)}</p>
      ${checks.map(({ input, error }) => html`
        <label class="prompt-input" key=${input.name} title=${`${amount(input.low, decimalsOf(input), input.unit)} to ${amount(input.high, decimalsOf(input), input.unit)}`}>
          <span>${input.title}</span>
          <span class="field" data-wrong=${error ? "" : null}>
            <input type="text" inputmode="decimal" autocomplete="off" size="6" value=${texts.get(input.name)} aria-invalid=${error ? "true" : "false"}
              onInput=${(/** @type {any} */ e) => setTexts(new Map(texts).set(input.name, e.target.value))} />
            <span class="unit">${unitText(input.unit)}</span>
          </span>
        </label>`)}
      <button class="primary" type="submit" disabled=${!live.value || busy || Boolean(wrong)}>${busy ? "Sent" : "Confirm"}</button>
    </form>`;
}

/**
 * @param {string} stage
 * @param {string} title
 * @param {string} detail
 * @param {string} [error]
 */
function problem(stage, title, detail, error) {
  const refused = stage === "refused" || stage === "unknown";
  if (!error && !refused) return null;
  return html`<span class="prompt-problem" role="status">${error ?? `${title}: ${detail}`}</span>`;
}

/** As many decimals as the limits and the default use. @param {PromptInput} input */
function decimalsOf(input) {
  return Math.max(...[input.low, input.high, input.default].map((n) => (String(n ?? 0).split(".")[1] ?? "").length));
}
