import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { Conversation } from "../api/types.ts";
import { ids } from "../app/ids.ts";
import { confirmationView } from "../confirmation-view.ts";
import { fieldText, submittedForm } from "../form.ts";
import { icons } from "../icons.ts";
import { isComposing } from "../keyboard.ts";
import { problemView } from "../problem-view.ts";
import type { ChatState } from "./state.ts";
import type { ChatHandlers } from "./view.ts";

/** Longest name and longest search that the server takes, in characters. */
const TITLE_LENGTH = 80;
const SEARCH_LENGTH = 200;

const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

/** The list of earlier conversations, newest first. */
export function conversationsView(state: ChatState, { actions, dispatch }: ChatHandlers): TemplateResult {
  const { items, olderExist, problem, query, known } = state.conversations;
  return html`
    <nav
      class="panel conversations"
      id="conversations"
      tabindex="-1"
      aria-labelledby=${ids.conversationsHeading}
      data-open=${state.conversationsOpen}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key !== "Escape" || isComposing(event)) return;
        if (state.conversations.open !== null) dispatch({ type: "chat/conversationClosed" });
        else if (state.conversationsOpen) dispatch({ type: "chat/conversationsToggled" });
      }}
    >
      <header class="panel-header"><h2 id=${ids.conversationsHeading} tabindex="-1">Conversations</h2></header>
      ${
        problem === null
          ? nothing
          : problemView(problem, null, [{ label: "Load again", run: () => void actions.loadConversations() }])
      }
      <label class="visually-hidden" for=${ids.conversationSearch}>Search conversations</label>
      <input
        id=${ids.conversationSearch}
        class="conversation-search"
        type="search"
        placeholder="Search"
        autocomplete="off"
        maxlength=${SEARCH_LENGTH}
        .value=${live(query)}
        @input=${(event: InputEvent) => void actions.searchConversations((event.target as HTMLInputElement).value)}
      />
      ${items.length === 0 && problem === null ? emptyList(query, known) : nothing}
      <ul class="conversation-list">
        ${repeat(
          items,
          ({ id }) => id,
          (conversation) => html`<li>${itemView(conversation, state, { actions, dispatch })}</li>`,
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

function emptyList(query: string, known: boolean): TemplateResult | typeof nothing {
  if (query === "") return html`<p class="empty">They are kept here, to go on with later.</p>`;
  return known ? html`<p class="empty" role="status">No conversation has “${query}” in it.</p>` : nothing;
}

function itemView(conversation: Conversation, state: ChatState, handlers: ChatHandlers): TemplateResult {
  const { open } = state.conversations;
  if (open?.id !== conversation.id) return plainItem(conversation, state.conversationId === conversation.id, handlers);
  return open.as === "rename" ? renameForm(conversation, handlers) : deleteQuestion(conversation, handlers);
}

function plainItem(
  { id, title, updated_at }: Conversation,
  current: boolean,
  { actions, dispatch }: ChatHandlers,
): TemplateResult {
  return html`
    <div class="conversation-item">
      <button
        type="button"
        class="conversation"
        aria-current=${current ? "true" : nothing}
        @click=${() => void actions.openConversation(id)}
      >
        <span class="conversation-title" dir="auto">${title}</span>
        <time class="fine-print" datetime=${updated_at}>${day.format(new Date(updated_at))}</time>
      </button>
      <div class="conversation-actions">
        <button
          type="button"
          class="button icon-only quiet"
          id=${ids.conversationRename(id)}
          aria-label=${`Rename ${title}`}
          @click=${() => dispatch({ type: "chat/conversationOpenedFor", id, as: "rename" })}
        >
          ${icons.edit}
        </button>
        <button
          type="button"
          class="button icon-only quiet danger"
          id=${ids.conversationDelete(id)}
          aria-label=${`Delete ${title}`}
          @click=${() => dispatch({ type: "chat/conversationOpenedFor", id, as: "confirm-delete" })}
        >
          ${icons.remove}
        </button>
      </div>
    </div>
  `;
}

function renameForm({ id, title }: Conversation, { actions, dispatch }: ChatHandlers): TemplateResult {
  return html`
    <form
      class="conversation-edit"
      @submit=${(event: SubmitEvent) => {
        const wanted = fieldText(submittedForm(event), "title");
        if (wanted !== "") void actions.renameConversation(id, wanted);
      }}
    >
      <label for=${ids.conversationTitle(id)}>Name of the conversation</label>
      <input
        id=${ids.conversationTitle(id)}
        name="title"
        type="text"
        dir="auto"
        required
        maxlength=${TITLE_LENGTH}
        autocomplete="off"
        value=${title}
      />
      <div class="form-actions">
        <button type="submit" class="button primary">Save</button>
        <button type="button" class="button quiet" @click=${() => dispatch({ type: "chat/conversationClosed" })}>
          Cancel
        </button>
      </div>
    </form>
  `;
}

function deleteQuestion({ id, title }: Conversation, { actions, dispatch }: ChatHandlers): TemplateResult {
  const questionId = `conversation-${id}-question`;
  return html`
    <div class="conversation-edit" role="group" aria-labelledby=${questionId}>
      ${confirmationView({
        questionId,
        question: `Delete “${title}” for good? The tasks stay.`,
        remove: () => void actions.deleteConversation(id),
        keepId: ids.conversationKeep(id),
        keep: () => dispatch({ type: "chat/conversationClosed" }),
      })}
    </div>
  `;
}
