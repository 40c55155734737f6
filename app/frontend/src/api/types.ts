/**
 * The answers of the backend, as schemas that every answer passes before anything else sees it.
 * An unknown extra field is ignored, a missing or wrongly typed one is an error.
 */
import * as v from "valibot";

const id = v.pipe(v.number(), v.integer(), v.minValue(1));
const time = v.pipe(v.string(), v.isoTimestamp());
const json = v.unknown();

export const taskSchema = v.object({
  id,
  title: v.string(),
  description: v.string(),
  completed: v.boolean(),
  created_at: time,
  updated_at: time,
});
export type Task = v.InferOutput<typeof taskSchema>;
export type TaskId = Task["id"];

export const taskListSchema = v.array(taskSchema);

/** A finished call of a tool. */
const toolCallSchema = v.pipe(
  v.object({ id: v.string(), name: v.string(), arguments: v.record(v.string(), json), ok: v.boolean(), result: json }),
  v.transform(({ ok, result, ...call }): ToolCall => ({ ...call, outcome: { ok, result } })),
);

/** A call of a tool; `outcome` is null while the tool is at work. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
  outcome: { ok: boolean; result: unknown } | null;
}

export const conversationSchema = v.object({ id, created_at: time, updated_at: time, title: v.string() });
export type Conversation = v.InferOutput<typeof conversationSchema>;
export type ConversationId = Conversation["id"];

export const conversationListSchema = v.array(conversationSchema);

export const messageSchema = v.object({
  id,
  role: v.picklist(["user", "assistant"]),
  content: v.string(),
  tool_calls: v.array(toolCallSchema),
  idempotency_key: v.nullable(v.string()),
  /** Why a message of the user has no answer; its tool calls are then what was done all the same. */
  failure: v.optional(v.nullable(v.object({ code: v.string(), message: v.string() }))),
  /** Whether the server is at work on the answer; its tool calls are then what was done so far. */
  answering: v.optional(v.boolean(), false),
  created_at: time,
});
export type Message = v.InferOutput<typeof messageSchema>;

export const messageListSchema = v.array(messageSchema);

/** Who is signed in. */
export interface Session {
  user_id: string;
  /** What to call the person, where the identity provider says. */
  name?: string;
  expires_at: string;
  /** Of the development login; null when the browser holds a cookie, which no script can read. */
  token: string | null;
}

/** The session of the development login. */
export const sessionSchema = v.object({ token: v.string(), user_id: v.string(), expires_at: time });

/** The session behind the browser's cookie. */
export const browserSessionSchema = v.pipe(
  v.object({ user_id: v.string(), name: v.string(), expires_at: time }),
  v.transform((session): Session => ({ ...session, token: null })),
);

export const infoSchema = v.pipe(
  v.object({
    version: v.string(),
    environment: v.string(),
    /** Null while the agent is unreachable. */
    model: v.nullable(v.object({ name: v.string(), kind: v.picklist(["scripted", "llm"]) })),
    agent: v.picklist(["reachable", "unreachable"]),
    dev_login: v.boolean(),
    sign_in: v.optional(v.picklist(["oidc", "development", "none"])),
  }),
  // While a new release is rolled out, a backend of before may answer, which knows one way only.
  v.transform((info) => ({ ...info, sign_in: info.sign_in ?? (info.dev_login ? "development" : "none") })),
);
export type Info = v.InferOutput<typeof infoSchema>;

const failureSchema = v.object({
  code: v.string(),
  message: v.string(),
  request_id: v.nullable(v.string()),
  details: v.optional(v.nullable(v.record(v.string(), json))),
});

/** The body of every answer with an error status. */
export const errorSchema = v.object({ error: failureSchema });

/** The data of each event of a chat stream, by the event's name. */
export const streamSchemas = {
  start: v.object({ conversation_id: id }),
  delta: v.object({ text: v.string() }),
  tool_call: v.object({ id: v.string(), name: v.string(), arguments: v.record(v.string(), json) }),
  tool_result: v.object({ id: v.string(), ok: v.boolean(), result: json }),
  done: v.object({ conversation_id: id, response: v.string(), tool_calls: v.array(toolCallSchema) }),
  error: failureSchema,
};

/** What a chat stream says: `start`, then any number of the next three, then `done`. Failures are thrown. */
export type StreamEvent =
  | { type: "start"; conversationId: ConversationId }
  | { type: "delta"; text: string }
  | { type: "tool_call"; call: ToolCall }
  | { type: "tool_result"; id: ToolCall["id"]; outcome: { ok: boolean; result: unknown } }
  | { type: "done"; conversationId: ConversationId; response: string; toolCalls: ToolCall[] };
