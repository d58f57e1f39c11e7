// The SMS of the phone: the list, one message, and a new one to the service.

import { store, stored } from "./people.js";
import { inbox as fetchInbox, sms } from "./server.js";

const byId = (id) => document.getElementById(id);

export class Inbox {
  /** `owner` tells whose it is; `show` and `idle` draw the phone; `failed` takes errors of the server. */
  constructor(owner, show, idle, failed, transcript) {
    Object.assign(this, { owner, show, idle, failed, transcript });
    this.messages = [];
    this.listed = false;
  }

  /** Another phone is in use. */
  forget() {
    this.messages = [];
    this.mark();
  }

  /** Ask the server what has come. */
  async look() {
    const phone = this.owner().phone;
    const messages = await fetchInbox(phone);
    if (phone !== this.owner().phone) return;
    const fresh = messages.filter(({ id }) => !this.messages.some((old) => old.id === id));
    // What came once stays on a phone, whatever the server has erased since.
    const gone = this.messages.filter(({ id }) => !messages.some((message) => message.id === id));
    this.messages = [...messages, ...gone].sort((one, other) => other.id - one.id);
    this.mark();
    if (fresh.length && this.listed) this.open();
  }

  unread() {
    const read = new Set(this.read());
    return this.messages.filter(({ id }) => !read.has(id)).length;
  }

  read() {
    return stored("ngazi.read", {})[this.owner().phone] ?? [];
  }

  mark() {
    const count = this.unread();
    if (count === this.marked) return; // or a screen reader would say it again
    this.marked = count;
    byId("unread").hidden = count === 0;
    byId("unread").replaceChildren(line("span", `✉\uFE0E ${count}`), line("b", `${count} unread`));
    byId("unread").firstElementChild.setAttribute("aria-hidden", "true");
    byId("unread").lastElementChild.className = "quiet";
    if (byId("screen").dataset.view === "idle") byId("left").textContent = count ? `Messages (${count})` : "Messages";
  }

  open() {
    const read = new Set(this.read());
    this.show({
      name: "inbox", title: "Messages",
      text: "",
      items: this.messages.length ? this.messages.map((message) => this.item(message, !read.has(message.id))) : [empty()],
      left: ["Write", () => this.write()],
      right: ["Back", () => this.close()],
    });
    this.listed = true;
    byId("list").querySelector("button")?.focus({ preventScroll: true });
  }

  close() {
    this.listed = false;
    this.idle();
  }

  item(message, unread) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(line("b", (unread ? "✉\uFE0E " : "") + clock(message.when)), line("span", message.text));
    button.classList.toggle("fresh", unread);
    button.setAttribute("aria-label", `${unread ? "Unread, " : ""}${clock(message.when)}: ${message.text}`);
    button.onclick = () => this.message(message);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  message(message) {
    const all = stored("ngazi.read", {});
    const phone = this.owner().phone;
    all[phone] = [...new Set([...(all[phone] ?? []), message.id])].slice(-200);
    store("ngazi.read", all);
    this.listed = false;
    this.mark();
    const parts = message.segments > 1 ? `, ${message.segments} SMS` : "";
    this.show({
      name: "message", title: "Message",
      text: `${message.text}\n\n${clock(message.when)}${parts}, ${message.status}`,
      left: ["Reply", () => this.write()],
      right: ["Back", () => this.open()],
    });
    byId("text").focus({ preventScroll: true });
  }

  write() {
    this.listed = false;
    this.show({
      name: "write", title: "To " + this.owner().line.code,
      field: byId("letter"),
      left: ["Send", () => this.send(byId("letter").value.trim())],
      right: ["Back", () => this.idle()],
    });
  }

  async send(text) {
    if (!text) return;
    const { line, phone } = this.owner();
    const known = new Set(this.messages.map(({ id }) => id));
    this.show({ name: "busy", text: "Sending..." });
    try {
      await sms(line, phone, text);
      this.transcript.texts(phone, text);
      this.show({ name: "sent", text: "Message sent.", right: ["OK", () => this.idle()] });
      await this.look();
      const replies = this.messages.filter(({ id }) => !known.has(id)).map((reply) => reply.text);
      if (replies.length) this.transcript.shows(replies.reverse().join("\n---\n"));
      else this.transcript.add("(nothing)");
    } catch (error) {
      this.show({ name: "lost", text: "Message not sent.", right: ["OK", () => this.idle()] });
      this.failed(error);
    }
  }
}

function line(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

function empty() {
  return line("li", "No messages yet.");
}

/** "16:30" for today, else "12 Mar 16:30". */
function clock(when) {
  const at = new Date(when);
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const today = at.toDateString() === new Date().toDateString();
  return today ? time : at.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) + " " + time;
}
