// What the browser keeps: the id of this chat and the number of its last message. Nothing that was said.
//
// "Remember me" keeps it on the device, else it goes with the window. Where a browser allows no storage, as some do
// inside pages of others, it is kept as long as the page is open.

const NAME = "ngazi-chat";
let here = null; // if nothing else is allowed

function storage(kind) {
  try {
    const found = window[kind];
    found.setItem(NAME + "-try", "1");
    found.removeItem(NAME + "-try");
    return found;
  } catch {
    return null;
  }
}

const device = storage("localStorage");
const tab = storage("sessionStorage");

export const mayRemember = device !== null;

function read(where) {
  try {
    const found = JSON.parse(where?.getItem(NAME));
    return typeof found?.id === "string" && Number.isInteger(found.number) ? found : null;
  } catch {
    return null;
  }
}

/** { id, number } of this chat, or null. */
export function kept() {
  return read(device) ?? read(tab) ?? here;
}

export function remembered() {
  return read(device) !== null;
}

export function keep(chat, onDevice = remembered()) {
  here = chat;
  write(device, onDevice ? chat : null);
  write(tab, onDevice ? null : chat);
}

export function drop() {
  here = null;
  write(device, null);
  write(tab, null);
}

function write(where, chat) {
  try {
    if (chat) where?.setItem(NAME, JSON.stringify(chat));
    else where?.removeItem(NAME);
  } catch {
    // full, or forbidden since: `here` has it
  }
}

/** Call this when another window of this chat has gone on, or was told to forget it. */
export function onOthers(listen) {
  addEventListener("storage", (event) => {
    if (event.storageArea === device && (event.key === NAME || event.key === null)) listen(read(device));
  });
}

/** One window after the other, where the browser can see to it. */
export function inTurn(work) {
  return navigator.locks ? navigator.locks.request(NAME, work).catch(passOn(work)) : work();
}

/** A browser that forbids locks here says so before any work was begun. */
function passOn(work) {
  return (error) => {
    if (error?.name === "SecurityError" || error?.name === "InvalidStateError") return work();
    throw error;
  };
}
