import { html } from "../lib.js";
import { columns, now, state } from "../live/store.js";
import { calibrationText, conditionText, waitingText } from "../format.js";
import { Value } from "../ui/value.js";
import { Dialog } from "./host.js";

/** Every tag of a vessel with unit, quality and age, and its interlocks. @param {{vessel: string}} props */
export function ValuesDialog({ vessel: name }) {
  const vessel = state.value.vessels.find((v) => v.name === name);
  const waiting = state.value.waiting_calibrations.filter((one) => one.vessel === name);
  const tags = columns.value.map((column, col) => ({ column, col })).filter(({ column }) => column.vessel === name && column.kind === "tag");
  return html`
    <${Dialog} title="All values" about=${name} wide=${true}>
      <div class="all-values">${tags.map(({ column, col }) => html`
        <div class="tile" key=${col}><span class="tile-title">${column.title || column.name}</span><${Value} col=${col} /><${Calibration} of=${column.calibration} /></div>`)}</div>
      ${waiting.length > 0 && html`
        <h3 class="caption">Waiting for the supervisor's next start</h3>
        <ul class="waiting-calibrations">${waiting.map((one) => html`<li key=${one.name}>${waitingText(one)}</li>`)}</ul>`}
      <h3 class="caption">Interlocks</h3>
      <ul class="interlocks">${vessel?.interlocks.map((i) => html`
        <li key=${i.name} data-tripped=${i.tripped ? "" : null}><b>${i.title}</b><span>${i.tripped ? "Tripped" : "Ready"}</span><span class="detail">${conditionText(i.text, new Map())}</span></li>`)}</ul>
    </${Dialog}>`;
}

/** Which calibration goes into a tag. @param {{of?: import("../types.js").Calibration|null}} props */
function Calibration({ of }) {
  if (!of) return null;
  const { text, expired } = calibrationText(of, now.value.ms);
  return html`<span class="tile-origin" data-expired=${expired ? "" : null}>${text}</span>`;
}
