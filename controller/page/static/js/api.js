const ROOT = new URL("../api/v1/", import.meta.url).pathname;
const PATIENCE_MS = 5000;
const FOLLOW_MS = 200;
const FOLLOW_FOR_MS = 10_000;

/**
 * What the server answered. `problem` is its RFC 9457 document, or ours when it could not be reached.
 * @typedef {{title: string, detail: string, errors: string[]}} Problem
 * @typedef {{ok: true, status: number, doc: any} | {ok: false, status: number, problem: Problem}} Answer
 */

/**
 * One request, one answer. Nothing is ever repeated: an unanswered command is unknown, and a person decides.
 * @param {"GET"|"PUT"|"POST"} method
 * @param {string} path below /api/v1/
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
export async function ask(method, path, body) {
  try {
    const response = await fetch(ROOT + path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(PATIENCE_MS),
      cache: "no-store",
    });
    const doc = await response.json().catch((error) => {
      if (response.ok) throw error; // an answer that was cut short confirms nothing
      return null;
    });
    if (response.ok) return { ok: true, status: response.status, doc };
    return { ok: false, status: response.status, problem: problemOf(doc, response) };
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    const detail = late ? "No answer within 5 s. It is not known whether the command acts: watch the value before trying again."
      : "The supervisor cannot be reached. The command was not repeated.";
    return { ok: false, status: 0, problem: { title: "Not confirmed", detail, errors: [] } };
  }
}

/**
 * @param {any} doc
 * @param {Response} response
 * @returns {Problem}
 */
function problemOf(doc, response) {
  const errors = Array.isArray(doc?.errors) ? doc.errors.map(errorText) : [];
  return { title: String(doc?.title ?? `Refused (${response.status})`), detail: String(doc?.detail ?? ""), errors };
}

/** @param {any} error */
function errorText(error) {
  return [error?.field, error?.message].filter(Boolean).join(" ");
}

/**
 * Ask what became of an accepted command until it is settled.
 * @param {string} url as the server gave it
 * @param {(doc: any) => boolean} settled told each answer; true ends the asking
 */
export async function follow(url, settled) {
  const path = url.replace(/^.*\/api\/v1\//, "");
  const end = Date.now() + FOLLOW_FOR_MS;
  while (Date.now() < end) {
    const answer = await ask("GET", path);
    if (answer.ok && settled(answer.doc)) return true;
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
  }
  return false;
}
