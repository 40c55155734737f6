/** What every event makes of the page. Pure: whatever happens is one of its events. */
import { type ChatEvent, initialChat, reduceChat } from "../chat/state.ts";
import { reduceSession } from "../session/state.ts";
import { initialTasks, reduceTasks, type TasksEvent } from "../tasks/state.ts";
import { announcementFor } from "./announce.ts";
import { focusFor } from "./focus.ts";
import type { AppEvent, AppState } from "./model.ts";

export function reduce(state: AppState, event: AppEvent): AppState {
  if (isToldByBanner(state, event)) return state;
  const next = reduceParts(state, event);
  const text = announcementFor(state, event);
  const id = focusFor(state, event);
  return {
    ...next,
    announcement: text === null ? next.announcement : { text },
    focus: id === null ? next.focus : { id },
  };
}

function reduceParts(state: AppState, event: AppEvent): AppState {
  if (isTasksEvent(event)) return { ...state, tasks: reduceTasks(state.tasks, event) };
  if (isChatEvent(event)) return { ...state, chat: reduceChat(state.chat, event) };
  switch (event.type) {
    case "app/infoLoaded":
      return { ...state, info: event.info, infoProblem: null };
    case "app/infoFailed":
      return { ...state, infoProblem: event.problem };
    case "app/infoAsked":
      return { ...state, infoProblem: null };
    case "app/connectionChanged":
      return { ...state, online: event.online };
    case "app/panelChosen":
      return { ...state, panel: event.panel };
    case "app/themeChosen":
      return { ...state, theme: event.theme };
    case "session/ended":
      // Nothing of one person's data may be left on the screen for the next.
      return { ...state, session: reduceSession(state.session, event), tasks: initialTasks, chat: initialChat };
    default:
      return { ...state, session: reduceSession(state.session, event) };
  }
}

/** Without a network nothing can be loaded; one banner says so, and everything is loaded when it is back. */
function isToldByBanner(state: AppState, event: AppEvent): boolean {
  return !state.online && (event.type === "tasks/loadFailed" || event.type === "chat/conversationsFailed");
}

function isTasksEvent(event: AppEvent): event is TasksEvent {
  return event.type.startsWith("tasks/");
}

function isChatEvent(event: AppEvent): event is ChatEvent {
  return event.type.startsWith("chat/");
}
