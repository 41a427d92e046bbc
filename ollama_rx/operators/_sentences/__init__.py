"""The sentence machine: what ends a sentence, in which language, and what to do while unsure.

::

    machine.py        holds the text of one sentence and cuts it (limit.py: also at a longest length)
      rules.py        judges the marks of one language: scripts without spaces, and who judges the rest
        lines.py      line breaks, code fences        items.py   list markers
        wide.py       exceptions for marks that end a sentence at once
        stops.py      . … ! ?  by an ordered list of small rules, with abbreviations.py
          following.py  what stands after a mark      words.py   what the word before it is
        safety.py     where no look ahead is needed
      clauses.py      where a voice may breathe: an early first piece, the best place for a forced cut
      sentence.py     what is known of the sentence so far, with nesting.py: brackets, quotes, code
    delivery.py       merges short sentences, strips space
    lexicon.py        reads languages/*.toml, which a native speaker can correct without reading code
    options.py        checks the arguments and puts the parts together
"""
