/** A pod's port on a loopback port of this machine, over the API server. */
import { once } from 'node:events'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { type KubeConfig, PortForward } from '@kubernetes/client-node'

export interface ForwardedPort {
  port: number
  /** What the API server said when it last refused a connection. */
  refusal(): unknown
  close(): Promise<void>
}

/**
 * Listens on a free loopback port; each connection becomes one forwarded connection to the pod.
 * A connection that the API server refuses is closed, as the pod itself would do.
 */
export async function forwardPort(config: KubeConfig, namespace: string, pod: string, port: number): Promise<ForwardedPort> {
  const forward = new PortForward(config)
  const sockets = new Set<Socket>()
  let refusal: unknown
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    forward.portForward(namespace, pod, [port], socket, null, socket).then(
      (connection) => {
        const websocket = typeof connection === 'function' ? connection() : connection
        socket.on('close', () => websocket?.close())
        websocket?.on('close', () => socket.end())
      },
      (error: unknown) => {
        refusal = error
        socket.destroy()
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    refusal: () => refusal,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
