import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node'
import { loadKubeconfig } from '../../deploy/src/cluster/kubeconfig.ts'
import { Bench, NAMESPACE, record } from './_bench.ts'
import { applyAs } from './_kubectl.ts'

const bench = new Bench()
const BACKEND = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'backend', namespace: NAMESPACE } }

beforeAll(() => bench.good())
afterAll(() => bench.good())

/** Writes fields as `kubectl` does without server-side apply. */
async function patch(manager: string, body: object): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(loadKubeconfig(bench.kubeconfig))
  await api.patch({ ...BACKEND, ...body } as never, undefined, undefined, manager, undefined, PatchStrategy.StrategicMergePatch)
}

describe('a variable that somebody else has set', () => {
  it('is drift with manager and time, and status and deploy say so', async () => {
    await patch('kubectl-set', { spec: { template: { spec: { containers: [{ name: 'backend', env: [{ name: 'DEBUG_BY_HAND', value: '1' }] }] } } } })
    const drift = await bench.run(['drift'])
    expect(drift.exitCode, drift.stdout).toBe(2)
    expect(drift.stdout).toMatch(/env\[DEBUG_BY_HAND\]/)
    expect(drift.stdout).toMatch(/kubectl-set/)
    expect((await bench.run(['status'])).stdout).toMatch(/DEBUG_BY_HAND/)
    const ran = await bench.deploy(await bench.release())
    expect(ran.report.notes.join('\n'), ran.stderr).toMatch(/Deployment backend has fields that are not of this release: .*DEBUG_BY_HAND.* by kubectl-set on 20/)
    record('foreign set env', ran)
    await patch('kubectl-set', { spec: { template: { spec: { containers: [{ name: 'backend', env: [{ $patch: 'delete', name: 'DEBUG_BY_HAND' }] }] } } } })
  })
})

describe('a workload that was scaled to nothing', () => {
  it('is neither healthy nor unchanged, and is drift', async () => {
    const api = KubernetesObjectApi.makeApiClient(loadKubeconfig(bench.kubeconfig))
    const scale = (replicas: number) => api.patch({ ...BACKEND, spec: { replicas } } as never, undefined, undefined, 'kubectl', undefined, PatchStrategy.MergePatch)
    await scale(0)
    const status = await bench.run(['status'])
    expect(status.exitCode, status.stdout).toBe(1)
    expect(status.stdout).toMatch(/ScaledToZero/)
    expect((await bench.run(['drift'])).exitCode).toBe(2)
    const ran = await bench.deploy(await bench.release())
    expect(ran.exitCode, ran.stderr).toBe(1)
    record('scaled to 0 replicas', ran)
    await scale(1)
  })
})

describe('what is no longer wanted', () => {
  const REF = { apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'no-longer-wanted' }
  const more = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: REF.name, namespace: NAMESPACE }, data: {} }

  it('and is held by a finalizer stays in the inventory, and the release stands', async () => {
    await bench.deploy([...(await bench.release()), more])
    await applyAs(bench.kubeconfig, 'holder', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: REF.name, namespace: NAMESPACE, finalizers: ['example.org/hold'] } } as never)
    const ran = await bench.deploy(await bench.release())
    expect(ran.report.result, ran.stderr).toBe('succeeded')
    expect(ran.report.notes.join('\n')).toMatch(/ConfigMap no-longer-wanted is still there .* \(finalizers: example.org\/hold\)/)
    record('pruned object with a finalizer', ran)
    await applyAs(bench.kubeconfig, 'holder', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: REF.name, namespace: NAMESPACE } })
    expect(await (await bench.cluster()).get(REF)).toBeUndefined()
  })

  it('and whose deletion admission denies is told, and the release stands', async () => {
    const name = 'keeps-no-longer-wanted'
    const policy = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec: { matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['DELETE'] }] }, validations: [{ expression: "oldObject.metadata.name != 'no-longer-wanted'", message: 'kept by policy' }] } }
    const binding = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } }
    await bench.deploy([...(await bench.release()), more])
    try {
      await applyAs(bench.kubeconfig, 'test', policy)
      await applyAs(bench.kubeconfig, 'test', binding)
      // A policy takes a moment until it is enforced.
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      const ran = await bench.deploy(await bench.release())
      expect(ran.report.result, ran.stderr).toBe('succeeded')
      expect(ran.report.notes.join('\n')).toMatch(/ConfigMap no-longer-wanted was not removed: .*kept by policy/s)
      record('deletion denied by an admission policy', ran)
    } finally {
      const cluster = await bench.cluster()
      for (const { apiVersion, kind } of [binding, policy]) await cluster.remove({ apiVersion, kind, name })
    }
  })
})
