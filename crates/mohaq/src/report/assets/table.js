// The table of the front: sorting, selection by mouse and keys, copying, filtering by the parallel coordinates.
"use strict";

const frontTable = byId("front-table");
const frontRows = () => [...frontTable.tBodies[0].rows];

/** Sorts the rows by a column; a second call turns the order. Missing values stay at the end. */
function sortBy(heading) {
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of frontTable.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const key = (row) => row.cells[heading.cellIndex].dataset.sort;
  const sorted = frontRows().sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === "" || right === "") return (left === "") - (right === "");
    return ascending ? left - right : right - left;
  });
  frontTable.tBodies[0].append(...sorted);
}

for (const heading of frontTable.querySelectorAll("thead th")) {
  const button = element("button", { type: "button" });
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => sortBy(heading));
}

for (const row of frontRows()) {
  row.tabIndex = -1;
  row.addEventListener("click", () => select(Number(row.dataset.id)));
}
for (const button of frontTable.querySelectorAll(".copy")) {
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    copyText(button, button.dataset.bits);
  });
}

// One row at a time is in the tab order; arrow keys move it and select.
frontTable.tBodies[0].addEventListener("keydown", (event) => {
  const row = event.target.closest("tr");
  if (event.target !== row) return;
  const rows = frontRows().filter((one) => !one.classList.contains("filtered"));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const next = step === undefined ? null : rows[rows.indexOf(row) + step];
  if (next) {
    select(Number(next.dataset.id));
    next.focus();
  } else if (event.key === "Enter" || event.key === " ") {
    select(Number(row.dataset.id));
  } else {
    return;
  }
  event.preventDefault();
});

onSelect((id) => {
  const rows = frontRows();
  for (const row of rows) {
    const selected = Number(row.dataset.id) === id;
    row.setAttribute("aria-current", String(selected));
    row.tabIndex = selected ? 0 : -1;
  }
  if (rows.length > 0 && !frontPoints.has(id)) rows[0].tabIndex = 0;
});

/** Keeps the rows of these candidates, or all of them for null. */
function keepRows(ids) {
  for (const row of frontRows()) row.classList.toggle("filtered", ids !== null && !ids.has(Number(row.dataset.id)));
  byId("filter-note").textContent = ids === null ? "" : `Showing ${ids.size} of ${frontPoints.size}, by the ranges below.`;
}
