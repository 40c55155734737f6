import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, NAMESPACE, type Ran, podSpec, record, runsPython } from './_bench.ts'
import { applyAs } from './_kubectl.ts'

const bench = new Bench()
const SECRET = { apiVersion: 'v1', kind: 'Secret', namespace: NAMESPACE, name: 'todo-chat-jwt' }

beforeAll(() => bench.good())
afterAll(() => bench.good())

async function withSecrets(values: Record<string, string>, ...change: Parameters<Bench['release']>): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
  try {
    const file = join(folder, 'secrets.json')
    await writeFile(file, JSON.stringify(values))
    return await bench.deploy(await bench.release(...change), { args: ['--secrets-file', file] })
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('a new signing key', () => {
  it('reaches the pods that read it, and changes nothing when it is given again', async () => {
    const ran = await withSecrets({ 'jwt-key': 'a second signing key, long enough.' })
    expect(ran.report.result, ran.stderr).toBe('succeeded')
    expect(ran.report.checks.filter(({ result }) => result === 'passed').map(({ name }) => name)).toContain('chat adds a task with a tool')
    record('new signing key', ran)
    expect((await withSecrets({ 'jwt-key': 'a second signing key, long enough.' })).report.result).toBe('unchanged')
  })

  it('of a release that fails goes back with it, and the old one is asked for', async () => {
    const ran = await withSecrets({ 'jwt-key': 'a third signing key, long enough..' }, (objects) => runsPython(podSpec(objects, 'frontend'), 'import sys; sys.exit(1)'))
    expect(ran.report.result, ran.stderr).toBe('rolled-back')
    record('new signing key, and a bad frontend', ran)
  })
})

describe('a new password of a database role', () => {
  it('is refused by name, and nothing is changed', async () => {
    const ran = await withSecrets({ 'chat-password': 'quite-another-password' })
    expect(ran.exitCode, ran.stderr).toBe(3)
    expect(ran.stderr).toMatch(/the database keeps the password that it has.*\n.*key chat-password \(read by /)
    expect(ran.stderr).not.toContain('quite-another-password')
    expect((await bench.run(['drift'])).exitCode).toBe(0)
    record('new password of a database role', ran)
  })
})

describe('the Secret of the signing key, made again by another manager with our label', () => {
  it('is not pruned, and no question is skipped', async () => {
    const cluster = await bench.cluster()
    const ours = await cluster.get(SECRET)
    await cluster.remove(SECRET)
    await applyAs(bench.kubeconfig, 'external-secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET.name, namespace: NAMESPACE, labels: ours?.metadata.labels ?? {} }, data: ours?.['data'] })
    const theirs = await cluster.get(SECRET)
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'frontend').containers[0]['env'] = [{ name: 'CHANGED', value: '1' }]
      }),
    )
    expect(ran.report.result, ran.stderr).toBe('succeeded')
    expect((await cluster.get(SECRET))?.metadata.uid).toBe(theirs?.metadata.uid)
    expect(ran.report.checks.filter(({ result }) => result !== 'passed')).toEqual([])
    record('Secret made again by another manager', ran)
    await cluster.remove(SECRET)
  })
})
