"""The sentence machine: what ends a sentence, in which language, and what to do while unsure.

`machine.py` holds the text and asks `rules.py` at each mark; `lexicon.py` reads what is known of a
language from `languages/*.toml`, which a native speaker can correct without reading code.
"""
