/** Each policy is shown to fail: one change to good manifests, and the named policy turns red. */
import { describe, expect, it } from 'vitest'
import type { Environment } from '../../deploy/src/release/render.ts'
import { CONTAINER, type Mutation, POD, add, append, remove, set, setting } from './_mutate.ts'
import { expectationOf, objectsOf } from './_rendered.ts'
import { POLICIES } from './policies/index.ts'

interface Case {
  policy: string
  change: string
  mutate: Mutation
  /** @default 'development' */
  environment?: Environment
}

const BACKEND = 'Deployment backend'
const HPA = 'HorizontalPodAutoscaler backend'
const secretVolume = (secretName: string, key: string): object => ({ name: 'stolen', secret: { secretName, defaultMode: 0o440, items: [{ key, path: key }] } })
const egressTo = (component: string, port: number): object => ({ to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/component': component } } }], ports: [{ protocol: 'TCP', port }] })

const CASES: Case[] = [
  { policy: 'namespace/pod-security', change: 'baseline instead of restricted', mutate: set('Namespace todo-chat-dev', ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'], 'baseline') },
  { policy: 'namespace/pod-security', change: 'a floating version', mutate: set('Namespace todo-chat-dev', ['metadata', 'labels', 'pod-security.kubernetes.io/enforce-version'], 'latest') },
  { policy: 'namespace/one', change: 'a Service in another namespace', mutate: set('Service backend', ['metadata', 'namespace'], 'default') },
  { policy: 'namespace/one', change: 'a ClusterRole', mutate: add({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'all' }, rules: [] }) },
  { policy: 'namespace/labels', change: 'a Service without its tier', mutate: set('Service backend', ['metadata', 'labels', 'app.kubernetes.io/name'], undefined) },
  { policy: 'namespace/labels', change: 'another manager', mutate: set(BACKEND, ['metadata', 'labels', 'app.kubernetes.io/managed-by'], 'someone') },
  { policy: 'namespace/labels', change: 'a namespace of another environment', mutate: set('Namespace todo-chat-dev', ['metadata', 'labels', 'todo-chat.io/environment'], 'production') },
  { policy: 'namespace/quota', change: 'unbounded memory', mutate: set('ResourceQuota todo-chat', ['spec', 'hard', 'limits.memory'], undefined) },
  { policy: 'namespace/quota', change: 'a load balancer allowed', mutate: set('ResourceQuota todo-chat', ['spec', 'hard', 'services.loadbalancers'], '1') },
  { policy: 'namespace/quota-has-room', change: 'an autoscaler raised without the quota', mutate: set(HPA, ['spec', 'maxReplicas'], 12) },
  { policy: 'namespace/quota-has-room', change: 'too little memory', mutate: set('ResourceQuota todo-chat', ['spec', 'hard', 'requests.memory'], '4Gi') },
  { policy: 'namespace/quota-has-room', change: 'a rollout that makes more pods at once than the quota has room for', mutate: set(BACKEND, ['spec', 'strategy', 'rollingUpdate', 'maxSurge'], 4) },
  { policy: 'namespace/limit-range', change: 'no maximum of memory', mutate: set('LimitRange todo-chat', ['spec', 'limits', 0, 'max', 'memory'], undefined) },
  { policy: 'namespace/limit-range', change: 'a container over the maximum', mutate: set(BACKEND, [...CONTAINER, 'resources', 'limits', 'memory'], '4Gi') },

  { policy: 'pods/non-root', change: 'the database as root', mutate: set('StatefulSet postgres', [...POD, 'securityContext', 'runAsUser'], 0) },
  { policy: 'pods/non-root', change: 'a container that overrides its pod', mutate: set(BACKEND, [...CONTAINER, 'securityContext', 'runAsUser'], 999) },
  { policy: 'pods/seccomp', change: 'no seccomp profile', mutate: set(BACKEND, [...POD, 'securityContext', 'seccompProfile'], undefined) },
  { policy: 'pods/seccomp', change: 'an unconfined container', mutate: set(BACKEND, [...CONTAINER, 'securityContext', 'seccompProfile'], { type: 'Unconfined' }) },
  { policy: 'pods/read-only-root', change: 'a writable root', mutate: set('Deployment frontend', [...CONTAINER, 'securityContext', 'readOnlyRootFilesystem'], false) },
  { policy: 'pods/no-privileges', change: 'a capability added', mutate: append(BACKEND, [...CONTAINER, 'securityContext', 'capabilities', 'add'], 'NET_ADMIN') },
  { policy: 'pods/no-privileges', change: 'escalation left to its default', mutate: set(BACKEND, [...CONTAINER, 'securityContext', 'allowPrivilegeEscalation'], undefined) },
  { policy: 'pods/no-host', change: 'the host’s network', mutate: set('Deployment frontend', [...POD, 'hostNetwork'], true) },
  { policy: 'pods/no-host', change: 'a host path', mutate: append('Deployment frontend', [...POD, 'volumes'], { name: 'host', hostPath: { path: '/' } }) },
  { policy: 'pods/service-account', change: 'a token mounted', mutate: set('Deployment agent', [...POD, 'automountServiceAccountToken'], undefined) },
  { policy: 'pods/service-account', change: 'another tier’s account', mutate: set('Deployment agent', [...POD, 'serviceAccountName'], 'mcp') },
  { policy: 'pods/service-account', change: 'an account that is not rendered', mutate: remove('ServiceAccount agent') },
  { policy: 'pods/no-service-links', change: 'service links by default', mutate: set('Deployment agent', [...POD, 'enableServiceLinks'], undefined) },
  { policy: 'pods/resources', change: 'no limits', mutate: set('Job migrate', [...CONTAINER, 'resources', 'limits'], undefined) },
  { policy: 'pods/resources', change: 'overcommitted memory', mutate: set(BACKEND, [...CONTAINER, 'resources', 'requests', 'memory'], '64Mi') },
  { policy: 'pods/scratch-space', change: 'an emptyDir without limit', mutate: set(BACKEND, [...POD, 'volumes', 0, 'emptyDir'], {}) },
  { policy: 'pods/scratch-space', change: 'a read-only /tmp', mutate: set(BACKEND, [...CONTAINER, 'volumeMounts', 0, 'readOnly'], true) },
  { policy: 'pods/three-probes', change: 'a probe removed', mutate: set(BACKEND, [...CONTAINER, 'startupProbe'], undefined) },
  {
    policy: 'pods/three-probes',
    change: 'readiness the same as liveness, its keys in another order',
    mutate: set(BACKEND, [...CONTAINER, 'readinessProbe'], { timeoutSeconds: 5, failureThreshold: 3, httpGet: { port: 'http', path: '/healthz' }, periodSeconds: 10 }),
  },
  { policy: 'pods/liveness-without-dependencies', change: 'liveness that asks the database', mutate: set(BACKEND, [...CONTAINER, 'livenessProbe', 'httpGet', 'path'], '/readyz') },
  { policy: 'pods/start-in-time', change: 'five minutes to start', mutate: set(BACKEND, [...CONTAINER, 'startupProbe', 'failureThreshold'], 300) },
  { policy: 'pods/graceful-termination', change: 'no preStop sleep', mutate: set(BACKEND, [...CONTAINER, 'lifecycle'], undefined) },
  { policy: 'pods/graceful-termination', change: 'less grace than the drain takes', mutate: set(BACKEND, [...POD, 'terminationGracePeriodSeconds'], 30) },
  { policy: 'pods/known-mounts', change: 'a volume that nothing mounts', mutate: append(BACKEND, [...POD, 'volumes'], { name: 'spare', emptyDir: { sizeLimit: '1Mi' } }) },
  { policy: 'pods/known-mounts', change: 'a mount without volume', mutate: append(BACKEND, [...CONTAINER, 'volumeMounts'], { name: 'nothing', mountPath: '/nothing' }) },

  { policy: 'rollout/tiers', change: 'a tier missing', mutate: remove('Deployment mcp') },
  { policy: 'rollout/no-gap', change: 'maxUnavailable 1', mutate: set(BACKEND, ['spec', 'strategy', 'rollingUpdate', 'maxUnavailable'], 1) },
  { policy: 'rollout/no-gap', change: 'no minReadySeconds', mutate: set(BACKEND, ['spec', 'minReadySeconds'], undefined) },
  { policy: 'rollout/no-gap', change: 'ten minutes of deadline', mutate: set(BACKEND, ['spec', 'progressDeadlineSeconds'], 600) },
  { policy: 'rollout/autoscaled', change: 'one replica allowed', mutate: set(HPA, ['spec', 'minReplicas'], 1) },
  { policy: 'rollout/autoscaled', change: 'an autoscaler for something else', mutate: set(HPA, ['spec', 'scaleTargetRef', 'name'], 'mcp') },
  { policy: 'rollout/no-replicas-under-autoscaler', change: 'replicas beside an autoscaler', mutate: set(BACKEND, ['spec', 'replicas'], 3) },
  { policy: 'rollout/disruption-budget', change: 'a budget removed', mutate: remove('PodDisruptionBudget mcp') },
  { policy: 'rollout/disruption-budget', change: 'a budget that blocks a drain', mutate: set('PodDisruptionBudget postgres', ['spec', 'maxUnavailable'], 0) },
  { policy: 'rollout/spread', change: 'a spread that counts other pods', mutate: set(BACKEND, [...POD, 'topologySpreadConstraints', 0, 'labelSelector', 'matchLabels'], { 'app.kubernetes.io/name': 'mcp' }) },
  { policy: 'rollout/spread', change: 'no anti-affinity', mutate: set(BACKEND, [...POD, 'affinity'], undefined) },
  { policy: 'rollout/selectors', change: 'a selector of everything', mutate: set(BACKEND, ['spec', 'selector', 'matchLabels'], { 'app.kubernetes.io/part-of': 'todo-chat' }) },
  { policy: 'rollout/selectors', change: 'a selector by version', mutate: set(BACKEND, ['spec', 'selector', 'matchLabels', 'app.kubernetes.io/version'], '0.1.0') },
  { policy: 'rollout/jobs-end', change: 'a migration without deadline', mutate: set('Job migrate', ['spec', 'activeDeadlineSeconds'], undefined) },
  { policy: 'rollout/jobs-end', change: 'a migration that removes itself', mutate: set('Job migrate', ['spec', 'ttlSecondsAfterFinished'], 60) },
  { policy: 'rollout/jobs-end', change: 'overlapping backups', mutate: set('CronJob backup', ['spec', 'concurrencyPolicy'], 'Allow') },

  { policy: 'services/reach-their-pods', change: 'a wrong target port', mutate: set('Service backend', ['spec', 'ports', 0, 'targetPort'], 'web') },
  { policy: 'services/reach-their-pods', change: 'a selector of another tier', mutate: set('Service backend', ['spec', 'selector', 'app.kubernetes.io/name'], 'agent') },
  { policy: 'services/reach-their-pods', change: 'a NodePort', mutate: set('Service backend', ['spec', 'type'], 'NodePort') },
  { policy: 'services/container-ports', change: 'a port on which nothing listens', mutate: set(BACKEND, [...CONTAINER, 'ports', 0, 'containerPort'], 9000) },
  { policy: 'services/ingress-routes', change: 'the API sent to the frontend', mutate: set('Ingress todo-chat', ['spec', 'rules', 0, 'http', 'paths', 0, 'backend', 'service', 'name'], 'frontend') },
  { policy: 'services/ingress-routes', change: 'the class left open', mutate: set('Ingress todo-chat', ['spec', 'ingressClassName'], undefined) },
  { policy: 'services/ingress-routes', change: 'no entrance', mutate: remove('Ingress todo-chat') },
  { policy: 'services/ingress-routes', change: 'a second entrance', mutate: add({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'other' }, spec: { parentRefs: [], hostnames: [], rules: [] } }) },
  { policy: 'services/tls', change: 'no TLS', mutate: set('Ingress todo-chat', ['spec', 'tls'], undefined), environment: 'staging' },
  { policy: 'services/tls', change: 'a certificate for another host', mutate: set('Ingress todo-chat', ['spec', 'tls', 0, 'hosts'], ['other.example']), environment: 'production' },
  { policy: 'settings/roll-with-their-content', change: 'a ConfigMap without hash', mutate: add({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' }, data: {} }) },
  { policy: 'settings/roll-with-their-content', change: 'a ConfigMap that does not exist', mutate: append(BACKEND, [...CONTAINER, 'envFrom'], { configMapRef: { name: 'gone-0123456789' } }) },
  { policy: 'settings/environment', change: 'staging calls itself development', mutate: setting('environment', 'TODO_ENVIRONMENT', 'development'), environment: 'staging' },
  { policy: 'settings/environment', change: 'the development login in production', mutate: setting('backend', 'TODO_DEV_LOGIN', 'true'), environment: 'production' },
  { policy: 'settings/addresses', change: 'a wrong port in an address', mutate: setting('backend', 'TODO_AGENT_URL', 'http://agent:8000') },

  { policy: 'images/never-latest', change: 'latest', mutate: set(BACKEND, [...CONTAINER, 'image'], 'todo-chat/backend:latest') },
  { policy: 'images/never-latest', change: 'no tag', mutate: set(BACKEND, [...CONTAINER, 'image'], 'registry.example:5000/todo-chat/backend') },
  { policy: 'images/by-digest', change: 'a tag in production', mutate: set(BACKEND, [...CONTAINER, 'image'], 'todo-chat/backend:1.0.0'), environment: 'production' },
  { policy: 'images/our-own', change: 'an image from elsewhere', mutate: set(BACKEND, [...CONTAINER, 'image'], 'postgres:18') },
  { policy: 'images/our-own', change: 'the agent with the backend’s image', mutate: set('Deployment agent', [...CONTAINER, 'image'], 'todo-chat/backend:development') },
  { policy: 'images/pull-policy', change: 'Always', mutate: set(BACKEND, [...CONTAINER, 'imagePullPolicy'], 'Always') },

  { policy: 'secrets/none-rendered', change: 'a Secret in the manifests', mutate: add({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'todo-chat-jwt' }, stringData: {} }) },
  { policy: 'secrets/as-files', change: 'a password as environment variable', mutate: append(BACKEND, [...CONTAINER, 'env'], { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'todo-chat-database', key: 'chat-password' } } }) },
  { policy: 'secrets/as-files', change: 'a whole Secret as environment', mutate: append(BACKEND, [...CONTAINER, 'envFrom'], { secretRef: { name: 'todo-chat-database' } }) },
  { policy: 'secrets/own-keys-only', change: 'the backend with the mcp role’s password', mutate: append(BACKEND, [...POD, 'volumes'], secretVolume('todo-chat-database', 'mcp-password')) },
  { policy: 'secrets/own-keys-only', change: 'every key of a Secret', mutate: set('Deployment mcp', [...POD, 'volumes', 1, 'secret', 'items'], undefined) },
  { policy: 'secrets/mounted-safely', change: 'world-readable', mutate: set(BACKEND, [...POD, 'volumes', 1, 'secret', 'defaultMode'], 0o444) },
  { policy: 'secrets/mounted-safely', change: 'a subPath, which rotation does not reach', mutate: set(BACKEND, [...CONTAINER, 'volumeMounts', 1, 'subPath'], 'chat-password') },
  { policy: 'secrets/files-exist', change: 'a file that is not mounted', mutate: setting('backend', 'TODO_JWT_KEY_FILE', '/run/secrets/todo-jwt/key') },
  { policy: 'secrets/files-exist', change: 'a mount that no setting names', mutate: setting('mcp', 'TODO_JWT_KEY_FILE', undefined) },
  { policy: 'secrets/agent-has-none-of-the-data', change: 'the agent with a database password', mutate: append('Deployment agent', [...POD, 'volumes'], secretVolume('todo-chat-database', 'mcp-password')) },
  { policy: 'secrets/agent-has-none-of-the-data', change: 'the agent told where the database is', mutate: setting('agent', 'TODO_DATABASE_HOST', 'postgres') },
  { policy: 'secrets/none-in-settings', change: 'a key in a ConfigMap', mutate: setting('agent', 'TODO_MODEL_API_KEY', 'value') },
  { policy: 'secrets/none-in-settings', change: 'a password in a URL', mutate: setting('agent', 'TODO_MCP_URL', 'http://user:password@mcp:8002/mcp') },

  { policy: 'network/default-deny', change: 'removed', mutate: remove('NetworkPolicy default-deny') },
  { policy: 'network/default-deny', change: 'inbound only', mutate: set('NetworkPolicy default-deny', ['spec', 'policyTypes'], ['Ingress']) },
  { policy: 'network/one-policy-per-tier', change: 'a tier without policy', mutate: remove('NetworkPolicy frontend') },
  {
    policy: 'network/one-policy-per-tier',
    change: 'a second policy for a tier',
    mutate: add({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'extra' }, spec: { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'agent' } }, policyTypes: ['Egress'], egress: [{}] } }),
  },
  { policy: 'network/no-empty-lists', change: 'an empty list of rules', mutate: set('NetworkPolicy postgres', ['spec', 'egress'], []) },
  { policy: 'network/flows', change: 'the agent to the database, half open', mutate: append('NetworkPolicy agent', ['spec', 'egress'], egressTo('database', 5432)) },
  {
    policy: 'network/flows',
    change: 'the frontend to the database, open at both ends',
    mutate: (objects) => {
      append('NetworkPolicy frontend', ['spec', 'egress'], egressTo('database', 5432))(objects)
      append('NetworkPolicy postgres', ['spec', 'ingress', 0, 'from'], { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'frontend' } } })(objects)
    },
  },
  { policy: 'network/flows', change: 'every port to a peer', mutate: set('NetworkPolicy agent', ['spec', 'egress', 0, 'ports'], undefined) },
  { policy: 'network/flows', change: 'anybody to the backend', mutate: set('NetworkPolicy backend', ['spec', 'ingress', 0, 'from'], undefined) },
  { policy: 'network/flows', change: 'the whole namespace of the ingress controller', mutate: set('NetworkPolicy backend', ['spec', 'ingress', 0, 'from', 0, 'podSelector'], undefined) },
  { policy: 'network/flows', change: 'the agent to the internet without a model endpoint', mutate: append('NetworkPolicy agent', ['spec', 'egress'], { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ protocol: 'TCP', port: 443 }] }) },
  { policy: 'network/flows', change: 'no way to the identity provider', mutate: set('NetworkPolicy backend', ['spec', 'egress', 3], undefined), environment: 'staging' },
  { policy: 'network/flows', change: 'no DNS for the backend', mutate: set('NetworkPolicy backend', ['spec', 'egress', 2], undefined) },
  { policy: 'network/internet-only', change: 'the metadata address reachable', mutate: set('NetworkPolicy agent', ['spec', 'egress', 2, 'to', 0, 'ipBlock', 'except'], ['10.0.0.0/8']), environment: 'production' },
  { policy: 'network/internet-only', change: 'addresses where there are none to reach', mutate: append('NetworkPolicy frontend', ['spec', 'egress'], { to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }) },

  { policy: 'database/one-switch', change: 'the cluster’s own database beside an external one', mutate: add({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'postgres', labels: { 'app.kubernetes.io/component': 'database' } } }), environment: 'production' },
  { policy: 'database/backed-up', change: 'no backup of the cluster’s own database', mutate: remove('CronJob backup') },
  { policy: 'database/backed-up', change: 'no backup of an external database', mutate: remove('CronJob backup'), environment: 'production' },
  { policy: 'database/production-is-external', change: 'a database in production', mutate: add({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'postgres', labels: { 'app.kubernetes.io/component': 'database' } } }), environment: 'production' },
  { policy: 'database/address', change: 'the in-cluster name for an external database', mutate: setting('database', 'TODO_DATABASE_HOST', 'postgres'), environment: 'production' },
  { policy: 'database/address', change: 'an unverified certificate', mutate: setting('database', 'TODO_DATABASE_SSLMODE', 'require'), environment: 'production' },
  { policy: 'database/volumes-stay', change: 'claims deleted with the StatefulSet', mutate: set('StatefulSet postgres', ['spec', 'persistentVolumeClaimRetentionPolicy', 'whenDeleted'], 'Delete') },
  { policy: 'database/volumes-stay', change: 'the version on an immutable template', mutate: set('StatefulSet postgres', ['spec', 'volumeClaimTemplates', 0, 'metadata', 'labels', 'app.kubernetes.io/version'], '0.1.0') },
  { policy: 'database/volumes-stay', change: 'data on an emptyDir', mutate: append('StatefulSet postgres', [...POD, 'volumes'], { name: 'data', emptyDir: { sizeLimit: '1Gi' } }) },

  { policy: 'access/no-wildcards', change: 'every verb', mutate: set('Role deployer', ['rules', 1, 'verbs'], ['*']) },
  { policy: 'access/no-wildcards', change: 'a shell in every pod', mutate: append('Role viewer', ['rules', 0, 'resources'], 'pods/exec') },
  { policy: 'access/workloads-have-none', change: 'the agent as deployer', mutate: append('RoleBinding deployer', ['subjects'], { kind: 'ServiceAccount', name: 'agent', namespace: 'todo-chat-dev' }) },
  { policy: 'access/bindings', change: 'a ClusterRole given', mutate: set('RoleBinding viewer', ['roleRef'], { kind: 'ClusterRole', name: 'cluster-admin' }) },
  { policy: 'access/bindings', change: 'a subject of another namespace', mutate: set('RoleBinding deployer', ['subjects', 0, 'namespace'], 'default') },
  { policy: 'access/viewers-see-no-secrets', change: 'viewers read Secrets', mutate: append('Role viewer', ['rules', 0, 'resources'], 'secrets') },
]

describe('mutations', () => {
  it.each(CASES)('$policy sees $change', async ({ policy: id, mutate, environment = 'development' }) => {
    const policy = POLICIES.find((candidate) => candidate.id === id)
    if (policy === undefined) throw new Error(`no policy is called ${id}`)
    const objects = structuredClone(await objectsOf(environment, 'kustomize'))
    const expectation = expectationOf(environment)
    expect(policy.check(objects, expectation).violations).toEqual([])
    mutate(objects)
    expect(policy.check(objects, expectation).violations).not.toEqual([])
  })

  it('turn every policy red at least once', () => {
    const mutated = new Set(CASES.map(({ policy }) => policy))
    expect(POLICIES.map(({ id }) => id).filter((id) => !mutated.has(id))).toEqual([])
  })
})
