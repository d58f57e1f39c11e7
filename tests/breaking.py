"""Ways in which a content file gets broken: by a slip of the hand, an editor program, a bad disk or a bad joke.

Each takes a source of chance and the bytes of a good file, and gives the bytes that stand there then. The same seed
breaks the same way.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

Break = Callable[[random.Random, bytes], bytes]

KEY = re.compile(rb"^ *(?:- )?([A-Za-z][A-Za-z0-9_ %]*):(?= |$)", re.M)
TARGET = re.compile(rb"(?<=: )/?[a-z][a-z0-9_]+$", re.M)
PLACEHOLDER = re.compile(rb"\{[a-z_]+\}")
VALUES = (
    *(b"", b" yes", b" 12", b" -1", b" 1.5", b" null", b" ~", b" []", b" {}", b" [a, b]", b" {a: b}", b" |", b" >"),
    *(b' "', b" '", b" &a x", b" *a", b" !tag x", b" !!int 3", b" 2026-13-45", b" 99:99", b" : x", b" - x", b" # x"),
    *(b"\n      a: b", b"\n      - a", b" %x", b" @x", b" `x`", b" ? x", b" " + b"x" * 400, b" \xc3\xa9\xe2\x82\xac"),
)
LINES = (
    *(b"\t- x", b"<<: *a", b"- x", b"? x", b"---", b"...", b"%YAML 1.1", b"&a", b"*a", b": x", b"x", b"  x: y"),
    *(b"      deep: x", b"msgid", b'msgstr "x"', b"{", b"]", b'"', b"<<<<<<< HEAD", b"=======", b">>>>>>> theirs"),
)
ODD = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\xc2\xa0",
    b"\x1b[0m",
    b"\xed\xa0\x80",
    b"\r",
    b"\x0c",
    b"\t",
)


def _line(rng: random.Random, raw: bytes, change: Callable[[bytes], list[bytes]]) -> bytes:
    """One line that says something, changed into these."""
    lines = raw.split(b"\n")
    told = [at for at, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(b"#")] or [0]
    at = rng.choice(told)
    return b"\n".join([*lines[:at], *change(lines[at]), *lines[at + 1 :]])


def _match(rng: random.Random, raw: bytes, pattern: re.Pattern[bytes], change: Callable[[bytes], bytes]) -> bytes:
    """One place that fits the pattern, changed; a line is taken out where there is none."""
    found = list(pattern.finditer(raw))
    if not found:
        return _line(rng, raw, lambda line: [])
    one = rng.choice(found)
    return raw[: one.start()] + change(one[0]) + raw[one.end() :]


def _misspelt(rng: random.Random, word: bytes) -> bytes:
    at = rng.randrange(len(word))
    return rng.choice([word[:at] + word[at + 1 :], word[:at] + word[at : at + 1] * 2 + word[at + 1 :], word.upper()])


def swapped(rng: random.Random, raw: bytes) -> bytes:
    """Two neighbouring lines change places."""
    lines = raw.split(b"\n")
    if len(lines) > 2:
        at = rng.randrange(len(lines) - 1)
        lines[at : at + 2] = lines[at + 1], lines[at]
    return b"\n".join(lines)


def moved(rng: random.Random, raw: bytes) -> bytes:
    """Some lines are cut out and put in elsewhere."""
    lines = raw.split(b"\n")
    start = rng.randrange(len(lines))
    cut = lines[start : start + rng.randint(1, 4)]
    del lines[start : start + len(cut)]
    at = rng.randint(0, len(lines))
    return b"\n".join([*lines[:at], *cut, *lines[at:]])


def twice(rng: random.Random, raw: bytes) -> bytes:
    """Some lines stand there twice, one below the other."""
    lines = raw.split(b"\n")
    start = rng.randrange(len(lines))
    cut = lines[start : start + rng.randint(1, 5)]
    return b"\n".join([*lines[: start + len(cut)], *cut, *lines[start + len(cut) :]])


def bare(rng: random.Random, raw: bytes) -> bytes:
    """A line loses its colon, its blank after it, or its quotes."""
    sign = rng.choice([b":", b": ", b'"', b"- "])
    return _match(rng, raw, re.compile(re.escape(sign)), lambda found: found.rstrip(b':"- ') or found[2:])


BY_LINE: Mapping[str, Break] = {
    "a line gone": lambda rng, raw: _line(rng, raw, lambda line: []),
    "a line twice": lambda rng, raw: _line(rng, raw, lambda line: [line, line]),
    "a line further right": lambda rng, raw: _line(rng, raw, lambda line: [b" " * rng.choice([1, 2, 2, 2, 4]) + line]),
    "a line further left": lambda rng, raw: _line(
        rng, raw, lambda line: [line.removeprefix(b" " * rng.choice([1, 2, 2]))]
    ),
    "a line with a tab": lambda rng, raw: _line(rng, raw, lambda line: [b"\t" + line.lstrip()]),
    "a line cut": lambda rng, raw: _line(rng, raw, lambda line: [line[: rng.randint(0, len(line))]]),
    "a line that is none of ours": lambda rng, raw: _line(rng, raw, lambda line: [line, rng.choice(LINES)]),
    "a line as a remark": lambda rng, raw: _line(rng, raw, lambda line: [b"# " + line]),
    "lines joined": lambda rng, raw: _match(rng, raw, re.compile(rb"\n"), lambda found: rng.choice([b"", b" "])),
    "lines swapped": swapped,
    "lines moved": moved,
    "lines twice": twice,
    "a sign gone": bare,
}
BY_WORD: Mapping[str, Break] = {
    "another value": lambda rng, raw: _match(rng, raw, re.compile(rb"(?<=:) [^\n]+"), lambda found: rng.choice(VALUES)),
    "a value put in": lambda rng, raw: _match(
        rng, raw, re.compile(rb":$", re.M), lambda found: b":" + rng.choice(VALUES)
    ),
    "a key misspelt": lambda rng, raw: _match(rng, raw, KEY, lambda found: _misspelt(rng, found.rstrip(b":")) + b":"),
    "a target misspelt": lambda rng, raw: _match(rng, raw, TARGET, lambda found: _misspelt(rng, found)),
    "a placeholder misspelt": lambda rng, raw: _match(rng, raw, PLACEHOLDER, lambda found: _misspelt(rng, found)),
    "an odd sign": lambda rng, raw: _match(rng, raw, re.compile(rb"[a-z]"), lambda found: rng.choice(ODD)),
    "a quote put in": lambda rng, raw: _match(rng, raw, re.compile(rb"[a-z]"), lambda found: rng.choice([b'"', b"'"])),
}
WHOLE: Mapping[str, Break] = {
    "cut anywhere": lambda rng, raw: raw[: rng.randint(0, len(raw))],
    "cut in a letter": lambda rng, raw: raw + "é".encode()[:1],
    "with CRLF": lambda rng, raw: raw.replace(b"\n", b"\r\n"),
    "with CR": lambda rng, raw: raw.replace(b"\n", b"\r"),
    "with a BOM": lambda rng, raw: b"\xef\xbb\xbf" + raw,
    "in Latin-1": lambda rng, raw: raw.replace(b"e", "é".encode("latin-1"), rng.randint(1, 5)),
    "in UTF-16": lambda rng, raw: raw.decode("utf-8", "replace").encode(
        rng.choice(["utf-16", "utf-16-le", "utf-16-be"])
    ),
    "empty": lambda rng, raw: rng.choice(
        [b"", b"\n", b"# only a remark\n", b"---\n", b"{}\n", b"[]\n", b"x\n", b"\x00" * 64]
    ),
    "twice over": lambda rng, raw: raw + raw,
    "some bytes turned over": lambda rng, raw: bytes(
        byte ^ 1 << rng.randrange(8) if rng.random() < 3 / max(len(raw), 3) else byte for byte in raw
    ),
}
ENTRY = re.compile(rb"(?:^[^\n]+\n)+", re.M)
PO: Mapping[str, Break] = {
    "a quote mark lost": lambda rng, raw: _match(rng, raw, re.compile(rb'"'), lambda found: b""),
    "an entry cut": lambda rng, raw: _match(rng, raw, ENTRY, lambda found: found[: rng.randint(0, len(found))]),
    "an entry twice": lambda rng, raw: _match(rng, raw, ENTRY, lambda found: found + b"\n" + found),
    "an entry gone": lambda rng, raw: _match(rng, raw, ENTRY, lambda found: b""),
    "the header gone": lambda rng, raw: raw[raw.find(b"\n\n") + 1 :],
    "a header misspelt": lambda rng, raw: _match(
        rng, raw, re.compile(rb'(?<=^")X-\w+', re.M), lambda found: _misspelt(rng, found)
    ),
    "another header": lambda rng, raw: _match(
        rng,
        raw,
        re.compile(rb'(?<=^")(?:X-\w+|Language|Content-Type): [^"]*', re.M),
        lambda found: (
            found.split(b":")[0]
            + b": "
            + rng.choice([b"", b"x\\n", b"live\\n", b"sw\\n", b"text/plain; charset=KOI8-R\\n", b"\xff"])
        ),
    ),
    "plural forms": lambda rng, raw: _match(
        rng, raw, re.compile(rb"^msgstr (.*)$", re.M), lambda found: b'msgid_plural "many"\nmsgstr[0] ' + found[7:]
    ),
    "a fuzzy header": lambda rng, raw: b"#, fuzzy\n" + raw[raw.find(b'msgid ""') :],
    "a fuzzy entry": lambda rng, raw: _match(
        rng, raw, re.compile(rb"^msgctxt", re.M), lambda found: b"#, fuzzy\n" + found
    ),
    "a placeholder gone": lambda rng, raw: _match(rng, raw, PLACEHOLDER, lambda found: b""),
    "another id": lambda rng, raw: _match(
        rng, raw, re.compile(rb"(?<=^msgctxt \")[^\"]+", re.M), lambda found: _misspelt(rng, found)
    ),
    "an odd escape": lambda rng, raw: _match(
        rng,
        raw,
        re.compile(rb"[a-z] (?=[a-z])"),
        lambda found: rng.choice([b"\\", b"\\q", b"\\x00", b"\\n", b"\\t", b'\\"']),
    ),
    "a retired entry": lambda rng, raw: _match(rng, raw, ENTRY, lambda found: b"#~ " + found),
}
ANY: Mapping[str, Break] = {**BY_LINE, **BY_WORD, **WHOLE}


def ways_to_break(file: str) -> Mapping[str, Break]:
    """The ways that make sense for a file of this name."""
    return {**ANY, **PO} if file.endswith(".po") else ANY
