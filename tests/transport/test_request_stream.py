"""A request is built when its stream is subscribed; what fails then is an event like any other."""

from ollama_rx import Client
from ollama_rx.testing import FakeOllama


def test_a_request_that_cannot_be_built_is_an_error_of_the_stream() -> None:
    class Odd:
        gone = False

        @property
        def value(self) -> tuple[int, ...] | None:
            if self.gone:
                raise LookupError
            return None

    errors: list[Exception] = []
    with FakeOllama() as fake:
        box = Odd()
        stream = Client(fake.url, model="m").generate("x", context=box)
        box.gone = True
        stream.subscribe(on_error=errors.append)
        assert [type(error) for error in errors] == [LookupError]
        assert fake.requests == ()
