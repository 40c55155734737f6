/** What the deployer can fail with. Callers branch on class and `code`, never on text. */

/** The object that a failure is about. */
export interface Subject {
  apiVersion: string
  kind: string
  namespace?: string
  name: string
}

interface Details {
  object?: Subject
  /** What the person can do about it: an imperative sentence. */
  next?: string
  cause?: unknown
}

/** Base of everything that is not a bug. Exit code 1. */
export class DeployError extends Error {
  override readonly name: string = 'DeployError'
  readonly object: Subject | undefined
  readonly next: string | undefined

  constructor(message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.object = details.object
    this.next = details.next
  }
}

/** The input (flags, files, manifests) is wrong; nothing was changed. Exit code 3. */
export class BadInput extends DeployError {
  override readonly name: string = 'BadInput'
}

/** Another deployer holds the lock. Exit code 4. */
export class LockHeld extends DeployError {
  override readonly name: string = 'LockHeld'
}

/** This deployer lost the lock to another one and stopped. */
export class LockLost extends DeployError {
  override readonly name: string = 'LockLost'
}

/** Why the API server refused or could not answer. */
export type ClusterErrorCode =
  | 'unreachable' // no answer within the patience of the client
  | 'unauthorized' // credentials expired or wrong
  | 'forbidden' // RBAC, quota or admission said no
  | 'not-found' // no object of that name
  | 'exists' // an object of that name is there already
  | 'conflict' // another field manager, or a stale resourceVersion
  | 'invalid' // the object breaks its schema or a validation rule
  | 'unknown-kind' // the server has no such API
  | 'server' // 5xx and anything else

/** A failed API request. `verb` and `resource` are what RBAC would call them. */
export class ClusterError extends DeployError {
  override readonly name: string = 'ClusterError'
  readonly code: ClusterErrorCode
  readonly verb: string
  readonly resource: string
  /** Fields in dispute, for `conflict` of field managers and for `invalid`. */
  readonly fields: readonly FieldCause[]
  /** True when the same request may succeed later without any change. */
  readonly transient: boolean

  constructor(
    code: ClusterErrorCode,
    message: string,
    details: Details & { verb: string; resource: string; fields?: readonly FieldCause[]; transient?: boolean },
  ) {
    super(message, details)
    this.code = code
    this.verb = details.verb
    this.resource = details.resource
    this.fields = details.fields ?? []
    this.transient = details.transient ?? code === 'unreachable'
  }
}

/** One cause out of the server's Status: the field, and what is wrong or who owns it. */
export interface FieldCause {
  field: string
  message: string
  /** The field manager that owns the field, in conflicts. */
  manager?: string
}

/** The exit code that belongs to an error: 3 bad input, missing rights included, 4 lock held, 1 everything else. */
export function exitCodeOf(error: unknown): 1 | 3 | 4 {
  if (error instanceof LockHeld) return 4
  if (error instanceof ClusterError) return error.code === 'forbidden' || error.code === 'unauthorized' ? 3 : 1
  return error instanceof BadInput ? 3 : 1
}

/** One readable block: message, causes, next step. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const lines = [error.message]
  if (error instanceof ClusterError) {
    for (const { field, message, manager } of error.fields) {
      lines.push(manager === undefined ? `  ${field}: ${message}` : `  ${field}: owned by ${manager}`)
    }
  }
  if (error instanceof DeployError) {
    if (error.next !== undefined) lines.push(`Next: ${error.next}`)
  }
  return lines.join('\n')
}
