/** Secrets: files only, each pod its own keys only. */
import { type Expectation, type Policy, all, containersOf, each, eachPod, ofKind, podTemplates, sameSet } from './_policy.ts'
import type { V1ConfigMap } from '@kubernetes/client-node'
import type { Wire } from '../../../deploy/src/release/objects.ts'
import { settings } from './services.ts'

const DATABASE_KEYS = ['superuser', 'migrator', 'chat', 'tasks', 'mcp', 'backup'].map((role) => `todo-chat-database/${role}-password`)
/** Readable by the group that owns the volume (fsGroup), by nobody else: 0440. */
const MODE = 0o440

/** Pod → the Secret keys it may see. */
function allowedKeys({ externalDatabase, modelEndpoint, oidc }: Expectation): Record<string, string[]> {
  return {
    agent: modelEndpoint ? ['todo-chat-model/model-api-key'] : [],
    backend: ['todo-chat-database/chat-password', 'todo-chat-database/tasks-password', 'todo-chat-jwt/jwt-key', ...(oidc ? ['todo-chat-oidc/oidc-client-secret'] : [])],
    backup: ['todo-chat-database/backup-password'],
    frontend: [],
    mcp: ['todo-chat-database/mcp-password', 'todo-chat-jwt/jwt-key'],
    migrate: externalDatabase ? DATABASE_KEYS : ['todo-chat-database/migrator-password'],
    postgres: DATABASE_KEYS,
  }
}

export const secretPolicies: Policy[] = [
  {
    id: 'secrets/none-rendered',
    must: 'No Secret MUST be rendered, so that none is in git or in a chart’s values',
    check: (objects) => each(objects, ({ metadata }) => metadata.name, ({ kind }) => [kind === 'Secret' && 'is a Secret']),
  },
  {
    id: 'secrets/as-files',
    must: 'No container MUST get a Secret as an environment variable',
    check: (objects) =>
      eachPod(podTemplates(objects), ({ spec }) =>
        containersOf(spec).flatMap(({ name, env = [], envFrom = [] }) => [
          ...env.map((variable) => variable.valueFrom?.secretKeyRef !== undefined && `container ${name}: ${variable.name} comes from a Secret`),
          ...envFrom.map(({ secretRef }) => secretRef !== undefined && `container ${name}: environment comes from Secret ${secretRef.name}`),
        ]),
      ),
  },
  {
    id: 'secrets/own-keys-only',
    must: 'Every pod MUST see exactly the keys that its process reads, listed one by one',
    check: (objects, expectation) => {
      const allowed = allowedKeys(expectation)
      return eachPod(podTemplates(objects), ({ name, spec }) => {
        const keys = (spec.volumes ?? []).flatMap(({ secret }) => (secret === undefined ? [] : (secret.items?.map(({ key }) => `${secret.secretName}/${key}`) ?? [`${secret.secretName}/*`])))
        return sameSet(keys, allowed[name] ?? [])
      })
    },
  },
  {
    id: 'secrets/mounted-safely',
    must: 'Secrets MUST be mounted read-only below /run/secrets as whole folders (so that rotation arrives), with mode 0440, and MUST NOT be optional',
    check: (objects) =>
      eachPod(podTemplates(objects), ({ spec }) =>
        (spec.volumes ?? []).filter(({ secret }) => secret !== undefined).flatMap(({ name, secret }) => {
          const mounts = containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts).filter((mount) => mount.name === name)
          return [
            secret?.defaultMode !== MODE && `volume ${name}: mode ${secret?.defaultMode?.toString(8)}`,
            secret?.optional === true && `volume ${name} is optional`,
            ...mounts.flatMap(({ readOnly, mountPath, subPath }) => [
              readOnly !== true && `mount ${name} is writable`,
              !mountPath.startsWith('/run/secrets/') && `mount ${name} is at ${mountPath}`,
              subPath !== undefined && `mount ${name} has a subPath`,
            ]),
          ]
        }),
      ),
  },
  {
    id: 'secrets/files-exist',
    must: 'Every setting that names a secret file MUST name one that is mounted in that pod, and every mounted one MUST be named',
    check: (objects) =>
      eachPod(podTemplates(objects).filter(({ name }) => name !== 'postgres'), (pod) => {
        // PGSSLROOTCERT is libpq's own variable; with the authorities of the image it names no secret.
        const named = [...new Set([...settings(pod, objects)].filter(([name, path]) => name.endsWith('_FILE') || (name === 'PGSSLROOTCERT' && path.startsWith('/run/secrets/'))).map(([, path]) => path))]
        const mounted = (pod.spec.volumes ?? []).flatMap(({ name, secret }) =>
          (secret?.items ?? []).flatMap(({ path }) =>
            pod.spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.filter((mount) => mount.name === name).map(({ mountPath }) => `${mountPath}/${path}`)),
          ),
        )
        return sameSet(named, mounted)
      }),
  },
  {
    id: 'secrets/agent-has-none-of-the-data',
    must: 'The agent MUST have no database credential, no address of the database, and no key that makes tokens',
    check: (objects) =>
      eachPod(podTemplates(objects).filter(({ name }) => name === 'agent'), (pod) => [
        ...[...settings(pod, objects).keys()].map((name) => /DATABASE|JWT/.test(name) && `setting ${name}`),
        ...(pod.spec.volumes ?? []).map(({ secret }) => secret !== undefined && secret.secretName !== 'todo-chat-model' && `Secret ${secret.secretName}`),
        pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined) && 'a persistent volume',
      ]),
  },
  {
    id: 'secrets/none-in-settings',
    must: 'No setting MUST hold a secret: what is named like one MUST be the path of a file',
    check: (objects) => {
      const maps = ofKind<Pick<Wire<V1ConfigMap>, 'data'>>(objects, 'ConfigMap')
      const variables = podTemplates(objects).flatMap(({ owner, spec }) => containersOf(spec).flatMap(({ env = [] }) => env.map(({ name, value = '' }) => ({ owner, name, value }))))
      const pairs = [...maps.flatMap(({ metadata, data = {} }) => Object.entries(data).map(([name, value]) => ({ owner: `ConfigMap ${metadata.name}`, name, value }))), ...variables]
      const secretly = each(pairs, ({ owner }) => owner, ({ name, value }) => [
        /PASSWORD|KEY|SECRET|TOKEN(?!_SECONDS)/.test(name) && !(name.endsWith('_FILE') && value.startsWith('/run/secrets/')) && `${name} holds a value`,
        /:\/\/[^/]*:[^/]*@/.test(value) && `${name} is a URL with a password`,
      ])
      return all(secretly)
    },
  },
]
