import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { TaskId } from "../api/types.ts";
import { ids } from "../app/ids.ts";
import { confirmationView } from "../confirmation-view.ts";
import { fieldText, submittedForm } from "../form.ts";
import { icons } from "../icons.ts";
import { isComposing } from "../keyboard.ts";
import { problemView } from "../problem-view.ts";
import type { TasksActions } from "./actions.ts";
import {
  counts,
  FILTERS,
  type Filter,
  type Operation,
  type Row,
  type TasksEvent,
  type TasksState,
  visibleRows,
} from "./state.ts";

/** Longest title and description that the server takes, in characters. */
const TITLE_LENGTH = 200;
const DESCRIPTION_LENGTH = 2000;

export interface TasksHandlers {
  actions: TasksActions;
  dispatch: (event: TasksEvent) => void;
}

const FILTER_LABELS: Record<Filter, string> = { all: "All", pending: "Pending", completed: "Completed" };

const EMPTY: Record<Filter, { title: string; hint: string }> = {
  all: { title: "No tasks yet", hint: "Add one above, or tell the assistant: “add buy milk”." },
  pending: { title: "Nothing pending", hint: "Every task is completed." },
  completed: { title: "Nothing completed yet", hint: "Tick a task to see it here." },
};

export function tasksView(state: TasksState, handlers: TasksHandlers): TemplateResult {
  return html`
    <section class="panel tasks" aria-labelledby="tasks-heading" tabindex="-1">
      <header class="panel-header">
        <h2 id="tasks-heading">Tasks</h2>
        ${progress(state)}
      </header>
      ${newTaskForm(handlers)} ${filterBar(state, handlers)} ${failures(state, handlers)} ${undo(state, handlers)}
      ${list(state, handlers)} ${trash(state, handlers)}
    </section>
  `;
}

function progress(state: TasksState): TemplateResult | typeof nothing {
  const { all, completed } = counts(state);
  if (all === 0) return nothing;
  return html`
    <div class="progress">
      <span id="progress-label">${completed} of ${all} done</span>
      <progress aria-labelledby="progress-label" max=${all} .value=${completed}></progress>
    </div>
  `;
}

function newTaskForm({ actions }: TasksHandlers): TemplateResult {
  return html`
    <form
      class="new-task"
      @submit=${(event: SubmitEvent) => {
        const form = submittedForm(event);
        const title = fieldText(form, "title");
        if (title === "") return;
        form.reset();
        void actions.add({ title, description: "" });
      }}
    >
      <label class="visually-hidden" for=${ids.newTask}>New task</label>
      <input
        id=${ids.newTask}
        name="title"
        type="text"
        dir="auto"
        placeholder="Add a task"
        autocomplete="off"
        enterkeyhint="done"
        required
        maxlength=${TITLE_LENGTH}
      />
      <button type="submit" class="button icon-only primary" aria-label="Add task">${icons.add}</button>
    </form>
  `;
}

function filterBar(state: TasksState, { dispatch }: TasksHandlers): TemplateResult {
  const count = counts(state);
  return html`
    <fieldset class="filters">
      <legend class="visually-hidden">Show tasks</legend>
      ${FILTERS.map(
        (filter) => html`
          <label class="filter">
            <input
              type="radio"
              name="filter"
              value=${filter}
              .checked=${live(state.filter === filter)}
              @change=${() => dispatch({ type: "tasks/filterChosen", filter })}
            />
            <span>${FILTER_LABELS[filter]} <span class="count">${count[filter]}</span></span>
          </label>
        `,
      )}
    </fieldset>
  `;
}

function failures(state: TasksState, { actions, dispatch }: TasksHandlers): TemplateResult[] {
  const views: TemplateResult[] = [];
  if (state.failed !== null) {
    const { operation, problem } = state.failed;
    const dismiss = { label: "Dismiss", run: () => dispatch({ type: "tasks/problemDismissed" }) };
    const retry = { label: "Try again", run: () => void actions.retry(operation) };
    views.push(
      problemView(problem, `${failureLead(state, operation)}.`, problem.retryable ? [retry, dismiss] : [dismiss]),
    );
  }
  if (state.load.problem !== null) {
    const reload = { label: "Load again", run: () => void actions.load() };
    views.push(problemView(state.load.problem, "The tasks could not be loaded.", [reload]));
  }
  return views;
}

function failureLead(state: TasksState, operation: Operation): string {
  if (operation.kind === "create") return `“${operation.draft.title}” was not added`;
  if (operation.kind === "restore") return `“${operation.title}” was not restored`;
  const title = state.confirmed.find(({ id }) => id === operation.id)?.title;
  const name = title === undefined ? "The task" : `“${title}”`;
  return operation.kind === "delete" ? `${name} was not deleted` : `${name} was not changed`;
}

function undo(state: TasksState, { actions, dispatch }: TasksHandlers): TemplateResult | typeof nothing {
  const { deleted } = state;
  if (deleted === null) return nothing;
  return html`
    <div class="undo" role="group" aria-label="Last deletion">
      <p>“${deleted.title}” was moved to the trash.</p>
      <button type="button" class="button quiet" @click=${() => void actions.restore(deleted)}>Undo</button>
      <button
        type="button"
        class="button icon-only quiet"
        aria-label="Hide"
        @click=${() => dispatch({ type: "tasks/undoDismissed" })}
      >
        ${icons.cross}
      </button>
    </div>
  `;
}

function trash(state: TasksState, { actions }: TasksHandlers): TemplateResult {
  const { open } = state.trash;
  return html`
    <div class="trash">
      <button
        type="button"
        class="button quiet"
        id=${ids.trash}
        aria-expanded=${open}
        aria-controls="trash-content"
        @click=${() => void actions.showTrash(!open)}
      >
        Trash
      </button>
      <div id="trash-content">${open ? trashContent(state, actions) : nothing}</div>
    </div>
  `;
}

function trashContent({ trash: { tasks, problem } }: TasksState, actions: TasksActions): TemplateResult {
  if (problem !== null) {
    const reload = { label: "Load again", run: () => void actions.showTrash(true) };
    return problemView(problem, "The trash could not be loaded.", [reload]);
  }
  if (tasks === null) return html`<p aria-busy="true">Loading the trash…</p>`;
  if (tasks.length === 0) return html`<p>Nothing was deleted in the last 30 days.</p>`;
  return html`
    <p class="fine-print">Kept for 30 days.</p>
    <ul aria-label="Deleted tasks">
      ${repeat(
        tasks.toReversed(),
        ({ id }) => id,
        (task) =>
          html`<li>
            <span dir="auto">${task.title}</span>
            <button
              type="button"
              class="button quiet"
              aria-label=${`Restore ${task.title}`}
              @click=${() => void actions.restore(task)}
            >
              Restore
            </button>
          </li>`,
      )}
    </ul>
  `;
}

function list(state: TasksState, handlers: TasksHandlers): TemplateResult | typeof nothing {
  const rows = visibleRows(state);
  if (rows.length === 0 && !state.known) {
    return state.load.problem === null ? html`<p class="empty" aria-busy="true">Loading tasks…</p>` : nothing;
  }
  if (rows.length === 0) {
    const { title, hint } = EMPTY[state.filter];
    return html`<div class="empty">
      ${icons.tasks}
      <p class="empty-title">${title}</p>
      <p>${hint}</p>
    </div>`;
  }
  return html`
    <ul class="task-list" aria-label=${`${FILTER_LABELS[state.filter]} tasks`}>
      ${repeat(
        rows,
        (row) => row.key,
        (row) =>
          html`<li class="task" data-completed=${row.completed} aria-busy=${row.saving}>
            ${rowView(row, state, handlers)}
          </li>`,
      )}
    </ul>
  `;
}

function rowView(row: Row, state: TasksState, handlers: TasksHandlers): TemplateResult {
  const { id } = row;
  if (id === null)
    return html`<span class="task-tick" aria-hidden="true"></span>
      <div class="task-body"><p class="task-title" dir="auto">${row.title}</p></div>`;
  if (state.open?.id !== id) return plainRow(row, id, handlers);
  return state.open.as === "edit" ? editForm(row, id, handlers) : deleteQuestion(row, id, handlers);
}

function plainRow(row: Row, id: TaskId, { actions, dispatch }: TasksHandlers): TemplateResult {
  return html`
    <input
      class="task-tick"
      type="checkbox"
      id=${ids.taskToggle(id)}
      .checked=${live(row.completed)}
      @change=${() => void actions.change(id, { completed: !row.completed })}
    />
    <div class="task-body">
      <label class="task-title" dir="auto" for=${ids.taskToggle(id)}>${row.title}</label>
      ${row.description === "" ? nothing : html`<p class="task-description" dir="auto">${row.description}</p>`}
    </div>
    <div class="task-end">
      <span class="task-number" aria-hidden="true">#${id}</span>
      <div class="task-actions">
        <button
          type="button"
          class="button icon-only quiet"
          id=${ids.taskEdit(id)}
          aria-label=${`Edit ${row.title}`}
          @click=${() => dispatch({ type: "tasks/opened", id, as: "edit" })}
        >
          ${icons.edit}
        </button>
        <button
          type="button"
          class="button icon-only quiet danger"
          id=${ids.taskDelete(id)}
          aria-label=${`Delete ${row.title}`}
          @click=${() => dispatch({ type: "tasks/opened", id, as: "confirm-delete" })}
        >
          ${icons.remove}
        </button>
      </div>
    </div>
  `;
}

function editForm(row: Row, id: TaskId, { actions, dispatch }: TasksHandlers): TemplateResult {
  const titleId = ids.taskTitle(id);
  return html`
    <form
      class="task-edit"
      aria-label=${`Edit ${row.title}`}
      @submit=${(event: SubmitEvent) => {
        const form = submittedForm(event);
        const title = fieldText(form, "title");
        if (title !== "") void actions.change(id, { title, description: fieldText(form, "description") });
      }}
      @keydown=${(event: KeyboardEvent) => closeOnEscape(event, dispatch)}
    >
      <label for=${titleId}>Title</label>
      <input
        id=${titleId}
        name="title"
        type="text"
        dir="auto"
        required
        maxlength=${TITLE_LENGTH}
        autocomplete="off"
        value=${row.title}
      />
      <label for=${`${titleId}-description`}>Description</label>
      <textarea
        id=${`${titleId}-description`}
        name="description"
        dir="auto"
        rows="2"
        maxlength=${DESCRIPTION_LENGTH}
        .defaultValue=${row.description}
      ></textarea>
      <div class="form-actions">
        <button type="submit" class="button primary">Save</button>
        <button type="button" class="button quiet" @click=${() => dispatch({ type: "tasks/closed" })}>Cancel</button>
      </div>
    </form>
  `;
}

function deleteQuestion(row: Row, id: TaskId, { actions, dispatch }: TasksHandlers): TemplateResult {
  const questionId = `task-${id}-question`;
  return html`
    <div
      class="task-question"
      role="group"
      aria-labelledby=${questionId}
      @keydown=${(event: KeyboardEvent) => closeOnEscape(event, dispatch)}
    >
      ${confirmationView({
        questionId,
        question: `Delete “${row.title}”?`,
        remove: () => void actions.remove(id),
        keepId: ids.taskKeep(id),
        keep: () => dispatch({ type: "tasks/closed" }),
      })}
    </div>
  `;
}

function closeOnEscape(event: KeyboardEvent, dispatch: TasksHandlers["dispatch"]): void {
  if (event.key === "Escape" && !isComposing(event)) dispatch({ type: "tasks/closed" });
}
