/** @import {Finding} from "./abnormal.js" */
import { html, useRef } from "../lib.js";
import { link, now, state, wallTime } from "../live/store.js";
import { clock } from "../format.js";
import { show } from "../dialogs/host.js";
import { AlarmDialog } from "../dialogs/alarms.js";
import { abnormal } from "./abnormal.js";
import { Icon, PriorityMark } from "./icon.js";

/** Always there, never scrolled away: the worst first, or that nothing is abnormal. */
export function AlarmLine() {
  const { findings, checks } = abnormal.value;
  if (link.value.state === "connecting" || state.value.vessels.length === 0) {
    return html`<div class="alarm-line"><span class="calm">Waiting for the supervisor</span></div>`;
  }
  const present = findings.filter((finding) => finding.alarm?.state !== "returned");
  const returned = findings.length - present.length;
  if (present.length === 0) {
    return html`
      <div class="alarm-line"><span class="calm"><${Icon} name="check" /><span>Nothing abnormal</span>
        <span class="detail num">${checks} checks · ${clock(now.value.ms / 1000)}</span></span><span class="push"></span><${Returned} count=${returned} /></div>`;
  }
  const shown = present.slice(0, 3);
  return html`
    <div class="alarm-line raised">
      ${shown.map((finding) => html`<${Entry} key=${finding.key} finding=${finding} />`)}
      ${present.length > shown.length ? html`<button class="alarm more" onClick=${() => show(AlarmDialog)}><span class="num">+${present.length - shown.length}</span> more</button>` : null}
      <${Returned} count=${returned} />
    </div>`;
}

/** Alarms whose cause is gone; nothing that calls for hurry. @param {{count: number}} props */
function Returned({ count }) {
  if (count === 0) return null;
  return html`<button class="alarm more returned" onClick=${() => show(AlarmDialog)}><span class="num">${count}</span> returned</button>`;
}

/** @param {{finding: Finding}} props */
function Entry({ finding }) {
  const { priority, vessel, title, text, alarm } = finding;
  return html`
    <button class="alarm" onClick=${() => show(AlarmDialog, { first: finding.key })}>
      ${priority ? html`<${PriorityMark} priority=${priority} />` : html`<span class="notice" aria-hidden="true">!</span>`}
      <span class="alarm-text"><b>${vessel ? `${vessel} ` : ""}${title}</b><span class="detail">${alarm ? html`<span class="num">${clock(wallTime(alarm.since))}</span> · ` : null}${text}</span></span>
    </button>`;
}

/** Speaks new high alarms, and the loss of the supervisor, to a screen reader; nothing else. */
export function Announcer() {
  const told = useRef(/** @type {Set<string>} */ (new Set()));
  const high = state.value.alarms.filter((a) => a.priority === 1 && a.state === "active");
  const fresh = high.filter((a) => !told.current.has(a.id));
  const last = useRef("");
  told.current = new Set(high.map((a) => a.id));
  if (fresh.length > 0) last.current = fresh.map((a) => `High alarm, ${a.vessel}, ${a.title}. ${a.action}`).join(" ");
  const lost = link.value.state === "lost" ? "No data. Values are old, commands are off." : "";
  return html`<div class="spoken" role="alert" aria-live="assertive">${lost || last.current}</div>`;
}
