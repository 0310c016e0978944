// A small chart, drawn as SVG: lines over frames, and beside the pointer what they are there.

const HEIGHT = 132;
const EDGE = { left: 46, right: 12, top: 8, bottom: 24 };
const SPACE = { x: 52, y: 20 }; // pixels from one tick to the next, at least
const ROOM = 0.08; // above and below the lines, as a part of their height

export class Chart {
  /** `lines` are pairs of a figure's name and a class; `dots` marks every value. */
  constructor({ title, lines, dots = false }) {
    Object.assign(this, { lines, dots, rows: [], pointer: null });
    this.element = document.createElement("div");
    this.element.className = "chart";
    this.svg = shape("svg", { height: HEIGHT, role: "img", "aria-label": `${title}, over frames` });
    this.readout = document.createElement("output");
    this.readout.hidden = true;
    this.element.append(this.svg, this.readout);
    this.svg.addEventListener("pointermove", (event) => this.#point(event.clientX));
    this.svg.addEventListener("pointerleave", () => this.#point(null));
  }

  /** Shows these rows, in the order of their frames; a figure that a row does not have is null, or not there. */
  show(rows) {
    this.rows = rows.filter((row) => this.lines.some(([name]) => row[name] != null));
    this.draw();
  }

  draw() {
    if (!this.rows.length) return;
    const right = this.svg.getBoundingClientRect().width - EDGE.right;
    const bottom = HEIGHT - EDGE.bottom;
    const series = this.lines.map(([name]) => this.rows.filter((row) => row[name] != null));
    const values = series.flatMap((rows, i) => rows.map((row) => row[this.lines[i][0]]));
    this.x = scale(range(this.rows.map((row) => row.frames), 0), EDGE.left, right);
    this.y = scale(range(values, ROOM), bottom, EDGE.top);
    this.marks = shape("g", { class: "marks" });
    this.svg.replaceChildren(
      ...ticks(this.y.range, (bottom - EDGE.top) / SPACE.y).flatMap(([value, label]) => {
        const y = this.y(value);
        return [
          shape("line", { class: "grid", x1: EDGE.left, x2: right, y1: y, y2: y }),
          shape("text", { class: "y", x: EDGE.left - 8, y: y + 4 }, label),
        ];
      }),
      ...ticks(this.x.range, (right - EDGE.left) / SPACE.x).flatMap(([value, label]) => {
        const x = this.x(value);
        return [
          shape("line", { class: "grid", x1: x, x2: x, y1: EDGE.top, y2: bottom }),
          shape("text", { class: "x", x, y: HEIGHT - 6 }, label),
        ];
      }),
      ...series.flatMap((rows, i) => this.#line(rows, ...this.lines[i])),
      this.marks,
    );
    this.#point(this.pointer);
  }

  #line(rows, name, kind) {
    const places = seen(rows.map((row) => [this.x(row.frames), this.y(row[name])]));
    const texts = places.map((place) => place.map((pixels) => pixels.toFixed(1)).join());
    const drawn = [shape("path", { class: `line ${kind}`, d: `M${texts.join("L")}` })];
    // A line of no length has round ends: a dot.
    if (this.dots || rows.length === 1) drawn.push(shape("path", { class: `dots ${kind}`, d: `M${texts.join("h0M")}h0` }));
    return rows.length ? drawn : [];
  }

  /** Shows the values nearest to this place in the window, or none. */
  #point(pointer) {
    this.pointer = pointer;
    this.readout.hidden = pointer === null || !this.rows.length;
    if (this.readout.hidden) return this.marks?.replaceChildren();
    const whole = this.svg.getBoundingClientRect();
    const away = (row) => Math.abs(this.x(row.frames) - (pointer - whole.left));
    const row = this.rows.reduce((best, other) => (away(other) < away(best) ? other : best));
    const known = this.lines.filter(([name]) => row[name] != null);
    const x = this.x(row.frames);
    this.marks.replaceChildren(
      shape("line", { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      ...known.map(([name, kind]) => shape("circle", { class: kind, cx: x, cy: this.y(row[name]), r: 3.5 })),
    );
    this.readout.replaceChildren(
      ...known.flatMap(([name, kind]) => {
        const value = document.createElement("b");
        value.className = kind;
        value.textContent = row[name].toLocaleString("en", { maximumSignificantDigits: 4 });
        return [value, " "];
      }),
      `at ${row.frames.toLocaleString("en")}`,
    );
    // Below the line, on the axis, so that no curve is covered.
    const { width } = this.readout.getBoundingClientRect();
    const left = Math.max(0, Math.min(x - width / 2, whole.width - width));
    this.readout.style.transform = `translateX(${left}px)`;
  }
}

/** A straight function from a range of values to pixels. */
function scale([low, high], from, to) {
  return Object.assign((value) => from + ((value - low) / (high - low)) * (to - from), { range: [low, high] });
}

/** From the smallest value to the largest, and some room, but not beyond zero for the room's sake. */
function range(values, room) {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const more = high > low ? room * (high - low) : Math.abs(high) / 2 || 1;
  return [low < 0 ? low - more : Math.max(0, low - more), high < 0 ? Math.min(0, high + more) : high + more];
}

/** The round numbers in a range, with no more than `most` steps from end to end, and how they are written. */
function ticks([low, high], most) {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((times) => times * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const values = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step + 0);
  // As many digits as tell one from the next.
  const digits = Math.floor(Math.log10(Math.max(-low, high))) - Math.floor(Math.log10(step)) + 1;
  const form = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: Math.max(1, digits) });
  return values.map((value) => [value, form.format(value)]);
}

/** Of all places in one column of pixels the first, the last, the highest and the lowest: the line looks the same. */
function seen(places) {
  return [...Map.groupBy(places, ([x]) => Math.round(x)).values()].flatMap((column) => {
    const lowest = column.reduce((a, b) => (b[1] > a[1] ? b : a));
    const highest = column.reduce((a, b) => (b[1] < a[1] ? b : a));
    return [...new Set([column[0], lowest, highest, column.at(-1)])];
  });
}

function shape(kind, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}
