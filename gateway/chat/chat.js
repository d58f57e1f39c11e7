// The conversation: what is said, the buttons of the last answer, and what to do when no answer comes.

import { drop, inTurn, keep, kept, mayRemember, onOthers, remembered } from "./keep.js";
import { NoAnswer, newId, say, words } from "./server.js";

const PAUSES = [1000, 3000]; // ms before a message is brought again by itself
const at = (id) => document.getElementById(id);
const [log, door, form, box, send] = ["log", "door", "form", "box", "send"].map(at);
const said = readWords();
let waiting = null; // the message that has no answer yet
let busy = false;
let shown = 0; // the number of the message whose answer this window shows

at("start").hidden = false;
at("start").addEventListener("click", () => open(true));
at("again").addEventListener("click", bring);
at("remember").addEventListener("change", () => kept() && keep(kept(), at("remember").checked));
at("remember").checked = remembered();
at("choice").hidden = !mayRemember;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = box.value.trim();
  if (text && tell(text, text, "text")) {
    box.value = "";
    fit();
  }
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
box.addEventListener("input", fit);
for (const kind of ["paste", "drop"]) addEventListener(kind, refuseFiles);
addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
onOthers((chat) => {
  at("remember").checked = chat !== null;
  if (chat && door.hidden && !busy && !waiting && chat.number !== shown) look();
});
if (kept()) open(false);

/** The page's words as the server wrote them into it, by their keys. */
function readWords() {
  const found = {};
  for (const each of document.querySelectorAll("[data-word]")) found[each.dataset.word] = each.textContent;
  for (const each of document.querySelectorAll("[data-name]")) found[each.dataset.name] = each.getAttribute("aria-label");
  return found;
}

async function speak(language) {
  if (!language || language === document.documentElement.lang) return;
  const found = await words(language).catch(() => null);
  if (!found || found.language !== language) return;
  Object.assign(said, found.words);
  document.documentElement.lang = language;
  document.title = said.chat_title;
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = said[each.dataset.word];
  for (const each of document.querySelectorAll("[data-name]")) each.setAttribute("aria-label", said[each.dataset.name]);
  for (const each of document.querySelectorAll("[data-hint]")) each.placeholder = said[each.dataset.hint];
}

/** Leave the door: the first question for somebody new, or what stands there for somebody who was here. */
function open(byHand) {
  door.hidden = true;
  log.hidden = form.hidden = false;
  if (byHand) log.focus();
  look();
}

/** What stands there now. It has no number, since it changes nothing. */
function look() {
  tell("", null, "look");
}

/** Say something. False if the last message has no answer yet. */
function tell(text, words, kind) {
  if (busy || waiting) return false;
  waiting = { text, words, kind, number: 0, tries: 0 };
  if (words !== null) waiting.bubble = add("own", "chat_you", words);
  bring();
  return true;
}

/** Bring the message that waits; again and again, always under its number, so that it counts once. */
async function bring() {
  if (busy || !waiting) return;
  busy = true;
  trouble("");
  lock(true);
  const dots = add("wait", "chat_wait", "•••");
  let answer = null;
  try {
    answer = await inTurn(() => bringOne(waiting));
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    refused(error);
  } finally {
    dots.remove();
    busy = false;
    lock(false);
  }
  if (answer) await hear(answer);
}

async function bringOne(message) {
  for (;;) {
    try {
      const chat = await chatOf();
      if (message.kind !== "look") message.number ||= chat.number + 1;
      message.tries += 1;
      const answer = await say(chat.id, message.number, message.text, message.kind);
      keep({ id: chat.id, number: Math.max(answer.number, chat.number, message.number) });
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.why === "id" && message.tries < 3) {
        drop(); // made with another key: begin anew
        message.number = 0;
      } else if (error.why === "away" && message.tries <= PAUSES.length) {
        await new Promise((done) => setTimeout(done, PAUSES[message.tries - 1]));
      } else {
        throw error;
      }
    }
  }
}

async function chatOf() {
  if (!kept()) keep({ id: await newId(), number: 0 }, at("remember").checked);
  return kept();
}

async function hear(answer) {
  const message = waiting;
  waiting = null;
  shown = kept()?.number ?? 0;
  if (answer.again && message.tries === 1 && message.words !== null) {
    message.bubble.remove(); // another window was quicker: this was not taken in
    if (message.kind === "text" && message.text === message.words && !box.value) {
      box.value = message.text;
      fit();
    }
  }
  await speak(answer.language);
  const bubble = answered(answer);
  const first = bubble.querySelector("button");
  if (message.byKeys) (first ?? box).focus({ preventScroll: true });
  reveal(bubble);
}

/** No answer came. What was written stays, and can be brought again. */
function refused(error) {
  if (error.why === "long") {
    waiting.bubble?.remove();
    box.value ||= waiting.text;
    fit();
    waiting = null;
  }
  trouble(said[{ long: "chat_long", fast: "chat_fast" }[error.why] ?? "chat_failed"], waiting !== null);
  log.scrollTop = log.scrollHeight; // the alert took room: what it is about stays in view
}

function trouble(words, again = false) {
  at("trouble").hidden = !words;
  at("why").textContent = words;
  at("again").hidden = !again;
}

/** While an answer is on its way nothing else is sent; the box stays open for writing. */
function lock(on) {
  send.disabled = on;
  log.setAttribute("aria-busy", String(on));
  for (const each of log.querySelectorAll("button")) each.disabled = on;
}

function add(kind, who, text) {
  const bubble = document.createElement("div");
  bubble.className = "said " + kind;
  const quiet = document.createElement("span");
  quiet.className = "quiet";
  quiet.textContent = said[who];
  const words = document.createElement("p");
  words.dir = "auto";
  words.textContent = text;
  if (kind === "wait") words.setAttribute("aria-hidden", "true");
  bubble.append(quiet, words);
  log.append(bubble);
  log.scrollTop = log.scrollHeight;
  return bubble;
}

function answered(answer) {
  for (const each of log.querySelectorAll(".said:not(.past)")) pass(each);
  const bubble = add("theirs", "chat_us", answer.text);
  if (!answer.choices.length) return bubble;
  const list = document.createElement("ol");
  for (const { key, text } of answer.choices) {
    const button = document.createElement("button");
    button.type = "button";
    button.dir = "auto";
    if (/^\d+$/.test(key)) {
      const number = document.createElement("b");
      number.textContent = key;
      button.append(number, " ");
    }
    const words = document.createElement("span");
    words.textContent = text;
    button.append(words);
    button.addEventListener("click", (event) => {
      if (tell(key, text, "text")) waiting.byKeys = event.detail === 0;
    });
    list.append(document.createElement("li"));
    list.lastChild.append(button);
  }
  bubble.append(list);
  return bubble;
}

/** What was to choose before can still be read, but no longer be pressed. */
function pass(bubble) {
  bubble.classList.add("past");
  for (const each of bubble.querySelectorAll("button")) {
    const line = each.parentElement;
    line.dir = "auto";
    line.textContent = each.textContent;
  }
}

/** Show an answer from its beginning; where all of it fits, with what was said before. */
function reveal(bubble) {
  const long = bubble.offsetHeight > log.clientHeight;
  log.scrollTop = long ? bubble.offsetTop - 8 : log.scrollHeight;
}

function fit() {
  box.style.height = "auto";
  box.style.height = Math.min(box.scrollHeight + 2, 128) + "px";
}

/** A picture or a voice note is not sent at all: the server says that it reads text only. */
function refuseFiles(event) {
  const files = (event.clipboardData ?? event.dataTransfer)?.files;
  if (!files?.length) return;
  event.preventDefault();
  if (!form.hidden) tell("", `[${files[0].name || files[0].type}]`, "file");
}
