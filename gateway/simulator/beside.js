// What stands beside the phone: language, place, room on the screen, the raw answer, the transcript.

const byId = (id) => document.getElementById(id);

export function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = text === "";
  byId("bars").classList.toggle("none", text !== "");
}

export function showState(state) {
  const language = state.language;
  byId("language").textContent = language ? `${language.name} (${language.code})` : "not chosen yet";
  byId("draft").hidden = language?.status !== "draft";
  byId("place").textContent = state.dialog ? place(state) : "no call yet";
  showRoom(state);
}

function place({ dialog, step, page }) {
  return [dialog, step, page > 1 ? `page ${page}` : ""].filter(Boolean).join(" › ");
}

function showRoom({ used, limit, gsm7 }) {
  const known = used !== null;
  const over = known && used > limit;
  byId("unit").textContent = gsm7 === false ? "Letters" : "Septets";
  byId("measure").textContent = known ? `${used} of ${limit}` : `up to ${limit}`;
  byId("used").style.width = known ? `${Math.min(100, (100 * used) / limit)}%` : "0";
  byId("meter").classList.toggle("over", over);
  byId("meter").setAttribute("aria-valuenow", known ? Math.min(used, limit) : 0);
  byId("meter").setAttribute("aria-valuemax", limit);
  const why = over ? "This is more than a phone shows: the network cuts it off."
    : gsm7 === false ? `A letter outside the GSM alphabet leaves room for ${limit} letters only.` : "";
  byId("hint").textContent = why;
  byId("hint").hidden = why === "";
}

export function showRaw(raw) {
  byId("raw").textContent = raw;
}

/** What was said, written as a rehearsal (dialogs/rehearse.py): who dials, `> screen`, `< answer`. */
export class Transcript {
  constructor() {
    this.clear();
    byId("copy").onclick = () => this.copy();
    byId("clear").onclick = () => this.clear();
  }

  clear() {
    this.lines = [];
    this.phone = "";
    this.draw();
  }

  dials(phone, code) {
    this.use(phone);
    this.add("dials " + code);
  }

  texts(phone, text) {
    this.use(phone);
    this.add("texts " + text.replace(/\s+/g, " "));
  }

  /** A screen or an SMS that came; `ends`: nothing more can be typed. */
  shows(text, ends = false) {
    this.add(...text.split("\n").map((line) => "> " + line), ...(ends ? ["(ends)"] : []));
  }

  types(text) {
    this.add("< " + text);
  }

  /** A line as it is: "hangs up", "(nothing)", a note after #. */
  add(...lines) {
    this.lines.push(...lines.map((line) => line.trimEnd()));
    this.draw();
  }

  use(phone) {
    if (phone !== this.phone) this.add("phone " + phone);
    this.phone = phone;
  }

  draw() {
    const box = byId("transcript");
    box.textContent = this.lines.join("\n");
    box.scrollTop = box.scrollHeight;
    byId("copy").disabled = byId("clear").disabled = this.lines.length === 0;
  }

  async copy() {
    const text = this.lines.join("\n") + "\n";
    let told = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(byId("transcript"));
      told = "Press Ctrl+C"; // only https and localhost may write to the clipboard
    }
    byId("copy").textContent = told;
    setTimeout(() => (byId("copy").textContent = "Copy"), 2000);
  }
}
