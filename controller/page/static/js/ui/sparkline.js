import { html, useEffect, useRef } from "../lib.js";
import { effect } from "../lib.js";
import { cellAt, traces } from "../live/store.js";

const W = 100;
const H = 32;
const LEAST = 0.04;
const REDRAW_MS = 500;

/**
 * The recent past of a column with its setpoint; draws at most twice a second, outside the component's own rendering.
 * @param {{col: number, sp: number, low: number, high: number, label: string}} props
 */
export function Sparkline({ col, sp, low, high, label }) {
  const svg = useRef(/** @type {SVGSVGElement|null} */ (null));
  useEffect(() => {
    let waiting = 0;
    const draw = () => {
      waiting = 0;
      if (svg.current) paint(svg.current, traces.read(col), traces.read(sp), (high - low) * LEAST);
    };
    const stop = effect(() => {
      void traces.revision.value;
      waiting ||= window.setTimeout(draw, REDRAW_MS);
    });
    draw();
    return () => {
      clearTimeout(waiting);
      stop();
    };
  }, [col, sp, low, high]);
  const bad = cellAt(col).value.quality === 2;
  return html`
    <svg class="spark" ref=${svg} viewBox=${`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label=${label} data-bad=${bad ? "" : null}>
      <path class="spark-sp" /><path class="spark-pv" />
    </svg>`;
}

/**
 * @param {SVGSVGElement} svg
 * @param {number[]} values
 * @param {number[]} setpoints
 * @param {number} least the smallest range that is drawn full height, so that noise stays small
 */
function paint(svg, values, setpoints, least) {
  const all = [...values, ...setpoints].filter((v) => Number.isFinite(v));
  const middle = (Math.min(...all) + Math.max(...all)) / 2;
  const half = Math.max(Math.max(...all) - Math.min(...all), least) * 0.55 || 1;
  const path = (/** @type {number[]} */ points) => line(points, (v) => H / 2 - ((v - middle) / half) * (H / 2 - 1));
  svg.querySelector(".spark-pv")?.setAttribute("d", path(values));
  svg.querySelector(".spark-sp")?.setAttribute("d", path(setpoints));
}

/**
 * A path that breaks where nothing is known.
 * @param {number[]} points
 * @param {(value: number) => number} y
 */
function line(points, y) {
  let drawing = false;
  return points.map((value, i) => {
    if (!Number.isFinite(value)) {
      drawing = false;
      return "";
    }
    const step = `${drawing ? "L" : "M"}${((i / (points.length - 1)) * W).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = true;
    return step;
  }).join("");
}
