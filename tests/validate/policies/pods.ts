/** What every pod promises. */
import { type Container, type Policy, each, eachContainer, eachPod, ofKind, podTemplates, servers } from './_policy.ts'

const SMALLEST_ID = 10_000
const RESOURCES = ['cpu', 'memory', 'ephemeral-storage'] as const
/** Start-up within the 30 s that a rollout and the conformance suite allow; a database may recover for longer. */
const STARTUP_SECONDS = { Deployment: 30, StatefulSet: 60 } as const
/** Longest time that running requests get after the signal: TODO_SHUTDOWN_SECONDS by default, worker_shutdown_timeout of nginx, a checkpoint. */
const DRAIN_SECONDS: Record<string, number> = { agent: 30, backend: 30, mcp: 30, frontend: 25, postgres: 30 }

type ProbeName = 'startupProbe' | 'livenessProbe' | 'readinessProbe'
const PROBES: ProbeName[] = ['startupProbe', 'livenessProbe', 'readinessProbe']

const sorted = (value: unknown): string => JSON.stringify(value, (_, field: unknown) => (typeof field === 'object' && field !== null && !Array.isArray(field) ? Object.fromEntries(Object.entries(field).sort()) : field))

function probePath(container: Container, probe: ProbeName): string | undefined {
  return container[probe]?.httpGet?.path
}

export const podPolicies: Policy[] = [
  {
    id: 'pods/non-root',
    must: 'Every container MUST run as a non-root user and group, both at least 10000',
    check: (objects) =>
      eachContainer(podTemplates(objects), ({ securityContext: own = {} }, { spec: { securityContext: pods = {} } }) => {
        const { runAsNonRoot, runAsUser = 0, runAsGroup = 0 } = { ...pods, ...own }
        return [
          runAsNonRoot !== true && 'runAsNonRoot is not true',
          runAsUser < SMALLEST_ID && `runAsUser is ${runAsUser}`,
          runAsGroup < SMALLEST_ID && `runAsGroup is ${runAsGroup}`,
        ]
      }),
  },
  {
    id: 'pods/seccomp',
    must: 'Every container MUST run under the seccomp profile RuntimeDefault',
    check: (objects) =>
      eachContainer(podTemplates(objects), ({ securityContext: own = {} }, { spec }) => {
        const profile = own.seccompProfile ?? spec.securityContext?.seccompProfile
        return [profile?.type !== 'RuntimeDefault' && `seccomp profile is ${profile?.type ?? 'not set'}`]
      }),
  },
  {
    id: 'pods/read-only-root',
    must: 'Every container MUST have a read-only root file system',
    check: (objects) => eachContainer(podTemplates(objects), ({ securityContext }) => [securityContext?.readOnlyRootFilesystem !== true && 'root file system is writable']),
  },
  {
    id: 'pods/no-privileges',
    must: 'Every container MUST drop all capabilities, add none, and be unable to gain privileges',
    check: (objects) =>
      eachContainer(podTemplates(objects), ({ securityContext: { capabilities, allowPrivilegeEscalation, privileged } = {} }) => [
        !capabilities?.drop?.includes('ALL') && 'does not drop ALL capabilities',
        (capabilities?.add ?? []).length > 0 && `adds capabilities ${capabilities?.add?.join(', ')}`,
        allowPrivilegeEscalation !== false && 'may escalate privileges',
        privileged === true && 'is privileged',
      ]),
  },
  {
    id: 'pods/no-host',
    must: 'No pod MUST share a namespace, a path or a port with its host',
    check: (objects) =>
      eachPod(podTemplates(objects), ({ spec }) => [
        ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).map((field) => spec[field] === true && `${field} is true`),
        ...(spec.volumes ?? []).map(({ name, hostPath }) => hostPath !== undefined && `volume ${name} is a host path`),
        ...spec.containers.flatMap(({ ports = [] }) => ports).map(({ hostPort }) => hostPort !== undefined && `host port ${hostPort}`),
      ]),
  },
  {
    id: 'pods/service-account',
    must: 'Every pod MUST run as a service account of its own that exists, and MUST NOT get a token',
    check: (objects) => {
      const accounts = new Map(ofKind<{ automountServiceAccountToken?: boolean }>(objects, 'ServiceAccount').map((account) => [account.metadata.name, account]))
      return eachPod(podTemplates(objects), ({ name, spec }) => [
        spec.serviceAccountName !== name && `runs as service account ${spec.serviceAccountName ?? 'default'}`,
        !accounts.has(spec.serviceAccountName ?? '') && `service account ${spec.serviceAccountName ?? 'default'} is not rendered`,
        spec.automountServiceAccountToken !== false && 'mounts a service account token',
        accounts.get(spec.serviceAccountName ?? '')?.automountServiceAccountToken !== false && 'its service account hands out tokens',
        (spec.volumes ?? []).some(({ projected }) => projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)) && 'projects a service account token',
      ])
    },
  },
  {
    id: 'pods/no-service-links',
    must: 'No pod MUST get the addresses of other Services as environment variables',
    check: (objects) => eachPod(podTemplates(objects), ({ spec }) => [spec.enableServiceLinks !== false && 'enableServiceLinks is not false']),
  },
  {
    id: 'pods/resources',
    must: 'Every container MUST request and limit CPU, memory and ephemeral storage; memory and ephemeral storage without overcommitment',
    check: (objects) =>
      eachContainer(podTemplates(objects), ({ resources: { requests = {}, limits = {} } = {} }) =>
        RESOURCES.flatMap((resource) => [
          requests[resource] === undefined && `no request of ${resource}`,
          limits[resource] === undefined && `no limit of ${resource}`,
          resource !== 'cpu' && requests[resource] !== limits[resource] && `${resource}: request ${requests[resource]}, limit ${limits[resource]}`,
        ]),
      ),
  },
  {
    id: 'pods/scratch-space',
    must: 'Every container MUST have a writable /tmp, and every emptyDir MUST have a size limit',
    check: (objects) =>
      eachPod(podTemplates(objects), ({ spec: { volumes = [], containers } }) => [
        ...volumes.map(({ name, emptyDir }) => emptyDir !== undefined && emptyDir.sizeLimit === undefined && `emptyDir ${name} has no size limit`),
        ...containers.map(({ name, volumeMounts = [] }) => {
          const mount = volumeMounts.find(({ mountPath }) => mountPath === '/tmp')
          const writable = mount !== undefined && mount.readOnly !== true && volumes.some((volume) => volume.name === mount.name && volume.emptyDir !== undefined)
          return !writable && `container ${name} has no writable /tmp`
        }),
      ]),
  },
  {
    id: 'pods/three-probes',
    must: 'Every serving container MUST have a startup, a liveness and a readiness probe, no two of them the same',
    check: (objects) =>
      eachContainer(servers(objects), (container) => {
        const probes = PROBES.map((probe) => container[probe])
        return [
          ...PROBES.map((probe) => container[probe] === undefined && `no ${probe}`),
          new Set(probes.map(sorted)).size < PROBES.length && 'two probes are the same',
        ]
      }),
  },
  {
    id: 'pods/liveness-without-dependencies',
    must: 'Liveness and start-up MUST ask /healthz (the process alone), readiness MUST ask /readyz (its dependencies too)',
    check: (objects) =>
      eachContainer(servers(objects).filter(({ kind }) => kind === 'Deployment'), (container) => [
        probePath(container, 'startupProbe') !== '/healthz' && `startupProbe asks ${probePath(container, 'startupProbe')}`,
        probePath(container, 'livenessProbe') !== '/healthz' && `livenessProbe asks ${probePath(container, 'livenessProbe')}`,
        probePath(container, 'readinessProbe') !== '/readyz' && `readinessProbe asks ${probePath(container, 'readinessProbe')}`,
      ]),
  },
  {
    id: 'pods/start-in-time',
    must: 'A Deployment’s container MUST be given up after at most 30 s of starting, the database’s after 60 s',
    check: (objects) =>
      eachContainer(servers(objects), ({ startupProbe }, { kind }) => {
        const seconds = (startupProbe?.failureThreshold ?? 3) * (startupProbe?.periodSeconds ?? 10)
        return [seconds > STARTUP_SECONDS[kind as keyof typeof STARTUP_SECONDS] && `start-up may take ${seconds} s`]
      }),
  },
  {
    id: 'pods/graceful-termination',
    must: 'Every serving container MUST sleep before SIGTERM, and have time to drain after it',
    check: (objects) =>
      eachContainer(servers(objects), ({ name, lifecycle }, { spec }) => {
        const sleep = lifecycle?.preStop?.sleep?.seconds ?? 0
        const grace = spec.terminationGracePeriodSeconds ?? 30
        const drain = DRAIN_SECONDS[name] ?? Infinity
        return [sleep < 1 && 'no preStop sleep', grace < sleep + drain && `${grace} s of grace for ${sleep} s of sleep and ${drain} s of draining`]
      }),
  },
  {
    id: 'pods/known-mounts',
    must: 'Every volume MUST be mounted, and every mount MUST have a volume',
    check: (objects) =>
      each(podTemplates(objects), ({ owner }) => owner, ({ spec, kind }) => {
        const volumes = new Set((spec.volumes ?? []).map(({ name }) => name))
        const mounts = new Set(spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)))
        // A StatefulSet's claim templates are volumes too.
        const claimed = (name: string): boolean => kind === 'StatefulSet' && name === 'data'
        return [
          ...[...volumes].map((name) => !mounts.has(name) && `volume ${name} is not mounted`),
          ...[...mounts].map((name) => !volumes.has(name) && !claimed(name) && `mount ${name} has no volume`),
        ]
      }),
  },
]
