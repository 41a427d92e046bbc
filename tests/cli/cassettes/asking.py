"""A program that asks the server that OLLAMA_HOST names, for `record FILE -- COMMAND`."""

import sys
from pathlib import Path

_PROGRAM = """
import http.client, os, sys, urllib.error, urllib.request
_, prompt, answer, code = sys.argv
request = urllib.request.Request(
    os.environ["OLLAMA_HOST"] + "/api/generate?key=Sesame",
    data=b'{"model":"m","prompt":"%b"}' % prompt.encode(),
    headers={"Authorization": "Bearer Sesame", "Cookie": "id=Sesame"} if prompt == "with a key" else {},
)
with open(answer, "wb") as file:
    try:
        with urllib.request.urlopen(request) as response:
            file.write(response.read() + b"end")
    except urllib.error.HTTPError as error:
        file.write(b"%d %b" % (error.code, error.read()))
    except http.client.IncompleteRead as error:
        file.write(error.partial + b"cut")
sys.exit(int(code))
"""


def asking(answer: Path, prompt: str = "Hi", *, code: int = 0) -> tuple[str, ...]:
    """Return a command that asks, writes what it gets into a file, and ends with an exit code."""
    return (sys.executable, "-c", _PROGRAM, prompt, str(answer), str(code))
