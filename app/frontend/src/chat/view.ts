import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { Problem } from "../api/problem.ts";
import type { ToolCall } from "../api/types.ts";
import { ids } from "../app/ids.ts";
import { icons } from "../icons.ts";
import { isComposing } from "../keyboard.ts";
import { problemView } from "../problem-view.ts";
import type { ChatActions } from "./actions.ts";
import { markdownView } from "./markdown.ts";
import { type ChatEvent, type ChatState, turnUnderWay } from "./state.ts";
import { toolCallSentence } from "./tools.ts";
import { isUnderWay, type Turn } from "./turns.ts";

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
  const { history, turns } = state;
  if (history.status === "ready" && turns.length === 0) return welcome(handlers);
  return html`
    ${history.status === "loading" ? html`<p class="empty" aria-busy="true">Loading messages…</p>` : nothing}
    ${history.problem === null ? nothing : notLoaded(state, history.problem, handlers)}
    ${turns.length === 0 ? nothing : turnList(state, handlers)}
  `;
}

function notLoaded({ conversationId }: ChatState, problem: Problem, { actions }: ChatHandlers): TemplateResult {
  const reload = {
    label: "Load again",
    run: () => conversationId !== null && void actions.openConversation(conversationId),
  };
  return problemView(problem, "The messages could not be loaded.", [reload]);
}

function turnList(state: ChatState, handlers: ChatHandlers): TemplateResult {
  const busy = turnUnderWay(state) !== undefined;
  const last = state.turns.at(-1);
  return html`<ol class="messages">
    ${repeat(
      state.turns,
      ({ key }) => key,
      (turn) => turnView(turn, { busy, urgent: turn === last }, handlers),
    )}
  </ol>`;
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

/** `busy`: another turn is under way. `urgent`: a failure is read out at once. */
function turnView(turn: Turn, place: { busy: boolean; urgent: boolean }, handlers: ChatHandlers): TemplateResult {
  return html`
    ${turn.message === null ? nothing : questionView(turn.message)} ${answerView(turn)}
    ${turn.problem === null ? nothing : html`<li>${turnProblem(turn, turn.problem, place, handlers)}</li>`}
  `;
}

function questionView(message: string): TemplateResult {
  return html`
    <li class="message" data-role="user">
      ${author("user")}
      <div class="bubble" dir="auto">${message}</div>
    </li>
  `;
}

function answerView(turn: Turn): TemplateResult | typeof nothing {
  const working = isUnderWay(turn);
  const silent = turn.answer === "" && turn.toolCalls.length === 0;
  if (silent && !working) return nothing;
  return html`
    <li class="message" data-role="assistant" aria-busy=${working}>
      ${author("assistant")} ${toolCalls(turn.toolCalls)}
      ${turn.answer === "" ? nothing : html`<div class="bubble formatted" data-streaming=${working}>${markdownView(turn.answer)}</div>`}
      ${silent ? html`<div class="bubble thinking"><span class="visually-hidden">Answering…</span><i></i><i></i><i></i></div>` : nothing}
    </li>
  `;
}

function turnProblem(
  turn: Turn,
  problem: Problem,
  { busy, urgent }: { busy: boolean; urgent: boolean },
  { actions, dispatch }: ChatHandlers,
): TemplateResult {
  if (turn.status !== "failed") return problemView(problem, "The answer could not be stopped.", []);
  const retry = { label: "Try again", run: () => void actions.retry(turn.key) };
  const edit = { label: "Edit message", run: () => dispatch({ type: "chat/takenBack", key: turn.key }) };
  return problemView(problem, null, problem.retryable && !busy ? [retry, edit] : [edit], { urgent });
}

function author(role: "user" | "assistant"): TemplateResult {
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
  const turn = turnUnderWay(state);
  const busy = turn !== undefined;
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
        dir="auto"
        placeholder="Message the assistant"
        aria-describedby="message-hint"
        enterkeyhint="send"
        maxlength=${MESSAGE_LENGTH}
        .value=${live(state.draft)}
        @input=${(event: InputEvent) => dispatch({ type: "chat/drafted", text: (event.target as HTMLTextAreaElement).value })}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
          event.preventDefault();
          send();
        }}
      ></textarea>
      ${turn === undefined || turn.status === "sending" ? nothing : stopButton(turn, actions)}
      <button type="submit" class="button icon-only primary" aria-label="Send message" aria-disabled=${busy}>
        ${icons.send}
      </button>
      <p id="message-hint" class="fine-print">Enter sends, Shift + Enter starts a new line.</p>
    </form>
  `;
}

/** Offered once the server has the message, for only then it can be told to stop. */
function stopButton({ status }: Turn, actions: ChatActions): TemplateResult {
  const stopping = status === "stopping";
  return html`<button
    type="button"
    class="button icon-only"
    aria-label=${stopping ? "Stopping…" : "Stop answering"}
    title=${stopping ? "Stopping…" : "Stop answering"}
    aria-disabled=${stopping}
    @click=${() => void actions.stop()}
  >
    ${icons.stop}
  </button>`;
}
