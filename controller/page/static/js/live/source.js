/** @import {Message} from "../types.js" */
import { Mirror } from "./mirror.js";

const KINDS = /** @type {const} */ (["snapshot", "delta", "event", "hb"]);
const SILENT_MS = 6000;
const RETRY_MS = 1000;

/**
 * One EventSource that stays open: reopens when the browser has given up, when the server has been silent, and when a
 * message was missed. An EventSource raises no error when the server freezes, hence the watch on silence.
 */
export class Source {
  mirror = new Mirror();
  #url;
  #emit;
  /** @type {EventSource|null} */
  #stream = null;
  #heard = Date.now();

  /**
   * @param {string} url
   * @param {(message: Message) => void} emit
   */
  constructor(url, emit) {
    this.#url = url;
    this.#emit = emit;
    this.#open();
    setInterval(() => this.#watch(), RETRY_MS);
  }

  #open() {
    this.#stream?.close();
    this.#heard = Date.now();
    const stream = new EventSource(this.#url);
    this.#stream = stream;
    for (const type of KINDS) {
      stream.addEventListener(type, (event) => {
        if (stream === this.#stream) this.#take(/** @type {Message} */ ({ type, doc: JSON.parse(event.data) }));
      });
    }
    stream.addEventListener("resync", () => stream === this.#stream && this.#open());
  }

  /** @param {Message} message */
  #take(message) {
    this.#heard = Date.now();
    if (this.mirror.take(message)) this.#emit(message);
    else this.#open();
  }

  #watch() {
    const closed = this.#stream?.readyState === EventSource.CLOSED;
    if (closed || Date.now() - this.#heard > SILENT_MS) this.#open();
  }
}
