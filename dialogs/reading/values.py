"""Takes values of the right type out of the plain tree; what is wrong with them becomes a problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from dialogs.problem import At, Level, Problem
from dialogs.reading.grammar import belongs
from dialogs.reading.plain_yaml import Items, Node, Pair, Pairs, Plain
from dialogs.reading.yaml_lines import in_quotes, shortened
from dialogs.script import Condition

ID = re.compile(r"[a-z][a-z0-9_]{0,29}")
TARGET = re.compile(r"/?[a-z][a-z0-9_]{0,29}")
CONDITION = re.compile(r"(\w+) is (not )?(\w+(?: or \w+)*)")


@dataclass(frozen=True, slots=True)
class Finds:
    """The problems found so far."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, node: Node, slug: str, text: str, mend: str = "", level: Level = "error") -> None:
        """One more, under the letters of this part of the file."""
        self.problems.append(Problem(node.at, slug, text, mend, level, node.width))

    def in_order(self) -> list[Problem]:
        """From the top of the file to its end."""
        return sorted(self.problems, key=lambda problem: problem.at)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ""."""
    return next(iter(get_close_matches(word.lower(), sorted(known), 1, 0.6)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """How to mend a name that does not exist."""
    names = tuple(known)
    if near := nearest(word, names):
        return f'Did you mean "{near}"?'
    return f"There are: {', '.join(names)}." if names else ""


def wrong_type(node: Node, what: str, wanted: str, mend: str, finds: Finds) -> None:
    """Say that `what` wants another kind of value; not where a cause is known already."""
    if node.flawed:
        return
    if isinstance(node, Plain):
        found = "nothing stands here" if not node.text else f'here stands "{shortened(node.text)}"'
    else:
        found = "here stands a list" if isinstance(node, Items) else "here stand lines with keys"
    finds.add(node, "wrong-type", f'"{what}" wants {wanted}, and {found}.', mend)


def text(node: Node, what: str, finds: Finds, *, empty: bool = False) -> str:
    """A text, never empty unless that is allowed; "" after a problem."""
    if isinstance(node, Plain) and (node.text or empty or node.flawed):
        return node.text
    wrong_type(node, what, "a text", f'Write the text on the same line: "{what}: …"', finds)
    return ""


def texts(node: Node, what: str, finds: Finds) -> list[Plain]:
    """A text, or a list of texts."""
    if not isinstance(node, Items):
        return [node] if text(node, what, finds) and isinstance(node, Plain) else []
    found = []
    for item in node.items:
        if isinstance(item, Pairs) and len(item.pairs) == 1 and not item.flawed:  # - Note: we will …
            key, value = item.pairs[0].key, item.pairs[0].value
            whole = f"{key.text}: {value.text if isinstance(value, Plain) else ''}"
            at = At(key.at.file, key.at.line, key.at.column + key.width)
            what = "Cannot read this line: the text holds a colon."
            finds.add(Plain(whole, at), "yaml", what, in_quotes(whole))
        elif text(item, what, finds) and isinstance(item, Plain):
            found.append(item)
    return found


def one_of(node: Node, what: str, allowed: tuple[str, ...], finds: Finds) -> str:
    """One of these words; "" after a problem."""
    if isinstance(node, Plain) and node.text in allowed:
        return node.text
    near = nearest(node.text, allowed) if isinstance(node, Plain) else ""
    mend = f'Did you mean "{near}"?' if near else f"Write one of: {', '.join(allowed)}."
    wrong_type(node, what, " or ".join(f'"{word}"' for word in allowed), mend, finds)
    return ""


def number(node: Node, what: str, finds: Finds) -> int | None:
    """A number of points."""
    if isinstance(node, Plain) and re.fullmatch(r"[0-9]{1,3}", node.text):
        return int(node.text)
    wrong_type(node, what, "a number from 0 to 999", f'Write it in digits: "{what}: 2"', finds)
    return None


def name(node: Plain, finds: Finds, reserved: tuple[str, ...] = ()) -> str:
    """A name that the machine knows something by, as it stands, after a problem too."""
    if node.flawed:
        return node.text
    if node.text in reserved:
        mend = f'Take another name, for example "{node.text}_1".'
        finds.add(node, "bad-id", f'"{node.text}" has a meaning of its own.', mend)
    elif not ID.fullmatch(node.text):
        mend = "Small letters a to z, digits and _ only, a letter first, 30 at most."
        fixed = re.sub(r"[^a-z0-9]+", "_", node.text.lower()).strip("_")[:30].strip("_")
        mend += f' For example "{fixed}".' if ID.fullmatch(fixed) and fixed not in reserved else ""
        finds.add(node, "bad-id", f'"{shortened(node.text)}" cannot be a name.', mend)
    return node.text


def name_in(node: Node, what: str, finds: Finds, reserved: tuple[str, ...] = ()) -> str:
    """A name as a value; "" after a problem."""
    if text(node, what, finds) and isinstance(node, Plain):
        return name(node, finds, reserved)
    return ""


def target(node: Node, what: str, finds: Finds) -> str:
    """Where to go on: a step, /dialog, end or forget; "" after a problem."""
    if isinstance(node, Plain) and node.text and not node.flawed:
        if not TARGET.fullmatch(node.text):
            mend = "Write the name of a step, a dialog with a / before it, end, or forget."
            finds.add(node, "bad-id", f'"{shortened(node.text)}" is no place to go to.', mend)
            return ""
        return node.text
    wrong_type(node, what, "one place to go to", "Write a step, /dialog, end or forget.", finds)
    return ""


def block(node: Node, what: str, example: str, finds: Finds) -> tuple[Pair, ...]:
    """The lines `key: value` under a key; none after a problem."""
    if isinstance(node, Pairs):
        return node.pairs
    mend = f'Write one line for each, two spaces further right than "{what}": "{example}"'
    wrong_type(node, what, "lines of its own", mend, finds)
    return ()


def known_keys(pairs: Iterable[Pair], known: tuple[str, ...], finds: Finds) -> dict[str, Pair]:
    """The lines by key. A key that does not exist is read as the one that was surely meant."""
    lines = tuple(pairs)
    found = {pair.key.text: pair for pair in lines if pair.key.text in known}
    for pair in lines:
        key = pair.key.text
        if key in known or pair.key.flawed:
            continue
        place = belongs(key)
        near = "" if place else nearest(key, known)
        mend = place or f"Begin it further right if it belongs to the line above. {did_you_mean(key, known)}"
        finds.add(pair.key, "unknown-key", _not_here(key, place), f'Did you mean "{near}"?' if near else mend)
        if near not in found and _surely(key, near):
            found[near] = Pair(pair.key, pair.value)
    return found


def _surely(key: str, near: str) -> bool:
    """True if no other word can be meant, so that what stands under it can be judged as well."""
    return bool(near) and (sorted(key) == sorted(near) or bool(get_close_matches(key.lower(), [near], 1, 0.75)))


def _not_here(key: str, elsewhere: str) -> str:
    return f'"{shortened(key)}" cannot stand here.' if elsewhere else f'There is no key "{shortened(key)}".'


def need(found: Mapping[str, Pair], key: str, under: Node, what: str, finds: Finds) -> Node | None:
    """The value of a key that must be there."""
    if key in found:
        return found[key].value
    finds.add(under, "missing-key", f'{what} has no "{key}".', f'Add a line "{key}: …".')
    return None


def conditions(node: Node, finds: Finds) -> tuple[Condition, ...]:
    """What `only if` says: one condition, or a list of which all must hold."""
    return tuple(found for plain in texts(node, "only if", finds) if (found := _condition(plain, finds)))


def _condition(plain: Plain, finds: Finds) -> Condition | None:
    match = CONDITION.fullmatch(" ".join(plain.text.split()))
    values = tuple(match[3].split(" or ")) if match else ()
    known = values == ("known",)
    if match and ID.fullmatch(match[1]) and (known or not {"known", "or", "not", "is"} & {*values}):
        return Condition(match[1], () if known else values, match[2] is not None, plain.at)
    if not plain.flawed:
        finds.add(plain, "only-if", "This condition cannot be read.", _mend_condition(plain.text))
    return None


def _mend_condition(written: str) -> str:
    """The likeliest slip in a condition, and how it reads without it, in the editor's own names."""
    plain = " ".join(written.split())
    if re.search(r"\band\b|&", plain):
        first = _in_words(re.split(r"\band\b|&", plain)[0])
        return f'Write each condition on a line of its own, with a dash: "- {first or "mineral is gold"}"'
    if re.search(r"[=!<>]|\bisn't\b|\bisnt\b|\bare\b", plain):
        return f'Write it with words: "{_in_words(plain) or "mineral is gold"}"'
    if "," in plain:
        return f'Write "or" between the choices: "{_in_words(plain) or "mineral is gold or tin"}"'
    return 'Write it like "mineral is gold or tin", "mineral is not gold" or "mineral is known".'


def _in_words(written: str) -> str:
    """A condition with signs or commas as it should be written; "" if it cannot be told."""
    found = re.fullmatch(r"\s*(\w+)\s*(==?|!==?|<>|isn't|isnt|is not|are not|are|is)\s*([\w\s,|]*\w)\s*", written)
    if not found:
        return ""
    values = " or ".join(value for value in re.split(r"\s*[,|]\s*(?:or\s+)?|\s+or\s+", found[3]) if value)
    is_ = "is" if found[2] in ("=", "==", "is", "are") else "is not"
    said = f"{found[1]} {is_} {values}"
    return said if CONDITION.fullmatch(said) else ""


def places(pairs: Iterable[Pair]) -> Mapping[str, At]:
    """Where the values stand: "go", "go.worker" for a line under it, "of.1" for the first of a list."""
    found: dict[str, At] = {}
    for pair in pairs:
        key = pair.key.text
        found[key] = pair.value.at
        for line in pair.value.pairs if isinstance(pair.value, Pairs) else ():
            found[f"{key}.{line.key.text}"] = line.value.at
        for number, item in enumerate(pair.value.items if isinstance(pair.value, Items) else (), 1):
            found[f"{key}.{number}"] = item.at
    return MappingProxyType(found)
