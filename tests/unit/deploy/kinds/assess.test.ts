import { describe, expect, it } from 'vitest'
import type { Children, KubeEvent } from '../../../../deploy/src/kinds/assessment.ts'
import { assess } from '../../../../deploy/src/kinds/index.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { fixture } from './_fixture.ts'

/** What is said about objects captured from a cluster. One row per file of tests/fixtures/objects. */
const CASES: readonly [file: string, state: string, reason: string, message: RegExp][] = [
  ['deployment/pod-security-violation', 'doomed', 'FailedCreate', /violates PodSecurity.*does not admit/],
  ['deployment/quota-exceeded', 'doomed', 'FailedCreate', /exceeded quota: small/],
  ['statefulset/quota-exceeded', 'doomed', 'FailedCreate', /exceeded quota: small/],
  ['persistentvolumeclaim/waits-for-first-consumer', 'current', 'WaitForFirstConsumer', /first pod/],
  ['persistentvolumeclaim/no-storage-class', 'doomed', 'NoStorageClass', /does-not-exist does not exist/],
  ['service/load-balancer-pending', 'progressing', 'NoLoadBalancer', /no address/],
  ['service/cluster-ip', 'current', 'Current', /exists/],
  ['ingress/no-address', 'current', 'Current', /no address published/],
  ['horizontalpodautoscaler/no-metrics', 'current', 'FailedGetResourceMetric', /does not scale/],
]

describe('captured objects are judged by their kind', () => {
  it.each(CASES)('%s is %s (%s)', (file, state, reason, message) => {
    const { object, children, events, now } = fixture(file)
    // The quota's grace is over by then.
    expect(assess(object, children, events, now + 30_000)).toMatchObject({ state, reason, message: expect.stringMatching(message) })
  })
})

describe('quota', () => {
  const { object, children, events } = fixture('statefulset/quota-exceeded')
  const first = Date.parse(events[0]?.firstTimestamp ?? '')

  it('is given 30 s: an ending pod may free what is missing', () => {
    expect(assess(object, children, events, first + 29_999)).toMatchObject({ state: 'progressing' })
    expect(assess(object, children, events, first + 30_000)).toMatchObject({ state: 'doomed' })
  })
})

describe('a claim, to a deployer that may not list StorageClasses', () => {
  const known = fixture('persistentvolumeclaim/waits-for-first-consumer')
  const { storageClasses: _unseen, ...children } = known.children
  const event = { metadata: {}, involvedObject: { uid: known.object.metadata.uid }, reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' } as KubeEvent

  it('is not blamed for a class that was not seen', () => {
    expect(assess(known.object, children, [], known.now)).toMatchObject({ state: 'progressing', reason: 'Pending' })
  })

  it('is current once the volume controller says that it waits for a pod', () => {
    expect(assess(known.object, children, [event], known.now)).toMatchObject({ state: 'current', reason: 'WaitForFirstConsumer' })
  })
})

describe('before the rule of the kind', () => {
  const { object, children, events, now } = fixture('ingress/no-address')

  it('an object that is being deleted is not current', () => {
    const deleted = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    expect(assess(deleted, children, events, now)).toMatchObject({ state: 'progressing', reason: 'Terminating' })
  })

  it('an answer older than the write is stale', () => {
    expect(assess({ ...object, metadata: { ...object.metadata, generation: 1 } }, children, events, now, 2)).toMatchObject({ state: 'progressing', reason: 'Stale' })
  })

  it('a generation that the controller has not seen is not judged', () => {
    const unseen = { ...object, metadata: { ...object.metadata, generation: 3 }, status: { observedGeneration: 2 } }
    expect(assess(unseen, children, events, now)).toMatchObject({ state: 'progressing', reason: 'NotObserved' })
  })
})

describe('a Job', () => {
  const uid = 'a7c0'
  const job = (spec: object = {}, conditions: object[] = []): KubeObject => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate', namespace: 'ns', uid, generation: 1 }, spec, status: { conditions } })
  const pod = (phase: string): object => ({ metadata: { name: `migrate-${phase}`, ownerReferences: [{ uid, controller: true }] }, status: { phase } })
  it.each([
    ['whose pod has succeeded is done before the controller says that it is complete', job(), ['Succeeded'], 'current'],
    ['whose pod runs is not', job(), ['Running'], 'progressing'],
    ['whose second try has succeeded is done', job(), ['Failed', 'Succeeded'], 'current'],
    ['that wants two pods to succeed is not done after one', job({ completions: 2 }), ['Succeeded', 'Running'], 'progressing'],
    ['that the controller calls failed has failed', job({ completions: 2 }, [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }]), ['Succeeded', 'Failed'], 'doomed'],
    ['without a pod has not begun', job(), [], 'progressing'],
  ])('%s', (_name, object, phases, state) => {
    const children = { replicaSets: [], pods: phases.map(pod) } as unknown as Children
    expect(assess(object, children, [], 0)).toMatchObject({ state })
  })
})
