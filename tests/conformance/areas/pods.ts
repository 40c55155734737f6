/** What runs is as hard as the manifests promise, and no secret lies open. Judged on live objects. */
import pMap from 'p-map'
import type { Pod } from '../../../deploy/src/kinds/assessment.ts'
import { containerStatuses, podName } from '../../../deploy/src/kinds/pod.ts'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { nameOf, refOf } from '../../../deploy/src/release/objects.ts'
import { isProbe, podsOf } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

/** UIDs below this belong to the system or to accounts of a host. */
const LOWEST_UID = 10_000

type Container = NonNullable<Pod['spec']>['containers'][number]
type Rule = (pod: Pod, container: Container) => string | undefined

/** Running pods of the application, without those of the suite. */
async function runningPods({ cluster, namespace }: World): Promise<Pod[]> {
  const pods = await podsOf(cluster, namespace)
  return pods.filter((pod) => pod.status?.phase === 'Running' && !isProbe(pod))
}

const isJob = (pod: Pod): boolean => pod.metadata?.ownerReferences?.some(({ kind }) => kind === 'Job') ?? false

/** What design.md 6 says of each container; the text says what is wrong. */
export const HARDENING: Record<string, Rule> = {
  'user 10000 or above': ({ spec }, { securityContext }) => {
    const uid = securityContext?.runAsUser ?? spec?.securityContext?.runAsUser
    const nonRoot = securityContext?.runAsNonRoot ?? spec?.securityContext?.runAsNonRoot
    return nonRoot === true && uid !== undefined && uid >= LOWEST_UID ? undefined : `user ${uid ?? 'of the image'}, runAsNonRoot ${nonRoot ?? 'not set'}`
  },
  'read-only root': (_, { securityContext }) => (securityContext?.readOnlyRootFilesystem === true ? undefined : 'its root file system can be written'),
  'no capabilities': (_, { securityContext }) => {
    const { drop = [], add = [] } = securityContext?.capabilities ?? {}
    return drop.includes('ALL') && add.length === 0 && securityContext?.allowPrivilegeEscalation === false ? undefined : 'it keeps capabilities, or may gain them'
  },
  'seccomp RuntimeDefault': ({ spec }, { securityContext }) => ((securityContext?.seccompProfile ?? spec?.securityContext?.seccompProfile)?.type === 'RuntimeDefault' ? undefined : 'no seccomp profile'),
  'requests and limits': (_, { resources }) => {
    const gaps = ['cpu', 'memory', 'ephemeral-storage'].filter((name) => resources?.limits?.[name] === undefined || resources.requests?.[name] === undefined)
    return gaps.length === 0 ? undefined : `no limit or request of ${gaps.join(', ')}`
  },
  'three probes': (pod, { startupProbe, readinessProbe, livenessProbe }) => {
    if (isJob(pod)) return undefined
    const gaps = Object.entries({ startupProbe, readinessProbe, livenessProbe }).flatMap(([name, probe]) => (probe === undefined ? [name] : []))
    return gaps.length === 0 ? undefined : `no ${gaps.join(', ')}`
  },
  'no service account token': ({ spec }) => {
    const mounted = spec?.volumes?.some(({ projected }) => projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined))
    return mounted === true ? 'a service account token is mounted' : undefined
  },
}

export const PODS: readonly Requirement[] = [
  {
    id: 'CONF-120',
    ring: 'manifest',
    title: 'Hardened containers',
    must: `Every running container MUST have ${Object.keys(HARDENING).join(', ')}.`,
    why: 'a fault in one process must not become a fault of the node',
    source: 'design.md 6',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const pods = await runningPods(world)
      demand(pods.length > 0, 'no pod of the application runs')
      const faults: string[] = []
      const rows = pods.flatMap((pod) =>
        (pod.spec?.containers ?? []).map((container) => {
          const found = Object.values(HARDENING).flatMap((rule) => rule(pod, container) ?? [])
          faults.push(...found.map((fault) => `${podName(pod)}/${container.name}: ${fault}`))
          return [podName(pod), container.name, found.join(', ') || 'as promised']
        }),
      )
      const table = { head: ['pod', 'container', 'found'], rows }
      demandNone(faults, 'not as promised', { summary: `${faults.length} faults`, table })
      return { summary: `${rows.length} containers, ${Object.keys(HARDENING).length} rules each`, table }
    },
  },
  {
    id: 'CONF-121',
    ring: 'manifest',
    title: 'Everything is under a default-deny policy',
    must: 'The namespace MUST have a NetworkPolicy that selects every pod, in both directions, and allows nothing.',
    why: 'a pod that nobody thought of would be open to all',
    source: 'design.md 6; https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run({ cluster, namespace }) {
      const policies = await cluster.list({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' }, namespace)
      const closed = policies.filter(({ spec }) => {
        const { podSelector, policyTypes = [], ingress = [], egress = [] } = spec as { podSelector?: object; policyTypes?: string[]; ingress?: unknown[]; egress?: unknown[] }
        return Object.keys(podSelector ?? {}).length === 0 && policyTypes.includes('Ingress') && policyTypes.includes('Egress') && ingress.length === 0 && egress.length === 0
      })
      demand(closed.length > 0, `none of the ${policies.length} policies (${policies.map(({ metadata }) => metadata.name).join(', ')}) denies everything to every pod`)
      return { summary: `${closed[0]?.metadata.name}, and ${policies.length - 1} more policies` }
    },
  },
  {
    id: 'CONF-122',
    ring: 'manifest',
    title: 'No secret value lies open',
    must: 'A value of a Secret MUST NOT appear, plain or in base64, in any other object of the namespace, or in any log.',
    why: 'ConfigMaps, annotations, environment and logs are read by far more people than Secrets',
    source: 'design.md 6',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    run: noSecretLiesOpen,
  },
  {
    id: 'CONF-123',
    ring: 'manifest',
    title: 'Secrets are files',
    must: 'A container MUST NOT get a Secret as an environment variable.',
    why: 'the environment is inherited by every child and printed by every crash report',
    source: 'design.md 6',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const pods = await podsOf(world.cluster, world.namespace)
      const containers = pods.flatMap((pod) => [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map((container) => ({ pod, container })))
      const faults = containers.flatMap(({ pod, container: { name, env = [], envFrom = [] } }) => [
        ...env.filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined).map((variable) => `${podName(pod)}/${name}: ${variable.name}`),
        ...envFrom.filter(({ secretRef }) => secretRef !== undefined).map(({ secretRef }) => `${podName(pod)}/${name}: all of Secret ${secretRef?.name}`),
      ])
      demandNone(faults, 'Secrets in the environment')
      const mounted = pods.flatMap(({ spec }) => spec?.volumes ?? []).filter(({ secret }) => secret !== undefined).length
      demand(mounted > 0, 'no pod mounts a Secret: there is nothing to judge')
      return { summary: `${containers.length} containers, ${mounted} mounted Secrets, none in the environment` }
    },
  },
]

/** Kinds whose objects people read, in the groups of the application. */
const OPEN_KINDS = [
  ['v1', 'ConfigMap'], ['v1', 'Pod'], ['v1', 'Service'], ['v1', 'Event'], ['v1', 'ServiceAccount'], ['v1', 'PersistentVolumeClaim'],
  ['apps/v1', 'Deployment'], ['apps/v1', 'ReplicaSet'], ['apps/v1', 'StatefulSet'], ['apps/v1', 'ControllerRevision'],
  ['batch/v1', 'Job'], ['batch/v1', 'CronJob'], ['networking.k8s.io/v1', 'Ingress'], ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'], ['coordination.k8s.io/v1', 'Lease'],
] as const

/** Shorter values would be found by chance. */
const SHORTEST = 8
const LOG_LINES = 5_000

/** Values of Secrets as they could appear elsewhere. Secrets of tools that hold no credential (Helm's releases) are values all the same. */
export function openForms(secrets: readonly KubeObject[]): { name: string; forms: string[] }[] {
  return secrets.flatMap(({ metadata, data }) =>
    Object.entries((data ?? {}) as Record<string, string>).flatMap(([key, encoded]) => {
      const plain = Buffer.from(encoded, 'base64').toString().trim()
      return plain.length < SHORTEST ? [] : [{ name: `${metadata.name}/${key}`, forms: [plain, encoded.replace(/=+$/, '')] }]
    }),
  )
}

async function noSecretLiesOpen(world: World): Promise<{ summary: string }> {
  const { cluster, namespace } = world
  const values = openForms(await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace))
  demand(values.length > 0, 'the namespace has no Secret: there is nothing to look for')
  const objects = (await pMap(OPEN_KINDS, ([apiVersion, kind]) => cluster.list({ apiVersion, kind }, namespace), { concurrency: 4 })).flat()
  const pods = await podsOf(cluster, namespace)
  const logs = await pMap(
    pods.flatMap((pod) => containerStatuses(pod).map(({ name }) => ({ pod: podName(pod), container: name }))),
    async ({ pod, container }) => ({ name: `log of ${pod}`, text: (await cluster.logs(namespace, pod, container, { tailLines: LOG_LINES })) ?? '' }),
    { concurrency: 4 },
  )
  const texts = [...objects.map((object) => ({ name: nameOf(refOf(object)), text: JSON.stringify(object) })), ...logs]
  const faults = texts.flatMap(({ name, text }) => values.filter(({ forms }) => forms.some((form) => text.includes(form))).map((value) => `${name} holds the value of Secret ${value.name}`))
  demandNone(faults, 'found')
  return { summary: `${values.length} values looked for in ${objects.length} objects and ${logs.length} logs` }
}
