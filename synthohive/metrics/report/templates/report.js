// Sorting and filtering of the overview. The page says the same without it.
"use strict";
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const value = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent.trim();
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric; // of numbers, the largest first
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = (a, b) => numeric ? Number(a) - Number(b) : a.localeCompare(b);
      const rows = [...body.rows].sort((a, b) => compare(value(a, i), value(b, i)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
  const tools = document.querySelector(`.tools[data-for="${table.id}"]`);
  if (!tools) continue;
  tools.hidden = false;
  const name = tools.querySelector("input"), level = tools.querySelector("select");
  const shown = tools.querySelector("output");
  const filter = () => {
    let count = 0;
    for (const row of body.rows) {
      const text = row.cells[0].textContent.toLowerCase();
      row.hidden = !text.includes(name.value.trim().toLowerCase())
        || (level.value !== "" && row.dataset.level !== level.value);
      count += !row.hidden;
    }
    shown.textContent = `${count} of ${body.rows.length}`;
  };
  name.addEventListener("input", filter);
  level.addEventListener("change", filter);
  filter();
}
// Browsers that cannot show closed parts in print by style alone.
const closed = [];
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) { part.open = true; closed.push(part); }
});
addEventListener("afterprint", () => { for (const part of closed.splice(0)) part.open = false; });
