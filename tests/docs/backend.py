"""What the backend's package serves and reads, as JSON: documents, tools, settings.

Run in app/backend with its own packages: ``PYTHONPATH=src:. python ../../tests/docs/backend.py``.
"""

import ast
import asyncio
import inspect
import json
import sys
from itertools import pairwise
from typing import Any

from mcp.server.mcpserver import MCPServer
from tests.support.document import openapi_document

from todo_chat import settings
from todo_chat.mcp.tools import build_tools

PROCESSES: dict[str, type[settings.ProcessSettings]] = {
    "backend": settings.BackendSettings,
    "agent": settings.AgentSettings,
    "mcp": settings.McpSettings,
    "migrate": settings.MigrateSettings,
}


def tools() -> list[dict[str, Any]]:
    """The tools as a client is told of them. No tool is called, so none needs a runner."""
    server: MCPServer[None] = MCPServer("todo-chat", tools=build_tools(None, most_tasks=1))  # type: ignore[arg-type]
    listed = asyncio.run(server.list_tools())
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]


def meanings(process: type[settings.ProcessSettings]) -> dict[str, str]:
    """The docstring below each setting, of the class and those that it inherits from."""
    found: dict[str, str] = {}
    for owner in reversed(process.__mro__):
        if owner.__module__ != settings.__name__:
            continue
        body = ast.parse(inspect.getsource(owner)).body[0].body  # type: ignore[attr-defined]
        for setting, text in pairwise(body):
            match setting, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(meaning))),
                ):
                    found[name] = inspect.cleandoc(meaning)
    return found


def environment() -> dict[str, list[dict[str, Any]]]:
    """By process: each variable with the JSON schema of its value."""
    table: dict[str, list[dict[str, Any]]] = {}
    for name, process in PROCESSES.items():
        schema = process.model_json_schema()
        told = meanings(process)
        prefix = process.model_config.get("env_prefix", "")
        table[name] = [
            {
                "variable": f"{prefix}{field}".upper(),
                "required": field in schema["required"],
                "schema": schema["properties"][field],
                "meaning": told.get(field, ""),
            }
            for field in process.model_fields
        ]
    return table


if __name__ == "__main__":
    json.dump({"openapi": openapi_document(), "tools": tools(), "environment": environment()}, sys.stdout)
