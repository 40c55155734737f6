import { matches, visibleRows } from "../tasks/state.ts";
import type { TaskId } from "../api/types.ts";
import { ids } from "./ids.ts";
import type { AppEvent, AppState } from "./model.ts";

/**
 * Where the focus goes after an event, as an element id; null leaves it where it is.
 * An element that goes away hands it to its neighbour, so that a keyboard is never thrown back to the top.
 */
export function focusFor(state: AppState, event: AppEvent): string | null {
  switch (event.type) {
    case "session/signedIn":
    case "chat/conversationStarted":
    case "chat/conversationOpened":
    case "chat/takenBack":
    case "chat/sent":
    case "chat/stopAsked":
      return ids.message;
    case "chat/conversationOpenedFor":
      return event.as === "rename" ? ids.conversationTitle(event.id) : ids.conversationKeep(event.id);
    case "chat/conversationClosed": {
      const { open } = state.chat.conversations;
      if (open === null) return null;
      return open.as === "rename" ? ids.conversationRename(open.id) : ids.conversationDelete(open.id);
    }
    case "chat/conversationRenamed":
      return ids.conversationRename(event.conversation.id);
    case "chat/conversationDeleted":
      return ids.conversationsHeading;
    case "session/ended":
    case "session/signInFailed":
      return state.info?.sign_in === "oidc" ? ids.signIn : ids.userId;
    case "tasks/opened":
      return event.as === "edit" ? ids.taskTitle(event.id) : ids.taskKeep(event.id);
    case "tasks/closed": {
      const { open } = state.tasks;
      if (open === null) return null;
      return open.as === "edit" ? ids.taskEdit(open.id) : ids.taskDelete(open.id);
    }
    case "tasks/sent":
      switch (event.operation.kind) {
        case "create":
          return ids.newTask;
        case "delete":
          return neighbourOf(state, event.operation.id);
        case "restore":
          return state.tasks.trash.open ? ids.trash : ids.newTask;
        case "update":
          return afterUpdate(state, event.operation.id, event.operation.patch.completed);
      }
      break;
    case "tasks/undoDismissed":
    case "tasks/problemDismissed":
      return ids.newTask;
    case "chat/conversationsToggled":
      return state.chat.conversationsOpen ? ids.conversationsToggle : ids.conversationsHeading;
    default:
  }
  return null;
}

function afterUpdate(state: AppState, id: TaskId, completed: boolean | undefined): string {
  if (completed === undefined) return ids.taskEdit(id);
  return matches({ completed }, state.tasks.filter) ? ids.taskToggle(id) : neighbourOf(state, id);
}

/** The next row that stays, else the one before, else the field for a new task. */
function neighbourOf(state: AppState, id: TaskId): string {
  const rows = visibleRows(state.tasks).filter((row) => row.id !== null);
  const index = rows.findIndex((row) => row.id === id);
  const neighbour = rows[index + 1] ?? rows[index - 1];
  return neighbour?.id == null ? ids.newTask : ids.taskToggle(neighbour.id);
}
