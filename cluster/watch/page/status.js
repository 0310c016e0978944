// The lines at the top and at the bottom: whether something comes, and how far the run is.

const QUIET_S = 10;

export class Status {
  constructor(pill, text, name, numbers, footer) {
    Object.assign(this, { pill, text, name, numbers, footer });
    this.row = null;
    this.run = null;
    this.server = null;
    this.ahead = 0; // seconds by which the server's clock is ahead of ours
    this.delay = null;
    this.beganAt = performance.now();
    setInterval(() => this.#show(), 1000);
  }

  /** From now on everything is shown anew: first what was painted before, which is not late. */
  begin() {
    this.beganAt = performance.now();
  }

  describe(run) {
    this.run = run;
    this.row = null;
    this.name.textContent = `${run.preset} · ${run.environment} · ${run.folder}`;
    document.title = `SPIRAL: ${run.preset}`;
    this.#show();
  }

  hear(message) {
    this.server = message;
    this.heardAt = performance.now();
    this.ahead = message.now - Date.now() / 1000;
    this.#show();
  }

  lost() {
    this.server = null;
    this.#show();
  }

  /** Takes the newest rows; a figure that a row does not have stays as it was. */
  count(rows) {
    for (const row of rows) {
      this.row ??= {};
      for (const [name, value] of Object.entries(row)) if (value !== null) this.row[name] = value;
    }
    this.#show();
  }

  /** Takes note that the last command of a piece has appeared. */
  painted(head) {
    const delay = this.serverTime() - head.painted;
    if (delay < (performance.now() - this.beganAt) / 1000 && !document.hidden) this.delay = delay;
  }

  serverTime() {
    return Date.now() / 1000 + this.ahead;
  }

  #show() {
    const [state, text] = this.#state();
    this.pill.dataset.state = state;
    this.text.textContent = text;
    this.#showNumbers();
    this.#showFooter();
  }

  #state() {
    if (!this.server) return ["lost", "The server does not answer. Trying again."];
    const silence = Math.round(this.server.silence + (performance.now() - this.heardAt) / 1000);
    if (!this.run) return ["waiting", `There is not ${this.server.wanted} yet. Waiting.`];
    if (!this.server.following) return ["waiting", "The run has ended. Waiting for the next one."];
    if (silence > QUIET_S) return ["quiet", `Nothing has come for ${silence} s: is the training running?`];
    const speed = this.row?.["speed/frames_per_s"];
    const phase = this.row?.phase === "cloning" ? "Warming up by imitation" : "Training";
    return ["live", speed ? `${phase}, ${Math.round(speed).toLocaleString()} frames/s` : phase];
  }

  #showNumbers() {
    const row = this.row ?? {};
    const shown = [
      ["frames", row.frames, (x) => x.toLocaleString()],
      ["time", row.seconds, clock],
      ["held-out error", row["held_out/error_ratio"], (x) => x.toFixed(3)],
      ["accepted as digits", row["held_out/accepted"], (x) => `${(100 * x).toFixed(0)} %`],
      ["entropy", row["policy/entropy"], (x) => x.toFixed(2)],
    ].filter(([, value]) => value !== undefined);
    this.numbers.replaceChildren(...shown.map(([name, value, form]) => number(name, form(value))));
  }

  #showFooter() {
    const { refused = 0, dropped = 0, watchers = 0 } = this.server ?? {};
    const parts = [
      `${watchers} watching`,
      `${refused.toLocaleString()} malformed records refused`,
      `${dropped.toLocaleString()} messages dropped for slow watchers`,
    ];
    if (this.delay !== null) parts.push(`strokes appear ${Math.max(0, this.delay).toFixed(1)} s after they were painted`);
    this.footer.textContent = parts.join(" · ");
  }
}

function number(name, value) {
  const box = document.createElement("div");
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  box.append(term, description);
  return box;
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.slice(parts[0] ? 0 : 1).map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}
