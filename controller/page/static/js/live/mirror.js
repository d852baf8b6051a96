/** @import {Snapshot, Delta, Beat, Message} from "../types.js" */

/**
 * The newest whole state, kept up to date from a snapshot and its deltas, so that a page that joins later can be
 * given a snapshot without asking the server. Pure: no time, no network.
 */
export class Mirror {
  /** @type {Snapshot|null} */
  snapshot = null;
  #lagging = -1;

  /**
   * Take one event of the stream.
   * @param {Message} message
   * @returns {boolean} false when something was missed and a fresh snapshot is needed
   */
  take(message) {
    if (message.type === "snapshot") {
      this.snapshot = message.doc;
      this.#lagging = -1;
      return true;
    }
    if (message.type === "delta") return this.#delta(message.doc);
    return message.type === "hb" ? this.#beat(message.doc) : true;
  }

  /** @param {Delta} delta */
  #delta(delta) {
    const whole = this.snapshot;
    if (!whole || delta.seq <= whole.seq) return false;
    for (const [index, value, quality, reason, age] of delta.v) {
      whole.values[index] = value;
      whole.quality[index] = quality;
      whole.reason[index] = reason;
      whole.age[index] = age;
    }
    Object.assign(whole, delta.state, { seq: delta.seq, time: delta.time, process_s: delta.process_s });
    return true;
  }

  /**
   * A server whose scans go on while no delta arrives between two beats has left us behind. One beat may well be
   * ahead of the delta that follows it.
   * @param {Beat} beat
   */
  #beat(beat) {
    const seq = this.snapshot?.seq ?? 0;
    const behind = beat.seq > seq && this.#lagging === seq;
    this.#lagging = beat.seq > seq ? seq : -1;
    return !behind && beat.seq >= seq;
  }
}
