import { html } from "../lib.js";

/** 24 × 24 strokes. @type {Record<string, string>} */
const PATHS = {
  brand: "M7 3.5h10M8.2 3.5v11.2a3.8 3.8 0 0 0 7.6 0V3.5M8.2 11h7.6",
  plug: "M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4",
  unplugged: "M9 3v3M15 3v3M6.5 8h11v3.5a5.5 5.5 0 0 1-8.4 4.7M12 17v4M4 4l16 16",
  pulse: "M3 12h4l2.5-7 4.5 14 2.5-7H21",
  broken: "M3 12h5M16 12h5M10 8l4 8",
  sun: "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  check: "M5 12.5l4.5 4.5L19 7",
  close: "M6 6l12 12M18 6L6 18",
  start: "M8 5l11 7-11 7z",
  hold: "M8 5v14M16 5v14",
  restart: "M5 12a7 7 0 1 0 2.2-5.1M7 3v4.5h4.5",
  pause: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M10 9v6M14 9v6",
  resume: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M10.5 8.5l5 3.5-5 3.5z",
  stop: "M6 6h12v12H6z",
  abort: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 9l6 6M15 9l-6 6",
  reset: "M4 12a8 8 0 1 1 2.5 5.8M4 20v-4.5h4.5",
  add: "M12 5v14M5 12h14",
  hand: "M8 12V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v8a7 7 0 0 1-7 7c-3 0-4.5-1.5-6-4l-2-3.5a1.6 1.6 0 0 1 2.6-1.8z",
  chevron: "M9 5l7 7-7 7",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3.5 2",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z",
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name] ?? ""} /></svg>`;
}

/** Priority as shape, colour and number, never colour alone. @param {{priority: number}} props */
export function PriorityMark({ priority }) {
  /** @type {Record<number, string>} */
  const shapes = { 1: "M3 3h18v18H3z", 2: "M12 2l11 20H1z", 3: "M12 1l11 11-11 11L1 12z", 4: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20" };
  return html`
    <svg class="priority" data-priority=${priority} viewBox="0 0 24 24" role="img" aria-label=${`Priority ${priority}`}>
      <path d=${shapes[priority] ?? shapes[4]} /><text x="12" y=${priority === 2 ? 19.5 : 16.6}>${priority}</text>
    </svg>`;
}
