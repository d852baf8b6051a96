/** @import {Cell, Column} from "../types.js" */
import { signal } from "../lib.js";

const POINTS = 180;
const SHORTEST_S = 900;
const WALL_S = 60;
/** So many points without a sample are drawn through: scans may be rarer than points. */
const JOINED = 4;

/**
 * The last stretch of every column, for the small trends: a ring per column, one point per step of process time, NaN
 * where the value was Bad. Memory never grows.
 */
export class Traces {
  /** Process seconds shown; a minute of wall time when simulations run fast. */
  span = SHORTEST_S;
  /** Counts the samples; trends redraw when it changes. */
  revision = signal(0);
  /** @type {Float64Array[]} */
  #rings = [];
  #step = SHORTEST_S / POINTS;
  #slot = 0;

  /**
   * @param {Column[]} columns
   * @param {number} speed process seconds per wall second
   */
  reset(columns, speed) {
    this.span = Math.max(SHORTEST_S, WALL_S * speed);
    this.#step = this.span / POINTS;
    this.#slot = 0;
    this.#rings = columns.map(() => new Float64Array(POINTS).fill(NaN));
  }

  /**
   * @param {number} process
   * @param {{peek(): Cell}[]} cells
   */
  sample(process, cells) {
    const slot = Math.floor(process / this.#step);
    if (slot === this.#slot) return;
    const skipped = this.#slot === 0 ? 0 : Math.min(slot - this.#slot - 1, POINTS);
    const back = slot < this.#slot;
    this.#rings.forEach((ring, i) => {
      const { value, quality } = cells[i]?.peek() ?? { value: null, quality: 2 };
      if (back) ring.fill(NaN);
      const point = quality < 2 && value !== null ? value : NaN;
      for (let k = 1; k <= skipped; k++) ring[(this.#slot + k) % POINTS] = skipped <= JOINED ? point : NaN;
      ring[slot % POINTS] = point;
    });
    this.#slot = slot;
    this.revision.value++;
  }

  /**
   * Put recorded points beneath what was seen live.
   * @param {number} index column
   * @param {ArrayLike<number>} process seconds
   * @param {ArrayLike<number|null>} values
   */
  seed(index, process, values) {
    const ring = this.#rings[index];
    if (!ring || this.#slot === 0) return;
    for (let k = 0; k < process.length; k++) {
      const slot = Math.floor((process[k] ?? 0) / this.#step);
      const place = slot % POINTS;
      if (slot > this.#slot - POINTS && slot < this.#slot && Number.isNaN(ring[place])) ring[place] = values[k] ?? NaN;
    }
    this.revision.value++;
  }

  /**
   * One column, oldest first.
   * @param {number} index
   * @returns {number[]}
   */
  read(index) {
    const ring = this.#rings[index];
    if (!ring) return [];
    return Array.from({ length: POINTS }, (_, k) => ring[(this.#slot + 1 + k) % POINTS] ?? NaN);
  }
}
