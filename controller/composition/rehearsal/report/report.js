import uPlot from "uplot:charts";
import { conditionText, unitText } from "page:format";

const { summary, forecast, donors } = JSON.parse(document.getElementById("data").textContent);
const DAY_S = 86400, BINS = 16, LINES = ["failures", "beyond_model"];
const report = document.getElementById("report");
const drawn = [];

/** An element with attributes and children; texts are texts, never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const shown = (value, digits = 3) =>
  value === null || value === undefined || value === "" ? "–"
  : typeof value !== "number" ? String(value)
  : value === 0 ? "0"
  : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en")
  : String(Number(value.toPrecision(digits)));
const percent = (share) => (share === null || share === undefined ? "–" : `${shown(100 * share)} %`);
const spread = (one, unit = "") => (one.n ? `${shown(one.p50)} (${shown(one.p5)} … ${shown(one.p95)}) ${unit}` : "–");
/** Title and unit, which is left out where it says the same again: pH. */
const named = (one, when = "") => [`${one.title}${when}`, unitText(one.unit)].filter((text, at) => text && !(at && text === one.title)).join(", ");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function tile(title, value, note, bad = false) {
  return element("div", { class: bad ? "tile bad" : "tile" }, title, element("b", {}, value), element("span", { class: "soft" }, note));
}

/** Columns are [heading, is text]; text that must not be broken is "line". */
function table(columns, rows, caption) {
  const cell = (kind, value, column) => element(kind, columns[column][1] ? { class: columns[column][1] === "line" ? "line" : "text" } : {}, shown(value, 4));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, element("table", {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...columns.map(([title], at) => cell("th", title, at)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((value, at) => cell("td", value, at)))))));
}

/** A chart, drawn once it is on the page and has a width. */
function chart(caption, options, data) {
  const figure = element("figure", {}, element("figcaption", {}, caption));
  drawn.push(() => {
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    new uPlot({
      width: figure.clientWidth, height: 220, cursor: { y: false },
      scales: { ...options.scales, x: { time: false, ...options.scales?.x } },
      axes: [{ ...axis, label: options.x, labelSize: 20, size: 36 }, { ...axis, size: 58, ...options.y }],
      series: options.series(), bands: options.bands?.() ?? [],
    }, data, figure);
  });
  return figure;
}

/** Points up to which half of the batches still run: the others say more about who is late than about the batch. */
const most = forecast.running.findLastIndex((running) => 2 * running >= forecast.running[0]) + 1;

/** Whether there is anything to draw: nobody counts the cells of every recipe. */
const seen = (name) => forecast.tags[name].p50.slice(0, most).some((value) => value !== null);
const followed = Object.keys(forecast.tags).filter((name) => !forecast.tags[name].same_as);
const unseen = followed.filter((name) => !seen(name)).map((name) => forecast.tags[name].title);

function band(name) {
  const tag = forecast.tags[name];
  const line = (label, width) => ({ label, stroke: colour("--mark"), width, points: { show: false } });
  const days = forecast.time_s.slice(0, most).map((time) => time / DAY_S);
  const same = Object.values(forecast.tags).find((other) => other.same_as === name);
  return chart(`${named(tag)}${same ? ` (what was asked for is the same: ${same.title})` : ""}`, {
    x: "days", series: () => [{ label: "day", value: (_, v) => shown(v) }, line("95 %", 0.5), line("median", 1.5), line("5 %", 0.5)],
    bands: () => [{ series: [1, 3], fill: colour("--band") }],
  }, [days, ...[tag.p95, tag.p50, tag.p5].map((values) => values.slice(0, most))]);
}

function histogram(caption, unit, values) {
  const known = values.filter((value) => typeof value === "number");
  if (known.length < 2) return null;
  const low = Math.min(...known), high = Math.max(...known), width = (Math.max(high - low, 0.01 * Math.abs(high)) || 1) / BINS;
  const counts = new Array(BINS).fill(0);
  for (const value of known) counts[Math.min(Math.floor((value - low) / width), BINS - 1)] += 1;
  return chart(caption, {
    x: unit, y: { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] }, scales: { x: { range: [low - width / 2, high + width / 2] }, y: { range: (_, __, most) => [0, most * 1.1] } },
    series: () => [{ label: unit, value: (_, v) => shown(v) }, { label: "batches", stroke: colour("--mark"), fill: colour("--band"), paths: uPlot.paths.bars({ size: [0.95] }), points: { show: false } }],
  }, [counts.map((_, bin) => low + (bin + 0.5) * width), counts]);
}

function probability() {
  const days = summary.target.by_day;
  return chart("Probability that the target is reached by a day, %", {
    x: "days", scales: { y: { range: [0, 100] } },
    series: () => [{ label: "day" }, { label: "reached", stroke: colour("--mark"), width: 2, fill: colour("--band") }],
  }, [days.map((one) => one.day), days.map((one) => 100 * one.probability)]);
}

const completed = donors.rows.filter((row) => row[donors.head.indexOf("state")] === "Complete");
const column = (name) => completed.map((row) => row[donors.head.indexOf(name)]);
const states = (counts) => Object.entries(counts).map(([name, count]) => `${name.replace(/\.$/, "")}: ${count}`).join(" · ") || "none";

/** Figures of what batches brought, the most important first. */
const yields = Object.entries(summary.yield);
const HEADS = {
  donor: "Donor", state: "State", reason: "Why", duration_d: "Duration, days", target_reached_d: "Target reached, days", volume_l: "Volume, L",
  failures: "Why it fails", alarms: "Alarms", deviations: "Deviations", beyond_model: "Beyond the model",
  ...Object.fromEntries(Object.entries(summary.yield).map(([name, one]) => [name, named(one)])),
  ...Object.fromEntries(Object.entries(summary.consumption).map(([name, one]) => [`${name}_${one.unit}`, named(one)])),
  ...Object.fromEntries(Object.keys(summary.loops).map((name) => [`${name}_in_band_percent`, `${name} in band, %`])),
};
const heading = (name) => HEADS[name] ?? name.replaceAll("_", " ");
/** That a completed batch has done all its phases goes without saying. */
const toldOf = (row) => row.map((value, at) => (at === 2 && row[1] === "Complete" ? "" : value));

const { outcome } = summary;
document.title = `Rehearsal of ${summary.recipe} on ${summary.class}`;
report.replaceChildren(
  element("h1", {}, `Rehearsal: ${summary.recipe_title}`),
  element("p", { class: "soft" }, `${summary.recipe} ${summary.recipe_version} on ${summary.class} ${summary.class_version}, plant of ${summary.site} ${summary.vessel} (model ${summary.model}) · ${summary.donors} virtual donors · seed ${summary.seed} · scan period ${shown(summary.scan_period_s)} s${summary.scenario && ` · scenario: ${summary.scenario}`}`),
  element("p", {}, `Simulated. ${summary.model_note} ${summary.scan_note}`),
  element("div", { class: "tiles" },
    tile("Batches completed", `${outcome.states.Complete ?? 0} of ${summary.donors}`, states(outcome.states)),
    outcome.failed === null ? null : tile("Products that fail", percent(outcome.failed_share), `of ${outcome.judged} with a verdict: ${states(outcome.failures)}`, outcome.failed > 0),
    tile("Duration, days", shown(summary.duration_d.p50), `of completed batches; 5 … 95 %: ${shown(summary.duration_d.p5)} … ${shown(summary.duration_d.p95)}`),
    tile(named(yields[0][1]), shown(yields[0][1].p50), `of completed batches; 5 … 95 %: ${shown(yields[0][1].p5)} … ${shown(yields[0][1].p95)}`)),
  ...Object.entries({ ...outcome.not_completed }).map(([why, count]) => element("p", {}, `${count} not completed: ${why}`)),
  ...Object.entries(summary.endings).map(([operation, counts]) => element("p", { class: "soft" }, `${operation} ended: ${states(counts)}`)),
  ...Object.entries(outcome.failures_mean).map(([name, meaning]) => element("p", { class: "soft" }, `${name}: ${meaning}`)),
  element("h2", {}, "Duration, yield and target"),
  element("p", { class: "soft" }, summary.target.condition ? `Target: ${conditionText(summary.target.condition, new Map())}` : "The recipe names no target."),
  element("div", { class: "charts" }, ...[
    summary.target.condition ? probability() : null,
    histogram("Duration of completed batches, days", "days", column("duration_d")),
    ...yields.map(([key, one]) => histogram(named(one, " at the end"), unitText(one.unit), column(key))),
  ].filter(Boolean)),
  element("h2", {}, "Alarms to expect"),
  summary.alarms.length ? table([["Alarm", true], ["Batches"], ["Per batch"], ["Minutes, median"], ["95 %"], ["Still active at the end"]],
    summary.alarms.map((one) => [one.title, percent(one.batches_share), one.per_batch, one.minutes.p50, one.minutes.p95, one.still_active]),
    "How often each alarm came, in batches that began; an alarm still active counts to the end of its batch") : element("p", {}, "None came."),
  element("h2", {}, "Time in band"),
  table([["Loop", true], ["Batches"], ["In band, %: median (5 … 95 %)"], ["Mean error"], ["Output at a limit, %"]],
    Object.entries(summary.loops).map(([name, one]) => [name, one.in_band.n, spread(one.in_band), one.side === "both" ? spread(one.mean_absolute_error, unitText(one.unit)) : "–", spread(one.saturated)]),
    "Over each batch that began, as far as it went, warming up and cooling down included"),
  ...Object.entries(summary.loops).filter(([, one]) => one.side !== "both").map(([name, one]) =>
    element("p", { class: "soft" }, `${name}: only what is ${one.side} its setpoint counts; on the other side it holds nothing.`)),
  element("h2", {}, "Consumption"),
  table([["What", true], ["Median"], ["5 %"], ["95 %"], ["Most"], ["Unit", true]],
    Object.values(summary.consumption).map((one) => [one.title, one.p50, one.p5, one.p95, one.max, unitText(one.unit)]), "Per batch that began"),
  element("h2", {}, "Beyond the model"),
  summary.beyond_model.length ? table([["Quantity", true], ["Valid", true], ["Farthest: median (5 … 95 %)"], ["In operation", true], ["Batches"], ["The range is", true]],
    summary.beyond_model.map((one) => [one.title, `${shown(one.low)} … ${shown(one.high)} ${unitText(one.unit)}`, spread(one.farthest, unitText(one.unit)), one.operation, one.batches, one.range_from]),
    "Cultures that were seen beyond what their model is valid for, looked at every ten minutes; what they did from then on is extrapolated") : element("p", { class: "soft" }, "No culture was seen beyond what its model is valid for, looked at every ten minutes."),
  element("h2", {}, "Forecast"),
  element("p", { class: "soft" }, "Line: median. Band: 5 … 95 % of the batches that were not over at that time, as long as that is half of them."),
  unseen.length ? element("p", { class: "soft" }, `Never known in these batches, and not drawn: ${unseen.join(", ")}.`) : "",
  element("div", { class: "charts" }, ...followed.filter(seen).map(band)),
  element("h2", {}, "Donors"),
  table(donors.head.map((title, at) => [heading(title), LINES.includes(title) ? "line" : at < 3]), donors.rows.map(toldOf), "One row for each"),
  element("h2", {}, "Made from"),
  table([["File", true], ["SHA-256", true]], Object.entries(summary.files_sha256), "Files that were rehearsed"),
);
for (const draw of drawn) draw();
