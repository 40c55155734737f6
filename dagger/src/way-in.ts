import { dag, type Directory, type Service } from '@dagger.io/dagger'
import { Bases } from './bases.ts'

/** Where the launcher's half of the way in connects; `way-in/server.mjs` listens there. */
const WAY_IN_PORT = 4480

// An hour at 100 requests a second takes a tenth of it. What takes more is a fault, and ends the relay instead of the machine: V8
// keeps to its own limit, the kernel's is for what lies outside it (-d: of what a process can write to, in KiB).
const START = 'ulimit -d 1048576 && exec node --max-old-space-size=256 /way-in/server.mjs "$@"'

/**
 * A way in to a service from a laptop that holds, in the place of the engine's own forwarding, which stops after some clients that go
 * away early (why: `scripts/launcher/way-in.mjs`). The launcher asks the engine to forward its one port, over one connection, and
 * carries everything through that.
 * @param ports of the service
 */
export async function wayIn(source: Directory, service: Service, ports: readonly number[]): Promise<Service> {
  const bases = await Bases.read(source)
  return dag
    .container()
    .from(bases.address('NODE_IMAGE'))
    .withServiceBinding('service', service)
    .withDirectory('/way-in', source.directory('dagger/way-in'))
    .withExposedPort(WAY_IN_PORT)
    .asService({ args: ['sh', '-c', START, 'sh', 'service', ...ports.map(String)] })
}
