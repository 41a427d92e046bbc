"""Every supported language has a table, and every table is well formed and used."""

from importlib.resources import files

import pytest

from ollama_rx.operators._sentences.lexicon import Kind, languages, lexicon_for, lexicon_of_letter
from tests.operators.sentences import split

SUPPORTED = (
    "en de fr es it pt nl pl cs sk da sv nb fi ru uk bg el tr hu ro ar fa he "
    "hi bn mr gu pa ta te kn ml ur zh ja ko my hy am kk vi id th"
)
EXAMPLES = {
    "en": "Dr. Oak lives on Elm Ave. in Bonn.| He is old.",
    "de": "Am 4. Mai kam z. B. Frau Dr. Eich.| Sie blieb bis 5 Uhr usw. Dann ging sie.".replace(
        "w. D", "w.| D"
    ),
    "fr": "M. Chêne habite av. Foch.| « Où ? » dit-il.| Il rit.",
    "es": "El Sr. Roble vive en la Avda. Sol.| Llegó de EE. UU. ayer.| Es rico.",
    "it": "Il Sig. Quercia abita in v. Roma, pag. 3.| È vecchio.",
    "pt": "O Sr. Carvalho mora na Av. Sol.| Tem 80 anos.",
    "nl": "Dhr. Eik woont o.a. in Gent.| Hij is oud.",
    "pl": "Prof. Dąb mieszka przy ul. Długiej, tj. blisko.| Jest stary.",
    "cs": "Dne 5. května přišel Ing. Dub, tj. otec.| Je starý.",
    "sk": "Dňa 5. mája prišiel Ing. Dub, t. j. otec.| Je starý.",
    "da": "Den 5. maj kom hr. Eg, bl.a. med post.| Han er gammel.",
    "sv": "Prof. Ek bor t.ex. i Lund.| Han är gammal.",
    "nb": "Den 5. mai kom dr. Eik, bl.a. med post.| Han er gammel.",
    "fi": "Se on 5. Kerros, esim. Turussa.| Hän on vanha.",
    "ru": "Он живёт на ул. Мира, д. 5.| Хлеб, соль и т. д. Всё есть.".replace("д. В", "д.| В"),
    "uk": "Він живе на вул. Миру в м. Львів.| Це добре.",
    "bg": "Той живее на ул. Мир, т.е. тук.| Това е добре.",
    "el": "Ο κ. Δρυς μένει εδώ, π.χ. Αθήνα.| Πού είναι;| Εκεί.",
    "tr": "Prof. Meşe geldi, örn. Ankara.| O yaşlı.",
    "hu": "Május 5. Szerda, pl. Pécs.| Ő öreg.",
    "ro": "Dl. Stejar stă pe str. Mare nr. 5.| Este bătrân.",
    "ar": "السعر 3.5 دولار.| هذا رخيص؟| نعم",
    "fa": "این خانه است.| آن بزرگ است؟| بله",
    "he": 'ד"ר לוי גר כאן.| הוא זקן?| כן',
    "hi": "डॉ. वर्मा यहाँ रहते हैं।| वे बी.ए. पास हैं।| अच्छा",
    "bn": "ড. সেন এখানে থাকেন।| তিনি ভালো।| হ্যাঁ",
    "mr": "डॉ. जोशी येथे राहतात.| ते वृद्ध आहेत.| हो",
    "gu": "ડૉ. પટેલ અહીં રહે છે.| તેઓ વૃદ્ધ છે.| હા",
    "pa": "ਡਾ. ਸਿੰਘ ਇੱਥੇ ਰਹਿੰਦੇ ਹਨ।| ਉਹ ਬੁੱਢੇ ਹਨ।| ਹਾਂ",
    "ta": "திரு. குமார் இங்கே வாழ்கிறார்.| அவர் வயதானவர்.| ஆம்",
    "te": "డా. రావు ఇక్కడ ఉంటారు.| ఆయన పెద్దవారు.| అవును",
    "kn": "ಡಾ. ರಾವ್ ಇಲ್ಲಿ ಇದ್ದಾರೆ.| ಅವರು ಹಿರಿಯರು.| ಹೌದು",
    "ml": "ഡോ. കെ.പി. നായർ ഇവിടെ താമസിക്കുന്നു.| അദ്ദേഹം വൃദ്ധനാണ്.| അതെ",
    "ur": "یہ گھر ہے۔| وہ بڑا ہے؟| ہاں",
    "zh": "这是家。|那很大！|好",
    "ja": "これは家です。|大きい！|はい",
    "ko": '집은 3.5평입니다.| 네.| "작네요!" 그가 말했다.| 끝',
    "my": "ဒါအိမ်ပါ။| ကြီးတယ်။| ဟုတ်",
    "hy": "Սա տուն է:| Ժամը 10:30 է։| Այո",
    "am": "ይህ ቤት ነው።| ትልቅ ነው፧| አዎ",
    "kk": "Ол қ. Алматыда тұрады.| Бұл жақсы.| Иә",
    "vi": "PGS. TS. Trần đến TP. Huế.| Bà mua bánh, sữa, v.v. Rồi bà đi.".replace("v. R", "v.| R"),
    "id": "Bpk. Joko tinggal di Jl. Mawar No. 5.| Ia membeli roti, dll. Lalu ia pulang.".replace(
        "l. L", "l.| L"
    ),
    "th": "ดร. สมชาย เกิด 5 ม.ค. พ.ศ. 2560 ที่ จ. เชียงใหม่|\nเขาชอบข้าว!| จริงไหม?| ใช่",
}

MORE = [
    ("am", "በ1990 ዓ.ም. እና በ2001 እ.ኤ.አ. መጣ።| ገጽ. 5 ይመልከቱ።| ዋጋው 5.5 ብር ነው።| ዳቦ፣ ወተት ወዘተ.| ግን ውድ ነው።"),
    ("ar", "ولد سنة 50 ق.م. في روما.| الخبز والحليب إلخ.| ثم ذهب."),
    ("bn", "খ্রি. পূ. ৫০ সালে বি.এ. পাস ড. সেন এলেন।| মো. রহিম কি. মি. মাপেন।"),
    ("cs", "Přišel Jan Dub, CSc., a Eva Lípová, CSc.| Potom odešli."),
    ("fa", "نان و غیره.| سال ۵۰ ق.م. بود."),
    ("gu", "મો. ક. ગાંધી મહાન હતા.| તા. ૫ મે ઈ. સ. પૂ. ૫૦ માં રૂ. ૫ વગેરે.| સરસ."),
    ("he", 'לחם, חלב וכו\'.| הוא גר בארה"ב.| היא עו"ד.| פרופ. לוי בא.| זה המס.| מס. 5 כאן.'),
    ("hi", "वह बी.ए. और एम.ए. पास है।| ई. पू. 50 में रु. 5 का प्रा. लि. था।"),
    ("hy", "Տես https://example.am/a էջը:| Նա ասաց :)| Այո:"),
    ("kk", "5 қаң. 2004 ж. сағ. 8.30-да келді.| Нан, сүт т.б.| Содан кейін кетті."),
    ("kn", "ದ. ರಾ. ಬೇಂದ್ರೆ ಕವಿ.| ಕ್ರಿ. ಶ. 50 ರಲ್ಲಿ ರೂ. 5 ಇತ್ತು.| ಅಗ್ಗ."),
    ("ko", "예.| 알겠습니다.| 약.| 제 5장이다."),
    ("ml", "ക്രി. വ. 50 ൽ രൂ. 5 ആയിരുന്നു.| അത് ഒരു ജില്ല.| വലുതാണ്."),
    ("mr", "पु. ल. देशपांडे स. १० वा. आले.| ते ५ कि. मी. चालले.| पेन वगैरे.| मग गेले."),
    ("my", "ဒေါက်တာ. အေ. ဘီ. လှ လာသည်။| ၅.၅ ကျပ် ရသည်။"),
    ("pa", "ਡਾ. ਸਿੰਘ ਕਿ. ਮੀ. ਮਾਪਦੇ ਹਨ।| ਰੁ. 5 ਹੈ।"),
    ("ta", "சி. ராமன் கி. பி. 50 இல் வந்தார்.| எண். 5 பார்.| வீட்டு எண்.| சரி."),
    ("te", "ఎన్.టి.ఆర్. నటుడు క్రీ. శ. 50 లో.| పుస్తకాలు మొ. ఉన్నాయి.| సరే."),
    ("ur", "وہ ص۔ 5 وغیرہ۔| قیمت 5.5 روپے ہے۔"),
]


KINDS = [
    ("en", "WE WROTE TO OAK CO. BONN.| We did."),
    ("ru", "В понедельник магазин продаёт хлеб, соль и т.д.| Покупатели ждут."),
    (
        "ru",
        "В 1961 г. Гагарин полетел.| В начале XX в. Россия росла.| На столе лежали ножи и др.| Гости ждали.",
    ),
    ("ru", "Чарльз Дж. Филлипс снизил на 20 проц. (при спросе) цену.| Он рад."),
    ("de", "Am Montag gibt es Brot, Milch usw.| Kunden warten.| Ich fragte den Prof.| Er wusste es."),
    ("de", "Gemäß Art. 5 Abs. 2 lit. a i.V.m. § 3 BGB.| Am 13. Jän. 2006 kam er, s. Abb. B2.| Gut."),
    ("de", "Er hat einen M.Sc.| Anna weiß es.| Sie fuhr nach CO.| Ben blieb."),
    ("uk", "У понеділок магазин продає хліб, сіль та ін.| Покупці чекають.| У 2004 р. Львів ріс."),
    ("sk", "Vznikla 7. Apríla 2020.| Žije v Bratislave 5.| Brno je dál."),
    ("cs", "Do 31. Prosince 2020.| Podle čl. 5 odst. 2 písm. a zákona.| Bydlí v Praze 5.| Pro nás."),
    ("pl", "Od 3. Maja 2004 zgodnie z art. 5 ust. 2 pkt 3.| Mieszka w bloku 5.| Marta też."),
    ("nb", "Den 17. Mai kom de.| Han bor i hus 5.| Kari også."),
    ("nl", "Ik zag dhr. De Vries en mevr. Van Dam.| Ik zag de dr.| Hij sprak.| Zie art. 5 lid 2."),
    (
        "fr",
        "En hiver nous achetons du pain, du sel, etc.| Marie attend.| Voir l'art. L. 411-1 et la réf. XK-7.",
    ),
    ("es", "El párr. 5 y el art. B2.| Vi al dr.| No sabía nada.| El Sr. Roble llegó."),
    ("it", "Vidi il dott.| Non sapeva.| Il Sig. La Rocca, art. 5, c. 2, lett. b) e c.p.c. Libro II.| Fine."),
    ("pt", "Vi o Dr.| Ele sabia.| O art. 5.º da Lda. Sol.| Fim."),
    ("el", "Ήρθε αργά.| το ξέρω.| Στις 5 μ.μ. Άννα και Μαρία ήρθαν."),
    ("es", "Llegó tarde.| él lo sabe.| ¿Quién?| nadie."),
]


@pytest.mark.parametrize(("language", "marked"), KINDS)
def test_the_kinds_of_english_in_other_languages(language: str, marked: str) -> None:
    assert split(marked.replace("|", ""), language, strip=False) == marked.split("|")


def test_words_that_only_look_like_abbreviations_end_sentences() -> None:
    for language, text in (
        ("cs", "Řekl to nám.| Pak odešel."),
        ("da", "Det har jeg sagt.| Børn leger.| Det er en rest.| Den er god."),
        ("de", "Er wohnt im Hotel.| Morgens geht er aus.| Ich danke Dir.| Bis bald."),
        ("fr", "C'est de l'art.| Il aime le col.| Elle aussi."),
        ("nl", "Dat is een gen.| Het is klein."),
        ("en", "Take plan A.| Plan B is bad.| It was vitamin C.| Bob knew."),
        ("ru", "Это наш полк.| Он жил у гор.| Там тихо."),
        ("sv", "Hon log.| Han såg en art.| Den var ny."),
        ("tr", "Mumu yak.| Bu sos.| O iyi."),
    ):
        assert split(text.replace("|", ""), language, strip=False) == text.split("|")


def test_every_supported_language_has_a_table_and_an_example() -> None:
    assert languages() == set(SUPPORTED.split()) == set(EXAMPLES)


@pytest.mark.parametrize("language", SUPPORTED.split())
def test_each_language_recognises_its_abbreviations(language: str) -> None:
    marked = EXAMPLES[language]
    assert split(marked.replace("|", ""), language, strip=False) == marked.split("|")


@pytest.mark.parametrize(("language", "marked"), MORE)
def test_abbreviations_of_scripts_without_capitals(language: str, marked: str) -> None:
    assert split(marked.replace("|", ""), language, strip=False) == marked.split("|")


@pytest.mark.parametrize("language", SUPPORTED.split())
def test_each_table_is_well_formed(language: str) -> None:
    table = (files("ollama_rx.operators._sentences") / "languages" / f"{language}.toml").read_text("utf-8")
    lexicon = lexicon_for(language)
    assert "sources = [" in table
    assert not any(word.endswith(".") or " " in word for word in lexicon.kinds)
    assert all(word == word.lower() for word in lexicon.starters | lexicon.prepositions | lexicon.labels)


def test_a_roman_numeral_is_an_ordinal_where_ordinals_have_dots() -> None:
    assert split("Ludwig XIV. Bourbon lebte. Er sah Karl X. Dann ging er.", "de") == [
        "Ludwig XIV. Bourbon lebte.",
        "Er sah Karl X.",
        "Dann ging er.",
    ]


def test_without_a_language_the_script_decides() -> None:
    assert split("Он живёт на ул. Мира. डॉ. वर्मा. Dr. Oak.") == [
        "Он живёт на ул. Мира.",
        "डॉ. वर्मा.",
        "Dr. Oak.",
    ]


def test_a_named_language_applies_to_its_own_script_only() -> None:
    uk = lexicon_for("uk-UA")
    assert lexicon_of_letter("ї", uk) is uk
    assert lexicon_of_letter("x", uk) is lexicon_for("en")
    assert lexicon_of_letter("x", lexicon_for("de")) is lexicon_for("de")


def test_an_unknown_language_uses_the_english_table() -> None:
    assert lexicon_for("eo") is lexicon_for(None)
    assert lexicon_for("no") is lexicon_for("nb")


def test_a_language_without_a_table_uses_that_of_a_relative() -> None:
    assert lexicon_for("ca") is lexicon_for("gl-ES") is lexicon_for("es")
    assert split("El 5. Mee ass Dr. Eech komm.| Hien ass al.".replace("|", ""), "lb") == [
        "El 5. Mee ass Dr. Eech komm.",
        "Hien ass al.",
    ]


def test_entries_with_capitals_match_exactly_and_lower_case_entries_match_any_case() -> None:
    kinds = lexicon_for("en").kinds
    assert kinds["dr"] is Kind.NEVER
    assert "sat" not in kinds
    assert kinds["Sat"] is Kind.NUMERIC


@pytest.mark.parametrize(
    "marked",
    [
        "Τι είναι;| Έφυγε. Go; she said.".replace("ε. G", "ε.| G"),
        "ይህ ቤት ነው::| ሰላም ነው።| ሰዓቱ 10:30 ነው፡፡| ጥሩ: አዎ",
        "Սա տուն է:| Ժամը 10:30 է։| Այո",
        "यह घर है || वह बड़ा है |".replace("है |", "है \x00"),
        "“Τι είναι;”| Έφυγε.",
        "; One: two | three; four",
    ],
)
def test_without_a_language_a_mark_of_one_script_is_known_by_the_letters_before_it(marked: str) -> None:
    parts = [part.replace("\x00", "|") for part in marked.split("|")]
    if marked.startswith(";"):
        parts = [marked]
    assert split("".join(parts), strip=False) == parts


@pytest.mark.parametrize(
    "marked",
    [
        "ꯃꯁꯤ ꯂꯩ꯫| ꯑꯗꯨ",  # Meetei Mayek
        "ᱟᱢ ᱾| ᱤᱧ ᱿| ᱟᱢ",  # Ol Chiki
        "ខ្ញុំ។| គាត់៕| គាត់",  # Khmer
        "ߊߟߎ߹| ߊ",  # N'Ko
        "ꦲꦤ꧉| ꦕꦫ",  # Javanese
        "𑀓𑀔𑁇| 𑀕𑁈| 𑀖",  # Brahmi, beyond the basic multilingual plane
        "Really‽| Yes.",
        "𝐁𝐨𝐥𝐝 𝐭𝐞𝐱𝐭 is 😀 fine.| 𝐒𝐨 it is.",
    ],
)
def test_the_marks_of_all_scripts_end_sentences(marked: str) -> None:
    assert split(marked.replace("|", ""), strip=False) == marked.split("|")
