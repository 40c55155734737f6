/** Verdicts are about the present: old traces, and pods that are gone already, say nothing. */
import { describe, expect, it } from 'vitest'
import type { Children, KubeEvent } from '../../../../deploy/src/kinds/assessment.ts'
import { assess } from '../../../../deploy/src/kinds/index.ts'
import { ruleOf } from '../../../../deploy/src/kinds/index.ts'
import { stuckPods } from '../../../../deploy/src/kinds/statefulset.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { STANDARD_POLICY } from '../../../../deploy/src/release/policy.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString()

interface PodOptions {
  ready?: boolean
  state?: object
  lastState?: object
  status?: object
  labels?: Record<string, string>
  deletionTimestamp?: string
  owner?: string
  name?: string
  age?: number
}

function pod({ ready = true, state = { running: { startedAt: at(600) } }, lastState = {}, status = {}, labels = {}, owner = 'rs', name = 'x-1', age = 600, deletionTimestamp }: PodOptions = {}): object {
  return {
    metadata: { name, uid: name, labels, creationTimestamp: at(age), ownerReferences: [{ uid: owner, controller: true }], ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    status: {
      phase: 'Running',
      startTime: at(age),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'x', ready, state, lastState, restartCount: 0 }],
      ...status,
    },
  }
}

function deployment(status: object, extra: { spec?: object; metadata?: object } = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', uid: 'd', generation: 2, annotations: { 'deployment.kubernetes.io/revision': '2' }, ...extra.metadata }, spec: { replicas: 1, ...extra.spec }, status: { observedGeneration: 2, ...status } }
}

const REPLICA_SET = { metadata: { uid: 'rs', annotations: { 'deployment.kubernetes.io/revision': '2' }, ownerReferences: [{ uid: 'd', controller: true }] } }
const AVAILABLE = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 }
const MISSING = { replicas: 1, updatedReplicas: 1, availableReplicas: 0 }

function children(...pods: object[]): Children {
  return { pods, replicaSets: [REPLICA_SET] } as unknown as Children
}

function event(reason: string, message: string, first: number, last = first, uid = 'x-1'): KubeEvent {
  return { metadata: {}, involvedObject: { uid }, reason, message, firstTimestamp: at(first), lastTimestamp: at(last) } as KubeEvent
}

const OOM = { terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: at(700) } }

describe('a container that was killed for memory', () => {
  it('and has been ready since is well', () => {
    expect(assess(deployment(AVAILABLE), children(pod({ lastState: OOM })), [], NOW)).toMatchObject({ state: 'current' })
  })
  it.each([
    ['and has just started again', { lastState: OOM, state: { running: { startedAt: at(10) } } }],
    ['and is not ready', { lastState: OOM, ready: false }],
  ])('%s is doomed', (_name, options) => {
    expect(assess(deployment(MISSING), children(pod(options)), [], NOW)).toMatchObject({ state: 'doomed', reason: 'OOMKilled' })
  })
})

describe('a pod that its node gave up', () => {
  it.each(['OutOfcpu', 'OutOfmemory', 'NodeShutdown', 'NodeAffinity', 'Evicted', 'UnexpectedAdmissionError', undefined])('%s says nothing while enough others are available', (reason) => {
    const gone = pod({ name: 'x-0', ready: false, status: { phase: 'Failed', reason, containerStatuses: [] } })
    expect(assess(deployment(AVAILABLE), children(gone, pod()), [], NOW)).toMatchObject({ state: 'current' })
  })
  it('is told while its successor is missing', () => {
    const gone = pod({ ready: false, status: { phase: 'Failed', reason: 'OutOfcpu', message: 'Node did not have enough resource: cpu', containerStatuses: [] } })
    expect(assess(deployment(MISSING), children(gone), [], NOW)).toMatchObject({ state: 'progressing', message: expect.stringMatching(/OutOfcpu: Node did not/) })
  })
})

describe('a mount that failed', () => {
  const failed = event('FailedMount', 'MountVolume.SetUp failed for volume "db" : secret "db" not found', 100, 60)
  const creating = { ready: false, state: { waiting: { reason: 'ContainerCreating' } } }
  it('and fails still is doomed', () => {
    expect(assess(deployment(MISSING), children(pod(creating)), [failed], NOW)).toMatchObject({ state: 'doomed', reason: 'FailedMount' })
  })
  it.each([
    ['is over once the kubelet pulls the image', [failed, event('Pulling', 'Pulling image "x"', 30)], creating],
    ['is over once the image could not be pulled, for which the registry is at fault', [failed], { ready: false, state: { waiting: { reason: 'ErrImagePull', message: 'dial tcp: i/o timeout' } }, age: 20 }],
    ['is over once an init container has run', [failed], { ...creating, status: { phase: 'Pending', initContainerStatuses: [{ name: 'i', state: { terminated: { exitCode: 0 } }, restartCount: 0 }] } }],
  ])('%s', (_name, events, options) => {
    expect(assess(deployment(MISSING), children(pod(options)), events, NOW)).toMatchObject({ state: 'progressing' })
  })
})

describe('a registry that does not answer', () => {
  const waiting = (message: string): PodOptions => ({ ready: false, state: { waiting: { reason: 'ImagePullBackOff', message } }, age: 300 })
  it('has its grace from its first failure on, however old the pod is', () => {
    const events = [event('Failed', 'Failed to pull image "x": dial tcp: i/o timeout', 60)]
    const message = 'Back-off pulling image "x": ErrImagePull: dial tcp: i/o timeout'
    expect(assess(deployment(MISSING), children(pod(waiting(message))), events, NOW)).toMatchObject({ state: 'progressing' })
    expect(assess(deployment(MISSING), children(pod(waiting(message))), events, NOW + 30_000)).toMatchObject({ state: 'doomed' })
  })
  it('is known by its event when the back-off does not say why', () => {
    expect(assess(deployment(MISSING), children(pod(waiting('Back-off pulling image "x"'))), [event('Failed', 'Failed to pull image "x": not found', 5)], NOW)).toMatchObject({ state: 'doomed', message: expect.stringMatching(/not found/) })
    expect(assess(deployment(MISSING), children(pod(waiting('Back-off pulling image "x"'))), [event('Failed', 'Failed to pull image "x": i/o timeout', 5)], NOW)).toMatchObject({ state: 'progressing' })
  })
})

describe('a pod without a node', () => {
  const unscheduled = pod({ ready: false, age: 300, status: { phase: 'Pending', containerStatuses: [], conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.', lastTransitionTime: at(300) }] } })
  it('is doomed when nothing comes', () => {
    expect(assess(deployment(MISSING), children(unscheduled), [], NOW)).toMatchObject({ state: 'doomed', reason: 'Unschedulable' })
  })
  it.each(['TriggeredScaleUp', 'Nominated'])('waits for the node that an autoscaler has ordered (%s)', (reason) => {
    expect(assess(deployment(MISSING), children(unscheduled), [event(reason, 'pod triggered scale-up', 290)], NOW)).toMatchObject({ state: 'progressing', message: expect.stringMatching(/triggered scale-up/) })
  })
})

describe('ProgressDeadlineExceeded', () => {
  const exceeded = (secondsAgo: number): KubeObject => deployment({ ...MISSING, conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', lastUpdateTime: at(secondsAgo), message: 'has timed out' }] })
  const judge = (secondsAgo: number, since: number): string => assess(exceeded(secondsAgo), children(pod({ ready: false, state: { running: { startedAt: at(1) } } })), [], NOW, 2, { since, policy: STANDARD_POLICY }).state
  it.each([
    ['of this rollout is a verdict', 1, NOW - 30_000, 'doomed'],
    ['left over from the rollout before is none, though the controller has seen the new generation', 10, NOW - 5_000, 'progressing'],
    ['of the second of the write is left over', 5, NOW - 5_000, 'progressing'],
    ['of an object that this run did not write is a verdict', 600, 0, 'doomed'],
  ])('%s', (_name, secondsAgo, since, state) => {
    expect(judge(secondsAgo, since)).toBe(state)
  })
})

describe('a workload without replicas', () => {
  const zero = (manager?: string): KubeObject => deployment({ replicas: 0 }, { spec: { replicas: 0 }, metadata: manager === undefined ? {} : { managedFields: [{ manager, operation: 'Update', subresource: 'scale', time: at(60), fieldsV1: { 'f:spec': { 'f:replicas': {} } } }] } })
  it('was taken away when somebody else scaled it', () => {
    expect(assess(zero('kubectl'), children(), [], NOW)).toMatchObject({ state: 'doomed', reason: 'ScaledToZero', message: expect.stringMatching(/by kubectl on 2026-01-01T11:59/) })
  })
  it.each([['we', 'todo-chat-deploy'], ['an autoscaler', 'kube-controller-manager'], ['nobody who is known', undefined]])('is as desired when %s asked for it', (_name, manager) => {
    expect(assess(zero(manager), children(), [], NOW)).toMatchObject({ state: 'current' })
  })
})

describe('an old pod on a node that does not answer', () => {
  const counts = (endedAgo: number): number | undefined => {
    const old = { metadata: { uid: 'old', annotations: { 'deployment.kubernetes.io/revision': '1' }, ownerReferences: [{ uid: 'd' }] } }
    const all = { pods: [pod(), pod({ owner: 'old', name: 'x-0', deletionTimestamp: at(endedAgo) })], replicaSets: [REPLICA_SET, old] } as unknown as Children
    return ruleOf(deployment(AVAILABLE)).counts?.(deployment(AVAILABLE), all, NOW, STANDARD_POLICY).old
  }
  it('counts as old while it ends, and no more half a minute after its grace', () => {
    expect([counts(-10), counts(29), counts(30)]).toEqual([1, 1, 0])
  })
})

describe('an ordered StatefulSet', () => {
  const set = (spec: object = {}, status: object = {}): KubeObject => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'x', uid: 'rs', generation: 3 }, spec: { replicas: 1, ...spec }, status: { observedGeneration: 3, updateRevision: 'good', ...status } })
  const stuck = { name: 'x-0', ready: false, labels: { 'controller-revision-hash': 'bad' }, state: { waiting: { reason: 'ErrImagePull', message: 'not found' } }, age: 5 }
  const names = (object: KubeObject, options: PodOptions): (string | undefined)[] => stuckPods(object, children(pod(options)), [], NOW, STANDARD_POLICY).map(({ metadata }) => metadata?.name)
  it('is blocked by a pod of the bad revision that will not be ready', () => {
    expect(names(set(), stuck)).toEqual(['x-0'])
    expect(names(set(), { ...stuck, state: { running: {} }, age: 20 })).toEqual(['x-0'])
  })
  it.each([
    ['a pod that may yet be ready', set(), { ...stuck, state: { running: {} }, age: 19 }],
    ['a pod that is ready: the controller replaces it', set(), { ...stuck, ready: true }],
    ['a pod that ends already', set(), { ...stuck, deletionTimestamp: at(1) }],
    ['a pod of the good revision', set(), { ...stuck, labels: { 'controller-revision-hash': 'good' } }],
    ['a change that the controller has not seen', set({}, { observedGeneration: 2 }), stuck],
    ['pods that start in parallel', set({ podManagementPolicy: 'Parallel' }), stuck],
    ['pods that people replace', set({ updateStrategy: { type: 'OnDelete' } }), stuck],
    ['a pod below the partition', set({ updateStrategy: { rollingUpdate: { partition: 1 } } }), stuck],
  ])('is not blocked by %s', (_name, object, options) => {
    expect(names(object, options)).toEqual([])
  })
})
