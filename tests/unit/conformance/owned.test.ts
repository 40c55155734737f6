/** What the same release may leave changed: only what others own. */
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { autoscaled, owned } from '../../conformance/owned.ts'

const rendered = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'backend', annotations: { 'app.kubernetes.io/set-by-us': 'yes' } }, spec: { template: { image: 'backend:1' } } } as unknown as KubeObject
const hpa = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'any' }, spec: { scaleTargetRef: { kind: 'Deployment', name: 'backend' } } } as unknown as KubeObject

type Parts = { replicas?: number; image?: string; uid?: string; resourceVersion?: string; generation?: number; annotations?: Record<string, string>; available?: number }

function live({ replicas = 2, image = 'backend:1', uid = 'a', resourceVersion = '1', generation = 1, annotations = {}, available = 2 }: Parts = {}): KubeObject {
  const metadata = { name: 'backend', uid, resourceVersion, generation, labels: { tier: 'backend' }, annotations: { 'app.kubernetes.io/set-by-us': 'yes', ...annotations }, managedFields: [{ time: resourceVersion }] }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas, template: { image } }, status: { available } } as unknown as KubeObject
}

const text = (object: KubeObject | undefined, scaled = autoscaled([rendered, hpa])): string => owned(object, rendered, scaled)

describe('what a release owns', () => {
  it.each([
    ['the autoscaler changes the replicas', { replicas: 3, generation: 2 }],
    ['the status moves', { available: 1, resourceVersion: '2' }],
    ['a controller writes an annotation', { annotations: { 'deployment.kubernetes.io/revision': '2' } }],
  ])('is the same when %s', (_, change) => expect(text(live(change))).toBe(text(live())))

  it.each([
    ['the image', { image: 'backend:2' }],
    ['an annotation of the release', { annotations: { 'app.kubernetes.io/set-by-us': 'no' } }],
    ['an annotation of a person', { annotations: { 'example.org/note': 'x' } }],
    ['the object itself, deleted and made again', { uid: 'b' }],
  ])('differs when somebody changes %s', (_, change) => expect(text(live(change))).not.toBe(text(live())))

  it('has the replicas where no autoscaler decides them', () => {
    expect(text(live({ replicas: 3 }), autoscaled([rendered]))).not.toBe(text(live(), autoscaled([rendered])))
  })

  it('differs when the object is gone', () => expect(text(undefined)).not.toBe(text(live())))

  it('does not depend on the order of labels and annotations', () => {
    expect(text(live({ annotations: { 'b.org/x': '1', 'a.org/x': '2' } }))).toBe(text(live({ annotations: { 'a.org/x': '2', 'b.org/x': '1' } })))
  })
})
