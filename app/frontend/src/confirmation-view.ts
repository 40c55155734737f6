import { html, type TemplateResult } from "lit-html";

/** A deletion that is asked about, and what the two answers do. */
export interface Confirmation {
  /** Of the sentence, so that the group around it can be named by it. */
  questionId: string;
  question: string;
  remove: () => void;
  /** Of the button that has the focus first. */
  keepId: string;
  keep: () => void;
}

/** The sentence and its two answers; the group around them is the caller's. */
export function confirmationView({ questionId, question, remove, keepId, keep }: Confirmation): TemplateResult {
  return html`
    <p id=${questionId}>${question}</p>
    <div class="form-actions">
      <button type="button" class="button danger" @click=${remove}>Delete</button>
      <button type="button" class="button quiet" id=${keepId} @click=${keep}>Keep</button>
    </div>
  `;
}
