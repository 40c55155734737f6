import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, type Ran, podSpec, record } from './_bench.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('two deployers at once', () => {
  it('the second gives up with exit code 4 and names the first, which is not disturbed', async () => {
    const objects = await bench.release((objects) => {
      podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'CHANGED', value: 'first' }]
    })
    let second: Promise<Ran> | undefined
    const first = await bench.deploy(objects, {
      args: ['--who', 'the-first'],
      onLine(line) {
        if (line.startsWith('▸ mcp')) second ??= bench.deploy(objects, { args: ['--who', 'the-second', '--lock-wait', '2s'] })
      },
    })
    const refused = await second
    expect(first.report.result, first.stderr).toBe('succeeded')
    expect(refused?.exitCode, refused?.stderr).toBe(4)
    expect(refused?.stderr).toMatch(/the-first holds the lock/)
    if (refused) record('two deployers at once, the second', refused)
  })
})
