import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { secretValues } from '../../deploy/src/rollout/rollback.ts'
import { Bench, NAMESPACE, podSpec } from './_bench.ts'
import { asServiceAccount } from './_identity.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('the service account deployer, whose Role is in the namespace only', () => {
  it('deploys, rolls back, and looks', async () => {
    await using deployer = await asServiceAccount(bench.kubeconfig, 'deployer')
    const objects = await bench.release((objects) => {
      podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'CHANGED', value: 'by the deployer' }]
    })
    const deployed = await bench.deploy(objects, deployer)
    expect(deployed.report.result, deployed.stderr).toBe('succeeded')
    expect(deployed.report.checks.filter(({ result }) => result !== 'passed')).toEqual([])
    const back = await bench.run(['rollback', '--ingress-url', bench.ingress, '--rate', '0', '--soak', '2s'], deployer)
    expect(back.report.result, back.stderr).toBe('succeeded')
    for (const command of ['plan', 'status', 'drift', 'history']) {
      const { exitCode, stderr } = await bench.run([command], deployer)
      expect(exitCode, `${command}: ${stderr}`).toBe(0)
    }
  })

  it('backs up, tries the backup out, and restores it only by force', async () => {
    await using deployer = await asServiceAccount(bench.kubeconfig, 'deployer')
    const folder = await mkdtemp(join(tmpdir(), 'backup-'))
    try {
      const file = join(folder, 'backup.tar')
      const made = await bench.run(['backup', '--out', file], deployer)
      expect(made.exitCode, made.stderr).toBe(0)
      const drill = await bench.run(['restore-drill', '--from', file], deployer)
      expect(drill.exitCode, drill.stderr).toBe(0)
      const refused = await bench.run(['restore', '--from', file], deployer)
      expect(refused.exitCode, refused.stderr).toBe(3)
      expect(refused.stderr).toMatch(/the database has \d+ rows; nothing was changed/)
      const forced = await bench.run(['restore', '--from', file, '--force'], deployer)
      expect(forced.exitCode, forced.stderr).toBe(0)
      const values = secretValues((await (await bench.cluster()).list({ apiVersion: 'v1', kind: 'Secret' }, NAMESPACE)).map((object) => ({ object, source: '' })))
      expect(values.length).toBeGreaterThan(5)
      for (const { stdout, stderr } of [made, drill, refused, forced]) {
        for (const value of values) expect((stdout + stderr).includes(value)).toBe(false)
      }
      const manifest = (ran: { stdout: string }): unknown => (JSON.parse(ran.stdout) as { manifest: unknown }).manifest
      expect(JSON.parse(forced.stdout)).toEqual(manifest(drill))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
