/** A command in a running container, over the API server. */
import { Writable, type Readable } from 'node:stream'
import { type KubeConfig, Exec, type V1Status } from '@kubernetes/client-node'

export interface ExecResult {
  exitCode: number
  stderr: string
}

/**
 * Runs a command to its end.
 * @param stdin sent to the command, then closed
 * @param stdout ended when the command ends
 * @throws when the connection fails or ends before the command does
 */
export async function execInPod(
  config: KubeConfig,
  pod: { namespace: string; name: string; container: string },
  command: readonly string[],
  stdout: Writable,
  stdin?: Readable,
): Promise<ExecResult> {
  const errors: Buffer[] = []
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      errors.push(chunk)
      done()
    },
  })
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec(pod.namespace, pod.name, pod.container, [...command], stdout, stderr, stdin ?? null, false, resolve)
      .then((socket) => {
        socket.on('error', reject)
        socket.on('close', () => reject(new Error(`the connection to pod ${pod.name} ended before ${command[0]} did`)))
      }, reject)
  })
  stdout.end()
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  return { exitCode: status.status === 'Success' ? 0 : Number(code ?? 1), stderr: Buffer.concat(errors).toString() }
}
