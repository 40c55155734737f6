/**
 * The ready pods of a Service, each through a forwarded port. The API server enters a pod's own network that way, so network
 * policies that shut the API server out (and with it its Service proxy) do not matter.
 */
import type { V1Service } from '@kubernetes/client-node'
import type { Clock } from '../_poll.ts'
import type { Cluster } from '../cluster/client.ts'
import { ClusterError } from '../errors.ts'
import type { HttpAnswer, HttpRequest, HttpTarget } from '../cluster/http.ts'
import type { Pod } from '../kinds/assessment.ts'
import { isReady, isTerminating, podName } from '../kinds/pod.ts'
import type { Wire } from '../release/objects.ts'

/** Ready pods are looked up again after so long, as the endpoints of a Service follow its pods. In ms. */
const FRESH = 1_000
const NAME = 'app.kubernetes.io/name'

/** One pod, kept open until its last answer. */
interface Way {
  target: HttpTarget
  underWay: number
  retired: boolean
}

/** No pod of the Service is ready: what a client would meet as a refused connection. */
export class NoReadyPod extends Error {
  readonly code = 'NO_READY_POD'
}

export class ServicePods implements HttpTarget {
  readonly name: string
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #namespace: string
  readonly #service: string
  readonly #port: number
  #ways = new Map<string, Way>()
  #spec: NonNullable<Wire<V1Service>['spec']> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  #turn = 0

  /** @param port of the container, where the Service does not say otherwise */
  constructor(cluster: Cluster, clock: Clock, namespace: string, service: string, port: number) {
    this.name = `pods of ${service}`
    this.#cluster = cluster
    this.#clock = clock
    this.#namespace = namespace
    this.#service = service
    this.#port = port
  }

  /** True when a pod is ready now. @throws ClusterError when pods may not be listed */
  async isOpen(): Promise<boolean> {
    await this.#look()
    return this.#ways.size > 0
  }

  /**
   * One request to one ready pod, in turn. A way that the API server does not open is no fault of the application: another pod is
   * asked then.
   * @throws NoReadyPod, ClusterError when no way opens, or the transport's error
   */
  async send(request: HttpRequest, timeoutMs: number): Promise<HttpAnswer> {
    const looking = this.#look()
    // What was known a moment ago serves while the list is on its way.
    if (this.#ways.size === 0) await looking
    else looking.catch(() => undefined)
    const ways = [...this.#ways.values()]
    let closed: unknown = new NoReadyPod(`no pod of ${this.#service} is ready`)
    this.#turn += 1
    for (let index = 0; index < ways.length; index += 1) {
      const way = ways[(this.#turn + index) % ways.length]
      if (way === undefined) continue
      way.underWay += 1
      try {
        return await way.target.send(request, timeoutMs)
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error
        closed = error
      } finally {
        way.underWay -= 1
        await this.#closeWhenIdle(way)
      }
    }
    throw closed
  }

  async close(): Promise<void> {
    await this.#looking?.catch(() => undefined)
    await Promise.all([...this.#ways.values()].map(({ target }) => target.close()))
    this.#ways.clear()
  }

  #look(): Promise<void> {
    if (this.#looking === undefined && this.#clock.now() - this.#lookedAt >= FRESH) {
      this.#looking = this.#readPods().finally(() => {
        this.#looking = undefined
      })
    }
    return this.#looking ?? Promise.resolve()
  }

  async #readPods(): Promise<void> {
    this.#spec ??= ((await this.#cluster.get({ apiVersion: 'v1', kind: 'Service', namespace: this.#namespace, name: this.#service })) as Wire<V1Service> | undefined)?.spec
    const pods = (await this.#cluster.list({ apiVersion: 'v1', kind: 'Pod' }, this.#namespace)) as unknown as Pod[]
    this.#lookedAt = this.#clock.now()
    const selector = Object.entries(this.#spec?.selector ?? { [NAME]: this.#service })
    const ready = pods.filter((pod) => selector.every(([label, value]) => pod.metadata?.labels?.[label] === value) && isReady(pod) && !isTerminating(pod))
    const names = new Set(ready.map(podName))
    for (const [name, way] of this.#ways) {
      if (names.has(name)) continue
      this.#ways.delete(name)
      way.retired = true
      await this.#closeWhenIdle(way)
    }
    for (const pod of ready) {
      const name = podName(pod)
      if (!this.#ways.has(name)) this.#ways.set(name, { target: await this.#cluster.pod(this.#namespace, name, this.#portOf(pod)), underWay: 0, retired: false })
    }
  }

  /** The port behind the Service's first one. */
  #portOf(pod: Pod): number {
    const target = this.#spec?.ports?.[0]?.targetPort as unknown
    if (typeof target === 'number') return target
    const named = pod.spec?.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)
    return named?.containerPort ?? this.#port
  }

  async #closeWhenIdle(way: Way): Promise<void> {
    if (way.retired && way.underWay === 0) await way.target.close()
  }
}
