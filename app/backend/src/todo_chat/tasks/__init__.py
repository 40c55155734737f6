"""Tasks: rules over a session. The REST routes and the MCP tools call the same functions."""
