"""Prompts come from Kafka, Redis, RabbitMQ or MQTT, and sentences go there, through FastStream.

BROKER_URL decides which: kafka://host:9092, redis://host:6379, amqp://host:5672 or mqtt://host:1883.
"""

import asyncio
import os
from importlib import import_module
from typing import Any

from faststream import FastStream

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Callback

KINDS = {"kafka": "kafka.Kafka", "redis": "redis.Redis", "amqp": "rabbit.Rabbit", "mqtt": "mqtt.MQTT"}

url = os.environ.get("BROKER_URL", "redis://127.0.0.1:6379")
module, _, kind = KINDS[url.partition(":")[0]].partition(".")
broker: Any = getattr(import_module(f"faststream.{module}"), f"{kind}Broker")(url.removeprefix("kafka://"))
client = Client(model="llama3.2")


async def send(sentence: str) -> None:
    """Send a sentence; the next one, and so the model, waits until the broker has it."""
    await broker.publish(sentence, "sentences")


async def answer(prompt: str) -> None:
    """Answer a prompt; the next one is taken when this one is answered."""
    await deliver(client.generate(prompt).pipe(op.text(), op.split_sentences()), Callback(send))


broker.subscriber("prompts")(answer)

if __name__ == "__main__":
    asyncio.run(FastStream(broker).run())
