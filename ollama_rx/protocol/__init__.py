"""Decoding and encoding of the wire format; no I/O."""
