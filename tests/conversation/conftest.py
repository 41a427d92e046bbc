"""Fixtures: the doors of tests/contracts, and nothing left behind."""

from collections.abc import Iterator

import pytest

from tests.contracts import conftest
from tests.contracts.conftest import eventually, our_threads

door = conftest.door


@pytest.fixture(autouse=True)
def no_thread_of_ours_left() -> Iterator[None]:
    """Fail if a thread of the package outlives the test."""
    yield
    assert eventually(lambda: not our_threads()), f"threads are left: {our_threads()}"
