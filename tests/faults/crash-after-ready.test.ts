import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, runsPython } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a process that becomes ready and ends later', () => {
  it('is caught, whether it ends during the rollout or while the release settles', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        const program = "import os, runpy, threading; threading.Timer(14, os._exit, [7]).start(); runpy.run_module('todo_chat.entrypoints.mcp', run_name='__main__')"
        runsPython(podSpec(objects, 'mcp'), program)
      }),
      { args: ['--soak', '20s'] },
    )
    expectRolledBack('ready, then crash', ran, { name: 'mcp', reason: 'RestartedAfterReady', message: /restarted after it had become ready; last exit code 7/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
