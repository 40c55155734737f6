import { html, nothing, type TemplateResult } from "lit-html";
import type { Problem } from "./api/problem.ts";
import { icons } from "./icons.ts";

export interface ProblemAction {
  label: string;
  run: () => void;
}

/** A failure and what can be done about it. Read out at once, as an alert, unless it is not `urgent`. */
export function problemView(
  problem: Problem,
  lead: string | null,
  actions: ProblemAction[],
  { urgent = true }: { urgent?: boolean } = {},
): TemplateResult {
  return html`
    <div class="problem" role=${urgent ? "alert" : "group"}>
      ${icons.warning}
      <div class="problem-text">
        <p>${lead === null ? nothing : html`<strong>${lead}</strong> `}${problem.message}</p>
        ${problem.requestId === null ? nothing : html`<p class="fine-print">Request ${problem.requestId}</p>`}
      </div>
      ${actions.length === 0 ? nothing : html`<div class="problem-actions">${actions.map(actionButton)}</div>`}
    </div>
  `;
}

function actionButton({ label, run }: ProblemAction): TemplateResult {
  return html`<button type="button" class="button quiet" @click=${run}>${label}</button>`;
}
