/** Which objects go first. A pure, stable table: equal input gives equal waves, whatever the order of the input. */
import { type KubeObject, type RenderedObject, componentOf, keyOf, refOf } from './objects.ts'

/** Waves in the order in which they are applied; each settles before the next one starts. */
export const WAVES = ['namespace', 'policies', 'configuration', 'database', 'migration', 'mcp', 'agent', 'backend', 'frontend', 'exposure'] as const

export type Wave = (typeof WAVES)[number]

/** Kinds that decide the wave whatever part of the application they belong to. */
const BY_KIND: Record<string, Wave> = {
  Namespace: 'namespace',
  CustomResourceDefinition: 'policies',
  PriorityClass: 'policies',
  StorageClass: 'policies',
  ResourceQuota: 'policies',
  LimitRange: 'policies',
  NetworkPolicy: 'policies',
  ServiceAccount: 'policies',
  Role: 'policies',
  RoleBinding: 'policies',
  ClusterRole: 'policies',
  ClusterRoleBinding: 'policies',
  Secret: 'configuration',
  ConfigMap: 'configuration',
  Ingress: 'exposure',
  Gateway: 'exposure',
  HTTPRoute: 'exposure',
  Middleware: 'exposure',
  IngressRoute: 'exposure',
  TLSOption: 'exposure',
}

/** The other kinds (workloads, Services, autoscalers, claims) follow the part that they belong to, by its name label. */
const BY_COMPONENT: Record<string, Wave> = {
  postgres: 'database',
  backup: 'database',
  migrate: 'migration',
  mcp: 'mcp',
  agent: 'agent',
  backend: 'backend',
  frontend: 'frontend',
}

/** Within a wave: what others refer to comes first. Kinds that are not listed come between. */
const FIRST = ['PersistentVolumeClaim', 'ServiceAccount', 'Role', 'Service']
const LAST = ['PodDisruptionBudget', 'HorizontalPodAutoscaler', 'CronJob']

/** The wave of an object. Objects of no known part go with the last workloads. */
export function waveOf(object: KubeObject): Wave {
  return BY_KIND[object.kind] ?? BY_COMPONENT[componentOf(object) ?? ''] ?? BY_COMPONENT[object.metadata.name] ?? 'frontend'
}

function rank(kind: string): number {
  const first = FIRST.indexOf(kind)
  if (first >= 0) return first - FIRST.length
  return LAST.indexOf(kind) + 1
}

/** Objects in the order of their application. */
export function inOrder(objects: readonly RenderedObject[]): RenderedObject[] {
  const sortKey = ({ object }: RenderedObject): [number, number, string] => [WAVES.indexOf(waveOf(object)), rank(object.kind), keyOf(refOf(object))]
  return [...objects].sort((a, b) => {
    const [waveA, rankA, keyA] = sortKey(a)
    const [waveB, rankB, keyB] = sortKey(b)
    return waveA - waveB || rankA - rankB || (keyA < keyB ? -1 : 1)
  })
}
