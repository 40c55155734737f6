import { beforeEach, describe, expect, it, jest } from "@jest/globals";
import { eventStream, failure, json, StandInApi } from "../testing/stand-in-api.ts";
import { type Api, type ChatRequest, createClient, type Fetch, MESSAGES_PER_PAGE, TASKS_PER_PAGE } from "./client.ts";
import { ApiError } from "./errors.ts";
import type { Session, StreamEvent } from "./types.ts";

const session: Session = { token: "token-of-ada", user_id: "ada", expires_at: "2030-01-01T00:00:00Z" };
const request: ChatRequest = { message: "add tea", conversationId: null, idempotencyKey: "key-1" };

function clientOf(fetch: Fetch, more: Partial<Parameters<typeof createClient>[0]> = {}): Api {
  return createClient({ fetch, ...more });
}

async function collect(stream: AsyncGenerator<StreamEvent>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error("an ApiError was expected", { cause: error });
  return error;
}

const chatOf = (api: Api, signal = new AbortController().signal) => collect(api.chat(session, request, signal));

describe("REST calls", () => {
  let server: StandInApi;
  let api: Api;
  beforeEach(() => {
    server = new StandInApi();
    api = clientOf(server.fetch);
  });

  it("creates, reads, changes and deletes a task", async () => {
    const task = await api.createTask(session, { title: "tea", description: "" });
    expect(task).toMatchObject({ title: "tea", completed: false });
    expect(await api.listTasks(session)).toHaveLength(1);
    expect(await api.updateTask(session, task.id, { completed: true })).toMatchObject({ completed: true });
    await api.deleteTask(session, task.id);
    expect(await api.listTasks(session)).toEqual([]);
    expect(await api.listTasks(session, "deleted")).toMatchObject([{ title: "tea" }]);
    expect(await api.restoreTask(session, task.id)).toMatchObject({ id: task.id, title: "tea" });
    expect(await api.listTasks(session)).toHaveLength(1);
  });

  it.each([TASKS_PER_PAGE - 1, TASKS_PER_PAGE, TASKS_PER_PAGE + 1])("reads all of %d tasks", async (count) => {
    for (let n = 0; n < count; n += 1) server.addTask("ada", `task ${n}`);
    expect((await api.listTasks(session)).map(({ title }) => title)).toEqual(server.tasks.map(({ title }) => title));
  });

  it("reads every page of a long history, oldest first", async () => {
    const conversation = server.addConversation("ada", "long");
    for (let n = 0; n < MESSAGES_PER_PAGE + 5; n += 1) {
      server.addMessage(conversation, { role: "user", content: `message ${n}` });
    }
    const messages = await api.listMessages(session, conversation.id);
    expect(messages.map(({ content }) => content)).toEqual(conversation.messages.map(({ content }) => content));
  });

  it("continues the list of conversations below a given one", async () => {
    const first = server.addConversation("ada", "first");
    const second = server.addConversation("ada", "second");
    expect((await api.listConversations(session)).map(({ title }) => title)).toEqual(["second", "first"]);
    expect((await api.listConversations(session, { before: second.id })).map(({ id }) => id)).toEqual([first.id]);
  });

  it("escapes the user id in the path", async () => {
    const fetch = jest.fn<Fetch>().mockResolvedValue(json(200, []));
    await clientOf(fetch).listTasks({ ...session, user_id: "a/b@c" });
    expect(fetch.mock.calls[0]?.[0]).toMatch(/^\/api\/a%2Fb%40c\/tasks\?/);
  });

  it("sends the token to the user's own routes and to no other", async () => {
    const fetch = jest.fn<Fetch>(server.fetch);
    const client = clientOf(fetch);
    await client.login("ada");
    await client.info();
    await client.listTasks(session);
    const tokens = fetch.mock.calls.map(([, init]) => new Headers(init.headers).get("Authorization"));
    expect(tokens).toEqual([null, null, "Bearer token-of-ada"]);
  });
});

describe("answers that are refused at the door", () => {
  const task = {
    id: 1,
    title: "tea",
    description: "",
    completed: false,
    created_at: "2026-01-02T03:04:05Z",
    updated_at: "2026-01-02T03:04:05.123456+00:00",
  };

  it("takes a whole task, and ignores fields it does not know", async () => {
    const api = clientOf(() => Promise.resolve(json(200, [{ ...task, colour: "red" }])));
    expect(await api.listTasks(session)).toEqual([task]);
  });

  it.each([
    ["a field is missing", [{ ...task, title: undefined }]],
    ["a field has another type", [{ ...task, completed: "no" }]],
    ["an id is not a positive integer", [{ ...task, id: 0 }]],
    ["a time is not a time", [{ ...task, created_at: "yesterday" }]],
    ["a list is an object", { tasks: [] }],
  ])("refuses an answer where %s", async (_, body) => {
    const api = clientOf(() => Promise.resolve(json(200, body, { "X-Request-Id": "req-7" })));
    const error = await errorOf(api.listTasks(session));
    expect(error).toMatchObject({ status: 200, code: "bad_answer", requestId: "req-7" });
  });

  it("refuses what is not JSON, and names no field of it", async () => {
    const api = clientOf(() => Promise.resolve(new Response("<html>")));
    const error = await errorOf(api.info());
    expect(error).toMatchObject({ code: "bad_answer", requestId: null });
    expect(error.message).toContain("the answer:");
  });
});

describe("failures", () => {
  it("carries the server's code, message, request id, details and Retry-After", async () => {
    const answer = failure(503, "database_unavailable", "The database is down.", {
      headers: { "Retry-After": "5" },
      details: { conversation_id: 4 },
    });
    const error = await errorOf(clientOf(() => Promise.resolve(answer)).listTasks(session));
    expect(error).toMatchObject({
      status: 503,
      code: "database_unavailable",
      message: "The database is down.",
      requestId: "req-failure",
      retryAfter: 5,
      details: { conversation_id: 4 },
    });
  });

  it("takes the request id from the header when the body names none", async () => {
    const body = { error: { code: "x", message: "y", request_id: null } };
    const answer = json(500, body, { "X-Request-Id": "req-9" });
    expect(await errorOf(clientOf(() => Promise.resolve(answer)).info())).toMatchObject({
      requestId: "req-9",
      details: {},
    });
  });

  it("describes an error answer without the agreed body by its status", async () => {
    const answer = new Response("<h1>Bad gateway</h1>", { status: 502 });
    expect(await errorOf(clientOf(() => Promise.resolve(answer)).info())).toMatchObject({
      status: 502,
      code: "http_502",
      requestId: null,
    });
  });

  it("describes an error answer whose body breaks off by its status", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError("cut")) });
    const answer = new Response(body, { status: 500 });
    expect(await errorOf(clientOf(() => Promise.resolve(answer)).info())).toMatchObject({ code: "http_500" });
  });

  it.each([
    ["the connection fails", new TypeError("fetch failed"), "network"],
    ["the time is up", new DOMException("late", "TimeoutError"), "timeout"],
    ["something that is no error is thrown", "odd", "network"],
  ])("says so when %s", async (_, reason, code) => {
    const fetch = jest.fn<Fetch>().mockRejectedValue(reason);
    expect(await errorOf(clientOf(fetch).info())).toMatchObject({ status: 0, code, cause: reason });
  });

  it("says so when a body breaks off", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError("cut")) });
    expect(await errorOf(clientOf(() => Promise.resolve(new Response(body))).info())).toMatchObject({
      code: "network",
    });
  });

  it("gives up on a request that is never answered", async () => {
    const never: Fetch = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
      });
    const api = clientOf(never, { requestTimeoutMs: 1 });
    expect(await errorOf(api.info())).toMatchObject({ status: 0, code: "timeout" });
  });

  it("tells of a refused session only when the session's token was sent", async () => {
    const refused = jest.fn();
    const api = clientOf(() => Promise.resolve(failure(401, "token_expired", "The token has expired.")), {
      onSessionRefused: refused,
    });
    await errorOf(api.login("ada"));
    expect(refused).not.toHaveBeenCalled();
    const error = await errorOf(api.listTasks(session));
    expect(refused).toHaveBeenCalledWith(session, error, expect.stringMatching(/^\/api\/ada\/tasks\?/));
  });
});

describe("the chat stream", () => {
  it("gives start, tools, text and the end in order, under the request's key", async () => {
    const server = new StandInApi();
    const events = await chatOf(clientOf(server.fetch));
    expect(events.map(({ type }) => type)).toEqual(["start", "tool_call", "tool_result", "delta", "delta", "done"]);
    expect(events[1]).toMatchObject({ call: { name: "add_task", outcome: null } });
    expect(events.at(-1)).toMatchObject({ response: "Added “tea”.", toolCalls: [{ outcome: { ok: true } }] });
    expect(server.seen[0]).toMatchObject({ key: "key-1", body: { message: "add tea" } });
  });

  it("names the conversation that it continues", async () => {
    const server = new StandInApi();
    const stream = clientOf(server.fetch).chat(
      session,
      { ...request, conversationId: 12 },
      new AbortController().signal,
    );
    await collect(stream);
    expect(server.seen[0]?.body).toEqual({ message: "add tea", conversation_id: 12 });
  });

  it("passes over events that it does not know", async () => {
    const answer = eventStream([
      ["weather", { sun: true }],
      ["done", { conversation_id: 1, response: "ok", tool_calls: [] }],
    ]);
    expect((await chatOf(clientOf(() => Promise.resolve(answer)))).map(({ type }) => type)).toEqual(["done"]);
  });

  it.each([
    [
      "the stream says so",
      eventStream([
        [
          "error",
          { code: "model_unavailable", message: "No model.", request_id: "req-3", details: { conversation_id: 2 } },
        ],
      ]),
      { status: 502, code: "model_unavailable", requestId: "req-3", details: { conversation_id: 2 } },
    ],
    [
      "the stream says so without an id of the request",
      eventStream([["error", { code: "model_unavailable", message: "No model.", request_id: null }]]),
      { code: "model_unavailable", requestId: "req-stream", details: {} },
    ],
    [
      "it ends too early",
      eventStream([["delta", { text: "ha" }]]),
      { status: 0, code: "stream_cut", requestId: "req-stream" },
    ],
    ["an event is malformed", eventStream([["delta", { words: "ha" }]]), { code: "bad_answer" }],
    ["it has no body", new Response(null), { code: "bad_answer" }],
    ["it is refused", failure(409, "turn_in_progress", "Still answering."), { status: 409, code: "turn_in_progress" }],
  ])("fails when %s", async (_, answer, expected) => {
    expect(await errorOf(chatOf(clientOf(() => Promise.resolve(answer))))).toMatchObject(expected);
  });

  it("fails when the connection breaks in the middle", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError("reset")) });
    const error = await errorOf(chatOf(clientOf(() => Promise.resolve(new Response(body)))));
    expect(error).toMatchObject({ status: 0, code: "stream_cut" });
  });

  it("gives up on a stream that falls silent", async () => {
    const silent: Fetch = (_, { signal }) =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            start: (controller) => signal?.addEventListener("abort", () => controller.error(signal.reason)),
          }),
        ),
      );
    const error = await errorOf(chatOf(clientOf(silent, { streamIdleTimeoutMs: 1 })));
    expect(error).toMatchObject({ status: 0, code: "timeout" });
  });

  it("passes the caller's own abort through as it is", async () => {
    const controller = new AbortController();
    controller.abort();
    const aborting: Fetch = (_, { signal }) => Promise.reject(signal?.reason as Error);
    await expect(chatOf(clientOf(aborting), controller.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});
