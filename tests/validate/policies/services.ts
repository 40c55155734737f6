/** Services, ingress and settings. */
import type { V1ConfigMap, V1Ingress, V1Service } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../../../deploy/src/release/objects.ts'
import { type PodTemplate, type Policy, containersOf, each, eachContainer, ofKind, podTemplates, sameSet, selects, servers, title } from './_policy.ts'

type Spec<T extends { spec?: unknown }> = { spec: NonNullable<Wire<T>['spec']> }
type ConfigMap = Pick<Wire<V1ConfigMap>, 'data'>

interface HttpRoute {
  spec: {
    parentRefs: { name: string; namespace?: string }[]
    hostnames: string[]
    rules: { matches: { path: { type: string; value: string } }[]; backendRefs: { name: string; port: number }[] }[]
  }
}

const HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/
const ROUTES = ['/api Prefix backend:http', '/ Prefix frontend:http']
/** Ports by tier, as the images listen. */
const PORTS: Record<string, number> = { backend: 8000, agent: 8001, mcp: 8002, frontend: 8080, postgres: 5432 }

/** The settings that a pod's containers see: `envFrom` of ConfigMaps, then `env`. */
export function settings(pod: PodTemplate, objects: readonly KubeObject[]): Map<string, string> {
  const maps = new Map(ofKind<ConfigMap>(objects, 'ConfigMap').map((map) => [map.metadata.name, map.data ?? {}]))
  const entries = containersOf(pod.spec).flatMap(({ envFrom = [], env = [] }) => [
    ...envFrom.flatMap(({ configMapRef }) => Object.entries(maps.get(configMapRef?.name ?? '') ?? {})),
    ...env.map(({ name, value }): [string, string] => [name, value ?? '']),
  ])
  return new Map(entries)
}

function setting(objects: readonly KubeObject[], name: string): { owner: string; value: string | undefined }[] {
  return podTemplates(objects).map((pod) => ({ owner: pod.owner, value: settings(pod, objects).get(name) })).filter(({ value }) => value !== undefined)
}

export const servicePolicies: Policy[] = [
  {
    id: 'services/reach-their-pods',
    must: 'Every Service MUST be internal, select the pods of exactly one workload, and send to a port by the name that a container gives it',
    check: (objects) => {
      const pods = servers(objects)
      return each(ofKind<Spec<V1Service>>(objects, 'Service'), title, ({ metadata, spec }) => {
        const matched = pods.filter(({ labels }) => spec.selector !== undefined && selects(spec.selector, labels))
        const names = new Set(matched.flatMap((pod) => pod.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name))))
        return [
          spec.type !== 'ClusterIP' && `type is ${spec.type ?? 'not set'}`,
          ...sameSet(matched.map(({ name }) => name), [metadata.name]),
          ...(spec.ports ?? []).map(({ targetPort, name }) => (typeof targetPort !== 'string' || !names.has(targetPort)) && `port ${name}: target ${targetPort} is no container port`),
          ...(spec.ports ?? []).map(({ port }) => port !== PORTS[metadata.name] && `port ${port}, expected ${PORTS[metadata.name]}`),
        ]
      })
    },
  },
  {
    id: 'services/container-ports',
    must: 'Every serving container MUST name exactly the port on which its image listens',
    check: (objects) =>
      eachContainer(servers(objects), ({ name, ports = [] }) => [
        ports.length !== 1 && `${ports.length} ports`,
        ...ports.map(({ containerPort, name: portName }) => (containerPort !== PORTS[name] || portName === undefined) && `port ${portName ?? '(unnamed)'} ${containerPort}, expected ${PORTS[name]}`),
      ]),
  },
  {
    id: 'services/ingress-routes',
    must: 'One Ingress, or one HTTPRoute, MUST name its class or Gateway and a host, and route /api to the backend and everything else to the frontend',
    check: (objects, { gatewayApi }) => {
      const ingresses = each(ofKind<Spec<V1Ingress>>(objects, 'Ingress'), title, ({ spec, metadata }) => [
        spec.ingressClassName === undefined && 'names no class',
        (spec.rules ?? []).length !== 1 && `${spec.rules?.length ?? 0} rules`,
        metadata.annotations !== undefined && `depends on a controller by annotations ${Object.keys(metadata.annotations).join(', ')}`,
        ...(spec.rules ?? []).flatMap(({ host = '', http }) => [
          !HOST.test(host) && `host is ${host}`,
          ...sameSet((http?.paths ?? []).map(({ path, pathType, backend: { service } }) => `${path} ${pathType} ${service?.name}:${service?.port?.name ?? service?.port?.number}`), ROUTES),
        ]),
      ])
      const routes = each(ofKind<HttpRoute>(objects, 'HTTPRoute'), title, ({ spec: { hostnames, parentRefs, rules } }) => [
        parentRefs.length !== 1 && `${parentRefs.length} Gateways`,
        hostnames.length !== 1 && `${hostnames.length} hosts`,
        ...hostnames.map((host) => !HOST.test(host) && `host is ${host}`),
        ...sameSet(
          rules.flatMap(({ matches, backendRefs }) => matches.flatMap(({ path }) => backendRefs.map(({ name, port }) => `${path.value} ${path.type} ${name}:${port}`))),
          [`/api PathPrefix backend:${PORTS['backend']}`, `/ PathPrefix frontend:${PORTS['frontend']}`],
        ),
      ])
      const counts = { Ingress: ingresses.checked, HTTPRoute: routes.checked }
      const expected = gatewayApi ? { Ingress: 0, HTTPRoute: 1 } : { Ingress: 1, HTTPRoute: 0 }
      return {
        checked: 1,
        violations: [...ingresses.violations, ...routes.violations, ...sameSet([JSON.stringify(counts)], [JSON.stringify(expected)])],
      }
    },
  },
  {
    id: 'services/tls',
    must: 'Staging and production MUST serve TLS for the very host that they route',
    check: (objects, { tls, gatewayApi }) =>
      // The listeners of a Gateway hold the certificates; the Gateway is the cluster's.
      gatewayApi ? { checked: 1, violations: [] } : each(ofKind<Spec<V1Ingress>>(objects, 'Ingress'), title, ({ spec }) => [
        tls !== (spec.tls !== undefined) && (tls ? 'no TLS' : 'unexpected TLS'),
        ...(spec.tls ?? []).flatMap(({ hosts = [], secretName }) => [
          secretName !== 'todo-chat-tls' && `TLS Secret is ${secretName ?? 'not set'}`,
          ...sameSet(hosts, (spec.rules ?? []).map(({ host }) => host ?? '')),
        ]),
      ]),
  },
  {
    id: 'settings/roll-with-their-content',
    must: 'Every ConfigMap MUST carry a hash of its content in its name, be read by a pod, and every one that is read MUST exist',
    check: (objects) => {
      const maps = ofKind<ConfigMap>(objects, 'ConfigMap')
      const read = podTemplates(objects).flatMap(({ spec }) => containersOf(spec).flatMap(({ envFrom = [] }) => envFrom.flatMap(({ configMapRef }) => (configMapRef?.name === undefined ? [] : [configMapRef.name]))))
      const named = each(maps, title, ({ metadata }) => [!/-[a-z0-9]{10}$/.test(metadata.name) && 'has no hash in its name'])
      return { checked: named.checked, violations: [...named.violations, ...sameSet(new Set(read), maps.map(({ metadata }) => metadata.name))] }
    },
  },
  {
    id: 'settings/environment',
    must: 'Every Python process MUST be told its environment, and the development login MUST be on in development only',
    check: (objects, { environment }) => {
      const python = podTemplates(objects).filter(({ name }) => ['agent', 'backend', 'mcp', 'migrate'].includes(name))
      const told = each(python, ({ owner }) => owner, (pod) => {
        const value = settings(pod, objects).get('TODO_ENVIRONMENT')
        return [value !== environment && `TODO_ENVIRONMENT is ${value ?? 'not set'}`]
      })
      const login = setting(objects, 'TODO_DEV_LOGIN').filter(({ value }) => value !== String(environment === 'development')).map(({ owner, value }) => `${owner}: TODO_DEV_LOGIN is ${value}`)
      return { checked: told.checked, violations: [...told.violations, ...login] }
    },
  },
  {
    id: 'settings/addresses',
    must: 'The addresses in settings MUST name a Service that exists and its port',
    check: (objects) => {
      const services = new Set(ofKind<Spec<V1Service>>(objects, 'Service').flatMap(({ metadata, spec }) => (spec.ports ?? []).map(({ port }) => `${metadata.name}:${port}`)))
      const urls = ['TODO_AGENT_URL', 'TODO_MCP_URL'].flatMap((name) => setting(objects, name))
      return each(urls, ({ owner }) => owner, ({ value = '' }) => [!services.has(new URL(value).host) && `${value} is no Service`])
    },
  },
]
