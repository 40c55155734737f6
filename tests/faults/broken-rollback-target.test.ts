import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { Bench, NAMESPACE, podSpec, record, runsPython, specOf } from './_bench.ts'
import { applyAs } from './_kubectl.ts'

const bench = new Bench()
const OUTSIDE = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'outside', namespace: NAMESPACE }, data: { mode: 'on' } }

async function remove(): Promise<void> {
  await (await bench.cluster()).remove({ apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'outside' })
}

/** The good release needs a ConfigMap that is not its own, and replaces its pods at once. */
function needsOutside(objects: KubeObject[]): void {
  specOf(objects, 'Deployment', 'mcp')['strategy'] = { type: 'Recreate' }
  podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'outside', key: 'mode' } } }]
}

beforeAll(() => bench.good())
afterAll(async () => {
  await remove()
  await bench.good()
})

describe('a rollback target that is broken itself', () => {
  it('is not called rolled back: both failures are told', async () => {
    await applyAs(bench.kubeconfig, 'test', OUTSIDE)
    const before = await bench.deploy(await bench.release(needsOutside))
    expect(before.report.result, before.stderr).toBe('succeeded')
    await remove()
    const ran = await bench.deploy(
      await bench.release((objects) => {
        needsOutside(objects)
        podSpec(objects, 'mcp').containers[0]['env'] = []
        runsPython(podSpec(objects, 'mcp'), 'import sys; sys.exit(1)')
      }),
    )
    expect(ran.report.result, ran.stderr).toBe('rollback-failed')
    expect(ran.exitCode).toBe(1)
    expect(ran.report.failure?.diagnosis?.reason).toBe('CrashLoopBackOff')
    expect(ran.report.rollback).toMatchObject({ succeeded: false, failure: { diagnosis: { ref: { name: 'mcp' }, reason: 'CreateContainerConfigError' } } })
    record('rollback target itself broken', ran)
  })
})
