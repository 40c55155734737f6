/** The whole page as data, and everything that can happen to it. */
import type { Problem } from "../api/problem.ts";
import type { Info } from "../api/types.ts";
import { type ChatEvent, type ChatState, initialChat } from "../chat/state.ts";
import { initialSession, type SessionEvent, type SessionState } from "../session/state.ts";
import { initialTasks, type TasksEvent, type TasksState } from "../tasks/state.ts";
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
