import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, runsPython, specOf } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a migration that fails', () => {
  it('keeps every workload as it was', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        runsPython(podSpec(objects, 'migrate'), 'import sys; print("column already exists", flush=True); sys.exit(1)')
        specOf(objects, 'Job', 'migrate')['backoffLimit'] = 0
        podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'CHANGED', value: 'yes' }]
      }),
    )
    expectRolledBack('failing migration', ran, { kind: 'Job', name: 'migrate', reason: 'BackoffLimitExceeded', message: /exit code 1/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
    const phases = ran.report.timeline.phases.map(({ name }) => name)
    expect(phases.slice(0, phases.indexOf('rollback'))).not.toContain('mcp')
    expect(ran.report.notes).toContainEqual(expect.stringMatching(/^backup before the migration: backup: \/backup\//))
  })
})
