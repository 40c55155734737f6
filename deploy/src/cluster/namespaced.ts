/** A cluster as somebody sees it who has rights in one namespace only: even that the namespace exists may be hidden. */
import type { ApplyOptions, Cluster } from './client.ts'
import { ClusterError } from '../errors.ts'
import type { KubeObject, ObjectRef } from '../release/objects.ts'

function isForbidden(error: unknown): boolean {
  return error instanceof ClusterError && error.code === 'forbidden'
}

/**
 * The same cluster, for which a refusal to show or to change its Namespace is no failure: the namespace is taken for existing and
 * left as it is. Whatever is wrong about that is told by the next request inside it.
 * @param tell called once for each such refusal
 */
export function withinNamespace(cluster: Cluster, namespace: string, tell: (text: string) => void): Cluster {
  const told = new Set<string>()
  const tellOnce = (text: string): void => {
    if (!told.has(text)) tell(text)
    told.add(text)
  }
  const isOwn = (ref: { kind: string }, name: string): boolean => ref.kind === 'Namespace' && name === namespace

  const get = async (ref: ObjectRef): Promise<KubeObject | undefined> => {
    try {
      return await cluster.get(ref)
    } catch (error) {
      if (!isForbidden(error) || !isOwn(ref, ref.name)) throw error
      tellOnce(`namespace ${namespace} may not be looked at with this kubeconfig: it is taken for existing`)
      return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    }
  }
  const apply = async (object: KubeObject, options?: ApplyOptions): Promise<KubeObject> => {
    try {
      return await cluster.apply(object, options)
    } catch (error) {
      if (!isForbidden(error) || !isOwn(object, object.metadata.name)) throw error
      const live = await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace }).catch((hidden: unknown) => {
        if (!isForbidden(hidden)) throw hidden
        return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
      })
      if (live === undefined) throw error
      tellOnce(`namespace ${namespace} may not be changed with this kubeconfig: it stays as it is`)
      return live
    }
  }
  return new Proxy(cluster, {
    get(target, property) {
      if (property === 'get') return get
      if (property === 'apply') return apply
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
  })
}
