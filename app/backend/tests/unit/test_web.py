"""What the processes share: request ids, health, draining, logs, last line of defence."""

import asyncio
import json
import logging
import signal
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from todo_chat.logs import configure_logging
from todo_chat.settings import ServerSettings
from todo_chat.web.health import Lifecycle, health_routes
from todo_chat.web.http_protocol import BoundedHttpProtocol
from todo_chat.web.middleware import ObservabilityMiddleware
from todo_chat.web.request_id import accept_request_id, set_request_id
from todo_chat.web.serve import DrainingServer, build_server


@pytest.mark.parametrize("given", [None, "", "x" * 65, "two words", 'x"', "new\nline", "ü"])
def test_ill_formed_request_ids_are_replaced(given: str | None) -> None:
    made = accept_request_id(given)
    assert made != given
    assert len(made) == 32


def test_well_formed_request_ids_are_kept() -> None:
    assert accept_request_id("a-B_c.1") == "a-B_c.1"


async def _fine() -> None:
    return None


async def _broken() -> None:
    raise ConnectionRefusedError


def client(app: Starlette) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


async def test_readiness_needs_every_check_and_liveness_none() -> None:
    lifecycle = Lifecycle(checks={"fine": _fine, "broken": _broken})
    async with client(Starlette(routes=list(health_routes(lifecycle)))) as http:
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {
            "status": "not_ready",
            "checks": {"fine": "ok", "broken": "ConnectionRefusedError"},
        }
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        lifecycle.checks = {"fine": _fine}
        assert (await http.get("/readyz")).json() == {"status": "ready", "checks": {"fine": "ok"}}
        lifecycle.draining = True
        assert (await http.get("/readyz")).json() == {"status": "draining", "checks": {}}
        assert (await http.get("/healthz")).status_code == 200


async def test_a_check_that_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo_chat.web.health.CHECK_TIMEOUT_SECONDS", 0.01)

    async def hang() -> None:
        await asyncio.sleep(60)

    lifecycle = Lifecycle(checks={"slow": hang})
    async with client(Starlette(routes=list(health_routes(lifecycle)))) as http:
        assert (await http.get("/readyz")).json()["checks"] == {"slow": "no answer in 0.01 s"}


def exploding_app() -> Starlette:
    async def explode(_: Request) -> Response:
        raise RuntimeError("a secret detail")

    async def explode_later(_: Request) -> Response:
        async def body() -> AsyncIterator[str]:
            yield "begun"
            raise RuntimeError("a secret detail")

        return StreamingResponse(body())

    app = Starlette(routes=[Route("/now", explode), Route("/later", explode_later)])
    app.add_middleware(ObservabilityMiddleware)
    return app


async def test_a_bug_is_an_answer_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    async with client(exploding_app()) as http:
        answer = await http.get("/now", headers={"X-Request-Id": "mine"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"] == "mine"
    assert "secret" not in answer.text
    assert "a secret detail" in caplog.text


async def test_an_answer_that_has_begun_is_cut_off() -> None:
    transport = httpx2.ASGITransport(app=exploding_app(), raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        with pytest.raises(Exception, match="a secret detail"):
            await http.get("/later")


@pytest.fixture
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
def test_logs_are_one_json_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("backend", "INFO")
    set_request_id("mine")
    logging.getLogger("test").info('he said "hi"\nand left', extra={"status": 200})
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    entry = json.loads(line)
    expected = {
        "level": "INFO",
        "logger": "test",
        "message": 'he said "hi"\nand left',
        "request_id": "mine",
        "process": "backend",
        "status": 200,
    }
    assert expected.items() <= entry.items()
    assert "time" in entry


async def test_the_first_signal_drains_and_the_second_leaves() -> None:
    lifecycle = Lifecycle()
    config = uvicorn.Config(Starlette(), port=0, log_config=None)
    server = DrainingServer(config, lifecycle, drain_seconds=60)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    server.handle_exit(signal.SIGTERM, None)
    assert lifecycle.draining
    assert not server.should_exit
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit
    await server.shutdown()


def test_an_idle_connection_outlives_the_pool_of_the_ingress_controller() -> None:
    server = build_server(Starlette(), ServerSettings(port=8000), Lifecycle())
    assert server.config.timeout_keep_alive > 90


def test_the_processes_serve_with_the_fast_loop_and_the_bounded_parser() -> None:
    config = build_server(Starlette(), ServerSettings(port=8000), Lifecycle()).config
    config.load()
    assert config.http_protocol_class is BoundedHttpProtocol
    factory = config.get_loop_factory()
    assert factory is not None
    loop = factory()
    assert isinstance(loop, uvloop.Loop)
    loop.close()
