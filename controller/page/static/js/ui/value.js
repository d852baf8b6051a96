import { html } from "../lib.js";
import { cellAt, columns, link, now } from "../live/store.js";
import { faultOf } from "../live/faults.js";
import { readout, span, unitText } from "../format.js";

/**
 * A measured value with unit, quality and age. There is no other way to show one.
 * @param {{col: number|null, size?: "large"|"small", quiet?: boolean}} props `quiet` leaves out the age of a good value
 */
export function Value({ col, size = "small", quiet = false }) {
  const column = col === null ? undefined : columns.value[col];
  const shown = readout(cellAt(col).value, column, now.value.process);
  const lost = link.value.state === "lost";
  const mark = shown.quality === "bad" ? "?" : shown.quality === "uncertain" ? "~" : "";
  return html`
    <span class=${`value ${size}`} data-quality=${lost && shown.quality === "good" ? "old" : shown.quality}
      title=${[column?.title, shown.why, faultOf(column), shown.age && `${shown.age} old`].filter(Boolean).join(" · ")}>
      <span class="figure num">${shown.text}${mark ? html`<span class="mark">${mark}</span>` : null}</span>
      <span class="unit">${unitText(column?.unit ?? "")}</span>
      <span class="age num">${note(shown, lost, quiet)}</span>
    </span>`;
}

/**
 * @param {ReturnType<typeof readout>} shown
 * @param {boolean} lost
 * @param {boolean} quiet
 */
function note(shown, lost, quiet) {
  if (lost) return `${span((Date.now() - link.value.at) / 1000)} old`;
  if (shown.quality === "unread") return shown.why.toLowerCase();
  if (shown.quality === "bad") return [shown.why || "Bad", shown.age && `${shown.age} ago`].filter(Boolean).join(", ");
  if (shown.quality === "uncertain") return shown.why || "Uncertain";
  return quiet ? "" : shown.age;
}
