"""Conversations: the history of a chat, tool rounds, interruptions."""
