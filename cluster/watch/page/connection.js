// The WebSocket to the server. It is opened again for as long as the page is there; a server that was started anew
// tells everything anew.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const NEWLINE = 10;

/**
 * Calls `hear(message)` for every message, in order, and `lost()` when there is no server.
 * A film has its frames, one below the other, in `message.image`, and a painting its canvas.
 */
export function connect(hear, lost) {
  let wait = FIRST_WAIT_MS;

  function open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    let before = Promise.resolve();
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      wait = FIRST_WAIT_MS;
      // Decoding a film takes a moment; what came later must not overtake it.
      const next = decode(event.data);
      before = before.then(async () => hear(await next)).catch((error) => console.error(error));
    };
    socket.onclose = () => {
      lost();
      setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    };
  }

  open();
}

async function decode(data) {
  if (typeof data === "string") return JSON.parse(data);
  const bytes = new Uint8Array(data);
  const end = bytes.indexOf(NEWLINE);
  const message = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  if (end + 1 < bytes.length) message.image = await createImageBitmap(new Blob([bytes.subarray(end + 1)]));
  return message;
}
