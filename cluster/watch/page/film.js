// A film: the frames of an episode, of which more may come while it is shown.

export class Film {
  /** Begins with the first piece of an episode, as the server sends it. */
  constructor(head) {
    this.episode = head.episode;
    this.head = head;
    this.pieces = [];
    this.count = 0; // commands that are here
    this.add(head);
  }

  /** Takes the next piece; false if it does not follow. */
  add(head) {
    if (head.first !== this.count) return false;
    this.pieces.push(head);
    this.count += head.count;
    this.head = head;
    return true;
  }

  get whole() {
    return this.count === this.head.length;
  }

  get width() {
    return this.head.width;
  }

  get height() {
    return this.head.height;
  }

  /** Draws the canvas after so many commands, scaled to the drawing surface. */
  draw(context, step) {
    const piece = this.pieces.findLast((each) => each.first <= step);
    const frame = Math.min(step - piece.first, piece.count) + (piece.target ? 1 : 0);
    blit(context, piece, frame);
  }

  drawTarget(context) {
    blit(context, this.pieces[0], 0);
  }

  close() {
    for (const piece of this.pieces) piece.image.close();
  }
}

function blit(context, piece, frame) {
  const { width, height } = context.canvas;
  context.imageSmoothingEnabled = false;
  context.drawImage(piece.image, 0, frame * piece.height, piece.width, piece.height, 0, 0, width, height);
}
