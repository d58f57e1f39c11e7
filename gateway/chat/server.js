// What the page asks of the gateway.

const PATIENCE = 12_000; // ms; the gateway gives up after 5 seconds, and Rasa has 2

/** No answer, and why: "away" may be over soon, "fast", "long", "id" (the gateway does not know it). */
export class NoAnswer extends Error {
  constructor(why, seconds = 0) {
    super(why);
    this.why = why;
    this.seconds = seconds; // that the gateway wants us to wait
  }
}

export async function newId() {
  return (await ask("chat/new", {})).id;
}

export function say(id, number, text, kind) {
  return ask("chat/say", { id, number, text, kind });
}

export async function words(language) {
  const response = await fetch("chat/words?lang=" + encodeURIComponent(language));
  return response.ok ? response.json() : null;
}

async function ask(path, body) {
  const late = new AbortController();
  const clock = setTimeout(() => late.abort(), PATIENCE);
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: late.signal,
    });
    if (response.ok) return await response.json();
    const why = { 403: "id", 413: "long", 429: "fast" }[response.status] ?? "away";
    throw new NoAnswer(why, Number(response.headers.get("Retry-After")) || 0);
  } catch (error) {
    throw error instanceof NoAnswer ? error : new NoAnswer("away");
  } finally {
    clearTimeout(clock);
  }
}
