// The cost of a candidate taken apart: what bounds a matrix, energy by part, what one step of bits would change.
"use strict";

const secondsText = (seconds) => show(seconds === null ? null : seconds * 1e6, "µs");
const boundText = (bound) => ({ compute: "arithmetic", overhead: "overhead" })[bound] ?? bound?.memory ?? "–";

/** Times of the memory levels, as text. */
const trafficText = (share) => share.memory.filter((level) => level.time_s > 0).map((level) => `${level.memory} ${secondsText(level.time_s)}`).join(", ") || "–";
const energyOf = (share) => share.energy === null ? null : Object.values(share.energy).reduce((sum, part) => sum + part, 0);

function tableOf(heading, rows) {
  const head = heading.map((text, index) => element("th", { scope: "col", class: index > 1 ? "number" : "" }, text));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
}
function row(first, ...cells) {
  return element("tr", {}, element("th", { scope: "row" }, first), ...cells.map((cell, index) =>
    element("td", { class: index > 0 ? "number" : "" }, cell)));
}

/** Time and energy of every matrix and of what belongs to none. */
function shareTable({ sites, rest }) {
  const parts = sites.map((site) => [site.site, site.share]).concat([["the rest", rest]]);
  const rows = parts.map(([name, share]) => row(name, boundText(share.bound), secondsText(share.time_s),
    secondsText(share.compute_s), trafficText(share), show(energyOf(share), "pJ")));
  return tableOf(["Matrix", "Waits for", "Time", "Arithmetic", "Memory", "Energy"], rows);
}

/** Energy of the whole by part; nothing where it has no price. */
function energyParts({ sites, rest }) {
  const shares = sites.map((site) => site.share).concat([rest]);
  if (shares.some((share) => share.energy === null)) return [];
  const sum = (part) => shares.reduce((total, share) => total + share.energy[part], 0);
  const names = [["multiply", "Multiplying"], ["load_weights", "Loading weights"], ["move_activations", "Moving activations"],
    ["elementwise", "Elementwise"], ["standing", "Static power"]];
  const parts = names.map(([part, name]) => [name, sum(part)]).filter(([, energy]) => energy > 0);
  return [definitions(parts.map(([name, energy]) => [name, show(energy, "pJ")]))];
}

/** What the nearest other precisions of each matrix would change. */
function stepTable(explained) {
  const { cost } = explained.explanation;
  const signed = (value, unit) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${show(Math.abs(value), unit)}`;
  const share = (change, whole) => change === null || !whole ? "–" : `${change < 0 ? "−" : "+"}${Math.abs(change / whole * 100).toFixed(1)} %`;
  const rows = explained.steps.map((step) => row(step.site, element("span", { class: "bits" }, bitCells(step.to)),
    signed(step.weight_bits / 8, "B"), share(step.time_s, cost.frame_time_s), share(step.energy_pj, cost.energy_pj)));
  return tableOf(["Matrix", "To", "Weights", "Time", "Energy"], rows);
}

/** A table under a heading that does not widen the page. */
function titled(title, ...content) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, element("h3", {}, title), ...content);
}

onSelect((id) => {
  const explained = frontPoints.get(id)?.explained;
  if (explained === undefined) return byId("explained").replaceChildren();
  byId("explained").replaceChildren(
    titled(`Where time and energy of candidate #${id} go`, shareTable(explained.explanation), ...energyParts(explained.explanation)),
    titled("What one step of bits would change", stepTable(explained)));
});
