"""Let the model call a Python function: its signature and docstring become the schema."""

from ollama_rx import Chunk, Client, Message, ToolCall, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Collector, Console


def temperature(city: str) -> str:
    """Return the temperature in a city.

    Args:
        city: its English name
    """
    return {"Oslo": "-3 °C", "Rome": "14 °C"}.get(city, "unknown")


history = [Message("user", "Is it colder in Oslo or in Rome?")]

with Client(model="llama3.2") as client:
    while True:
        calls, text = Collector[ToolCall](), Collector[Chunk]()
        answer = client.chat(history, tools=[temperature])
        deliver(answer, Console(), calls.after(op.tool_calls()), text).wait()
        if not calls.items:
            break
        history.append(Message("assistant", text.text, tool_calls=calls.items))
        for call in calls.items:
            result = temperature(**call.arguments)
            print(f"{call.name}({call.arguments}) = {result}")
            history.append(Message("tool", result, tool_name=call.name))
