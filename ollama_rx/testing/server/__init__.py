"""`FakeOllama`, a scripted server on a real socket, and what it is made of."""
