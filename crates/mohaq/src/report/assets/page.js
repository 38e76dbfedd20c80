// What every other script uses: the data, the elements, how figures are shown, which candidate is selected.
"use strict";

document.documentElement.classList.add("js");
const reportText = document.getElementById("report-data").textContent;
const { report, axes } = JSON.parse(reportText);
const sites = report.network.sites;
const candidates = new Map(report.evaluations.map((candidate) => [candidate.id, candidate]));
const frontPoints = new Map(report.front.map((point) => [point.id, point]));
const byId = (id) => document.getElementById(id);

/** Value of a candidate or a uniform precision on an axis, null where it is missing. */
function valueOn(axis, item) {
  return axis.measure === undefined ? item.values[axis.objective] : item[axis.measure];
}

/** "4x8" as [4, 8]: bits of the weights, of the activations. */
const widths = (precision) => precision.split("x").map(Number);

/** An element with attributes and children. Text children are text, so nothing that came from outside becomes markup. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The two cells of a precision, as in the table. */
function bitCells(precision) {
  const cells = widths(precision).map((bits) => element("i", { class: `b b${bits}` }, String(bits)));
  return element("span", { class: "bits" }, ...cells);
}

/** A list of names and values: pairs whose value is null are left out. */
function definitions(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    if (value !== null) list.append(element("dt", {}, name), element("dd", {}, value));
  }
  return list;
}

// `Figure::show` of the crate, for the browser.
function significant(value) {
  const size = Math.abs(value);
  if (size >= 1000 || Number.isInteger(value)) return value.toFixed(0);
  if (size >= 100) return value.toFixed(1);
  if (size >= 10) return value.toFixed(2);
  if (size >= 1) return value.toFixed(3);
  return size >= 0.001 ? value.toFixed(5) : value.toExponential(3);
}
const multiples = { B: [1024, ["B", "KiB", "MiB", "GiB"]], pJ: [1000, ["pJ", "nJ", "µJ", "mJ"]] };

/** The multiple of a unit that suits numbers up to `size`: its name and how many of the unit it holds. */
function multiple(unit, size) {
  const [step, names] = multiples[unit] ?? [Infinity, [unit]];
  let power = 0;
  while (Math.abs(size) >= step && power + 1 < names.length) {
    size /= step;
    power += 1;
  }
  return { name: names[power], factor: power === 0 ? 1 : step ** power };
}
function show(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "%") return `${value.toFixed(2)} %`;
  if (unit === "×") return `${value.toFixed(2)}×`;
  const { name, factor } = multiple(unit, value);
  return name === "" ? significant(value) : `${significant(value / factor)} ${name}`;
}

/** Errors and axes of a candidate, for the hover and the detail. */
function figuresOf(candidate) {
  const point = frontPoints.get(candidate.id);
  const errors = point === undefined ? [] : [
    ["Valid error", show(point.valid_error_percent, "%")],
    ["Test error", show(point.test_error_percent, "%")],
    ["Search error", show(point.search_error_percent, "%")],
  ];
  // The error axis is the search error.
  const rest = point === undefined ? axes : axes.filter((axis) => axis.key !== "error");
  return errors.concat(rest.map((axis) => [axis.label, show(valueOn(axis, candidate), axis.unit)]));
}

/** The colours of the page, as the style sheet has them for light or dark. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "muted", "rule", "card", "accent", "faint", "limit", "mark", "line-2"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The look that all charts share. */
function chartStyle(colour) {
  return {
    animation: false,
    textStyle: { color: colour.muted, fontFamily: getComputedStyle(document.body).fontFamily },
    tooltip: {
      trigger: "item", confine: true, backgroundColor: colour.card, borderColor: colour.rule, padding: [8, 12],
      textStyle: { color: colour.ink },
    },
  };
}
function axisStyle(colour) {
  return {
    nameTextStyle: { color: colour.ink, fontSize: 13 },
    axisLabel: { color: colour.muted, hideOverlap: true },
    axisLine: { lineStyle: { color: colour.faint } },
    splitLine: { lineStyle: { color: colour.rule } },
  };
}

/**
 * Draws a chart now, and again when the colours of the system change; `option` gets the colours.
 * Returns the chart with a function that draws it again.
 */
function chartIn(id, option) {
  const chart = echarts.init(byId(id));
  const draw = () => chart.setOption(option(colours()), { notMerge: true });
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => chart.resize()).observe(byId(id));
  return { chart, draw };
}

// One candidate is selected at a time; whoever shows it listens.
const selection = { id: null, listeners: [] };
function select(id) {
  selection.id = id;
  for (const listener of selection.listeners) listener(id);
}
function onSelect(listener) {
  selection.listeners.push(listener);
}

/** Copies a text and says so on the button. */
async function copyText(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    // A page opened from disk may lack the clipboard: show the text for the reader to copy.
    prompt("Copy:", text);
  }
  setTimeout(() => { button.textContent = before; }, 1200);
}

byId("save-json").addEventListener("click", () => {
  const blob = new Blob([JSON.stringify(report, null, 2)], { type: "application/json" });
  const link = element("a", { href: URL.createObjectURL(blob), download: "report.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
