"""A transport finds its weights when it needs them and gives the model back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ollama_rx.embedded import tenancy as tenancy_module
from ollama_rx.embedded.residence import find_residence
from ollama_rx.embedded.tenancy import GaveUpError, Tenancy


def staying() -> bool:
    return False


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path("fetched.gguf")

    def fetch(report: Callable[[int, int], None]) -> Path:
        report(1_000_000, 2_000_000)
        return path

    monkeypatch.setattr(tenancy_module, "fetch_weights", fetch)
    return path


@pytest.mark.parametrize("show", [True, False])
def test_weights_are_fetched_with_a_bar_unless_it_is_unwanted(
    *, show: bool, fetched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Tenancy(None, show_progress=show).path(staying) == fetched
    assert ("1.0 of 2.0 MB" in capsys.readouterr().err) is show


@pytest.mark.usefixtures("fetched")
def test_a_request_that_is_gone_ends_the_download() -> None:
    with pytest.raises(GaveUpError):
        Tenancy(None, show_progress=False).path(lambda: True)


def test_a_claim_begins_with_the_first_need_and_can_begin_again() -> None:
    path = Path("own.gguf")
    tenancy = Tenancy(path, show_progress=True)
    tenancy.wake()
    tenancy.end()
    assert find_residence(path) is None
    for _ in range(2):
        residence = tenancy.residence(staying)
        assert tenancy.residence(staying) is residence is find_residence(path)
        assert residence.tenants == 1
        tenancy.wake()
        tenancy.end()
        assert find_residence(path) is None
