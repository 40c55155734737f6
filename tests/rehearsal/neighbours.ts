/** Who stands around the clusters: services of the engine's network, by the names under which pods and other calls reach them too. */
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import type { Neighbours, Secrets } from './environments.ts'

/**
 * Services are bound by short names, which hold in this container only; with the domain of the engine's network they hold everywhere in it.
 * @throws Error when a name is not known
 */
export async function neighbours(): Promise<Neighbours> {
  const domains = /^search (.+)/m.exec(await readFile('/etc/resolv.conf', 'utf8'))?.[1]?.split(/\s+/) ?? []
  const known = async (name: string): Promise<{ host: string; address: string }> => {
    for (const host of domains.map((domain) => `${name}.${domain}`)) {
      const found = await lookup(host, 4).catch(() => undefined)
      if (found !== undefined) return { host, address: found.address }
    }
    throw new Error(`no service is known as ${name} in any of the domains ${domains.join(', ') || '(none)'}`)
  }
  const [registry, database, model, provider] = await Promise.all([known('registry'), known('postgres'), known('model'), known('provider')])
  return {
    registry: `${registry.host}:5000`,
    database,
    model: { url: `https://${model.host}:8443/v1`, address: model.address },
    provider: { issuer: `https://${provider.host}:8443`, address: provider.address },
    authority: await readFile('/authority/ca.crt', 'utf8'),
  }
}

/** What the services were started with. */
export async function servicesSecrets(): Promise<Secrets> {
  const read = async (name: string): Promise<string> => (await readFile(`/secrets/${name}`, 'utf8')).trim()
  return { registryPassword: await read('registry-password'), superuserPassword: await read('superuser-password'), modelKey: await read('model-api-key'), clientSecret: await read('oidc-client-secret') }
}
