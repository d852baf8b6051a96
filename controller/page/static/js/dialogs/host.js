import { html, signal, useEffect, useRef } from "../lib.js";
import { Icon } from "../ui/icon.js";

/** The dialog that is open, at most one. */
export const open = signal(/** @type {{component: any, props: object, key: number}|null} */ (null));
let count = 0;

/**
 * @param {any} component
 * @param {object} [props]
 */
export function show(component, props = {}) {
  count += 1;
  open.value = { component, props, key: count };
}

export function close() {
  open.value = null;
}

/** Where the open dialog is drawn. */
export function DialogHost() {
  const shown = open.value;
  return shown ? html`<${shown.component} key=${shown.key} ...${shown.props} />` : null;
}

/**
 * The frame of every dialog: what it is about, its content, a way out. Escape closes it, the browser keeps the focus in.
 * The browser tells late that a dialog was closed: by then another one may have taken its place, which stays open.
 * @param {{title: string, about?: string, wide?: boolean, children?: any}} props
 */
export function Dialog({ title, about = "", wide = false, children }) {
  const element = useRef(/** @type {HTMLDialogElement|null} */ (null));
  const shown = useRef(open.peek());
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    /** @type {HTMLElement|null|undefined} */ (dialog?.querySelector("[data-first]"))?.focus();
    return () => dialog?.close();
  }, []);
  return html`
    <dialog ref=${element} class=${wide ? "dialog wide" : "dialog"} aria-labelledby="dialog-title" onClose=${() => open.peek() === shown.current && close()}
      onClick=${(/** @type {MouseEvent} */ e) => e.target === element.current && close()}>
      <div class="dialog-body">
        <header class="dialog-head">
          ${about ? html`<span class="about">${about}</span>` : null}
          <h2 id="dialog-title">${title}</h2>
          <button class="quiet square" onClick=${close} aria-label="Close"><${Icon} name="close" /></button>
        </header>
        ${children}
      </div>
    </dialog>`;
}
