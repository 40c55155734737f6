import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, record } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()
/** From the verdict until the release before is back and verified, in ms. */
const LIMIT = 45_000

beforeAll(() => bench.good())

describe('a database image that does not exist', () => {
  const broken = () =>
    bench.release((objects) => {
      podSpec(objects, 'postgres').containers[0].image = 'todo-chat/database:does-not-exist'
    })

  it('is undone: the pod that an ordered StatefulSet waits for is removed', async () => {
    const ran = await bench.deploy(await broken())
    expectRolledBack('database image not found', ran, { kind: 'StatefulSet', name: 'postgres', reason: 'ErrImagePull', message: /todo-chat\/database:does-not-exist/ })
    expect(ran.report.rollback?.durationMs).toBeLessThan(LIMIT)
    expect((await bench.run(['status'])).exitCode).toBe(0)
  })

  it('that was left in place does not stop the good release', async () => {
    const left = await bench.deploy(await broken(), { args: ['--no-rollback'] })
    expect(left.report.result, left.stderr).toBe('failed')
    const mending = await bench.deploy(await bench.release())
    expect(mending.report.result, mending.stderr).toBe('succeeded')
    record('database stuck, then the good release', mending)
  })
})
