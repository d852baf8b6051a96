// One stream for all tabs of a browser: HTTP/1.1 allows six connections to a server, the seventh tab would wait for ever.
/** @import {Message} from "../types.js" */
import { Source } from "./source.js";

const FORGET_MS = 180_000;
/** @type {Map<MessagePort, number>} */
const tabs = new Map();

/** @param {Message} message */
function tell(message) {
  for (const port of tabs.keys()) port.postMessage(message);
}

const source = new Source(new URL("../../api/v1/stream", import.meta.url).pathname, tell);

/**
 * @param {MessagePort} port
 * @param {string} word "hello" asks for a snapshot, "here" keeps the tab listed, "bye" leaves
 */
function heard(port, word) {
  if (word === "bye") {
    tabs.delete(port);
    return;
  }
  const joined = !tabs.has(port) || word === "hello";
  tabs.set(port, Date.now());
  if (joined && source.mirror.snapshot) port.postMessage({ type: "snapshot", doc: source.mirror.snapshot });
}

addEventListener("connect", (event) => {
  const port = /** @type {MessageEvent} */ (event).ports[0];
  if (!port) return;
  port.onmessage = (message) => heard(port, message.data);
  heard(port, "hello");
});

setInterval(() => {
  for (const [port, seen] of tabs) if (Date.now() - seen > FORGET_MS) tabs.delete(port);
}, FORGET_MS / 3);
