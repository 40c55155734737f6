import { html, nothing, type TemplateResult } from "lit-html";
import type { Info } from "../api/types.ts";
import { ids } from "../app/focus.ts";
import { fieldText, submittedForm } from "../form.ts";
import { icons } from "../icons.ts";
import { problemView } from "../problem-view.ts";
import type { SessionActions } from "./actions.ts";
import type { SessionState } from "./state.ts";

/** The user ids that the server takes. */
const USER_ID = "[A-Za-z0-9][A-Za-z0-9_.@\\-]{0,63}";

export function signInView(state: SessionState, info: Info | null, actions: SessionActions): TemplateResult {
  return html`
    <main class="sign-in">
      <div class="sign-in-card">
        <p class="sign-in-mark">${icons.mark}</p>
        <h1>Todo chat</h1>
        <p>Tell the assistant what needs doing, or write it down yourself.</p>
        ${state.status === "signed-out" && state.problem !== null ? problemView(state.problem, null, []) : nothing}
        ${info?.dev_login === false ? noLogin() : form(state, actions)}
      </div>
    </main>
  `;
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

function noLogin(): TemplateResult {
  return html`<p>
    The development login is switched off here. Open this page with a session of your identity provider.
  </p>`;
}
