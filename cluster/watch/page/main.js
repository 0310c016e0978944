// The page as a whole: what comes from the server goes to the part that shows it.

import { connect } from "./connection.js";
import { Curves } from "./curves.js";
import { ProgramDialog } from "./dialog.js";
import { Members } from "./members.js";
import { PaintDialog } from "./paint.js";
import { Status } from "./status.js";
import { Wall } from "./wall.js";

const $ = (id) => document.getElementById(id);

// The token came in the address, and is in a cookie now.
if (location.search) history.replaceState(null, "", location.pathname);

const status = new Status($("status"), $("status-text"), $("run-name"), $("numbers"), $("footer"));
const dialog = new ProgramDialog($("program"));
const paint = new PaintDialog($("paint"), $("paint-open"));
const curves = new Curves($("curves"));
const members = new Members($("members-section"), $("members"), (member) => curves.choose(member));
const wall = new Wall($("wall"), (film) => dialog.show(film), (head) => status.painted(head));

const hear = {
  begin({ films, watcher }) {
    paint.connected(watcher);
    if (films) {
      status.begin();
      wall.clear();
      curves.clear();
      members.clear();
      $("sheet-section").hidden = true;
    }
    curves.expectAll();
  },
  run({ run }) {
    dialog.run = run;
    status.describe(run);
    $("wall-note").textContent = run.conditional
      ? "left the target, right the copy; a click shows the program"
      : "a click shows the program";
  },
  status(message) {
    status.hear(message);
    paint.hear(message);
  },
  rows({ names, rows }) {
    const table = rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
    curves.add(table);
    members.add(table);
    status.count(table);
  },
  sheet({ frames }) {
    $("sheet").src = `/sheet.png?frames=${frames}`;
    $("sheet-note").textContent = `after ${frames.toLocaleString()} frames`;
    $("sheet-section").hidden = false;
  },
  film: (message) => wall.show(message, status.serverTime()),
  painting: (message) => paint.follow(message),
  painted: (message) => paint.painted(message),
  refused: (message) => paint.refused(message),
};

function lost() {
  status.lost();
  paint.lost();
}

connect((message) => hear[message.kind](message), lost);
