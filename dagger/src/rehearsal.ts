import { randomBytes } from 'node:crypto'
import { type Container, dag, type Directory, ReturnType, type Secret, type Service } from '@dagger.io/dagger'
import { dependencies } from './checks.ts'
import { cluster, standIn } from './cluster.ts'
import { image } from './images.ts'
import { CHECK_SOURCES, only } from './sources.ts'

const OWNER = '10001:10001'
const REPORT = '/report'

/** Programs of the tools image that the rehearsal itself uses. */
const TOOLS = ['kubectl', 'kustomize', 'crane']

/** Secrets that a service and whoever talks to it share, by their file's name in /secrets. */
const SECRETS = ['registry-password', 'superuser-password', 'model-api-key', 'oidc-client-secret'] as const
type SecretName = (typeof SECRETS)[number]

/** What a rehearsal gave. */
export type Rehearsed = { exitCode: number; output: string; report: Directory }

/**
 * Runs tests/rehearsal/main.ts, which calls Dagger itself, beside two clusters and all that stands around them. Every run has services, keys and
 * clusters of its own.
 * @param leftOut checks that the workflows' `ci` leaves out
 */
export async function rehearsal(source: Directory, clusterImage: string, leftOut: string[]): Promise<Rehearsed> {
  const run = `rehearsal-${randomBytes(4).toString('hex')}`
  const base = await image(source, 'rehearsal')
  const workspace = base
    .withDirectory('/workspace', only(source, CHECK_SOURCES.rehearsal), { owner: OWNER })
    .withMountedDirectory('/workspace/node_modules', await dependencies(source))
    .withEnvVariable('RUN', run)
  const authority = base
    .withEnvVariable('RUN', run)
    .withExec(['sh', '-ec', 'mkdir /tmp/authority && cd /tmp/authority && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=rehearsal" -keyout ca.key -out ca.crt'])
    .directory('/tmp/authority')
  const secrets = Object.fromEntries(SECRETS.map((name) => [name, dag.setSecret(`${name}-${run}`, randomBytes(24).toString('base64url'))])) as Record<SecretName, Secret>
  const knowing = (container: Container, names: readonly SecretName[]): Container =>
    names.reduce((each, name) => each.withMountedSecret(`/secrets/${name}`, secrets[name], { owner: OWNER, mode: 0o400 }), container.withMountedDirectory('/authority', authority, { owner: OWNER }))
  const serve = (name: string, port: number, names: readonly SecretName[], command: string, environment: Record<string, string> = {}): Service =>
    Object.entries(environment)
      .reduce((each, [key, value]) => each.withEnvVariable(key, value), knowing(workspace, names))
      .withExposedPort(port)
      .asService({ args: ['sh', '-ec', command] })
      .withHostname(name)
  const withCertificate = (name: string, command: string): string => `sh tests/rehearsal/services/certificate.sh ${name} /tmp/tls && exec ${command}`

  const services = {
    registry: serve('registry', 5000, ['registry-password'], 'exec sh tests/rehearsal/services/registry.sh', { REGISTRY_USER: 'pipeline' }),
    postgres: serve('postgres', 5432, ['superuser-password'], 'exec sh tests/rehearsal/services/postgres.sh'),
    model: serve('model', 8443, ['model-api-key'], withCertificate('model', 'npx tsx tests/rehearsal/services/model.ts')),
    provider: serve('provider', 8443, ['oidc-client-secret'], withCertificate('provider', 'sh tests/rehearsal/services/provider.sh')),
  }
  const nothing = dag.directory()
  const trusted = authority.file('ca.crt')
  const nodes = await Promise.all(['nonproduction', 'production'].map((name) => cluster(clusterImage, `${run}-${name}`, nothing, trusted)))

  let rehearsing = knowing(workspace, SECRETS)
    .withDirectory('/usr/local/bin', (await image(source, 'tools')).directory('/usr/local/bin').filter({ include: TOOLS }))
    .withDirectory('/repository', source, { owner: OWNER })
    .withDirectory(REPORT, nothing, { owner: OWNER })
    .withEnvVariable('REPORT_DIR', REPORT)
    .withEnvVariable('CI_SKIP', leftOut.join(','))
    .withEnvVariable('CLUSTER_LABEL', (await standIn(clusterImage)).join(', '))
    .withEnvVariable('NODE_EXTRA_CA_CERTS', '/authority/ca.crt')
  for (const [name, service] of Object.entries(services)) rehearsing = rehearsing.withServiceBinding(name, service)
  for (const [index, { service, volume }] of nodes.entries()) rehearsing = rehearsing.withServiceBinding(`node-${index}`, service).withMountedCache('/clusters', volume)
  const done = rehearsing.withExec(['npx', 'tsx', 'tests/rehearsal/main.ts'], { experimentalPrivilegedNesting: true, expect: ReturnType.Any })
  const [exitCode, stdout, stderr] = await Promise.all([done.exitCode(), done.stdout(), done.stderr()])
  return { exitCode, output: stdout === '' ? stderr : stdout, report: done.directory(REPORT) }
}
