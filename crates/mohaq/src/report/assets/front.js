// The front over any two axes, among everything that was evaluated.
"use strict";

const choice = { x: byId("axis-x"), y: byId("axis-y"), range: byId("range") };
axes.forEach((axis, index) => {
  const name = axis.objective === undefined ? `${axis.label} (no objective)` : axis.label;
  for (const list of [choice.x, choice.y]) list.append(element("option", { value: index }, name));
});
// Costs across and error up is how such fronts are usually drawn.
const errorAxis = Math.max(0, axes.findIndex((axis) => axis.key === "error"));
choice.y.value = errorAxis;
choice.x.value = axes.length === 1 ? errorAxis : axes.findIndex((_, index) => index !== errorAxis);

// Uniform precisions have a mark each, searches by other methods a line.
const methods = report.methods.filter((method) => method.name !== "uniform");
const strokes = ["dashed", "dotted"];
methods.forEach((method, index) => {
  const dashes = ["6 4", "2 3"][index % strokes.length];
  const glyph = `<svg class="glyph line" viewBox="0 0 24 12" aria-hidden="true"><path d="M0 6h24" stroke-dasharray="${dashes}"/></svg>`;
  const label = element("label", {}, element("input", { type: "checkbox", id: `show-method-${index}`, checked: "" }), " ");
  label.insertAdjacentHTML("beforeend", glyph);
  label.append(` ${method.name}`);
  byId("front-controls").append(label);
});

const groups = { front: [], dominated: [], excluded: [] };
for (const candidate of report.evaluations) {
  if (frontPoints.has(candidate.id)) groups.front.push(candidate);
  else if (candidate.violated.length === 0) groups.dominated.push(candidate);
  else groups.excluded.push(candidate);
}

/** The members of a front that no other member dominates on these two axes, from left to right. */
function stairs(x, y, members = groups.front) {
  const sign = (axis) => (axis.direction === "min" ? 1 : -1);
  const cost = (axis, candidate) => sign(axis) * valueOn(axis, candidate);
  const known = members.filter((candidate) => valueOn(x, candidate) !== null && valueOn(y, candidate) !== null);
  known.sort((a, b) => cost(x, a) - cost(x, b) || cost(y, a) - cost(y, b));
  const kept = [];
  for (const candidate of known) {
    if (kept.length === 0 || cost(y, candidate) < cost(y, kept[kept.length - 1])) kept.push(candidate);
  }
  return kept.sort((a, b) => valueOn(x, a) - valueOn(x, b));
}

/** Smallest and largest value on an axis, with room around them; around the fronts, or over everything. */
function extent(axis) {
  const near = choice.range.value === "front";
  const fronts = groups.front.concat(methods.flatMap((method) => method.front));
  const shown = near ? fronts : report.evaluations.concat(report.uniform, fronts);
  const values = shown.map((item) => valueOn(axis, item)).filter((value) => value !== null);
  if (near) values.push(...limitsOn(axis).map((limit) => limit.value));
  if (values.length === 0) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** Lines across an axis: constraints, and the float network. */
function limitsOn(axis) {
  const limits = report.constraints
    .filter((constraint) => constraint.axis === axis.key && constraint.limit !== null)
    .map((constraint) => ({ value: constraint.limit, name: constraint.label, kind: "limit" }));
  const float = axis.objective === undefined ? null : report.baseline.values[axis.objective];
  return float === null ? limits : limits.concat({ value: float, name: "float", kind: "float" });
}

function tooltip(item) {
  if (item.seriesName === "uniform") return uniformTip(report.uniform[item.data.id]);
  const method = methodOf(item);
  if (method !== undefined) return methodTip(method.name, method.front[item.data.id]);
  const candidate = candidates.get(item.data?.id);
  return candidate === undefined ? "" : candidateTip(candidate);
}
function candidateTip(candidate) {
  return element("div", { class: "tip" },
    element("strong", {}, `#${candidate.id}`),
    ...candidate.violated.map((violation) => element("p", { class: "reason" }, violation.reason)),
    ...(candidate.partial === undefined ? [] : [element("p", {}, partialText(candidate.partial))]),
    definitions(figuresOf(candidate)),
    element("div", { class: "run" }, ...candidate.bits.map(bitCells)));
}
/** The method whose line an item of the chart belongs to. */
const methodOf = (item) => methods[/^method (\d+)$/.exec(item.seriesName)?.[1]];
function methodTip(name, one) {
  return element("div", { class: "tip" },
    element("strong", {}, `by ${name} search`),
    definitions(axes.map((axis) => [axis.label, show(valueOn(axis, one), axis.unit)])),
    element("div", { class: "run" }, ...one.bits.map(bitCells)));
}
function uniformTip(row) {
  return element("div", { class: "tip" },
    element("strong", {}, `${row.precision} everywhere`),
    definitions([["Test error", show(row.test_error, report.baseline.error_unit)]]
      .concat(axes.map((axis) => [axis.label, show(valueOn(axis, row), axis.unit)]))));
}

/** The chosen axes with their ranges and the multiples of their units, and the points of items on them. */
function plane() {
  const [x, y] = [axes[choice.x.value], axes[choice.y.value]];
  const range = { x: extent(x), y: extent(y) };
  const unit = { x: multiple(x.unit, range.x[1]), y: multiple(y.unit, range.y[1]) };
  const known = (item) => valueOn(x, item) !== null && valueOn(y, item) !== null;
  // The chart copies its data, so a point carries the number of its item and not the item.
  const points = (items, number = (item) => item.id) => items.filter(known).map((item) => ({
    id: number(item), value: [valueOn(x, item) / unit.x.factor, valueOn(y, item) / unit.y.factor],
  }));
  return { x, y, range, unit, points };
}

/** How many candidates have no error, and why; nothing where all have one. */
function stoppedText() {
  const stopped = report.evaluations.filter((candidate) => candidate.partial !== undefined).length;
  return stopped === 0 ? [] : [`${stopped} candidates were not measured to the end, as they could not enter the front: no chart of errors has them.`];
}

const selectedPoints = ({ points }) => points([candidates.get(selection.id)].filter((one) => one !== undefined));

function frontOption(colour) {
  const on = plane();
  const { x, y, range, unit, points } = on;
  const hollow = (border, width) => ({ color: "transparent", borderColor: border, borderWidth: width });
  const shown = (box, items) => (byId(box).checked ? items : []);
  const axis = (side, described, gap) => ({
    ...axisStyle(colour), type: "value", scale: true,
    name: `${described.label}${unit[side].name ? ` (${unit[side].name})` : ""}, ${described.direction === "min" ? "less" : "more"} is better`,
    nameLocation: "middle", nameGap: gap,
    min: range[side][0] / unit[side].factor, max: range[side][1] / unit[side].factor,
    axisLabel: { ...axisStyle(colour).axisLabel, showMinLabel: false, showMaxLabel: false },
  });
  const lines = [...limitsOn(x).map((limit) => ({ ...limit, side: "x" })), ...limitsOn(y).map((limit) => ({ ...limit, side: "y" }))];
  return {
    ...chartStyle(colour),
    tooltip: { ...chartStyle(colour).tooltip, formatter: tooltip },
    toolbox: {
      right: 0, top: 0, itemSize: 14, iconStyle: { borderColor: colour.muted },
      feature: { dataZoom: { title: { zoom: "zoom", back: "undo" }, brushStyle: { color: colour.accent, opacity: 0.15 } } },
    },
    grid: { left: 62, right: 18, top: 36, bottom: 52 },
    xAxis: axis("x", x, 30),
    yAxis: axis("y", y, 44),
    dataZoom: ["xAxisIndex", "yAxisIndex"].map((side) => ({
      type: "inside", [side]: 0, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: "ctrl", preventDefaultMouseMove: false,
    })),
    series: [
      { name: "excluded", type: "scatter", symbol: "diamond", symbolSize: 8, data: points(shown("show-excluded", groups.excluded)),
        itemStyle: { ...hollow(colour.faint, 1), opacity: 0.6 } },
      { name: "dominated", type: "scatter", symbolSize: 6, data: points(shown("show-dominated", groups.dominated)),
        itemStyle: { color: colour.faint, opacity: 0.45 } },
      { name: "stairs", type: "line", step: x.direction === "min" ? "end" : "start", symbol: "none", silent: true, data: points(stairs(x, y)),
        lineStyle: { color: colour.accent, width: 2, opacity: 0.7 }, z: 4 },
      ...methods.map((method, index) => ({
        name: `method ${index}`, type: "line", step: x.direction === "min" ? "end" : "start", z: 3, symbol: "rect", symbolSize: 5,
        data: points(stairs(x, y, shown(`show-method-${index}`, method.front)), (one) => method.front.indexOf(one)),
        lineStyle: { color: colour.ink, width: 1.5, type: strokes[index % strokes.length], opacity: 0.75 }, itemStyle: { color: colour.ink },
      })),
      { name: "front", type: "scatter", symbolSize: 11, data: points(groups.front), z: 5,
        itemStyle: { color: colour.accent, borderColor: colour.card, borderWidth: 1.5 },
        markLine: {
          symbol: "none", silent: true,
          data: lines.map((line) => ({
            [`${line.side}Axis`]: line.value / unit[line.side].factor, name: line.name,
            lineStyle: { color: line.kind === "limit" ? colour.limit : colour.ink, type: line.kind === "limit" ? "dashed" : "dotted", width: 1.5 },
            label: { formatter: "{b}", position: "insideEndTop", color: line.kind === "limit" ? colour.limit : colour.ink },
          })),
        } },
      { name: "uniform", type: "scatter", symbol: "triangle", symbolSize: 10, z: 6,
        data: points(shown("show-uniform", report.uniform), (row) => report.uniform.indexOf(row)),
        itemStyle: { color: colour.mark },
        label: { show: true, position: "right", formatter: (item) => report.uniform[item.data.id].precision, color: colour.mark, fontSize: 12 } },
      { name: "selected", type: "scatter", symbol: "circle", symbolSize: 20, z: 7, silent: true,
        data: selectedPoints(on), itemStyle: hollow(colour.limit, 2.5) },
    ],
  };
}

const front = chartIn("front-chart", frontOption);
front.chart.on("click", (item) => {
  if (item.seriesName !== "uniform" && methodOf(item) === undefined && item.data?.id !== undefined) select(item.data.id);
});
function drawFront() {
  front.draw();
  const chosen = [choice.x, choice.y].map((list) => axes[list.value]);
  byId("axis-how").textContent = [...chosen.map((axis) => `${axis.label}: ${axis.how}.`), ...stoppedText()].join(" ");
}
for (const control of byId("front-controls").querySelectorAll("select, input")) control.addEventListener("change", drawFront);
drawFront();
onSelect(() => {
  front.chart.setOption({ series: [{ name: "selected", data: selectedPoints(plane()) }] });
});
