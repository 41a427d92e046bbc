"""How `split_sentences` decides where a sentence ends, in each language.

::

    splitter.py           holds the text of one sentence and breaks it; also at a maximum length
      detecting_rules.py  the rules of whichever language the text is in
        language_detector.py  finds it by script, words and letters, which are in common_words.toml
      rules.py            the rules of one language: finds candidates and calls the rule that judges each
        line_structure.py line breaks, code fences, list markers
        fullwidth.py      marks that end a sentence at once, such as 。
        terminators.py    . … ! ?  an ordered list of small rules, with abbreviation_rules.py
          candidate.py    a mark that may end a sentence, and the text after it
          preceding_word.py  whether the word before it is an abbreviation
      clauses.py          where to cut inside a sentence: an early first piece, a maximum length
      sentence.py         how the sentence began, and which brackets, quotes and code are open in it
    verdict.py            what a rule returns: Break, Continue or WAIT
    lexicon.py            reads languages/*.toml, which a native speaker can correct without reading code
    never_split.py        names of the caller, in which no sentence ends
    characters.py         marks, quotes, brackets and spaces of all scripts
      sentence_terminal.py the marks of all scripts, from the Unicode Character Database

All but these two is imported at the first call of `split_sentences`, because it compiles large regular
expressions.
"""
