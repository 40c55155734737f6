import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { WAVES, inOrder, waveOf } from '../../../../deploy/src/release/order.ts'
import { release } from '../_release.ts'

function object(kind: string, name: string, component?: string): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, ...(component === undefined ? {} : { labels: { 'app.kubernetes.io/name': component } }) } }
}

describe('order', () => {
  it.each([
    ['Namespace', 'todo-chat', undefined, 'namespace'],
    ['NetworkPolicy', 'backend', 'backend', 'policies'],
    ['ResourceQuota', 'todo-chat', undefined, 'policies'],
    ['ServiceAccount', 'backend', 'backend', 'policies'],
    ['Secret', 'todo-chat-jwt', undefined, 'configuration'],
    ['ConfigMap', 'backend-1', 'backend', 'configuration'],
    ['PersistentVolumeClaim', 'postgres-backup', 'backup', 'database'],
    ['StatefulSet', 'postgres', 'postgres', 'database'],
    ['Service', 'postgres', 'postgres', 'database'],
    ['CronJob', 'backup', 'backup', 'database'],
    ['Job', 'migrate', 'migrate', 'migration'],
    ['Deployment', 'mcp', 'mcp', 'mcp'],
    ['HorizontalPodAutoscaler', 'agent', 'agent', 'agent'],
    ['PodDisruptionBudget', 'backend', 'backend', 'backend'],
    ['Deployment', 'frontend', 'frontend', 'frontend'],
    ['Ingress', 'todo-chat', 'todo-chat', 'exposure'],
    ['Deployment', 'stranger', 'stranger', 'frontend'],
  ])('%s %s goes with its part %s: %s', (kind, name, component, wave) => {
    expect(waveOf(object(kind, name, component))).toBe(wave)
  })

  it('is the same whatever the order of the input', () => {
    const forward = inOrder(release())
    const backward = inOrder(release().reverse())
    expect(backward).toEqual(forward)
  })

  it('puts what others refer to first within a wave', () => {
    const kinds = ['HorizontalPodAutoscaler', 'Deployment', 'Service'].map((kind) => ({ object: object(kind, 'backend', 'backend'), source: '' }))
    expect(inOrder(kinds).map(({ object }) => object.kind)).toEqual(['Service', 'Deployment', 'HorizontalPodAutoscaler'])
  })

  it('migrates after the database and before whatever reads it', () => {
    for (const later of ['mcp', 'agent', 'backend', 'frontend'] as const) expect(WAVES.indexOf('migration')).toBeLessThan(WAVES.indexOf(later))
    expect(WAVES.indexOf('database')).toBeLessThan(WAVES.indexOf('migration'))
  })
})
