// The population: a line for each member, as soon as a second one shows itself.

const COLUMNS = [
  ["member", "member", (x) => x],
  ["frames", "frames", (x) => x.toLocaleString(undefined, { notation: "compact", maximumSignificantDigits: 4 })],
  ["held_out/error_ratio", "held-out error", (x) => x.toFixed(3)],
  ["policy/return", "return", (x) => x.toFixed(3)],
  ["policy/entropy", "entropy", (x) => x.toFixed(2)],
  ["policy/learning_rate", "learning rate", (x) => x.toExponential(1)],
];

export class Members {
  constructor(section, table, choose) {
    Object.assign(this, { section, table, choose });
    this.clear();
  }

  clear() {
    this.newest = new Map();
    this.chosen = 0;
    this.#show();
  }

  add(rows) {
    for (const row of rows) {
      const known = Object.entries(row).filter(([, value]) => value !== null);
      this.newest.set(row.member, { ...this.newest.get(row.member), ...Object.fromEntries(known) });
    }
    this.#show();
  }

  #show() {
    this.section.hidden = this.newest.size < 2;
    const head = document.createElement("tr");
    head.append(...COLUMNS.map(([, title]) => cell("th", title)));
    const members = [...this.newest.keys()].sort((a, b) => a - b);
    this.table.replaceChildren(head, ...members.map((member) => this.#line(member)));
  }

  #line(member) {
    const line = document.createElement("tr");
    const row = this.newest.get(member);
    line.append(...COLUMNS.map(([name, , form]) => cell("td", row[name] === undefined ? "" : form(row[name]))));
    line.dataset.member = member;
    line.classList.toggle("chosen", member === this.chosen);
    line.addEventListener("click", () => {
      this.chosen = member;
      this.choose(member);
      this.#show();
    });
    return line;
  }
}

function cell(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}
