"""The tool server: five tools over MCP, the only way in which a model reaches tasks."""
