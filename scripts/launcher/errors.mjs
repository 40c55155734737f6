/** What a person can mend: shown as its message, without a stack. */
export class LauncherError extends Error {
  /** @param {string} message what failed, where, and what to do next @param {number} [exitCode] 3 bad input, else 1 */
  constructor(message, exitCode = 1) {
    super(message);
    this.name = "LauncherError";
    this.exitCode = exitCode;
  }
}
