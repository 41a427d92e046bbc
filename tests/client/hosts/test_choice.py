"""Which of two hosts is the better one."""

from dataclasses import replace
from itertools import pairwise

from ollama_rx.client.hosts.choice import HasModel, Preference

BEST = Preference(HasModel.YES, is_resting=False, is_other_host=False, is_cold=False, load=0.0, position=0)


def test_the_rules_apply_in_the_order_of_the_fields() -> None:
    from_worst = [
        replace(BEST, has_model=HasModel.NO),
        replace(BEST, has_model=HasModel.UNKNOWN),
        replace(BEST, is_resting=True),
        replace(BEST, is_other_host=True),
        replace(BEST, is_cold=True),
        replace(BEST, load=0.5),
        replace(BEST, position=1),
        BEST,
    ]
    assert all(worse > better for worse, better in pairwise(from_worst))
