/** The Kubernetes API as the deployer uses it, and the adapter of the client library. */
import type { Readable, Writable } from 'node:stream'
import { HttpMethod, type KubeConfig } from '@kubernetes/client-node'
import { Pool } from 'undici'
import { BadInput, ClusterError } from '../errors.ts'
import { MANAGER } from '../release/identity.ts'
import { type Kind, type KubeObject, type ObjectRef, refOf } from '../release/objects.ts'
import { type Asked, REQUEST_TIMEOUT, fromSocket, translate } from './_errors.ts'
import { type ExecResult, execInPod } from './_exec.ts'
import { forwardPort } from './_forward.ts'
import { JsonApi } from './_json.ts'
import { untilAnswered } from './_retries.ts'
import { type HttpTarget, exchange } from './http.ts'
import { loadKubeconfig } from './kubeconfig.ts'

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

interface Request extends Asked {
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
    const signal = this.#signal
    return untilAnswered(
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
      { signal, patienceMs, onTrouble: this.#options.onTrouble },
    )
  }
}
