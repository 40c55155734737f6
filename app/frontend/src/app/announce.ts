import type { Message, StreamEvent } from "../api/types.ts";
import { type ChatState, turnUnderWay } from "../chat/state.ts";
import { toolCallSentence } from "../chat/tools.ts";
import type { Operation, TasksState } from "../tasks/state.ts";
import type { AppEvent, AppState } from "./model.ts";

/** What a screen reader says about an event; null for what needs no words or is said by an alert. */
export function announcementFor(state: AppState, event: AppEvent): string | null {
  switch (event.type) {
    case "tasks/confirmed":
      return confirmed(state.tasks, event.operation);
    case "chat/sent":
      return "Message sent.";
    case "chat/streamed":
      return streamed(state.chat, event.event);
    case "chat/followed":
      return followed(state.chat, event.messages);
    case "chat/stopAsked":
      return "Stopping…";
    case "chat/conversationRenamed":
      return `Renamed to ${event.conversation.title}.`;
    case "chat/conversationDeleted":
      return "Conversation deleted.";
    case "chat/conversationStarted":
      return "New conversation.";
    case "chat/historyLoaded":
      return `Conversation opened, ${event.messages.length} messages.`;
    case "app/connectionChanged":
      return event.online ? "Back online." : null;
    case "app/themeChosen":
      return `Colours: ${event.theme}.`;
    default:
      return null;
  }
}

/** Tools as they finish, and the answer once, when it is whole. */
function streamed(chat: ChatState, event: StreamEvent): string | null {
  if (event.type === "done") return `Assistant: ${event.response}`;
  if (event.type !== "tool_result") return null;
  const call = turnUnderWay(chat)?.toolCalls.find(({ id }) => id === event.id);
  return call === undefined ? null : `${toolCallSentence({ ...call, outcome: event.outcome })}.`;
}

/** The answer to the turn that was followed, when it is there. */
function followed(chat: ChatState, messages: Message[]): string | null {
  const key = turnUnderWay(chat)?.key;
  const answer = messages.find(({ role, idempotency_key }) => role === "assistant" && idempotency_key === key);
  return answer === undefined ? null : `Assistant: ${answer.content}`;
}

function confirmed(tasks: TasksState, operation: Operation): string {
  switch (operation.kind) {
    case "create":
      return `Added ${operation.draft.title}.`;
    case "delete":
      return `Deleted ${titleOf(tasks, operation.id)}.`;
    case "restore":
      return `Restored ${operation.title}.`;
    case "update": {
      const title = operation.patch.title ?? titleOf(tasks, operation.id);
      if (operation.patch.completed === undefined) return `Saved ${title}.`;
      return operation.patch.completed ? `Completed ${title}.` : `Reopened ${title}.`;
    }
  }
}

function titleOf(tasks: TasksState, id: number): string {
  return tasks.confirmed.find((task) => task.id === id)?.title ?? "the task";
}
