/** The whole page as data. `reduce` is pure; everything that happens is one of its events. */
import type { Problem } from "../api/problem.ts";
import type { Info } from "../api/types.ts";
import { type ChatEvent, type ChatState, initialChat, reduceChat } from "../chat/state.ts";
import { initialSession, reduceSession, type SessionEvent, type SessionState } from "../session/state.ts";
import { initialTasks, reduceTasks, type TasksEvent, type TasksState } from "../tasks/state.ts";
import { announcementFor } from "./announce.ts";
import { focusFor } from "./focus.ts";
import type { Theme } from "./theme.ts";

/** The half of the page that a narrow screen shows. */
export type Panel = "chat" | "tasks";

export interface AppState {
  session: SessionState;
  tasks: TasksState;
  chat: ChatState;
  /** What the server says of itself, null until it said it. */
  info: Info | null;
  /** Why it did not say it, null while nothing failed. */
  infoProblem: Problem | null;
  online: boolean;
  panel: Panel;
  theme: Theme;
  /** What a screen reader is told next; a new object is a new announcement, also of the same words. */
  announcement: { text: string } | null;
  /** Where the focus goes next: an element id; a new object moves it once. */
  focus: { id: string } | null;
}

export type ShellEvent =
  | { type: "app/infoLoaded"; info: Info }
  | { type: "app/infoFailed"; problem: Problem }
  | { type: "app/infoAsked" }
  | { type: "app/connectionChanged"; online: boolean }
  | { type: "app/panelChosen"; panel: Panel }
  | { type: "app/themeChosen"; theme: Theme };

export type AppEvent = ShellEvent | SessionEvent | TasksEvent | ChatEvent;

export function initialState(start: { online: boolean; theme: Theme }): AppState {
  return {
    session: initialSession,
    tasks: initialTasks,
    chat: initialChat,
    info: null,
    infoProblem: null,
    online: start.online,
    panel: "chat",
    theme: start.theme,
    announcement: null,
    focus: null,
  };
}

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
