"""The tool server: six tools over MCP, the only way in which a model reaches tasks."""
