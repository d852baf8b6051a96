/** @import {Why} from "../types.js" */
import { ask } from "../api.js";
import { useEffect, useState } from "../lib.js";
import { live } from "./store.js";

const PERIOD_MS = 1000;

/**
 * Why a loop's output is at its value, asked each second while the page hears the supervisor; the last answer stays.
 * @param {string} vessel
 * @param {string} loop
 * @returns {{why: Why|null, failed: boolean}}
 */
export function useWhy(vessel, loop) {
  const [told, setTold] = useState({ why: /** @type {Why|null} */ (null), failed: false });
  useEffect(() => {
    let gone = false;
    let timer = 0;
    const again = async () => {
      if (live.peek() && !document.hidden) {
        const answer = await ask("GET", `vessels/${encodeURIComponent(vessel)}/loops/${encodeURIComponent(loop)}/why`);
        if (gone) return;
        setTold((before) => (answer.ok ? { why: answer.doc, failed: false } : { ...before, failed: true }));
      }
      timer = setTimeout(again, PERIOD_MS);
    };
    again();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [vessel, loop]);
  return told;
}
