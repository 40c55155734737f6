/** Errors of the engine as a person reads them. Pure. */

const NEXT: readonly { said: RegExp; next: string }[] = [
  {
    // https://docs.dagger.io/configuration/engine: security.insecureRootCapabilities
    said: /security\.insecure is not allowed/,
    next: 'this engine refuses privileged containers, and a Kubernetes node is one: allow them in its configuration (security.insecureRootCapabilities; the embedded engine: without TODO_CHAT_PRIVILEGED=no), or leave conformance out of ci by name: --skip=conformance',
  },
  {
    said: /no space left on device/i,
    next: 'a file system is full: that of the engine (embedded: TODO_CHAT_CACHE_DIR, or todo-chat in the user\'s cache folder), or the one that the message names. Free some space there, or remove the engine\'s caches with npm run engine -- clean; checks that passed are not run again unless the caches go',
  },
]

/** @returns the message, and a line with the next step where one is known */
export function explained(message: string): string {
  const known = NEXT.find(({ said }) => said.test(message))
  return known === undefined || message.includes(known.next) ? message : `${message}\nnext: ${known.next}`
}

/** @returns the message of an exception, with what a failed command printed */
export function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const { stdout, stderr } = cause as Error & { stdout?: string; stderr?: string }
  return [cause.message, stdout, stderr].filter((part) => part !== undefined && part.trim() !== '').join('\n')
}
