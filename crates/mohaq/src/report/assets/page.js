// What every other script of a report uses: the data, its figures, which candidate is selected.
"use strict";

const reportText = document.getElementById("report-data").textContent;
const { report, axes } = JSON.parse(reportText);
const sites = report.network.sites;
const candidates = new Map(report.evaluations.map((candidate) => [candidate.id, candidate]));
const frontPoints = new Map(report.front.map((point) => [point.id, point]));

/** Value of a candidate or a uniform precision on an axis, null where it is missing. */
function valueOn(axis, item) {
  return axis.measure === undefined ? item.values[axis.objective] : item[axis.measure];
}

/** "4x8" as [4, 8]: bits of the weights, of the activations. */
const widths = (precision) => precision.split("x").map(Number);

/** The two cells of a precision, as in the table. */
function bitCells(precision) {
  const cells = widths(precision).map((bits) => element("i", { class: `b b${bits}` }, String(bits)));
  return element("span", { class: "bits" }, ...cells);
}

/** What is known of the error of a candidate that was not measured to the end. */
function partialText({ sequences, of, estimated_error, error_at_least }) {
  const [estimate, least] = [estimated_error, error_at_least].map((error) => show(error, report.baseline.error_unit));
  return `Measured on ${sequences} of ${of} sequences only, because it could not enter the front: its error is about ${estimate}, at least ${least}.`;
}

/** Errors and axes of a candidate, for the hover and the detail. */
function figuresOf(candidate) {
  const point = frontPoints.get(candidate.id);
  const errors = point === undefined ? [] : [
    ["Valid error", show(point.valid_error, report.baseline.error_unit)],
    ["Test error", show(point.test_error, report.baseline.error_unit)],
    ["Search error", show(point.search_error, report.baseline.error_unit)],
  ];
  // The error axis is the search error.
  const rest = point === undefined ? axes : axes.filter((axis) => axis.key !== "error");
  const rates = [["Throughput", "gops", "GOP/s"], ["Efficiency", "gops_per_watt", "GOP/s/W"], ["Real-time factor", "real_time_factor", ""]]
    .filter(([, key]) => candidate[key] != null && !rest.some((axis) => axis.key === key))
    .map(([label, key, unit]) => [label, show(candidate[key], unit)]);
  return errors.concat(rest.map((axis) => [axis.label, show(valueOn(axis, candidate), axis.unit)]), rates);
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
