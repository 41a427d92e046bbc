"""Names of models are compared as Ollama compares them."""

import pytest

from ollama_rx.client.hosts.model_names import full_name, is_cloud_model


@pytest.mark.parametrize(
    ("name", "same"),
    [("llama3", "LLAMA3:latest"), ("host:5000/me/a", "host:5000/me/a:latest"), ("a:8B", "a:8b")],
)
def test_two_forms_of_a_name_are_the_same(name: str, same: str) -> None:
    assert full_name(name) == full_name(same)


def test_the_port_of_a_registry_is_not_a_tag() -> None:
    assert full_name("host:5000/a") != full_name("host:6000/a")


@pytest.mark.parametrize(
    ("name", "is_cloud"), [("glm:cloud", True), ("gpt-oss:120b-cloud", True), ("cloud:latest", False)]
)
def test_the_tag_of_a_cloud_model_ends_in_cloud(name: str, *, is_cloud: bool) -> None:
    assert is_cloud_model(name) is is_cloud
