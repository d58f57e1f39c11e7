"""The catalogue of problems: for each its title, why it matters, a wrong and a right example; and the page of them all.

The examples are content that runs: each is laid over `BASE`, a small content without a fault, and checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dialogs.check import check_content
from dialogs.check.catalogue_claims import CLAIMS
from dialogs.check.catalogue_entry import Entry
from dialogs.check.catalogue_hours import HOURS
from dialogs.check.catalogue_reading import READING
from dialogs.check.catalogue_structure import STRUCTURE
from dialogs.check.catalogue_text import TEXT
from dialogs.check.catalogue_translation import TRANSLATION
from dialogs.check.report import told
from dialogs.check.signed import as_signed
from dialogs.check.sources import sources
from dialogs.check.text import LISTS
from dialogs.locale import read_language
from dialogs.pofile import Entry as Translation
from dialogs.pofile import read_po
from dialogs.problem import Problem
from dialogs.written import Written, read_files

COMMON = """\
language: en
words:
  stop: STOP
  start: START
  help: HELP
  menu: MENU
texts:
  yes: Yes
  no: No
  unsure: Not sure
  next: Next
  back: Back
  more: More
  menu: Menu
  months: Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
  sorry: Please reply with one of the numbers.
  bad_date: Please write day/month/year, for example 25/03/2027.
  bad_number: Please write a number.
  bad_phone: Please write all digits of the number.
  bad_text: Please write an answer.
  bad_group: We do not know this code. Please look at it again.
  resume: You stopped in "{title}". Go on?
  resume_on: Go on
  resume_over: Start again
  goodbye: Thank you. Dial any time.
  busy: This line is busy now. Please try again later.
  sorry_error: Sorry, something went wrong. Please dial again.
  not_yours: This call was cut. Please dial again.
  result_seen: You have seen this part. Your answers are private.
  private_done: Thank you. This answer is not kept.
  no_steps: Nothing is open here. Well done.
  no_answers: Nothing is answered here yet.
  no_papers: No paper is asked for here.
  level_must: Must do now
  level_year1: Year 1
  level_year3: Year 3
  state_none: Not begun
  state_start: Start here
  state_working: Working on it
  state_ready: Ready
  state_done: Kept points done
  state_seen: Seen
  sms_offer: Send this list to you by SMS?
  sms_keep: To send it we keep your number. Agree?
  sms_sent: The list is on its way.
  stopped: You will get no more messages. To come back send START.
  stopped_ussd: You will get no more messages. To come back dial again.
  back_again: Welcome back.
  help: This line helps with safe and fair work. Send MENU to start.
  text_only: We can read only text here.
discreet: gold audit
"""
HELLO = """\
title: Welcome
then: /menu
steps:
  language:
    ask: Choose your language
    choices: languages
    save: language
"""
MENU = """\
title: Main menu
steps:
  home:
    ask: Choose a number
    choices:
      quiz: Am I ready?
      date: My audit date
    go:
      quiz: /quiz
      date: /audit
"""
QUIZ = """\
title: Am I ready?
then: /menu
steps:
  records:
    check: Does the group write down each sale?
    advice: Start a sales book today.
  list:
    advice: "Your next steps:"
source: own
"""
AUDIT = """\
title: My audit date
then: /menu
steps:
  date:
    ask: When is your audit?
    as: date
    save: audit_date
  done:
    say: Saved, {audit_date}.
source: own
"""
REMINDERS = """\
title: Audit reminders
count from: audit_date
send:
  7 days before: Put your papers in one folder.
source: own
"""
ENGLISH = """\
msgid ""
msgstr ""
"X-Name: English\\n"
"""
BASE: Mapping[str, str] = MappingProxyType(
    {
        "content/common.yaml": COMMON,
        "content/dialogs/hello.yaml": HELLO,
        "content/dialogs/menu.yaml": MENU,
        "content/dialogs/quiz.yaml": QUIZ,
        "content/dialogs/audit.yaml": AUDIT,
        "content/reminders/audit.yaml": REMINDERS,
        "content/locale/en.po": ENGLISH,
    }
)
CATALOGUE: Mapping[str, Entry] = MappingProxyType({**READING, **STRUCTURE, **TEXT, **TRANSLATION, **CLAIMS, **HOURS})
PARTS = (
    ("Reading a file", READING),
    ("How dialogs hang together", STRUCTURE),
    ("Texts on a phone", TEXT),
    ("Translations", TRANSLATION),
    ("What texts rest on", CLAIMS),
    ("Hours", HOURS),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A wrong or right example laid over the base: the files, and what they make."""

    files: Mapping[str, str]
    written: Written
    problems: list[Problem]


def example(entry: Entry, files: Mapping[str, str]) -> Example:
    """The example as a whole content, checked."""
    whole = {name: text for name, text in BASE.items() if name not in entry.gone or name in files} | dict(files)
    plain = {name: text.encode() for name, text in whole.items()}
    main = read_files({name: raw for name, raw in plain.items() if not _translated(name)})
    shown: set[str] = set()
    for name in filter(_translated, plain):
        plain[name] = completed(whole[name], main).encode()
        shown |= {translation.id for translation in read_language(name, whole[name])[0].entries.values()}
    written = as_signed(read_files(plain), but=() if entry.signed else shown)
    return Example(whole, written, check_content(written, standing=entry.standing, today=entry.today))


def _translated(name: str) -> bool:
    return name.endswith(".po") and name != "content/locale/en.po"


def completed(po: str, main: Written) -> str:
    """A PO snippet with an entry for every text that it leaves out, so that only what it says can be wrong."""
    read, _ = read_po("", po)
    if read is None:
        return po
    known: dict[str, Translation] = {entry.id: entry for entry in read.entries}
    lines = [po]
    for source in sources(main):
        if source.id not in known:
            quoted = source.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            said = quoted if source.id.startswith(LISTS) else f"{quoted} o"
            lines.append(f'msgctxt "{source.id}"\nmsgid "{quoted}"\nmsgstr "{said}"\n')
    return "\n".join(lines)


def page() -> str:
    """docs/problems.md."""
    lines = [
        "# What the check of the content finds",
        "",
        "`ngazi content check` lists every problem with its place, what it is, and how to mend it. The word in",
        "brackets at the end names the problem; here is what each means, with a wrong and a right example.",
        "",
        "An **error** keeps the old content in use until it is mended. A **warning** asks you to look; the content is",
        "used all the same. This page is written by `make docs` from `dialogs/check/catalogue.py`.",
    ]
    for title, entries in PARTS:
        lines += ["", f"**{title}**", ""]
        lines += [f"- [`{slug}`](#{slug}): {entry.title}" for slug, entry in entries.items()]
    for title, entries in PARTS:
        lines += ["", f"## {title}"]
        for slug, entry in entries.items():
            lines += ["", f"### {slug}", "", *_explained(slug, entry)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _explained(slug: str, entry: Entry) -> Iterator[str]:
    wrong = example(entry, entry.wrong)
    found = [problem for problem in wrong.problems if problem.slug == slug]
    yield f"**{entry.title}** {entry.why}"
    yield from ("", "Wrong:", "")
    yield from _shown(entry.wrong)
    if entry.gone:
        yield from (f"(There is no file `{entry.place}`.)", "")
    if entry.standing:
        people = "; ".join(f"{number} people at {' / '.join(place)}" for place, number in entry.standing.items())
        yield from (f"In the middle of it: {people}.", "")
    if entry.today:
        yield from (f"(The check is made on {entry.today}.)", "")
    yield from ("The check says:", "", "```text", *(told(problem, wrong.files) for problem in found[:1]), "```", "")
    yield from ("Right:", "")
    yield from _shown(entry.right) if entry.right else (f"(The file `{entry.place}` is there.)", "")


def _shown(files: Mapping[str, str]) -> Iterator[str]:
    for name, text in files.items():
        kind = "po" if name.endswith(".po") else "yaml"
        yield from (f"`{name}`", "", f"```{kind}", *text.rstrip("\n").split("\n"), "```", "")
