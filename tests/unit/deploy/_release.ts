/** A small release like the real one, and a run of it against the fake cluster. */
import { type DeployInput, deploy } from '../../../deploy/src/commands/deploy.ts'
import type { KubeObject, RenderedObject } from '../../../deploy/src/release/objects.ts'
import type { RunReport } from '../../../deploy/src/report/report.ts'
import type { Context } from '../../../deploy/src/session.ts'
import { todoChat } from '../../../deploy/src/todo-chat.ts'
import { FakeClock } from '../../fakes/clock.ts'
import { FakeCluster } from '../../fakes/cluster.ts'

export const NAMESPACE = 'todo-chat-dev'

function labels(name: string, component = name): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': component }
}

export function deployment(name: string, image: string, extra: object = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE, labels: labels(name) },
    spec: {
      replicas: 2,
      progressDeadlineSeconds: 60,
      template: {
        metadata: { labels: labels(name) },
        spec: {
          containers: [{ name, image }],
          ...(name === 'backend' ? { volumes: [{ name: 'jwt', secret: { secretName: 'todo-chat-jwt', items: [{ key: 'jwt-key', path: 'jwt-key' }] } }] } : {}),
        },
      },
      ...extra,
    },
  }
}

/** @param tags image tags by part; `1` when not given */
export function release(tags: Partial<Record<'database' | 'migrate' | 'mcp' | 'agent' | 'backend' | 'frontend', string>> = {}): RenderedObject[] {
  const pod = (name: string, image: string, component = name): object => ({ metadata: { labels: labels(name, component) }, spec: { containers: [{ name, image, lifecycle: { preStop: { sleep: { seconds: 2 } } } }] } })
  const objects: KubeObject[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'environment', namespace: NAMESPACE }, data: { TODO_ENVIRONMENT: 'development' } },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'postgres', namespace: NAMESPACE, labels: labels('postgres', 'database') }, spec: { replicas: 1, template: pod('postgres', `todo-chat/database:${tags.database ?? '1'}`, 'database') } },
    { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'backup', namespace: NAMESPACE, labels: labels('backup') }, spec: { suspend: true, jobTemplate: { spec: { template: pod('backup', 'todo-chat/database:1') } } } },
    { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate', namespace: NAMESPACE, labels: labels('migrate', 'migration') }, spec: { template: pod('migrate', `todo-chat/backend:${tags.migrate ?? tags.backend ?? '1'}`) } },
    deployment('mcp', `todo-chat/mcp:${tags.mcp ?? '1'}`),
    deployment('agent', `todo-chat/agent:${tags.agent ?? '1'}`),
    deployment('backend', `todo-chat/backend:${tags.backend ?? '1'}`),
    deployment('frontend', `todo-chat/frontend:${tags.frontend ?? '1'}`),
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'todo-chat', namespace: NAMESPACE, labels: labels('todo-chat', 'ingress') }, spec: { rules: [{ host: 'todo-chat.localhost' }] } },
  ]
  return objects.map((object) => ({ object, source: `manifests/${object.metadata.name}.yaml` }))
}

export class Scene {
  readonly clock = new FakeClock()
  readonly cluster = new FakeCluster(this.clock)
  readonly told: string[] = []

  context(overrides: Partial<Context> = {}): Context {
    return {
      application: todoChat,
      cluster: this.cluster,
      clock: this.clock,
      environment: 'dev',
      namespace: NAMESPACE,
      progress: (event) => this.told.push(JSON.stringify(event)),
      interrupt: new AbortController().signal,
      who: 'tester',
      ...overrides,
    }
  }

  input(rendered: RenderedObject[], overrides: Partial<DeployInput> = {}): DeployInput {
    return {
      rendered,
      secretFiles: new Map(),
      generateSecrets: true,
      images: {},
      verified: undefined,
      allowed: new Set(),
      rate: 0,
      soakMs: 10_000,
      backup: true,
      rollBack: true,
      lockWaitMs: 30_000,
      timeoutMs: 600_000,
      ...overrides,
    }
  }

  deploy(rendered: RenderedObject[], overrides: Partial<DeployInput> = {}): Promise<RunReport> {
    return this.deployAs({}, rendered, overrides)
  }

  /** With another context: another environment, another commit. */
  deployAs(context: Partial<Context>, rendered: RenderedObject[], overrides: Partial<DeployInput> = {}): Promise<RunReport> {
    return deploy(this.context(context), this.input(rendered, overrides))
  }
}
