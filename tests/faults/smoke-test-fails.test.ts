import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, record } from './_bench.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('an application that is ready and answers wrongly', () => {
  it('is caught by the question that it answers wrongly', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'backend').containers[0]['env'] = [{ name: 'TODO_AGENT_URL', value: 'http://127.0.0.1:9' }]
      }),
    )
    expect(ran.report.result, ran.stderr).toBe('rolled-back')
    expect(ran.exitCode).toBe(1)
    expect(ran.report.failure).toMatchObject({ phase: 'verify', message: expect.stringMatching(/information from a pod: the backend says that its agent is unreachable/) })
    expect(ran.report.rollback).toMatchObject({ succeeded: true })
    record('smoke test fails', ran)
  })
})
