import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { ToolCall } from "../api/types.ts";
import { ids } from "../app/ids.ts";
import { icons } from "../icons.ts";
import { problemView } from "../problem-view.ts";
import type { ChatActions } from "./actions.ts";
import { type ChatEvent, type ChatState, type Entry, isBusy, type Turn } from "./state.ts";
import { toolCallSentence } from "./tools.ts";

/** Longest message that the server takes, in characters. */
const MESSAGE_LENGTH = 8000;

/** Phrases that every model understands, the scripted one included. */
const SUGGESTIONS = ["Add buy milk", "What's pending?", "Show all my tasks", "Hello"];

export interface ChatHandlers {
  actions: ChatActions;
  dispatch: (event: ChatEvent) => void;
}

export function chatView(state: ChatState, handlers: ChatHandlers): TemplateResult {
  return html`
    <section class="panel chat" aria-labelledby="chat-heading" tabindex="-1">
      <header class="panel-header">
        <button
          type="button"
          class="button icon-only quiet conversations-toggle"
          id=${ids.conversationsToggle}
          aria-label="Conversations"
          aria-expanded=${state.conversationsOpen}
          aria-controls="conversations"
          @click=${() => handlers.dispatch({ type: "chat/conversationsToggled" })}
        >
          ${icons.history}
        </button>
        <h2 id="chat-heading">Chat</h2>
        <button type="button" class="button quiet" @click=${handlers.actions.startConversation}>
          ${icons.add}<span>New conversation</span>
        </button>
      </header>
      <div class="chat-log" id="chat-log" role="region" aria-label="Messages" tabindex="0">${log(state, handlers)}</div>
      ${messageForm(state, handlers)}
    </section>
  `;
}

function log(state: ChatState, handlers: ChatHandlers): TemplateResult {
  if (state.history.status === "loading") return html`<p class="empty" aria-busy="true">Loading messages…</p>`;
  if (state.history.problem !== null) {
    const { conversationId } = state;
    const reload = {
      label: "Load again",
      run: () => conversationId !== null && void handlers.actions.openConversation(conversationId),
    };
    return problemView(state.history.problem, "The messages could not be loaded.", [reload]);
  }
  if (state.entries.length === 0 && state.turn === null) return welcome(handlers);
  return html`
    <ol class="messages">
      ${repeat(state.entries, (entry) => entry.key, entryView)}
      ${state.turn === null ? nothing : turnView(state.turn, handlers)}
    </ol>
  `;
}

function welcome({ actions }: ChatHandlers): TemplateResult {
  return html`
    <div class="empty welcome">
      ${icons.chat}
      <p class="empty-title">What needs doing?</p>
      <p>Say it in your own words. The task list follows along.</p>
      <ul class="suggestions" aria-label="Suggestions">
        ${SUGGESTIONS.map(
          (text) =>
            html`<li>
              <button type="button" class="button chip" @click=${() => void actions.send(text)}>${text}</button>
            </li>`,
        )}
      </ul>
    </div>
  `;
}

function entryView(entry: Entry): TemplateResult {
  return html`
    <li class="message" data-role=${entry.role}>
      ${author(entry.role)} ${toolCalls(entry.toolCalls)}
      <div class="bubble">${entry.text}</div>
    </li>
  `;
}

function turnView(turn: Turn, handlers: ChatHandlers): TemplateResult {
  const working = turn.status !== "failed";
  const silent = turn.answer === "" && turn.toolCalls.length === 0;
  return html`
    <li class="message" data-role="user">
      ${author("user")}
      <div class="bubble">${turn.message}</div>
    </li>
    ${
      silent && !working
        ? nothing
        : html`
            <li class="message" data-role="assistant" aria-busy=${working}>
              ${author("assistant")} ${toolCalls(turn.toolCalls)}
              ${turn.answer === "" ? nothing : html`<div class="bubble" data-streaming=${working}>${turn.answer}</div>`}
              ${silent ? html`<div class="bubble thinking"><span class="visually-hidden">Answering…</span><i></i><i></i><i></i></div>` : nothing}
            </li>
          `
    }
    ${turn.problem === null ? nothing : html`<li>${failedTurn(turn, handlers)}</li>`}
  `;
}

function failedTurn(turn: Turn, { actions, dispatch }: ChatHandlers): TemplateResult | typeof nothing {
  if (turn.problem === null) return nothing;
  const retry = { label: "Try again", run: () => void actions.retry() };
  const edit = { label: "Edit message", run: () => dispatch({ type: "chat/takenBack" }) };
  return problemView(turn.problem, null, turn.problem.retryable ? [retry, edit] : [edit]);
}

function author(role: Entry["role"]): TemplateResult {
  return html`<span class="author">${role === "user" ? "You" : "Assistant"}</span>`;
}

function toolCalls(calls: ToolCall[]): TemplateResult | typeof nothing {
  if (calls.length === 0) return nothing;
  return html`<ul class="tool-calls" aria-label="Actions">
    ${repeat(calls, ({ id }) => id, toolCallView)}
  </ul>`;
}

function toolCallView(call: ToolCall): TemplateResult {
  const status = call.outcome === null ? "working" : call.outcome.ok ? "done" : "failed";
  const picture = { working: icons.working, done: icons.check, failed: icons.cross }[status];
  return html`
    <li>
      <details class="tool-call" data-status=${status}>
        <summary>${picture}<span>${toolCallSentence(call)}</span></summary>
        <dl>
          <dt>Tool</dt>
          <dd><code>${call.name}</code></dd>
          <dt>Arguments</dt>
          <dd><code>${JSON.stringify(call.arguments)}</code></dd>
          ${
            call.outcome === null
              ? nothing
              : html`<dt>Result</dt>
                  <dd><code>${JSON.stringify(call.outcome.result)}</code></dd>`
          }
        </dl>
      </details>
    </li>
  `;
}

function messageForm(state: ChatState, { actions, dispatch }: ChatHandlers): TemplateResult {
  const busy = isBusy(state);
  const send = () => {
    const message = state.draft.trim();
    if (message !== "" && !busy) void actions.send(message);
  };
  return html`
    <form
      class="message-form"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="visually-hidden" for=${ids.message}>Message</label>
      <textarea
        id=${ids.message}
        rows="1"
        placeholder="Message the assistant"
        aria-describedby="message-hint"
        enterkeyhint="send"
        maxlength=${MESSAGE_LENGTH}
        .value=${live(state.draft)}
        @input=${(event: InputEvent) => dispatch({ type: "chat/drafted", text: (event.target as HTMLTextAreaElement).value })}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      ></textarea>
      <button type="submit" class="button icon-only primary" aria-label="Send message" aria-disabled=${busy}>
        ${icons.send}
      </button>
      <p id="message-hint" class="fine-print">Enter sends, Shift + Enter starts a new line.</p>
    </form>
  `;
}
