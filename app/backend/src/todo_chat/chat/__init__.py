"""Conversations, messages and the chat turn. The agent is a port; no model is called here."""
