/** The list of mutations. A requirement that no mutation and no unit test can turn red says nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isReady } from '../../../deploy/src/kinds/pod.ts'
import type { KubeObject, ObjectRef } from '../../../deploy/src/release/objects.ts'
import { CONTAINER, POD, add, append, remove, set, setting } from '../../validate/_mutate.ts'
import { podsOf, waitFor } from '../kube.ts'
import { ask } from '../probe.ts'
import { PAUSES, TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'
import { type Mutation, all, objects, rendered } from './mutation.ts'

const DEVELOPMENT = 'Namespace todo-chat-dev'
const EVERYTHING = { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] }
const abrupt = (tier: string) => all(set(`Deployment ${tier}`, [...CONTAINER, 'lifecycle'], undefined), set(`Deployment ${tier}`, ['spec', 'strategy', 'rollingUpdate', 'maxUnavailable'], 1), set(`Deployment ${tier}`, [...POD, 'terminationGracePeriodSeconds'], 1))

/** An object of the cluster that is no part of the application: changed by a merge patch, and put back. */
function patched(ref: ObjectRef, change: Record<string, unknown>, back: Record<string, unknown>): Mutation['apply'] {
  return async (world) => {
    await world.kube.patch(ref, change)
    return { world, undo: () => world.kube.patch(ref, back) }
  }
}

/** An object of the cluster that is no part of the application: removed, and made again as it was. */
function removed(ref: ObjectRef): Mutation['apply'] {
  return async (world) => {
    const found = await world.cluster.get(ref)
    if (found === undefined) throw new Error(`there is no ${ref.kind} ${ref.name} to remove`)
    await world.cluster.remove(ref)
    const { name, labels = {}, annotations = {} } = found.metadata
    const { status: _, ...rest } = found
    return { world, undo: async () => void (await world.cluster.create({ ...rest, metadata: { name, labels, annotations, ...(ref.namespace && { namespace: ref.namespace }) } } as KubeObject)) }
  }
}

/** A statement of the database's owner. */
async function sql(world: World, statement: string): Promise<void> {
  await ask(world, {
    namespace: world.namespace,
    name: 'mutate-database',
    labels: { 'app.kubernetes.io/name': 'migrate', 'app.kubernetes.io/component': 'migration' },
    serviceAccount: 'migrate',
    script: `
import json, os, pathlib, psycopg
password = pathlib.Path("/run/secrets/todo-db/migrator-password").read_text().strip()
with psycopg.connect(host="postgres", dbname="todo", user="todo_migrator", password=password, autocommit=True) as connection:
    connection.execute(os.environ["STATEMENT"])
print(json.dumps("done"))`,
    env: { STATEMENT: statement },
    volumes: [{ name: 'database', mountPath: '/run/secrets/todo-db', source: { secret: { secretName: 'todo-chat-database', defaultMode: 0o440, items: [{ key: 'migrator-password', path: 'migrator-password' }] } } }],
  })
}

function statement(change: string, back: string): Mutation['apply'] {
  return async (world) => {
    await sql(world, change)
    return { world, undo: () => sql(world, back) }
  }
}

/** The agent, with one line of plain text on its standard output at the start. */
const PRINTS_TEXT = 'import runpy; print("agent starts", flush=True); runpy.run_module("todo_chat.entrypoints.agent", run_name="__main__")'
const DNS: ObjectRef = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'kube-system', name: 'coredns' }

export const MUTATIONS: readonly Mutation[] = [
  { name: 'the cluster DNS is off', red: 'CONF-003', says: /kubernetes\.default gave nothing/, apply: noDns },
  { name: 'no storage class is the default', red: 'CONF-004', says: /0 default storage classes/, apply: patched({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', name: 'local-path' }, defaultClass('false'), defaultClass('true')) },
  { name: 'the ingress class is missing', red: 'CONF-005', says: /the manifests name class traefik/, apply: removed({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', name: 'traefik' }) },
  { name: 'the metrics API is missing', red: 'CONF-006', says: /no figures of nodes/, apply: removed({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', name: 'v1beta1.metrics.k8s.io' }) },

  { name: 'an overlay with a field that Kubernetes does not know', red: 'CONF-101', says: /replica/, apply: rendered(set('Deployment backend', ['spec', 'replica'], 2)) },
  { name: 'an overlay with a pod that Pod Security refuses', red: 'CONF-101', says: /Pod backend-dry-run.*violates PodSecurity/, apply: rendered(set('Deployment backend', [...POD, 'hostNetwork'], true)) },
  { name: 'staging with two ports of one name', red: 'CONF-102', says: /Service backend/, apply: rendered(append('Service backend', ['spec', 'ports'], { name: 'http', port: 8001 })) },
  { name: 'production with a selector that its pods do not have', red: 'CONF-103', says: /Deployment agent/, apply: rendered(set('Deployment agent', ['spec', 'selector', 'matchLabels', 'app.kubernetes.io/name'], 'someone')) },
  { name: 'the namespace admits every pod', red: 'CONF-110', says: /runs as root: admitted/, apply: objects(set(DEVELOPMENT, ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], 'privileged')) },
  { name: 'baseline instead of restricted', red: 'CONF-110', says: /no seccomp profile/, apply: objects(set(DEVELOPMENT, ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], 'baseline')) },
  { name: 'no quota', red: 'CONF-111', says: /NodePort: admitted/, apply: objects(remove('ResourceQuota todo-chat')) },
  { name: 'no limit range', red: 'CONF-112', says: /no default for|must specify/, apply: objects(remove('LimitRange todo-chat')) },
  { name: 'a probe removed', red: 'CONF-120', says: /no startupProbe/, apply: objects(set('Deployment frontend', [...CONTAINER, 'startupProbe'], undefined)) },
  {
    name: 'a process as root',
    red: 'CONF-120',
    says: /agent.*user 0/,
    apply: objects(all(set(DEVELOPMENT, ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], 'privileged'), set('Deployment agent', [...POD, 'securityContext', 'runAsNonRoot'], false), set('Deployment agent', [...POD, 'securityContext', 'runAsUser'], 0))),
  },
  { name: 'a writable root file system', red: 'CONF-120', says: /can be written/, apply: objects(set('Deployment frontend', [...CONTAINER, 'securityContext', 'readOnlyRootFilesystem'], false)) },
  { name: 'a service account token mounted', red: 'CONF-120', says: /token is mounted/, apply: objects(set('Deployment frontend', [...POD, 'automountServiceAccountToken'], true)) },
  { name: 'no default-deny policy', red: 'CONF-121', says: /none of the/, apply: objects(remove('NetworkPolicy default-deny')) },
  { name: 'the signing key in a ConfigMap', red: 'CONF-122', says: /ConfigMap leaked.*todo-chat-jwt\/jwt-key/, apply: leakKey },
  {
    name: 'a Secret in the environment',
    red: 'CONF-123',
    says: /JWT_KEY/,
    apply: objects(set('Deployment frontend', [...CONTAINER, 'env'], [{ name: 'JWT_KEY', valueFrom: { secretKeyRef: { name: 'todo-chat-jwt', key: 'jwt-key' } } }])),
  },

  { name: 'half a minute before the first probe', red: 'CONF-201', says: /not ready in time: frontend/, apply: objects(set('Deployment frontend', [...CONTAINER, 'startupProbe', 'initialDelaySeconds'], 31)) },
  { name: 'a Service with the port of another tier', red: 'CONF-210', says: /port 8001 instead of 8000/, apply: objects(set('Service backend', ['spec', 'ports', 0, 'targetPort'], 8001)) },
  { name: 'a Service with the selector of another tier', red: 'CONF-210', says: /leads to pod frontend/, apply: objects(set('Service backend', ['spec', 'selector'], { 'app.kubernetes.io/name': 'frontend', 'app.kubernetes.io/component': 'frontend' })) },
  { name: '/api leads to the frontend', red: 'CONF-211', says: /api\/info/, apply: followed(set('Ingress todo-chat', ['spec', 'rules', 0, 'http', 'paths', 0, 'backend', 'service', 'name'], 'frontend')) },
  { name: 'the ingress answers for every host', red: 'CONF-211', says: /stranger\.example/, apply: followed(append('Ingress todo-chat', ['spec', 'rules'], { http: { paths: [{ path: '/api', pathType: 'Prefix', backend: { service: { name: 'backend', port: { name: 'http' } } } }] } })) },
  { name: 'the ingress serves the metrics', red: 'CONF-212', says: /GET \/metrics/, apply: followed(append('Ingress todo-chat', ['spec', 'rules', 0, 'http', 'paths'], { path: '/metrics', pathType: 'Prefix', backend: { service: { name: 'backend', port: { name: 'http' } } } })) },
  { name: 'the ingress serves a probe of the backend', red: 'CONF-212', says: /GET \/readyz/, apply: followed(append('Ingress todo-chat', ['spec', 'rules', 0, 'http', 'paths'], { path: '/readyz', pathType: 'Prefix', backend: { service: { name: 'backend', port: { name: 'http' } } } })) },
  {
    name: 'a user id that the model supplies wins over the token',
    red: 'CONF-241',
    says: /another user’s task|planted/,
    apply: objects(set('Deployment mcp', [...CONTAINER, 'command'], ['python3', '-c', readFileSync(join(import.meta.dirname, 'model-supplied-user.py'), 'utf8')])),
  },
  { name: 'the tool server accepts every Host', red: 'CONF-242', says: /a foreign Host: HTTP 200/, apply: objects(setting('mcp', 'TODO_MCP_ALLOWED_HOSTS', 'mcp:8002,localhost:*,127.0.0.1:*,evil.example'), { restart: ['mcp'] }) },
  {
    name: 'the agent holds a password of the database',
    red: 'CONF-243',
    says: /mounts Secret todo-chat-database/,
    apply: objects(append('Deployment agent', [...POD, 'volumes'], { name: 'stolen', secret: { secretName: 'todo-chat-database', defaultMode: 0o440, items: [{ key: 'mcp-password', path: 'mcp-password' }] } })),
  },
  { name: 'the agent is told where the database is', red: 'CONF-243', says: /told TODO_DATABASE_HOST/, apply: objects(set('Deployment agent', [...CONTAINER, 'env'], [{ name: 'TODO_DATABASE_HOST', value: 'postgres' }])) },
  { name: 'no row-level security', red: 'CONF-250', says: /SELECT 1 FROM tasks gave \d+ instead of 0/, apply: statement('ALTER TABLE tasks DISABLE ROW LEVEL SECURITY', 'ALTER TABLE tasks ENABLE ROW LEVEL SECURITY') },
  { name: 'the chat’s role may read tasks', red: 'CONF-251', says: /SELECT 1 FROM tasks gave 0 instead of 42501/, apply: statement('GRANT SELECT ON tasks TO todo_chat', 'REVOKE SELECT ON tasks FROM todo_chat') },
  { name: 'the agent may connect anywhere', red: 'CONF-260', says: /postgres .* must be closed and was open|API server .* must be closed and was open/, apply: followed(append('NetworkPolicy agent', ['spec', 'egress'], {})) },
  { name: 'the frontend may connect anywhere', red: 'CONF-261', says: /API server .* was open/, apply: followed(append('NetworkPolicy frontend', ['spec', 'egress'], {})) },
  { name: 'the tool server may not reach PostgreSQL', red: 'CONF-262', says: /postgres .* must be open/, apply: followed(set('NetworkPolicy mcp', ['spec', 'egress'], [])) },
  { name: 'the backend may connect anywhere', red: 'CONF-263', says: /API server .* was open/, apply: followed(append('NetworkPolicy backend', ['spec', 'egress'], {})) },
  { name: 'PostgreSQL may connect anywhere', red: 'CONF-264', says: /API server .* was open/, apply: followed(append('NetworkPolicy postgres', ['spec', 'egress'], {})) },
  { name: 'the migration may connect anywhere', red: 'CONF-265', says: /API server .* was open/, apply: followed(append('NetworkPolicy migrate', ['spec', 'egress'], {})) },
  { name: 'the default-deny policy is dropped', red: 'CONF-266', says: /API server .* was open/, apply: followed(remove('NetworkPolicy default-deny')) },
  { name: 'a policy that allows everything', red: 'CONF-267', says: /postgres .* must be closed and was open/, apply: followed(add({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'open' }, spec: EVERYTHING })) },
  { name: 'viewers may read Secrets', red: 'CONF-270', says: /viewers can get secrets/, apply: objects(append('Role viewer', ['rules'], { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] })) },
  { name: 'an account of a tier may list Secrets', red: 'CONF-270', says: /account agent can list secrets/, apply: objects(append('RoleBinding deployer', ['subjects'], { kind: 'ServiceAccount', name: 'agent', namespace: 'todo-chat-dev' })) },

  { name: 'pods end without a grace', red: 'CONF-280', says: /requests, [1-9]\d* failed/, apply: objects(abrupt('backend')) },
  { name: 'no autoscaler', red: 'CONF-281', says: /no HorizontalPodAutoscaler backend/, apply: objects(remove('HorizontalPodAutoscaler backend')) },
  { name: 'no disruption budget', red: 'CONF-283', says: /was evicted while/, apply: objects(remove('PodDisruptionBudget frontend')) },
  { name: 'pods end without a grace', red: 'CONF-290', says: /requests, [1-9]\d* failed/, apply: objects(all(abrupt('backend'), abrupt('frontend'))) },
  { name: 'readiness that does not look at the database', red: 'CONF-292', says: /waited .* for every client of PostgreSQL to become unready/, apply: objects(all(...['backend', 'mcp'].map((tier) => set(`Deployment ${tier}`, [...CONTAINER, 'readinessProbe', 'httpGet', 'path'], '/healthz')))) },
  {
    name: 'liveness that looks at the database',
    red: 'CONF-292',
    says: /restarted: (backend|mcp)/,
    apply: objects(all(...['backend', 'mcp'].map((tier) => set(`Deployment ${tier}`, [...CONTAINER, 'livenessProbe'], { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 3 })))),
  },
  {
    name: 'a database that does not lock its volume',
    red: 'CONF-293',
    says: /the server’s lock file is gone/,
    apply: objects(set('StatefulSet postgres', [...CONTAINER, 'command'], ['sh', '-c', 'sed "/^lock_volume$/d" "$(command -v database-entrypoint)" > /tmp/entrypoint && exec sh /tmp/entrypoint'])),
  },
  { name: 'maxUnavailable 1 and no preStop', red: 'CONF-300', says: /requests, [1-9]\d* failed/, apply: objects(all(abrupt('backend'), abrupt('frontend'))) },
  { name: 'somebody changed the release by hand', red: 'CONF-302', says: /fields are owned by another manager/, apply: patched({ apiVersion: 'v1', kind: 'Service', namespace: 'todo-chat-dev', name: 'backend' }, { metadata: { labels: { 'app.kubernetes.io/version': 'by-hand' } } }, { metadata: { labels: { 'app.kubernetes.io/version': '0.1.0' } } }) },
  { name: 'a line of plain text in the log', red: 'CONF-310', says: /no JSON with time/, apply: objects(set('Deployment agent', [...CONTAINER, 'command'], ['python3', '-c', PRINTS_TEXT])) },
]

function defaultClass(value: string): Record<string, unknown> {
  return { metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': value } } }
}

async function noDns(world: World): ReturnType<Mutation['apply']> {
  const scale = async (replicas: number): Promise<void> => {
    await world.kube.patch(DNS, { spec: { replicas } })
    // A pod on its way out still answers.
    await waitFor(`${replicas} pods of CoreDNS`, TIMEOUTS.replaced, world.signal, async () => {
      const pods = (await podsOf(world.cluster, 'kube-system')).filter((pod) => pod.metadata?.labels?.['k8s-app'] === 'kube-dns')
      const ready = pods.filter(isReady)
      return pods.length === replicas && ready.length === replicas ? true : `${pods.length} pods, ${ready.length} ready`
    })
  }
  await scale(0)
  return { world, undo: () => scale(1) }
}

async function leakKey(world: World): ReturnType<Mutation['apply']> {
  const secret = await world.cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace: world.namespace, name: 'todo-chat-jwt' })
  const key = Buffer.from((secret?.['data'] as Record<string, string> | undefined)?.['jwt-key'] ?? '', 'base64').toString()
  const ref: ObjectRef = { apiVersion: 'v1', kind: 'ConfigMap', namespace: world.namespace, name: 'leaked' }
  await world.cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: world.namespace, name: 'leaked' }, data: { note: `key=${key}` } })
  return { world, undo: () => world.cluster.remove(ref) }
}

/** Objects that other controllers follow a moment later: an Ingress, a NetworkPolicy. Nothing in the API says when. */
function followed(change: Parameters<typeof objects>[0]): Mutation['apply'] {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSES.networkSettles))
  return async (world) => {
    const applied = await objects(change)(world)
    await pause()
    return { world: applied.world, undo: () => applied.undo().then(pause) }
  }
}
