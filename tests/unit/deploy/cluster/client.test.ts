import { type IncomingMessage, type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, connect } from '../../../../deploy/src/cluster/client.ts'
import { BadInput, ClusterError } from '../../../../deploy/src/errors.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { kubeconfig } from './_kubeconfig.ts'

interface Answer {
  status: number
  body: unknown
}

/** An API server that answers as the test says; what it was asked is kept. */
class FakeServer {
  readonly asked: { method: string; url: string; body: string }[] = []
  answer: (request: IncomingMessage) => Answer | 'hang up' = () => ({ status: 404, body: {} })
  readonly #server: Server

  constructor() {
    this.#server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      this.asked.push({ method: request.method ?? '', url: request.url ?? '', body })
      const answer = request.url === '/version' ? { status: 200, body: { gitVersion: 'v1.36.1' } } : RESOURCES[request.url ?? ''] !== undefined ? { status: 200, body: RESOURCES[request.url ?? ''] } : this.answer(request)
      if (answer === 'hang up') {
        request.socket.destroy()
        return
      }
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const RESOURCES: Record<string, unknown> = {
  '/apis/apps/v1': { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true }] },
  '/api/v1': { resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] },
}

const BACKEND: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'backend', namespace: 'ns' }, spec: { unknownToAnyModel: 1 } }

describe('answers of the API server', () => {
  let server: FakeServer
  let cluster: Cluster
  const troubles: string[] = []

  beforeEach(async () => {
    server = new FakeServer()
    troubles.length = 0
    cluster = await connect({ kubeconfig: kubeconfig('served', { token: 'x' }, await server.start()), patienceMs: 1_500, onTrouble: (text) => troubles.push(text) })
  })
  afterEach(() => server.stop())

  function refuse(status: number, body: unknown): void {
    server.answer = () => ({ status, body })
  }

  async function applyError(): Promise<ClusterError> {
    return cluster.apply(BACKEND).then(
      () => expect.unreachable('it was accepted'),
      (error: ClusterError) => error,
    )
  }

  it('an apply is sent as it is, strictly validated, under our own name', async () => {
    server.answer = () => ({ status: 200, body: BACKEND })
    await cluster.apply(BACKEND, { dryRun: true })
    const sent = server.asked.at(-1)
    expect(sent).toMatchObject({ method: 'PATCH', body: JSON.stringify(BACKEND) })
    expect(sent?.url).toBe('/apis/apps/v1/namespaces/ns/deployments/backend?fieldManager=todo-chat-deploy&fieldValidation=Strict&force=false&dryRun=All')
  })

  it('the path of the server is kept', async () => {
    const below = await connect({ kubeconfig: kubeconfig('below', { token: 'x' }, `${cluster.server}/clusters/a`) }).catch((error: unknown) => error)
    // The fake server knows /version at its root only: the path was kept.
    expect(below).toBeInstanceOf(BadInput)
    expect(server.asked.at(-1)?.url).toBe('/clusters/a/version')
  })

  it('a conflict names the owner of each field', async () => {
    refuse(409, { reason: 'Conflict', message: 'Apply failed with 1 conflict', details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl-edit" using apps/v1', field: '.spec.replicas' }] } })
    expect(await applyError()).toMatchObject({ code: 'conflict', fields: [{ field: '.spec.replicas', manager: 'kubectl-edit' }] })
  })

  it('a missing permission names verb and resource', async () => {
    refuse(403, { reason: 'Forbidden', message: 'deployments.apps "backend" is forbidden: User "viewer" cannot patch resource "deployments" in API group "apps" in the namespace "ns"' })
    expect(await applyError()).toMatchObject({ code: 'forbidden', verb: 'patch', resource: 'deployments.apps', next: expect.stringMatching(/grant the verb patch on deployments.apps/) })
  })

  it.each([
    ['a command in a pod', 'pods/exec', () => cluster.exec({ namespace: 'ns', name: 'postgres-0', container: 'postgres' }, ['true'], new PassThrough())],
    ['a forwarded port', 'pods/portforward', async () => {
      const pod = await cluster.pod('ns', 'mcp-1', 8002)
      return pod.send({ method: 'GET', path: '/' }, 5_000).finally(() => pod.close())
    }],
  ])('a missing permission for %s names verb and resource, though the WebSocket says only 403', async (_name, resource, ask) => {
    refuse(403, { reason: 'Forbidden' })
    const error: unknown = await ask().then(() => expect.unreachable('it was accepted'), (error: unknown) => error)
    expect(error).toMatchObject({ code: 'forbidden', verb: 'create', resource, message: expect.stringContaining(`not allowed to create ${resource}`) })
  })

  it('an invalid object names its fields', async () => {
    refuse(422, { reason: 'Invalid', message: 'Deployment.apps "backend" is invalid', details: { causes: [{ reason: 'FieldValueInvalid', message: 'must be greater than 0', field: 'spec.replicas' }] } })
    expect(await applyError()).toMatchObject({ code: 'invalid', fields: [{ field: 'spec.replicas', message: 'must be greater than 0' }] })
  })

  it.each([
    ['one', 'failed to create typed patch object (ns/backend; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema', [{ field: 'spec.foo', message: 'field not declared in schema' }]],
    [
      'several',
      'failed to create typed patch object (ns/backend; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name="a"].imagge: field not declared in schema\n  .spec.foo: field not declared in schema',
      [{ field: 'spec.template.spec.containers[name="a"].imagge', message: 'field not declared in schema' }, { field: 'spec.foo', message: 'field not declared in schema' }],
    ],
    [
      'and entries with the same key',
      'failed to create typed patch object (ns/backend; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="c"].env: duplicate entries for key [name="FOO"]',
      [{ field: 'spec.template.spec.containers[name="c"].env', message: 'duplicate entries for key [name="FOO"]' }],
    ],
  ])('fields that no schema has, %s, are named and not asked for again, though they come as HTTP 500', async (_name, message, fields) => {
    refuse(500, { message, code: 500 })
    expect(await applyError()).toMatchObject({ code: 'invalid', fields })
    expect(server.asked.filter(({ method }) => method === 'PATCH')).toHaveLength(1)
  })

  it('rejected credentials are told, without the credentials', async () => {
    refuse(401, { reason: 'Unauthorized' })
    const error = await applyError()
    expect(error).toMatchObject({ code: 'unauthorized' })
    expect(JSON.stringify([error.message, error.next])).not.toContain('Bearer')
  })

  it('an unknown kind is told by name', async () => {
    const error: ClusterError = await cluster.apply({ ...BACKEND, kind: 'Rollout' }).then(() => expect.unreachable('it was accepted'), (error: ClusterError) => error)
    expect(error).toMatchObject({ code: 'unknown-kind', message: expect.stringMatching(/the server has no kind Rollout/) })
  })

  it('an object that does not exist is no error to a reader or a remover', async () => {
    refuse(404, { reason: 'NotFound', message: 'not found' })
    expect(await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'x' })).toBeUndefined()
    await cluster.remove({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'x' })
  })

  it('a list is read to its last page', async () => {
    server.answer = ({ url }) => ({ status: 200, body: url?.includes('continue=next') ? { items: [{ metadata: { name: 'b' } }], metadata: {} } : { items: [{ metadata: { name: 'a' } }], metadata: { continue: 'next' } } })
    const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, 'ns')
    expect(pods.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([['Pod', 'a'], ['Pod', 'b']])
  })

  it('a request is repeated while the server hangs up or is busy, and the trouble is told', async () => {
    let tries = 0
    server.answer = () => {
      tries += 1
      if (tries === 1) return 'hang up'
      return tries === 2 ? { status: 503, body: { message: 'starting' } } : { status: 200, body: BACKEND }
    }
    expect(await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'backend' })).toMatchObject({ metadata: { name: 'backend' } })
    expect(troubles).toEqual([expect.stringMatching(/does not answer \(.*\); trying again for/)])
  })

  it('a server that stays away is given up on', async () => {
    server.answer = () => 'hang up'
    await expect(cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'x' })).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('a request that is being repeated ends with the lock, and no other follows', async () => {
    refuse(503, { message: 'starting' })
    const lost = new AbortController()
    const bound = cluster.until(lost.signal)
    const ended = expect(bound.apply(BACKEND)).rejects.toThrow(/taken over/)
    setTimeout(() => lost.abort(new Error('the lock was taken over')), 300)
    await ended
    // What was on its way when the lock was lost may still arrive.
    await new Promise((resolve) => setTimeout(resolve, 300))
    const asked = server.asked.length
    await expect(bound.apply(BACKEND)).rejects.toThrow(/taken over/)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(server.asked.length).toBe(asked)
  })

  it('a deletion names the very object that was seen', async () => {
    server.answer = () => ({ status: 200, body: {} })
    await cluster.remove({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'x' }, { uid: 'u', resourceVersion: '7' })
    expect(JSON.parse(server.asked.at(-1)?.body ?? '')).toMatchObject({ propagationPolicy: 'Background', preconditions: { uid: 'u', resourceVersion: '7' } })
  })

  it('a refusal is not repeated', async () => {
    refuse(403, { message: 'no' })
    await applyError()
    expect(server.asked.filter(({ method }) => method === 'PATCH')).toHaveLength(1)
  })
})
