"""Compare the names of models as Ollama does: without regard to case, and with "latest" as the default tag.

Source: https://github.com/ollama/ollama/blob/main/types/model/name.go
"""


def full_name(model: str) -> str:
    """Return a model's name in lower case and with its tag.

    >>> full_name("Llama3"), full_name("localhost:5000/me/llama3"), full_name("qwen3:8b")
    ('llama3:latest', 'localhost:5000/me/llama3:latest', 'qwen3:8b')
    """
    name = model.lower()
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def is_cloud_model(name: str) -> bool:
    """Check a full name for a model that runs on ollama.com, and so need not be on a server's disk."""
    return name.rpartition(":")[2].endswith("cloud")
