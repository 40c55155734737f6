import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, NAMESPACE, record } from './_bench.ts'
import { applyAs } from './_kubectl.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a field that another manager has taken', () => {
  it('is named with its owner before anything is changed; it is taken back only on purpose', async () => {
    await applyAs(bench.kubeconfig, 'somebody-else', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'mcp', namespace: NAMESPACE }, spec: { minReadySeconds: 7 } })
    const refused = await bench.deploy(await bench.release())
    expect(refused.exitCode, refused.stderr).toBe(1)
    expect(refused.stderr).toMatch(/nothing was changed/)
    expect(refused.stderr).toMatch(/Deployment mcp.*manifests\/base\/mcp|Deployment mcp: fields are owned/)
    expect(refused.stderr).toMatch(/spec\.minReadySeconds: owned by somebody-else/)
    record('field conflict', refused)

    const drift = await bench.run(['drift'])
    expect(drift.exitCode, drift.stderr).toBe(2)
    expect(drift.stdout).toMatch(/somebody-else/)

    const forced = await bench.deploy(await bench.release(), { args: ['--force-conflicts'] })
    expect(forced.report.result, forced.stderr).toBe('succeeded')
  })
})
