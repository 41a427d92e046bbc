"""Where hardly a doubt is left that a dot ends the sentence, at little cost and without a look ahead."""

from typing import Final

from ollama_rx.operators._sentences.lexicon import Lexicon
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.words import is_plain, kind_of, words_before

_LONGEST: Final = 40  # characters looked at before the dot
_SHORTEST: Final = 3  # letters of a word that is hardly an unknown abbreviation


def is_safe(lexicon: Lexicon, sentence: Sentence, text: str, mark: int) -> bool:
    """Tell whether what stands before a dot leaves hardly a doubt that the sentence ends there."""
    if text[mark] != ".":
        return False
    before, _, word = text[max(0, mark - _LONGEST) : mark].rpartition(" ")
    if len(word) < _SHORTEST or not word.isalpha() or not word.islower() or not before:
        return False
    if word in lexicon.files or sentence.begins_lower(text, mark):
        return False
    if not is_plain(word, before[-1], lexicon) and kind_of(words_before(text, mark), lexicon)[0] is not None:
        return False
    sentence.scan(text, mark)
    if sentence.is_inside(mark) or sentence.quote(mark) is not None:
        return False
    # Quotes that are not followed elsewhere.
    return "``" not in before and " '" not in before and " ”" not in before and " »" not in before
