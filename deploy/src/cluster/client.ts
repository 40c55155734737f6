/** The Kubernetes API as the deployer uses it, and the adapter of the client library. `ApiException` never leaves this file. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import {
  ApiException,
  HttpMethod,
  KubeConfig,
  KubernetesObjectApi,
  type RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node'
import pRetry from 'p-retry'
import { type Dispatcher, Pool } from 'undici'
import { stringify } from 'yaml'
import { formatDuration } from '../_duration.ts'
import { type ExecResult, execInPod } from './_exec.ts'
import { forwardPort } from './_forward.ts'
import { BadInput, ClusterError, type FieldCause } from '../errors.ts'
import { type HttpTarget, exchange } from './http.ts'
import { MANAGER } from '../release/identity.ts'
import { type Kind, type KubeObject, type ObjectRef, nameOf, refOf } from '../release/objects.ts'

export interface ApplyOptions {
  /** Ask the server what would happen, change nothing. */
  dryRun?: boolean
  /** Take over fields that other managers own. */
  force?: boolean
}

export interface RemoveOptions {
  uid?: string
  resourceVersion?: string
  foreground?: boolean
}

export interface LogOptions {
  /** Of the container's run before the last restart. */
  previous?: boolean
  /** Lines from the end. @default all of them */
  tailLines?: number
}

/** Every method throws {@link ClusterError}, after a bounded time. */
export interface Cluster {
  /** Address of the API server, for messages. */
  readonly server: string
  /** Namespace of the kubeconfig's context, when it names one. */
  readonly home?: string
  /** Kubernetes version of the server, `v1.36.1`. */
  version(): Promise<string>
  /** The object, or `undefined` when it does not exist. */
  get(ref: ObjectRef): Promise<KubeObject | undefined>
  /** Objects of one kind; in all namespaces when none is given. An API that the server lacks gives an empty list. */
  list(kind: Kind, namespace?: string): Promise<KubeObject[]>
  /** Server-side apply as {@link MANAGER}. Unknown fields are errors. */
  apply(object: KubeObject, options?: ApplyOptions): Promise<KubeObject>
  /** Creates; `exists` when the name is taken. */
  create(object: KubeObject): Promise<KubeObject>
  /** Replaces the whole object; `conflict` when its `resourceVersion` is not the newest. */
  replace(object: KubeObject): Promise<KubeObject>
  /**
   * Deletes and returns at once; an absent object is no error. With `uid` only that very object, with `resourceVersion` only as it was
   * read; otherwise `conflict`.
   * Dependents go in the background, or before the object itself with `foreground`.
   */
  remove(ref: ObjectRef, options?: RemoveOptions): Promise<void>
  /** A container's log, or `undefined` when there is none. */
  logs(namespace: string, pod: string, container: string, options: LogOptions): Promise<string | undefined>
  /** One pod through a forwarded port; every route answers. */
  pod(namespace: string, name: string, port: number): Promise<HttpTarget>
  /** The same cluster, whose requests and their repetitions end with the signal: a write of a deployer that lost its lock must not land later. */
  until(signal: AbortSignal): Cluster
  /** Runs a command in a container to its end; `stdout` is ended then. */
  exec(pod: { namespace: string; name: string; container: string }, command: readonly string[], stdout: Writable, stdin?: Readable): Promise<ExecResult>
}

export interface ConnectOptions {
  /** Path of the kubeconfig. */
  kubeconfig: string
  /** Context to use instead of the current one. */
  context?: string
  /** Where the server is reached instead of the kubeconfig's address; the path of that address stays. */
  server?: URL
  /** How long a request is repeated while the server cannot be reached, in ms. @default 90_000 */
  patienceMs?: number
  /** Called when the server stops answering, and again on each further try. */
  onTrouble?: (message: string) => void
}

/** One request may take so long, in ms. */
const REQUEST_TIMEOUT = 15_000
/** First contact: a wrong address should be told soon. In ms. */
const FIRST_PATIENCE = 8_000
const PATIENCE = 90_000
const PAGE = 500

/**
 * Connects, and proves it with one request.
 * @throws BadInput when the kubeconfig cannot be used: unreadable, malformed, expired, rejected by the server, server unreachable
 */
export async function connect(options: ConnectOptions): Promise<Cluster> {
  const config = loadKubeconfig(options.kubeconfig, options.context, options.server)
  const cluster = new ApiCluster(config, options)
  try {
    await cluster.version(FIRST_PATIENCE)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    const next = {
      unauthorized: 'get a fresh kubeconfig: its credentials are expired or belong to another cluster',
      unreachable: 'check the server address in the kubeconfig, and that the cluster runs',
    }[error.code as string]
    throw new BadInput(`kubeconfig ${options.kubeconfig}: ${error.message}`, { cause: error, next: next ?? 'check the kubeconfig' })
  }
  return cluster
}

/**
 * Reads and checks a kubeconfig.
 * @throws BadInput that names the file and what is wrong with it
 */
export function loadKubeconfig(path: string, context?: string, server?: URL): KubeConfig {
  const bad = (what: string, next: string, cause?: unknown): BadInput => new BadInput(`kubeconfig ${path}: ${what}`, { next, cause })
  const config = new PooledConfig()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw bad(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`, 'give the path of an existing file with --kubeconfig', cause)
  }
  if (text.trim() === '') throw bad('is empty', 'give a kubeconfig; in a pipeline: the secret that holds it is not set')
  if (isBase64Kubeconfig(text)) throw bad('is base64 text', 'decode it first: base64 -d')
  try {
    config.loadFromFile(path)
  } catch (cause) {
    throw bad(`is malformed: ${(cause as Error).message.split('\n')[0]}`, 'the file must be a kubeconfig with clusters, users and contexts', cause)
  }
  if (context !== undefined) config.setCurrentContext(context)
  const names = config.getContexts().map(({ name }) => name)
  if (config.getContextObject(config.getCurrentContext()) === null) {
    throw bad(`has no context ${config.getCurrentContext() || '(none set)'}`, `choose one of its contexts with --context: ${names.join(', ') || 'it has none'}`)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster?.server) throw bad(`context ${config.getCurrentContext()} names a cluster without a server`, 'add the cluster to the file')
  if (server !== undefined) config.clusters = config.clusters.map((entry) => (entry.name === cluster.name ? { ...entry, server: withOrigin(entry.server, server) } : entry))
  const user = config.getCurrentUser()
  if (user === null) throw bad(`context ${config.getCurrentContext()} names a user that is not in the file`, 'add the user to the file')
  if (user.certData) {
    const certificate = parseCertificate(user.certData, bad)
    if (Date.parse(certificate.validTo) < Date.now()) throw bad(`its client certificate expired on ${certificate.validTo}`, 'get a fresh kubeconfig')
  }
  return config
}

/** A kubeconfig of the same cluster for the holder of a token, whose commands are about one namespace. */
export function kubeconfigFor(config: KubeConfig, user: string, token: string, namespace: string): string {
  const { name, server, caData, caFile, skipTLSVerify } = config.getCurrentCluster() ?? { name: '', server: '', skipTLSVerify: false }
  const authorities = caData ?? (caFile === undefined ? undefined : readFileSync(caFile).toString('base64'))
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...(authorities === undefined ? {} : { 'certificate-authority-data': authorities }), ...(skipTLSVerify ? { 'insecure-skip-tls-verify': true } : {}) } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: namespace, context: { cluster: name, user, namespace } }],
    'current-context': namespace,
  })
}

/** Pipelines often keep a kubeconfig so. */
function isBase64Kubeconfig(text: string): boolean {
  return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) && /^(apiVersion|kind|clusters|contexts|users|current-context|\{)/m.test(Buffer.from(text, 'base64').toString())
}

/** The address with another scheme, host and port; proxies of several clusters tell them apart by the path. */
function withOrigin(address: string, { origin }: URL): string {
  const { pathname } = new URL(address)
  return origin + (pathname === '/' ? '' : pathname)
}

function parseCertificate(data: string, bad: (what: string, next: string, cause?: unknown) => BadInput): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(data, 'base64'))
  } catch (cause) {
    throw bad('its client certificate is malformed', 'get a fresh kubeconfig', cause)
  }
}

/** The library makes a new connection pool for each request, and with it a TLS handshake; one pool is enough. */
class PooledConfig extends KubeConfig {
  #dispatcher: Dispatcher | undefined

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context)
    this.#dispatcher ??= context.getDispatcher()
    if (this.#dispatcher !== undefined) context.setDispatcher(this.#dispatcher)
  }
}

/** The library's generic client without its model classes: they drop fields that they do not know and turn times into dates. */
class JsonApi extends KubernetesObjectApi {
  path(ref: Kind & { metadata: { name?: string; namespace?: string } }, action: 'create' | 'read' | 'list'): Promise<string> {
    return this.specUriPath(ref, action)
  }

  context(path: string, method: HttpMethod): RequestContext {
    return this.configuration.baseServer.makeRequestContext(path, method)
  }

  send(context: RequestContext): Promise<unknown> {
    return this.requestPromise(context as never)
  }

  protected override async processResponse<T>(response: ResponseContext): Promise<T> {
    const text = await response.body.text()
    if (response.httpStatusCode < 200 || response.httpStatusCode > 299) {
      throw new ApiException(response.httpStatusCode, 'request refused', text, response.headers)
    }
    return (response.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text) as T
  }
}

interface Request {
  verb: string
  /** What RBAC calls it, or the kind while the server has not been asked. */
  resource: string
  ref?: ObjectRef
  method: HttpMethod
  path: () => Promise<string>
  query?: Record<string, string | undefined>
  body?: unknown
  contentType?: string
}

class ApiCluster implements Cluster {
  readonly server: string
  readonly home?: string
  readonly #config: KubeConfig
  readonly #api: JsonApi
  readonly #options: ConnectOptions

  readonly #signal: AbortSignal | undefined

  constructor(config: KubeConfig, options: ConnectOptions, signal?: AbortSignal) {
    this.#signal = signal
    this.#config = config
    this.#options = options
    this.server = config.getCurrentCluster()?.server ?? ''
    const home = config.getContextObject(config.getCurrentContext())?.namespace
    if (home !== undefined) this.home = home
    this.#api = config.makeApiClient(JsonApi)
  }

  until(signal: AbortSignal): Cluster {
    return new ApiCluster(this.#config, this.#options, this.#signal === undefined ? signal : AbortSignal.any([this.#signal, signal]))
  }

  async version(patienceMs?: number): Promise<string> {
    const answer = (await this.#send({ verb: 'get', resource: '/version', method: HttpMethod.GET, path: async () => '/version' }, patienceMs)) as { gitVersion: string }
    return answer.gitVersion
  }

  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    try {
      return (await this.#object('get', HttpMethod.GET, ref)) as KubeObject
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'not-found') return undefined
      throw error
    }
  }

  async list({ apiVersion, kind }: Kind, namespace?: string): Promise<KubeObject[]> {
    const items: KubeObject[] = []
    let token: string | undefined
    do {
      const metadata = namespace === undefined ? {} : { namespace }
      let page: { items: KubeObject[]; metadata?: { continue?: string } }
      try {
        page = (await this.#send({
          verb: 'list',
          resource: kind,
          method: HttpMethod.GET,
          path: () => this.#api.path({ apiVersion, kind, metadata }, 'list'),
          query: { limit: String(PAGE), continue: token },
        })) as typeof page
      } catch (error) {
        if (error instanceof ClusterError && (error.code === 'unknown-kind' || error.code === 'not-found')) return []
        throw error
      }
      items.push(...page.items.map((item) => ({ ...item, apiVersion, kind })))
      token = page.metadata?.continue || undefined
    } while (token !== undefined)
    return items
  }

  async apply(object: KubeObject, { dryRun = false, force = false }: ApplyOptions = {}): Promise<KubeObject> {
    return (await this.#object('patch', HttpMethod.PATCH, refOf(object), {
      body: object,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: MANAGER, fieldValidation: 'Strict', force: String(force), dryRun: dryRun ? 'All' : undefined },
    })) as KubeObject
  }

  async create(object: KubeObject): Promise<KubeObject> {
    return (await this.#object('create', HttpMethod.POST, refOf(object), { body: object, query: { fieldManager: MANAGER } })) as KubeObject
  }

  async replace(object: KubeObject): Promise<KubeObject> {
    return (await this.#object('update', HttpMethod.PUT, refOf(object), { body: object, query: { fieldManager: MANAGER } })) as KubeObject
  }

  async remove(ref: ObjectRef, { foreground = false, ...asRead }: RemoveOptions = {}): Promise<void> {
    const preconditions = Object.keys(asRead).length === 0 ? {} : { preconditions: asRead }
    try {
      await this.#object('delete', HttpMethod.DELETE, ref, {
        body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: foreground ? 'Foreground' : 'Background', ...preconditions },
      })
    } catch (error) {
      if (!(error instanceof ClusterError && error.code === 'not-found')) throw error
    }
  }

  async logs(namespace: string, pod: string, container: string, { previous = false, tailLines }: LogOptions): Promise<string | undefined> {
    try {
      return (await this.#send({
        verb: 'get',
        resource: 'pods/log',
        ref: { apiVersion: 'v1', kind: 'Pod', namespace, name: pod },
        method: HttpMethod.GET,
        path: async () => `/api/v1/namespaces/${namespace}/pods/${pod}/log`,
        query: { container, tailLines: tailLines === undefined ? undefined : String(tailLines), previous: previous ? 'true' : undefined },
      })) as string
    } catch (error) {
      // 400: the container has not started, or has no earlier run.
      if (error instanceof ClusterError && (error.code === 'not-found' || error.code === 'invalid')) return undefined
      throw error
    }
  }

  async pod(namespace: string, name: string, port: number): Promise<HttpTarget> {
    const forwarded = await forwardPort(this.#config, namespace, name, port)
    const origin = `http://127.0.0.1:${forwarded.port}`
    const pool = new Pool(origin, { connections: 4 })
    return {
      name: `pod ${name}`,
      async send(request, timeoutMs) {
        try {
          return await exchange(pool, origin, request, timeoutMs)
        } catch (error) {
          const refusal = forwarded.refusal()
          throw refusal === undefined ? error : fromSocket(refusal, { apiVersion: 'v1', kind: 'Pod', namespace, name }, 'pods/portforward')
        }
      },
      async close() {
        await pool.destroy()
        await forwarded.close()
      },
    }
  }

  async exec(pod: { namespace: string; name: string; container: string }, command: readonly string[], stdout: Writable, stdin?: Readable): Promise<ExecResult> {
    try {
      return await execInPod(this.#config, pod, command, stdout, stdin)
    } catch (cause) {
      throw fromSocket(cause, { apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, name: pod.name }, 'pods/exec')
    }
  }

  #object(verb: string, method: HttpMethod, ref: ObjectRef, rest: Pick<Request, 'query' | 'body' | 'contentType'> = {}): Promise<unknown> {
    const { apiVersion, kind, name, namespace } = ref
    const metadata = namespace === undefined ? { name } : { name, namespace }
    const path = (): Promise<string> => this.#api.path({ apiVersion, kind, metadata }, verb === 'create' ? 'create' : 'read')
    return this.#send({ verb, resource: kind, ref, method, path, ...rest })
  }

  async #send(request: Request, patienceMs = this.#options.patienceMs ?? PATIENCE): Promise<unknown> {
    const started = performance.now()
    const signal = this.#signal
    return pRetry(
      async () => {
        try {
          signal?.throwIfAborted()
          const context = this.#api.context(await request.path(), request.method)
          for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) context.setQueryParam(name, value)
          if (request.body !== undefined) {
            context.setHeaderParam('Content-Type', request.contentType ?? 'application/json')
            context.setBody(JSON.stringify(request.body))
          }
          context.setHeaderParam('Accept', 'application/json, */*;q=0.8')
          context.setSignal(signal === undefined ? AbortSignal.timeout(REQUEST_TIMEOUT) : AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT)]))
          return await this.#api.send(context)
        } catch (error) {
          signal?.throwIfAborted()
          throw translate(error, request, this.server)
        }
      },
      {
        ...(signal === undefined ? {} : { signal }),
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 200,
        maxTimeout: 2_000,
        randomize: true,
        shouldRetry: ({ error }) => error instanceof ClusterError && error.transient && performance.now() - started < patienceMs,
        onFailedAttempt: ({ error, attemptNumber }) => {
          if (!(error instanceof ClusterError) || !error.transient || attemptNumber % 5 !== 1) return
          this.#options.onTrouble?.(`${error.message}; trying again for ${formatDuration(Math.max(0, patienceMs - (performance.now() - started)))}`)
        },
      },
    )
  }
}

interface Status {
  message?: string
  reason?: string
  details?: { causes?: { reason?: string; message?: string; field?: string }[] }
}

const TLS = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO)/

function translate(error: unknown, request: Request, server: string): unknown {
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
function fromSocket(cause: unknown, object: ObjectRef, resource: 'pods/exec' | 'pods/portforward'): ClusterError {
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
