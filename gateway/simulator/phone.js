// The phone itself: what its screen shows, what its keys do.

import { notice, showRaw, showState, Transcript } from "./beside.js";
import { Call, extension } from "./call.js";
import { Inbox } from "./inbox.js";
import { press, rubOut } from "./keys.js";
import { People } from "./people.js";
import { channel, ServerError, state } from "./server.js";

const byId = (id) => document.getElementById(id);
const entry = byId("entry");
const letter = byId("letter");
const LOST = "Connection problem or invalid code.";
const touch = matchMedia("(pointer: coarse)").matches;

let line, people, transcript, inbox;
let call = null;
let view = {};
let away = false; // the last error may be over by itself

/** Show one view: text or list, a field to type into, and what the two soft keys and the green key do. */
function show(next) {
  view = { text: "", left: null, right: null, green: null, field: null, name: "", items: null, ...next };
  const text = byId("text");
  text.textContent = view.text;
  text.hidden = view.items !== null || view.field === letter;
  text.scrollTop = 0;
  byId("screen").dataset.view = view.name;
  byId("list").hidden = view.items === null;
  byId("list").replaceChildren(...(view.items ?? []));
  for (const field of [entry, letter]) {
    field.hidden = field !== view.field;
    field.value = "";
  }
  entry.inputMode = view.name === "idle" ? "tel" : "text";
  entry.placeholder = view.name === "idle" ? line.code : "";
  byId("entry-name").textContent = view.name === "idle" ? "Number to dial" : "Your answer";
  byId("count").hidden = view.field !== letter;
  byId("line").textContent = view.title ?? "Ngazi";
  soften();
  focus();
  hintScroll();
}

function soften() {
  for (const side of ["left", "right"]) {
    const label = view[side]?.[0] ?? "";
    byId(side).textContent = label;
    byId(side).disabled = label === "";
  }
  if (view.field === letter) byId("count").textContent = `${letter.value.length} letters`;
}

/** Keep the cursor where typing goes; on touch screens that would open the keyboard over our keys. */
function focus() {
  const outside = document.activeElement?.closest(".beside");
  const told = ["ended", "lost", "sent"].includes(view.name) ? byId("right") : null;
  if (!touch && !outside) (view.field ?? told)?.focus({ preventScroll: true });
}

function idle() {
  if (call) {
    call.hangUp();
    transcript.add("hangs up");
  }
  call = null;
  const unread = inbox.unread();
  show({
    name: "idle",
    text: "Press the green key\nto call the service.",
    field: entry,
    left: [unread ? `Messages (${unread})` : "Messages", () => inbox.open()],
    right: ["Write", () => inbox.write()],
    green: () => dial(entry.value.trim() || line.code),
  });
}

async function dial(number) {
  const typed = extension(line.code, number);
  if (typed === null) {
    show({ name: "lost", text: LOST, right: ["OK", idle] });
    return;
  }
  transcript.dials(people.number, number.endsWith("#") ? number : number + "#");
  call = new Call(line, people.number, typed);
  await exchange(call.dial());
}

async function answer() {
  const text = entry.value.trim();
  transcript.types(text);
  await exchange(call.answer(text));
}

/** Wait for the next screen of the call in use, and show it. */
async function exchange(coming) {
  const mine = call;
  show({ name: "busy", text: "USSD code running...", right: ["Cancel", idle] });
  let raw;
  try {
    raw = await coming;
  } catch (error) {
    if (mine !== call) return; // hung up meanwhile
    call = null;
    transcript.add("# no screen came");
    show({ name: "lost", text: LOST, right: ["OK", idle] });
    failed(error);
    return;
  }
  if (mine !== call) return;
  recovered();
  screen(raw);
  await refresh(raw).catch(failed);
}

function screen(raw) {
  const text = raw.slice(4);
  showRaw(raw);
  transcript.shows(text, raw.startsWith("END"));
  if (raw.startsWith("CON")) {
    show({ name: "asks", text, field: entry, left: ["Send", answer], right: ["Cancel", idle], green: answer });
  } else {
    call = null;
    show({ name: "ended", text, right: ["OK", idle] });
  }
}

async function refresh(raw = "") {
  showState(await state(people.number, raw));
  await inbox.look();
}

/** Tell what the server did; anything else is a mistake of ours and belongs in the browser's console. */
function failed(error) {
  if (!(error instanceof ServerError)) throw error;
  notice(error.message);
  away = error.away;
}

function recovered() {
  notice("");
  away = false;
}

function hintScroll() {
  const box = view.items ? byId("list") : byId("text");
  const below = box.scrollTop + box.clientHeight < box.scrollHeight - 2;
  byId("middle").textContent = (box.scrollTop > 2 ? "▲" : "") + (below ? "▼" : "");
}

function move(way) {
  if (view.items) {
    const buttons = [...byId("list").querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement) + (way === "up" ? -1 : 1);
    buttons[Math.max(0, Math.min(at, buttons.length - 1))]?.focus();
  } else {
    byId("text").scrollBy({ top: way === "up" ? -40 : 40 });
  }
}

function soft(side) {
  view[side]?.[1]();
}

function typeKey(key) {
  if (view.field) press(view.field, key, Date.now());
}

/** Keys of a real keyboard, wherever the page has the focus but in the fields beside the phone. */
function keyboard(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || at.closest(".beside")) return;
  const inField = at === entry || at === letter;
  if (event.repeat && event.key === "Enter" && at !== letter) return event.preventDefault(); // one press, one answer
  if (event.key === "Escape") soft("right");
  else if (event.key === "Enter" && (at === entry || at === document.body)) (view.green ?? view.right?.[1])?.();
  else if (["ArrowUp", "ArrowDown"].includes(event.key) && at !== letter) move(event.key.slice(5).toLowerCase());
  else if (!inField && view.field && event.key === "Backspace") rubOut(view.field);
  else if (!inField && /^[0-9*#]$/.test(event.key)) typeKey(event.key);
  else return;
  event.preventDefault();
}

function wire() {
  byId("left").onclick = () => soft("left");
  byId("right").onclick = () => soft("right");
  byId("call").onclick = () => view.green?.();
  byId("hang").onclick = idle;
  for (const key of document.querySelectorAll("[data-key]")) key.onclick = () => typeKey(key.dataset.key);
  for (const key of document.querySelectorAll("[data-move]")) key.onclick = () => move(key.dataset.move);
  for (const key of document.querySelectorAll("[data-soft]")) key.onclick = () => soft(key.dataset.soft);
  byId("phone").addEventListener("mousedown", (event) => {
    if (event.target.closest("button") && !event.target.closest(".list")) event.preventDefault(); // the cursor stays
  });
  document.addEventListener("keydown", keyboard);
  for (const box of [byId("text"), byId("list")]) box.addEventListener("scroll", hintScroll);
  for (const field of [entry, letter]) field.addEventListener("input", soften);
}

async function look() {
  if (document.hidden) return;
  try {
    if (line) await inbox.look();
    else await begin();
    if (away) recovered();
  } catch (error) {
    failed(error);
  }
}

async function begin() {
  const found = await channel();
  line = found;
  byId("code").textContent = line.code;
  transcript = new Transcript();
  inbox = new Inbox(() => ({ line, phone: people.number }), show, idle, failed, transcript);
  people = new People(line.countries, (stay) => {
    if (!stay) document.activeElement.blur(); // what is typed next goes to the phone
    idle();
    inbox.forget();
    refresh().catch(failed);
  });
  wire();
  idle();
  await refresh();
}

look();
setInterval(look, 4000);
