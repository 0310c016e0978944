// The curves, drawn by uPlot: what the figures of one member were, over frames.

import uPlot from "./vendor/uPlot.esm.js";

const MOST_ROWS = 4096;
const HEIGHT = 132;
const INK = { axis: "#8d8a84", grid: "rgba(255, 255, 255, 0.06)" };
const WARM = "#f0883e";
const COOL = "#58a6d6";

const PLOTS = [
  { title: "frames/s", lines: [["speed/frames_per_s", WARM, ""]] },
  { title: "held-out error", lines: [["held_out/error_ratio", WARM, "1 = an empty canvas"]], points: true },
  { title: "accepted as digits", lines: [["held_out/accepted", WARM, "share of inventions"]], points: true },
  {
    title: "discriminator's scores",
    lines: [
      ["discriminator/real", COOL, "real"],
      ["discriminator/fake", WARM, "ours"],
    ],
  },
  { title: "return", lines: [["policy/return", WARM, ""]] },
  { title: "imitation loss", lines: [["cloning/loss", WARM, "nats a command"]] },
  { title: "entropy", lines: [["policy/entropy", WARM, "nats a command"]] },
  { title: "policy lag", lines: [["policy/lag", WARM, "versions"]] },
];

export class Curves {
  constructor(element) {
    this.element = element;
    this.member = 0;
    this.plots = [];
    this.clear();
    new ResizeObserver(() => this.#resize()).observe(element);
  }

  clear() {
    this.rows = new Map();
    this.#build();
  }

  /** The next rows are all that there are. */
  expectAll() {
    this.rows = new Map();
  }

  add(rows) {
    for (const row of rows) {
      if (!this.rows.has(row.member)) this.rows.set(row.member, []);
      this.rows.get(row.member).push(row);
    }
    for (const [member, all] of this.rows) if (all.length > MOST_ROWS) this.rows.set(member, thinned(all));
    this.#draw();
  }

  choose(member) {
    this.member = member;
    this.#draw();
  }

  #draw() {
    const rows = (this.rows.get(this.member) ?? []).toSorted((a, b) => a.frames - b.frames);
    const known = (plot) => plot.lines.some(([name]) => rows.some((row) => row[name] !== null));
    const shown = PLOTS.filter(known);
    if (shown.length !== this.plots.length || shown.some((plot, i) => plot !== this.plots[i].plot)) this.#build(shown);
    for (const { plot, chart } of this.plots) {
      const kept = rows.filter((row) => plot.lines.some(([name]) => row[name] !== null));
      chart.setData([kept.map((row) => row.frames), ...plot.lines.map(([name]) => kept.map((row) => row[name]))]);
    }
  }

  #build(shown = []) {
    for (const { chart } of this.plots) chart.destroy();
    this.element.replaceChildren();
    this.plots = shown.map((plot) => {
      const box = document.createElement("figure");
      box.append(caption(plot));
      this.element.append(box);
      return { plot, box, chart: new uPlot(options(plot, box.clientWidth), [[], ...plot.lines.map(() => [])], box) };
    });
  }

  #resize() {
    for (const { chart, box } of this.plots) chart.setSize({ width: box.clientWidth, height: HEIGHT });
  }
}

function caption(plot) {
  const element = document.createElement("figcaption");
  element.textContent = plot.title;
  for (const [, color, label] of plot.lines.filter(([, , text]) => text)) {
    const mark = document.createElement("small");
    mark.textContent = label;
    mark.style.color = plot.lines.length > 1 ? color : INK.axis;
    element.append(" ", mark);
  }
  return element;
}

function options(plot, width) {
  const axis = { stroke: INK.axis, grid: { stroke: INK.grid, width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    legend: { show: false },
    cursor: { y: false },
    padding: [8, 12, 0, 0],
    axes: [
      { ...axis, size: 24, space: 70, values: (_, ticks) => ticks.map(short) },
      { ...axis, size: 46, space: 28, values: (_, ticks) => ticks.map(short) },
    ],
    series: [
      {},
      ...plot.lines.map(([name, color]) => ({
        label: name,
        stroke: color,
        width: 1.8,
        spanGaps: true,
        points: { show: plot.points ?? false, size: 5, fill: color },
      })),
    ],
  };
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e3) return `${+(value / 1e3).toPrecision(3)}k`;
  return String(+value.toPrecision(4));
}

/** Every second row of the older half, so that a page that is open for days stays small; measurements all stay. */
function thinned(rows) {
  const half = rows.length >> 1;
  const measured = (row) => row["held_out/error_ratio"] !== null || row["held_out/accepted"] !== null;
  return [...rows.slice(0, half).filter((row, i) => i % 2 || measured(row)), ...rows.slice(half)];
}
