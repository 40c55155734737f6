"""AI todo chat: backend, agent, MCP tool server and migrations, one process each."""

__version__ = "0.1.0"
