/** Which Secrets the workloads read, and where their values come from. Values pass through here and nowhere else. */
import { randomBytes } from 'node:crypto'
import type { V1PodSpec } from '@kubernetes/client-node'
import { BadInput } from '../errors.ts'
import { MANAGER, PART_OF } from './identity.ts'
import { type KubeObject, type RenderedObject, type Wire, nameOf, refOf } from './objects.ts'

/** One Secret as the pods need it. */
export interface SecretNeed {
  name: string
  /** Key → required by at least one reader. */
  keys: Map<string, boolean>
  /** The objects that read it, for messages. */
  readers: Set<string>
  type: 'Opaque' | 'kubernetes.io/tls' | 'kubernetes.io/dockerconfigjson'
}

/** What became of the needs. Objects go into the plan like rendered ones. */
export interface SecretObjects {
  objects: RenderedObject[]
  /** `Secret/key` that were generated because no value existed. */
  generated: string[]
  /** Required keys without a value anywhere. */
  missing: MissingSecret[]
}

/** A key that pods read and nobody has given. */
export interface MissingSecret {
  secret: string
  key: string
  readers: string[]
}

/** Key of a Secret that opens a registry, as Kubernetes names it. */
export const PULL_KEY = '.dockerconfigjson'

/** Bytes of randomness in a generated value. */
const GENERATED_BYTES = 32
const GENERATED_KEYS = /-(password|key)$/

/**
 * Every Secret that pods mount, read as environment or pull their images with, and every TLS Secret of an Ingress (never required: it may belong to
 * a certificate controller).
 * @throws BadInput for a volume that does not list its keys: names the object
 */
export function secretNeeds(objects: readonly KubeObject[]): SecretNeed[] {
  const needs = new Map<string, SecretNeed>()
  const need = (name: string, key: string, required: boolean, reader: string, type: SecretNeed['type'] = 'Opaque'): void => {
    const entry = needs.get(name) ?? { name, keys: new Map<string, boolean>(), readers: new Set<string>(), type }
    entry.keys.set(key, (entry.keys.get(key) ?? false) || required)
    entry.readers.add(reader)
    needs.set(name, entry)
  }
  for (const object of objects) {
    const reader = nameOf(refOf(object))
    for (const spec of podSpecs(object)) {
      for (const { name } of spec.imagePullSecrets ?? []) if (name !== undefined) need(name, PULL_KEY, true, reader, 'kubernetes.io/dockerconfigjson')
      for (const volume of spec.volumes ?? []) {
        const projected = (volume.projected?.sources ?? []).flatMap(({ secret }) => (secret === undefined ? [] : [{ ...secret, secretName: secret.name }]))
        for (const secret of [...(volume.secret === undefined ? [] : [volume.secret]), ...projected]) {
          if (secret.secretName === undefined) continue
          if (secret.items === undefined) {
            throw new BadInput(`${reader}: volume ${volume.name} mounts Secret ${secret.secretName} without listing its keys`, {
              object: refOf(object),
              next: 'list the keys under items, so that the pod sees only those',
            })
          }
          for (const { key } of secret.items) need(secret.secretName, key, secret.optional !== true, reader)
        }
      }
      for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
        for (const { valueFrom } of container.env ?? []) {
          const ref = valueFrom?.secretKeyRef
          if (ref?.name !== undefined) need(ref.name, ref.key, ref.optional !== true, reader)
        }
      }
    }
    if (object.kind === 'Ingress') {
      const { tls = [] } = (object['spec'] ?? {}) as { tls?: { secretName?: string }[] }
      for (const { secretName } of tls) {
        if (secretName === undefined) continue
        for (const key of ['tls.crt', 'tls.key']) need(secretName, key, false, reader, 'kubernetes.io/tls')
      }
    }
  }
  return [...needs.values()]
}

/** Pod specs inside an object: a Pod's own, a controller's template, a CronJob's Job template. */
export function podSpecs(object: KubeObject): Wire<V1PodSpec>[] {
  const spec = object['spec'] as Record<string, unknown> | undefined
  if (spec === undefined) return []
  if (object.kind === 'Pod') return [spec as unknown as Wire<V1PodSpec>]
  const template = (spec['template'] ?? (spec['jobTemplate'] as { spec?: Record<string, unknown> } | undefined)?.spec?.['template']) as { spec?: Wire<V1PodSpec> } | undefined
  return template?.spec?.containers === undefined ? [] : [template.spec]
}

/**
 * The Secret objects that satisfy the needs. A value comes from the given files, else from the cluster (the same Secret first,
 * then any other that has the key), else it is generated where allowed and the key ends in `-password` or `-key`.
 * @param files key → bytes, from `--secrets-dir`
 * @param live Secrets of the namespace that this deployer manages
 * @param foreign names of Secrets in the namespace that someone else manages: left alone
 * @throws BadInput for a registry's configuration that is none: names the key, never a value
 */
export function secretObjects(
  needs: readonly SecretNeed[],
  namespace: string,
  files: ReadonlyMap<string, Buffer>,
  live: readonly KubeObject[],
  foreign: ReadonlySet<string>,
  options: { generate: boolean; random?: (bytes: number) => Buffer },
): SecretObjects {
  const random = options.random ?? randomBytes
  const liveData = new Map(live.map((secret) => [secret.metadata.name, (secret['data'] ?? {}) as Record<string, string>]))
  const made = new Map<string, string>()
  const generated: string[] = []
  const missing: MissingSecret[] = []
  const valueOf = (secret: string, key: string, required: boolean): string | undefined => {
    const file = files.get(key)
    if (file !== undefined) {
      if (key === PULL_KEY) checkDockerConfig(file)
      return file.toString('base64')
    }
    const kept = liveData.get(secret)?.[key] ?? [...liveData.values()].find((data) => data[key] !== undefined)?.[key] ?? made.get(key)
    if (kept !== undefined || !required || !options.generate || !GENERATED_KEYS.test(key)) return kept
    const value = Buffer.from(random(GENERATED_BYTES).toString('base64url')).toString('base64')
    made.set(key, value)
    generated.push(`${secret}/${key}`)
    return value
  }
  const objects: RenderedObject[] = []
  for (const { name, keys, readers, type } of needs) {
    if (foreign.has(name)) continue
    const data: Record<string, string> = {}
    for (const [key, required] of [...keys].sort()) {
      const value = valueOf(name, key, required)
      if (value !== undefined) data[key] = value
      else if (required) missing.push({ secret: name, key, readers: [...readers] })
    }
    if (Object.keys(data).length === 0) continue
    objects.push({
      source: '--secrets-dir',
      object: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': PART_OF, 'app.kubernetes.io/managed-by': MANAGER } },
        type,
        data,
      },
    })
  }
  return { objects, generated, missing }
}

/** What kubelet reads: an object with `auths`. */
function checkDockerConfig(value: Buffer): void {
  let parsed: unknown
  try {
    parsed = JSON.parse(value.toString())
  } catch {
    // The parser's message would quote the text.
  }
  const { auths } = (parsed ?? {}) as { auths?: unknown }
  if (typeof auths !== 'object' || auths === null) throw new BadInput(`secret ${PULL_KEY} is not the configuration of a registry: a JSON object with auths`, { next: 'give what `docker login` writes, or `kubectl create secret docker-registry --dry-run=client -o yaml` shows' })
}
