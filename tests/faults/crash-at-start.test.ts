import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, runsPython } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a process that ends at its start', () => {
  it('is told with its last words, without the secrets in them', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        runsPython(podSpec(objects, 'mcp'), 'import sys; print("cannot start: password=hunter2hunter2", flush=True); sys.exit(3)')
      }),
    )
    expectRolledBack('crash at start', ran, { name: 'mcp', reason: 'CrashLoopBackOff', message: /exit code 3/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
    const logs = ran.report.failure?.diagnosis?.pods.flatMap(({ containers }) => containers.flatMap(({ log, previousLog }) => [log, previousLog]))
    expect(logs).toContain('cannot start: password=***')
    expect(ran.stdout + ran.stderr).not.toContain('hunter2')
  })
})
