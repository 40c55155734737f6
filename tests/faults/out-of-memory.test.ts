import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, runsPython } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a process that needs more memory than its limit', () => {
  it('is told as killed for memory', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        runsPython(podSpec(objects, 'mcp'), 'import time; hoard = bytearray(2 * 1024 ** 3); time.sleep(60)')
      }),
    )
    expectRolledBack('OOM kill', ran, { name: 'mcp', reason: 'OOMKilled', message: /memory limit/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
