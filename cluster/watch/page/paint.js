// A picture that the watcher brings: chosen or dropped, painted before his eyes, and taken away.

const FORMS = ["program.json", "painting.png", "painting.svg", "painting.gif"];

export class PaintDialog {
  /** `opener` is the button that opens it, and says how far a painting is. */
  constructor(element, opener) {
    Object.assign(this, { element, opener, watcher: null, painting: null, file: null, busy: false });
    this.$ = (id) => element.querySelector(`#paint-${id}`);
    for (const button of [opener, ...document.querySelectorAll("button.paint")]) {
      button.addEventListener("click", () => this.open());
    }
    this.$("close").addEventListener("click", () => element.close());
    element.addEventListener("click", (event) => event.target === element && element.close());
    this.$("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#paint();
    });
    this.$("stop").addEventListener("click", () => this.#stop());
    this.$("file").addEventListener("change", () => this.#choose(this.$("file").files[0]));
    this.$("target").addEventListener("error", () => (this.$("picture").hidden = true)); // of a kind only the server reads
    this.#acceptDrops();
  }

  async open() {
    for (const other of document.querySelectorAll("dialog[open]")) if (other !== this.element) other.close();
    if (!this.element.open) this.element.showModal();
    if (!this.limits) await this.#learnLimits();
  }

  /** Takes note of the name that the server has for us. */
  connected(watcher) {
    this.watcher = watcher;
    this.#show();
  }

  /** There is no server any more that paints for us. */
  lost() {
    this.watcher = null;
    if (this.painting) this.#end("The connection was lost, and with it the painting.", true);
    this.#show();
  }

  /** Takes note of whether the server paints, for whomever. */
  hear({ painting }) {
    this.busy = painting;
    this.#show();
  }

  /** Shows the canvas after so many strokes. */
  follow({ painting, strokes, of, image }) {
    if (painting === this.painting) {
      this.#draw(image);
      this.#progress(strokes, of);
    }
    image.close();
  }

  /** The painting is done, and its files are there. */
  async painted({ painting, said }) {
    if (painting !== this.painting) return;
    this.#end(said, false);
    for (const form of FORMS) {
      const link = this.$(form.split(".")[1]);
      link.href = `/paintings/${painting}/${form}`;
      link.download = form;
    }
    this.$("downloads").hidden = false;
    const answer = await fetch(`/paintings/${painting}/painting.png`);
    if (!answer.ok || this.painting) return;
    const large = await createImageBitmap(await answer.blob());
    this.#draw(large);
    large.close();
    this.element.dataset.painted = painting;
  }

  /** The picture is not painted, and why. */
  refused({ painting, why }) {
    if (painting === this.painting) this.#end(why, true);
  }

  async #learnLimits() {
    const answer = await fetch("/paintings");
    if (!answer.ok) return this.#say(await answer.text(), true);
    this.limits = await answer.json();
    this.$("brush").replaceChildren(...this.limits.brushes.map((name) => new Option(name, name)));
    this.$("brush").value = this.limits.brush;
    this.$("strokes").max = this.limits.most_strokes;
    this.$("strokes").value = this.limits.strokes;
    this.#show();
  }

  /** A file may be dropped anywhere on the page. */
  #acceptDrops() {
    const over = (on) => document.body.classList.toggle("dropping", on);
    addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
    addEventListener("drop", (event) => {
      over(false);
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      if (this.painting) this.#say("One picture at a time: stop this one first, or wait until it is painted.", true);
      else this.#choose(event.dataTransfer.files[0]);
      this.open();
    });
  }

  #choose(file) {
    if (!file) return;
    this.file = file;
    URL.revokeObjectURL(this.$("target").src);
    this.$("target").src = URL.createObjectURL(file);
    this.$("picture").hidden = false;
    this.$("canvas").hidden = this.$("downloads").hidden = true;
    this.$("name").textContent = file.name;
    this.#say("", false);
    this.#show();
  }

  async #paint() {
    const { file, limits } = this;
    const most = limits.most_bytes / 2 ** 20;
    if (file.size > limits.most_bytes) return this.#say(`${file.name} has more than ${most} MiB: make it smaller.`, true);
    const painting = randomName();
    this.painting = painting;
    this.sending = new AbortController();
    delete this.element.dataset.painted;
    this.$("canvas").hidden = this.$("downloads").hidden = true;
    this.#progress(0, Number(this.$("strokes").value));
    this.#say("Looking at the picture", false);
    const asked = new URLSearchParams({ watcher: this.watcher, file: file.name });
    for (const name of ["brush", "strokes", "seed"]) asked.set(name, this.$(name).value);
    const sent = { method: "PUT", body: file, signal: this.sending.signal };
    try {
      const answer = await fetch(`/paintings/${painting}?${asked}`, sent);
      if (!answer.ok) this.refused({ painting, why: await answer.text() });
    } catch {
      this.refused({ painting, why: `${file.name} could not be sent: does the server still run?` });
    }
  }

  async #stop() {
    const { painting } = this;
    this.#end("Stopped.", false);
    this.sending.abort();
    await fetch(`/paintings/${painting}`, { method: "DELETE" });
  }

  #end(text, problem) {
    this.painting = null;
    this.busy = false;
    this.#say(text, problem);
    this.#show();
  }

  #draw(image) {
    const canvas = this.$("canvas").querySelector("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").drawImage(image, 0, 0);
    this.$("canvas").hidden = false;
  }

  #progress(strokes, of) {
    this.$("progress").max = of;
    this.$("progress").value = strokes;
    if (strokes) this.#say(`${strokes.toLocaleString()} of at most ${of.toLocaleString()} strokes`, false);
    this.#show();
  }

  #say(text, problem) {
    this.$("status").textContent = text;
    this.$("status").classList.toggle("warm", problem);
  }

  #show() {
    const painting = this.painting !== null;
    const elsewhere = this.busy && !painting;
    for (const field of this.$("form").elements) field.disabled = painting || !this.limits;
    this.$("start").disabled ||= elsewhere || !this.file || !this.watcher;
    this.$("start").hidden = painting;
    this.$("stop").disabled = false;
    this.$("stop").hidden = this.$("progress").hidden = !painting;
    this.$("elsewhere").hidden = !elsewhere;
    this.opener.textContent = painting ? `Painting, stroke ${this.$("progress").value}` : "Paint a picture";
  }
}

/** A name that nobody guesses. */
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
