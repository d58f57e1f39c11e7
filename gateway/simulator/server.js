// What the page asks of the server. A call and an SMS take the way a provider's callbacks take.

const PATIENCE = 10_000; // ms: Africa's Talking ends a call whose screen comes later

/** The server gave nothing that a phone can show; the message says so in plain words. */
export class ServerError extends Error {
  away = false; // it may be over by itself
}

export async function channel() {
  return (await ask("/simulator/channel")).json();
}

export async function state(phone, answer) {
  return (await ask("/simulator/state?" + new URLSearchParams({ phone, answer }))).json();
}

export async function inbox(phone) {
  return (await (await ask("/simulator/inbox?" + new URLSearchParams({ phone }))).json()).messages;
}

/** The answer to everything typed so far in this call: "CON ..." or "END ...". */
export async function ussd(line, phone, sessionId, text, stop) {
  const form = { sessionId, serviceCode: line.code, phoneNumber: phone, networkCode: "99999", text };
  const answer = await (await ask(`/in/${line.name}/${line.secret}/ussd`, form, stop)).text();
  if (!/^(CON|END) /.test(answer)) {
    throw new ServerError("The server answered, but not with a screen (CON or END). A real network ends the call here.");
  }
  return answer;
}

export async function sms(line, phone, text) {
  const date = new Date().toISOString().slice(0, 19).replace("T", " ");
  await ask(`/in/${line.name}/${line.secret}/sms`, { id: crypto.randomUUID?.() ?? random(), from: phone, to: line.code, text, date });
}

/** 32 hexadecimal digits. `randomUUID` is missing where a page comes over plain HTTP from another machine. */
export function random() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(path, form, stop) {
  const late = new AbortController();
  const clock = setTimeout(() => late.abort(), PATIENCE);
  const hangUp = () => late.abort();
  stop?.addEventListener("abort", hangUp);
  let response;
  try {
    response = await fetch(path, {
      method: form ? "POST" : "GET",
      body: form && new URLSearchParams(form),
      signal: late.signal,
      cache: "no-store",
    });
  } catch {
    throw Object.assign(new ServerError(late.signal.aborted
      ? "No answer within 10 seconds. A real network ends the call here."
      : "The server does not answer. Is “ngazi serve” still running? Nothing is lost: dial again when it is back."),
    { away: true });
  } finally {
    clearTimeout(clock);
    stop?.removeEventListener("abort", hangUp);
  }
  if (response.ok) return response;
  if (response.status === 400) throw new ServerError((await response.json()).error);
  if (response.status === 403 || response.status === 404) {
    throw new ServerError(`The server refuses this phone (${response.status}). If it was started anew with other settings, reload this page.`);
  }
  const trouble = new ServerError(`The server reports an error (${response.status}). What went wrong stands in its log.`);
  throw Object.assign(trouble, { away: true });
}
