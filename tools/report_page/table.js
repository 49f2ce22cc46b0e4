/* Tables that sort. */

const collator = new Intl.Collator("en", { numeric: true });

/** Smallest first; numbers before text; what is missing is last in both directions. */
function compare(a, b, sign) {
  if (a == null || b == null) return (a == null) - (b == null);
  if (isNumber(a) && isNumber(b)) return sign * (a - b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return sign * collator.compare(a, b);
}

/**
 * Give a table a head of buttons that sort. A column has a title, the value `by` which
 * it sorts, and a `cell` (else the value itself); `down` if it begins with the largest.
 * Returns update(rows), which keeps the order; `attributes` are those of a row.
 */
function sortable(table, columns, attributes = () => ({})) {
  let rows = [];
  let order = null;
  const body = el("tbody");
  const heads = columns.map((column) => {
    const click = () => sort(column);
    const inside = column.by
      ? el("button", { type: "button", onclick: click }, column.title)
      : column.title;
    return el(
      "th",
      { scope: "col", class: column.number && "number", "aria-sort": column.by && "none" },
      inside,
    );
  });
  table.append(el("thead", {}, el("tr", {}, heads)), body);

  function sort(column) {
    const again = order?.column === column;
    order = { column, sign: again ? -order.sign : column.down ? -1 : 1 };
    heads.forEach((head, i) => {
      const here = columns[i] === column;
      if (columns[i].by)
        head.setAttribute(
          "aria-sort",
          !here ? "none" : order.sign > 0 ? "ascending" : "descending",
        );
    });
    show();
  }

  function show() {
    const keyed = rows.map((row) => [order?.column.by(row), row]);
    if (order) keyed.sort(([a], [b]) => compare(a, b, order.sign));
    body.replaceChildren(...keyed.map(([, row]) => (row.node ??= line(row))));
  }

  function line(row) {
    const cells = columns.map((column, i) => {
      const given = {
        class: [column.number && "number", column.class].filter(Boolean).join(" ") || null,
      };
      const inside = column.cell ? column.cell(row) : short(column.by(row));
      return el(
        i === (columns.head ?? 0) ? "th" : "td",
        { ...given, scope: i === (columns.head ?? 0) && "row" },
        inside,
      );
    });
    return el("tr", attributes(row), cells);
  }

  return (next) => {
    rows = next;
    show();
  };
}
