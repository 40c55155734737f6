import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, NAMESPACE, podSpec, record, runsPython } from './_bench.ts'

const bench = new Bench()

beforeAll(() => bench.good())
afterAll(() => bench.good())

async function change(value: string): Promise<ReturnType<Bench['deploy']>> {
  const objects = await bench.release((objects) => {
    podSpec(objects, 'frontend').containers[0]['env'] = [{ name: 'CHANGED', value }]
  })
  return bench.deploy(objects)
}

describe('a Lease that was deleted by hand', () => {
  it('does not stop the next deployment', async () => {
    await (await bench.cluster()).remove({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: NAMESPACE, name: 'todo-chat-deploy' })
    const ran = await change('lease')
    expect(ran.report.result, ran.stderr).toBe('succeeded')
    record('Lease deleted by hand', ran)
  })
})

describe('the values of a revision that was never written', () => {
  it('do not stop the next one', async () => {
    const history = JSON.parse((await bench.run(['history'])).stdout) as { revision: number }[]
    const name = `todo-chat-revision-${(history[0]?.revision ?? 0) + 1}`
    await (await bench.cluster()).create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE, labels: { 'todo-chat.dev/state': 'revision' } }, type: 'Opaque', data: { digest: 'AAAA', 'objects.json.gz': 'AAAA' } })
    const ran = await change('orphan')
    expect(ran.report.result, ran.stderr).toBe('succeeded')
    record('revision Secret without its record', ran)
  })
})

describe('a part that was killed for memory once and is ready since', () => {
  /** Too much memory at the first start of a pod, the server at the second. */
  const once = ['import os, sys', 'if not os.path.exists("/tmp/started"):', '  open("/tmp/started", "w").close()', '  hoard = [b"x" * (16 << 20) for _ in range(64)]', 'os.execvp("python3", ["python3", "-m", "todo_chat.entrypoints.mcp"])'].join('\n')

  it('does not fail an unchanged deployment, and a bad frontend is undone', async () => {
    const objects = await bench.release((objects) => runsPython(podSpec(objects, 'mcp'), once))
    await bench.deploy(objects, { args: ['--no-rollback'] })
    await new Promise((resolve) => setTimeout(resolve, 45_000))
    const status = await bench.run(['status'])
    expect(status.exitCode, status.stdout).toBe(0)
    const same = await bench.deploy(objects)
    expect(same.report.result, same.stderr).toBe('succeeded')
    expect((await bench.deploy(objects)).report.result).toBe('unchanged')
    const bad = await bench.deploy(
      await bench.release((objects) => {
        runsPython(podSpec(objects, 'mcp'), once)
        podSpec(objects, 'frontend').containers[0].image = 'todo-chat/frontend:does-not-exist'
      }),
    )
    expect(bad.report.result, bad.stderr).toBe('rolled-back')
    expect(bad.report.failure?.diagnosis).toMatchObject({ ref: { name: 'frontend' }, reason: 'ErrImagePull' })
    record('killed for memory once before, then a bad frontend', bad)
  })
})

describe('a migration whose image does not exist', () => {
  it('leaves no Job behind and the application healthy', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'migrate').containers[0].image = 'todo-chat/backend:does-not-exist'
      }),
    )
    expect(ran.report.result, ran.stderr).toBe('rolled-back')
    expect(ran.report.failure?.phase).toBe('migration')
    expect(await (await bench.cluster()).get({ apiVersion: 'batch/v1', kind: 'Job', namespace: NAMESPACE, name: 'migrate' })).toBeUndefined()
    expect((await bench.run(['status'])).exitCode).toBe(0)
    record('migration image not found', ran)
  })
})
