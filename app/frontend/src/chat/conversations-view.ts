import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Conversation } from "../api/types.ts";
import { ids } from "../app/ids.ts";
import { problemView } from "../problem-view.ts";
import type { ChatState } from "./state.ts";
import type { ChatHandlers } from "./view.ts";

const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

/** The list of earlier conversations, newest first. */
export function conversationsView(state: ChatState, { actions, dispatch }: ChatHandlers): TemplateResult {
  const { items, olderExist, problem } = state.conversations;
  return html`
    <nav
      class="panel conversations"
      id="conversations"
      tabindex="-1"
      aria-labelledby=${ids.conversationsHeading}
      data-open=${state.conversationsOpen}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === "Escape" && state.conversationsOpen) dispatch({ type: "chat/conversationsToggled" });
      }}
    >
      <header class="panel-header"><h2 id=${ids.conversationsHeading} tabindex="-1">Conversations</h2></header>
      ${
        problem === null
          ? nothing
          : problemView(problem, null, [{ label: "Load again", run: () => void actions.loadConversations() }])
      }
      ${items.length === 0 && problem === null ? html`<p class="empty">They are kept here, to go on with later.</p>` : nothing}
      <ul class="conversation-list">
        ${repeat(
          items,
          ({ id }) => id,
          (conversation) =>
            conversationItem(conversation, state.conversationId === conversation.id, () => {
              void actions.openConversation(conversation.id);
            }),
        )}
      </ul>
      ${
        olderExist
          ? html`<button type="button" class="button quiet" @click=${() => void actions.loadOlderConversations()}>
              Older conversations
            </button>`
          : nothing
      }
    </nav>
  `;
}

function conversationItem({ title, updated_at }: Conversation, current: boolean, open: () => void): TemplateResult {
  return html`
    <li>
      <button type="button" class="conversation" aria-current=${current ? "true" : nothing} @click=${open}>
        <span class="conversation-title">${title}</span>
        <time class="fine-print" datetime=${updated_at}>${day.format(new Date(updated_at))}</time>
      </button>
    </li>
  `;
}
