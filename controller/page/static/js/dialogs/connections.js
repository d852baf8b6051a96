import { html } from "../lib.js";
import { live, state } from "../live/store.js";
import { clock, offset } from "../format.js";
import { AcceptDialog } from "./accept.js";
import { Dialog, show } from "./host.js";

/** Every instrument and how it can be reached, the silent ones first. */
export function ConnectionsDialog() {
  const rank = (/** @type {string} */ word) => (word.toLowerCase() === "up" ? 1 : 0);
  const all = [...state.value.connections].sort((a, b) => rank(a.state) - rank(b.state));
  return html`
    <${Dialog} title="Instruments" wide=${true}>
      <div class="scroll-x"><table class="listing">
        <thead><tr><th>Instrument</th><th>State</th><th>Since ${offset()}</th><th>What it says</th><th>Driver checked against</th></tr></thead>
        <tbody>${all.map((c) => html`<tr key=${c.name} data-up=${rank(c.state) ? "" : null}>
          <th scope="row">${c.name}</th><td><span class="conn-state">${rank(c.state) ? "" : "! "}${word(c.state)}</span></td><td class="num">${clock(c.since)}</td><td>${c.detail}${c.faults.map((f) => html`<br />! ${f.point}: ${f.detail}`)}${unaccepted(c)}</td><td>${verified(c)}</td></tr>`)}</tbody>
      </table></div>
      <p class="hint">Biovisor carries third-party software: <a href="vendor/LICENCES.txt" target="_blank" rel="noopener">licences</a>.</p>
    </${Dialog}>`;
}

/** @param {import("../types.js").Connection} connection */
function unaccepted({ name, stranger }) {
  return stranger && html`<br />! Another instrument answers: ${stranger}. Nothing is written to it.
    <button type="button" class="secondary" disabled=${!live.value} onClick=${() => show(AcceptDialog, { connection: name, stranger })}>Accept instrument</button>`;
}

/** @param {import("../types.js").Connection} connection */
function verified({ verified_on: on }) {
  return on && (on.join("; ") || "not told");
}

/** @param {string} state */
function word(state) {
  return { up: "Up", down: "Down", connecting: "Connecting" }[state.toLowerCase()] ?? state;
}
