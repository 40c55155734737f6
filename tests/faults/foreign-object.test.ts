import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, NAMESPACE, record } from './_bench.ts'
import { applyAs } from './_kubectl.ts'

const bench = new Bench()
const THEIRS = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared-name', namespace: NAMESPACE }, data: { owner: 'them' } }

beforeAll(() => bench.good())
afterAll(async () => (await bench.cluster()).remove({ apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'shared-name' }))

describe('an object of our name that somebody else made', () => {
  it('is named with its maker before anything is changed, and keeps its content', async () => {
    await applyAs(bench.kubeconfig, 'them', THEIRS)
    const objects = await bench.release((objects) => {
      objects.push({ ...THEIRS, data: { owner: 'us' } })
    })
    const refused = await bench.deploy(objects)
    expect(refused.exitCode, refused.stderr).toBe(1)
    expect(refused.stderr).toMatch(/nothing was changed/)
    expect(refused.stderr).toMatch(/ConfigMap shared-name exists already and was made by them/)
    expect((await (await bench.cluster()).get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'shared-name' }))?.['data']).toEqual({ owner: 'them' })
    record('foreign object with our name', refused)
  })
})
