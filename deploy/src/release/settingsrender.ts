/** Settings → what kustomize and Helm each need to give the same objects. Pure. */
import { BadInput } from '../errors.ts'
import type { Environment } from './render.ts'
import { SETTINGS, type SettingName, type Settings } from './settings.ts'

/** Fields of a kustomization that lies over the overlay. */
export interface Layer {
  /** Folders of `components/`. */
  components: string[]
  images: { name: string; newTag?: string; digest?: string }[]
  configMapGenerator: { name: string; behavior: 'merge'; literals: string[] }[]
  patches: { target: { kind: string; name?: string }; patch: string }[]
}

/** Parts that an environment may have or not. */
interface Parts {
  externalDatabase: boolean
  modelEndpoint: boolean
  oidc: boolean
  tls: boolean
}

/** What the overlays and values files have by themselves. */
const OWN_PARTS: Record<Environment, Parts> = {
  development: { externalDatabase: false, modelEndpoint: false, oidc: false, tls: false },
  staging: { externalDatabase: false, modelEndpoint: false, oidc: true, tls: true },
  production: { externalDatabase: true, modelEndpoint: true, oidc: true, tls: true },
}

const REPLICAS: Record<Environment, { min: number; max: number }> = {
  development: { min: 2, max: 3 },
  staging: { min: 2, max: 3 },
  production: { min: 3, max: 6 },
}

/** What an overlay says of its images before a release fills them in. A component that lies over it brings its own one without. */
const PLACEHOLDER = { development: { newTag: 'development' }, staging: { digest: `sha256:${'0'.repeat(64)}` }, production: { digest: `sha256:${'0'.repeat(64)}` } }

const PART_OF = { 'database.host': 'externalDatabase', 'model.baseUrl': 'modelEndpoint', 'oidc.issuer': 'oidc' } as const satisfies Partial<Record<SettingName, keyof Parts>>

const CA_FILE = '/run/secrets/todo-ca/ca.crt'
const TLS_SECRET = 'todo-chat-tls'
/** Pods that ask somebody over TLS. */
const TRUSTING = 'backend|agent|mcp'
/** Pods that ask an external database. */
const DATABASE_CLIENTS = 'backend|mcp|migrate|backup'

function partsOf(environment: Environment, settings: Settings): Parts {
  const own = OWN_PARTS[environment]
  return {
    externalDatabase: own.externalDatabase || settings['database.host'] !== undefined,
    modelEndpoint: own.modelEndpoint || settings['model.baseUrl'] !== undefined,
    oidc: own.oidc || settings['oidc.issuer'] !== undefined,
    tls: own.tls || settings['ingress.issuer'] !== undefined || settings['ingress.tlsSecret'] !== undefined,
  }
}

/**
 * Refuses settings that contradict each other or would have no effect.
 * @throws BadInput naming both
 */
export function checkSettings(environment: Environment, settings: Settings): void {
  const parts = partsOf(environment, settings)
  for (const name of Object.keys(settings) as SettingName[]) {
    const row = SETTINGS[name]
    if (!('partOf' in row) || parts[PART_OF[row.partOf]]) continue
    throw new BadInput(`setting ${name} has no effect in ${environment} without ${row.partOf}`, { next: `give ${row.partOf} too, or leave ${name} out` })
  }
  const min = settings['autoscaling.minReplicas'] ?? REPLICAS[environment].min
  const max = settings['autoscaling.maxReplicas'] ?? REPLICAS[environment].max
  if (min < 2 && environment !== 'development') throw new BadInput(`setting autoscaling.minReplicas (${min}) must be at least 2 in ${environment}: with one pod, the end of a node is the end of the application`, { next: 'give 2 or more' })
  if (max < min) throw new BadInput(`setting autoscaling.maxReplicas (${max}) must be at least autoscaling.minReplicas (${min})`, { next: 'give both' })
}

function portOf(url: string): number {
  return Number(new URL(url).port || 443)
}

type Operation = { op: 'add' | 'replace' | 'test'; path: string; value: unknown }

function patch(kind: string, name: string | undefined, ...operations: Operation[]): Layer['patches'] {
  return operations.length === 0 ? [] : [{ target: { kind, ...(name === undefined ? {} : { name }) }, patch: JSON.stringify(operations) }]
}

function replace(path: string, value: unknown): Operation[] {
  return value === undefined ? [] : [{ op: 'replace', path, value }]
}

/** A rule's peer and port, after a look that it is the rule of that port. */
function egress(index: number, port: number, cidr: string | undefined, newPort: number | undefined): Operation[] {
  const changes = [...replace(`/spec/egress/${index}/to`, cidr === undefined ? undefined : [{ ipBlock: { cidr } }]), ...replace(`/spec/egress/${index}/ports/0/port`, newPort === port ? undefined : newPort)]
  return changes.length === 0 ? [] : [{ op: 'test', path: `/spec/egress/${index}/ports/0/port`, value: port }, ...changes]
}

function ingressPatches(environment: Environment, settings: Settings): Layer['patches'] {
  const { host } = settings
  const secretName = settings['ingress.tlsSecret']
  const tls: Operation[] = OWN_PARTS[environment].tls
    ? [...replace('/spec/tls/0/hosts/0', host), ...replace('/spec/tls/0/secretName', secretName)]
    : partsOf(environment, settings).tls
      ? [{ op: 'add', path: '/spec/tls', value: [{ secretName: secretName ?? TLS_SECRET, hosts: [host ?? 'todo-chat.localhost'] }] }]
      : []
  const issuer = settings['ingress.issuer']
  const annotated = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'todo-chat', annotations: { 'cert-manager.io/cluster-issuer': issuer } } }
  const controller = [
    ...replace('/spec/ingress/0/from/0/namespaceSelector/matchLabels', settings['ingress.controller.namespace'] && { 'kubernetes.io/metadata.name': settings['ingress.controller.namespace'] }),
    ...replace('/spec/ingress/0/from/0/podSelector/matchLabels', settings['ingress.controller.podLabels']),
  ]
  return [
    ...patch('Ingress', undefined, ...replace('/spec/rules/0/host', host), ...replace('/spec/ingressClassName', settings['ingress.class']), ...tls),
    // A merge: the object may have annotations already.
    ...(issuer === undefined ? [] : [{ target: { kind: 'Ingress' }, patch: JSON.stringify(annotated) }]),
    ...patch('NetworkPolicy', 'backend|frontend', ...controller),
  ]
}

function podPatches(settings: Settings, externalDatabase: boolean): Layer['patches'] {
  const pullSecret = settings['images.pullSecret']
  const pull = (path: string): Operation[] => (pullSecret === undefined ? [] : [{ op: 'add', path: `${path}/imagePullSecrets`, value: [{ name: pullSecret }] }])
  const volume = { name: 'ca', secret: { secretName: 'todo-chat-ca', defaultMode: 0o440, items: [{ key: 'ca.crt', path: 'ca.crt' }] } }
  const trust = (path: string): Operation[] =>
    settings['trust.privateCa']
      ? [
          { op: 'add', path: `${path}/volumes/-`, value: volume },
          { op: 'add', path: `${path}/containers/0/volumeMounts/-`, value: { name: 'ca', mountPath: '/run/secrets/todo-ca', readOnly: true } },
        ]
      : []
  return [
    ...patch('Deployment', TRUSTING, ...trust('/spec/template/spec')),
    ...patch('Job', 'migrate', ...trust('/spec/template/spec')),
    ...(externalDatabase ? patch('CronJob', 'backup', ...trust('/spec/jobTemplate/spec/template/spec')) : []),
    ...patch('Deployment|StatefulSet|Job', undefined, ...pull('/spec/template/spec')),
    ...patch('CronJob', undefined, ...pull('/spec/jobTemplate/spec/template/spec')),
  ]
}

function literals(entries: Record<string, string | number | undefined>): string[] {
  return Object.entries(entries).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
}

/** The layer over an overlay that gives it the settings. */
export function toKustomize(environment: Environment, settings: Settings): Layer {
  checkSettings(environment, settings)
  const own = OWN_PARTS[environment]
  const parts = partsOf(environment, settings)
  const ca = settings['trust.privateCa'] ? CA_FILE : undefined
  const model = settings['model.baseUrl']
  const issuer = settings['oidc.issuer']
  const maps: Record<string, string[]> = {
    environment: literals({ SSL_CERT_FILE: ca }),
    database: literals({
      TODO_DATABASE_HOST: settings['database.host'],
      TODO_DATABASE_PORT: settings['database.port'],
      TODO_DATABASE_NAME: settings['database.name'],
      TODO_DATABASE_SSLMODE: settings['database.sslMode'],
      PGSSLROOTCERT: parts.externalDatabase ? ca : undefined,
    }),
    migrate: literals({ TODO_DATABASE_ADMIN_USER: settings['database.adminUser'] }),
    agent: literals({ TODO_MODEL_BASE_URL: model, TODO_MODEL_NAME: settings['model.name'] }),
    backend: literals({
      TODO_OIDC_ISSUER: issuer,
      TODO_OIDC_CLIENT_ID: settings['oidc.clientId'],
      TODO_PUBLIC_URL: parts.oidc && (settings.host !== undefined || !own.oidc) ? `https://${settings.host ?? 'todo-chat.localhost'}` : undefined,
    }),
  }
  return {
    components: [
      ...(parts.externalDatabase && !own.externalDatabase ? ['external-database'] : []),
      ...(parts.modelEndpoint && !own.modelEndpoint ? ['model-endpoint'] : []),
      ...(parts.oidc && !own.oidc ? ['oidc'] : []),
    ],
    images: parts.externalDatabase && !own.externalDatabase ? [{ name: 'todo-chat/backup', ...PLACEHOLDER[environment] }] : [],
    configMapGenerator: Object.entries(maps).flatMap(([name, literals]) => (literals.length === 0 ? [] : [{ name, behavior: 'merge' as const, literals }])),
    patches: [
      ...ingressPatches(environment, settings),
      ...patch('NetworkPolicy', DATABASE_CLIENTS, ...egress(0, 5432, settings['database.cidr'], settings['database.port'])),
      ...patch('NetworkPolicy', 'agent', ...egress(2, 443, settings['model.cidr'], model === undefined ? undefined : portOf(model))),
      ...patch('NetworkPolicy', 'backend', ...egress(3, 443, settings['oidc.cidr'], issuer === undefined ? undefined : portOf(issuer))),
      ...podPatches(settings, parts.externalDatabase),
      ...patch('HorizontalPodAutoscaler', undefined, ...replace('/spec/minReplicas', settings['autoscaling.minReplicas']), ...replace('/spec/maxReplicas', settings['autoscaling.maxReplicas'])),
    ],
  }
}

/** The same as `--set-json` assignments of the chart. */
export function toHelm(environment: Environment, settings: Settings): string[] {
  checkSettings(environment, settings)
  const own = OWN_PARTS[environment]
  const parts = partsOf(environment, settings)
  const podLabels = settings['ingress.controller.podLabels']
  const values: Record<string, unknown> = {
    'ingress.host': settings.host,
    'ingress.className': settings['ingress.class'],
    'ingress.issuer': settings['ingress.issuer'],
    'ingress.tls.enabled': parts.tls === own.tls ? undefined : parts.tls,
    'ingress.tls.secretName': settings['ingress.tlsSecret'],
    'ingress.controller.namespace': settings['ingress.controller.namespace'],
    // Helm merges maps: the default label goes only when it is set to null.
    'ingress.controller.podLabels': podLabels && { 'app.kubernetes.io/name': null, ...podLabels },
    'database.external': parts.externalDatabase === own.externalDatabase ? undefined : true,
    'database.host': settings['database.host'],
    'database.port': settings['database.port'],
    'database.name': settings['database.name'],
    'database.adminUser': settings['database.adminUser'],
    'database.sslMode': settings['database.sslMode'] ?? (parts.externalDatabase === own.externalDatabase ? undefined : 'verify-full'),
    'database.cidr': settings['database.cidr'],
    'model.enabled': parts.modelEndpoint === own.modelEndpoint ? undefined : true,
    'model.baseUrl': settings['model.baseUrl'],
    'model.name': settings['model.name'],
    'model.cidr': settings['model.cidr'],
    'oidc.enabled': parts.oidc === own.oidc ? undefined : true,
    'oidc.issuer': settings['oidc.issuer'],
    'oidc.clientId': settings['oidc.clientId'],
    'oidc.cidr': settings['oidc.cidr'],
    'images.pullSecret': settings['images.pullSecret'],
    'trust.privateCa': settings['trust.privateCa'],
    'autoscaling.minReplicas': settings['autoscaling.minReplicas'],
    'autoscaling.maxReplicas': settings['autoscaling.maxReplicas'],
  }
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${JSON.stringify(value)}`]))
}
