// One episode from near: its program, its replay, and its downloads.

const FRAME_MS = 260;
const FORMS = ["json", "svg", "png"];

export class ProgramDialog {
  constructor(element) {
    this.element = element;
    this.run = null;
    this.$ = (id) => element.querySelector(`#${id}`);
    this.$("close").addEventListener("click", () => element.close());
    element.addEventListener("click", (event) => event.target === element && element.close());
    element.addEventListener("close", () => this.#stop());
    this.$("step").addEventListener("input", () => {
      this.#stop();
      this.#go(Number(this.$("step").value));
    });
    this.$("play").addEventListener("click", () => this.#play());
  }

  /** Opens for a film of the wall; its own copies of the frames outlive the card. */
  async show(film) {
    const { episode, head } = film;
    this.episode = episode;
    delete this.element.dataset.sharp;
    this.length = head.length;
    this.frames = steps(film);
    const target = this.$("stage-target");
    target.hidden = !head.target;
    if (head.target) copyTo(target.querySelector("canvas"), film, (context) => film.drawTarget(context));
    this.$("program-title").textContent = `Program ${episode.slice(0, 8)}`;
    this.$("stage-note").textContent = head.version < 0 ? "a program to be imitated" : `by version ${head.version.toLocaleString()}`;
    this.$("step").max = this.length;
    this.$("download-note").textContent = "";
    this.$("commands").replaceChildren();
    for (const form of FORMS) this.#link(form);
    this.element.showModal();
    this.#go(this.length);
    await Promise.all([this.#list(), this.#sharpen()]);
  }

  #link(form) {
    const link = this.$(`get-${form}`);
    link.href = `/episodes/${this.episode}.${form}`;
    link.download = `spiral-${this.episode}.${form}`;
    link.hidden = form === "svg" && this.run?.environment !== "spiral/Paint-v0";
  }

  /** The commands as a table; the sub-actions that do not count for a kind of command are grey. */
  async #list() {
    const { episode } = this;
    const answer = await fetch(`/episodes/${episode}.json`);
    if (episode !== this.episode) return;
    if (!answer.ok) {
      this.$("download-note").textContent = await answer.text();
      return;
    }
    const program = await answer.json();
    const spec = this.run.action_spec;
    const kind = spec.heads.findIndex((head) => head.name === spec.kind);
    const title = row("th", ["", ...spec.heads.map((head) => head.name)]);
    const lines = program.actions.map((action, i) => {
      const line = row("td", [i + 1, ...action.map((index, h) => place(index, spec.heads[h]))]);
      const counts = spec.relevant[action[kind]];
      spec.heads.forEach((head, h) => line.children[h + 1].classList.toggle("idle", !counts.includes(head.name)));
      line.addEventListener("click", () => {
        this.#stop();
        this.#go(i + 1);
      });
      return line;
    });
    this.$("commands").replaceChildren(title, ...lines);
    this.#mark();
  }

  /** The same frames, painted anew and larger, where the server can do that. */
  async #sharpen() {
    const { episode } = this;
    const answer = await fetch(`/episodes/${episode}.film`);
    if (!answer.ok || episode !== this.episode) return;
    const image = await createImageBitmap(await answer.blob());
    const size = image.width;
    if (episode !== this.episode || size <= this.frames[0].width) return;
    this.frames = await Promise.all(
      this.frames.map((_, step) => createImageBitmap(image, 0, step * size, size, size)),
    );
    this.element.dataset.sharp = episode;
    this.#go(this.step);
  }

  #play() {
    this.#stop();
    this.#go(0);
    this.timer = setInterval(() => (this.step < this.length ? this.#go(this.step + 1) : this.#stop()), FRAME_MS);
  }

  #stop() {
    clearInterval(this.timer);
  }

  #go(step) {
    this.step = step;
    const frame = this.frames[step];
    const canvas = this.$("stage-canvas").querySelector("canvas");
    canvas.width = frame.width;
    canvas.height = frame.height;
    canvas.getContext("2d").drawImage(frame, 0, 0);
    this.$("step").value = step;
    this.$("step-note").textContent = `${step} / ${this.length}`;
    this.#mark();
  }

  #mark() {
    [...this.$("commands").rows].forEach((line, i) => line.classList.toggle("now", i === this.step && i > 0));
  }
}

/** A canvas for every step of a film. */
function steps(film) {
  return Array.from({ length: film.head.length + 1 }, (_, step) => {
    const canvas = document.createElement("canvas");
    copyTo(canvas, film, (context) => film.draw(context, step));
    return canvas;
  });
}

function copyTo(canvas, film, draw) {
  canvas.width = film.width;
  canvas.height = film.height;
  draw(canvas.getContext("2d"));
}

/** A location as row and column, another choice as its number. */
function place(index, head) {
  return head.grid ? `${Math.floor(index / head.grid[1])}, ${index % head.grid[1]}` : index;
}

function row(kind, texts) {
  const line = document.createElement("tr");
  line.append(
    ...texts.map((text) => {
      const cell = document.createElement(kind);
      cell.textContent = text;
      return cell;
    }),
  );
  return line;
}
