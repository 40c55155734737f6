"""The agent: a model loop whose only tools are those of the MCP server.

It has no database credential and no token key, and imports neither the models nor the
database layer (an import contract in pyproject.toml says so).
"""
