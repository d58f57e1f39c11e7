// Who is calling: the number in use, others played before, and new numbers of a country.

const KEPT = 6;
const RESERVED = "001";
const byId = (id) => document.getElementById(id);

export class People {
  /** `countries` is [{code, numbers}] from the server; `changed(stay)` tells of a new number, and whether the
      cursor should stay where it is. */
  constructor(countries, changed) {
    this.countries = new Map(countries.map(({ code, numbers }) => [code, numbers]));
    this.changed = changed;
    this.before = stored("ngazi.phones", []);
    const names = new Intl.DisplayNames(["en"], { type: "region" });
    for (const { code } of countries) {
      byId("country").append(new Option(code === RESERVED ? "Reserved for tests" : names.of(code), code));
    }
    byId("country").onchange = () => this.take(this.unused(), true);
    byId("new").onclick = () => this.take(this.unused());
    byId("number").onchange = () => this.typed();
    this.set(stored("ngazi.phone", this.unused()));
  }

  /** A number of the chosen country that was not played lately. */
  unused() {
    const numbers = this.countries.get(byId("country").value);
    const free = numbers.filter((number) => !this.before.includes(number) && number !== this.number);
    return free[0] ?? numbers[0];
  }

  typed() {
    const number = "+" + byId("number").value.replace(/[^0-9]/g, "");
    const good = /^\+[1-9][0-9]{6,14}$/.test(number);
    byId("number").setCustomValidity(good ? "" : "Write the number with its country code, for example +255621234567.");
    if (good) this.take(number);
    else byId("number").reportValidity();
  }

  take(number, stay = false) {
    this.set(number);
    this.changed(stay);
  }

  set(number) {
    this.number = number;
    this.before = [number, ...this.before.filter((other) => other !== number)].slice(0, KEPT);
    store("ngazi.phone", number);
    store("ngazi.phones", this.before);
    byId("number").value = number;
    byId("number").setCustomValidity("");
    const home = [...this.countries].find(([, numbers]) => numbers.some((other) => other.slice(0, 4) === number.slice(0, 4)));
    if (home) byId("country").value = home[0];
    this.list();
  }

  list() {
    const others = this.before.filter((number) => number !== this.number);
    byId("before").hidden = others.length === 0;
    byId("before").replaceChildren(byId("before").firstElementChild, ...others.map((number) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: number });
      button.onclick = () => this.take(number);
      return button;
    }));
  }
}

/** What this browser remembers, or the given value where it may not remember. */
export function stored(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function store(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing: the phone works all the same.
  }
}
