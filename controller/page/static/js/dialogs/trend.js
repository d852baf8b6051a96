/** @import {Loop} from "../types.js" */
/** @import {Series} from "../live/record.js" */
import { effect, html, useEffect, useRef, useState } from "../lib.js";
import { unitText } from "../format.js";
import { recorded } from "../live/record.js";
import { cellAt, columns, now } from "../live/store.js";

const POINTS = 600;
const HEIGHT = 240;
/** Minutes of wall time. */
const WINDOWS = [5, 15, 60, 480];

/** Value, setpoint and output of a loop over time, from the record, going on live. @param {{vessel: string, loop: Loop}} props */
export function Trend({ vessel, loop }) {
  const place = useRef(/** @type {HTMLElement|null} */ (null));
  const [minutes, setMinutes] = useState(15);
  const [note, setNote] = useState("");
  useEffect(() => {
    let plot = /** @type {any} */ (null);
    let gone = false;
    let stop = () => {};
    const begin = async () => {
      const [{ default: UPlot }, series] = await Promise.all([import("../../vendor/uplot.js"), recorded(vessel, loop, minutes, POINTS)]);
      if (gone || !place.current) return;
      setNote(series ? "" : "The record cannot be read; the trend begins now.");
      const data = series ?? /** @type {Series} */ ([[], [], [], []]);
      plot = new UPlot(options(loop, place.current.clientWidth), /** @type {any} */ (data), place.current);
      stop = effect(() => {
        void now.value;
        append(data, loop, minutes);
        plot.setData(data);
      });
    };
    begin();
    const resize = () => plot?.setSize({ width: place.current?.clientWidth ?? 600, height: HEIGHT });
    addEventListener("resize", resize);
    return () => {
      gone = true;
      stop();
      plot?.destroy();
      removeEventListener("resize", resize);
    };
  }, [vessel, loop.name, minutes]);
  return html`
    <div class="trend">
      <div class="trend-head"><span class="key pv">Value</span><span class="key sp">Setpoint</span><span class="key op">Output, ${unitText(loop.op_unit)}, right</span><span class="push"></span>
        <span role="group" aria-label="Time shown">${WINDOWS.map((m) => html`<button type="button" class="segment" key=${m} aria-pressed=${m === minutes ? "true" : "false"} onClick=${() => setMinutes(m)}>${m < 60 ? `${m} min` : `${m / 60} h`}</button>`)}</span></div>
      <div class="trend-plot" ref=${place}></div>
      ${note ? html`<p class="hint">${note}</p>` : null}
    </div>`;
}

/**
 * @param {Series} data grows at its end, forgets at its beginning
 * @param {Loop} loop
 * @param {number} minutes
 */
function append(data, loop, minutes) {
  const at = now.peek().ms / 1000;
  const last = data[0].at(-1) ?? 0;
  if (at - last < (minutes * 60) / POINTS) return;
  const usable = (/** @type {number|null} */ col) => {
    const cell = col === null ? null : cellAt(col).peek();
    return cell && cell.quality < 2 ? cell.value : null;
  };
  data[0].push(at);
  data[1].push(usable(loop.pv));
  data[2].push(usable(loop.sp));
  data[3].push(usable(loop.op));
  while ((data[0][0] ?? at) < at - minutes * 60) for (const column of data) column.shift();
}

/**
 * @param {Loop} loop
 * @param {number} width
 * @returns {import("../../vendor/uplot.js").default.Options}
 */
function options(loop, width) {
  const ink = (/** @type {string} */ name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const probe = (/** @type {string} */ name) => resolved(ink(name));
  const decimals = columns.peek()[loop.pv ?? loop.sp]?.decimals ?? 2;
  const least = (loop.sp_high - loop.sp_low) * 0.02;
  const axis = { stroke: probe("--ink-2"), grid: { stroke: probe("--line"), width: 1 }, ticks: { show: false }, font: "12px Inter, sans-serif" };
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (/** @type {any} */ _, /** @type {number} */ a, /** @type {number} */ b) => padded(a, b, least) }, op: { range: () => [loop.op_low, loop.op_high] } },
    axes: [{ ...axis, values: "{HH}:{mm}:{ss}" }, { ...axis, size: 56, values: (/** @type {any} */ _, /** @type {number[]} */ v) => v.map((x) => x.toFixed(decimals)) },
      { ...axis, scale: "op", side: 1, size: 48, grid: { show: false } }],
    series: [{}, { stroke: probe("--ink"), width: 2, points: { show: false } },
      { stroke: probe("--accent"), width: 1.5, dash: [6, 4], points: { show: false } }, { scale: "op", stroke: probe("--ink-3"), width: 1, points: { show: false } }],
  };
}

/**
 * @param {number|null} low
 * @param {number|null} high
 * @param {number} least
 * @returns {[number, number]}
 */
function padded(low, high, least) {
  if (low === null || high === null) return [0, 1];
  const half = Math.max(high - low, least) * 0.6;
  return [(low + high) / 2 - half, (low + high) / 2 + half];
}

/** A custom property's colour as the browser computes it, for the canvas. @param {string} value */
function resolved(value) {
  const probe = document.createElement("span");
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
