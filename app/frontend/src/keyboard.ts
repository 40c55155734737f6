/** What Safari calls a key that an input method takes, also just after it has ended. */
const PROCESSED_BY_INPUT_METHOD = 229;

/** Whether the key belongs to an input method (IME), as the Enter that picks a word. */
export function isComposing(event: KeyboardEvent): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other sign of it in Safari
  return event.isComposing || event.keyCode === PROCESSED_BY_INPUT_METHOD;
}
