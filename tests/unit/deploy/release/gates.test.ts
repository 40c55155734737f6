import { describe, expect, it } from 'vitest'
import { type Environment, type Gate, type GateFacts, checkRendered, gateRefusals } from '../../../../deploy/src/release/gates.ts'
import { imagesOf, withImages } from '../../../../deploy/src/release/images.ts'
import type { RenderedObject } from '../../../../deploy/src/release/objects.ts'
import { NAMESPACE, release } from '../_release.ts'

const pinned = withImages(
  release(),
  Object.fromEntries(['backend', 'agent', 'mcp', 'frontend', 'database'].map((name, index) => [name, `r.example/${name}@sha256:${String(index + 1).repeat(64)}`])),
)
const [verified, older] = [imagesOf(pinned.map(({ object }) => object)), { backend: 'old:1' }]

function unsuspended(rendered: readonly RenderedObject[]): RenderedObject[] {
  return rendered.map(({ object, source }) => ({ object: object.kind === 'CronJob' ? { ...object, spec: { ...(object['spec'] as object), suspend: false } } : object, source }))
}

function facts(rendered: readonly RenderedObject[], rest: Partial<GateFacts> = {}): GateFacts {
  return { objects: rendered.map(({ object }) => object), commit: 'abc123', verified: [older, verified], ...rest }
}

const GOOD = facts(unsuspended(pinned))

/** The same with a database elsewhere: another image backs it up. */
const EXTERNAL = facts(withImages(unsuspended(pinned.filter(({ object }) => object.kind !== 'StatefulSet')), { database: `r.example/backup@sha256:${'9'.repeat(64)}` }))

const CASES: readonly [name: string, environment: Environment, facts: GateFacts, refusal: RegExp | undefined][] = [
  ['prod takes a clean, pinned, backed-up, verified release', 'prod', GOOD, undefined],
  ['prod refuses a dirty tree', 'prod', { ...GOOD, commit: 'abc123-dirty' }, /changes that are not in commit abc123 .*--allow dirty-tree/],
  ['prod refuses a tree of unknown state', 'prod', { ...GOOD, commit: undefined }, /not known/],
  ['prod refuses a mutable tag', 'prod', facts(unsuspended(release())), /without a digest: todo-chat\/database:1/],
  ['prod refuses a database without a backup', 'prod', facts(pinned), /no backup of the database is scheduled .*--allow no-backup/],
  ['prod refuses a database without any backup', 'prod', facts(pinned.filter(({ object }) => object.kind !== 'CronJob')), /no backup of the database is scheduled/],
  ['prod takes the backup of an external database, which staging has no use for', 'prod', EXTERNAL, undefined],
  ['prod refuses another backup image than the one that staging has run', 'prod', { ...EXTERNAL, verified: [{ ...imagesOf(EXTERNAL.objects), backup: `r.example/backup@sha256:${'f'.repeat(64)}` }] }, /has not verified backup/],
  ['prod refuses what staging has not run', 'prod', { ...GOOD, verified: undefined }, /--staging-kubeconfig or --verified-by/],
  ['prod refuses a digest that staging has not run', 'prod', { ...GOOD, verified: [{ ...verified, mcp: `r.example/mcp@sha256:${'f'.repeat(64)}` }] }, /has not verified mcp/],
  ['prod refuses digests that staging has verified only apart', 'prod', { ...GOOD, verified: [{ ...verified, mcp: 'x' }, { ...verified, agent: 'x' }] }, /has not verified/],
  ['prod takes the same digest from another registry', 'prod', { ...GOOD, verified: [{ ...verified, mcp: `other.example/mcp@sha256:${'3'.repeat(64)}` }] }, undefined],
  ['staging refuses a mutable tag', 'staging', facts(release()), /mutable-tag/],
  ['staging takes a dirty tree', 'staging', facts(pinned, { commit: 'x-dirty', verified: undefined }), undefined],
  ['prod refuses what nobody signed who may', 'prod', { ...GOOD, unsigned: ['mcp is not signed', 'agent is signed by somebody else'] }, /those who may sign: mcp is not signed; agent is signed by somebody else {2}\[--allow unsigned\]/],
  ['dev refuses it too', 'dev', { ...GOOD, unsigned: ['mcp is not signed'] }, /--allow unsigned/],
  ['prod takes what is signed', 'prod', { ...GOOD, unsigned: [] }, undefined],
  ['dev takes what it is given', 'dev', facts(release(), { commit: undefined, verified: undefined }), undefined],
]

describe('gates', () => {
  it.each(CASES)('%s', (_name, environment, given, refusal) => {
    const refusals = gateRefusals(environment, given, new Set()).join('\n')
    if (refusal === undefined) expect(refusals).toBe('')
    else expect(refusals).toMatch(refusal)
  })

  it.each(['dirty-tree', 'mutable-tag', 'no-backup', 'unverified', 'unsigned'] as const)('%s is lifted by name, and only it', (gate: Gate) => {
    const bad = facts(release(), { commit: undefined, verified: undefined, unsigned: ['mcp is not signed'] })
    const allowed = new Set<Gate>([gate])
    expect(gateRefusals('prod', bad, new Set())).toHaveLength(5)
    const left = gateRefusals('prod', bad, allowed)
    expect(left).toHaveLength(4)
    expect(left.join('\n')).not.toMatch(new RegExp(`--allow ${gate}\\]`))
  })

  it('says nothing of an image that was not given: that is missing, not refused', () => {
    const placeholders = withImages(release(), Object.fromEntries(['backend', 'agent', 'mcp', 'frontend', 'database'].map((name) => [name, `todo-chat/${name}@sha256:${'0'.repeat(64)}`])))
    expect(gateRefusals('prod', facts(unsuspended(placeholders)), new Set())).toEqual([])
  })
})

describe('checkRendered', () => {
  it('refuses an empty render', () => {
    expect(() => checkRendered([], NAMESPACE)).toThrow(/nothing was rendered/)
  })

  it('refuses another namespace, naming object and source', () => {
    expect(() => checkRendered(release(), 'todo-chat-prod')).toThrow(/Namespace todo-chat-dev is for namespace todo-chat-dev, but this environment is todo-chat-prod \(manifests\/todo-chat-dev.yaml\)/)
  })

  it('refuses a Secret in the manifests', () => {
    const secret = { object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: NAMESPACE } }, source: 'x.yaml' }
    expect(() => checkRendered([secret], NAMESPACE)).toThrow(/secret values do not belong into manifests/)
  })
  it('refuses an object without a namespace, naming object and source', () => {
    const bare = { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }, source: 'x.yaml' }
    expect(() => checkRendered([...release(), bare], NAMESPACE)).toThrow(/ConfigMap x has no namespace, .*\(x.yaml\)/)
  })

  it('takes objects that belong to no namespace', () => {
    const cluster = { object: { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'x' } }, source: 'x.yaml' }
    expect(() => checkRendered([...release(), cluster], NAMESPACE)).not.toThrow()
  })

  it('refuses everything that is said twice, at once, with object, field and source', () => {
    const again = { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'environment', namespace: NAMESPACE } }, source: 'again.yaml' }
    const container = { name: 'x', image: 'x', env: [{ name: 'A', value: '1' }, { name: 'B', value: '1' }, { name: 'A', value: '2' }], ports: [{ containerPort: 1 }, { containerPort: 1, protocol: 'UDP' }, { containerPort: 1, protocol: 'TCP' }] }
    const pods = { object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', namespace: NAMESPACE }, spec: { template: { spec: { containers: [container] } } } }, source: 'x.yaml' }
    const refusal = (): void => checkRendered([...release(), again, pods], NAMESPACE)
    expect(refusal).toThrow(/ConfigMap environment is in manifests\/environment.yaml and in again.yaml/)
    expect(refusal).toThrow(/Deployment x: field containers\[x\].env has name A twice \(x.yaml\)/)
    expect(refusal).toThrow(/Deployment x: field containers\[x\].ports has containerPort 1 twice \(x.yaml\)$/)
  })
})
