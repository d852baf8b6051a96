import { html } from "../lib.js";
import { link } from "../live/store.js";
import { clock, offset, span } from "../format.js";

/** Over everything while the supervisor is silent: what is on the page is the past. */
export function LostBanner() {
  const { state, at, silentS } = link.value;
  if (state !== "lost") return null;
  return html`
    <div class="lost-banner">
      <strong>No data since <span class="num">${clock(at / 1000)} ${offset()}</span></strong>
      <span class="num lost-age">${span(silentS)}</span>
      <span>Values are old. Commands are off. The supervisor or the network does not answer.</span>
    </div>`;
}
