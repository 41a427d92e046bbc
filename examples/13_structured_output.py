"""An answer that fits a class: its JSON schema goes to the server, the text comes back as an object."""

from pydantic import BaseModel

from ollama_rx import Client
from ollama_rx import operators as op


class City(BaseModel):
    """The facts that the answer must contain."""

    name: str
    country: str
    population: int


with Client(model="llama3.2") as client:
    answer = client.generate("Tell me about Oslo. Answer in JSON.", format=City, options={"temperature": 0})
    city = answer.pipe(op.text(), op.parse_json(into=City)).run()

print(f"{city.name} in {city.country} has {city.population} inhabitants")
