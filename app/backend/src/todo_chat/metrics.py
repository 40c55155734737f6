"""Prometheus metrics of all processes; a process exports those that it touches."""

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Counter(
    "todo_http_requests_total", "HTTP requests by route template.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "todo_http_request_seconds",
    "Time from the request to the end of the answer, in seconds.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
HTTP_IN_FLIGHT = Gauge("todo_http_requests_in_flight", "HTTP requests being answered.")
CHAT_TURNS = Counter(
    "todo_chat_turns_total", "Chat turns by outcome (done or error code).", ["outcome"]
)
CHAT_TURN_SECONDS = Histogram(
    "todo_chat_turn_seconds",
    "Time from the user's message to the stored answer, in seconds.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
TOOL_CALLS = Counter("todo_tool_calls_total", "MCP tool calls by outcome.", ["tool", "outcome"])
