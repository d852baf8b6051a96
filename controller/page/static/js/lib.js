// The one place that knows where third-party modules are.
import htm from "../vendor/htm.js";
import { h, render } from "../vendor/preact.js";

export { render };
export { useEffect, useMemo, useRef, useState } from "../vendor/hooks.js";
export { batch, computed, effect, signal, untracked } from "../vendor/signals.js";

export const html = htm.bind(h);
