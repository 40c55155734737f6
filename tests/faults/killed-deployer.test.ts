import { beforeEach, describe, expect, it } from 'vitest'
import { Bench, podSpec, record } from './_bench.ts'

const bench = new Bench()

beforeEach(() => bench.good())

describe('a deployer that is killed', () => {
  it.each(['lock', 'plan', 'backup', 'migration', 'mcp', 'verify'])('in phase %s wedges nothing: the next run takes over and finishes', async (phase) => {
    const objects = await bench.release((objects) => {
      podSpec(objects, 'migrate').containers[0]['env'] = [{ name: 'CHANGED', value: phase }]
      podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'CHANGED', value: phase }]
    })
    const killed = await bench.deploy(objects, {
      onLine(line, child) {
        if (line.startsWith(`▸ ${phase}`)) child.kill('SIGKILL')
      },
    })
    expect(killed.exitCode, killed.stderr).toBe(null)
    expect(killed.stderr.split('\n').filter((line) => line.startsWith('▸')).at(-1)).toMatch(new RegExp(`^▸ ${phase}`))
    const next = await bench.deploy(objects)
    expect(next.report.result, next.stderr).toBe('succeeded')
    expect(next.exitCode).toBe(0)
    record(`deployer killed in phase ${phase}, next run`, next)
  })
})
