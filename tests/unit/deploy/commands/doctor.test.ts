/** Each row of the doctor is seen well once, and wrong once. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DoctorInput, type Finding, doctor, doctorText } from '../../../../deploy/src/commands/doctor.ts'
import { ClusterError } from '../../../../deploy/src/errors.ts'
import type { KubeObject, RenderedObject } from '../../../../deploy/src/release/objects.ts'
import { type DatabaseFacts, type Outside, realOutside } from '../../../../deploy/src/cluster/outside.ts'
import type { Context } from '../../../../deploy/src/session.ts'
import { todoChat } from '../../../../deploy/src/todo-chat.ts'
import { FakeClock, START } from '../../../fakes/clock.ts'
import { FakeCluster } from '../../../fakes/cluster.ts'
import { deployment } from '../_release.ts'

const NAMESPACE = 'todo-chat-prod'
const DAY = 86_400_000
const pem = (name: string): string => readFileSync(join(import.meta.dirname, '../../../fixtures/tls', name), 'utf8')
const digest = (part: string): string => `r.example/${part}@sha256:${'a'.repeat(64)}`
const VERIFIED = { backend: digest('backend'), mcp: digest('mcp') }

/** A cluster that answers which rights somebody has. */
class Rights extends FakeCluster {
  denied = new Set<string>()

  override async create(object: KubeObject): Promise<KubeObject> {
    if (object.kind !== 'SelfSubjectAccessReview') return super.create(object)
    const { verb, resource, subresource } = (object['spec'] as { resourceAttributes: Record<string, string> }).resourceAttributes
    return { ...object, status: { allowed: !this.denied.has(`${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`) } }
  }
}

interface Scene {
  cluster: Rights
  context: Context
  input: DoctorInput
  outside: { [Name in keyof Outside]: Outside[Name] }
  facts: DatabaseFacts
}

const SETTINGS = {
  TODO_DATABASE_HOST: 'db.example.org',
  TODO_DATABASE_PORT: '5432',
  TODO_DATABASE_NAME: 'todo',
  TODO_DATABASE_SSLMODE: 'verify-full',
  TODO_DATABASE_ADMIN_USER: 'todo_admin',
  TODO_MODEL_BASE_URL: 'https://models.example.org/v1',
  TODO_OIDC_ISSUER: 'https://login.example.org/realms/todo/',
}

function rendered(change: { settings?: Record<string, string>; host?: string; tls?: boolean; mcp?: string; quota?: string } = {}): RenderedObject[] {
  const { settings = {}, host = 'todo.example.org', tls = true, mcp = digest('mcp'), quota = '50' } = change
  const objects: KubeObject[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'todo-chat' }, spec: { hard: { pods: quota } } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'deployer' }, rules: [{ apiGroups: [''], resources: ['secrets', 'pods/exec'], verbs: ['get', 'create'] }, { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] }] },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { ...SETTINGS, ...settings } },
    deployment('backend', digest('backend')),
    deployment('mcp', mcp),
    { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'backup', labels: { 'app.kubernetes.io/component': 'backup' } }, spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: 'backup', image: digest('backup') }] } } } } } },
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'todo-chat' }, spec: { rules: [{ host }], ...(tls ? { tls: [{ hosts: [host] }] } : {}) } },
  ]
  return objects.map((object) => ({ object: object.kind === 'Namespace' ? object : { ...object, metadata: { ...object.metadata, namespace: NAMESPACE } }, source: 'x.yaml' }))
}

function scene(): Scene {
  const clock = new FakeClock()
  const cluster = new Rights(clock)
  cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: { 'todo-chat.io/environment': 'production' } } })
  cluster.seed({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'todo-chat', namespace: NAMESPACE } })
  const facts: DatabaseFacts = { version: 170_004, exists: true, superuser: false, createRole: true, createDatabase: false, createSchema: true }
  return {
    cluster,
    facts,
    context: { application: todoChat, cluster, clock, environment: 'prod', namespace: NAMESPACE, progress: () => undefined, interrupt: new AbortController().signal, who: 'tester', commit: 'abc' },
    input: {
      rendered: rendered(),
      images: {},
      verified: [VERIFIED],
      unsigned: async () => [],
      allowed: new Set(),
      generateSecrets: false,
      secretFiles: new Map([['jwt-key', Buffer.from('a signing key of at least 32 byte')], ['superuser-password', Buffer.from('of the administrator')], ['model-api-key', Buffer.from('of the model')]]),
    },
    outside: {
      resolve: async () => ['192.0.2.1'],
      certificate: async () => ({ validTo: new Date(START + 60 * DAY).toISOString() }),
      get: async (url) => (url.endsWith('/.well-known/openid-configuration') ? { status: 200, body: JSON.stringify({ issuer: SETTINGS.TODO_OIDC_ISSUER }) } : { status: 200, body: '{}' }),
      database: async () => facts,
      image: async () => undefined,
    },
  }
}

async function row(at: Scene, name: string): Promise<Finding | undefined> {
  return (await doctor(at.context, at.input, at.outside)).find((finding) => finding.name === name)
}

function fails(code: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error(code), { code })
  }
}

const ROWS = ['cluster', 'namespace', 'rights', 'images', 'registry', 'signatures', 'settings', 'secrets', 'gates', 'quota', 'host name', 'certificate', 'database', 'model endpoint', 'sign-in']

describe('the doctor', () => {
  it('finds everything well where it is, and changes nothing', async () => {
    const at = scene()
    const findings = await doctor(at.context, at.input, at.outside)
    expect(findings.map(({ name, result }) => [name, result])).toEqual(ROWS.map((name) => [name, 'well']))
    expect(at.cluster.writes).toEqual([])
  })

  const WRONG: readonly [row: string, what: string, change: (at: Scene) => void, detail: RegExp, next: RegExp][] = [
    ['cluster', 'a server that refuses', (at) => (at.cluster.version = async () => Promise.reject(new ClusterError('unauthorized', 'the API server rejects the credentials', { verb: 'get', resource: '/version' }))), /rejects the credentials/, /kubeconfig/],
    ['namespace', 'one of staging', (at) => void at.cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: { 'todo-chat.io/environment': 'staging' } } }), /is of environment staging, not production/, /kubeconfig of production/],
    ['namespace', 'none, and no right to make it', (at) => {
      void at.cluster.remove({ apiVersion: 'v1', kind: 'Namespace', name: NAMESPACE })
      at.cluster.denied.add('create namespaces')
    }, /does not exist, and this kubeconfig may not make it/, /bootstrap/],
    ['rights', 'one that is missing', (at) => void at.cluster.denied.add('create pods/exec'), /not allowed in todo-chat-prod: create pods\/exec$/, /bootstrap/],
    ['rights', 'one in another group', (at) => void at.cluster.denied.add('patch deployments'), /patch deployments\.apps/, /bootstrap/],
    ['images', 'a digest of zeros', (at) => (at.input.rendered = rendered({ mcp: `r.example/mcp@sha256:${'0'.repeat(64)}` })), /not given: mcp/, /--images/],
    ['registry', 'an image that nobody published', (at) => (at.outside.image = async (reference) => (reference.includes('mcp') ? 'GET https://r.example/v2/mcp/manifests/sha256:a: MANIFEST_UNKNOWN: manifest unknown' : undefined)), /^r\.example\/mcp: .*MANIFEST_UNKNOWN/, /publish/],
    ['registry', 'a registry that wants a password', (at) => (at.outside.image = async () => 'GET https://r.example/v2/: UNAUTHORIZED: authentication required'), /r\.example\/backend, r\.example\/mcp, r\.example\/backup: .*UNAUTHORIZED/, /images\.pullSecret/],
    ['signatures', 'an image of nobody who may sign', (at) => (at.input.unsigned = async (images) => (images['mcp'] === undefined ? [] : ['mcp is not signed'])), /^mcp is not signed$/, /--signing-key/],
    ['registry', 'credentials of another registry', (at) => {
      at.input.secretFiles = new Map([...at.input.secretFiles, ['.dockerconfigjson', Buffer.from('{"auths":{"other.example":{"auth":"c2lnbmluZyBrZXk="}}}')]])
      at.outside.image = async (_reference, { credentials = '' }) => (credentials.includes('"r.example"') ? undefined : 'UNAUTHORIZED: authentication required')
    }, /UNAUTHORIZED/, /\.dockerconfigjson that may pull/],
    ['settings', 'a placeholder', (at) => (at.input.rendered = rendered({ settings: { TODO_OIDC_ISSUER: 'https://login.todo-chat.example' } })), /not given: oidc\.issuer/, /--set or --settings/],
    ['secrets', 'a key without a value', (at) => (at.input.secretFiles = new Map()), /no value for jwt-key/, /--secrets-file/],
    ['gates', 'a digest that staging has not verified', (at) => (at.input.verified = [{ ...VERIFIED, mcp: 'r.example/mcp:other' }]), /staging has not verified mcp/, /mend the cause/],
    ['gates', 'a dirty tree', (at) => (at.context.commit = 'abc-dirty'), /changes that are not in commit abc/, /mend the cause/],
    ['quota', 'too little room', (at) => (at.input.rendered = rendered({ quota: '3' })), /ResourceQuota todo-chat has no room/, /autoscaling\.maxReplicas/],
    ['host name', 'one without an address', (at) => (at.outside.resolve = fails('ENOTFOUND')), /todo\.example\.org has no address \(ENOTFOUND\)/, /DNS record/],
    ['certificate', 'one of nobody', (at) => (at.outside.certificate = async () => ({ validTo: new Date(START + 60 * DAY).toISOString(), trouble: 'DEPTH_ZERO_SELF_SIGNED_CERT' })), /todo\.example\.org: DEPTH_ZERO/, /ingress\.issuer/],
    ['certificate', 'one that ends soon', (at) => (at.outside.certificate = async () => ({ validTo: new Date(START + 0.9 * DAY).toISOString() })), /ends in 0 days/, /renew/],
    ['certificate', 'a server that speaks no TLS', (at) => (at.outside.certificate = fails('EPROTO')), /todo\.example\.org:443: EPROTO/, /serves TLS/],
    ['certificate', 'a given one for another host', (at) => {
      at.input.rendered = rendered({ host: 'other.example.org' })
      at.input.secretFiles = new Map([...at.input.secretFiles, ['tls.crt', Buffer.from(pem('server.pem'))]])
    }, /tls\.crt is not for other\.example\.org, but for DNS:todo\.example\.org/, /another tls\.crt/],
    ['certificate', 'a given one that has ended', (at) => {
      at.context.clock.now = () => Date.parse('2127-01-01T00:00:00Z')
      at.input.secretFiles = new Map([...at.input.secretFiles, ['tls.crt', Buffer.from(pem('server.pem'))]])
    }, /tls\.crt ended on 2126-/, /another tls\.crt/],
    ['certificate', 'a given one that is none', (at) => (at.input.secretFiles = new Map([...at.input.secretFiles, ['tls.crt', Buffer.from('of the model')]])), /tls\.crt holds no certificate/, /another tls\.crt/],
    ['database', 'one that is too old', (at) => (at.facts.version = 140_012), /PostgreSQL 14 is too old/, /15 or newer/],
    ['database', 'one that is too new for its backup', (at) => (at.facts.version = 180_004), /PostgreSQL 18 is newer than what backs it up, which reads up to 17/, /use PostgreSQL 17/],
    ['database', 'an administrator who may not create roles', (at) => (at.facts.createRole = false), /todo_admin may not create roles/, /grant CREATEROLE/],
    ['database', 'none, and an administrator who may not make it', (at) => (at.facts.exists = false), /there is no database todo, and role todo_admin may not create it/, /grant CREATEDB/],
    ['database', 'an administrator who may not create schemas', (at) => (at.facts.createSchema = false), /may not create schemas/, /CREATE on database todo/],
    ['database', 'a wrong password', (at) => (at.outside.database = fails('28P01')), /db\.example\.org:5432: .*28P01/, /superuser-password/],
    ['database', 'a certificate of a stranger', (at) => (at.outside.database = fails('SELF_SIGNED_CERT_IN_CHAIN')), /SELF_SIGNED/, /trust\.privateCa/],
    ['model endpoint', 'a refused key', (at) => (at.outside.get = async (url) => (url.endsWith('/models') ? { status: 401, body: '' } : { status: 200, body: '{}' })), /refuses the key \(HTTP 401\)/, /model-api-key/],
    ['model endpoint', 'one that is broken', (at) => (at.outside.get = async () => ({ status: 503, body: '' })), /answers HTTP 503/, /endpoint/],
    ['sign-in', 'a provider with another name', (at) => (at.outside.get = async () => ({ status: 200, body: '{"issuer":"https://login.example.org/realms/todo"}' })), /calls itself https:\/\/login\.example\.org\/realms\/todo, not .*\/todo\/$/, /to the letter/],
    ['sign-in', 'no discovery', (at) => (at.outside.get = async () => ({ status: 404, body: '' })), /openid-configuration answers HTTP 404/, /oidc\.issuer/],
    ['sign-in', 'a page instead', (at) => (at.outside.get = async () => ({ status: 200, body: '<html>' })), /answers no JSON/, /oidc\.issuer/],
  ]

  it.each(WRONG)('%s: sees %s, says what to do, and no secret', async (name, _what, change, detail, next) => {
    const at = scene()
    change(at)
    const findings = await doctor(at.context, at.input, at.outside)
    expect(findings.find((finding) => finding.name === name)).toMatchObject({ result: 'wrong', detail: expect.stringMatching(detail), next: expect.stringMatching(next) })
    expect(JSON.stringify(findings)).not.toMatch(/of the administrator|of the model|signing key/)
  })

  it('has seen every row wrong', () => {
    expect(ROWS.filter((name) => !WRONG.some(([row]) => row === name))).toEqual([])
  })

  it.each<readonly [row: string, change: (at: Scene) => unknown, detail: RegExp]>([
    ['host name', (at) => (at.input.rendered = rendered({ host: 'todo-chat.example' })), /the host is not given/],
    ['certificate', (at) => (at.input.rendered = rendered({ tls: false })), /serves no TLS/],
    ['host name', (at) => {
      at.outside.resolve = fails('ENOTFOUND')
      at.input.ingress = { url: new URL('https://192.0.2.7:8443') }
    }, /no address here \(ENOTFOUND\); the ingress is asked at 192\.0\.2\.7:8443/],
    ['certificate', (at) => void at.cluster.remove({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: NAMESPACE, name: 'todo-chat' }), /before the first deployment/],
    ['certificate', (at) => (at.outside.certificate = fails('ECONNREFUSED')), /todo\.example\.org:443 is not reachable from here \(ECONNREFUSED\)/],
    ['registry', (at) => (at.outside.image = async () => 'Get "https://r.example/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority'), /x509.*the nodes may reach it/],
    ['registry', (at) => (at.outside.image = async () => 'Get "https://r.example/v2/": dial tcp: lookup r.example: no such host'), /no such host; the nodes may reach it/],
    ['signatures', (at) => delete at.input.unsigned, /nobody said who may sign/],
    ['database', (at) => (at.outside.database = fails('ETIMEDOUT')), /not reachable from here \(ETIMEDOUT\); the pods may reach it/],
    ['database', (at) => (at.input.secretFiles = new Map()), /password is not among the given secrets/],
    ['model endpoint', (at) => (at.outside.get = fails('ENOTFOUND')), /not reachable from here/],
    ['sign-in', (at) => (at.outside.get = fails('UND_ERR_CONNECT_TIMEOUT')), /not reachable from here/],
  ])('%s: says what was not asked, and that it is no verdict', async (name, change, detail) => {
    const at = scene()
    change(at)
    expect(await row(at, name)).toMatchObject({ result: 'not asked', detail: expect.stringMatching(detail) })
  })

  it('knows that the first migration makes the database', async () => {
    const at = scene()
    Object.assign(at.facts, { exists: false, createDatabase: true, createSchema: false })
    expect(await row(at, 'database')).toMatchObject({ result: 'well', detail: expect.stringMatching(/; database todo will be made$/) })
  })

  it('asks the ingress at its address, under the name of the host', async () => {
    const at = scene()
    const asked: object[] = []
    at.outside.certificate = async (address) => {
      asked.push(address)
      return { validTo: new Date(START + 60 * DAY).toISOString() }
    }
    at.input.ingress = { url: new URL('https://192.0.2.7:8443'), ca: 'PEM' }
    await row(at, 'certificate')
    expect(asked).toEqual([{ host: '192.0.2.7', port: 8443, servername: 'todo.example.org', ca: 'PEM' }])
  })

  it('prints one line per question, and below what is wrong the next step', () => {
    expect(doctorText([{ name: 'images', result: 'well', detail: '5 by digest' }, { name: 'settings', result: 'wrong', detail: 'not given: host', next: 'give them' }, { name: 'database', result: 'not asked', detail: 'it runs in the cluster' }])).toBe(
      '✓ images    5 by digest\n✗ settings  not given: host\n            Next: give them\n– database  it runs in the cluster',
    )
  })
})

describe('outside', () => {
  const server = createServer({ key: pem('server-key.pem'), cert: pem('server.pem') }, (_request, response) => response.end('hello'))
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('tells a certificate that is trusted under its name from one that is not', async () => {
    const address = { host: '127.0.0.1', port, servername: 'todo.example.org' }
    expect(await realOutside.certificate({ ...address, ca: pem('authority.pem') })).toEqual({ validTo: expect.stringMatching(/^21\d\d-/) })
    expect(await realOutside.certificate(address)).toMatchObject({ trouble: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    expect(await realOutside.certificate({ ...address, servername: 'other.example.org', ca: pem('authority.pem') })).toMatchObject({ trouble: expect.stringMatching(/ALTNAME/) })
  })

  it.each([
    ['certificate', () => realOutside.certificate({ host: '127.0.0.1', port: 1, servername: 'a' })],
    ['get', () => realOutside.get('https://127.0.0.1:1/', {})],
    ['database', () => realOutside.database({ host: '127.0.0.1', port: 1, user: 'a', password: 'b', database: 'c', sslMode: 'verify-full' })],
  ])('%s: an address where nobody listens is told by its code', async (_name, ask) => {
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
