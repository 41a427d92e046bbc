"""The error that becomes an HTTP status and an error text."""


class ApiError(Exception):
    """Sent to the client instead of an answer: an HTTP status and Ollama's error text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
