/** Who may talk to whom: the policies are read as a graph and compared with the table of flows. */
import type { V1NetworkPolicy, V1NetworkPolicyPeer, V1NetworkPolicyPort } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../../../deploy/src/release/objects.ts'
import { type Expectation, type PodTemplate, type Policy, each, eachPod, ofKind, podTemplates, sameSet, selects, title } from './_policy.ts'

type NetworkPolicy = KubeObject & { spec: NonNullable<Wire<V1NetworkPolicy>['spec']> }
type Peer = Wire<V1NetworkPolicyPeer>
type Port = Wire<V1NetworkPolicyPort>
/** The client library's model calls `from` by another name. */
interface IngressRule {
  from?: Peer[]
  ports?: Port[]
}
interface Rule {
  peers: Peer[]
  ports: Port[]
}

/** Networks that no rule to the public internet may reach: RFC 1918, RFC 6598, link-local (cloud metadata). */
const PRIVATE = ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16']

/** Peers outside the namespace, by what they select. */
const OUTSIDE: { name: string; namespace: string; pods: Record<string, string> }[] = [
  { name: 'ingress controller', namespace: 'kube-system', pods: { 'app.kubernetes.io/name': 'traefik' } },
  { name: 'DNS', namespace: 'kube-system', pods: { 'k8s-app': 'kube-dns' } },
]

/** Every flow there is. Anything else is denied. */
export function expectedFlows({ externalDatabase, modelEndpoint, oidc }: Pick<Expectation, 'externalDatabase' | 'modelEndpoint' | 'oidc'>): string[] {
  const clients = ['backend', 'mcp', 'migrate', 'backup']
  return [
    'ingress controller → frontend TCP 8080',
    'ingress controller → backend TCP 8000',
    'backend → agent TCP 8001',
    'agent → mcp TCP 8002',
    ...clients.map((client) => `${client} → ${externalDatabase ? 'internet' : 'postgres'} TCP 5432`),
    ...(modelEndpoint ? ['agent → internet TCP 443'] : []),
    ...(oidc ? ['backend → internet TCP 443'] : []),
    ...['agent', ...clients].flatMap((client) => [`${client} → DNS UDP 53`, `${client} → DNS TCP 53`]),
  ]
}

const same = (a: Record<string, string> | undefined, b: Record<string, string>): boolean => a !== undefined && JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())

function policiesFor(pod: PodTemplate, objects: readonly KubeObject[], type: 'Ingress' | 'Egress'): NetworkPolicy[] {
  return (ofKind(objects, 'NetworkPolicy') as NetworkPolicy[]).filter(({ spec }) => (spec.policyTypes ?? []).includes(type) && selects(spec.podSelector?.matchLabels, pod.labels))
}

function ingressRules(pod: PodTemplate, objects: readonly KubeObject[]): Rule[] {
  return policiesFor(pod, objects, 'Ingress').flatMap(({ spec }) => ((spec.ingress ?? []) as IngressRule[]).map(({ from = [], ports = [] }) => ({ peers: from, ports })))
}

function egressRules(pod: PodTemplate, objects: readonly KubeObject[]): Rule[] {
  return policiesFor(pod, objects, 'Egress').flatMap(({ spec }) => (spec.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports })))
}

/** Names of what a peer stands for; the pods of our own namespace by name. An empty list of peers is everybody. */
function peerNames(peers: readonly Peer[], pods: readonly PodTemplate[]): string[] {
  if (peers.length === 0) return ['anybody']
  return peers.flatMap((peer) => {
    if (peer.ipBlock !== undefined) return [peer.ipBlock.cidr === '0.0.0.0/0' ? 'internet' : `addresses ${peer.ipBlock.cidr}`]
    if (peer.namespaceSelector === undefined) return pods.filter(({ labels }) => selects(peer.podSelector?.matchLabels, labels)).map(({ name }) => name)
    const { matchLabels } = peer.namespaceSelector
    const known = OUTSIDE.find(({ namespace, pods: labels }) => same(matchLabels, { 'kubernetes.io/metadata.name': namespace }) && same(peer.podSelector?.matchLabels, labels))
    return [known?.name ?? `namespace ${JSON.stringify(matchLabels ?? {})}`]
  })
}

function portNames(ports: readonly Port[]): string[] {
  if (ports.length === 0) return ['every port']
  return ports.map(({ protocol = 'TCP', port, endPort }) => `${protocol} ${port ?? 'every port'}${endPort === undefined ? '' : `-${endPort}`}`)
}

/** The connections that the policies let through: inside the namespace both ends must agree. */
export function allowedFlows(objects: readonly KubeObject[]): string[] {
  const pods = podTemplates(objects)
  const ours = new Set(pods.map(({ name }) => name))
  const leaving = pods.flatMap((pod) => egressRules(pod, objects).flatMap(({ peers, ports }) => peerNames(peers, pods).flatMap((peer) => portNames(ports).map((port) => ({ from: pod.name, to: peer, port })))))
  const entering = pods.flatMap((pod) => ingressRules(pod, objects).flatMap(({ peers, ports }) => peerNames(peers, pods).flatMap((peer) => portNames(ports).map((port) => ({ from: peer, to: pod.name, port })))))
  const text = ({ from, to, port }: { from: string; to: string; port: string }): string => `${from} → ${to} ${port}`
  const admitted = new Set(entering.map(text))
  const sent = new Set(leaving.map(text))
  return [
    ...leaving.filter((flow) => !ours.has(flow.to) || admitted.has(text(flow))).map(text),
    ...entering.filter((flow) => !ours.has(flow.from)).map(text),
    // Half a flow is a rule that means nothing, and says so.
    ...leaving.filter((flow) => ours.has(flow.to) && !admitted.has(text(flow))).map((flow) => `${text(flow)} (leaves, but may not enter)`),
    ...entering.filter((flow) => ours.has(flow.from) && !sent.has(text(flow))).map((flow) => `${text(flow)} (may enter, but not leave)`),
  ]
}

export const networkPolicies: Policy[] = [
  {
    id: 'network/default-deny',
    must: 'One NetworkPolicy MUST select every pod in both directions and allow nothing',
    check: (objects) => {
      const defaults = (ofKind(objects, 'NetworkPolicy') as NetworkPolicy[]).filter(({ metadata }) => metadata.name === 'default-deny')
      const found = each(defaults, title, ({ spec }) => [
        JSON.stringify(spec.podSelector) !== '{}' && 'does not select every pod',
        ...sameSet(spec.policyTypes ?? [], ['Ingress', 'Egress']),
        (spec.ingress ?? []).length + (spec.egress ?? []).length > 0 && 'allows something',
      ])
      return { checked: 1, violations: defaults.length === 1 ? found.violations : [`${defaults.length} NetworkPolicies are called default-deny`] }
    },
  },
  {
    id: 'network/one-policy-per-tier',
    must: 'Besides the default, exactly one NetworkPolicy MUST select each pod, and govern both directions',
    check: (objects) =>
      eachPod(podTemplates(objects), (pod) => {
        const own = (type: 'Ingress' | 'Egress'): string[] => policiesFor(pod, objects, type).map(({ metadata }) => metadata.name).filter((name) => name !== 'default-deny')
        return (['Ingress', 'Egress'] as const).flatMap((type) => sameSet(own(type), [pod.name]).map((difference) => `${type}: ${difference}`))
      }),
  },
  {
    id: 'network/no-empty-lists',
    must: 'No NetworkPolicy MUST hold an empty list of rules: the API server drops it, so that applying again would write the object anew',
    check: (objects) =>
      each(ofKind(objects, 'NetworkPolicy') as NetworkPolicy[], title, ({ spec }) => (['ingress', 'egress'] as const).map((direction) => spec[direction]?.length === 0 && `${direction} is an empty list`)),
  },
  {
    id: 'network/flows',
    must: 'The policies together MUST allow exactly the flows of the table',
    check: (objects, expectation) => {
      const flows = allowedFlows(objects)
      return { checked: flows.length, violations: sameSet(flows, expectedFlows(expectation)) }
    },
  },
  {
    id: 'network/internet-only',
    must: 'A rule to the internet MUST leave out every private, shared and link-local network',
    check: (objects, { externalDatabase, modelEndpoint, oidc }) => {
      const pods = podTemplates(objects)
      const blocks = pods.flatMap((pod) => [...egressRules(pod, objects), ...ingressRules(pod, objects)].flatMap(({ peers }) => peers.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [{ owner: pod.owner, ipBlock }]))))
      const found = each(blocks, ({ owner }) => owner, ({ ipBlock }) => sameSet(ipBlock.except ?? [], PRIVATE))
      // Where nothing goes out to the internet there is no block to look at: each pod was looked at.
      return externalDatabase || modelEndpoint || oidc ? found : { checked: pods.length, violations: blocks.map(({ owner, ipBlock }) => `${owner}: addresses ${ipBlock.cidr}`) }
    },
  },
]
