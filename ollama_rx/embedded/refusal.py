"""The way a request ends that cannot be answered."""


class Refusal(Exception):  # noqa: N818 - an answer with a status, not a defect
    """What the client gets instead of an answer: an HTTP status and Ollama's error text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
