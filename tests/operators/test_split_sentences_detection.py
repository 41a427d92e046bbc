"""Without a named language, `split_sentences` finds it from the text before each mark."""

import tomllib
from importlib.resources import files
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.operators import split_sentences
from ollama_rx.operators._sentences.language_detector import LanguageDetector
from ollama_rx.operators._sentences.lexicon import LATIN, SHARED_SCRIPTS, languages
from ollama_rx.operators._sentences.rules import rules_for
from ollama_rx.testing import check
from tests.operators.sentences import split
from tests.operators.test_split_sentences_languages import EXAMPLES
from tests.operators.text_pieces import cut, run

# In each text, ^ stands where a sentence ends.
TEXTS = [
    "Am 3. Oktober feiern wir.^ Es kommt z. B. Dr. Eich.",
    "Ja, gern!^ Am 1. Tag fahren wir nach Köln, am 2. Tag nach Bonn usw.^ Danach geht es heim.",
    "Die Firma Müller & Co. GmbH wurde am 5. April gegründet.^ Sie wächst.",
    "Bonjour !^ Voici la réponse.^ M. Dupont vit av. Foch.^ Il rit.",
    "El Sr. García vive en EE. UU. desde 2010.^ Su esposa es la Dra. López.",
    "Ciao!^ Il Sig. Rossi ti cerca.^ È qui.",
    "Olá!^ A Dra. Costa chegou.^ Ver pág. 7.^ Obrigado.",
    "Ahoj!^ Je to 3. místo.^ Karel IV. Lucemburský byl král.",
    "Szia!^ Ez a 3. Fejezet.^ IV. Béla király volt.",
    "Dzień dobry!^ Oto np. Jan III. Sobieski był królem.^ Żył długo.",
    "Привіт!^ Див. рис. 5.^ Там усе є.",
    "Здравей!^ В гр. София е топло.^ Виж стр. 5.^ Там е.",
    "यह घर है|^ वह बड़ा है|^ हाँ",
    "ይህ ቤት ነው::^ ትልቅ ነው፧^ አዎ",
    "Πού είναι;^ Εκεί.",
    "وہ ص۔ 5 وغیرہ۔^ قیمت 5.5 روپے ہے۔",
    "東京タワーは高い！と言った。^はい。",
    # an abbreviation is the first word that tells the language
    "Il dott. Bianchi tace.^ Ecco.",
    "En EE. UU. Trump ganó.^ Nada.",
    "Doç. Dr. Ayşe geldi.",
    "MUDr. Svoboda mluví.^ Např. Brno.",
    "Dr hab. Jan mieszka przy ul. Polnej.",
    "Virtanen asuu esim. Helsingissä.",
    # English that may be taken for something else
    "Angela Merkel met Dr. Müller of Die Zeit in Berlin.^ They talked.",
    "São Paulo is big.^ José García Jr. was born there.^ He moved on Jan. 5.",
    "Der Spiegel reported it.^ No. 5 came later.",
    "El Niño came in Dec. 1997.^ It was no. 3.^ Nobody knew.",
    "La La Land won.^ Mr. Gosling sang.",
    "Use `der.die.das` in code.^ It is version 3.^ Nothing else works.",
    "The German word is “Straße”.^ It has 6 letters.^ We saw 2.^ They are long.",
    "The word θάλασσα is Greek; it means sea: look it up.^ We saw 3.^ Then we left.",
    "See http://пример.испытание/страница for it; we did.^ It has 5.^ We read them.",
    "Dr. Kim은 교수다.^ 2020. 5. 1. 시작했다.^ 끝",
    "「最高!」と言った。^PythonとVMで「最高!」って言うよ。",
    "Sen. Oak and Rep. Elm spoke.^ They agreed.",
    "I am 5.^ You are 6.",
    "O Sr. Silva veio.^ A Sra. Costa também.",
    "Well: no.^ Yes; sure | maybe.",
]
TOO_SHORT = {"fi", "fr"}  # these examples say too little before their first abbreviation


@pytest.mark.parametrize("marked", TEXTS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_language_is_found_from_the_text(marked: str, size: int) -> None:
    assert run(split_sentences(strip=False), cut(marked.replace("^", ""), size)) == marked.split("^")


@pytest.mark.parametrize("language", sorted(EXAMPLES.keys() - TOO_SHORT))
def test_the_example_of_each_language_needs_no_language(language: str) -> None:
    marked = EXAMPLES[language]
    assert split(marked.replace("|", ""), strip=False) == marked.split("|")


def test_a_text_that_changes_its_language_is_followed() -> None:
    marked = (
        "Here is what you asked for.^\nDas ist der 3. Satz.^ Er hat z. B. ein Wort.^\n"
        "Это ул. Мира.^ Πού είναι;^ It is one of 3.^ Nobody knows."
    )
    assert split(marked.replace("^", ""), strip=False) == marked.split("^")


def test_a_sentence_without_clues_is_in_the_language_of_the_one_before() -> None:
    assert split("Sie wurde Königin.\nKarl XIV. Johann starb.") == [
        "Sie wurde Königin.",
        "Karl XIV. Johann starb.",
    ]
    assert split("She became queen.\nKarl XIV. Johann died.") == [
        "She became queen.",
        "Karl XIV.",
        "Johann died.",
    ]
    assert split("Sie wurde Königin. 5. Mai") == ["Sie wurde Königin.", "5. Mai"]


def test_a_code_fence_says_nothing_about_the_language() -> None:
    code = "```\nder die das und ist\nes war 3. Mai\n```"
    assert split(f"{code}\nModel 3. Mac") == [code, "Model 3.", "Mac"]


def test_an_early_first_piece_counts_as_a_sentence() -> None:
    assert split("Das ist der Satz von gestern, Ludwig II. Otto kam.", first_fragment=True) == [
        "Das ist der Satz von gestern,",
        "Ludwig II. Otto kam.",
    ]


@pytest.mark.parametrize("language", [None, "de"])
def test_an_early_first_piece_ends_before_a_joining_word_of_its_language(language: str | None) -> None:
    text = "Die Leute der alten kleinen Stadt am Fluss sowie Gäste kamen"
    assert split(text, language, first_fragment=True) == [
        "Die Leute der alten kleinen Stadt am Fluss",
        "sowie Gäste kamen",
    ]


@pytest.mark.parametrize("language", [None, "el"])
def test_a_mark_that_is_a_clause_mark_elsewhere_ends_a_first_sentence(language: str | None) -> None:
    text = "Πού είναι το σπίτι;Εκεί είναι."
    assert split(text, language, first_fragment=True) == split(text, "el")


def test_a_pause_ends_a_sentence_of_the_language_that_was_found() -> None:
    check(
        split_sentences(idle=2),
        source="-a-----b---|    ",
        expect="---x-------(y|)",
        a="Wo ist das Haus?",
        b=" Ludwig II. Otto",
        x="Wo ist das Haus?",
        y="Ludwig II. Otto",
    )
    check(split_sentences(idle=2), source="-a----", expect="------", a="Das ist die Karl-Str.")


def test_only_the_characters_near_a_mark_are_looked_at() -> None:
    detector = LanguageDetector()
    german = "der die das und ist nicht "
    assert detector.language_at(german + "x" * 20, len(german)) == "de"
    assert detector.language_at(german + "the and of to " * 9, len(german) + 126) == "en"
    assert detector.language_at(german + "字" * 100, len(german) + 100) == "zh"


def test_the_same_words_in_two_sentences_are_enough_to_change_the_language() -> None:
    detector = LanguageDetector()
    found: list[str] = []
    for sentence in ("Der Hund ist nicht hier", "The tree", "The tree"):
        found.append(detector.language_at(sentence, len(sentence)))
        detector.end_sentence()
    assert found == ["de", "de", "en"]  # one foreign word may be a name


@given(
    st.lists(st.sampled_from(["der ", "the ", "5. ", "Ну, ", "ул. ", "; ", "Νο", "ñ", "| ", "字。", ". A"]))
)
def test_any_cutting_finds_the_same_languages(parts: list[str]) -> None:
    text = "".join(parts)
    whole = run(split_sentences(strip=False), [text])
    assert (
        run(split_sentences(strip=False), cut(text, 1)) == whole == run(split_sentences(strip=False), parts)
    )


def test_the_tables_fit_together() -> None:
    package = files("ollama_rx.operators._sentences")
    table = tomllib.loads((package / "common_words.toml").read_text("utf-8"))
    shared = set(chain.from_iterable(SHARED_SCRIPTS))
    assert set(LATIN) < languages() >= shared
    assert shared - table["words"].keys() == {"zh", "ja"}  # kana tell them apart
    assert shared >= table["letters"].keys()
    for words in table["words"].values():
        assert len(words.split()) == len(set(words.split()))
        assert all(word.islower() or len(word) == 1 or word.lower() == word for word in words.split())


def test_the_rules_of_all_languages_look_for_the_same_characters() -> None:
    assert len({rules_for(language, eager=False).candidates for language in languages()}) == 1


def test_the_language_is_found_also_after_more_different_words_than_are_remembered() -> None:
    text = " ".join(f"wort{number}." for number in range(5000)) + "\nDas ist der 3. Tag."
    assert split(text)[-1] == "Das ist der 3. Tag."
