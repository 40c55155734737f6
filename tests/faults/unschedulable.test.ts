import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a pod that fits no node', () => {
  it("is told with the scheduler's reason, after a grace for autoscalers", async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'mcp')['nodeSelector'] = { 'example.com/no-such-node': 'true' }
      }),
    )
    expectRolledBack('unschedulable', ran, { name: 'mcp', reason: 'Unschedulable', message: /didn't match Pod's node affinity/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
