/** What a policy is, and how policies look at rendered objects. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../../../deploy/src/release/objects.ts'
import type { Environment } from '../../../deploy/src/release/render.ts'

/** What the rendered objects are meant to be. */
export interface Expectation {
  environment: Environment
  namespace: string
  /** PostgreSQL is outside the cluster. */
  externalDatabase: boolean
  /** The agent asks a model endpoint instead of the scripted model. */
  modelEndpoint: boolean
  /** People sign in with an OpenID Connect provider. */
  oidc: boolean
  tls: boolean
  /** An HTTPRoute instead of an Ingress. */
  gatewayApi: boolean
}

export interface Findings {
  /** Objects, pods or fields that were looked at. A policy that looked at nothing has not passed. */
  checked: number
  violations: string[]
}

/** One promise about the manifests. */
export interface Policy {
  id: string
  /** The promise, as a sentence with MUST. */
  must: string
  check(objects: readonly KubeObject[], expectation: Expectation): Findings
}

export type PodSpec = Wire<V1PodSpec>
export type Container = Wire<V1Container>

/** The pods that an object makes. */
export interface PodTemplate {
  /** `Deployment backend` */
  owner: string
  kind: string
  name: string
  labels: Record<string, string>
  spec: PodSpec
}

/** `Deployment backend` */
export function title(object: KubeObject): string {
  return `${object.kind} ${object.metadata.name}`
}

export function ofKind<T extends object = KubeObject>(objects: readonly KubeObject[], kind: string): (KubeObject & T)[] {
  return objects.filter((object) => object.kind === kind) as (KubeObject & T)[]
}

interface TemplateHolder {
  template?: { metadata?: { labels?: Record<string, string> }; spec: PodSpec }
  jobTemplate?: { spec: TemplateHolder }
}

/** Pod templates of Deployments, StatefulSets, Jobs and CronJobs. */
export function podTemplates(objects: readonly KubeObject[]): PodTemplate[] {
  return objects.flatMap((object) => {
    const spec = object['spec'] as TemplateHolder | undefined
    const template = spec?.template ?? spec?.jobTemplate?.spec.template
    if (template?.spec === undefined) return []
    return [{ owner: title(object), kind: object.kind, name: object.metadata.name, labels: template.metadata?.labels ?? {}, spec: template.spec }]
  })
}

/** Pods that serve requests for as long as they live: of Deployments and StatefulSets. */
export function servers(objects: readonly KubeObject[]): PodTemplate[] {
  return podTemplates(objects).filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
}

export function containersOf(spec: PodSpec): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

/** True when every pair of `selector` is among `labels`. */
export function selects(selector: Record<string, string> | undefined, labels: Record<string, string>): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value)
}

/**
 * Applies a rule to each item; the rule names what is wrong, or nothing.
 * @param where how a violation names the item
 */
export function each<Item>(items: readonly Item[], where: (item: Item) => string, rule: (item: Item) => Iterable<string | false | undefined>): Findings {
  const violations = items.flatMap((item) => [...rule(item)].filter((text) => typeof text === 'string').map((text) => `${where(item)}: ${text}`))
  return { checked: items.length, violations }
}

/** A rule over each pod spec. */
export function eachPod(pods: readonly PodTemplate[], rule: (pod: PodTemplate) => Iterable<string | false | undefined>): Findings {
  return each(pods, ({ owner }) => owner, rule)
}

/** A rule over each container of each pod. */
export function eachContainer(pods: readonly PodTemplate[], rule: (container: Container, pod: PodTemplate) => Iterable<string | false | undefined>): Findings {
  const items = pods.flatMap((pod) => containersOf(pod.spec).map((container) => ({ pod, container })))
  return each(items, ({ pod, container }) => `${pod.owner}, container ${container.name}`, ({ pod, container }) => rule(container, pod))
}

/** Several findings as one. */
export function all(...findings: Findings[]): Findings {
  return { checked: findings.reduce((sum, { checked }) => sum + checked, 0), violations: findings.flatMap(({ violations }) => violations) }
}

/** Differences of two sets, as violations. */
export function sameSet(actual: Iterable<string>, expected: Iterable<string>): string[] {
  const [have, want] = [new Set(actual), new Set(expected)]
  return [...[...have].filter((item) => !want.has(item)).map((item) => `unexpected: ${item}`), ...[...want].filter((item) => !have.has(item)).map((item) => `missing: ${item}`)]
}
