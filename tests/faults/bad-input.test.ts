import { beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { Bench, NAMESPACE, type RunOptions, podSpec, record, specOf } from './_bench.ts'
import { asServiceAccount, withToken } from './_identity.ts'

const bench = new Bench()

beforeAll(() => bench.good())

/** Versions of everything that a release may change. */
async function versions(): Promise<(string | undefined)[]> {
  const cluster = await bench.cluster()
  const kinds = [['apps/v1', 'Deployment'], ['apps/v1', 'StatefulSet'], ['batch/v1', 'Job'], ['v1', 'ConfigMap'], ['v1', 'Secret'], ['v1', 'Service']] as const
  const lists = await Promise.all(kinds.map(([apiVersion, kind]) => cluster.list({ apiVersion, kind }, NAMESPACE)))
  return lists.flat().map(({ metadata: { name, uid, generation } }) => [name, uid, generation].join('/')).sort()
}

async function expectRefused(what: string, objects: readonly KubeObject[], options: RunOptions, message: RegExp): Promise<void> {
  const before = await versions()
  const ran = await bench.deploy(objects, options)
  expect(ran.stderr).toMatch(message)
  expect(ran.stderr).not.toMatch(/\n {4}at /)
  expect(ran.exitCode).toBe(3)
  expect(await versions()).toEqual(before)
  record(what, ran)
}

describe('bad input changes nothing', () => {
  it('an invalid manifest is named with file and field', async () => {
    const objects = await bench.release((objects) => {
      specOf(objects, 'Deployment', 'mcp')['replicsa'] = 2
    })
    await expectRefused('invalid manifest: unknown field', objects, {}, /Deployment mcp: a field does not fit the schema {2}\[.*objects\.yaml#\d+\]\n {4}spec\.replicsa: field not declared in schema/)
  })

  it('a value that the API refuses is named with its field', async () => {
    const objects = await bench.release((objects) => {
      specOf(objects, 'Deployment', 'mcp')['minReadySeconds'] = -1
    })
    await expectRefused('invalid manifest: bad value', objects, {}, /spec\.minReadySeconds: .*greater than or equal to 0/)
  })

  it('an empty render is refused', () => expectRefused('empty render', [], {}, /nothing was rendered/))

  it('objects of another namespace are refused, by name', async () => {
    await expectRefused('wrong namespace', await bench.release(), { args: ['--namespace', 'elsewhere'] }, /is for namespace todo-chat-dev, but this environment is elsewhere/)
  })

  it('an object without a namespace is named with its file', async () => {
    const objects = await bench.release((objects) => {
      for (const { kind, metadata } of objects) if (kind === 'ConfigMap') delete metadata.namespace
    })
    await expectRefused('object without a namespace', objects, {}, /ConfigMap .* has no namespace, .*\(.*objects\.yaml#\d+\)/)
  })

  it('a variable that is set twice is named with object and field', async () => {
    const objects = await bench.release((objects) => {
      podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'MODE', value: '1' }, { name: 'MODE', value: '2' }]
    })
    await expectRefused('variable set twice', objects, {}, /Deployment mcp: field containers\[mcp\]\.env has name MODE twice/)
  })

  it('a second object of the same name is named with both places', async () => {
    const objects = await bench.release()
    await expectRefused('object there twice', [...objects, ...objects.filter(({ kind }) => kind === 'Ingress')], {}, /Ingress .* is in .*objects\.yaml#\d+ and in .*objects\.yaml#\d+/)
  })

  it('a secret without a value is named with Secret, key and reader', async () => {
    const objects = await bench.release((objects) => {
      podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'LICENCE', valueFrom: { secretKeyRef: { name: 'todo-chat-licence', key: 'licence' } } }]
    })
    await expectRefused('secret missing', objects, {}, /dev lacks one input:\n {2}secret licence \(Secret todo-chat-licence, read by Deployment mcp\)/)
  })

  it('rejected credentials are told before anything else', async () => {
    await using stranger = await withToken(bench.kubeconfig, 'expired-token-of-somebody')
    await expectRefused('expired token', await bench.release(), { kubeconfig: stranger.kubeconfig }, /the API server rejects the credentials\nNext: get a fresh kubeconfig/)
  })

  it('a missing permission is named with verb and resource', async () => {
    await using reader = await asServiceAccount(bench.kubeconfig, 'mcp')
    await expectRefused('forbidden by RBAC', await bench.release(), { kubeconfig: reader.kubeconfig }, /not allowed to list secrets\nNext: grant the verb list on secrets/)
  })
})
