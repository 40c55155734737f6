import { X509Certificate } from 'node:crypto'
import type { V1Role } from '@kubernetes/client-node'
import pMap from 'p-map'
import { type CheckedInput } from './_checkrelease.ts'
import { ClusterError, DeployError } from '../errors.ts'
import { GATES, gateRefusals } from '../release/gates.ts'
import { givenImages, hasDigest, imagesOf, isPlaceholder, withImages } from '../release/images.ts'
import type { KubeObject, RenderedObject, Wire } from '../release/objects.ts'
import type { DatabaseFacts, Outside } from '../cluster/outside.ts'
import { checkQuota } from '../release/quota.ts'
import { gatherSecrets } from '../plan/prepare.ts'
import { PULL_KEY, podSpecs } from '../release/secrets.ts'
import { type Context, checkNamespace } from '../session.ts'
import { missingSettings } from '../release/settings.ts'

/** One question of the doctor. */
export interface Finding {
  name: string
  /** `not asked` says why in `detail`, and is no fault. */
  result: 'well' | 'wrong' | 'not asked'
  detail: string
  /** Of what is wrong: what to do. */
  next?: string
}

export interface DoctorInput extends CheckedInput {
  rendered: readonly RenderedObject[]
  /** Where the ingress listens; by default the host itself. */
  ingress?: { url: URL; host?: string; ca?: string; verifyTls?: boolean }
  /** Authorities of the registry, PEM. @default those that the application's pods trust */
  registryCa?: string
}

interface Facts {
  context: Context
  input: DoctorInput
  outside: Outside
  rendered: RenderedObject[]
  objects: KubeObject[]
  /** Every value of the ConfigMaps. */
  settings: Record<string, string>
}

type Verdict = Omit<Finding, 'name'>

const well = (detail: string): Verdict => ({ result: 'well', detail })
const wrong = (detail: string, next: string): Verdict => ({ result: 'wrong', detail, next })
const notAsked = (detail: string): Verdict => ({ result: 'not asked', detail })

/** A certificate that ends sooner is a fault: renewal comes earlier, also for those that hold for six days only. */
const DAYS_LEFT = 1
const DAY = 86_400_000
/** PostgreSQL 15. */
const OLDEST_POSTGRES = 150_000
/** Of the image `backup` (docker/database/Dockerfile). */
const NEWEST_POSTGRES = 170_000
const CONCURRENCY = 8

function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    if (typeof code === 'string') return code
  }
  return error instanceof Error ? error.message.split('\n')[0] ?? error.name : String(error)
}

/** No server was reached, so that nothing was learnt of it. */
function isUnreachable(error: unknown): boolean {
  return /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(codeOf(error)) || /timeout/i.test(codeOf(error))
}

function text(value: Buffer | undefined): string | undefined {
  return value?.toString()
}

/** Authorities that the application's pods will trust, when they are not those of the images. */
function authority({ settings, input }: Facts): { ca?: string } {
  const ca = settings['SSL_CERT_FILE'] === undefined ? undefined : text(input.secretFiles.get('ca.crt'))
  return ca === undefined ? {} : { ca }
}

/** Every right of the Role deployer, asked one by one. */
async function rights({ context: { cluster, namespace }, objects }: Facts): Promise<Verdict> {
  const role = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'deployer') as (KubeObject & Pick<Wire<V1Role>, 'rules'>) | undefined
  const needed = (role?.rules ?? []).flatMap(({ apiGroups = [], resources = [], verbs }) => apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb })))))
  if (needed.length === 0) return wrong('the manifests have no Role deployer', 'render the overlays of this repository')
  const denied = await pMap(
    needed,
    async ({ group, resource, verb }) => {
      const [name, subresource] = resource.split('/')
      const attributes = { namespace, group, resource: name, verb, ...(subresource === undefined ? {} : { subresource }) }
      const review = await cluster.create({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: { name: '' }, spec: { resourceAttributes: attributes } })
      return (review['status'] as { allowed?: boolean } | undefined)?.allowed === true ? [] : [`${verb} ${resource}${group === '' ? '' : `.${group}`}`]
    },
    { concurrency: CONCURRENCY },
  )
  const missing = denied.flat()
  const shown = missing.slice(0, 6).join(', ') + (missing.length > 6 ? ` and ${missing.length - 6} more` : '')
  return missing.length === 0 ? well(`${needed.length} rights in ${namespace}`) : wrong(`not allowed in ${namespace}: ${shown}`, 'an administrator applies what `bootstrap` prints')
}

async function namespaceOf({ context }: Facts): Promise<Verdict> {
  const { exists, notes } = await checkNamespace(context)
  if (exists) return well(context.namespace)
  const review = await context.cluster.create({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: { name: '' }, spec: { resourceAttributes: { resource: 'namespaces', group: '', verb: 'create' } } })
  if ((review['status'] as { allowed?: boolean } | undefined)?.allowed !== true) return wrong(`${context.namespace} does not exist, and this kubeconfig may not make it`, 'an administrator applies what `bootstrap` prints')
  return well([`${context.namespace} will be made`, ...notes].join('; '))
}

function images({ objects }: Facts): Verdict {
  const all = imagesOf(objects)
  const missing = Object.keys(all).filter((name) => isPlaceholder(all[name] ?? ''))
  if (missing.length > 0) return wrong(`not given: ${missing.join(', ')}`, 'give --images, as publish writes it')
  const tagged = Object.keys(all).filter((name) => !hasDigest(all[name] ?? ''))
  return well(tagged.length === 0 ? `${Object.keys(all).length} by digest` : `${Object.keys(all).length}, by tag: ${tagged.join(', ')}`)
}

/** Nothing was learnt of the image: nobody was reached, or not by a name that this machine trusts; nodes have authorities of their own. */
const REGISTRY_NOT_ASKED = /timeout|no such host|connection refused|no route|unreachable|x509|crane/
const REGISTRY_REFUSES = /UNAUTHORIZED|DENIED|401|403/

async function registry(facts: Facts): Promise<Verdict> {
  const { objects, input, outside } = facts
  const references = Object.values(givenImages(imagesOf(objects)))
  if (references.length === 0) return notAsked('no image is given')
  const credentials = text(input.secretFiles.get(PULL_KEY))
  const pulls = objects.flatMap(podSpecs).some(({ imagePullSecrets = [] }) => imagePullSecrets.length > 0)
  const options = { ...(credentials === undefined ? {} : { credentials }), ...(input.registryCa === undefined ? authority(facts) : { ca: input.registryCa }) }
  const answers = await pMap(references, async (reference) => ({ reference, refusal: await outside.image(reference, options) }), { concurrency: CONCURRENCY })
  const refused = answers.flatMap(({ reference, refusal }) => (refusal === undefined ? [] : [{ reference, refusal }]))
  const [first] = refused
  if (first === undefined) return well(`${references.length} images are there${credentials === undefined ? '' : ' for the pods’ credentials'}`)
  const told = `${refused.map(({ reference }) => reference.replace(/@.*/, '')).join(', ')}: ${first.refusal}`
  if (REGISTRY_NOT_ASKED.test(first.refusal)) return notAsked(`${told}; the nodes may reach it`)
  if (!REGISTRY_REFUSES.test(first.refusal)) return wrong(told, 'publish the images of this commit to that registry')
  if (credentials !== undefined) return wrong(told, 'give a secret .dockerconfigjson that may pull from that registry')
  return pulls ? notAsked('the credentials are not among the given secrets') : wrong(told, 'give the setting images.pullSecret and the secret .dockerconfigjson, where the nodes have no credentials of their own')
}

async function signatures({ objects, input }: Facts): Promise<Verdict> {
  if (input.unsigned === undefined) return notAsked('nobody said who may sign (--image-key)')
  const given = givenImages(imagesOf(objects))
  const count = Object.keys(given).length
  if (count === 0) return notAsked('no image is given')
  const unsigned = await input.unsigned(given)
  return unsigned.length === 0 ? well(`${count} images are signed by a given key`) : wrong(unsigned.join('; '), 'publish the images of this commit with --signing-key, whose public half --image-key must hold')
}

function settingsOf({ objects }: Facts): Verdict {
  const missing = missingSettings(objects).map(({ name, placeholder }) => name ?? placeholder)
  return missing.length === 0 ? well('complete') : wrong(`not given: ${missing.join(', ')}`, 'give them with --set or --settings; `settings` explains them')
}

function quota({ objects }: Facts): Verdict {
  checkQuota(objects)
  return well('has room for the autoscalers at their maximum')
}

async function secrets({ context: { cluster, namespace }, input, rendered }: Facts): Promise<Verdict> {
  const exists = (await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })) !== undefined
  const { objects, missing } = await gatherSecrets(cluster, namespace, exists, { ...input, rendered })
  if (missing.length > 0) return wrong(`no value for ${missing.map(({ key }) => key).join(', ')}`, 'give them with --secrets-file or --secrets-dir')
  return well(`${objects.length} Secrets`)
}

function gates({ context: { environment, commit }, input, objects }: Facts): Verdict {
  const refusals = gateRefusals(environment, { objects, commit, verified: input.verified }, input.allowed)
  return refusals.length === 0 ? well(`${Object.keys(GATES).length - input.allowed.size} kept`) : wrong(refusals.join('; '), 'mend the cause, or lift a refusal on purpose')
}

function ingressOf({ objects }: Facts): { host?: string; tls: boolean } {
  const spec = objects.find(({ kind }) => kind === 'Ingress')?.['spec'] as { rules?: { host?: string }[]; tls?: unknown[] } | undefined
  const host = spec?.rules?.[0]?.host
  return { ...(host === undefined ? {} : { host }), tls: (spec?.tls?.length ?? 0) > 0 }
}

async function hostName(facts: Facts): Promise<Verdict> {
  const { host } = ingressOf(facts)
  if (host === undefined || missingSettings(facts.objects).some(({ name }) => name === 'host')) return notAsked('the host is not given')
  if (host.endsWith('.localhost')) return notAsked(`${host} is this machine by definition`)
  try {
    return well(`${host} is ${(await facts.outside.resolve(host)).join(', ')}`)
  } catch (error) {
    const { ingress } = facts.input
    if (ingress !== undefined && ingress.url.hostname !== host) return notAsked(`${host} has no address here (${codeOf(error)}); the ingress is asked at ${ingress.url.host}`)
    return wrong(`${host} has no address (${codeOf(error)})`, 'make a DNS record for it that leads to the ingress controller')
  }
}

/** What is wrong with the certificate that comes with the secrets. */
function givenCertificate({ input, context }: Facts, host: string): Verdict | undefined {
  const pem = text(input.secretFiles.get('tls.crt'))
  if (pem === undefined) return undefined
  const next = 'give another tls.crt and tls.key with the secrets'
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    return wrong('tls.crt holds no certificate', next)
  }
  if (certificate.checkHost(host) === undefined) return wrong(`tls.crt is not for ${host}, but for ${certificate.subjectAltName ?? certificate.subject}`, next)
  const ends = Date.parse(certificate.validTo)
  return ends < context.clock.now() ? wrong(`tls.crt ended on ${new Date(ends).toISOString()}`, next) : undefined
}

async function certificate(facts: Facts): Promise<Verdict> {
  const { host, tls } = ingressOf(facts)
  const { ingress } = facts.input
  const { cluster, namespace } = facts.context
  if (!tls) return notAsked('this environment serves no TLS')
  if (host === undefined || missingSettings(facts.objects).some(({ name }) => name === 'host')) return notAsked('the host is not given')
  const given = givenCertificate(facts, host)
  if (given !== undefined) return given
  const name = facts.objects.find(({ kind }) => kind === 'Ingress')?.metadata.name ?? ''
  if ((await cluster.get({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace, name })) === undefined) return notAsked(`nobody serves ${host} before the first deployment`)
  if (ingress?.url.protocol === 'http:') return notAsked('--ingress-url is a http address')
  if (ingress?.verifyTls === false) return notAsked('--insecure-ingress accepts any')
  const address = { host: ingress?.url.hostname ?? host, port: Number(ingress?.url.port || 443), servername: ingress?.host ?? host, ...(ingress?.ca === undefined ? {} : { ca: ingress.ca }) }
  try {
    const { validTo, trouble } = await facts.outside.certificate(address)
    const days = Math.floor((Date.parse(validTo) - facts.context.clock.now()) / DAY)
    if (trouble !== undefined) return wrong(`${address.servername}: ${trouble}`, 'give the certificate with the secrets (tls.crt, tls.key) or the setting ingress.issuer; --ingress-ca for a private authority')
    return days < DAYS_LEFT ? wrong(`${address.servername}: ends in ${days} days, on ${validTo}`, 'renew the certificate') : well(`${address.servername}: good for ${days} days`)
  } catch (error) {
    return isUnreachable(error) ? notAsked(`${address.host}:${address.port} is not reachable from here (${codeOf(error)})`) : wrong(`${address.host}:${address.port}: ${codeOf(error)}`, 'look whether the ingress controller serves TLS there')
  }
}

async function database(facts: Facts): Promise<Verdict> {
  const { settings, input, outside } = facts
  const user = settings['TODO_DATABASE_ADMIN_USER']
  if (user === undefined) return notAsked('it runs in the cluster')
  if (missingSettings(facts.objects).some(({ name }) => name === 'database.host')) return notAsked('database.host is not given')
  const password = text(input.secretFiles.get('superuser-password'))
  if (password === undefined) return notAsked("the administrator's password is not among the given secrets")
  const host = settings['TODO_DATABASE_HOST'] ?? ''
  const port = Number(settings['TODO_DATABASE_PORT'])
  let found: DatabaseFacts
  try {
    found = await outside.database({ host, port, user, password, database: settings['TODO_DATABASE_NAME'] ?? '', sslMode: settings['TODO_DATABASE_SSLMODE'] ?? '', ...authority(facts) })
  } catch (error) {
    if (isUnreachable(error)) return notAsked(`${host}:${port} is not reachable from here (${codeOf(error)}); the pods may reach it`)
    return wrong(`${host}:${port}: ${error instanceof Error ? error.message : codeOf(error)} (${codeOf(error)})`, 'check database.*, the secret superuser-password, and trust.privateCa for a private authority')
  }
  const { version, exists, superuser, createRole, createDatabase, createSchema } = found
  const name = settings['TODO_DATABASE_NAME']
  if (version < OLDEST_POSTGRES) return wrong(`PostgreSQL ${Math.floor(version / 10_000)} is too old`, 'use PostgreSQL 15 or newer')
  if (version >= NEWEST_POSTGRES + 10_000) return wrong(`PostgreSQL ${Math.floor(version / 10_000)} is newer than what backs it up, which reads up to ${NEWEST_POSTGRES / 10_000}`, 'use PostgreSQL 17, or back it up in another way and give --allow no-backup')
  if (!superuser && !createRole) return wrong(`role ${user} may not create roles`, `grant CREATEROLE to ${user}`)
  if (!superuser && !exists && !createDatabase) return wrong(`there is no database ${name}, and role ${user} may not create it`, `create database ${name} with owner ${user}, or grant CREATEDB to ${user}`)
  if (!superuser && exists && !createSchema) return wrong(`role ${user} may not create schemas in database ${name}`, `grant CREATE on database ${name} to ${user}`)
  return well(`PostgreSQL ${Math.floor(version / 10_000)} over TLS, ${user} ${superuser ? 'is superuser' : 'has the rights that a migration needs'}${exists ? '' : `; database ${name} will be made`}`)
}

async function model(facts: Facts): Promise<Verdict> {
  const base = facts.settings['TODO_MODEL_BASE_URL']
  if (base === undefined) return notAsked('the scripted model answers')
  const key = text(facts.input.secretFiles.get('model-api-key'))
  try {
    const { status } = await facts.outside.get(`${base.replace(/\/$/, '')}/models`, { ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key.trim()}` } }), ...authority(facts) })
    if (key !== undefined && (status === 401 || status === 403)) return wrong(`${base} refuses the key (HTTP ${status})`, 'give a valid secret model-api-key')
    // An endpoint need not list its models.
    return status >= 500 ? wrong(`${base} answers HTTP ${status}`, 'look at the endpoint') : well(`${base} answers${key === undefined ? '; the key was not among the given secrets' : ''}`)
  } catch (error) {
    return isUnreachable(error) ? notAsked(`${base} is not reachable from here (${codeOf(error)}); the pods may reach it`) : wrong(`${base}: ${codeOf(error)}`, 'check model.baseUrl, and trust.privateCa for a private authority')
  }
}

async function oidc(facts: Facts): Promise<Verdict> {
  const issuer = facts.settings['TODO_OIDC_ISSUER']
  if (issuer === undefined) return notAsked('nobody signs in with a provider here')
  if (missingSettings(facts.objects).some(({ name }) => name === 'oidc.issuer')) return notAsked('oidc.issuer is not given')
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const { status, body } = await facts.outside.get(url, authority(facts))
    if (status !== 200) return wrong(`${url} answers HTTP ${status}`, 'check oidc.issuer')
    const told = (JSON.parse(body) as { issuer?: string }).issuer
    return told === issuer ? well(issuer) : wrong(`the provider calls itself ${told ?? '(nothing)'}, not ${issuer}`, 'give oidc.issuer to the letter')
  } catch (error) {
    if (error instanceof SyntaxError) return wrong(`${url} answers no JSON`, 'check oidc.issuer')
    return isUnreachable(error) ? notAsked(`${issuer} is not reachable from here (${codeOf(error)}); the pods may reach it`) : wrong(`${issuer}: ${codeOf(error)}`, 'check oidc.issuer, and trust.privateCa for a private authority')
  }
}

const QUESTIONS: readonly [name: string, ask: (facts: Facts) => Verdict | Promise<Verdict>][] = [
  ['cluster', async ({ context: { cluster } }) => well(`${cluster.server}, Kubernetes ${await cluster.version()}`)],
  ['namespace', namespaceOf],
  ['rights', rights],
  ['images', images],
  ['registry', registry],
  ['signatures', signatures],
  ['settings', settingsOf],
  ['secrets', secrets],
  ['gates', gates],
  ['quota', quota],
  ['host name', hostName],
  ['certificate', certificate],
  ['database', database],
  ['model endpoint', model],
  ['sign-in', oidc],
]

function failed(error: unknown): Verdict {
  if (!(error instanceof DeployError)) throw error
  const next = error.next ?? (error instanceof ClusterError ? 'see the kubeconfig' : 'mend what it says')
  return wrong(error.message, next)
}

/** Whether a deployment would find everything that it needs. Changes nothing. */
export async function doctor(context: Context, input: DoctorInput, outside: Outside): Promise<Finding[]> {
  const rendered = withImages(input.rendered, input.images)
  const objects = rendered.map(({ object }) => object)
  const settings = Object.assign({}, ...objects.filter(({ kind }) => kind === 'ConfigMap').map((object) => object['data'] ?? {})) as Record<string, string>
  const facts: Facts = { context, input, outside, rendered, objects, settings }
  return Promise.all(QUESTIONS.map(async ([name, ask]) => ({ name, ...(await Promise.resolve().then(() => ask(facts)).catch(failed)) })))
}

const MARKS = { well: '✓', wrong: '✗', 'not asked': '–' } as const

/** One line per question, and below what is wrong the next step. */
export function doctorText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length))
  return findings.flatMap(({ name, result, detail, next }) => [`${MARKS[result]} ${name.padEnd(width)}  ${detail}`, ...(next === undefined ? [] : [`  ${''.padEnd(width)}  Next: ${next}`])]).join('\n')
}
