"""Let the model call Python functions: several at once, and some only if the user agrees."""

from ollama_rx import Client, Conversation, OllamaError, ToolCall, deliver
from ollama_rx.conversation import Refuse
from ollama_rx.sinks import Console


def temperature(city: str) -> str:
    """Return the temperature in a city.

    Args:
        city: its English name
    """
    return {"Oslo": "-3 °C", "Rome": "14 °C"}.get(city, "unknown")


async def turn_on_heating(city: str) -> str:
    """Turn on the heating of the user's home in a city."""
    return f"The heating in {city} is on."


def ask_user(call: ToolCall) -> bool | Refuse:
    """Allow what only reads; a real program would ask about the rest."""
    print(f"{call.name}({call.arguments})")
    return call.name == "temperature" or Refuse("the user does not want that")


try:
    with Client(model="llama3.2") as client:
        talk = Conversation(client, tools=[temperature, turn_on_heating], on_tool_call=ask_user)
        question = "Is it colder in Oslo or in Rome? Heat my home there."
        deliver(talk.say(question), Console(thinking=True)).wait()
except OllamaError as error:  # for instance, the model cannot call tools
    print(error)
