/** Other people at the cluster: kubeconfigs that hold a token. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CoreV1Api } from '@kubernetes/client-node'
import { parse, stringify } from 'yaml'
import { loadKubeconfig } from '../../deploy/src/cluster/kubeconfig.ts'
import { NAMESPACE } from './_bench.ts'

export interface Identity extends AsyncDisposable {
  kubeconfig: string
}

/** A kubeconfig of the same cluster with this token. */
export async function withToken(kubeconfig: string, token: string): Promise<Identity> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as { users: { user: object }[] }
  for (const entry of config.users) entry.user = { token }
  const folder = await mkdtemp(join(tmpdir(), 'identity-'))
  const path = join(folder, 'kubeconfig')
  await writeFile(path, stringify(config), { mode: 0o600 })
  return { kubeconfig: path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** As a service account of the application's namespace, for an hour. */
export async function asServiceAccount(kubeconfig: string, name: string): Promise<Identity> {
  const api = loadKubeconfig(kubeconfig).makeApiClient(CoreV1Api)
  const { status } = await api.createNamespacedServiceAccountToken({ namespace: NAMESPACE, name, body: { spec: { audiences: [], expirationSeconds: 3600 } } })
  if (status?.token === undefined) throw new Error(`no token for service account ${name}`)
  return withToken(kubeconfig, status.token)
}
