/**
 * An in-memory cluster: server-side apply with field managers, and controllers that follow virtual time.
 * What a pod does is told by the tag of its image: see {@link Behaviour}.
 * As unkind as Kubernetes: controllers see a change late, an ordered StatefulSet waits for a pod that is not ready, a Deployment keeps
 * the verdict on the rollout before until the next one gets on, finalizers hold what is deleted, and deletions check preconditions.
 */
import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import type { ApplyOptions, Cluster, RemoveOptions } from '../../deploy/src/cluster/client.ts'
import { ClusterError, DeployError, type FieldCause } from '../../deploy/src/errors.ts'
import type { HttpAnswer, HttpRequest, HttpTarget } from '../../deploy/src/cluster/http.ts'
import { MANAGER } from '../../deploy/src/release/identity.ts'
import { type Kind, type KubeObject, type ObjectRef, isNamespaced, keyOf, nameOf, refOf } from '../../deploy/src/release/objects.ts'
import { type FakeClock } from './clock.ts'

/** By image tag; any other tag is a pod that is ready after 2 s. */
export type Behaviour = 'crash' | 'missing' | 'never-ready' | 'crash-later' | 'oom' | 'fails' | 'slow'

const READY_AFTER = 2_000
const ENDING = 3_000
/** A controller sees a changed spec so much later. */
const LAG = 200

type Leaves = Map<string, unknown>

interface PodTemplate {
  metadata?: { labels?: Record<string, string> }
  spec: { containers: { name: string; image: string }[] }
}

interface WorkloadSpec {
  replicas?: number
  progressDeadlineSeconds?: number
  template: PodTemplate
}

/** Everything that was written, for assertions: `apply Deployment backend`. */
export class FakeCluster implements Cluster {
  readonly server = 'https://fake.example:6443'
  readonly writes: string[] = []
  /** Refusals by `verb Kind name`, thrown instead of the answer. */
  readonly refusals = new Map<string, ClusterError>()
  /** Answers of the application, by target name and path; 200 for all others. */
  readonly answers = new Map<string, HttpAnswer>()
  /** What commands in pods do, by their first word. */
  readonly execs = new Map<string, { exitCode?: number; stderr?: string; output?: string }>()
  readonly logsOf = new Map<string, string>()
  /** Called with each request to the application. */
  onRequest: ((target: string, request: HttpRequest) => void) | undefined
  readonly clock: FakeClock
  readonly #objects = new Map<string, KubeObject>()
  /** When the newest revision of each Deployment began. */
  readonly #rollouts = new Map<string, { revision: string; since: number }>()
  readonly #changedAt = new Map<string, number>()
  readonly #sabotaged = new Map<string, Behaviour>()
  #failure: Error | undefined
  #killAfter: { write: string; from: number } | undefined
  readonly #owners = new Map<string, Map<string, Set<string>>>()
  #version = 0
  #settledAt = ''

  constructor(clock: FakeClock) {
    this.clock = clock
  }

  async version(): Promise<string> {
    return 'v0.0.0-fake'
  }

  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    this.#dieWhenDue()
    this.#reconcile()
    return clone(this.#objects.get(keyOf(ref)))
  }

  async list({ kind }: Kind, namespace?: string): Promise<KubeObject[]> {
    this.#dieWhenDue()
    this.#reconcile()
    return [...this.#objects.values()].filter((object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace || !isNamespaced(kind))).map((object) => structuredClone(object))
  }

  async apply(object: KubeObject, options: ApplyOptions = {}): Promise<KubeObject> {
    return this.applyAs(MANAGER, object, options)
  }

  /** Server-side apply by any manager: `kubectl-edit`, `helm`. */
  applyAs(manager: string, object: KubeObject, { dryRun = false, force = false }: ApplyOptions = {}): KubeObject {
    this.#reconcile()
    const ref = refOf(object)
    const key = keyOf(ref)
    this.#dieWhenDue()
    if (manager === MANAGER) this.#refuse(`patch ${nameOf(ref)}`)
    const live = this.#objects.get(key)
    if (live !== undefined && object.kind === 'Job' && manager === MANAGER && JSON.stringify((live['spec'] as WorkloadSpec).template) !== JSON.stringify((object['spec'] as WorkloadSpec).template)) {
      throw new ClusterError('invalid', `patch ${nameOf(ref)}: field is immutable`, { verb: 'patch', resource: ref.kind, object: ref, fields: [{ field: 'spec.template', message: 'field is immutable' }] })
    }
    const owners = new Map([...(this.#owners.get(key) ?? [])].map(([name, paths]) => [name, new Set(paths)]))
    const leaves = leavesOf(object)
    const before: Leaves = live === undefined ? new Map() : leavesOf(live)
    const conflicts: FieldCause[] = []
    for (const [path, value] of leaves) {
      for (const [other, paths] of owners) {
        if (other === manager || !paths.has(path) || JSON.stringify(before.get(path)) === JSON.stringify(value)) continue
        if (force) paths.delete(path)
        else conflicts.push({ field: path, message: `conflict with "${other}"`, manager: other })
      }
    }
    if (conflicts.length > 0) throw new ClusterError('conflict', `patch ${nameOf(ref)}: fields are owned by another manager`, { verb: 'patch', resource: ref.kind, object: ref, fields: conflicts })
    const dropped = [...(owners.get(manager) ?? [])].filter((path) => !leaves.has(path) && ![...owners].some(([other, paths]) => other !== manager && paths.has(path)))
    const merged = new Map([...before, ...leaves])
    for (const path of dropped) merged.delete(path)
    owners.set(manager, new Set(leaves.keys()))
    const result = this.#store(object, merged, live, owners, manager, dryRun)
    if (!dryRun) {
      this.#owners.set(key, owners)
      this.writes.push(`apply ${nameOf(ref)}`)
    }
    return result
  }

  async create(object: KubeObject): Promise<KubeObject> {
    const ref = refOf(object)
    this.#refuse(`create ${nameOf(ref)}`)
    if (this.#objects.has(keyOf(ref))) throw new ClusterError('exists', `create ${nameOf(ref)}: exists`, { verb: 'create', resource: ref.kind, object: ref })
    this.writes.push(`create ${nameOf(ref)}`)
    return this.#put(object, undefined)
  }

  async replace(object: KubeObject): Promise<KubeObject> {
    const ref = refOf(object)
    this.#refuse(`update ${nameOf(ref)}`)
    const live = this.#objects.get(keyOf(ref))
    if (live === undefined) throw new ClusterError('not-found', `update ${nameOf(ref)}: not found`, { verb: 'update', resource: ref.kind, object: ref })
    if (object.metadata.resourceVersion !== live.metadata.resourceVersion) throw new ClusterError('conflict', `update ${nameOf(ref)}: the object has been modified`, { verb: 'update', resource: ref.kind, object: ref })
    if (object.kind !== 'Lease') this.writes.push(`update ${nameOf(ref)}`)
    return this.#put(object, live)
  }

  async remove(ref: ObjectRef, { uid, resourceVersion }: RemoveOptions = {}): Promise<void> {
    this.#refuse(`delete ${nameOf(ref)}`)
    const live = this.#objects.get(keyOf(ref))
    if (live === undefined) return
    if ((uid !== undefined && uid !== live.metadata.uid) || (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)) {
      throw new ClusterError('conflict', `delete ${nameOf(ref)}: the precondition failed`, { verb: 'delete', resource: ref.kind, object: ref })
    }
    this.writes.push(`delete ${nameOf(ref)}`)
    if ((live.metadata.finalizers ?? []).length > 0) live.metadata.deletionTimestamp = new Date(this.clock.now()).toISOString()
    else this.#delete(live)
  }

  async logs(_namespace: string, pod: string, container: string, { previous = false }: { previous?: boolean }): Promise<string | undefined> {
    const workload = pod.replace(/-[^-]+-\d+$/, '')
    return this.logsOf.get(`${workload}/${container}${previous ? '/previous' : ''}`)
  }

  async pod(_namespace: string, name: string): Promise<HttpTarget> {
    return this.#target(`pod ${name.replace(/-[^-]+-\d+$/, '')}`)
  }

  /** Requests of the fake take no time, so that none outlives its signal: only new ones are refused. */
  until(signal: AbortSignal): Cluster {
    const methods = ['version', 'get', 'list', 'apply', 'create', 'replace', 'remove', 'logs', 'pod', 'exec', 'until'] as const
    const bound = Object.fromEntries(
      methods.map((name) => [
        name,
        (...values: never[]) => {
          signal.throwIfAborted()
          return (this[name] as (...values: never[]) => unknown).apply(this, values)
        },
      ]),
    )
    return { server: this.server, ...bound } as unknown as Cluster
  }

  /** Ends as {@link execs} says for the first word of the command. */
  async exec(_pod: { name: string }, command: readonly string[], stdout: Writable, stdin?: Readable): Promise<{ exitCode: number; stderr: string }> {
    if (stdin !== undefined) for await (const _chunk of stdin);
    const { exitCode = 0, stderr = '', output = '' } = this.execs.get(command[0] ?? '') ?? {}
    stdout.end(output)
    return { exitCode, stderr }
  }

  /** Sets the status of an object that no controller of this cluster keeps, or fields that only a server sets. */
  patch(ref: ObjectRef, change: (object: KubeObject) => void): void {
    const object = this.#objects.get(keyOf(ref))
    if (object === undefined) throw new Error(`no ${nameOf(ref)}`)
    change(object)
    this.#version += 1
  }

  /** Puts an object as it is: history that the test does not want to play. */
  seed(object: KubeObject): KubeObject {
    return this.#put(object, undefined)
  }

  /** From now on pods of the image that a Deployment runs behave otherwise, without a change of its spec. */
  sabotage(deployment: string, behaviour: Behaviour): void {
    const object = [...this.#objects.values()].find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === deployment)
    const image = (object?.['spec'] as WorkloadSpec | undefined)?.template.spec.containers[0]?.image
    if (image === undefined) throw new Error(`no Deployment ${deployment}`)
    this.#sabotaged.set(image, behaviour)
  }

  /** After the next such write every request fails, as if the process had been killed. */
  killDeployerAfter(write: string): void {
    this.#killAfter = { write, from: this.writes.length }
  }

  /** Resolves after the next such write, in the course of virtual time. */
  async written(write: string): Promise<void> {
    const from = this.writes.length
    while (!this.writes.includes(write, from)) await this.clock.sleep(100)
  }

  /** Another deployer starts. */
  revive(): void {
    this.#killAfter = undefined
  }

  /** From now on every request fails, as with expired credentials; `undefined` ends it. */
  failAll(error: Error | undefined): void {
    this.#failure = error
  }

  #target(name: string): HttpTarget {
    return {
      name,
      send: async (request: HttpRequest) => {
        this.onRequest?.(name, request)
        return this.answers.get(`${name} ${request.path}`) ?? applicationAnswer(request)
      },
      close: async () => undefined,
    }
  }

  #refuse(what: string): void {
    this.#dieWhenDue()
    const refusal = this.refusals.get(what)
    if (refusal !== undefined) throw refusal
  }

  #dieWhenDue(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#killAfter !== undefined && this.writes.includes(this.#killAfter.write, this.#killAfter.from)) throw new DeployError('the deployer was killed')
  }

  #store(object: KubeObject, leaves: Leaves, live: KubeObject | undefined, owners: ReadonlyMap<string, ReadonlySet<string>>, writer: string, dryRun: boolean): KubeObject {
    const built = fromLeaves(leaves) as KubeObject
    const before = new Map((live?.metadata.managedFields ?? []).map(({ manager, time }) => [manager, time]))
    const second = new Date(Math.floor(this.clock.now() / 1000) * 1000).toISOString()
    built.metadata.managedFields = [...owners].map(([manager, paths]) => ({ manager, operation: 'Apply', time: manager === writer ? second : (before.get(manager) ?? second), fieldsV1: fieldsOf(paths) }))
    if (dryRun) {
      const { resourceVersion, uid, generation } = live?.metadata ?? {}
      Object.assign(built.metadata, { resourceVersion, uid, generation }, object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace })
      return built
    }
    return this.#put(built, live)
  }

  #put(object: KubeObject, live: KubeObject | undefined): KubeObject {
    const stored = structuredClone(object)
    this.#version += 1
    const changed = live === undefined || JSON.stringify(live['spec']) !== JSON.stringify(stored['spec'])
    stored.metadata.resourceVersion = String(this.#version)
    stored.metadata.uid = live?.metadata.uid ?? `uid-${this.#version}`
    stored.metadata.creationTimestamp = live?.metadata.creationTimestamp ?? new Date(this.clock.now()).toISOString()
    stored.metadata.generation = (live?.metadata.generation ?? 0) + (changed ? 1 : 0)
    if (live?.['status'] !== undefined && stored['status'] === undefined) stored['status'] = live['status']
    if (changed) this.#changedAt.set(stored.metadata.uid, this.clock.now())
    this.#objects.set(keyOf(refOf(stored)), stored)
    return structuredClone(stored)
  }

  #delete(object: KubeObject): void {
    this.#version += 1
    this.#objects.delete(keyOf(refOf(object)))
    this.#owners.delete(keyOf(refOf(object)))
    for (const child of this.#childrenOf(object)) this.#delete(child)
  }

  #childrenOf(owner: KubeObject): KubeObject[] {
    return [...this.#objects.values()].filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid))
  }

  /** Controllers act when time has passed or something was written; each of their own writes makes another round. */
  #reconcile(): void {
    if (this.#settledAt === this.#state()) return
    for (let round = 0; round < 5; round += 1) {
      const before = this.#version
      this.#controllers()
      if (this.#version === before) break
    }
    this.#settledAt = this.#state()
  }

  #state(): string {
    return `${this.clock.now()}/${this.#version}/${this.#sabotaged.size}`
  }

  #controllers(): void {
    for (const object of [...this.#objects.values()]) {
      const seen = object['status'] === undefined || this.clock.now() - (this.#changedAt.get(object.metadata.uid ?? '') ?? 0) >= LAG
      if (object.kind === 'Deployment' && seen) this.#deployment(object)
      if (object.kind === 'StatefulSet' && seen) this.#statefulSet(object)
      if (object.kind === 'Job') this.#job(object)
      if (object.kind === 'PersistentVolumeClaim') object['status'] = { phase: 'Bound' }
    }
    for (const pod of [...this.#objects.values()].filter(({ kind }) => kind === 'Pod')) {
      const { deletionTimestamp } = pod.metadata
      if (deletionTimestamp !== undefined && this.clock.now() >= Date.parse(deletionTimestamp)) this.#delete(pod)
      else this.#podStatus(pod)
    }
  }

  #deployment(deployment: KubeObject): void {
    const spec = deployment['spec'] as WorkloadSpec
    const desired = spec.replicas ?? 1
    const hash = hashOf(spec.template)
    const name = `${deployment.metadata.name}-${hash}`
    const sets = this.#childrenOf(deployment).filter(({ kind }) => kind === 'ReplicaSet')
    let set = sets.find(({ metadata }) => metadata.name === name)
    const highest = Math.max(0, ...sets.map(({ metadata }) => Number(metadata.annotations?.['deployment.kubernetes.io/revision'])))
    if (set === undefined) {
      this.#put(owned({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: deployment.metadata.namespace ?? '' }, spec: {} }, deployment), undefined)
      set = this.#objects.get(keyOf({ apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: deployment.metadata.namespace ?? '', name }))
    }
    if (set === undefined) return
    const revision = set.metadata.annotations?.['deployment.kubernetes.io/revision']
    const current = revision !== undefined && Number(revision) === highest ? revision : String(highest + 1)
    set.metadata.annotations = { 'deployment.kubernetes.io/revision': current }
    deployment.metadata.annotations = { ...deployment.metadata.annotations, 'deployment.kubernetes.io/revision': current }
    this.#pods(set, spec.template, desired)
    const fresh = this.#childrenOf(set).filter(isAlive)
    const ready = fresh.filter((pod) => this.#isReady(pod)).length
    const old = sets.filter((other) => other !== set).flatMap((other) => this.#childrenOf(other)).filter(isAlive)
    // One old pod goes for each new one that is ready.
    for (const pod of old.slice(0, Math.max(0, old.length + ready - desired))) this.#end(pod)
    const left = old.filter(isAlive).length
    if (this.#rollouts.get(deployment.metadata.uid ?? '')?.revision !== current) this.#rollouts.set(deployment.metadata.uid ?? '', { revision: current, since: this.clock.now() })
    const since = this.#rollouts.get(deployment.metadata.uid ?? '')?.since ?? 0
    const late = this.clock.now() - since > (spec.progressDeadlineSeconds ?? 600) * 1000
    // The verdict on the rollout before stays, with its own time, until this one is complete.
    const [leftOver] = (deployment['status'] as { conditions?: object[] } | undefined)?.conditions ?? []
    const exceeded = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', lastUpdateTime: new Date(this.clock.now()).toISOString(), message: `ReplicaSet "${name}" has timed out progressing.` }
    const verdict = leftOver ?? (late ? exceeded : undefined)
    deployment['status'] = {
      observedGeneration: deployment.metadata.generation,
      replicas: fresh.length + left,
      updatedReplicas: fresh.length,
      readyReplicas: ready + left,
      availableReplicas: ready + left,
      conditions: verdict !== undefined && ready < desired ? [verdict] : [],
    }
  }

  #statefulSet(set: KubeObject): void {
    const spec = set['spec'] as WorkloadSpec
    const desired = spec.replicas ?? 1
    const hash = hashOf(spec.template)
    const pods = this.#childrenOf(set)
    const isReady = (pod: KubeObject): boolean => isAlive(pod) && this.#isReady(pod)
    // One after the other: a pod that is not ready, of whatever revision, stops everything behind it.
    for (let ordinal = 0; ordinal < desired; ordinal += 1) {
      const pod = pods.find(({ metadata }) => metadata.name === `${set.metadata.name}-${ordinal}`)
      if (pod === undefined) this.#put(owned(podOf(set, `${set.metadata.name}-${ordinal}`, spec.template, { 'controller-revision-hash': hash }), set), undefined)
      if (pod === undefined || !isReady(pod)) break
      if (ordinal === desired - 1) {
        const outdated = pods.filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] !== hash).at(-1)
        if (outdated !== undefined) this.#end(outdated)
      }
    }
    const ready = this.#childrenOf(set).filter((pod) => this.#isReady(pod)).length
    set['status'] = { observedGeneration: set.metadata.generation, replicas: this.#childrenOf(set).length, updateRevision: hash, availableReplicas: ready, readyReplicas: ready }
  }

  #job(job: KubeObject): void {
    const { template } = job['spec'] as WorkloadSpec
    this.#pods(job, template, 1, { 'job-name': job.metadata.name })
    if (this.clock.now() - Date.parse(job.metadata.creationTimestamp ?? '') < READY_AFTER || behaviourOf(template) === 'missing') return
    const failed = behaviourOf(template) === 'fails'
    job['status'] = { conditions: [failed ? { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' } : { type: 'Complete', status: 'True' }] }
  }

  #pods(owner: KubeObject, template: PodTemplate, desired: number, labels: Record<string, string> = {}): void {
    const alive = this.#childrenOf(owner).filter(isAlive)
    for (let index = alive.length; index < desired; index += 1) {
      this.#put(owned(podOf(owner, `${owner.metadata.name}-${this.#version}`, template, labels), owner), undefined)
    }
    for (const pod of alive.slice(desired)) this.#end(pod)
  }

  #end(pod: KubeObject): void {
    pod.metadata.deletionTimestamp = new Date(this.clock.now() + ENDING).toISOString()
  }

  #isReady(pod: KubeObject): boolean {
    this.#podStatus(pod)
    return ((pod['status'] as { conditions: { type: string; status: string }[] }).conditions).some(({ type, status }) => type === 'Ready' && status === 'True')
  }

  #podStatus(pod: KubeObject): void {
    const { containers } = pod['spec'] as PodTemplate['spec']
    const age = this.clock.now() - Date.parse(pod.metadata.creationTimestamp ?? '')
    const behaviour = this.#sabotaged.get(containers[0]?.image ?? '') ?? behaviourOf({ spec: { containers } })
    const isJob = pod.metadata.labels?.['job-name'] !== undefined
    const { ready, state, lastState, restartCount } = containerState(behaviour, age, isJob)
    pod['status'] = {
      phase: behaviour === 'missing' ? 'Pending' : isJob && age >= READY_AFTER ? (behaviour === 'fails' ? 'Failed' : 'Succeeded') : 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: containers.map(({ name, image }) => ({ name, image, ready, state, lastState, restartCount })),
    }
  }
}

function containerState(behaviour: string, age: number, isJob: boolean): { ready: boolean; state: object; lastState?: object; restartCount: number } {
  const running = { running: {} }
  const ended = { terminated: { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T00:00:00Z' } }
  const backOff = { ready: false, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' } }, lastState: ended, restartCount: 2 }
  if (isJob && behaviour !== 'missing') return { ready: false, state: age < READY_AFTER ? running : { terminated: { exitCode: behaviour === 'fails' ? 1 : 0, reason: behaviour === 'fails' ? 'Error' : 'Completed' } }, restartCount: 0 }
  switch (behaviour) {
    case 'crash':
      return age < READY_AFTER ? { ready: false, state: running, restartCount: 0 } : backOff
    case 'crash-later':
      if (age >= READY_AFTER && age < 8_000) return { ready: true, state: running, restartCount: 0 }
      return age < READY_AFTER ? { ready: false, state: running, restartCount: 0 } : { ready: true, state: running, lastState: ended, restartCount: 1 }
    case 'missing':
      return { ready: false, state: { waiting: { reason: 'ErrImagePull', message: 'failed to pull and unpack image: not found' } }, restartCount: 0 }
    case 'oom':
      return { ready: false, state: running, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } }, restartCount: 1 }
    case 'never-ready':
      return { ready: false, state: running, restartCount: 0 }
    default:
      return { ready: age >= (behaviour === 'slow' ? 30_000 : READY_AFTER), state: running, restartCount: 0 }
  }
}

function behaviourOf({ spec }: PodTemplate): string {
  return spec.containers[0]?.image.split(':')[1] ?? ''
}

function podOf(owner: KubeObject, name: string, template: PodTemplate, labels: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: owner.metadata.namespace ?? '', labels: { ...template.metadata?.labels, ...labels } }, spec: { ...template.spec } }
}

/** The wire's form of owned paths: `{"f:spec": {"f:replicas": {}}}`, items of lists by their name. */
function fieldsOf(paths: ReadonlySet<string>): unknown {
  const root: Record<string, unknown> = {}
  for (const text of paths) {
    let at = root
    for (const key of JSON.parse(text) as string[]) {
      const name = key.startsWith('[') ? `k:{"name":${JSON.stringify(key.slice(1, -1))}}` : `f:${key}`
      at = (at[name] ??= {}) as Record<string, unknown>
    }
  }
  return root
}

function isAlive({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined
}

function owned(object: KubeObject, { apiVersion, kind, metadata: { name, uid = '' } }: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] } }
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8)
}

function clone<Value>(value: Value): Value {
  return structuredClone(value)
}

const SERVER_FIELDS = new Set(['managedFields', 'resourceVersion', 'uid', 'generation', 'deletionTimestamp'])

/** Leaves by JSON path; lists whose items have names are keyed by them, others are leaves. */
function leavesOf(object: KubeObject): Leaves {
  const leaves: Leaves = new Map()
  const walk = (path: (string | number)[], value: unknown): void => {
    if (Array.isArray(value) && value.every((item) => typeof (item as { name?: unknown } | null)?.name === 'string')) {
      for (const item of value as { name: string }[]) walk([...path, `[${item.name}]`], item)
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, nested] of Object.entries(value)) {
        if (path.length === 1 && path[0] === 'metadata' && SERVER_FIELDS.has(key)) continue
        if (path.length === 0 && key === 'status') continue
        walk([...path, key], nested)
      }
      if (Object.keys(value).length === 0) leaves.set(JSON.stringify(path), {})
    } else leaves.set(JSON.stringify(path), value)
  }
  walk([], object)
  return leaves
}

function fromLeaves(leaves: Leaves): unknown {
  const root: Record<string, unknown> = {}
  for (const [text, value] of leaves) {
    const path = JSON.parse(text) as string[]
    let at = root
    for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>
    at[path.at(-1) ?? ''] = value
  }
  const lists = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const entries = Object.entries(value)
    if (entries.length > 0 && entries.every(([key]) => key.startsWith('['))) return entries.map(([, item]) => lists(item))
    return Object.fromEntries(entries.map(([key, nested]) => [key, lists(nested)]))
  }
  return lists(root)
}

/** The application as it should answer. */
function applicationAnswer({ method, path }: HttpRequest): HttpAnswer {
  const json = (status: number, value: unknown): HttpAnswer => ({ status, headers: {}, body: JSON.stringify(value) })
  if (path === '/') return { status: 200, headers: {}, body: '<html></html>' }
  if (path === '/api/info') return json(200, { version: '1', environment: 'development', agent: 'reachable', model: { name: 'scripted model' } })
  if (path === '/mcp') return json(200, { result: { tools: ['add_task', 'complete_task', 'delete_task', 'list_tasks', 'update_task'].map((name) => ({ name })) } })
  if (path.endsWith('/chat')) return json(200, { tool_calls: [{ name: 'add_task', ok: true }] })
  if (method === 'POST') return json(201, { id: 1 })
  if (method === 'DELETE') return { status: 204, headers: {}, body: '' }
  return path.endsWith('/tasks') ? json(200, [{ id: 1 }]) : json(200, { id: 1, title: 'deploy check' })
}
