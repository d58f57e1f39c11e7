"""Which intent a text has, for Rasa's pipeline: pieces of words and a linear support vector machine of scikit-learn.

Rasa's own `LogisticRegressionClassifier` takes minutes for what this learns in seconds, and knows less afterwards
(docs/assistant.md has the figures). Runs within Rasa's Python, 3.8 to 3.10; nothing of ours imports it.
"""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
import skops.io
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC

FILE = "intents.skops"
TRUSTED = ["scipy.sparse._csr.csr_matrix"]  # beside what skops trusts by itself


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(GraphComponent, IntentClassifier):
    """Sets `intent` and `intent_ranking` of each message, as Rasa's own classifiers do."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """What config.yml may set.

        `outside` is the intent of all that the assistant does not know; `sharpness` is how much surer a wider margin
        makes it; `ranking_length` is how many intents are told.
        """
        return {
            "C": 2.0,
            "word_ngrams": 2,
            "letter_ngrams": 5,
            "outside": "out_of_scope",
            "sharpness": 2.0,
            "ranking_length": 5,
        }

    @staticmethod
    def required_packages() -> List[str]:
        """Packages that have to be there; Rasa brings them."""
        return ["sklearn", "skops"]

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config, self._storage, self._resource = {**self.get_default_config(), **config}, storage, resource
        self._model: Pipeline = None

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LinearIntentClassifier:
        """An untrained one."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples of all languages together, and store what was learnt."""
        examples = [each for each in training_data.intent_examples if each.get(TEXT) and each.get(INTENT)]
        self._model = make_pipeline(
            make_union(self._pieces("word", 1, self._config["word_ngrams"], 1), self._letters()),
            LinearSVC(C=self._config["C"], random_state=0),
        )
        self._model.fit([each.get(TEXT) for each in examples], [each.get(INTENT) for each in examples])
        with self._storage.write_to(self._resource) as folder:
            skops.io.dump(self._model, folder / FILE)
        return self._resource

    def _letters(self) -> TfidfVectorizer:
        return self._pieces("char_wb", 2, self._config["letter_ngrams"], 2)

    def _pieces(self, of: str, least: int, most: int, seldom: int) -> TfidfVectorizer:
        return TfidfVectorizer(
            analyzer=of,
            ngram_range=(least, most),
            min_df=seldom,
            sublinear_tf=True,
            strip_accents="unicode",
            token_pattern=r"\b\w+\b",  # "2", "y" and "a" are words too
        )

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LinearIntentClassifier:
        """The one that was stored. Raises what `skops` raises for a file with anything else in it."""
        loaded = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            loaded._model = skops.io.load(folder / FILE, trusted=TRUSTED)
        return loaded

    def process(self, messages: List[Message]) -> List[Message]:
        """The intents of these messages, the likeliest first; an empty text has none.

        The confidence of an intent is how much likelier it is than `outside`, and that of `outside` how much likelier
        than the best of the others. On sentences out of scope this tells far better than a share among all intents
        does: of words that nobody taught it a share says 0.98 too.
        """
        asked = [each for each in messages if each.get(TEXT)]
        for each in messages:
            each.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
            each.set("intent_ranking", [], add_to_output=True)
        if not asked:
            return messages
        names = list(self._model.classes_)
        outside = names.index(self._config["outside"])
        for message, margins in zip(asked, self._model.decision_function([each.get(TEXT) for each in asked])):
            rivals = np.full(len(names), margins[outside])
            rivals[outside] = np.delete(margins, outside).max()
            sure = expit((margins - rivals) * self._config["sharpness"])
            best = sure.argsort()[::-1][: self._config["ranking_length"]]
            ranking = [{"name": str(names[at]), "confidence": float(sure[at])} for at in best]
            message.set(INTENT, dict(ranking[0]), add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Rasa asks each component for this; nothing after this one needs it."""
        return training_data
