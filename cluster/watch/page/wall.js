// The wall: a card for each of the newest episodes, painted stroke by stroke as its commands come.

import { Film } from "./film.js";

const CARDS = 24;
const PIECE_MS = 700; // within which the commands of one piece are painted
const COMMAND_MS = 110; // at most, for one of them
const FRESH_S = 3; // what was painted longer ago is shown at once

/** A card: the target if there is one, the canvas, and a line below. */
class Card {
  constructor(open) {
    this.element = document.createElement("button");
    this.element.className = "card";
    this.element.type = "button";
    this.pictures = document.createElement("span");
    this.pictures.className = "card-pictures";
    this.bar = document.createElement("span");
    this.bar.className = "bar";
    this.note = document.createElement("span");
    this.note.className = "note";
    this.element.append(this.pictures, this.bar, this.note);
    this.element.addEventListener("click", () => this.film?.whole && open(this.film));
    this.film = null;
    this.doneAt = 0;
  }

  begin(film, now, fresh) {
    this.film?.close();
    this.film = film;
    this.step = 0;
    this.due = [];
    this.pictures.replaceChildren();
    if (film.head.target) film.drawTarget(this.#surface("target", film));
    this.context = this.#surface("canvas", film);
    this.element.dataset.episode = film.episode;
    this.note.dataset.member = film.head.member;
    this.element.classList.toggle("imitated", film.head.version < 0);
    this.element.setAttribute("aria-label", `Episode ${film.episode}: show the program`);
    this.note.textContent = film.head.version < 0 ? "to be imitated" : `version ${film.head.version.toLocaleString()}`;
    this.#schedule(film.head, now, fresh);
    this.#paint(0);
  }

  follow(head, now, fresh) {
    this.#schedule(head, now, fresh);
  }

  /** Paints the commands whose time has come; the heads of pieces that were painted to their end. */
  advance(now) {
    const finished = [];
    let step = this.step;
    while (this.due.length && this.due[0].at <= now) {
      step = this.due[0].step;
      if (this.due[0].last) finished.push(this.due[0].last);
      this.due.shift();
    }
    if (step !== this.step) this.#paint(step);
    if (this.film.whole && !this.due.length && this.element.classList.contains("painting")) this.#finish(now);
    return finished;
  }

  #schedule(head, now, fresh) {
    const begin = Math.max(now, this.due.length ? this.due.at(-1).at : now);
    const each = fresh ? Math.min(COMMAND_MS, PIECE_MS / head.count) : 0;
    for (let i = 1; i <= head.count; i++) {
      this.due.push({ at: begin + i * each, step: head.first + i, last: i === head.count ? head : null });
    }
    this.element.classList.add("painting");
  }

  #paint(step) {
    this.step = step;
    this.film.draw(this.context, step);
    this.bar.style.width = `${(100 * step) / this.film.head.length}%`;
    this.element.dataset.step = step;
  }

  #finish(now) {
    this.doneAt = now;
    this.element.classList.remove("painting");
    const { error } = this.film.head;
    if (error !== null) this.note.textContent += `, error ${error.toFixed(3)}`;
  }

  #surface(name, film) {
    const canvas = document.createElement("canvas");
    canvas.className = name;
    // Enlarged by a whole number, so that every pixel of the agent's canvas is as large as every other.
    const zoom = Math.max(1, Math.round(192 / film.width));
    canvas.width = zoom * film.width;
    canvas.height = zoom * film.height;
    this.pictures.append(canvas);
    return canvas.getContext("2d");
  }
}

export class Wall {
  /** `open(film)` is called for a click, `painted(head)` when the last command of a piece has appeared. */
  constructor(element, open, painted) {
    this.element = element;
    this.open = open;
    this.painted = painted;
    this.clear();
    const tick = () => {
      const now = performance.now();
      for (const card of this.cards) if (card.film) card.advance(now).forEach(this.painted);
    };
    const frame = () => {
      tick();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    // In a window that nobody looks at there are no frames, but the wall goes on.
    setInterval(() => document.hidden && tick(), 1000);
  }

  clear() {
    for (const card of this.cards ?? []) card.film?.close();
    this.cards = [];
    this.element.replaceChildren();
    this.element.classList.remove("population");
  }

  /** Shows a piece of an episode; `now` is the server's time in seconds. */
  show(head, now) {
    const fresh = now - head.painted < FRESH_S && !document.hidden;
    const time = performance.now();
    const card = this.cards.find((each) => each.film?.episode === head.episode);
    if (card) {
      if (card.film.add(head)) card.follow(head, time, fresh);
    } else if (head.first === 0) {
      this.#next(head).begin(new Film(head), time, fresh);
    } else {
      head.image.close();
    }
  }

  /** A new card as long as there is room, or the one that has been finished for longest. */
  #next(head) {
    this.element.classList.toggle("pairs", head.target);
    if (head.member > 0) this.element.classList.add("population");
    if (this.cards.length < CARDS) {
      const card = new Card(this.open);
      this.cards.push(card);
      this.element.append(card.element);
      return card;
    }
    const finished = this.cards.filter((card) => !card.element.classList.contains("painting"));
    return (finished.length ? finished : this.cards).reduce((a, b) => (b.doneAt < a.doneAt ? b : a));
  }
}
