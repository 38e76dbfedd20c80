// Parallel coordinates of the front, the hypervolume over evaluations, the training curves; then the first selection.
"use strict";

/** The columns of the parallel coordinates: bits of each layer (as log2, so that steps are even), then the axes. */
const parallelColumns = sites.flatMap((site, index) => {
  const parts = report.platform.tied ? [[0, ""]] : [[0, " W"], [1, " A"]];
  return parts.map(([part, suffix]) => ({ name: site.name + suffix, bits: true, value: (candidate) => Math.log2(widths(candidate.bits[index])[part]) }));
}).concat(axes.map((axis) => {
  const largest = Math.max(0, ...groups.front.map((candidate) => Math.abs(valueOn(axis, candidate) ?? 0)));
  const { name, factor } = multiple(axis.unit, largest);
  const value = (candidate) => (valueOn(axis, candidate) === null ? null : valueOn(axis, candidate) / factor);
  return { name: name ? `${axis.label}, ${name}` : axis.label, bits: false, value };
}));

/** A small offset, different for neighbouring lines, so that lines through the same bits stay apart. */
const spread = (line) => (((line * 7) % 11) / 10 - 0.5) * 0.34;

function parallelOption(colour) {
  const line = (candidate, index) => parallelColumns.map((column) => {
    const value = column.value(candidate);
    return value !== null && column.bits ? value + spread(index) : value;
  });
  const lines = groups.front.map((candidate, index) => ({ id: candidate.id, value: line(candidate, index) }));
  return {
    ...chartStyle(colour),
    tooltip: { ...chartStyle(colour).tooltip, formatter: tooltip },
    parallel: { left: 24, right: 88, top: 76, bottom: 20 },
    parallelAxis: parallelColumns.map((column, dim) => {
      const range = column.bits ? { min: 0.6, max: 4.4, interval: 1 } : { scale: true, splitNumber: 3 };
      const label = column.bits
        ? { customValues: [1, 2, 3, 4], formatter: (value) => String(2 ** value) }
        : { fontSize: 11 };
      return {
        dim, id: `axis${dim}`, name: column.name, nameTruncate: { maxWidth: 120 }, nameLocation: "end", nameRotate: 28, nameGap: 12, ...range, ...axisStyle(colour),
        nameTextStyle: { color: colour.ink, fontSize: 12, align: "left" },
        axisLabel: { color: colour.muted, ...label }, axisTick: column.bits ? { customValues: [1, 2, 3, 4] } : {},
        areaSelectStyle: { width: 16, color: colour.accent, borderColor: colour.accent, opacity: 0.25 },
      };
    }),
    series: [
      { name: "front", type: "parallel", data: lines, lineStyle: { color: colour.accent, width: 1.2, opacity: 0.45 }, inactiveOpacity: 0.04, activeOpacity: 0.8 },
      { name: "selected", type: "parallel", data: lines.filter((one) => one.id === selection.id), silent: true, z: 5,
        lineStyle: { color: colour.limit, width: 3, opacity: 1 }, inactiveOpacity: 1, activeOpacity: 1 },
    ],
  };
}

byId("parallel-chart").style.minWidth = `${parallelColumns.length * 46}px`;
const parallel = chartIn("parallel-chart", parallelOption);
const ranges = new Map();
parallel.chart.on("axisareaselected", (event) => {
  const dim = Number(event.parallelAxisId.slice("axis".length));
  ranges.set(dim, event.intervals ?? []);
  const inside = (candidate, index) => [...ranges].every(([column, intervals]) => {
    const value = parallelColumns[column].value(candidate);
    const placed = parallelColumns[column].bits ? value + spread(index) : value;
    return intervals.length === 0 || (value !== null && intervals.some(([low, high]) => low <= placed && placed <= high));
  });
  const any = [...ranges.values()].some((intervals) => intervals.length > 0);
  keepRows(any ? new Set(groups.front.filter(inside).map((candidate) => candidate.id)) : null);
});
parallel.chart.on("click", (item) => {
  if (item.data?.id !== undefined) select(item.data.id);
});
onSelect(() => parallel.chart.setOption({ series: [{}, { data: parallelOption(colours()).series[1].data }] }));

/** A line chart over whole numbers. */
function curveOption(colour, { across, left, right, curves, step }) {
  const side = (name) => ({ ...axisStyle(colour), type: "value", scale: true, name, nameLocation: "middle", nameGap: 46 });
  const palette = [colour.accent, colour["line-2"], colour.ink];
  return {
    ...chartStyle(colour),
    tooltip: { ...chartStyle(colour).tooltip, trigger: "axis", valueFormatter: (value) => (value === null ? "–" : significant(value)) },
    legend: { show: curves.length > 1, top: 0, left: 0, textStyle: { color: colour.muted } },
    grid: { left: 62, right: right ? 62 : 18, top: 34, bottom: 46 },
    xAxis: { ...side(across), nameGap: 28, minInterval: 1, min: "dataMin", max: "dataMax", splitLine: { show: false } },
    yAxis: right ? [side(left), { ...side(right), splitLine: { show: false } }] : side(left),
    series: curves.map((curve, index) => ({
      name: curve.name, type: "line", step, data: curve.points, yAxisIndex: curve.right ? 1 : 0, showSymbol: curve.points.length < 40,
      symbol: ["circle", "diamond", "triangle"][index], symbolSize: 6,
      lineStyle: { width: 2, type: ["solid", "dashed", "dotted"][index] }, color: palette[index],
    })),
  };
}

chartIn("hypervolume-chart", (colour) => curveOption(colour, {
  across: "evaluations", left: "hypervolume", step: "end",
  curves: [{ name: "the search", points: report.hypervolume.points }, ...methods].map((method) => (
    { name: method.name, points: method.points.map((point) => [point.evaluations, point.hypervolume]) })),
}));

const epochs = report.training;
byId("training-note").textContent = epochs.length === 0
  ? "The network was given, not trained by this run."
  : `${epochs.length} epochs; learning rate from ${epochs[0].learning_rate} to ${epochs[epochs.length - 1].learning_rate}.`;
if (epochs.length === 0) byId("training-chart").remove();
else chartIn("training-chart", (colour) => curveOption(colour, {
  across: "epoch", left: `loss, ${report.training_units.loss}`,
  right: report.training_units.error === "" ? "validation error" : `validation error, ${report.training_units.error}`,
  curves: [
    { name: "training loss", points: epochs.map((epoch) => [epoch.epoch, epoch.train_loss]) },
    { name: "validation loss", points: epochs.map((epoch) => [epoch.epoch, epoch.valid_loss]) },
    { name: "validation error", points: epochs.map((epoch) => [epoch.epoch, epoch.valid_error]), right: true },
  ],
}));

// Start with a member of the front to show: the one nearest the middle of the stairs of the chosen axes.
const opening = stairs(axes[choice.x.value], axes[choice.y.value]);
select(opening.length === 0 ? null : opening[Math.floor(opening.length / 2)].id);
