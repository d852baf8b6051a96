/** @import {Message} from "../types.js" */
import { Source } from "./source.js";

const HERE_MS = 30_000;
const STREAM = new URL("../../api/v1/stream", import.meta.url).pathname;

/**
 * Hear the live stream: through the worker that all tabs of this browser share, or directly where there is none.
 * @param {(message: Message) => void} hear
 * @returns {() => void} asks for a fresh snapshot
 */
export function listen(hear) {
  let direct = false;
  const fallback = () => {
    if (direct) return;
    direct = true;
    new Source(STREAM, hear);
  };
  if (typeof SharedWorker === "undefined") {
    fallback();
    return () => undefined;
  }
  const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "biovisor" });
  const { port } = worker;
  worker.onerror = fallback;
  port.onmessage = (event) => direct || hear(event.data);
  addEventListener("pagehide", () => port.postMessage("bye"));
  addEventListener("pageshow", () => port.postMessage("hello"));
  setInterval(() => port.postMessage("here"), HERE_MS);
  return () => port.postMessage("hello");
}
