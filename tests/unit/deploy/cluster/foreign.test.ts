import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { drift } from '../../../../deploy/src/commands/drift.ts'
import { status, statusText } from '../../../../deploy/src/commands/status.ts'
import { foreignFields } from '../../../../deploy/src/cluster/foreign.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { driftText } from '../../../../deploy/src/report/plantext.ts'
import { NAMESPACE, Scene, deployment, release } from '../_release.ts'

const BACKEND = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'backend', namespace: NAMESPACE } }
const REF = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name: 'backend' }
const COLORS = pc.createColors(false)

const OURS = { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"backend"}': { '.': {}, 'f:name': {}, 'f:image': {} } } } } } }

function managed(manager: string, fieldsV1: object, extra: object = {}): KubeObject {
  return { ...BACKEND, metadata: { ...BACKEND.metadata, managedFields: [{ manager: 'todo-chat-deploy', operation: 'Apply', fieldsV1: OURS }, { manager, operation: 'Update', fieldsType: 'FieldsV1', fieldsV1, ...extra }] } }
}

/** As `kubectl set env` leaves it on a server. */
const SET_ENV = { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"backend"}': { 'f:env': { '.': {}, 'k:{"name":"DEBUG"}': { '.': {}, 'f:name': {}, 'f:value': {} } } } } } } } }

describe('fields of others', () => {
  it('are named by path, manager and time, an added item as a whole', () => {
    expect(foreignFields(managed('kubectl-set', SET_ENV, { time: '2026-01-01T00:00:00Z' }))).toEqual([{ manager: 'kubectl-set', time: '2026-01-01T00:00:00Z', fields: ['spec.template.spec.containers[backend].env[DEBUG]'] }])
  })
  it('beside ours in an item that others apply as well are told alone', () => {
    const applied = { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"backend"}': { '.': {}, 'f:name': {}, 'f:tty': {} } } } } } }
    expect(foreignFields(managed('helm', applied))).toEqual([{ manager: 'helm', fields: ['spec.template.spec.containers[backend].tty'] }])
  })
  it.each([
    ['status', managed('kubectl', { 'f:status': { 'f:replicas': {} } }, { subresource: 'status' })],
    ['labels of the object', managed('kubectl-label', { 'f:metadata': { 'f:labels': { 'f:x': {} } } })],
    ['a restart on request', managed('kubectl-rollout', { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { '.': {}, 'f:kubectl.kubernetes.io/restartedAt': {} } } } } })],
    ['controllers of the cluster', managed('kube-controller-manager', { 'f:spec': { 'f:volumeName': {} } })],
    ['us', managed('todo-chat-deploy', SET_ENV)],
  ])('are not those of %s', (_name, object) => {
    expect(foreignFields(object)).toEqual([])
  })
})

describe('a variable that somebody else has set', () => {
  const scene = async (): Promise<Scene> => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.applyAs('kubectl-set', { ...BACKEND, spec: { template: { spec: { containers: [{ name: 'backend', env: [{ name: 'DEBUG', value: '1' }] }] } } } })
    await scene.clock.sleep(20_000)
    return scene
  }
  it('is drift, with manager and time', async () => {
    const report = await drift((await scene()).context())
    expect(report.drifts).toEqual([expect.objectContaining({ kind: 'added', managers: ['kubectl-set'], since: expect.stringMatching(/^2026-01-01T00:/), changes: [{ path: 'spec.template.spec.containers[backend].env[DEBUG]' }] })])
    expect(driftText(1, report.drifts, COLORS)).toMatch(/\+ Deployment backend has more fields by kubectl-set on 2026-.*\[manifests\/backend.yaml\]\n {6}spec.template.spec.containers\[backend\].env\[DEBUG\]/)
  })
  it('is told by status and by a deployment', async () => {
    const running = await scene()
    expect(statusText(await status(running.context()))).toMatch(/! has more fields: spec.template.spec.containers\[backend\].env\[DEBUG\] by kubectl-set on/)
    const report = await running.deploy(release())
    expect(report.notes).toContainEqual(expect.stringMatching(/^Deployment backend has fields that are not of this release: .*DEBUG/))
  })
})

describe('a workload that was scaled to nothing', () => {
  /** An autoscaler keeps the number, so that the manifests have none. */
  const autoscaled = (): ReturnType<typeof release> =>
    release().map(({ object, source }) => ({ source, object: object.metadata.name === 'backend' && object.kind === 'Deployment' ? deployment('backend', 'todo-chat/backend:1', { replicas: undefined }) : object }))
  it('is not healthy, is drift, and is no "unchanged"', async () => {
    const scene = new Scene()
    const objects = autoscaled()
    for (const { object } of objects) if (object.metadata.name === 'backend') delete (object['spec'] as { replicas?: number }).replicas
    await scene.deploy(objects)
    scene.cluster.patch(REF, (object) => {
      ;(object['spec'] as { replicas?: number }).replicas = 0
      object.metadata.managedFields?.push({ manager: 'kubectl', operation: 'Update', subresource: 'scale', time: '2026-01-01T00:00:09Z', fieldsV1: { 'f:spec': { 'f:replicas': {} } } })
    })
    const found = await status(scene.context())
    expect(found.healthy).toBe(false)
    expect(statusText(found)).toMatch(/✗ Deployment backend .* was scaled to 0 replicas by kubectl on 2026-01-01T00:00:09Z: nothing runs/)
    expect((await drift(scene.context())).drifts).toEqual([expect.objectContaining({ kind: 'changed', managers: ['kubectl'], changes: [{ path: 'spec.replicas', before: 0 }] })])
    expect(await scene.deploy(objects)).toMatchObject({ result: 'failed', failure: { diagnosis: { reason: 'ScaledToZero', hint: expect.stringMatching(/kubectl scale/) } } })
  })
})
