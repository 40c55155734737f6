/**
 * A stand-in for the backend, in memory, for tests and for work on the page without the other processes.
 * It keeps to the routes, bodies and events of the real one and knows three phrases: "add …", "complete …", "list".
 */
import type { Fetch } from "../api/client.ts";
import type { Task } from "../api/types.ts";

export interface Fault {
  method: string;
  /** Matched against the path without its query. */
  path: RegExp;
  /** Answers in place of the route; a rejected promise is a broken connection. */
  answer: (signal: AbortSignal | null | undefined) => Promise<Response>;
}

interface StoredToolCall {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
  ok: boolean;
  result: unknown;
}

interface StoredMessage {
  id: number;
  conversation_id: number;
  role: "user" | "assistant";
  content: string;
  tool_calls: StoredToolCall[];
  idempotency_key: string | null;
  failure?: { code: string; message: string } | null;
  answering?: boolean;
  created_at: string;
}

interface StoredConversation {
  id: number;
  user_id: string;
  title: string;
  created_at: string;
  updated_at: string;
  messages: StoredMessage[];
}

interface StoredTask extends Task {
  user_id: string;
}

export interface SeenRequest {
  method: string;
  path: string;
  key: string | null;
  body: unknown;
}

export class StandInApi {
  readonly tasks: StoredTask[] = [];
  readonly deletedTasks: StoredTask[] = [];
  readonly conversations: StoredConversation[] = [];
  /** Every request, oldest first. */
  readonly seen: SeenRequest[] = [];
  info: Record<string, unknown> = {
    version: "0.0.0",
    environment: "development",
    model: { name: "scripted model", kind: "scripted" },
    agent: "reachable",
    dev_login: true,
    sign_in: "development",
  };
  /** Who the browser's cookie speaks for, as after a sign-in with an identity provider. */
  browserUser: { user_id: string; name: string } | null = null;
  /** Milliseconds before each event of a chat stream. */
  eventDelayMs = 0;
  readonly #faults: Fault[] = [];
  #lastId = 0;

  /** The next request that matches is answered by `fault` instead, once. */
  failNext(fault: Fault): void {
    this.#faults.push(fault);
  }

  addTask(userId: string, title: string, more: Partial<StoredTask> = {}): StoredTask {
    const now = new Date().toISOString();
    const task = {
      id: this.#nextId(),
      user_id: userId,
      title,
      description: "",
      completed: false,
      created_at: now,
      updated_at: now,
      ...more,
    };
    this.tasks.push(task);
    return task;
  }

  addConversation(userId: string, title: string): StoredConversation {
    const now = new Date().toISOString();
    const conversation = { id: this.#nextId(), user_id: userId, title, created_at: now, updated_at: now, messages: [] };
    this.conversations.push(conversation);
    return conversation;
  }

  addMessage(
    conversation: StoredConversation,
    message: Pick<StoredMessage, "role" | "content"> & Partial<StoredMessage>,
  ): StoredMessage {
    const created_at = new Date().toISOString();
    const stored = {
      id: this.#nextId(),
      conversation_id: conversation.id,
      tool_calls: [],
      idempotency_key: null,
      created_at,
      ...message,
    };
    conversation.messages.push(stored);
    return stored;
  }

  readonly fetch: Fetch = async (path, init) => {
    const url = new URL(path, "http://stand-in");
    const method = init.method ?? "GET";
    const headers = new Headers(init.headers);
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.seen.push({ method, path: url.pathname, key: headers.get("Idempotency-Key"), body });
    const fault = this.#faults.find((each) => each.method === method && each.path.test(url.pathname));
    if (fault === undefined) return this.#route(method, url, headers, (body ?? {}) as Record<string, unknown>);
    this.#faults.splice(this.#faults.indexOf(fault), 1);
    return fault.answer(init.signal);
  };

  #route(method: string, url: URL, headers: Headers, body: Record<string, unknown>): Response {
    if (url.pathname === "/api/info") return json(200, this.info);
    if (url.pathname === "/api/login") {
      const expires_at = new Date(Date.now() + 8 * 3_600_000).toISOString();
      return json(200, { token: `token-of-${String(body["user_id"])}`, user_id: body["user_id"], expires_at });
    }
    if (url.pathname.startsWith("/api/auth/")) return this.#authRoute(method, url.pathname);
    const [, , user = "", resource, id, sub] = url.pathname.split("/").map(decodeURIComponent);
    const byCookie = !headers.has("Authorization") && this.browserUser?.user_id === user;
    if (!byCookie && headers.get("Authorization") !== `Bearer token-of-${user}`)
      return failure(401, "unauthorized", "Sign in first.");
    if (resource === "tasks" && method === "GET") return this.#taskList(user, url);
    if (resource === "tasks" && sub === "restore") return this.#restore(user, Number(id));
    if (resource === "tasks") return this.#taskRoute(method, user, id === undefined ? null : Number(id), body);
    if (resource === "conversations" && id === undefined) return this.#conversationList(user, url);
    if (resource === "conversations") return this.#conversationRoute(method, user, Number(id), url, body);
    // The stand-in answers at once: there is never anything left to stop.
    if (id === "stop") return new Response(null, { status: 204 });
    return this.#chat(user, String(headers.get("Idempotency-Key")), body);
  }

  #authRoute(method: string, path: string): Response {
    if (method === "POST") {
      this.browserUser = null;
      return new Response(null, { status: 204 });
    }
    if (path !== "/api/auth/session" || this.browserUser === null)
      return failure(401, "unauthorized", "Sign in first, or send a bearer token.");
    return json(200, { ...this.browserUser, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
  }

  #taskList(user: string, url: URL): Response {
    const all = url.searchParams.get("status") === "deleted" ? this.deletedTasks : this.tasks;
    const own = all.filter((task) => task.user_id === user).toSorted((a, b) => a.id - b.id);
    return json(200, page(own, url, "after"));
  }

  #restore(user: string, id: number): Response {
    const task = this.deletedTasks.find((each) => each.user_id === user && each.id === id);
    if (task === undefined) return failure(404, "task_not_found", `There is no task ${id} among the deleted ones.`);
    this.deletedTasks.splice(this.deletedTasks.indexOf(task), 1);
    this.tasks.push(task);
    return json(200, task);
  }

  #taskRoute(method: string, user: string, id: number | null, body: Record<string, unknown>): Response {
    const own = this.tasks.filter((task) => task.user_id === user);
    if (method === "POST") {
      return json(201, this.addTask(user, String(body["title"]), { description: String(body["description"]) }));
    }
    const task = own.find((each) => each.id === id);
    if (task === undefined) return failure(404, "task_not_found", `Task ${id} does not exist.`);
    if (method === "DELETE") {
      this.tasks.splice(this.tasks.indexOf(task), 1);
      this.deletedTasks.push(task);
      return new Response(null, { status: 204 });
    }
    return json(200, Object.assign(task, body));
  }

  #conversationList(user: string, url: URL): Response {
    const wanted = (url.searchParams.get("search") ?? "").toLowerCase();
    const found = this.conversations.filter(
      (each) =>
        each.user_id === user &&
        [each.title, ...each.messages.map(({ content }) => content)].some((text) =>
          text.toLowerCase().includes(wanted),
        ),
    );
    return json(200, page(found.toReversed(), url, "before"));
  }

  #conversationRoute(method: string, user: string, id: number, url: URL, body: Record<string, unknown>): Response {
    const conversation = this.conversations.find((each) => each.user_id === user && each.id === id);
    if (conversation === undefined) return failure(404, "conversation_not_found", "There is no such conversation.");
    if (method === "GET") return json(200, page(conversation.messages, url, "after"));
    if (method === "PATCH") return json(200, Object.assign(conversation, { title: String(body["title"]) }));
    this.conversations.splice(this.conversations.indexOf(conversation), 1);
    return new Response(null, { status: 204 });
  }

  #chat(user: string, key: string, body: Record<string, unknown>): Response {
    const message = String(body["message"]);
    const conversation =
      this.conversations.find((each) => each.id === body["conversation_id"]) ?? this.addConversation(user, message);
    const stored = conversation.messages.findLast((each) => each.idempotency_key === key && each.role === "assistant");
    const start = { conversation_id: conversation.id, idempotency_key: key };
    if (stored !== undefined) {
      const { content: response, tool_calls } = stored;
      return this.#stream([
        ["start", start],
        ["done", { ...start, response, tool_calls }],
      ]);
    }
    const question = conversation.messages.find((each) => each.idempotency_key === key);
    if (question === undefined) this.addMessage(conversation, { role: "user", content: message, idempotency_key: key });
    const { response, tool_calls } = this.#answer(user, message);
    this.addMessage(conversation, { role: "assistant", content: response, tool_calls, idempotency_key: key });
    return this.#stream([
      ["start", start],
      ...tool_calls.flatMap(({ ok, result, ...call }): [string, unknown][] => [
        ["tool_call", call],
        ["tool_result", { id: call.id, name: call.name, ok, result }],
      ]),
      ...response.split(/(?<= )/).map((text): [string, unknown] => ["delta", { text }]),
      ["done", { ...start, response, tool_calls }],
    ]);
  }

  #answer(user: string, message: string): { response: string; tool_calls: StoredToolCall[] } {
    const [, verb, title = ""] = /^(add|complete|list)\s*(.*)$/i.exec(message) ?? [];
    const call = (name: string, args: Record<string, unknown>, result: unknown) => [
      { id: `call-${this.#nextId()}`, name, arguments: args, ok: true, result },
    ];
    const own = this.tasks.filter((task) => task.user_id === user);
    switch (verb?.toLowerCase()) {
      case "add":
        return { response: `Added “${title}”.`, tool_calls: call("add_task", { title }, this.addTask(user, title)) };
      case "complete": {
        const task = own.find((each) => each.title === title);
        if (task === undefined) return { response: `There is no task “${title}”.`, tool_calls: [] };
        task.completed = true;
        return { response: `Completed “${title}”.`, tool_calls: call("complete_task", { task_id: task.id }, task) };
      }
      case "list":
        return { response: `You have ${own.length} tasks.`, tool_calls: call("list_tasks", { status: "all" }, own) };
      default:
        return { response: "I know “add …”, “complete …” and “list”.", tool_calls: [] };
    }
  }

  #stream(events: [string, unknown][]): Response {
    return eventStream(events, this.eventDelayMs);
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}

/** A stream of the given events, each after a delay; it closes after the last one. */
export function eventStream(events: [string, unknown][], delayMs = 0): Response {
  const encoder = new TextEncoder();
  const left = [...events];
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const event = left.shift();
      if (event === undefined) {
        controller.close();
        return;
      }
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      controller.enqueue(encoder.encode(`event: ${event[0]}\ndata: ${JSON.stringify(event[1])}\n\n`));
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Request-Id": "req-stream" } });
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers });
}

export function failure(
  status: number,
  code: string,
  message: string,
  more: { details?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Response {
  const error = { code, message, request_id: "req-failure", details: more.details ?? null };
  return json(status, { error }, more.headers);
}

function page<T extends { id: number }>(items: T[], url: URL, cursor: "before" | "after"): T[] {
  const from = url.searchParams.get(cursor);
  const rest =
    from === null
      ? items
      : items.filter((item) => (cursor === "after" ? item.id > Number(from) : item.id < Number(from)));
  return rest.slice(0, Number(url.searchParams.get("limit") ?? 50));
}
