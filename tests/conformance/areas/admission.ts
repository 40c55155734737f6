/** What the namespace refuses. */
import { ClusterError } from '../../../deploy/src/errors.ts'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { probePod } from '../probe.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

type Change = (pod: { spec: Record<string, unknown> & { containers: Record<string, unknown>[] } }) => void

/** Each breaks one control of Pod Security `restricted`: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */
export const VIOLATIONS: Record<string, Change> = {
  'runs as root': ({ spec }) => void (spec['securityContext'] = { ...(spec['securityContext'] as object), runAsNonRoot: false, runAsUser: 0 }),
  'a privileged container': (pod) => secure(pod, { privileged: true, allowPrivilegeEscalation: true }),
  'privilege escalation': (pod) => secure(pod, { allowPrivilegeEscalation: true }),
  'capabilities kept': (pod) => secure(pod, { capabilities: {} }),
  'a capability added': (pod) => secure(pod, { capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }),
  'no seccomp profile': ({ spec }) => void (spec['securityContext'] = { ...(spec['securityContext'] as object), seccompProfile: { type: 'Unconfined' } }),
  'the network of the host': ({ spec }) => void (spec['hostNetwork'] = true),
  'the processes of the host': ({ spec }) => void (spec['hostPID'] = true),
  'a folder of the host': ({ spec }) => void (spec['volumes'] = [{ name: 'host', hostPath: { path: '/' } }]),
}

function secure({ spec }: Parameters<Change>[0], change: object): void {
  const [container] = spec.containers
  if (container) container['securityContext'] = { ...(container['securityContext'] as object), ...change }
}

/** Why the server refuses the object, or `undefined` when it would take it. */
async function refusal({ cluster }: World, object: KubeObject): Promise<string | undefined> {
  try {
    await cluster.apply(object, { dryRun: true })
    return undefined
  } catch (error) {
    if (error instanceof ClusterError && (error.code === 'forbidden' || error.code === 'invalid')) return error.message
    throw error
  }
}

const goodPod = (world: World): KubeObject => probePod(world.probeImage(), { namespace: world.namespace, name: 'admission', script: 'pass' })

function withResources(world: World, resources: object): KubeObject {
  const pod = goodPod(world) as unknown as { spec: { containers: Record<string, unknown>[] } }
  if (pod.spec.containers[0]) pod.spec.containers[0]['resources'] = resources
  return pod as unknown as KubeObject
}

export const ADMISSION: readonly Requirement[] = [
  {
    id: 'CONF-110',
    ring: 'manifest',
    title: 'Pod Security restricted',
    must: 'The namespace of the application MUST refuse every pod that breaks a control of Pod Security `restricted`, and MUST admit one that breaks none.',
    why: 'a mistake in a manifest, or an attacker with the right to create pods, gets the node',
    source: 'design.md 6; https://kubernetes.io/docs/concepts/security/pod-security-admission/',
    needs: ['application', 'probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const control = await refusal(world, goodPod(world))
      demand(control === undefined, `a pod that breaks no control was refused: ${control}`)
      const rows = await Promise.all(
        Object.entries(VIOLATIONS).map(async ([name, change]) => {
          const pod = goodPod(world)
          change(pod as unknown as Parameters<Change>[0])
          return [name, (await refusal(world, pod)) ?? 'admitted']
        }),
      )
      const table = { head: ['pod with', 'answer'], rows }
      demandNone(rows.filter(([, answer = '']) => !answer.includes('violates PodSecurity "restricted')).map(([name, answer]) => `${name}: ${answer}`), 'not refused by Pod Security', { summary: 'pods that break one control', table })
      return { summary: `${rows.length} violating pods refused, a good one admitted`, table }
    },
  },
  {
    id: 'CONF-111',
    ring: 'manifest',
    title: 'ResourceQuota is active',
    must: 'The namespace MUST refuse what exceeds its ResourceQuota: a pod that asks for more CPU than is left, and Services that open ports on nodes.',
    why: 'one namespace starves the others, or opens a way around the ingress',
    source: 'design.md 6; https://kubernetes.io/docs/concepts/policy/resource-quotas/',
    needs: ['application', 'probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const service = (type: string): KubeObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: world.namespace, name: 'quota-probe' }, spec: { type, ports: [{ port: 80 }], selector: { none: 'such' } } })
      const questions: Record<string, KubeObject> = {
        'a pod with 2 CPUs requested': withResources(world, { requests: { cpu: '2', memory: '64Mi' }, limits: { cpu: '2', memory: '64Mi' } }),
        'a Service of type NodePort': service('NodePort'),
        'a Service of type LoadBalancer': service('LoadBalancer'),
      }
      const control = await refusal(world, service('ClusterIP'))
      demand(control === undefined, `a Service of type ClusterIP was refused: ${control}`)
      const rows = await Promise.all(Object.entries(questions).map(async ([name, object]) => [name, (await refusal(world, object)) ?? 'admitted']))
      demandNone(rows.filter(([, answer = '']) => !answer.includes('exceeded quota')).map(([name, answer]) => `${name}: ${answer}`), 'not refused by the quota')
      return { summary: `${rows.length} objects refused`, table: { head: ['object', 'answer'], rows } }
    },
  },
  {
    id: 'CONF-112',
    ring: 'manifest',
    title: 'LimitRange is active',
    must: 'A container without requests and limits MUST get those of the LimitRange, and one above its maximum MUST be refused.',
    why: 'a container without limits takes the node’s memory from its neighbours',
    source: 'design.md 6; https://kubernetes.io/docs/concepts/policy/limit-range/',
    needs: ['application', 'probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const admitted = await world.cluster.apply(withResources(world, {}), { dryRun: true })
      const [container] = (admitted['spec'] as { containers: { resources?: { limits?: Record<string, string>; requests?: Record<string, string> } }[] }).containers
      const { limits = {}, requests = {} } = container?.resources ?? {}
      demandNone(['cpu', 'memory', 'ephemeral-storage'].filter((name) => limits[name] === undefined || requests[name] === undefined), 'no default for')
      const answer = await refusal(world, withResources(world, { limits: { cpu: '100m', memory: '16Gi' }, requests: { cpu: '10m', memory: '16Mi' } }))
      demand(answer?.includes('maximum memory usage per Container'), `a container with 16 GiB: ${answer ?? 'admitted'}`)
      return { summary: `defaults ${JSON.stringify(limits)}; 16 GiB refused` }
    },
  },
]
