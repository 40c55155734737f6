/** The form of a submit event; the page itself is not left. */
export function submittedForm(event: SubmitEvent): HTMLFormElement {
  event.preventDefault();
  return event.currentTarget as HTMLFormElement;
}

/** The text of a form's field, trimmed; empty when there is no such field. */
export function fieldText(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value.trim() : "";
}
