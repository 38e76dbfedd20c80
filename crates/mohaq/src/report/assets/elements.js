// What the pages share: elements, figures as text, the look of charts.
"use strict";

document.documentElement.classList.add("js");
const byId = (id) => document.getElementById(id);

/** An element with attributes and children. Text children are text, so nothing that came from outside becomes markup. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
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
const multiples = { B: [1024, ["B", "KiB", "MiB", "GiB"]], pJ: [1000, ["pJ", "nJ", "µJ", "mJ"]], "µs": [1000, ["µs", "ms", "s"]] };

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

/** The colours of the page, as the style sheet has them for light or dark. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "muted", "rule", "card", "accent", "faint", "limit", "mark", "line-2",
    "run-1", "run-2", "run-3", "run-4", "run-5", "run-6"];
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
