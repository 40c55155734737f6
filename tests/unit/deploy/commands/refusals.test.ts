/** What is refused before the first write leaves nothing behind. */
import { describe, expect, it } from 'vitest'
import { plan } from '../../../../deploy/src/commands/plan.ts'
import { BadInput, ClusterError, describe as tell } from '../../../../deploy/src/errors.ts'
import type { KubeObject, RenderedObject } from '../../../../deploy/src/release/objects.ts'
import { checkHome } from '../../../../deploy/src/session.ts'
import { NAMESPACE, Scene, deployment, release } from '../_release.ts'

const NAMESPACE_REF = { apiVersion: 'v1', kind: 'Namespace', name: NAMESPACE }
const ZEROS = `@sha256:${'0'.repeat(64)}`

function configMap(data: Record<string, string>): RenderedObject {
  return { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: NAMESPACE }, data }, source: 'settings.yaml' }
}

async function refusal(outcome: Promise<unknown>): Promise<Error> {
  return outcome.then(
    () => {
      throw new Error('was not refused')
    },
    (error: unknown) => error as Error,
  )
}

function invalid(name: string, code: 'invalid' | 'forbidden' = 'invalid'): ClusterError {
  return new ClusterError(code, `patch Deployment ${name}: refused`, { verb: 'patch', resource: 'deployments', object: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name } })
}

describe('a release that lacks inputs', () => {
  const rendered = [
    ...release().filter(({ object }) => object.metadata.name !== 'mcp'),
    { object: deployment('mcp', `todo-chat/mcp${ZEROS}`), source: 'mcp.yaml' },
    configMap({ TODO_DATABASE_HOST: 'database.todo-chat.example', TODO_OIDC_ISSUER: 'https://login.todo-chat.example', OTHER: 'cache.todo-chat.example' }),
  ]
  const wanted = [
    'image mcp: --images',
    'setting database.host (PostgreSQL 15 or newer outside the cluster): --set database.host=…, or --settings',
    'setting oidc.issuer (',
    'placeholder cache.todo-chat.example in ConfigMap settings',
    'secret jwt-key (Secret todo-chat-jwt, read by Deployment backend): --secrets-file',
  ]

  it.each(['deploy', 'plan'] as const)('hears of all of them at once from %s, and changes nothing', async (command) => {
    const scene = new Scene()
    const input = { generateSecrets: false }
    const error = await refusal(command === 'deploy' ? scene.deploy(rendered, input) : plan(scene.context(), scene.input(rendered, input)))
    expect(error).toBeInstanceOf(BadInput)
    expect(error.message).toMatch(/^nothing was changed; dev lacks 5 inputs:\n/)
    for (const line of wanted) expect(error.message).toContain(line)
    expect(scene.cluster.writes).toEqual([])
    expect(await scene.cluster.get(NAMESPACE_REF)).toBeUndefined()
  })

  it('hears of the gates of its environment in the same breath', async () => {
    const scene = new Scene()
    const error = await refusal(scene.deployAs({ environment: 'prod', commit: 'abc-dirty' }, rendered, { generateSecrets: false }))
    expect(error.message).toMatch(/prod lacks 5 inputs:(.|\n)*prod refuses this release:(.|\n)*--allow dirty-tree/)
    expect(tell(error)).toMatch(/Next: give what is missing; mend the cause/)
    expect(scene.cluster.writes).toEqual([])
  })

  it('is taken once all is there', async () => {
    expect(await new Scene().deploy([...release(), configMap({ TODO_DATABASE_HOST: 'db.example.org' })], { generateSecrets: false, secretFiles: new Map([['jwt-key', Buffer.from('a signing key of more than 32 bytes')]]) })).toMatchObject({ result: 'succeeded' })
  })
})

describe('a release that a new cluster would not take', () => {
  it.each(['deploy', 'plan'] as const)('is found out by %s before the namespace exists, where the server does not know a field', async (command) => {
    const scene = new Scene()
    scene.cluster.refusals.set('patch Deployment check-backend', invalid('backend'))
    if (command === 'deploy') expect((await refusal(scene.deploy(release()))).message).toMatch(/nothing was changed; one object is in the way:\n {2}patch Deployment backend: refused/)
    else expect((await plan(scene.context(), scene.input(release()))).plan.problems).toHaveLength(1)
    expect(scene.cluster.writes).toEqual([])
  })

  it('is not judged by the rules of another namespace, such as its quota', async () => {
    const scene = new Scene()
    scene.cluster.refusals.set('patch Deployment check-backend', invalid('backend', 'forbidden'))
    expect(await scene.deploy(release())).toMatchObject({ result: 'succeeded' })
  })

  it('takes the namespace away again that it made, when only the namespace can tell', async () => {
    const scene = new Scene()
    scene.cluster.refusals.set('patch Deployment backend', invalid('backend', 'forbidden'))
    expect((await refusal(scene.deploy(release()))).message).toMatch(/one object is in the way/)
    expect(scene.cluster.writes).toEqual(['apply Namespace todo-chat-dev', 'create Lease todo-chat-deploy', 'delete Namespace todo-chat-dev'])
    expect(await scene.cluster.get(NAMESPACE_REF)).toBeUndefined()
  })

  it('leaves a namespace that it did not make', async () => {
    const scene = new Scene()
    scene.cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    scene.cluster.refusals.set('patch Deployment backend', invalid('backend', 'forbidden'))
    await refusal(scene.deploy(release()))
    expect(await scene.cluster.get(NAMESPACE_REF)).toBeDefined()
  })

  it('leaves a namespace that somebody uses by now', async () => {
    const scene = new Scene()
    scene.cluster.seed({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs', namespace: NAMESPACE } })
    scene.cluster.refusals.set('patch Deployment backend', invalid('backend', 'forbidden'))
    await refusal(scene.deploy(release()))
    expect(await scene.cluster.get(NAMESPACE_REF)).toBeDefined()
  })
})

describe('a namespace', () => {
  const labelled = (environment: string, name = NAMESPACE): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'todo-chat.io/environment': environment } } })

  it('of another environment is refused', async () => {
    const scene = new Scene()
    scene.cluster.seed(labelled('staging'))
    const error = await refusal(scene.deploy(release()))
    expect(error).toBeInstanceOf(BadInput)
    expect(error.message).toBe('namespace todo-chat-dev is of environment staging, not development (label todo-chat.io/environment)')
    expect(scene.cluster.writes).toEqual([])
  })

  it.each(['development', undefined])('labelled %s is taken', async (environment) => {
    const scene = new Scene()
    scene.cluster.seed(environment === undefined ? { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } } : labelled(environment))
    expect(await scene.deploy(release())).toMatchObject({ result: 'succeeded' })
  })

  it('that is new beside that of another environment is made, and the report says so', async () => {
    const scene = new Scene()
    scene.cluster.seed(labelled('staging', 'todo-chat-staging'))
    expect((await scene.deploy(release())).notes).toContain('namespace todo-chat-dev was not in this cluster before, and todo-chat-staging is: both environments share it')
  })
})

describe("a kubeconfig's context", () => {
  it.each([['todo-chat-staging', 'prod'], ['todo-chat-prod', 'dev']] as const)('for namespace %s is refused for %s', (home, environment) => {
    expect(() => checkHome(home, environment)).toThrow(/the kubeconfig is for namespace todo-chat-\w+, which is that of (staging|prod), not of/)
  })

  it.each([['todo-chat-prod', 'prod'], [undefined, 'prod'], ['default', 'prod']] as const)('for namespace %s is taken for %s', (home, environment) => {
    expect(() => checkHome(home, environment)).not.toThrow()
  })
})

describe('images that publish gives', () => {
  const external = release().filter(({ object }) => !['StatefulSet', 'CronJob'].includes(object.kind))

  it('and this environment does not use are left aside, and the report says so', async () => {
    const report = await new Scene().deploy(external, { images: { database: 'r.example/database:1', mcp: 'r.example/mcp:1' } })
    expect(report).toMatchObject({ result: 'succeeded', images: { mcp: 'r.example/mcp:1' } })
    expect(report.notes).toContain('left aside: image database, which dev does not use')
    expect(report.images['database']).toBeUndefined()
  })

  it('and nobody knows are refused', async () => {
    const scene = new Scene()
    expect((await refusal(scene.deploy(external, { images: { cache: 'r.example/cache:1' } }))).message).toBe('no pod uses the given image cache')
    expect(scene.cluster.writes).toEqual([])
  })
})

describe('the Secret for a registry', () => {
  const CONFIG = JSON.stringify({ auths: { 'r.example': { auth: 'dXNlcjpwYXNz' } } })
  const pulling = release().map(({ object, source }) => {
    const copy = structuredClone(object)
    if (copy.metadata.name === 'frontend') (copy as unknown as { spec: { template: { spec: object } } }).spec.template.spec = { ...(copy as unknown as { spec: { template: { spec: object } } }).spec.template.spec, imagePullSecrets: [{ name: 'registry' }] }
    return { object: copy, source }
  })
  const REF = { apiVersion: 'v1', kind: 'Secret', namespace: NAMESPACE, name: 'registry' }

  it('is made out of the given value, with the type that kubelet asks for', async () => {
    const scene = new Scene()
    await scene.deploy(pulling, { secretFiles: new Map([['.dockerconfigjson', Buffer.from(CONFIG)]]) })
    expect(await scene.cluster.get(REF)).toMatchObject({ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(CONFIG).toString('base64') } })
  })

  it('is listed when nobody gave it', async () => {
    expect((await refusal(new Scene().deploy(pulling))).message).toMatch(/secret \.dockerconfigjson \(Secret registry, read by Deployment frontend\)/)
  })

  it('is used as it is when somebody else made it', async () => {
    const scene = new Scene()
    const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'registry', namespace: NAMESPACE }, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'e30=' } }
    scene.cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    scene.cluster.applyAs('kubectl', theirs)
    expect(await scene.deploy(pulling)).toMatchObject({ result: 'succeeded' })
    expect(scene.cluster.writes.filter((write) => write === 'apply Secret registry')).toHaveLength(1)
  })

  it.each(['not json', '{}', '[]', '{"auths": 1}'])('is refused when its value is %s, which is not shown', async (text) => {
    const error = await refusal(new Scene().deploy(pulling, { secretFiles: new Map([['.dockerconfigjson', Buffer.from(text)]]) }))
    expect(error).toBeInstanceOf(BadInput)
    expect(error.message).toMatch(/secret \.dockerconfigjson is not the configuration of a registry/)
  })
})

describe("a service account's token", () => {
  it('gives no value: its ca.crt is that of the cluster', async () => {
    const scene = new Scene()
    scene.cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    scene.cluster.applyAs('todo-chat-deploy', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'deployer-token', namespace: NAMESPACE }, type: 'kubernetes.io/service-account-token', data: { 'ca.crt': 'eA==', token: 'eA==' } })
    const trusting = deployment('agent', 'todo-chat/agent:1')
    ;(trusting as unknown as { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec['volumes'] = [{ name: 'ca', secret: { secretName: 'todo-chat-ca', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }]
    const rendered = release().map((entry) => (entry.object.metadata.name === 'agent' ? { ...entry, object: trusting } : entry))
    expect((await refusal(scene.deploy(rendered))).message).toMatch(/secret ca\.crt \(Secret todo-chat-ca, read by Deployment agent\)/)
  })
})
