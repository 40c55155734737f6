import { html, nothing, type TemplateResult } from "lit-html";
import type { Problem } from "../api/problem.ts";
import type { Info } from "../api/types.ts";
import { ids } from "../app/ids.ts";
import { fieldText, submittedForm } from "../form.ts";
import { icons } from "../icons.ts";
import { type ProblemAction, problemView } from "../problem-view.ts";
import type { SessionActions } from "./actions.ts";
import type { SessionState } from "./state.ts";

/** The user ids that the server takes. */
const USER_ID = "[A-Za-z0-9][A-Za-z0-9_.@\\-]{0,63}";

/** What the server says of itself: null until it said it, and then why it could not. */
export interface ServerInfo {
  info: Info | null;
  problem: Problem | null;
  ask: () => void;
}

export interface SignInHandlers {
  actions: SessionActions;
  /** Where the browser goes to sign in with the identity provider. */
  signInAddress: string;
}

export function signInView(state: SessionState, server: ServerInfo, handlers: SignInHandlers): TemplateResult {
  return html`
    <main class="sign-in">
      <div class="sign-in-card">
        <p class="sign-in-mark">${icons.mark}</p>
        <h1>Todo chat</h1>
        <p>Tell the assistant what needs doing, or write it down yourself.</p>
        ${
          state.status === "signed-out" && state.problem !== null
            ? problemView(state.problem, null, again(state.problem, server.info, handlers.actions))
            : nothing
        }
        ${ways(state, server, handlers)}
      </div>
    </main>
  `;
}

/** A question about the cookie that was not answered can be asked again; a login form is its own second try. */
function again(problem: Problem, info: Info | null, actions: SessionActions): ProblemAction[] {
  const askAgain = info?.sign_in === "oidc" && problem.retryable;
  return askAgain ? [{ label: "Try again", run: () => void actions.resumeBrowser() }] : [];
}

function ways(state: SessionState, { info, problem, ask }: ServerInfo, handlers: SignInHandlers): unknown {
  if (info === null) {
    if (problem === null) return html`<p aria-busy="true">One moment…</p>`;
    return problemView(problem, null, [{ label: "Try again", run: ask }]);
  }
  if (state.status === "resuming") return html`<p aria-busy="true">One moment…</p>`;
  if (info.sign_in === "none") return nobody();
  return [
    info.sign_in === "oidc" ? provider(handlers.signInAddress) : nothing,
    info.dev_login ? form(state, handlers.actions) : nothing,
  ];
}

function provider(address: string): TemplateResult {
  return html`<a id=${ids.signIn} class="button primary wide" href=${address}>Sign in</a>`;
}

function form(state: SessionState, actions: SessionActions): TemplateResult {
  const busy = state.status === "signing-in";
  return html`
    <form
      @submit=${(event: SubmitEvent) => {
        const userId = fieldText(submittedForm(event), "user-id");
        if (!busy) void actions.signIn(userId);
      }}
    >
      <label for=${ids.userId}>User name</label>
      <input
        id=${ids.userId}
        name="user-id"
        type="text"
        required
        pattern=${USER_ID}
        maxlength="64"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        aria-describedby="user-id-hint"
        title="Letters, digits, and _ . @ - after the first character"
      />
      <p id="user-id-hint" class="fine-print">Development login: any name, no password. Each name has its own tasks.</p>
      <button type="submit" class="button primary wide" aria-disabled=${busy}>
        ${busy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  `;
}

function nobody(): TemplateResult {
  return html`<p>Nobody can sign in here: no identity provider is configured. Tell whoever runs this site.</p>`;
}
