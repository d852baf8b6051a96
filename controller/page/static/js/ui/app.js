import { html } from "../lib.js";
import { link, state } from "../live/store.js";
import { open } from "../dialogs/host.js";
import { DialogHost } from "../dialogs/host.js";
import { AlarmLine, Announcer } from "./alarm-line.js";
import { Header } from "./header.js";
import { LostBanner } from "./lost-banner.js";
import { VesselCard } from "./vessel.js";

/** The site level: every vessel beside the other, what is abnormal above them. */
export function App() {
  const lost = link.value.state !== "live";
  const { vessels } = state.value;
  return html`
    <div class="app" data-link=${link.value.state} data-busy=${open.value ? "dialog" : null}>
      <${Header} />
      <${AlarmLine} />
      <${LostBanner} />
      <${Announcer} />
      <main class=${lost ? "site lost" : "site"} aria-label="Vessels">
        ${vessels.length === 0 ? html`<p class="waiting-page">Waiting for the first scan</p>` : null}
        ${vessels.map((vessel) => html`<${VesselCard} key=${vessel.name} vessel=${vessel} />`)}
      </main>
      <${DialogHost} />
    </div>`;
}
