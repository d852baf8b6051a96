/** @import {Finding} from "../ui/abnormal.js" */
/** @import {Alarm} from "../types.js" */
import { html } from "../lib.js";
import { amount, clock, offset } from "../format.js";
import { columnIndex, wallTime } from "../live/store.js";
import { abnormal } from "../ui/abnormal.js";
import { PriorityMark } from "../ui/icon.js";
import { Value } from "../ui/value.js";
import { Dialog } from "./host.js";

/** Everything abnormal: what it means, where it comes from, what to do, and how soon. @param {{first?: string}} props */
export function AlarmDialog({ first = "" }) {
  const { findings } = abnormal.value;
  const ordered = [...findings].sort((a, b) => Number(b.key === first) - Number(a.key === first));
  return html`
    <${Dialog} title="Abnormal now" about=${String(findings.length)} wide=${true}>
      ${ordered.length === 0 ? html`<p class="hint">Nothing abnormal any more.</p>` : null}
      <ul class="findings">${ordered.map((finding) => html`<${Details} key=${finding.key} finding=${finding} />`)}</ul>
    </${Dialog}>`;
}

/** The value at the alarm's last change. @param {Alarm} alarm */
function then(alarm) {
  if (alarm.value === null) return "";
  return `was ${amount(alarm.value, 2, alarm.unit)} when it ${alarm.state === "returned" ? "returned" : "came"} · `;
}

/** What its tag says now, with its quality; nothing where there is no tag. @param {Alarm} alarm */
function present(alarm) {
  const col = columnIndex(alarm.vessel, "tag", alarm.tag);
  return col < 0 ? null : html`now <${Value} col=${col} quiet=${true} /> · `;
}

/** @param {{finding: Finding}} props */
function Details({ finding }) {
  const { alarm, priority, vessel, title, text } = finding;
  return html`
    <li class="finding">
      ${priority ? html`<${PriorityMark} priority=${priority} />` : html`<span class="notice" aria-hidden="true">!</span>`}
      <div>
        <h3>${vessel ? `${vessel} ` : ""}${title}</h3>
        ${alarm ? html`
          <p class="num detail">${then(alarm)}${present(alarm)}since ${clock(wallTime(alarm.since))} ${offset()} · ${alarm.state === "returned" ? "returned to normal" : "active"}</p>
          <dl class="facts">
            <div><dt>Consequence</dt><dd>${alarm.consequence}</dd></div>
            <div><dt>Cause</dt><dd>${alarm.cause}</dd></div>
            <div class="do"><dt>Action</dt><dd>${alarm.action}</dd></div>
            <div><dt>Respond within</dt><dd class="num">${alarm.respond_within}</dd></div>
          </dl>` : html`<p class="detail">${text}</p>`}
      </div>
    </li>`;
}
