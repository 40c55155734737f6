import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { Bench, NAMESPACE, podSpec, record, runsPython } from './_bench.ts'
import { applyAs } from './_kubectl.ts'

const bench = new Bench()
const OUTSIDE = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'outside', namespace: NAMESPACE }, data: { mode: 'on' } }

/** The agent needs a ConfigMap that is not of the release. */
function needsOutside(objects: KubeObject[]): void {
  const [container] = podSpec(objects, 'agent').containers
  container['env'] = [...((container['env'] ?? []) as object[]), { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'outside', key: 'mode' } } }]
}

/** Takes it away, and with it every pod of the agent at its next start. */
async function breakAgent(): Promise<void> {
  const cluster = await bench.cluster()
  await cluster.remove({ apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'outside' })
  const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, NAMESPACE)
  for (const { metadata } of pods.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === 'agent')) {
    await cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace: NAMESPACE, name: metadata.name })
  }
  for (let second = 0; second < 60; second += 1) {
    if ((await bench.run(['status'])).stdout.includes('CreateContainerConfigError')) return
  }
  throw new Error('the agent does not break')
}

beforeAll(() => bench.good())
afterAll(async () => {
  await applyAs(bench.kubeconfig, 'test', OUTSIDE)
  await bench.good()
  await (await bench.cluster()).remove({ apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'outside' })
})

describe('an agent that was broken before, and a bad backend', () => {
  it('the backend goes back; the agent is named and not judged', async () => {
    await applyAs(bench.kubeconfig, 'test', OUTSIDE)
    const before = await bench.deploy(await bench.release(needsOutside))
    expect(before.report.result, before.stderr).toBe('succeeded')
    await breakAgent()
    const ran = await bench.deploy(
      await bench.release((objects) => {
        needsOutside(objects)
        runsPython(podSpec(objects, 'backend'), 'import sys; sys.exit(1)')
      }),
    )
    expect(ran.report.result, ran.stderr).toBe('rolled-back')
    expect(ran.exitCode).toBe(1)
    expect(ran.report.failure?.diagnosis).toMatchObject({ ref: { name: 'backend' }, reason: 'CrashLoopBackOff' })
    expect(ran.report.notes.join('\n')).toMatch(/Deployment agent is not healthy, and this release did not touch it/)
    record('agent broken before, then a bad backend', ran)
  })
})
