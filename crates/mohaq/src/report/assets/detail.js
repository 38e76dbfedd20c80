// The selected candidate: its figures, and what each layer takes of them.
"use strict";

const memoryOf = (site, weightBits) => (site.weights * weightBits) / 8;

/** A share as text over a thin bar. */
function shareCell(text, share) {
  const bar = element("span", { class: "bar" });
  bar.style.width = `${(share * 100).toFixed(1)}%`;
  return element("td", { class: "number" }, text, bar);
}

/** Bits, memory and work of every layer. */
function layerTable(candidate) {
  const memory = sites.map((site, index) => memoryOf(site, widths(candidate.bits[index])[0]));
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0) || 1;
  const allMemory = sum(memory);
  const allMacs = sum(sites.map((site) => site.macs));
  const heading = ["Matrix", "W A", "Weights", "MACs"].map((text, index) =>
    element("th", { scope: "col", class: index > 1 ? "number" : "" }, text));
  const rows = sites.map((site, index) => element("tr", {},
    element("th", { scope: "row" }, site.name),
    element("td", { class: "bits" }, bitCells(candidate.bits[index])),
    shareCell(show(memory[index], "B"), memory[index] / allMemory),
    shareCell(`${((site.macs / allMacs) * 100).toFixed(0)} %`, site.macs / allMacs)));
  return element("table", {}, element("thead", {}, element("tr", {}, ...heading)), element("tbody", {}, ...rows));
}

/** Whose parameters a candidate has. */
function loanText(loan) {
  const steps = `${loan.distance} ${loan.distance === 1 ? "step" : "steps"} of weight widths away`;
  return `Has the parameters of beacon ${loan.beacon}, ${steps}; with its own its error is ${show(loan.own_error, report.baseline.error_unit)}.`;
}

onSelect((id) => {
  const candidate = candidates.get(id);
  if (candidate === undefined) {
    byId("detail").replaceChildren(element("p", { class: "note" }, "No candidate is selected."));
    return;
  }
  const tags = [];
  if (frontPoints.has(id)) tags.push(element("span", { class: "tag good" }, "on the front"));
  else if (candidate.violated.length === 0) tags.push(element("span", { class: "tag" }, "dominated"));
  else tags.push(element("span", { class: "tag bad" }, "excluded"));
  tags.push(element("span", { class: "tag" }, `evaluated as number ${candidate.order}`));
  const copy = element("button", { type: "button", class: "copy" }, "copy bits");
  copy.addEventListener("click", () => copyText(copy, candidate.bits.join(" ")));
  byId("detail").replaceChildren(
    element("h3", {}, `Candidate #${id}`),
    element("p", { class: "tags" }, ...tags),
    ...candidate.violated.map((violation) => element("p", { class: "reason" }, violation.reason)),
    ...(candidate.loan === undefined ? [] : [element("p", { class: "note" }, loanText(candidate.loan))]),
    ...(candidate.partial === undefined ? [] : [element("p", { class: "note" }, partialText(candidate.partial))]),
    definitions(figuresOf(candidate)),
    copy,
    layerTable(candidate));
});
