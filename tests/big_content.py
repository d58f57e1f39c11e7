"""A content folder of the size that the project is built for: 60 dialogs, 500 screens, 25 languages, all complete.

The words are made up; their lengths, accents and letters are like those of real languages. The same each time.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polib

from dialogs.check.sources import sources
from dialogs.pofile import WIDTH, Source, new_po, parse, update
from dialogs.written import read_folder

ROOT = Path(__file__).resolve().parent.parent
DIALOGS, SCREENS = 60, 500
WORD = re.compile(r"\{[^{}]*\}|[^\W\d_]+")

QUESTIONS = (
    "Is there a written rule about {} that all people at the site know?",
    "Does one person look at the {} each morning before the work begins?",
    "Are {} kept in a dry place, away from food, water and children?",
    "Can every worker stop at once when the {} are not safe?",
    "Does your team write down who used the {}, and on which day?",
)
ADVICE = (
    "Agree on it in a meeting. Choose one person for the {}, and write down the name and the day.",
    "Look at the {} with two others this week. Note each fault, and who mends it by which day.",
    "Ask a person of your association how others keep their {}. Begin with what costs nothing.",
)
PAGES = (
    "Good {} protect you and all who work with you. Look at them often, and say aloud what is wrong.",
    "Who has seen an accident with {} knows how fast it comes. Take the time to look twice.",
    "A buyer may ask about {}. A short note with a day and a name is a good answer.",
)
PAPERS = ("Notebook, photo, minutes of a meeting", "Written rule, sign on site", "List with names and days")
THINGS = (
    "ladders", "ropes", "pumps", "helmets", "lamps", "papers", "books", "scales", "fences", "drains", "walls", "beams",
    "tools", "boots", "gloves", "masks", "tables", "sacks", "carts", "wheels", "fuels", "signs", "paths", "wells",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a made-up language is written."""

    code: str
    syllables: str
    headers: Mapping[str, str]


PLAIN = "ba be bi bo bu da di ga ka ke ki ko ku la le li ma me mi mo mu na ni no nya pa ri sa shi si ta ti to wa ya za"
FRENCH = f"{PLAIN} é è ê ça cô dé né lê oi eau où gî té ré"
HOOKED = f"{PLAIN} ɓa ƙe ɗo ƙa ɛ ɔ ŋa ẹ ọ ṣe"
LATIN = {"X-Letters": "gsm7"}
FOLDED = {
    "X-Letters": "gsm7",
    "X-Replace": "ç=c ê=e î=i ô=o û=u â=a ɓ=b ƙ=k ɗ=d ɛ=e ɔ=o ŋ=ng ẹ=e ọ=o ṣ=s",
}
OWN = {"X-Letters": "any"}
TONGUES = (
    *(Tongue(code, PLAIN, LATIN) for code in ["sw", "rw", "rn", "lg", "ny", "sn", "zu", "xh", "st", "tn", "mg"]),
    *(Tongue(code, FRENCH, FOLDED) for code in ["fr", "pt", "es", "wo", "ff", "ln"]),
    *(Tongue(code, HOOKED, FOLDED) for code in ["ha", "yo", "ig", "ee", "tw"]),
    Tongue("am", "ለ ላ ሰ ሳ በ ባ ተ ታ ነ ና ከ ካ ወ ዋ", OWN),
    Tongue("ar", "با تا سا لا ما نا را كا دي في", OWN),
    Tongue("my", "က ခ ဂ င စ တ န ပ မ ရ လ သ", OWN),
)


def write(folder: Path, tongues: tuple[Tongue, ...] = TONGUES, dialogs: int = DIALOGS, screens: int = SCREENS) -> None:
    """The content folder, without an error. Takes seconds: polib writes the PO files."""
    (folder / "dialogs").mkdir(parents=True)
    (folder / "locale").mkdir()
    shutil.copy(ROOT / "content/common.yaml", folder)
    names = [f"topic_{number}" for number in range(dialogs - 2 - -(-(dialogs - 2) // 21))]  # a menu for each 20
    menus = [names[at : at + 20] for at in range(0, len(names), 20)]
    made = {"hello": _hello(), "menu": _menu("Menu", [f"list_{n}" for n in range(len(menus))], "What next?")}
    made |= {f"list_{n}": _menu(f"List {n}", listed, "Which part?") for n, listed in enumerate(menus)}
    left = screens - 2 - len(menus)
    for number, name in enumerate(names):
        made[name] = _topic(number, left * (number + 1) // len(names) - left * number // len(names))
    for name, source in made.items():
        (folder / f"dialogs/{name}.yaml").write_text(source, "utf-8")
    (folder / "locale/en.po").write_text(new_po("en", "English"), "utf-8")
    texts = sources(read_folder(folder))
    heads = [_head(entry) for entry in parse(update(new_po("en", ""), texts))]
    for tongue in tongues:
        entries = [head + _said(_translated(source, tongue)) for source, head in zip(texts, heads, strict=True)]
        po = "\n".join([_header(tongue), *entries])
        (folder / f"locale/{tongue.code}.po").write_text(po, "utf-8")


# --- dialogs ---


def _hello() -> str:
    return (
        "title: Welcome\nsource: own\nthen: /menu\nsteps:\n  agree:\n    ask: May we keep your answers?\n"
        "    choices:\n      yes: We may\n      no: Rather not\n    save: consent\n    go:\n      no: end\n"
        "    reply:\n      no: Thank you for calling.\n"
    )


def _menu(title: str, names: list[str], question: str) -> str:
    choices = "".join(f"      {name}: {_titled(name)}\n" for name in names)
    ways = "".join(f"      {name}: /{name}\n" for name in names)
    top = f"title: {title}\nsource: own\nresume: never\nthen: /menu\n"
    return f"{top}steps:\n  list:\n    ask: {question}\n    choices:\n{choices}    go:\n{ways}"


def _titled(name: str) -> str:
    kind, _, number = name.partition("_")
    return f"List {number}" if kind == "list" else f"{THINGS[int(number) % len(THINGS)].title()} {number}"


def _topic(number: int, screens: int) -> str:
    lines = [f"title: {_titled(f'topic_{number}')}", "source: own", "then: /menu", "steps:"]
    for step in range(screens - 2):
        thing, kind = THINGS[(number * 7 + step) % len(THINGS)], (number + step) % 5
        lines += [f"  s{step}:", *_screen(kind, number + step, thing, f"s{step - 1}" if step else "")]
    lines += ["  result:", "    score:", "      60%: Much is in place. See what is still open."]
    lines += ["      0%: There is something to do. Take one step at a time.", "  next:", '    advice: "Next steps:"']
    return "\n".join(lines) + "\n"


def _screen(kind: int, seed: int, thing: str, before: str) -> Iterator[str]:
    if kind == 4:
        yield f"    say:\n      - {PAGES[seed % 3].format(thing)}"
        yield f"      - {PAGES[(seed + 1) % 3].format(thing)}"
    elif kind == 3:
        yield f"    ask: What is the best use of {thing}?\n    choices:"
        yield f"      first: Keep {thing} dry\n      second: Lend {thing}\n      third: Sell {thing}"
        yield "    points:\n      first: 1\n    reply:"
        yield from (f"      {id}: {PAGES[seed % 3].format(thing)}" for id in ("first", "second", "third"))
    else:
        yield f"    check: {QUESTIONS[seed % 5].format(thing)}\n    advice: {ADVICE[seed % 3].format(thing)}"
        yield f"    proof: {PAPERS[seed % 3]}\n    level: {('must', 'year 1', 'year 3')[seed % 3]}"
        yield f"    note: {thing} = those that belong to the group, not what people bring from home."
        if kind == 2 and before:
            yield "    only if: mercury_ban is not yes"


# --- translations ---


def _header(tongue: Tongue) -> str:
    name = f"Tongue {tongue.code}"
    po = polib.POFile(wrapwidth=WIDTH)
    po.metadata = {"Language": tongue.code, "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8"}
    po.metadata |= {"Content-Transfer-Encoding": "8bit", "X-Name": name, "X-Status": "draft", **tongue.headers}
    return str(po)


def _head(entry: polib.POEntry) -> str:
    """An entry up to its translation."""
    return entry.__unicode__(WIDTH).rpartition('msgstr ""')[0]


@cache
def _said(text: str) -> str:
    return polib.POEntry(msgid="", msgstr=text).__unicode__(WIDTH).partition("\n")[2]


def _translated(source: Source, tongue: Tongue) -> str:
    if source.id.startswith("common:words."):
        return f"{tongue.code}x{source.id.rpartition('.')[2]}".upper()
    short = 0.4 if tongue.headers is OWN else 1.0
    return WORD.sub(lambda found: _word(found[0], tongue.code, tongue.syllables, short), source.text)


@cache
def _word(word: str, code: str, written: str, short: float) -> str:
    """A word of about the same length, always the same one; placeholders stay."""
    if word.startswith("{"):
        return word
    syllables, made = written.split(), ""
    for place in hashlib.sha256(f"{code}{word.lower()}".encode()).digest():
        made += syllables[place % len(syllables)]
        if len(made) >= max(len(word) * short, 2):
            break
    return made.capitalize() if word[0].isupper() else made
