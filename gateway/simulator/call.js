// One USSD call. Like the network, it sends everything typed so far, joined by *, under one session id.

import { random, ussd } from "./server.js";

/** What was dialled behind the service code: "" for the bare code, "3*1" for *384*77*3*1#, null for another number. */
export function extension(code, dialled) {
  const stem = code.replace(/#$/, "");
  if (dialled === code || dialled === stem) return "";
  return dialled.startsWith(stem + "*") ? dialled.slice(stem.length + 1).replace(/#$/, "") : null;
}

export class Call {
  constructor(line, phone, typed = "") {
    this.line = line;
    this.phone = phone;
    this.session = "ATUid_" + random();
    this.typed = typed;
    this.stop = new AbortController();
  }

  /** The first screen. */
  dial() {
    return ussd(this.line, this.phone, this.session, this.typed, this.stop.signal);
  }

  /** The screen after this answer. */
  answer(text) {
    this.typed = this.typed === "" ? text : this.typed + "*" + text;
    return this.dial();
  }

  /** Nothing reaches the server when a person hangs up; an answer on its way is dropped. */
  hangUp() {
    this.stop.abort();
  }
}
