/** A way to the API server that can be cut. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'

interface Kubeconfig {
  clusters: { cluster: { server: string; 'tls-server-name'?: string } }[]
}

export interface ApiProxy extends AsyncDisposable {
  /** A kubeconfig that goes through the proxy. */
  kubeconfig: string
  /** Drops every connection and refuses new ones. */
  cut(): void
  mend(): void
}

/** Listens on loopback and passes bytes on to the server of the kubeconfig. */
export async function proxyTo(kubeconfig: string): Promise<ApiProxy> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig
  const [entry] = config.clusters
  if (entry === undefined) throw new Error(`${kubeconfig} names no cluster`)
  const target = new URL(entry.cluster.server)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream = connect(Number(target.port || 443), target.hostname)
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  entry.cluster.server = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  entry.cluster['tls-server-name'] = target.hostname
  const folder = await mkdtemp(join(tmpdir(), 'api-proxy-'))
  const path = join(folder, 'kubeconfig')
  await writeFile(path, stringify(config), { mode: 0o600 })
  return {
    kubeconfig: path,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
