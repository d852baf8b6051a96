import { signal } from "./lib.js";
import { ask, follow } from "./api.js";

/**
 * How far a command has come: `sent` → `accepted` under a journal number → `applied` → `read_back` by the device,
 * or `refused` / `unknown` with the reason. A loop that closes here has no device to read its setpoint back from.
 * @typedef {{stage: "idle"|"sent"|"accepted"|"applied"|"read_back"|"refused"|"unknown", journal: number,
 *   title: string, detail: string, errors: string[], readBack: any}} Progress
 */

/** @type {Progress} */
const IDLE = { stage: "idle", journal: 0, title: "", detail: "", errors: [], readBack: null };
const ENDS = new Set(["read_back", "refused"]);

/** One command of a dialog: sent once, then watched. */
export class CommandRun {
  /** @type {import("../vendor/signals.js").Signal<Progress>} */
  progress = signal(IDLE);
  #readsBack;

  /** @param {boolean} readsBack whether a device confirms it; otherwise `applied` is the end */
  constructor(readsBack) {
    this.#readsBack = readsBack;
  }

  /**
   * @param {"PUT"|"POST"} method
   * @param {string} path
   * @param {object} body
   */
  async send(method, path, body) {
    this.progress.value = { ...IDLE, stage: "sent" };
    const answer = await ask(method, path, body);
    if (!answer.ok) {
      this.progress.value = { ...IDLE, stage: answer.status === 0 ? "unknown" : "refused", ...answer.problem };
      return;
    }
    const { doc } = answer;
    this.#set({ stage: "accepted", journal: Number(doc?.journal ?? 0) });
    if (this.#take(doc) || !doc?.command) return;
    const settled = await follow(String(doc.command), (state) => this.#take(state));
    if (!settled && this.progress.peek().stage === "accepted") {
      this.#set({ stage: "unknown", title: "Not confirmed", detail: "It is on record, but it is not known whether it acts. Watch the value." });
    }
  }

  /**
   * @param {any} doc a command document
   * @returns {boolean} whether this was its last word
   */
  #take(doc) {
    const word = String(doc?.state ?? "");
    if (word === "applied" && !ENDS.has(this.progress.peek().stage)) this.#set({ stage: "applied" });
    if (!ENDS.has(word)) return word === "applied" && !this.#readsBack;
    const stage = word === "read_back" ? "read_back" : "refused";
    this.#set({ stage, readBack: doc.read_back ?? null, title: stage === "refused" ? "Not applied" : "", detail: String(doc.refused_because ?? "") });
    return true;
  }

  /** @param {Partial<Progress>} change */
  #set(change) {
    this.progress.value = { ...this.progress.peek(), ...change };
  }
}
