import { effect, html, render } from "./lib.js";
import { seedTraces } from "./live/record.js";
import { columns, start } from "./live/store.js";
import { App } from "./ui/app.js";

const page = document.getElementById("page");
if (page) {
  page.replaceChildren();
  render(html`<${App} />`, page);
  start();
  effect(() => {
    if (columns.value.length > 0) setTimeout(seedTraces);
  });
}
