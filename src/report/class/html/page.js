// Search, sort and unfold. Without this the page shows the same, in the roster's order.
(() => {
  "use strict";
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  const body = one("#grid tbody");
  const rows = all("#grid tbody tr");
  const students = all(".student");
  const section = new Map(students.map((student) => [student.dataset.student, student]));
  const words = new Map(rows.map((row) => [
    row,
    plain(`${row.querySelector("th").textContent} ${row.dataset.words}`),
  ]));

  const show = () => {
    const wanted = plain(one("#find").value).split(/\s+/).filter(Boolean);
    const kind = one("#kind").value;
    let shown = 0;
    for (const row of rows) {
      const fits = wanted.every((word) => words.get(row).includes(word)) &&
        (!kind || row.dataset.kinds.split(" ").includes(kind));
      row.hidden = !fits;
      section.get(row.dataset.student).hidden = !fits;
      shown += fits;
    }
    one("#shown").textContent = `${shown} of ${rows.length} shown`;
    one("#nobody").hidden = shown > 0;
  };

  const sort = (head, place) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of all("#grid thead th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = head.dataset.sort === "number"
      ? (row) => Number(row.cells[place].dataset.value)
      : (row) => row.cells[place].textContent.trim();
    const compare = head.dataset.sort === "number"
      ? (a, b) => a - b
      : new Intl.Collator(undefined, { numeric: true }).compare;
    const sorted = rows.map((row) => [key(row), row]);
    sorted.sort(([a], [b]) => compare(a, b) * (down ? -1 : 1));
    body.append(...sorted.map(([, row]) => row));
  };

  all("#grid thead th").forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head, place));
    head.append(button);
  });

  // A link to a student opens the section.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const student = target && target.closest("details.student");
    if (student) {
      student.open = true;
      student.hidden = false;
      student.querySelector("summary").focus({ preventScroll: true });
      student.scrollIntoView();
    }
  };

  one("#unfold").addEventListener("click", () => {
    const open = students.some((student) => !student.hidden && !student.open);
    for (const student of students) if (!student.hidden) student.open = open;
    one("#unfold").textContent = open ? "Close all students" : "Open all students";
  });
  one("#find").addEventListener("input", show);
  one("#kind").addEventListener("change", show);
  addEventListener("hashchange", reveal);
  one("#tools").hidden = false;
  show();
  reveal();
})();
