/** What a team puts into GitHub for each environment: variables and secrets, by the names that the workflows use. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import type { Contexts } from './workflows.ts'

const run = promisify(execFile)

/** Owner and repository with capital letters: references to images may have none. */
export const REPOSITORY = 'Acme-Corp/Todo-Chat'
export const ACTOR = 'Octo-Cat'

/** Names of the GitHub environments. */
export const ENVIRONMENTS = ['development', 'staging', 'production'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

/** Host name of the ingress, and how the module calls the environment. */
export const FACTS = {
  development: { env: 'dev', host: 'todo-chat.localhost' },
  staging: { env: 'staging', host: 'staging.todo.test' },
  production: { env: 'prod', host: 'todo.test' },
} as const

/** Who stands around the clusters, by name and address. */
export interface Neighbours {
  /** host:port */
  registry: string
  /** Name and address of the external PostgreSQL. */
  database: { host: string; address: string }
  /** https://…/v1, and its address */
  model: { url: string; address: string }
  provider: { issuer: string; address: string }
  /** PEM of the certificate authority that all of them, and both ingresses, are trusted by. */
  authority: string
}

/** How an environment is reached: known when its cluster is ready. */
export interface Access {
  /** The pipeline's, as text. */
  kubeconfig: string
  /** Where its ingress answers. */
  origin: string
}

/** Secrets that only the rehearsal and its services know. */
export interface Secrets {
  registryPassword: string
  superuserPassword: string
  modelKey: string
  clientSecret: string
}

export const REGISTRY_USER = 'pipeline'
export const CLIENT_ID = 'todo-chat'

const random = (): string => randomBytes(24).toString('base64url')

/** A certificate of the rehearsal's authority for a host name. */
async function certificate(host: string): Promise<{ 'tls.crt': string; 'tls.key': string }> {
  const path = (name: string): string => `/tmp/${host}.${name}`
  await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', path('key'), '-subj', `/CN=${host}`, '-out', path('request')])
  await writeFile(path('names'), `subjectAltName=DNS:${host}\n`)
  await run('openssl', ['x509', '-req', '-in', path('request'), '-CA', '/authority/ca.crt', '-CAkey', '/authority/ca.key', '-CAserial', '/tmp/serial', '-CAcreateserial', '-days', '2', '-extfile', path('names'), '-out', path('crt')])
  return { 'tls.crt': await readFile(path('crt'), 'utf8'), 'tls.key': await readFile(path('key'), 'utf8') }
}

/** PEM of a public key that may sign images, and of its private half. */
export function signers(): { public: string; private: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { public: publicKey.export({ type: 'spki', format: 'pem' }).toString(), private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

function pullCredentials(registry: string, password: string): string {
  return JSON.stringify({ auths: { [registry]: { auth: Buffer.from(`${REGISTRY_USER}:${password}`).toString('base64') } } })
}

const ROLES = ['superuser', 'migrator', 'chat', 'tasks', 'mcp', 'backup']

/** Pods of each tier: two environments share a node of two processors, where a rollout needs room for new pods beside the old ones. */
const PODS = { development: 1, staging: 2, production: 2 } as const

function settingsOf(name: EnvironmentName, { database, model, provider }: Neighbours): Record<string, unknown> {
  const shared = { 'images.pullSecret': 'todo-chat-registry', 'autoscaling.minReplicas': PODS[name], 'autoscaling.maxReplicas': PODS[name] }
  if (name === 'development') return shared
  const signIn = { 'oidc.issuer': provider.issuer, 'oidc.clientId': CLIENT_ID, 'oidc.cidr': `${provider.address}/32`, 'trust.privateCa': true, host: FACTS[name].host }
  if (name === 'staging') return { ...shared, ...signIn }
  return {
    ...shared,
    ...signIn,
    'database.host': database.host,
    'database.cidr': `${database.address}/32`,
    'model.baseUrl': model.url,
    'model.name': 'stub',
    'model.cidr': `${model.address}/32`,
  }
}

async function secretsOf(name: EnvironmentName, neighbours: Neighbours, secrets: Secrets): Promise<Record<string, string>> {
  const pull = { '.dockerconfigjson': pullCredentials(neighbours.registry, secrets.registryPassword) }
  if (name === 'development') return pull
  const passwords = Object.fromEntries(ROLES.map((role) => [`${role}-password`, random()]))
  const shared = { environment: name, ...pull, ...passwords, ...(await certificate(FACTS[name].host)), 'jwt-key': random(), 'oidc-client-secret': secrets.clientSecret, 'ca.crt': neighbours.authority }
  return name === 'staging' ? shared : { ...shared, 'superuser-password': secrets.superuserPassword, 'model-api-key': secrets.modelKey }
}

/**
 * What GitHub knows in an environment, or without one, for a commit.
 * @param access of each environment: asked for it, and not before
 */
export async function githubContexts(neighbours: Neighbours, secrets: Secrets, access: (name: EnvironmentName) => Access): Promise<(environment: string | undefined, sha: string) => Contexts> {
  const signing = signers()
  const repository = { IMAGE_KEY: signing.public, REGISTRY: `${neighbours.registry}/${REPOSITORY}`, REGISTRY_USERNAME: REGISTRY_USER, REGISTRY_CA: neighbours.authority }
  const shared = { REGISTRY_PASSWORD: secrets.registryPassword, SIGNING_KEY: signing.private, GITHUB_TOKEN: '' }
  const given = new Map<string, { name: EnvironmentName; vars: Record<string, string>; secrets: Record<string, string> }>()
  for (const name of ENVIRONMENTS) {
    given.set(name, {
      name,
      vars: { INGRESS_CA: name === 'development' ? '' : neighbours.authority, SETTINGS: stringify(settingsOf(name, neighbours)) },
      secrets: { APPLICATION_SECRETS: JSON.stringify(await secretsOf(name, neighbours, secrets)) },
    })
  }
  const own = (environment: string): Omit<Contexts, 'github'> => {
    const found = given.get(environment)
    if (found === undefined) return { vars: {}, secrets: {} }
    const { kubeconfig, origin } = access(found.name)
    return { vars: { ...found.vars, INGRESS_URL: origin }, secrets: { ...found.secrets, KUBECONFIG: kubeconfig, STAGING_KUBECONFIG: access('staging').kubeconfig } }
  }
  return (environment, sha) => {
    const { vars, secrets } = own(environment ?? '')
    return { github: { repository: REPOSITORY, actor: ACTOR, sha, ref_name: 'main', event_name: 'workflow_dispatch' }, vars: { ...repository, ...vars }, secrets: { ...shared, ...secrets } }
  }
}
