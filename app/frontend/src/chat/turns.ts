/** Turns as data: a message with its answer, or with why there is none. */
import type { Problem } from "../api/problem.ts";
import type { Message, StreamEvent, ToolCall } from "../api/types.ts";

export interface Turn {
  /** Idempotency key, the same for every try; made up for a stored message that has none. */
  key: string;
  /** Null for an answer whose question is not stored. */
  message: string | null;
  /** As far as it has arrived. */
  answer: string;
  /** What was done for the message, also when there is no answer. */
  toolCalls: ToolCall[];
  /** `sending` until the server said that it has the message; `stopping` until it said that the turn is over. */
  status: "sending" | "answering" | "stopping" | "done" | "failed";
  /** Why there is no answer, or why the turn could not be stopped. */
  problem: Problem | null;
}

/** A stored message without an answer whose turn nobody carries on: it was cut off by a crash. */
const UNANSWERED: Problem = {
  code: "unanswered",
  message: "This message has no answer yet.",
  requestId: null,
  retryable: true,
};

/** A message that was on its way when the page was left. */
const UNSENT: Problem = {
  code: "unsent",
  message: "This message was not sent. Sending it again does nothing twice.",
  requestId: null,
  retryable: true,
};

export function sentTurn(key: string, message: string): Turn {
  return { key, message, answer: "", toolCalls: [], status: "sending", problem: null };
}

export function unsentTurn(key: string, message: string): Turn {
  return { ...sentTurn(key, message), status: "failed", problem: UNSENT };
}

export function isUnderWay({ status }: Turn): boolean {
  return status === "sending" || status === "answering" || status === "stopping";
}

/** The turn after the next event of its stream. */
export function streamed(turn: Turn, event: StreamEvent): Turn {
  switch (event.type) {
    case "start":
      return { ...turn, status: "answering" };
    case "delta":
      return { ...turn, answer: turn.answer + event.text };
    case "tool_call":
      return { ...turn, toolCalls: [...turn.toolCalls, event.call] };
    case "tool_result": {
      const toolCalls = turn.toolCalls.map((call) =>
        call.id === event.id ? { ...call, outcome: event.outcome } : call,
      );
      return { ...turn, toolCalls };
    }
    case "done":
      return { ...turn, answer: event.response, toolCalls: event.toolCalls, status: "done", problem: null };
  }
}

/** Stored messages, oldest first, as turns in the order of their questions. */
export function turnsOf(messages: Message[]): Turn[] {
  const turns = new Map<string, Turn>();
  for (const message of messages) {
    const key = message.idempotency_key ?? `message-${message.id}`;
    const asked = turns.get(key)?.message ?? null;
    turns.set(key, message.role === "user" ? questionOf(key, message) : answerOf(key, asked, message));
  }
  return [...turns.values()];
}

function answerOf(key: string, message: string | null, { content, tool_calls }: Message): Turn {
  return { key, message, answer: content, toolCalls: tool_calls, status: "done", problem: null };
}

function questionOf(key: string, { content, tool_calls, failure, answering, idempotency_key }: Message): Turn {
  const turn = { ...sentTurn(key, content), toolCalls: tool_calls };
  if (answering) return { ...turn, status: "answering" };
  // Without its key the server would take it for another message.
  if (idempotency_key === null) return { ...turn, status: "done" };
  return { ...turn, status: "failed", problem: { ...UNANSWERED, ...failure } };
}

/**
 * `first`, then what only `second` has. A turn of both is the one of `first`,
 * unless `keep` says that the one of `second` knows more.
 */
export function merged(first: Turn[], second: Turn[], keep: (known: Turn) => boolean): Turn[] {
  const others = new Map(second.map((turn) => [turn.key, turn]));
  const turns = first.map((turn) => {
    const other = others.get(turn.key);
    others.delete(turn.key);
    return other !== undefined && keep(other) ? other : turn;
  });
  return [...turns, ...others.values()];
}
