// The twelve keys: digits into the answer line, letters by repeated presses into a message.

const LETTERS = {
  1: ".,?!1", 2: "abc2", 3: "def3", 4: "ghi4", 5: "jkl5", 6: "mno6", 7: "pqrs7", 8: "tuv8", 9: "wxyz9", 0: " 0",
};
const PAUSE = 1000; // ms; after it the same key starts a new letter

let last = { key: "", at: 0, turn: 0 };

/** Put what a key stands for into a field. In a message, pressing 2 twice in a second gives b. */
export function press(field, key, now) {
  const letters = field.tagName === "TEXTAREA" && LETTERS[key];
  if (!letters) {
    insert(field, key, 0);
    return;
  }
  const again = key === last.key && now - last.at < PAUSE;
  last = { key, at: now, turn: again ? (last.turn + 1) % letters.length : 0 };
  insert(field, letters[last.turn], again ? 1 : 0);
}

/** Take back the letter before the cursor. */
export function rubOut(field) {
  last.key = "";
  insert(field, "", field.selectionStart === field.selectionEnd ? 1 : 0);
}

function insert(field, text, over) {
  const room = field.maxLength < 0 || field.value.length - over + text.length <= field.maxLength;
  if (!room) return;
  field.setRangeText(text, Math.max(0, field.selectionStart - over), field.selectionEnd, "end");
  field.scrollLeft = field.scrollWidth;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
