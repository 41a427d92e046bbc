"""Let the model call a Python function: its signature and docstring become the schema."""

from ollama_rx import Chunk, Client, Message, OllamaError, ToolCall, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Collector, Console


def temperature(city: str) -> str:
    """Return the temperature in a city.

    Args:
        city: its English name
    """
    return {"Oslo": "-3 °C", "Rome": "14 °C"}.get(city, "unknown")


def ask(client: Client, history: list[Message]) -> bool:
    """Print the model's answer, or call what it wants to know and return True."""
    calls, chunks = Collector[ToolCall](), Collector[Chunk]()
    answer = client.chat(history, tools=[temperature])
    deliver(answer, Console(thinking=True), calls.after(op.tool_calls()), chunks).wait()
    history.append(Message("assistant", chunks.text, tool_calls=calls.items))
    for call in calls.items:
        result = temperature(str(call.arguments.get("city")))  # a model may make up any argument
        print(f"{call.name}({call.arguments}) = {result}")
        history.append(Message("tool", result, tool_name=call.name))
    if not (calls.items or chunks.text):
        print(f"no answer (ended by {chunks.items[-1].done_reason})")  # thoughts may use up the token limit
    return bool(calls.items)


history = [Message("user", "Is it colder in Oslo or in Rome?")]
try:
    with Client(model="llama3.2") as client:
        while ask(client, history):
            pass
except OllamaError as error:  # for instance, the model cannot call tools
    print(error)
