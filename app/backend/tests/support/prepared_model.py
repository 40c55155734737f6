"""A user whose assistant is a language model that takes prepared steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.model_endpoint import ModelEndpoint, Step, Tool
from tests.support.servers import serving
from tests.support.world import User, World


def add(title: str) -> Tool:
    return Tool("add_task", f'{{"title": "{title}"}}')


@contextmanager
def talking(
    world: World,
    mcp: str,
    folder: Path,
    steps: list[Step],
    model_timeout: float = 5,
    **changes: Any,
) -> Iterator[tuple[User, ModelEndpoint]]:
    """A user whose assistant is a model that takes these steps."""
    key = folder / "model-key"
    key.write_text("a-key")
    endpoint = ModelEndpoint(steps)
    with (
        serving(endpoint.app()) as model,
        world.agent(
            mcp,
            model_base_url=f"{model}/v1",
            model_name="prepared",
            model_api_key_file=key,
            model_timeout_seconds=model_timeout,
        ) as agent,
        world.backend(agent_url=agent, **changes) as backend,
        world.user(backend) as user,
    ):
        yield user, endpoint
