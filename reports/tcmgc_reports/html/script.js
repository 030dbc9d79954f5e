// Sorts a table by a column: a click on its heading, another one for the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => {
      const first = heading.dataset.first || "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = heading.getAttribute("aria-sort") === first ? other : first;
      const sign = order === "ascending" ? 1 : -1;
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const compare = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y);
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
      headings.forEach((one) => one.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
    });
  });
}

// Shows the picture whose axis is chosen; all of them, one below the other, where no script runs.
for (const figure of document.querySelectorAll(".scatters")) {
  const axes = figure.querySelector(".axes");
  if (!axes) continue;
  const show = () => {
    const chosen = axes.querySelector("input:checked").value;
    for (const chart of figure.querySelectorAll(".scatter")) chart.hidden = chart.dataset.axis !== chosen;
  };
  axes.hidden = false;
  axes.addEventListener("change", show);
  show();
}
