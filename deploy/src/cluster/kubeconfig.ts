/** Kubeconfigs: read, checked before anything is asked with them, and written for the holder of a token. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { KubeConfig, type RequestContext } from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import { stringify } from 'yaml'
import { BadInput } from '../errors.ts'

/**
 * Reads and checks a kubeconfig.
 * @throws BadInput that names the file and what is wrong with it
 */
export function loadKubeconfig(path: string, context?: string, server?: URL): KubeConfig {
  const bad = (what: string, next: string, cause?: unknown): BadInput => new BadInput(`kubeconfig ${path}: ${what}`, { next, cause })
  const config = new PooledConfig()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw bad(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`, 'give the path of an existing file with --kubeconfig', cause)
  }
  if (text.trim() === '') throw bad('is empty', 'give a kubeconfig; in a pipeline: the secret that holds it is not set')
  if (isBase64Kubeconfig(text)) throw bad('is base64 text', 'decode it first: base64 -d')
  try {
    config.loadFromFile(path)
  } catch (cause) {
    throw bad(`is malformed: ${(cause as Error).message.split('\n')[0]}`, 'the file must be a kubeconfig with clusters, users and contexts', cause)
  }
  if (context !== undefined) config.setCurrentContext(context)
  const names = config.getContexts().map(({ name }) => name)
  if (config.getContextObject(config.getCurrentContext()) === null) {
    throw bad(`has no context ${config.getCurrentContext() || '(none set)'}`, `choose one of its contexts with --context: ${names.join(', ') || 'it has none'}`)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster?.server) throw bad(`context ${config.getCurrentContext()} names a cluster without a server`, 'add the cluster to the file')
  if (server !== undefined) config.clusters = config.clusters.map((entry) => (entry.name === cluster.name ? { ...entry, server: withOrigin(entry.server, server) } : entry))
  const user = config.getCurrentUser()
  if (user === null) throw bad(`context ${config.getCurrentContext()} names a user that is not in the file`, 'add the user to the file')
  if (user.certData) {
    const certificate = parseCertificate(user.certData, bad)
    if (Date.parse(certificate.validTo) < Date.now()) throw bad(`its client certificate expired on ${certificate.validTo}`, 'get a fresh kubeconfig')
  }
  return config
}

/** A kubeconfig of the same cluster for the holder of a token, whose commands are about one namespace. */
export function kubeconfigFor(config: KubeConfig, user: string, token: string, namespace: string): string {
  const { name, server, caData, caFile, skipTLSVerify } = config.getCurrentCluster() ?? { name: '', server: '', skipTLSVerify: false }
  const authorities = caData ?? (caFile === undefined ? undefined : readFileSync(caFile).toString('base64'))
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...(authorities === undefined ? {} : { 'certificate-authority-data': authorities }), ...(skipTLSVerify ? { 'insecure-skip-tls-verify': true } : {}) } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: namespace, context: { cluster: name, user, namespace } }],
    'current-context': namespace,
  })
}

/** Pipelines often keep a kubeconfig so. */
function isBase64Kubeconfig(text: string): boolean {
  return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) && /^(apiVersion|kind|clusters|contexts|users|current-context|\{)/m.test(Buffer.from(text, 'base64').toString())
}

/** The address with another scheme, host and port; proxies of several clusters tell them apart by the path. */
function withOrigin(address: string, { origin }: URL): string {
  const { pathname } = new URL(address)
  return origin + (pathname === '/' ? '' : pathname)
}

function parseCertificate(data: string, bad: (what: string, next: string, cause?: unknown) => BadInput): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(data, 'base64'))
  } catch (cause) {
    throw bad('its client certificate is malformed', 'get a fresh kubeconfig', cause)
  }
}

/** The library makes a new connection pool for each request, and with it a TLS handshake; one pool is enough. */
class PooledConfig extends KubeConfig {
  #dispatcher: Dispatcher | undefined

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context)
    this.#dispatcher ??= context.getDispatcher()
    if (this.#dispatcher !== undefined) context.setDispatcher(this.#dispatcher)
  }
}
