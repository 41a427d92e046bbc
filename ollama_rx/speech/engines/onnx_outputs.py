"""Reading a value inside an ONNX model, such as how long each sound lasts, without the onnx package.

An ONNX file is one serialized protobuf message, and a parser merges two messages that follow each other:
``a + b`` is the message ``a`` whose lists have been extended by those of ``b``. So a few bytes at the end of
a file make one more of its tensors an output::

    ModelProto { graph: GraphProto { output: ValueInfoProto { name: "/Ceil_output_0" } } }

Source: https://protobuf.dev/programming-guides/encoding/#last-one-wins and onnx.proto for the field numbers.
"""

_MODEL_GRAPH = 7
_GRAPH_OUTPUT = 12
_VALUE_NAME = 1
_NODE_OUTPUT = 2


def append_output(model: bytes, tensor: str) -> bytes:
    """Return the bytes of a model with one more output: the tensor of that name, which it computes anyway.

    A model that does not compute it is returned as it is. The tensor must not be an output already.

    >>> append_output(b"...", "durations")
    b'...'
    """
    name = tensor.encode()
    if _field(_NODE_OUTPUT, name) not in model:  # no node computes it
        return model
    return model + _field(_MODEL_GRAPH, _field(_GRAPH_OUTPUT, _field(_VALUE_NAME, name)))


def _field(number: int, value: bytes) -> bytes:
    """Serialize a field that holds bytes, text or a message."""
    length_delimited = 2
    return bytes([number << 3 | length_delimited]) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    """Serialize a number: seven bits a byte, the lowest first; the eighth bit announces another byte."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
