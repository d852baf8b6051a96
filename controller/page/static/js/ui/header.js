import { html, signal } from "../lib.js";
import { link, now, site, state } from "../live/store.js";
import { clock, offset } from "../format.js";
import { show } from "../dialogs/host.js";
import { ConnectionsDialog } from "../dialogs/connections.js";
import { Icon } from "./icon.js";

/** Product, site, instruments, time, theme. */
export function Header() {
  const about = site.value;
  return html`
    <header class="top">
      <div class="brand"><${Icon} name="brand" /><span>Biovisor</span></div>
      <h1 class="site-title">${about?.title ?? ""}</h1>
      ${about?.simulated ? html`<${Simulated} speed=${about.speed} />` : null}
      <span class="push"></span>
      <${Instruments} />
      <${Clock} />
      <${ThemeToggle} />
    </header>`;
}

/** @param {{speed: number}} props */
function Simulated({ speed }) {
  return html`<span class="simulated">Simulated${speed > 1 ? html` <b>${speed}×</b>` : null}</span>`;
}

function Instruments() {
  const all = state.value.connections;
  const up = all.filter((c) => c.state.toLowerCase() === "up").length;
  const whole = up === all.length;
  return html`
    <button class=${whole ? "quiet" : "quiet raised"} onClick=${() => show(ConnectionsDialog)} disabled=${all.length === 0}>
      <${Icon} name=${whole ? "plug" : "unplugged"} />
      <span class="num">${up}/${all.length}</span><span class="wide">instruments</span>
    </button>`;
}

/** The supervisor's time, not the tablet's: when it stands, the data stand. */
function Clock() {
  const lost = link.value.state !== "live";
  return html`
    <div class=${lost ? "clock stale" : "clock"} title="Time of the newest scan">
      <${Icon} name=${lost ? "broken" : "pulse"} />
      <time class="num">${now.value.ms ? clock(now.value.ms / 1000) : "--:--:--"}</time>
      <span class="offset num">${offset()}</span>
    </div>`;
}

const dark = signal(isDark());

function isDark() {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function toggleTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme;
  localStorage.setItem("biovisor.theme", theme);
  dark.value = isDark();
}

function ThemeToggle() {
  const to = dark.value ? "light" : "dark";
  return html`
    <button class="quiet square" onClick=${toggleTheme} aria-label=${`Switch to ${to}`} title=${`Switch to ${to}`}>
      <${Icon} name=${dark.value ? "sun" : "moon"} />
    </button>`;
}
