/** What the client library throws → errors of the deployer. `ApiException` never leaves the room. */
import { ApiException } from '@kubernetes/client-node'
import { formatDuration } from '../_duration.ts'
import { ClusterError, type FieldCause } from '../errors.ts'
import { type ObjectRef, nameOf } from '../release/objects.ts'

/** One request may take so long, in ms. */
export const REQUEST_TIMEOUT = 15_000

/** A request as its errors name it. */
export interface Asked {
  verb: string
  /** What RBAC calls it, or the kind while the server has not been asked. */
  resource: string
  ref?: ObjectRef
}

interface Status {
  message?: string
  reason?: string
  details?: { causes?: { reason?: string; message?: string; field?: string }[] }
}

const TLS = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO)/

export function translate(error: unknown, request: Asked, server: string): unknown {
  const { verb, resource, ref } = request
  const what = `${verb} ${ref === undefined ? resource : nameOf(ref)}`
  const details = { verb, resource, cause: error, ...(ref === undefined ? {} : { object: ref }) }
  if (error instanceof ApiException) return fromStatus(error as ApiException<string>, what, details)
  if (!(error instanceof Error)) return error
  if (error.message.startsWith('Unrecognized API version and kind')) {
    return new ClusterError('unknown-kind', `${what}: the server has no kind ${ref?.kind ?? resource}`, { ...details, next: 'install what provides this kind, or remove the object' })
  }
  const network = networkCode(error)
  if (network === undefined) return error
  if (TLS.test(network)) {
    return new ClusterError('unauthorized', `${server}: TLS fails (${network})`, { ...details, next: 'the kubeconfig belongs to another cluster, or is expired' })
  }
  return new ClusterError('unreachable', `the API server ${server} does not answer (${network})`, details)
}

/** The code of the network failure at the bottom of an error of `fetch`, or `undefined` for other errors. */
function networkCode(error: Error): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError') return `no answer in ${formatDuration(REQUEST_TIMEOUT)}`
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code === 'string') return code
    if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return networkCode(cause.errors[0])
  }
  return undefined
}

function fromStatus(
  exception: ApiException<string>,
  what: string,
  details: ConstructorParameters<typeof ClusterError>[2],
): ClusterError {
  const status = parseStatus(exception.body)
  const message = status.message ?? `HTTP ${exception.code}`
  const causes = status.details?.causes ?? []
  switch (exception.code) {
    case 401:
      return new ClusterError('unauthorized', `${what}: the API server rejects the credentials`, details)
    case 403: {
      const denied = /cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?/.exec(message)
      if (denied === null) return new ClusterError('forbidden', `${what}: ${message}`, details)
      const [, verb = '', plural = '', group = ''] = denied
      const resource = group === '' ? plural : `${plural}.${group}`
      return new ClusterError('forbidden', `${what}: not allowed to ${verb} ${resource}`, { ...details, verb, resource, next: `grant the verb ${verb} on ${resource} to the user of the kubeconfig` })
    }
    case 404:
      return new ClusterError('not-found', `${what}: ${message}`, details)
    case 409: {
      if (status.reason === 'AlreadyExists') return new ClusterError('exists', `${what}: ${message}`, details)
      const fields = causes.filter(({ reason }) => reason === 'FieldManagerConflict').map(conflictCause)
      return new ClusterError('conflict', fields.length > 0 ? `${what}: fields are owned by another manager` : `${what}: ${message}`, { ...details, fields })
    }
    case 400:
    case 422: {
      const fields = causes.map(({ field = '', message = '' }) => ({ field, message }))
      return new ClusterError('invalid', `${what}: ${message}`, { ...details, fields })
    }
    case 500: {
      const fields = untypedFields(message)
      if (fields.length > 0) return new ClusterError('invalid', `${what}: ${fields.length === 1 ? 'a field does' : 'fields do'} not fit the schema`, { ...details, fields })
      return new ClusterError('server', `${what}: HTTP 500: ${message}`, { ...details, transient: true })
    }
    default:
      return new ClusterError('server', `${what}: HTTP ${exception.code}: ${message}`, { ...details, transient: [429, 502, 503, 504].includes(exception.code) })
  }
}

/** Fields that server-side apply does not know, and entries of a list with the same key, come as HTTP 500, with all of them in the message. */
function untypedFields(message: string): FieldCause[] {
  if (!message.startsWith('failed to create typed patch object')) return []
  return [...message.matchAll(/(?:^|\s)\.(\S+): (field not declared in schema|.*expected .*|duplicate entries for key .*)$/gm)].map(([, field = '', text = '']) => ({ field, message: text }))
}

/** A WebSocket that was refused says only the HTTP status: `Unexpected server response: 403`. */
export function fromSocket(cause: unknown, object: ObjectRef, resource: 'pods/exec' | 'pods/portforward'): ClusterError {
  const message = (cause as { message?: string }).message ?? 'the connection was refused'
  const details = { verb: 'create', resource, object, cause }
  if (/\b403\b/.test(message)) {
    return new ClusterError('forbidden', `${nameOf(object)}: not allowed to create ${resource}`, { ...details, next: `grant the verbs get and create on ${resource} to the user of the kubeconfig` })
  }
  return new ClusterError(/\b404\b/.test(message) ? 'not-found' : 'server', `${nameOf(object)}: ${resource}: ${message}`, details)
}

function conflictCause({ message = '', field = '' }: { message?: string; field?: string }): FieldCause {
  return { field, message, manager: /conflict with "([^"]+)"/.exec(message)?.[1] ?? message }
}

function parseStatus(body: string): Status {
  try {
    return JSON.parse(body) as Status
  } catch {
    return { message: body.slice(0, 300) }
  }
}
