"""Free text: what is neither a choice, a number nor a word for the service; and what it can be known by without help.

Pure. An assistant may do better (`Inbound.meaning`); where there is none, or it is not sure, words decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from dialogs.answers import Answer, Answers, Phrase
from dialogs.content import Content
from dialogs.gsm import clean
from dialogs.inbound import pressed
from dialogs.locale import fold_word, fold_words

MOST = 600  # letters that are looked at
NOTHING = frozenset(("nlu_fallback", "out_of_scope"))  # what Rasa and our assistant call what they did not understand
THRESHOLD = 0.7  # how sure an assistant has to be, unless NGAZI_RASA_THRESHOLD says otherwise: see docs/assistant.md


def words_of(text: str) -> list[str]:
    """The folded words of a text: small, without accents."""
    return fold_words(clean(text)[:MOST])


def is_free(content: Content, text: str) -> bool:
    """True for text that an assistant may be asked about. It has letters, and is no button, word or choice we know."""
    words = words_of(text)
    if pressed(text) or not any(any(letter.isalpha() for letter in word) for word in words):
        return False
    folded = fold_word(clean(text))
    return folded not in content.words and folded not in content.labels


def is_meaning(content: Content, intent: str) -> bool:
    """True for an intent that answers.yaml has an answer to."""
    return intent in content.answers.intents and intent not in NOTHING


def danger_in(content: Content, text: str) -> Answer | None:
    """What must be said at once, before anything else; None where nothing tells of danger."""
    words, by_first = words_of(text), _by_first(content.answers)
    found = [
        (place, answer)
        for at, word in enumerate(words)
        for place, phrase, answer in by_first.get(word, ())
        if tuple(words[at : at + len(phrase)]) == phrase
    ]
    return min(found, key=lambda one: one[0])[1] if found else None


def by_words(content: Content, text: str) -> Answer | None:
    """The answer whose words are all there; the one with the most of them, and None where two are as likely."""
    words = set(words_of(text))
    scored = [(_most(words, each.phrases), each) for each in content.answers.intents.values()]
    best = max((score for score, _ in scored), default=0)
    found = [each for score, each in scored if score == best]
    return found[0] if best and len(found) == 1 else None


@lru_cache(maxsize=4)
def _by_first(answers: Answers) -> Mapping[str, list[tuple[int, Phrase, Answer]]]:
    """The phrases of danger by their first word, each with the place of its danger: the first danger wins."""
    found: dict[str, list[tuple[int, Phrase, Answer]]] = {}
    for place, answer in enumerate(answers.dangers.values()):
        for phrase in answer.phrases:
            found.setdefault(phrase[0], []).append((place, phrase, answer))
    return found


def _most(words: set[str], phrases: Iterable[Phrase]) -> int:
    return max((len(phrase) for phrase in phrases if words.issuperset(phrase)), default=0)
