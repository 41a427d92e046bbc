"""A tool result is a message that can be sent, whatever it says."""

from ollama_rx import Message, ToolCall, ToolResult


def test_the_message_names_the_call() -> None:
    result = ToolResult(ToolCall("weather", {"city": "Ulm"}, id="1"), "rain")
    assert result.message == Message("tool", "rain", tool_name="weather", tool_call_id="1")


def test_text_that_cannot_be_encoded_is_made_whole_in_the_message() -> None:
    assert ToolResult(ToolCall("read"), "no file '\udcff'").message.content == "no file '�'"
