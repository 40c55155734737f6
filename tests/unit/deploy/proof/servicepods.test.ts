import { describe, expect, it } from 'vitest'
import { ClusterError } from '../../../../deploy/src/errors.ts'
import type { HttpTarget } from '../../../../deploy/src/cluster/http.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { ServicePods } from '../../../../deploy/src/proof/servicepods.ts'
import { FakeClock } from '../../../fakes/clock.ts'
import { FakeCluster } from '../../../fakes/cluster.ts'
import { NAMESPACE } from '../_release.ts'

const GET = { method: 'GET', path: '/' } as const

/** Pods by hand, and what became of the ways to them. */
class Scene extends FakeCluster {
  readonly asked: string[] = []
  readonly opened: string[] = []
  readonly closed: string[] = []
  /** What a pod does with a request, where it does not answer. */
  readonly behaviour = new Map<string, () => Promise<never>>()

  readonly fakeClock: FakeClock
  readonly #pods = new Map<string, KubeObject>()

  constructor() {
    const clock = new FakeClock()
    super(clock)
    this.fakeClock = clock
  }

  put(name: string, { ready = true, labels = { tier: 'web' }, ending = false }: { ready?: boolean; labels?: Record<string, string>; ending?: boolean } = {}): void {
    this.#pods.set(name, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE, labels, ...(ending ? { deletionTimestamp: '2999-01-01T00:00:00Z' } : {}) },
      spec: { containers: [{ name: 'a', image: 'a:1', ports: [{ name: 'http', containerPort: 9000 }] }] },
      status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    } as KubeObject)
  }

  override async list(kind: { apiVersion: string; kind: string }, namespace?: string): Promise<KubeObject[]> {
    return kind.kind === 'Pod' ? [...this.#pods.values()] : super.list(kind, namespace)
  }

  override async pod(_namespace: string, name: string, port?: number): Promise<HttpTarget> {
    this.opened.push(`${name}:${port}`)
    return {
      name,
      send: async () => {
        this.asked.push(name)
        await this.behaviour.get(name)?.()
        return { status: 200, headers: {}, body: name }
      },
      close: async () => void this.closed.push(name),
    }
  }
}

function scene(): { cluster: Scene; pods: ServicePods } {
  const cluster = new Scene()
  cluster.seed({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'backend', namespace: NAMESPACE }, spec: { selector: { tier: 'web' }, ports: [{ port: 80, targetPort: 'http' }] } })
  return { cluster, pods: new ServicePods(cluster, cluster.fakeClock, NAMESPACE, 'backend', 8000) }
}

describe('the pods of a Service', () => {
  it('are those that it selects and that are ready, at the port that it names', async () => {
    const { cluster, pods } = scene()
    cluster.put('a')
    cluster.put('b')
    cluster.put('unready', { ready: false })
    cluster.put('ending', { ending: true })
    cluster.put('other', { labels: { tier: 'else' } })
    for (let index = 0; index < 4; index += 1) await pods.send(GET, 1_000)
    expect(cluster.opened.sort()).toEqual(['a:9000', 'b:9000'])
    expect([...cluster.asked].sort()).toEqual(['a', 'a', 'b', 'b'])
  })

  it('that are replaced are asked no more, and their open answers are waited for', async () => {
    const { cluster, pods } = scene()
    cluster.put('old')
    let answerOld: (() => void) | undefined
    cluster.behaviour.set('old', () => new Promise<never>((resolve) => (answerOld = resolve as () => void)))
    const slow = pods.send(GET, 1_000)
    await cluster.fakeClock.sleep(1)
    cluster.put('old', { ending: true })
    cluster.put('new')
    await cluster.fakeClock.sleep(1_001)
    await pods.isOpen()
    expect((await pods.send(GET, 1_000)).body).toBe('new')
    expect(cluster.closed).toEqual([])
    answerOld?.()
    expect((await slow).body).toBe('old')
    expect(cluster.closed).toEqual(['old'])
  })

  it('are an outage when none is ready', async () => {
    const { pods } = scene()
    expect(await pods.isOpen()).toBe(false)
    await expect(pods.send(GET, 1_000)).rejects.toThrow('no pod of backend is ready')
  })

  it('are asked in place of one to which the API server opens no way', async () => {
    const { cluster, pods } = scene()
    cluster.put('a')
    cluster.put('b')
    cluster.behaviour.set('a', async () => {
      throw new ClusterError('server', 'no way', { verb: 'create', resource: 'pods/portforward' })
    })
    for (let index = 0; index < 4; index += 1) expect((await pods.send(GET, 1_000)).body).toBe('b')
  })

  it('that break a connection fail the request: a client would see that too', async () => {
    const { cluster, pods } = scene()
    cluster.put('a')
    cluster.put('b')
    cluster.behaviour.set('a', async () => {
      throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    })
    const results = await Promise.allSettled([pods.send(GET, 1_000), pods.send(GET, 1_000), pods.send(GET, 1_000), pods.send(GET, 1_000)])
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(1)
  })

  it('are listed once a second, however many requests there are', async () => {
    const { cluster, pods } = scene()
    cluster.put('a')
    let lists = 0
    const list = cluster.list.bind(cluster)
    cluster.list = (kind, namespace) => {
      if (kind.kind === 'Pod') lists += 1
      return list(kind, namespace)
    }
    await Promise.all(Array.from({ length: 50 }, () => pods.send(GET, 1_000)))
    expect(lists).toBe(1)
    await cluster.fakeClock.sleep(1_001)
    await Promise.all(Array.from({ length: 50 }, () => pods.send(GET, 1_000)))
    expect(lists).toBe(2)
  })
})
