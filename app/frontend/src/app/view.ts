import { html, nothing, type TemplateResult } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import type { Info } from "../api/types.ts";
import type { ChatActions } from "../chat/actions.ts";
import { conversationsView } from "../chat/conversations-view.ts";
import { chatView } from "../chat/view.ts";
import { icons } from "../icons.ts";
import type { SessionActions } from "../session/actions.ts";
import { signInView } from "../session/view.ts";
import type { TasksActions } from "../tasks/actions.ts";
import { counts } from "../tasks/state.ts";
import { tasksView } from "../tasks/view.ts";
import type { AppEvent, AppState, Panel } from "./state.ts";
import { nextTheme, type Theme } from "./theme.ts";

export interface Workspace {
  tasks: TasksActions;
  chat: ChatActions;
}

export interface AppHandlers {
  session: SessionActions;
  /** Null while nobody is signed in. */
  workspace: Workspace | null;
  dispatch: (event: AppEvent) => void;
}

export function appView(state: AppState, handlers: AppHandlers): TemplateResult {
  return html`
    ${state.online ? nothing : offlineBanner()}
    ${
      state.session.status === "signed-in" && handlers.workspace !== null
        ? workspaceView(state, state.session.session.user_id, handlers.workspace, handlers)
        : html`<div class="corner">${themeButton(state.theme, handlers)}</div>
            ${signInView(state.session, state.info, handlers.session)}`
    }
    <div class="visually-hidden" role="status">
      ${keyed(state.announcement, html`<p>${state.announcement?.text ?? nothing}</p>`)}
    </div>
  `;
}

function workspaceView(state: AppState, userId: string, workspace: Workspace, handlers: AppHandlers): TemplateResult {
  const { dispatch } = handlers;
  return html`
    <header class="app-header">
      <h1 class="brand">${icons.mark}<span>Todo chat</span></h1>
      ${state.info === null ? nothing : modelBadge(state.info)}
      <div class="header-end">
        <span class="user"><span class="visually-hidden">Signed in as </span>${userId}</span>
        ${themeButton(state.theme, handlers)}
        <button type="button" class="button icon-only quiet" aria-label="Sign out" @click=${handlers.session.signOut}>
          ${icons.signOut}
        </button>
      </div>
    </header>
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
