// The curves: what the figures of one member were, over frames.

import { Chart } from "./chart.js";

const MOST_ROWS = 4096;

const PLOTS = [
  { title: "frames/s", lines: [["speed/frames_per_s", "warm", ""]] },
  { title: "held-out error", lines: [["held_out/error_ratio", "warm", "1 = an empty canvas"]], dots: true },
  { title: "accepted as digits", lines: [["held_out/accepted", "warm", "share of inventions"]], dots: true },
  { title: "return", lines: [["policy/return", "warm", ""]] },
  { title: "imitation loss", lines: [["cloning/loss", "warm", "nats a command"]] },
  { title: "entropy", lines: [["policy/entropy", "warm", "nats a command"]] },
  { title: "policy lag", lines: [["policy/lag", "warm", "versions"]] },
];

export class Curves {
  constructor(element) {
    this.element = element;
    this.member = 0;
    this.plots = [];
    this.rewards = new Map();
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
    const known = (plot) => plot.lines.some(([name]) => rows.some((row) => row[name] != null));
    const shown = [...PLOTS, ...this.#scores(rows)].filter(known);
    if (shown.length !== this.plots.length || shown.some((plot, i) => plot !== this.plots[i].plot)) this.#build(shown);
    for (const { chart } of this.plots) chart.show(rows);
  }

  /** A plot for each reward that learns, the same one whenever it is asked for. */
  #scores(rows) {
    for (const row of rows) {
      for (const name of Object.keys(row)) {
        const reward = /^reward\/(.+)\/(?:real|fake)$/.exec(name)?.[1];
        if (reward && !this.rewards.has(reward)) this.rewards.set(reward, scoresOf(reward));
      }
    }
    return this.rewards.values();
  }

  #build(shown = []) {
    this.plots = shown.map((plot) => ({ plot, chart: new Chart(plot) }));
    this.element.replaceChildren(...this.plots.map(({ plot, chart }) => figure(plot, chart)));
  }

  #resize() {
    for (const { chart } of this.plots) chart.draw();
  }
}

function scoresOf(reward) {
  const lines = [
    [`reward/${reward}/real`, "cool", "real"],
    [`reward/${reward}/fake`, "warm", "ours"],
  ];
  return { title: `${reward}'s scores`, lines };
}

function figure({ title, lines }, chart) {
  const element = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  for (const [, kind, label] of lines.filter(([, , text]) => text)) {
    const mark = document.createElement("small");
    mark.textContent = label;
    if (lines.length > 1) mark.className = kind;
    caption.append(" ", mark);
  }
  element.append(caption, chart.element);
  return element;
}

/** Every second row of the older half, so that a page that is open for days stays small; measurements all stay. */
function thinned(rows) {
  const half = rows.length >> 1;
  const measured = (row) => row["held_out/error_ratio"] !== null || row["held_out/accepted"] !== null;
  return [...rows.slice(0, half).filter((row, i) => i % 2 || measured(row)), ...rows.slice(half)];
}
