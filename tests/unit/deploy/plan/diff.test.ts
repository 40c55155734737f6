import { describe, expect, it } from 'vitest'
import { diff } from '../../../../deploy/src/plan/diff.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'

function deployment(containers: object[], metadata: object = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', ...metadata }, spec: { template: { spec: { containers } } } }
}

describe('diff', () => {
  it('names list items by their name, not by their place', () => {
    const before = deployment([{ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:1' }])
    const after = deployment([{ name: 'b', image: 'b:2' }, { name: 'a', image: 'a:1' }])
    expect(diff(before, after)).toEqual([{ path: 'spec.template.spec.containers[b].image', before: 'b:1', after: 'b:2' }])
  })

  it('tells added and removed fields by the missing side', () => {
    const changes = diff(deployment([{ name: 'a', image: 'a:1', tty: true }]), deployment([{ name: 'a', image: 'a:1', stdin: true }]))
    expect(changes).toEqual([
      { path: 'spec.template.spec.containers[a].stdin', after: true },
      { path: 'spec.template.spec.containers[a].tty', before: true },
    ])
  })

  it('leaves out what the server writes', () => {
    const before = deployment([], { resourceVersion: '1', generation: 1, managedFields: [], uid: 'u', annotations: { 'deployment.kubernetes.io/revision': '1' } })
    const after = deployment([], { resourceVersion: '2', generation: 2, managedFields: [{ manager: 'x' }], uid: 'u' })
    expect(diff({ ...before, status: { replicas: 1 } }, { ...after, status: { replicas: 2 } })).toEqual([])
  })

  it('quotes keys that are no identifiers', () => {
    const map = (value: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { 'nginx.conf': value } })
    expect(diff(map('a'), map('b'))).toEqual([{ path: 'data."nginx.conf"', before: 'a', after: 'b' }])
  })

  it('shows that a Secret changed and never how', () => {
    const secret = (data: Record<string, string>): KubeObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data })
    const changes = diff(secret({ password: 'b2xk' }), secret({ password: 'bmV3', key: 'YWRkZWQ=' }))
    expect(changes).toEqual([
      { path: 'data.key', after: '*** (after)' },
      { path: 'data.password', before: '*** (before)', after: '*** (after)' },
    ])
    expect(JSON.stringify(changes)).not.toMatch(/b2xk|bmV3|YWRkZWQ/)
  })

  it('tells an empty map from none', () => {
    const pod = (spec: object): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec })
    expect(diff(pod({}), pod({ emptyDir: {} }))).toEqual([{ path: 'spec.emptyDir', after: {} }])
  })

  it('adds everything of an object that does not exist', () => {
    expect(diff(undefined, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: '1' } }).map(({ path }) => path)).toEqual(['apiVersion', 'data.a', 'kind', 'metadata.name'])
  })
})
