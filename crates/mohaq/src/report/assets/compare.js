// The fronts of all runs over any of their common axes.
"use strict";

const comparison = JSON.parse(byId("comparison-data").textContent);
const { axes, runs } = comparison;
const choice = { x: byId("axis-x"), y: byId("axis-y") };
axes.forEach((axis, index) => {
  const name = axis.searched ? axis.label : `${axis.label} (no objective of all)`;
  choice.x.append(element("option", { value: index }, name));
});
const symbols = ["circle", "diamond", "triangle", "rect", "pin", "roundRect"];
const dashes = ["solid", "dashed", "dotted"];

/** Members of a run with a figure on both chosen axes, as points from left to right. */
function pointsOf(run, factor) {
  const place = (member) => [member.values[choice.x.value], member[choice.y.value]];
  return run.front
    .filter((member) => place(member).every((value) => value !== null))
    .map((member) => ({ member, value: [place(member)[0] / factor, place(member)[1]] }))
    .sort((a, b) => a.value[0] - b.value[0]);
}

/** Those of the points, from left to right, that none of the others beats on both axes. */
function unbeaten(points, direction) {
  const fromBest = direction === "min" ? points : [...points].reverse();
  const kept = [];
  for (const point of fromBest) {
    if (kept.length === 0 || point.value[1] < kept[kept.length - 1].value[1]) kept.push(point);
  }
  return direction === "min" ? kept : kept.reverse();
}

function tip(item) {
  const run = runs[Number(item.data.run)];
  const member = run.front.find((one) => one.id === item.data.id);
  return element("div", { class: "tip" },
    element("strong", {}, `${run.name}, #${member.id}`),
    definitions([["Valid error", show(member.valid_error, comparison.error_unit)], ["Test error", show(member.test_error, comparison.error_unit)]]
      .concat(axes.map((axis, index) => [axis.label, show(member.values[index], axis.unit)]))),
    element("p", {}, member.bits));
}

function option(colour) {
  const axis = axes[choice.x.value];
  const largest = Math.max(0, ...runs.flatMap((run) => run.front.map((member) => Math.abs(member.values[choice.x.value] ?? 0))));
  const { name, factor } = multiple(axis.unit, largest);
  const side = (text, gap) => ({ ...axisStyle(colour), type: "value", scale: true, name: text, nameLocation: "middle", nameGap: gap });
  const series = runs.flatMap((run, index) => {
    const points = pointsOf(run, factor);
    const shade = colour[`run-${1 + (index % 6)}`];
    const data = (list) => list.map(({ member, value }) => ({ value, id: member.id, run: index }));
    return [
      { name: run.name, type: "line", step: axis.direction === "min" ? "end" : "start", symbol: "none", silent: true, color: shade,
        data: data(unbeaten(points, axis.direction)), lineStyle: { color: shade, width: 2, type: dashes[index % 3], opacity: 0.7 } },
      { name: run.name, type: "scatter", symbol: symbols[index % 6], symbolSize: 10, color: shade, data: data(points),
        itemStyle: { color: shade, borderColor: colour.card, borderWidth: 1 } },
    ];
  });
  const error = choice.y.selectedOptions[0].textContent;
  return {
    ...chartStyle(colour),
    tooltip: { ...chartStyle(colour).tooltip, formatter: tip },
    legend: {
      top: 0, left: 0, right: 70, itemWidth: 12, itemHeight: 10, itemGap: 18, textStyle: { color: colour.ink },
      data: runs.map((run, index) => ({ name: run.name, icon: symbols[index % 6] })),
    },
    toolbox: {
      right: 0, top: 0, itemSize: 14, iconStyle: { borderColor: colour.muted },
      feature: { dataZoom: { title: { zoom: "zoom", back: "undo" }, brushStyle: { color: colour.accent, opacity: 0.15 } } },
    },
    grid: { left: 62, right: 18, top: 48, bottom: 52 },
    xAxis: side(`${axis.label}${name ? ` (${name})` : ""}, ${axis.direction === "min" ? "less" : "more"} is better`, 30),
    yAxis: side(`${error}${comparison.error_unit === "" ? "" : ` (${comparison.error_unit})`}, less is better`, 44),
    series,
  };
}

if (axes.length > 0) {
  const { draw } = chartIn("front-chart", option);
  for (const control of byId("front-controls").querySelectorAll("select")) control.addEventListener("change", draw);
} else {
  byId("front-chart").replaceWith(element("p", {}, "The runs have no cost in common that fronts could be drawn by."));
}
