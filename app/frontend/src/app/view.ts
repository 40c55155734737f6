import { html, nothing, type TemplateResult } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import type { Info, Session } from "../api/types.ts";
import type { ChatActions } from "../chat/actions.ts";
import { conversationsView } from "../chat/conversations-view.ts";
import { chatView } from "../chat/view.ts";
import { icons } from "../icons.ts";
import { problemView } from "../problem-view.ts";
import type { SessionActions } from "../session/actions.ts";
import type { SessionState } from "../session/state.ts";
import { signInView } from "../session/view.ts";
import type { TasksActions } from "../tasks/actions.ts";
import { counts } from "../tasks/state.ts";
import { tasksView } from "../tasks/view.ts";
import type { AppEvent, AppState, Panel } from "./model.ts";
import { nextTheme, type Theme } from "./theme.ts";

export interface Workspace {
  tasks: TasksActions;
  chat: ChatActions;
}

type SignedIn = Extract<SessionState, { status: "signed-in" }>;

export interface AppHandlers {
  session: SessionActions;
  /** Where the browser goes to sign in with the identity provider. */
  signInAddress: string;
  /** Asks the server what it is, once more. */
  askInfo: () => void;
  /** Null while nobody is signed in. */
  workspace: Workspace | null;
  dispatch: (event: AppEvent) => void;
}

export function appView(state: AppState, handlers: AppHandlers): TemplateResult {
  return html`
    ${state.online ? nothing : offlineBanner()}
    ${
      state.session.status === "signed-in" && handlers.workspace !== null
        ? workspaceView(state, state.session, handlers.workspace, handlers)
        : html`<div class="corner">${themeButton(state.theme, handlers)}</div>
            ${signInView(
              state.session,
              { info: state.info, problem: state.infoProblem, ask: handlers.askInfo },
              { actions: handlers.session, signInAddress: handlers.signInAddress },
            )}`
    }
    <div class="visually-hidden" role="status">
      ${keyed(state.announcement, html`<p>${state.announcement?.text ?? nothing}</p>`)}
    </div>
  `;
}

function workspaceView(
  state: AppState,
  { session, problem }: SignedIn,
  workspace: Workspace,
  handlers: AppHandlers,
): TemplateResult {
  const { dispatch } = handlers;
  return html`
    <header class="app-header">
      <h1 class="brand">${icons.mark}<span>Todo chat</span></h1>
      ${state.info === null ? nothing : modelBadge(state.info)}
      <div class="header-end">
        <span class="user"><span class="visually-hidden">Signed in as </span>${session.name ?? session.user_id}</span>
        ${themeButton(state.theme, handlers)}
        ${session.token === null ? signOutButton("everywhere", session, handlers) : nothing}
        ${signOutButton("here", session, handlers)}
      </div>
    </header>
    ${problem === null ? nothing : problemView(problem, "You are still signed in.", [])}
    <main class="workspace" data-panel=${state.panel}>
      ${conversationsView(state.chat, { actions: workspace.chat, dispatch })}
      ${chatView(state.chat, { actions: workspace.chat, dispatch })}
      ${tasksView(state.tasks, { actions: workspace.tasks, dispatch })}
    </main>
    <nav class="panel-switch" aria-label="Panels">
      ${panelButton("chat", html`${icons.chat}<span>Chat</span>`, state, handlers)}
      ${panelButton(
        "tasks",
        html`${icons.tasks}<span>Tasks <span class="count">${counts(state.tasks).pending}</span></span>`,
        state,
        handlers,
      )}
    </nav>
  `;
}

function signOutButton(where: "here" | "everywhere", session: Session, handlers: AppHandlers): TemplateResult {
  const name = where === "here" ? "Sign out" : "Sign out everywhere";
  return html`
    <button
      type="button"
      class="button icon-only quiet"
      aria-label=${name}
      title=${name}
      @click=${() => void handlers.session.signOut(session, where)}
    >
      ${where === "here" ? icons.signOut : icons.signOutEverywhere}
    </button>
  `;
}

function panelButton(panel: Panel, label: TemplateResult, state: AppState, { dispatch }: AppHandlers): TemplateResult {
  return html`
    <button
      type="button"
      aria-pressed=${state.panel === panel}
      @click=${() => dispatch({ type: "app/panelChosen", panel })}
    >
      ${label}
    </button>
  `;
}

/** Says which model answers, so that scripted answers are never taken for a language model's. */
function modelBadge(info: Info): TemplateResult {
  if (info.model === null) return html`<p class="badge" data-kind="none">Assistant unreachable</p>`;
  return html`<p class="badge" data-kind=${info.model.kind}>
    <span class="visually-hidden">Answers come from: </span
    >${info.model.kind === "scripted" ? "scripted model" : info.model.name}
  </p>`;
}

function themeButton(theme: Theme, { dispatch }: AppHandlers): TemplateResult {
  return html`
    <button
      type="button"
      class="button icon-only quiet"
      aria-label=${`Colours: ${theme}`}
      title=${`Colours: ${theme}`}
      @click=${() => dispatch({ type: "app/themeChosen", theme: nextTheme(theme) })}
    >
      ${icons[theme]}
    </button>
  `;
}

function offlineBanner(): TemplateResult {
  return html`<p class="offline" role="alert">
    ${icons.warning}<span>You are offline. What you type is kept; send it when you are back.</span>
  </p>`;
}
