import { beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { Bench, podSpec, record } from './_bench.ts'

const bench = new Bench()

beforeEach(() => bench.good())

/** A change in every wave that a release without a new database has. */
function everywhere(objects: readonly KubeObject[], value: string): void {
  for (const name of ['migrate', 'mcp', 'agent', 'backend', 'frontend']) {
    const [container] = podSpec(objects, name).containers
    container['env'] = [...((container['env'] as unknown[] | undefined) ?? []), { name: 'CHANGED', value }]
  }
  for (const { kind, metadata } of objects) {
    if (['NetworkPolicy', 'ConfigMap', 'Ingress'].includes(kind)) metadata.annotations = { ...metadata.annotations, 'todo-chat.dev/changed': value }
  }
}

/** Deploys until the line of a phase appears, and not a moment longer. */
async function killedIn(phase: string, objects: readonly KubeObject[]): Promise<void> {
  const killed = await bench.deploy(objects, {
    onLine(line, child) {
      if (line.startsWith(`▸ ${phase}`)) child.kill('SIGKILL')
    },
  })
  expect(killed.exitCode, killed.stderr).toBe(null)
  expect(killed.stderr.split('\n').filter((line) => line.startsWith('▸')).at(-1)).toMatch(new RegExp(`^▸ ${phase}`))
}

async function expectTakenOver(phase: string, objects: readonly KubeObject[]): Promise<void> {
  const next = await bench.deploy(objects)
  expect(next.report.result, next.stderr).toBe('succeeded')
  expect(next.exitCode).toBe(0)
  record(`deployer killed in phase ${phase}, next run`, next)
}

describe('a deployer that is killed', () => {
  it.each(['lock', 'plan', 'policies', 'configuration', 'backup', 'migration', 'mcp', 'agent', 'backend', 'frontend', 'exposure', 'verify'])('in phase %s wedges nothing: the next run takes over and finishes', async (phase) => {
    const objects = await bench.release((objects) => everywhere(objects, phase))
    await killedIn(phase, objects)
    await expectTakenOver(phase, objects)
  })

  it('while it rolls a broken release back: the next run puts a good one in place', async () => {
    await killedIn('rollback', await bench.release((objects) => void (podSpec(objects, 'mcp').containers[0].image = 'todo-chat/mcp:does-not-exist')))
    await expectTakenOver('rollback', await bench.release())
  })

  it('while it removes what is no longer wanted: the next run goes on', async () => {
    const more: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'no-longer-wanted', namespace: 'todo-chat-dev' }, data: {} }
    const placed = await bench.deploy([...(await bench.release()), more])
    expect(placed.report.result, placed.stderr).toBe('succeeded')
    const objects = await bench.release((objects) => everywhere(objects, 'prune'))
    await killedIn('prune', objects)
    await expectTakenOver('prune', objects)
    expect(await (await bench.cluster()).get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'todo-chat-dev', name: 'no-longer-wanted' })).toBeUndefined()
  })
})
