import * as v from "valibot";
import { ApiError } from "./errors.ts";
import { readEvents } from "./sse.ts";
import {
  browserSessionSchema,
  type Conversation,
  type ConversationId,
  conversationListSchema,
  conversationSchema,
  errorSchema,
  type Info,
  infoSchema,
  type Message,
  messageListSchema,
  type Session,
  sessionSchema,
  type StreamEvent,
  streamSchemas,
  type Task,
  type TaskId,
  taskListSchema,
  taskSchema,
} from "./types.ts";

/** Longest wait for a whole REST answer. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** Longest silence inside a chat answer. The server gives a whole turn 60 s, then says so itself. */
export const STREAM_IDLE_TIMEOUT_MS = 75_000;
/** Most messages that one answer of the history holds. */
export const MESSAGES_PER_PAGE = 200;
/** Most tasks that one answer of the list holds. */
export const TASKS_PER_PAGE = 500;
/** Most conversations that one answer of the list holds. */
export const CONVERSATIONS_PER_PAGE = 50;

export interface TaskDraft {
  title: string;
  description: string;
}
export type TaskPatch = Partial<TaskDraft & { completed: boolean }>;

export interface ChatRequest {
  message: string;
  conversationId: ConversationId | null;
  /** Sent again unchanged with every retry, so that a message that did arrive is not stored twice. */
  idempotencyKey: string;
}

export interface ConversationQuery {
  /** Only those with a smaller id. */
  before?: ConversationId | undefined;
  /** Only those with this text in their title or in a message. */
  search?: string;
}

/** Every method throws `ApiError` and nothing else, except an abort of the given signal. */
export interface Api {
  info: () => Promise<Info>;
  login: (userId: string) => Promise<Session>;
  /** The session of the browser's cookie; an `ApiError` with status 401 when there is none. */
  browserSession: () => Promise<Session>;
  /** Ends the browser's session, or every session of its user. */
  signOut: (where: "here" | "everywhere") => Promise<void>;
  /** Every task, or every task in the trash, page by page. */
  listTasks: (session: Session, which?: "all" | "deleted") => Promise<Task[]>;
  createTask: (session: Session, draft: TaskDraft) => Promise<Task>;
  updateTask: (session: Session, id: TaskId, patch: TaskPatch) => Promise<Task>;
  /** Moves the task to the trash, where it stays for 30 days. */
  deleteTask: (session: Session, id: TaskId) => Promise<void>;
  restoreTask: (session: Session, id: TaskId) => Promise<Task>;
  /** Newest first, at most `CONVERSATIONS_PER_PAGE`. */
  listConversations: (session: Session, which?: ConversationQuery) => Promise<Conversation[]>;
  renameConversation: (session: Session, id: ConversationId, title: string) => Promise<Conversation>;
  /** Deletes the conversation and its messages for good; the tasks stay. */
  deleteConversation: (session: Session, id: ConversationId) => Promise<void>;
  /** The whole conversation, or what is in it after the message `after`; oldest first. */
  listMessages: (session: Session, id: ConversationId, after?: number) => Promise<Message[]>;
  /** Asks the server to end the turn; it ends with the error `stopped`, unless it is answered before. */
  stopTurn: (session: Session, idempotencyKey: string) => Promise<void>;
  /** Ends after one `done`; an `error` event of the stream is thrown. */
  chat: (session: Session, request: ChatRequest, signal: AbortSignal) => AsyncGenerator<StreamEvent>;
}

/** The part of the platform's `fetch` that the client uses. */
export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
  fetch: Fetch;
  /** Called with every answer 401 to a request of the session; `path` is what was asked for. */
  onSessionRefused?: (session: Session, error: ApiError, path: string) => void;
  /** @default REQUEST_TIMEOUT_MS */
  requestTimeoutMs?: number;
  /** @default STREAM_IDLE_TIMEOUT_MS */
  streamIdleTimeoutMs?: number;
}

interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  session?: Session;
  body?: unknown;
  headers?: Record<string, string>;
  signal: AbortSignal;
}

export function createClient(options: ClientOptions): Api {
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const streamIdleTimeoutMs = options.streamIdleTimeoutMs ?? STREAM_IDLE_TIMEOUT_MS;

  /** Sends; an answer with an error status or no answer becomes an `ApiError`. */
  async function send(call: Call): Promise<Response> {
    const headers = new Headers({ Accept: "application/json", ...call.headers });
    if (call.session && call.session.token !== null) headers.set("Authorization", `Bearer ${call.session.token}`);
    const init: RequestInit = { method: call.method, headers, signal: call.signal, cache: "no-store" };
    if (call.body !== undefined) {
      headers.set("Content-Type", "application/json");
      init.body = JSON.stringify(call.body);
    }
    const response = await options.fetch(call.path, init).catch((cause: unknown) => {
      throw transportError(cause);
    });
    if (response.ok) return response;
    const error = await errorOf(response);
    if (call.session && error.status === 401) options.onSessionRefused?.(call.session, error, call.path);
    throw error;
  }

  async function json<T extends v.GenericSchema>(call: Omit<Call, "signal">, schema: T): Promise<v.InferOutput<T>> {
    const response = await send({ ...call, signal: AbortSignal.timeout(requestTimeoutMs) });
    const text = await response.text().catch((cause: unknown) => {
      throw transportError(cause);
    });
    return parsed(schema, text, response);
  }

  /** For an answer without a body. */
  async function done(call: Omit<Call, "signal">): Promise<void> {
    await send({ ...call, signal: AbortSignal.timeout(requestTimeoutMs) });
  }

  return {
    info: () => json({ method: "GET", path: "/api/info" }, infoSchema),
    login: (userId) => json({ method: "POST", path: "/api/login", body: { user_id: userId } }, sessionSchema),
    browserSession: () => json({ method: "GET", path: "/api/auth/session" }, browserSessionSchema),
    signOut: async (where) => {
      await done({ method: "POST", path: where === "here" ? "/api/auth/logout" : "/api/auth/logout-everywhere" });
    },
    listTasks: (session, which = "all") =>
      everyPage(TASKS_PER_PAGE, (query) => {
        const path = `${userPath(session, "tasks")}?status=${which}&${query}`;
        return json({ method: "GET", path, session }, taskListSchema);
      }),
    createTask: (session, draft) =>
      json({ method: "POST", path: userPath(session, "tasks"), session, body: draft }, taskSchema),
    updateTask: (session, id, patch) =>
      json({ method: "PATCH", path: userPath(session, "tasks", id), session, body: patch }, taskSchema),
    deleteTask: (session, id) => done({ method: "DELETE", path: userPath(session, "tasks", id), session }),
    restoreTask: (session, id) =>
      json({ method: "POST", path: userPath(session, "tasks", id, "restore"), session }, taskSchema),
    listConversations: (session, { before, search = "" } = {}) => {
      const query = new URLSearchParams({ limit: String(CONVERSATIONS_PER_PAGE) });
      if (before !== undefined) query.set("before", String(before));
      if (search !== "") query.set("search", search);
      const path = `${userPath(session, "conversations")}?${query.toString()}`;
      return json({ method: "GET", path, session }, conversationListSchema);
    },
    renameConversation: (session, id, title) =>
      json(
        { method: "PATCH", path: userPath(session, "conversations", id), session, body: { title } },
        conversationSchema,
      ),
    deleteConversation: (session, id) =>
      done({ method: "DELETE", path: userPath(session, "conversations", id), session }),
    listMessages: (session, id, after) =>
      everyPage(
        MESSAGES_PER_PAGE,
        (query) => {
          const path = `${userPath(session, "conversations", id, "messages")}?${query}`;
          return json({ method: "GET", path, session }, messageListSchema);
        },
        after,
      ),
    stopTurn: (session, idempotencyKey) =>
      done({
        method: "POST",
        path: userPath(session, "chat", "stop"),
        session,
        body: { idempotency_key: idempotencyKey },
      }),
    async *chat(session, request, signal) {
      const idle = new IdleTimer(streamIdleTimeoutMs);
      try {
        const response = await send({
          method: "POST",
          path: userPath(session, "chat", "stream"),
          session,
          body: {
            message: request.message,
            ...(request.conversationId === null ? {} : { conversation_id: request.conversationId }),
          },
          headers: { Accept: "text/event-stream", "Idempotency-Key": request.idempotencyKey },
          signal: AbortSignal.any([signal, idle.signal]),
        });
        yield* chatEvents(response, () => idle.restart());
      } finally {
        idle.stop();
      }
    },
  };
}

/** All items above the id `after` of a list that is told in order of ids; a page that is not full is the last one. */
async function everyPage<T extends { id: number }>(
  size: number,
  load: (query: string) => Promise<T[]>,
  after?: number,
): Promise<T[]> {
  const items: T[] = [];
  for (;;) {
    const last = items.at(-1)?.id ?? after;
    const page = await load(`limit=${size}${last === undefined ? "" : `&after=${last}`}`);
    items.push(...page);
    if (page.length < size) return items;
  }
}

/** Aborts its signal when nothing restarted it for the given time. */
class IdleTimer {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number) {
    this.#ms = ms;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#controller.abort(new DOMException("nothing arrived in time", "TimeoutError"));
    }, this.#ms);
  }
}

async function* chatEvents(response: Response, alive: () => void): AsyncGenerator<StreamEvent> {
  if (response.body === null) throw badAnswer(response, "the answer has no body");
  const events = readEvents(response.body);
  try {
    for (;;) {
      const next = await events.next().catch((cause: unknown) => {
        throw transportError(cause, "stream_cut");
      });
      if (next.done === true) break;
      alive();
      const event = streamEvent(next.value.event, next.value.data, response);
      if (event !== null) yield event;
      if (event?.type === "done") return;
    }
  } finally {
    await events.return(undefined);
  }
  throw new ApiError(0, "stream_cut", "the stream ended without its last event", { requestId: requestIdOf(response) });
}

/** One event of the stream; null for a name that this client does not know, which is the server's room to grow. */
function streamEvent(name: string | undefined, data: string, response: Response): StreamEvent | null {
  switch (name) {
    case "start":
      return { type: "start", conversationId: parsed(streamSchemas.start, data, response).conversation_id };
    case "delta":
      return { type: "delta", text: parsed(streamSchemas.delta, data, response).text };
    case "tool_call":
      return { type: "tool_call", call: { ...parsed(streamSchemas.tool_call, data, response), outcome: null } };
    case "tool_result": {
      const { id, ok, result } = parsed(streamSchemas.tool_result, data, response);
      return { type: "tool_result", id, outcome: { ok, result } };
    }
    case "done": {
      const done = parsed(streamSchemas.done, data, response);
      return {
        type: "done",
        conversationId: done.conversation_id,
        response: done.response,
        toolCalls: done.tool_calls,
      };
    }
    case "error": {
      const { code, message, request_id, details } = parsed(streamSchemas.error, data, response);
      // The status line was sent before the failure: 502 stands for a failure behind a started answer.
      throw new ApiError(502, code, message, {
        requestId: request_id ?? requestIdOf(response),
        details: details ?? null,
      });
    }
    default:
      return null;
  }
}

function userPath(session: Session, ...parts: (string | number)[]): string {
  return ["/api", session.user_id, ...parts]
    .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
    .join("/");
}

function parsed<T extends v.GenericSchema>(schema: T, text: string, response: Response): v.InferOutput<T> {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw badAnswer(response, `${v.getDotPath(issue) ?? "the answer"}: ${issue.message}`);
}

function badAnswer(response: Response, detail: string): ApiError {
  return new ApiError(response.status, "bad_answer", detail, { requestId: requestIdOf(response) });
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = v.safeParse(v.pipe(v.string(), v.parseJson(), errorSchema), await response.text().catch(() => ""));
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const more = { retryAfter: Number.isFinite(seconds) ? seconds : null };
  if (!body.success) {
    const message = `The server answered ${response.status} without a reason.`;
    return new ApiError(response.status, `http_${response.status}`, message, {
      ...more,
      requestId: requestIdOf(response),
    });
  }
  const { code, message, request_id, details } = body.output.error;
  return new ApiError(response.status, code, message, {
    ...more,
    requestId: request_id ?? requestIdOf(response),
    details: details ?? null,
  });
}

function requestIdOf(response: Response): string | null {
  return response.headers.get("X-Request-Id");
}

/** A rejected fetch or a broken body. An abort that the caller asked for passes through. */
function transportError(cause: unknown, code = "network"): unknown {
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : "";
  if (name === "AbortError") return cause;
  if (name === "TimeoutError") return new ApiError(0, "timeout", "no answer in time", { cause });
  return new ApiError(0, code, "no answer arrived", { cause });
}
