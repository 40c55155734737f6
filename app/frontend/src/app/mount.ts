import { render } from "lit-html";
import { createClient, type Fetch } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import type { Session } from "../api/types.ts";
import { chatActions } from "../chat/actions.ts";
import { placeStorageIn } from "../chat/place.ts";
import { placeOf, turnUnderWay, unsentText } from "../chat/state.ts";
import { sessionActions } from "../session/actions.ts";
import { signInAddress } from "../session/address.ts";
import { draftStorageIn } from "../session/draft.ts";
import { sessionOf } from "../session/state.ts";
import { sessionStorageIn } from "../session/storage.ts";
import { safeStorage } from "../storage.ts";
import { tasksActions } from "../tasks/actions.ts";
import { type AppEvent, type AppState, initialState } from "./model.ts";
import { reduce } from "./state.ts";
import { readTheme, writeTheme } from "./theme.ts";
import { appView, type Workspace } from "./view.ts";

/** The log follows new messages while the person is no further than this from its end. */
const FOLLOW_DISTANCE_PX = 80;

/** Pause between two looks whether an unreachable assistant is back. */
export const UNREACHABLE_PAUSE_MS = 15_000;

/** The parts of a browser that the page depends on. */
export interface Browser {
  fetch: Fetch;
  window: Window;
}

/** Runs the page inside `root`. The returned function takes it down again. */
export function mount(root: HTMLElement, { fetch, window }: Browser): () => void {
  const { document, navigator } = window;
  const visits = safeStorage(() => window.localStorage);
  const tab = safeStorage(() => window.sessionStorage);
  let state = initialState({ online: navigator.onLine, theme: readTheme(visits) });
  let workspace: Workspace | null = null;

  const api = createClient({
    fetch,
    onSessionRefused(session, error, path) {
      if (!isCurrent(session)) return;
      storage.clear();
      const text = unsentText(state.chat, path);
      if (text !== "") drafts.keep(session.user_id, text);
      places.write(session.user_id, placeOf(state.chat, turnUnderWay(state.chat)?.key));
      const problem = problemOf(error);
      const message = text === "" ? problem.message : `${problem.message} What you typed is kept in this tab.`;
      dispatch({ type: "session/ended", problem: { ...problem, message } });
    },
  });
  const storage = sessionStorageIn(tab);
  const drafts = draftStorageIn(tab);
  const places = placeStorageIn(tab);
  const session = sessionActions({ api, storage, dispatch });
  let cookieAsked = false;
  let nextLook: ReturnType<typeof setTimeout> | undefined;

  function dispatch(event: AppEvent): void {
    const before = state;
    state = reduce(before, event);
    if (sessionOf(before.session) !== sessionOf(state.session)) changeWorkspace();
    keepPlace(before);
    show(before);
    react(event);
  }

  function keepPlace({ chat }: AppState): void {
    const owner = sessionOf(state.session);
    const { conversationId, unsent } = state.chat;
    if (owner === null || (conversationId === chat.conversationId && unsent === chat.unsent)) return;
    places.write(owner.user_id, placeOf(state.chat));
  }

  function show(before: AppState | null): void {
    const held = document.activeElement;
    const panel = held?.closest<HTMLElement>(".panel");
    const log = document.getElementById("chat-log");
    const atEnd = log === null || log.scrollHeight - log.scrollTop - log.clientHeight < FOLLOW_DISTANCE_PX;
    document.documentElement.dataset["theme"] = state.theme;
    const handlers = { session, workspace, dispatch, askInfo, signInAddress: signInAddress(window.location) };
    render(appView(state, handlers), root);
    if (atEnd) scrollToEnd(document.getElementById("chat-log"));
    if (state.focus !== null && state.focus !== before?.focus) document.getElementById(state.focus.id)?.focus();
    // Whatever held the focus and is gone now leaves it in its panel, not at the top of the page.
    else if (held?.isConnected === false) panel?.focus();
  }

  /** What follows from an event beyond the new state. */
  function react(event: AppEvent): void {
    switch (event.type) {
      case "app/infoLoaded":
        clearTimeout(nextLook);
        // Nobody writes to an assistant that is said to be unreachable, so nothing else would find it back.
        if (event.info.model === null) nextLook = setTimeout(() => void loadInfo(), UNREACHABLE_PAUSE_MS);
        if (event.info.sign_in !== "oidc" || cookieAsked || state.session.status !== "signed-out") break;
        cookieAsked = true;
        void session.resumeBrowser();
        break;
      case "session/signedIn": {
        const text = drafts.take(event.session.user_id);
        const place = places.read(event.session.user_id);
        if (text !== "") dispatch({ type: "chat/drafted", text });
        loadAll();
        if (place === null) places.clear();
        else void workspace?.chat.resume(place);
        break;
      }
      case "session/ended":
        if (event.problem !== null) break;
        drafts.clear();
        places.clear();
        break;
      case "app/connectionChanged":
        if (!event.online) break;
        void loadInfo();
        loadAll();
        break;
      case "chat/streamed":
        if (event.event.type === "done" && state.info?.model === null) void loadInfo();
        break;
      case "chat/failed":
        void loadInfo();
        break;
      case "app/themeChosen":
        writeTheme(visits, event.theme);
        break;
      default:
    }
  }

  function changeWorkspace(): void {
    workspace?.chat.leave();
    const owner = sessionOf(state.session);
    workspace = owner === null ? null : openWorkspace(owner);
  }

  /** Actions bound to one session: what they still have to say after it ended is dropped. */
  function openWorkspace(owner: Session): Workspace {
    const guarded = (event: AppEvent) => {
      if (isCurrent(owner)) dispatch(event);
    };
    const tasks = tasksActions({ api, session: owner, state: () => state.tasks, dispatch: guarded });
    const chat = chatActions({
      api,
      session: owner,
      state: () => state.chat,
      dispatch: guarded,
      tasksMayHaveChanged: () => void tasks.load(),
    });
    return { tasks, chat };
  }

  function isCurrent(owner: Session): boolean {
    return sessionOf(state.session) === owner;
  }

  function loadAll(): void {
    void workspace?.tasks.load();
    void workspace?.chat.loadConversations();
  }

  async function loadInfo(): Promise<void> {
    try {
      dispatch({ type: "app/infoLoaded", info: await api.info() });
    } catch (error) {
      // Somebody who is signed in is told by what they ask for next; the badge stays as it is.
      dispatch({ type: "app/infoFailed", problem: problemOf(error) });
    }
  }

  function askInfo(): void {
    dispatch({ type: "app/infoAsked" });
    void loadInfo();
  }

  const goOnline = () => dispatch({ type: "app/connectionChanged", online: true });
  const goOffline = () => dispatch({ type: "app/connectionChanged", online: false });
  window.addEventListener("online", goOnline);
  window.addEventListener("offline", goOffline);
  show(null);
  session.resume();
  void loadInfo();

  return () => {
    window.removeEventListener("online", goOnline);
    window.removeEventListener("offline", goOffline);
    clearTimeout(nextLook);
    workspace?.chat.leave();
    render(null, root);
  };
}

function scrollToEnd(element: HTMLElement | null): void {
  if (element !== null) element.scrollTop = element.scrollHeight;
}
